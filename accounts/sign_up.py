"""Accounts that people make themselves, by signing in with GitHub: under a name of their own.

A name is theirs if it follows the rules of all names, nobody has it, and no other looks like it.
A namespace that an import made belongs to nobody yet, but is not given to whoever asks for it.
"""

from __future__ import annotations

from typing import Final

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from accounts.handles import look_column, look_of
from accounts.models import Namespace, User
from accounts.organisations import NAME_LENGTH, RESERVED_HANDLES, HandleRefused, handle_of
from accounts.services import create_user
from config.errors import DomainError
from config.text import clean_line, has_unstorable

_RESERVED_LOOKS: Final = frozenset(map(look_of, RESERVED_HANDLES))
SUGGESTIONS: Final = 9


class AlreadySignedUp(DomainError):
    """This account of GitHub has one here: sign in with it."""

    code = "account_exists"


def free_handle(text: str) -> str:
    """Return the handle that a typed name becomes, if a new person may have it.

    Raises `HandleRefused`: `handle_invalid`, `handle_reserved`, `handle_taken`, `handle_alike`.
    """
    handle = handle_of(text)
    look = look_of(handle)
    if not look or look in _RESERVED_LOOKS:
        raise HandleRefused(
            f"The name {handle} looks like a reserved one; add a word of your own.",
            field="handle",
            code="handle_reserved",
        )
    # A person's handle is that of their namespace, so one look covers both.
    alike = Namespace.objects.alias(look=look_column("handle")).filter(look=look)
    found = alike.order_by("handle").first()
    if found is None:
        return handle
    if found.handle == handle or User.objects.filter(handle=handle).exists():
        raise taken(handle)
    raise HandleRefused(
        f"The name {handle} looks too much like {found.handle}; choose another one.",
        field="handle",
        code="handle_alike",
    )


def taken(handle: str) -> HandleRefused:
    """Return the refusal of a name that somebody has."""
    return HandleRefused(
        f"The name {handle} is taken; choose another one.", field="handle", code="handle_taken"
    )


def suggest_handle(login: str) -> str:
    """Return a free handle like the name somebody has elsewhere; "" where none comes to mind."""
    if has_unstorable(login):
        return ""
    for number in range(1, SUGGESTIONS + 1):
        try:
            return free_handle(login if number == 1 else f"{login}-{number}")
        except DomainError as refusal:
            if refusal.code == "handle_invalid":
                return ""
    return ""


@transaction.atomic
def sign_up(*, handle: str, display_name: str, account: SocialAccount) -> User:
    """Make a person who signs in with this account of GitHub.

    Raises `HandleRefused`, `AlreadySignedUp` (pressed twice, or in two windows).
    """
    known = SocialAccount.objects.filter(provider=account.provider, uid=account.uid)
    exists = AlreadySignedUp("This account of GitHub has one here already; sign in with it.")
    if known.exists():
        raise exists
    name = free_handle(handle)
    try:
        with transaction.atomic():
            told = clean_line(display_name, NAME_LENGTH)
            user = create_user(handle=name, display_name=told, claim=False)
            account.user = user
            account.save(force_insert=True)
    except (IntegrityError, DomainError):
        # Somebody was as quick: with this name, or with this account in another window.
        account.pk = None
        raise (exists if known.exists() else taken(name)) from None
    return user
