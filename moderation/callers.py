"""Who calls the desk's API: a token of staff that may moderate."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from accounts.api import token_holder
from accounts.models import User
from accounts.policy import ScopeMissing, SecondFactorMissing, Verb, can
from config.api import endpoint
from skills.api import actor_of, on_refusal

# Reads that a visitor has no part in.
own_reads = endpoint("read", token_holder, on_refusal)
ROLE_HINT: Final = "This call takes a moderator's token with the right “moderate”."


def moderator_of(request: HttpRequest) -> User:
    """Return the moderator behind the token, with the role that the token opens.

    An admin's token without the right to administer acts as a moderator's. Raises `ScopeMissing`,
    `SecondFactorMissing`.
    """
    actor = actor_of(request)
    if actor.user is None or not can(actor, Verb.STAFF):
        if actor.lacks_factor:
            raise SecondFactorMissing
        raise ScopeMissing(ROLE_HINT)
    # Of this request only: nobody saves a person on the way.
    actor.user.role = actor.role
    return actor.user
