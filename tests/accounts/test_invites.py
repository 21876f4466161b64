"""Invites let in as many as they say, while they are open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import invites, organisations
from accounts.invites import (
    InviteRefused,
    accept_invite,
    create_invite,
    find_invite,
    revoke_invite,
)
from accounts.models import AuditEvent, Invite, Membership
from accounts.services import create_user
from config.errors import DomainError
from tests.config.rivals import at_once, meet
from tests.factories.accounts import organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(alice):
    return organisation("acme", owner=alice)


def code_of(call) -> str:
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value.code


def test_an_invite_is_found_by_its_code_which_is_not_kept(acme, alice):
    invite, code = create_invite(namespace=acme, actor=alice, email="z@example.test")

    assert len(code) >= 22
    assert code not in str(Invite.objects.values().get())
    assert find_invite(code) == invite
    assert find_invite(code[:-1]) is None
    assert timedelta(days=6) < invite.expires_at - timezone.now() <= timedelta(days=7)
    told = AuditEvent.objects.get(verb="invite.create")
    assert "example.test" not in f"{told.before}{told.after}{told.object_label}"


def test_an_invite_lets_one_in_and_then_nobody(acme, alice, charlie, mona):
    invite, _ = create_invite(namespace=acme, actor=alice)

    assert accept_invite(invite=invite, user=charlie)
    assert not accept_invite(invite=invite, user=charlie)
    assert not accept_invite(invite=invite, user=alice)
    assert code_of(lambda: accept_invite(invite=invite, user=mona)) == "invite_over"
    assert Membership.objects.get(user=charlie).role == "member"
    assert AuditEvent.objects.filter(verb="member.join").count() == 1


def test_an_invite_for_everybody_is_not_used_up(acme, alice, charlie, mona):
    invite, _ = create_invite(namespace=acme, actor=alice, max_uses=0)

    assert accept_invite(invite=invite, user=charlie)
    assert accept_invite(invite=invite, user=mona)
    invite.refresh_from_db()
    assert (invite.uses, invite.state) == (2, "open")


@pytest.mark.parametrize("why", ["revoked", "expired"])
def test_an_invite_that_is_over_lets_nobody_in(acme, alice, charlie, why):
    invite, _ = create_invite(namespace=acme, actor=alice)
    if why == "revoked":
        assert revoke_invite(invite=invite, actor=alice)
        assert not revoke_invite(invite=invite, actor=alice)
    else:
        Invite.objects.update(expires_at=timezone.now())

    with pytest.raises(InviteRefused, match="Ask whoever sent it"):
        accept_invite(invite=invite, user=charlie)
    invite.refresh_from_db()
    assert invite.state == why
    assert not Invite.objects.open().exists()
    assert not Membership.objects.filter(user=charlie).exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"max_uses": -1}, "invite_invalid"),
        ({"max_uses": 1001}, "invite_invalid"),
        ({"email": "nobody"}, "invite_invalid"),
        ({"email": "a" * 250 + "@example.test"}, "invite_invalid"),
        ({"email": "a\0@example.test"}, "unstorable_text"),
    ],
)
def test_an_invite_that_cannot_be_is_refused(acme, alice, said, code):
    assert code_of(lambda: create_invite(namespace=acme, actor=alice, **said)) == code


def test_only_who_manages_an_organisation_invites(acme, alice, charlie):
    invite, _ = create_invite(namespace=acme, actor=alice)
    for actor in (charlie, create_user(handle="bob")):
        Membership.objects.get_or_create(namespace=acme, user=charlie)
        assert code_of(lambda a=actor: create_invite(namespace=acme, actor=a)) == "admin_required"
        assert code_of(lambda a=actor: revoke_invite(invite=invite, actor=a)) == "admin_required"
    own = lambda: create_invite(namespace=alice.namespace, actor=alice)  # noqa: E731
    assert code_of(own) == "not_organisation"


def test_there_are_limits(acme, alice, charlie, monkeypatch):
    monkeypatch.setattr(invites, "INVITES_PER_NAMESPACE", 1)
    invite, _ = create_invite(namespace=acme, actor=alice)
    assert code_of(lambda: create_invite(namespace=acme, actor=alice)) == "too_many_invites"
    monkeypatch.setattr(organisations, "NAMESPACES_PER_USER", 0)
    assert code_of(lambda: accept_invite(invite=invite, user=charlie)) == "too_many_namespaces"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_share_the_last_use_one_gets_in(acme, alice, charlie, mona):
    invite, _ = create_invite(namespace=acme, actor=alice)

    first, second = meet(
        lambda: accept_invite(invite=invite, user=charlie),
        lambda: accept_invite(invite=invite, user=mona),
    )

    assert (first, second.code) == (True, "invite_over")
    assert Membership.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_who_accepts_many_times_at_once_is_one_member(acme, alice, charlie):
    invite, _ = create_invite(namespace=acme, actor=alice, max_uses=0)

    results = at_once(*[lambda: accept_invite(invite=invite, user=charlie)] * 4)

    assert sorted(results) == [False, False, False, True]
    assert Invite.objects.get().uses == 1


@pytest.mark.django_db(transaction=True)
def test_an_invite_that_is_revoked_first_lets_nobody_in(acme, alice, charlie):
    invite, _ = create_invite(namespace=acme, actor=alice)

    _, refused = meet(
        lambda: revoke_invite(invite=invite, actor=alice),
        lambda: accept_invite(invite=invite, user=charlie),
    )

    assert refused.code == "invite_over"
