"""A person's namespaces: what they are in, settings, members, keys."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.factors import is_confirmed, seems_confirmed
from accounts.identity import PageView, PersonView, ask_to_confirm, page_actor, signed_in
from accounts.lists import part_of
from accounts.models import ApiToken, Membership, Namespace, NamespaceKind, User
from accounts.namespace_forms import KeyForm, NamespaceForm, OrganisationForm, RoleForm
from accounts.organisations import (
    change_settings,
    create_organisation,
    remove_member,
    set_member_role,
)
from accounts.policy import Verb, can
from accounts.services import create_token, revoke_token
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.errors import DomainError
from config.site import too_many_requests

P = ParamSpec("P")
NamespaceView = Callable[Concatenate[HttpRequest, User, Namespace, P], HttpResponseBase]
READ_AND_POST = ("GET", "HEAD", "POST")


def namespace_page(
    *methods: str, verb: Verb = Verb.MANAGE_NAMESPACE, of_organisation: bool = False
) -> Callable[[NamespaceView[P]], PageView[P]]:
    """Give a page the namespace of its address, with the viewer's `role`; 404 to who may not.

    What is posted is checked to be storable and counted. `of_organisation`: a page that a person's
    own namespace does not have.
    """

    def wrap(view: NamespaceView[P]) -> PageView[P]:
        @functools.wraps(view)
        def call(
            request: HttpRequest, viewer: User, handle: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            namespace = _namespace(request, handle, verb)
            if of_organisation and namespace.kind != NamespaceKind.ORG:
                raise Http404
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if request.method == "POST":
                refuse_unstorable_form(request)
                quota = take_quota(request, "write", viewer)
                if not quota.allowed:
                    return too_many_requests(request, quota.reset_seconds)
            return view(request, viewer, namespace, *args, **kwargs)

        return never_cache(signed_in(cast("PersonView[...]", call)))

    return wrap


def _namespace(request: HttpRequest, handle: str, verb: Verb) -> Namespace:
    actor = page_actor(request)
    namespace: Namespace | None = Namespace.objects.filter(handle=handle).first()
    if namespace is None or not can(actor, verb, namespace):
        raise Http404
    namespace.role = actor.namespace_roles[namespace.pk]
    return namespace


def show(
    request: HttpRequest, name: str, namespace: Namespace, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a page of a namespace, with the tabs that its viewer may use."""
    told = {"namespace": namespace, "tabs": _tabs(request, namespace)}
    told["may_manage"] = can(page_actor(request), Verb.MANAGE_NAMESPACE, namespace)
    return render(request, f"me/{name}.html", told | context, status=status)


def _tabs(request: HttpRequest, namespace: Namespace) -> list[dict[str, Any]]:
    may_manage = can(page_actor(request), Verb.MANAGE_NAMESPACE, namespace)
    is_organisation = namespace.kind == NamespaceKind.ORG
    pages = [
        ("Settings", "namespace", may_manage),
        ("Members", "members", is_organisation),
        ("Invites", "invites", is_organisation and may_manage),
        ("Keys", "keys", may_manage),
    ]
    found = [(label, page_of(name, namespace)) for label, name, is_there in pages if is_there]
    return [{"label": label, "url": url, "current": request.path == url} for label, url in found]


def page_of(name: str, namespace: Namespace) -> str:
    """Return the address of one of a namespace's pages."""
    return reverse(f"accounts:{name}", args=[namespace.handle])


def refuse(form: Any, refusal: DomainError, field: str | None = None) -> None:
    """Write a refusal on a form: beside its field, or above all."""
    named = field or refusal.field
    form.add_error(named if named in form.fields else None, refusal.message)


# --- All of them --------------------------------------------------------------------------------


@never_cache
@require_http_methods(READ_AND_POST)
@signed_in
def namespaces(request: HttpRequest, viewer: User) -> HttpResponse:
    """List the viewer's own namespace and organisations, and make an organisation."""
    form = OrganisationForm(request.POST or None)
    if request.method == "POST":
        refuse_unstorable_form(request)
        quota = take_quota(request, "write", viewer)
        if not quota.allowed:
            return too_many_requests(request, quota.reset_seconds)
        form = OrganisationForm(request.POST)
        made = _make_organisation(form, viewer)
        if made is not None:
            messages.success(request, f"Made {made}. Invite others, or make a key for programs.")
            return redirect(page_of("namespace", made))
    rows = Namespace.objects.of_person(viewer)
    context = {"namespaces": rows, "form": form}
    return render(request, "me/namespaces.html", context, status=422 if form.errors else 200)


def _make_organisation(form: OrganisationForm, viewer: User) -> Namespace | None:
    """Make what a form asks for; None leaves the reasons on the form."""
    if not form.is_valid():
        return None
    try:
        return create_organisation(
            user=viewer,
            slug=form.wanted_slug(),
            display_name=form.cleaned_data["display_name"],
        )
    except DomainError as refusal:
        refuse(form, refusal)
        return None


# --- Settings -----------------------------------------------------------------------------------


@namespace_page(*READ_AND_POST, verb=Verb.SEE_MEMBERS)
def settings(request: HttpRequest, viewer: User, namespace: Namespace) -> HttpResponse:
    """Show and change what a namespace says and allows; other members see who is in it."""
    if not can(page_actor(request), Verb.MANAGE_NAMESPACE, namespace):
        if request.method == "POST":
            raise Http404
        return redirect(page_of("members", namespace))
    names = NamespaceForm.base_fields
    initial = {name: getattr(namespace, name) for name in names}
    form = NamespaceForm(initial=initial)
    if request.method == "POST":
        form = NamespaceForm(request.POST)
        if form.is_valid() and _save(form, namespace, viewer):
            messages.success(request, "Saved.")
            return redirect(page_of("namespace", namespace))
    return show(request, "namespace", namespace, form=form, status=422 if form.errors else 200)


def _save(form: NamespaceForm, namespace: Namespace, viewer: User) -> bool:
    try:
        change_settings(namespace=namespace, actor=viewer, **form.cleaned_data)
    except DomainError as refusal:
        refuse(form, refusal)
    return not form.errors


# --- Members ------------------------------------------------------------------------------------


@namespace_page("GET", "HEAD", verb=Verb.SEE_MEMBERS, of_organisation=True)
def members(request: HttpRequest, viewer: User, namespace: Namespace) -> HttpResponse:  # noqa: ARG001
    """List who is in an organisation, in the order of their accounts."""
    rows = namespace.memberships.select_related("user")
    part = part_of(request, f"members:{namespace.pk}", rows, by="user_id")
    return show(request, "members", namespace, part=part)


@namespace_page(*READ_AND_POST, of_organisation=True)
def member(request: HttpRequest, viewer: User, namespace: Namespace, user_id: int) -> HttpResponse:
    """Show a member and give them another role."""
    found = _member(namespace, user_id)
    form = RoleForm(initial={"role": found.role})
    if request.method == "POST":
        form = RoleForm(request.POST)
        if form.is_valid() and _give_role(form, found, viewer):
            messages.success(request, f"{found.user.handle} is {form.cleaned_data['role']} now.")
            return redirect(page_of("members", namespace))
    status = 422 if form.errors else 200
    return show(request, "member", namespace, member=found, form=form, status=status)


def _give_role(form: RoleForm, found: Membership, viewer: User) -> bool:
    try:
        set_member_role(membership=found, role=form.cleaned_data["role"], actor=viewer)
    except DomainError as refusal:
        refuse(form, refusal, "role")
    return not form.errors


@namespace_page(*READ_AND_POST, verb=Verb.SEE_MEMBERS, of_organisation=True)
def remove(request: HttpRequest, viewer: User, namespace: Namespace, user_id: int) -> HttpResponse:
    """Ask, then take a member out; oneself is leaving, which every member may."""
    is_self = user_id == viewer.pk
    if not is_self and not can(page_actor(request), Verb.MANAGE_NAMESPACE, namespace):
        raise Http404
    found = _member(namespace, user_id)
    if request.method != "POST":
        return show(request, "member_remove", namespace, member=found, is_self=is_self)
    try:
        remove_member(membership=found, actor=viewer)
    except DomainError as refusal:
        told = {"member": found, "is_self": is_self, "refusal": refusal.message}
        return show(request, "member_remove", namespace, status=422, **told)
    if is_self:
        messages.success(request, f"You left {namespace}.")
        return redirect("accounts:namespaces")
    messages.success(request, f"Removed {found.user.handle}, and revoked the keys they made here.")
    return redirect(page_of("members", namespace))


def _member(namespace: Namespace, user_id: int) -> Membership:
    rows = namespace.memberships.select_related("user", "namespace")
    found: Membership = get_object_or_404(rows, user_id=user_id)
    return found


# --- Keys ---------------------------------------------------------------------------------------


@namespace_page(*READ_AND_POST)
def keys(request: HttpRequest, viewer: User, namespace: Namespace) -> HttpResponseBase:
    """List the keys of a namespace and make one, which stands in the answer to its POST only."""
    if request.method != "POST":
        return _keys_page(request, viewer, namespace, KeyForm())
    if not is_confirmed(request, viewer):
        return ask_to_confirm(request)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            _key, text = create_token(
                user=viewer,
                label=form.cleaned_data["label"],
                scopes=form.cleaned_data["scopes"],
                namespace=namespace,
                expires_at=form.expires_at(),
            )
        except DomainError as refusal:
            refuse(form, refusal)
        else:
            label = form.cleaned_data["label"]
            return _keys_page(request, viewer, namespace, KeyForm(), made=text, label=label)
    return _keys_page(request, viewer, namespace, form, status=422)


def _keys_page(
    request: HttpRequest, viewer: User, namespace: Namespace, form: KeyForm, **context: Any
) -> HttpResponse:
    rows = ApiToken.objects.filter(namespace=namespace).select_related("user")
    part = part_of(request, f"keys:{namespace.pk}", rows)
    context |= {"is_confirmed": seems_confirmed(request, viewer)}
    return show(request, "keys", namespace, form=form, part=part, **context)


@namespace_page(*READ_AND_POST)
def revoke_key(
    request: HttpRequest, viewer: User, namespace: Namespace, lookup_id: str
) -> HttpResponse:
    """Ask, then revoke a key of the namespace, whoever made it."""
    key: ApiToken = get_object_or_404(namespace.api_tokens, lookup_id=lookup_id)
    if request.method != "POST":
        return show(request, "key_revoke", namespace, key=key)
    if revoke_token(token=key, actor=viewer):
        messages.success(request, f"Revoked “{key.label}”. It opens nothing any more.")
    else:
        messages.info(request, f"“{key.label}” was revoked before.")
    return redirect(page_of("keys", namespace))
