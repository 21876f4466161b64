"""The names under which django-allauth looks for pages; the addresses and the pages are ours."""

from django.urls import URLPattern, path

from accounts import github_views, security_views, views

urlpatterns: list[URLPattern] = [
    path("login/", views.SignIn.as_view(), name="account_login"),
    path("login/github/", github_views.start, name="github_login"),
    path("login/github/callback/", github_views.callback, name="github_callback"),
    path("login/github/name/", github_views.choose_name, name="socialaccount_signup"),
    path("login/code/", security_views.sign_in_step, name="mfa_authenticate"),
]
