"""GitHub as a way in: what is asked of it, what is believed of its answers, what is kept.

The protocol is django-allauth's. GitHub is asked who somebody is and nothing more; its number for
them is what an account is found by, since names there change hands.
"""

from __future__ import annotations

from typing import Any, Final

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.github_links import PROVIDER, GitHubRefused, connect
from accounts.identity import page_actor
from accounts.models import User
from config.text import clean_line

LOGIN_LENGTH: Final = 64
NAME_LENGTH: Final = 120
MOST: Final = 2**63


def is_on() -> bool:
    """Say whether the operator registered this site with GitHub."""
    return bool(settings.GITHUB_CLIENT_ID and settings.GITHUB_CLIENT_SECRET)


class GitHubAdapter(GitHubOAuth2Adapter):
    """The calls to GitHub, or to what `GITHUB_URL` names."""

    @property
    def access_token_url(self) -> str:
        return f"{settings.GITHUB_URL}/login/oauth/access_token"

    @property
    def authorize_url(self) -> str:
        return f"{settings.GITHUB_URL}/login/oauth/authorize"

    @property
    def profile_url(self) -> str:
        return f"{settings.GITHUB_API_URL}/user"

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:  # noqa: ARG002
        """Return where GitHub sends people back to, as it was registered."""
        return f"{settings.SITE_URL}{reverse('github_callback')}"

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Fetch a token. Raises `OAuth2Error` whatever is odd about the answer."""
        try:
            answer: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OAuth2Error("The answer cannot be read.") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise OAuth2Error("The answer holds no token.")
        return answer

    def complete_login(self, *args: Any, **kwargs: Any) -> SocialLogin:
        """Ask who it is. Raises `OAuth2Error` whatever is odd about the answer."""
        try:
            return super().complete_login(*args, **kwargs)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OAuth2Error("The answer cannot be read.") from error


class GitHub(GitHubProvider):
    """GitHub, with what we keep of a person: number, login and name."""

    oauth2_adapter_class = GitHubAdapter

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Return the number of an account, which stays when its name changes."""
        number = data["id"]
        if type(number) is not int or not 0 < number < MOST:
            raise TypeError("An id is a number.")
        return str(number)

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return login and name, without what no column holds."""
        return {
            "username": clean_line(str(data["login"]), LOGIN_LENGTH),
            "name": clean_line(str(data.get("name") or ""), NAME_LENGTH),
        }

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept beside the number: the login, to tell accounts apart."""
        return {"login": clean_line(str(data["login"]), LOGIN_LENGTH)}


class GitHubPeopleAdapter(DefaultSocialAccountAdapter):
    """What allauth asks about people who come from GitHub."""

    def list_apps(
        self,
        request: HttpRequest,  # noqa: ARG002
        provider: str | None = None,  # noqa: ARG002
        client_id: str | None = None,  # noqa: ARG002
    ) -> list[SocialApp]:
        """Return what the settings say, and nothing from a table."""
        told = {"client_id": settings.GITHUB_CLIENT_ID, "secret": settings.GITHUB_CLIENT_SECRET}
        return [SocialApp(provider=PROVIDER, name="GitHub", **told)] if is_on() else []

    def get_provider(
        self,
        request: HttpRequest,
        provider: str,  # noqa: ARG002
        client_id: str | None = None,  # noqa: ARG002
    ) -> GitHub:
        """Return GitHub."""
        return GitHub(request, app=self.get_app(request, PROVIDER))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002
        """Let whoever comes from GitHub have an account."""
        return True

    def serialize_instance(self, instance: Model) -> dict[str, Any]:
        """Return what a session keeps until a name is chosen: of a person no more than that."""
        if isinstance(instance, User):
            told = {"handle": instance.handle, "display_name": instance.display_name}
            return told | {"pk": instance.pk}
        kept: dict[str, Any] = super().serialize_instance(instance)
        return kept

    def deserialize_instance(self, model: type[Model], data: dict[str, Any]) -> Model:
        """Return what `serialize_instance` kept."""
        if model is User:
            return User(**data)
        found: Model = super().deserialize_instance(model, data)
        return found

    def populate_user(
        self,
        request: HttpRequest,  # noqa: ARG002
        sociallogin: SocialLogin,
        data: dict[str, Any],
    ) -> User:
        """Remember login and name until a handle is chosen."""
        user: User = sociallogin.user
        user.handle, user.display_name = data["username"], data["name"]
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Forget the token, good for the one question that was asked; connect who came for that."""
        sociallogin.token = None
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_connected(request, sociallogin.account))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: GitHub,  # noqa: ARG002
        error: str | None = None,
        exception: Exception | None = None,  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> None:
        """Answer with a page of ours that leads back to signing in."""
        context = {"is_cancelled": error == AuthError.CANCELLED}
        raise ImmediateHttpResponse(
            render(request, "public/github_failed.html", context, status=403)
        )


def _connected(request: HttpRequest, account: SocialAccount) -> HttpResponseBase:
    """Add the account to whoever is signed in, and say on their page what came of it."""
    viewer = page_actor(request).user
    if viewer is None:
        return redirect("accounts:login")
    try:
        connect(user=viewer, account=account)
    except GitHubRefused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "GitHub signs you in from now on.")
    return redirect("accounts:security")
