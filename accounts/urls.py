from django.urls import URLPattern, path

from accounts import device_views, views

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/device/", device_views.device_login, name="device-login"),
    path("logout/", views.sign_out, name="logout"),
    path("theme/", views.theme, name="theme"),
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<slug:lookup_id>/revoke/", views.revoke, name="revoke-token"),
    path("me/devices/", device_views.devices, name="devices"),
    path("me/devices/end/", device_views.end_all_devices, name="end-devices"),
    path("me/devices/<slug:session_id>/end/", device_views.end_device, name="end-device"),
]
