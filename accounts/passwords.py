"""A person's password: changed, or set by who came from GitHub and has none."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.services import lock_people


@transaction.atomic
def set_password(*, user: User, password: str) -> bool:
    """Let this password, which a form has checked, sign the person in; the one before does no more.

    Every session that does not learn of it ends. `user` learns the password alone: a session that
    was signed out everywhere meanwhile stays out. False for a closed account, which gets none.
    """
    [person] = lock_people(user)
    if person.is_closed:
        return False
    before = person.has_usable_password()
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    audit.record(actor=user, verb="password.change" if before else "password.set", thing=user)
    return True
