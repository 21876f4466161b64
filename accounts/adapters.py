"""How django-allauth is fitted to our people: no sign-up, no mail, no messages of its own."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any, Final
from urllib.parse import urlsplit

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.stages import AuthenticateStage
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare, salted_hmac
from qrcode.image.svg import SvgPathFillImage

from accounts.models import User

MODEL_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


class PeopleAdapter(DefaultAccountAdapter):
    """What allauth asks about accounts; our views say what happened, in our words."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Refuse: accounts are made by the people who run the registry."""
        return False

    def get_login_stages(self) -> list[str]:
        """Name what stands between a right password and a session."""
        return ["accounts.adapters.FactorStage"]

    def pre_login(
        self,
        request: HttpRequest,
        user: User,
        **_kwargs: Any,
    ) -> HttpResponse | None:
        """Refuse a closed account, whose holder proved by now that it is theirs."""
        if user.banned_at is None and user.is_active:
            return None
        clear_login(request)
        return render(request, "public/account_closed.html", {"account": user}, status=403)

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Say nothing."""

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in under the one backend that knows people, wherever the way in began."""
        user.backend = MODEL_BACKEND
        super().login(request, user)


class FactorStage(AuthenticateStage):
    """The second factor, where there is one; signing out everywhere ends the wait for it, too."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Lead to the page that asks for it."""
        self.state["known"] = self.login.user.get_session_auth_hash()
        answer: tuple[HttpResponse | None, bool] = super().handle()
        return answer

    @property
    def is_over(self) -> bool:
        """Say whether the person was banned or signed out since the password was typed."""
        user = self.login.user
        known = user.get_session_auth_hash()
        return user.banned_at is not None or not constant_time_compare(self.state["known"], known)


class FactorAdapter(DefaultMFAAdapter):
    """What allauth asks about second factors: secrets are encrypted under the site's key."""

    def get_totp_issuer(self) -> str:
        """Return what apps show beside the handle."""
        return f"Skillboard ({urlsplit(settings.SITE_URL).hostname})"

    def get_totp_label(self, user: User) -> str:
        """Return the handle."""
        return str(user.handle)

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """Say to a passkey whose it is: by an id of ours, the handle and the name."""
        return {
            "id": str(user.pk).encode(),
            "display_name": user.name,
            "name": user.handle,
        }

    def build_totp_svg(self, url: str) -> str:
        """Return the picture that an app reads, on white in dark pages, too."""
        picture: bytes = qrcode.make(url, image_factory=SvgPathFillImage).to_string()
        return picture.decode()

    def encrypt(self, text: str) -> str:
        """Return what the database keeps of a secret."""
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; one written under a former key of `SECRET_KEY_FALLBACKS`, too."""
        return _keys().decrypt(encrypted_text.encode()).decode()


def _keys() -> MultiFernet:
    """Return the keys of secrets, which follow from those of the site."""
    keys = (
        salted_hmac("accounts.adapters.factors", "", secret=secret, algorithm="sha256").digest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])
