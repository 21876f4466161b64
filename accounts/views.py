"""Signing in and out, the colour scheme, and a person's own tokens."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.context import THEME_COOKIE, THEMES
from accounts.factors import is_confirmed, seems_confirmed
from accounts.forms import SignInForm, TokenForm
from accounts.github import is_on
from accounts.identity import ask_for_factor, ask_to_confirm, counted, page_actor, signed_in
from accounts.lists import part_of
from accounts.lockout import too_many_tries
from accounts.models import ApiToken, User
from accounts.services import create_token, revoke_token
from accounts.tokens import TokenText
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests
from config.text import has_unstorable

THEME_SECONDS: Final = 365 * 24 * 3600


def refuse_unstorable_form(request: HttpRequest) -> None:
    """Refuse a form with half a surrogate pair: a declared charset can spell one.

    Neither a page nor the database could hold it. NUL is refused by the form fields themselves.
    """
    values = (value for _, found in request.POST.lists() for value in found)
    if any(has_unstorable(value.replace("\0", "")) for value in values):
        raise BadRequest("Send the form as UTF-8.")


# --- Signing in and out -------------------------------------------------------------------------


class SignIn(LoginView):
    """`/login/`: a form, and a redirect for who is signed in already."""

    authentication_form = SignInForm
    template_name = "public/login.html"
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Pass a signed-in person on; a banned one's session counts for nothing."""
        refuse_unstorable_form(request)
        if page_actor(request).user is not None:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Count the attempt of this address before the password is looked at."""
        return too_many_tries(request) or super().post(request, *args, **kwargs)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Offer GitHub where it is a way in, and let the form lead there."""
        response = super().render_to_response(context | {"has_github": is_on()}, **kwargs)
        if is_on():
            response._csp_update = {"form-action": [settings.GITHUB_URL]}  # type: ignore[attr-defined]  # noqa: SLF001
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or lead to the second factor of an account that has one."""
        user = form.get_user()
        login = Login(user=user, redirect_url=self.get_success_url())
        response: HttpResponse = perform_password_login(
            self.request, {"username": user.handle}, login
        )
        if not self.request.user.is_authenticated:
            # Half signed in is more than nothing: a session that somebody planted is given up.
            self.request.session.cycle_key()
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again; 422 tells htmx and programs that nobody was signed in."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session on POST; a GET asks first, for it may be a link somebody planted."""
    if request.method != "POST" and page_actor(request).user is not None:
        return render(request, "public/sign_out.html")
    if request.method == "POST":
        logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Send who has to sign in for the raw admin site to the one sign-in page; 404 for the rest."""
    actor = page_actor(request)
    if actor.user is not None and not actor.user.is_staff:
        raise Http404
    if actor.lacks_factor:
        return ask_for_factor(request)
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return redirect_to_login(wanted if is_ours else "/django-admin/")


# --- The colour scheme --------------------------------------------------------------------------


def _is_our_own(request: HttpRequest) -> bool:
    """Say whether a browser sent this from a page of ours, by what it says of itself.

    A program that says nothing passes: it has no visitor's cookies to misuse.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    ours = {request.get_host(), urlsplit(settings.SITE_URL).netloc}
    return origin is None or urlsplit(origin).netloc in ours


@csrf_exempt  # Cacheable pages carry no token; a stranger's page is told by its origin instead.
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the colour scheme for a year and go back to the page it was chosen on."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        raise BadRequest("theme is system, light or dark.")
    if not _is_our_own(request):
        return render(request, "403.html", status=403)
    # A script that fetches needs no page; without one the browser goes back.
    response = (
        HttpResponse(status=204)
        if request.headers.get("Sec-Fetch-Dest") == "empty"
        else redirect(_page_before(request))
    )
    response.set_cookie(
        THEME_COOKIE,
        chosen,
        max_age=THEME_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
    return response


def _page_before(request: HttpRequest) -> str:
    """Return the address the visitor came from if it is ours, else that of the home page."""
    wanted = request.POST.get("next") or request.headers.get("Referer", "")
    is_ours = not has_unstorable(wanted) and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"


# --- My tokens ----------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: HttpRequest, viewer: User) -> HttpResponseBase:
    """List a person's tokens and make one.

    A new token stands in the answer to its POST and nowhere else: a redirect would have to keep
    the secret in a session row or a cookie file. Reloading asks first, then makes another token.
    """
    if request.method != "POST":
        return _tokens_page(request, viewer, TokenForm(role=viewer.role))
    refuse_unstorable_form(request)
    if not is_confirmed(request, viewer):
        return ask_to_confirm(request)
    quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    form = TokenForm(request.POST, role=viewer.role)
    text = _make_token(form, viewer)
    if text is None:
        return _tokens_page(request, viewer, form, status=422)
    return _tokens_page(
        request, viewer, TokenForm(role=viewer.role), made=text, label=form.cleaned_data["label"]
    )


def _make_token(form: TokenForm, viewer: User) -> TokenText | None:
    """Make the token a form asks for; None leaves the reasons on the form."""
    if not form.is_valid():
        return None
    try:
        _token, text = create_token(
            user=viewer,
            label=form.cleaned_data["label"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(),
        )
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return None
    return text


def _tokens_page(
    request: HttpRequest, viewer: User, form: TokenForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    rows = viewer.api_tokens.select_related("namespace")
    context |= {"is_confirmed": seems_confirmed(request, viewer)}
    context |= {"form": form, "part": part_of(request, f"tokens:{viewer.pk}", rows)}
    return render(request, "me/tokens.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@counted
def revoke(request: HttpRequest, viewer: User, lookup_id: str) -> HttpResponseBase:
    """Ask, then revoke one of the person's own tokens; a stranger's is not found."""
    token: ApiToken = get_object_or_404(viewer.api_tokens, lookup_id=lookup_id)
    if request.method != "POST":
        return render(request, "me/token_revoke.html", {"token": token})
    if revoke_token(token=token, actor=viewer):
        messages.success(request, f"Revoked “{token.label}”. It opens nothing any more.")
    else:
        messages.info(request, f"“{token.label}” was revoked before.")
    return redirect("accounts:tokens")
