from django.urls import URLPattern, URLResolver, include, path

from accounts import (
    device_views,
    github_views,
    invite_views,
    namespace_views,
    security_views,
    settings_views,
    views,
)

app_name = "accounts"
urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/device/", device_views.device_login, name="device-login"),
    path("logout/", views.sign_out, name="logout"),
    path("theme/", views.theme, name="theme"),
    path("me/settings/", settings_views.settings, name="settings"),
    path("me/security/", security_views.security, name="security"),
    path("me/security/confirm/", security_views.confirm, name="confirm"),
    path("me/security/sign-out/", security_views.end_everywhere, name="end-everywhere"),
    path("me/security/password/", security_views.password, name="password"),
    path("me/security/app/", security_views.app, name="factor-app"),
    path("me/security/passkeys/", security_views.new_passkey, name="new-passkey"),
    path("me/security/github/", github_views.connect, name="connect-github"),
    path("me/security/github/remove/", github_views.take_away, name="disconnect-github"),
    path("me/security/recovery-codes/", security_views.recovery_codes, name="recovery-codes"),
    path(
        "me/security/factors/<int:factor_id>/remove/",
        security_views.drop_factor,
        name="remove-factor",
    ),
    path("me/tokens/", views.tokens, name="tokens"),
    path("me/tokens/<slug:lookup_id>/revoke/", views.revoke, name="revoke-token"),
    path("me/devices/", device_views.devices, name="devices"),
    path("me/devices/end/", device_views.end_all_devices, name="end-devices"),
    path("me/devices/<slug:session_id>/end/", device_views.end_device, name="end-device"),
    # The traces client prints it without a slash.
    path("invite/<slug:code>", invite_views.accept),
    path("invite/<slug:code>/", invite_views.accept, name="invite"),
    path("me/namespaces/", namespace_views.namespaces, name="namespaces"),
    path(
        "me/namespaces/<str:handle>/",
        include(
            [
                path("", namespace_views.settings, name="namespace"),
                path("members/", namespace_views.members, name="members"),
                path("members/<int:user_id>/", namespace_views.member, name="member"),
                path("members/<int:user_id>/remove/", namespace_views.remove, name="remove-member"),
                path("invites/", invite_views.invites, name="invites"),
                path("invites/<int:invite_id>/revoke/", invite_views.revoke, name="revoke-invite"),
                path("keys/", namespace_views.keys, name="keys"),
                path(
                    "keys/<slug:lookup_id>/revoke/", namespace_views.revoke_key, name="revoke-key"
                ),
            ]
        ),
    ),
]
