"""Organisations: made under a name of their own, and never without an owner."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts import organisations
from accounts.models import ApiToken, AuditEvent, MemberRole, Membership, Namespace, Visibility
from accounts.organisations import (
    RESERVED_HANDLES,
    AdminRequired,
    change_settings,
    create_organisation,
    handle_of,
    remove_member,
    set_member_role,
)
from accounts.policy import Actor, Verb, can
from accounts.services import (
    TokenRefused,
    authenticate_token,
    create_token,
    create_user,
    revoke_token,
)
from config.errors import DomainError
from tests.config.rivals import at_once, meet
from tests.config.test_matrix import all_routes
from tests.factories.accounts import organisation
from tests.factories.skills import NamespaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(db):
    """Another member."""
    return create_user(handle="bob", password="bob-keeps-a-secret")


@pytest.fixture
def acme(alice, bob):
    """Alice's organisation, of which Bob is a member."""
    return organisation("acme", owner=alice, member=bob)


def member(namespace, person) -> Membership:
    return Membership.objects.select_related("namespace").get(namespace=namespace, user=person)


def code_of(call) -> str:
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value.code


# --- Made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "handle"),
    [
        ("Beta Co", "beta-co"),
        ("@Acme", "acme"),
        ("  Café  Zürich ", "cafe-zurich"),
        ("acme.io", "acme.io"),
        ("a_b", "a_b"),
        ("--x y--", "x-y"),
        ("Ｆｕｌｌ", "full"),
        ("a/../b", "a-..-b"),
        ("a" * 64, "a" * 64),
    ],
)
def test_a_handle_is_made_from_what_was_typed(typed, handle):
    assert handle_of(typed) == handle


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "handle_invalid"),
        ("x", "handle_invalid"),
        ("日本", "handle_invalid"),
        ("a" * 65, "handle_invalid"),
        ("\u202e", "handle_invalid"),
        ("a\0b", "unstorable_text"),
        ("Admin", "handle_reserved"),
        ("skillboard", "handle_reserved"),
    ],
)
def test_a_name_that_cannot_be_is_refused(typed, code, alice):
    assert code_of(lambda: create_organisation(user=alice, slug=typed)) == code
    assert Namespace.objects.count() == 1


def test_every_first_word_of_our_addresses_is_reserved():
    ours = {word for route in all_routes() if (word := route.split("/")[0]).isalnum()}

    assert {"skills", "me", "invite", "v1"} <= ours <= RESERVED_HANDLES


def test_its_maker_owns_it(alice):
    made = create_organisation(user=alice, slug="Beta Co", display_name=" Beta \u202e Co ")

    assert (made.handle, made.kind, made.name) == ("beta-co", "org", "Beta Co")
    assert member(made, alice).role == MemberRole.OWNER
    assert AuditEvent.objects.filter(actor=alice, verb="organisation.create").exists()


@pytest.mark.parametrize("taken_by", ["organisation", "person", "import", "handle of a person"])
def test_a_name_that_is_taken_is_refused(taken_by, alice):
    if taken_by == "person":
        create_user(handle="beta")
    elif taken_by == "handle of a person":
        user = create_user(handle="beta")
        Namespace.objects.filter(user=user).update(handle="renamed")
    else:
        NamespaceFactory(handle="beta", kind="org" if taken_by == "organisation" else "individual")

    assert code_of(lambda: create_organisation(user=alice, slug="Beta")) == "handle_taken"
    assert not Membership.objects.exists()


def test_there_is_a_limit_of_organisations(alice, monkeypatch):
    monkeypatch.setattr(organisations, "NAMESPACES_PER_USER", 1)
    create_organisation(user=alice, slug="one")

    assert code_of(lambda: create_organisation(user=alice, slug="two")) == "too_many_namespaces"


@pytest.mark.django_db(transaction=True)
def test_two_who_want_one_name_at_once_are_one_owner(alice):
    people = [create_user(handle=f"person-{number}") for number in range(4)]

    made = at_once(
        *[lambda p=person: create_organisation(user=p, slug="wanted") for person in people]
    )

    assert len([one for one in made if isinstance(one, Namespace)]) == 1, made
    assert {one.code for one in made if isinstance(one, DomainError)} == {"handle_taken"}
    assert Membership.objects.count() == 1


# --- Settings ------------------------------------------------------------------------------------


def test_settings_are_changed_by_who_manages_and_told_in_the_audit_trail(acme, alice, bob):
    said = {
        "display_name": "Acme Inc.",
        "trace_visibilities": ["private", "direct"],
        "trace_policy": "reject",
        "ai_summary_enabled": False,
    }

    assert change_settings(namespace=acme, actor=alice, **said)
    assert not change_settings(namespace=acme, actor=alice, **said)
    with pytest.raises(AdminRequired):
        change_settings(namespace=acme, actor=bob, **said)
    acme.refresh_from_db()
    assert acme.trace_visibilities == [Visibility.DIRECT, Visibility.PRIVATE]
    assert (acme.trace_policy, acme.ai_summary_enabled, acme.name) == ("reject", False, "Acme Inc.")
    row = AuditEvent.objects.get(verb="namespace.settings")
    assert row.before["trace_policy"] == "clamp"
    assert row.after["ai_summary_enabled"] is False
    assert (row.before["display_name"], row.after["display_name"]) == ("not kept", "not kept")


def test_the_own_namespace_has_settings_too(alice, bob):
    said = {
        "display_name": "",
        "trace_visibilities": ["private"],
        "trace_policy": "clamp",
        "ai_summary_enabled": True,
    }

    assert change_settings(namespace=alice.namespace, actor=alice, **said)
    with pytest.raises(AdminRequired):
        change_settings(namespace=alice.namespace, actor=bob, **said)


@pytest.mark.parametrize(
    ("name", "value"),
    [("trace_visibilities", []), ("trace_visibilities", ["secret"]), ("trace_policy", "x")],
)
def test_settings_that_cannot_be_are_refused(acme, alice, name, value):
    said = {
        "display_name": "",
        "trace_visibilities": ["private"],
        "trace_policy": "clamp",
        "ai_summary_enabled": True,
    } | {name: value}

    assert (
        code_of(lambda: change_settings(namespace=acme, actor=alice, **said)) == "settings_invalid"
    )


def test_the_database_wants_one_visibility(acme):
    with pytest.raises(IntegrityError), transaction.atomic():
        Namespace.objects.filter(pk=acme.pk).update(trace_visibilities=[])


# --- Members -------------------------------------------------------------------------------------


def test_the_roles_that_each_may_give(acme, alice, bob, charlie):
    Membership.objects.create(namespace=acme, user=charlie, role=MemberRole.ADMIN)

    for actor, target, role, code in (
        (bob, charlie, "member", "admin_required"),
        (charlie, alice, "member", "member_refused"),
        (charlie, bob, "owner", "member_refused"),
        (alice, alice, "admin", "last_owner"),
        (alice, bob, "boss", "role_invalid"),
    ):
        give = lambda t=target, r=role, a=actor: set_member_role(  # noqa: E731
            membership=member(acme, t), role=r, actor=a
        )
        assert code_of(give) == code, (actor, target, role)
    assert set_member_role(membership=member(acme, bob), role="admin", actor=charlie)
    assert not set_member_role(membership=member(acme, bob), role="admin", actor=charlie)
    assert set_member_role(membership=member(acme, bob), role="owner", actor=alice)
    assert set_member_role(membership=member(acme, alice), role="member", actor=alice)
    assert AuditEvent.objects.filter(verb="member.role").count() == 3


def test_a_member_is_removed_with_the_keys_they_made(acme, alice, bob):
    _, key = create_token(user=bob, label="hook", namespace=acme, scopes=["traces:write"])
    own, _ = create_token(user=bob, label="own", scopes=["traces:write"])
    found = member(acme, bob)

    assert code_of(lambda: remove_member(membership=member(acme, alice), actor=bob)) == (
        "admin_required"
    )
    remove_member(membership=found, actor=alice)

    with pytest.raises(TokenRefused) as refused:
        authenticate_token(str(key))
    assert refused.value.code == "token_revoked"
    assert ApiToken.objects.get(pk=own.pk).state == "active"
    again = lambda: remove_member(membership=found, actor=alice)  # noqa: E731
    assert code_of(again) == "not_member"
    verbs = AuditEvent.objects.filter(actor=alice).values_list("verb", flat=True)
    assert {"member.remove", "token.revoke"} <= set(verbs)


def test_a_key_opens_nothing_without_its_persons_membership(acme, bob):
    _, key = create_token(user=bob, label="hook", namespace=acme, scopes=["traces:write"])
    _, own = create_token(user=bob, label="own", namespace=bob.namespace, scopes=["traces:read"])
    assert authenticate_token(str(key)).namespace == acme
    Membership.objects.filter(user=bob).delete()

    with pytest.raises(TokenRefused):
        authenticate_token(str(key))
    assert authenticate_token(str(own)).namespace == bob.namespace


def test_everybody_may_leave_but_the_last_owner(acme, alice, bob):
    leave = lambda person: remove_member(membership=member(acme, person), actor=person)  # noqa: E731

    assert code_of(lambda: leave(alice)) == "last_owner"
    set_member_role(membership=member(acme, bob), role="owner", actor=alice)
    leave(alice)
    assert code_of(lambda: leave(bob)) == "last_owner"
    assert AuditEvent.objects.filter(verb="member.leave").count() == 1


def test_an_admin_does_not_remove_an_owner(acme, alice, charlie):
    Membership.objects.create(namespace=acme, user=charlie, role=MemberRole.ADMIN)

    remove = lambda: remove_member(membership=member(acme, alice), actor=charlie)  # noqa: E731
    assert code_of(remove) == "member_refused"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_revoked_at_that_moment_is_revoked_once(acme, alice, bob):
    key, _text = create_token(user=bob, label="key", namespace=acme)
    removed = member(acme, bob)

    meet(
        lambda: revoke_token(token=key, actor=alice),
        lambda: remove_member(membership=removed, actor=alice),
    )

    assert AuditEvent.objects.filter(verb="token.revoke").count() == 1
    assert not acme.memberships.filter(user=bob).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays(acme, alice, bob):
    Membership.objects.filter(user=bob).update(role="owner")
    rows = [member(acme, alice), member(acme, bob)]

    _, second = meet(
        *[lambda row=row: remove_member(membership=row, actor=row.user) for row in rows]
    )

    assert second.code == "last_owner"
    assert Membership.objects.get().role == "owner"


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_depose_each_other_one_stays(acme, alice, bob):
    Membership.objects.filter(user=bob).update(role="owner")
    to_bob, to_alice = member(acme, bob), member(acme, alice)

    meet(
        lambda: set_member_role(membership=to_bob, role="member", actor=alice),
        lambda: set_member_role(membership=to_alice, role="member", actor=bob),
    )

    assert Membership.objects.filter(role="owner").count() == 1


# --- Who may do what -----------------------------------------------------------------------------


def test_what_each_may_do_with_a_namespace(acme, alice, bob, charlie, mona, ada):
    key, _ = create_token(user=alice, label="x", namespace=acme)
    deaf, _ = create_token(user=alice, label="x", scopes=["traces:write"])
    wanted = {
        Actor(alice): (True, True),
        Actor(bob): (True, False),
        Actor(charlie): (False, False),
        Actor(mona): (False, False),
        Actor(ada): (False, False),
        Actor(): (False, False),
        Actor(alice, token=key, scopes=frozenset(key.scopes)): (True, False),
        Actor(alice, token=deaf, scopes=frozenset(deaf.scopes)): (False, False),
    }
    for actor, (sees, manages) in wanted.items():
        assert can(actor, Verb.SEE_MEMBERS, acme) is sees, actor
        assert can(actor, Verb.MANAGE_NAMESPACE, acme) is manages, actor
        assert not can(actor, Verb.VIEW, acme)
    assert can(Actor(charlie), Verb.MANAGE_NAMESPACE, charlie.namespace)
    assert not can(Actor(alice), Verb.SEE_MEMBERS, charlie.namespace)
