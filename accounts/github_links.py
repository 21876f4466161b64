"""A person's account of GitHub, added to the account they have here, and taken away again."""

from __future__ import annotations

from typing import Final

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from accounts.services import lock_people
from config.errors import DomainError

PROVIDER: Final = "github"


class GitHubRefused(DomainError):
    code = "github_refused"


def account_of(user: User) -> SocialAccount | None:
    """Return the account of GitHub that signs this person in."""
    return SocialAccount.objects.filter(user=user, provider=PROVIDER).first()


@transaction.atomic
def connect(*, user: User, account: SocialAccount) -> bool:
    """Let this account of GitHub sign the person in; False when it does already.

    Raises `GitHubRefused` where it signs somebody else in, or another one signs them in.
    """
    lock_people(user)
    held = account_of(user)
    if held is not None and held.uid == account.uid:
        return False
    if held is not None:
        raise GitHubRefused("Another account of GitHub signs you in; disconnect that one first.")
    try:
        with transaction.atomic():
            SocialAccount.objects.create(
                user=user, provider=PROVIDER, uid=account.uid, extra_data=account.extra_data
            )
    except IntegrityError:
        raise GitHubRefused(
            "This account of GitHub signs somebody else in here; sign in with it, or use another."
        ) from None
    audit.record(actor=user, verb="github.connect", thing=user)
    return True


@transaction.atomic
def disconnect(*, user: User) -> bool:
    """Let GitHub sign the person in no more; False when it does not.

    Raises `GitHubRefused` for who has no password: nothing would let them in.
    """
    [user] = lock_people(user)
    if account_of(user) is None:
        return False
    if not user.has_usable_password():
        raise GitHubRefused("It is your only way in: set a password first.")
    SocialAccount.objects.filter(user=user, provider=PROVIDER).delete()
    audit.record(actor=user, verb="github.disconnect", thing=user)
    return True
