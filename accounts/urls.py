from django.urls import URLPattern, path

from accounts import views

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("theme/", views.theme, name="theme"),
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<slug:lookup_id>/revoke/", views.revoke, name="revoke-token"),
]
