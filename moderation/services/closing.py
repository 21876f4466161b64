"""Deleting one's account: closed at once (accounts/closing.py), erased by the job `erase_accounts`.

The job takes each step until nothing is left for it, in transactions of its own, so it may be
killed and repeated anywhere, and two may meet. A request that was let in before the account closed
may still write after the job came by: so an account counts as erased only after a round that began
`LATE` after it closed and found nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import closing
from accounts.models import User
from jobs.services import start_run
from skills.closing import clear_marks, delete_skills, forget_comments, reject_offers
from traces.services.closing import delete_traces, take_all_back

JOB: Final = "erase_accounts"
LATE: Final = timedelta(minutes=5)
"""Longer than a request takes that writes."""


class ConfirmationWrong(closing.ClosingRefused):
    """What was typed to confirm is not the person's; `field` says what."""

    code = "confirmation_wrong"


@transaction.atomic
def close_account(*, user: User, handle: str, password: str) -> bool:
    """Delete a person's account, once they typed their handle and password; False when it is.

    From now on nothing opens it; what it holds goes by a run. Nothing undoes it. Raises
    `ConfirmationWrong`, and as `accounts.closing.close`.
    """
    if handle.strip().removeprefix("@").lower() != user.handle:
        raise ConfirmationWrong(f"Type {user.handle} to say that you mean it.", field="handle")
    # Who signs in elsewhere has no password here that could be asked for.
    if user.has_usable_password() and not user.check_password(password):
        raise ConfirmationWrong("This is not your password.", field="password")
    if not closing.close(user=user):
        return False
    start_run(kind=JOB)
    return True


def erase_account(*, user: User) -> Iterator[int]:
    """Erase a closed account step by step; yields how many things a committed step took."""
    began, took = timezone.now(), 0
    spaces = closing.own_spaces(user)
    steps = (
        # What others can see first.
        delete_skills(person=user, spaces=spaces),
        take_all_back(person=user, spaces=spaces),
        reject_offers(person=user, spaces=spaces),
        clear_marks(person=user),
        forget_comments(person=user),
        delete_traces(person=user, spaces=spaces),
    )
    for step in steps:
        for count in step:
            took += count
            yield count
    assert user.closed_at is not None  # noqa: S101 - `to_erase` read it.
    if not took and began - user.closed_at >= LATE:
        closing.finish(user=user)
