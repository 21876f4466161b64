"""People and tokens: made whole, refused whole, and told why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken, AuditEvent, Membership, Namespace, Role, Scope, User
from accounts.services import (
    ROLE_SCOPES,
    ScopeRefused,
    TokenRefused,
    TooManyTokens,
    authenticate_token,
    create_token,
    create_user,
    revoke_token,
)
from accounts.tokens import new_token
from config.errors import DomainError
from tests.config.rivals import at_once
from tests.factories.skills import NamespaceFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


# --- People --------------------------------------------------------------------------------------


def test_a_person_comes_with_a_namespace_of_that_name():
    user = create_user(handle="  Bob ", password="long enough to keep", display_name="Bob B.")

    assert user.handle == user.namespace.handle == "bob"
    assert user.namespace.name == "Bob B."
    assert user.check_password("long enough to keep")
    assert AuditEvent.objects.get().verb == "user.create"


def test_a_person_takes_over_the_unclaimed_namespace_of_an_import():
    imported = NamespaceFactory(handle="bob")

    user = create_user(handle="bob")

    assert user.namespace == imported
    assert Namespace.objects.get().is_claimed


def test_a_person_without_password_cannot_sign_in():
    user = create_user(handle="bob")

    assert not user.has_usable_password()
    assert not user.check_password("")


@pytest.mark.parametrize("taken_by", ["person", "organisation", "namespace of a person"])
def test_a_name_that_is_taken_is_refused(taken_by, alice):
    if taken_by == "person":
        handle = "ALICE"
    elif taken_by == "organisation":
        handle = NamespaceFactory(handle="acme", kind="org").handle
    else:
        Namespace.objects.filter(user=alice).update(handle="renamed")
        handle = "renamed"

    with pytest.raises(DomainError) as refusal:
        create_user(handle=handle)

    assert refusal.value.code == "handle_taken"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "handle", ["", "a b", "-a", "a/b", "ä", "a\0", "\ud800", "a" * 65, "@a", "a\n b"]
)
def test_a_name_of_another_shape_is_refused_and_leaves_nothing(handle):
    with pytest.raises((ValidationError, DomainError)):
        create_user(handle=handle)

    assert not User.objects.exists()
    assert not Namespace.objects.exists()


def test_the_database_refuses_what_the_service_would():
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(handle="Bob")
    user = create_user(handle="bob")
    with pytest.raises(IntegrityError), transaction.atomic():
        NamespaceFactory(kind="org", user=user)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_who_want_one_name_are_one_person():
    NamespaceFactory(handle="wanted")

    results = at_once(*[lambda: create_user(handle="wanted")] * 4)

    assert len([r for r in results if isinstance(r, User)]) == 1
    assert all(isinstance(r, User | DomainError) for r in results), results
    assert User.objects.count() == Namespace.objects.count() == 1


# --- Tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
def test_a_token_carries_by_default_all_its_role_allows(role):
    user = create_user(handle="bob", role=role)

    token, text = create_token(user=user, label="laptop")

    assert set(token.scopes) == ROLE_SCOPES[role]
    assert (Scope.MODERATE in token.scopes) is (role != "user")
    assert (Scope.ADMIN in token.scopes) is (role == "admin")
    assert str(text).startswith("skb_")
    assert authenticate_token(str(text)) == token


def test_only_a_hash_is_kept(alice):
    token, text = create_token(user=alice, label="laptop")

    stored = str(ApiToken.objects.filter(pk=token.pk).values().get()) + str(token)
    assert text.secret not in stored
    assert text.secret not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    "scopes", [["admin"], ["moderate"], ["skills:read", "nothing"], [""], ["\0"]]
)
def test_a_scope_beyond_the_role_or_unknown_is_refused(alice, scopes):
    with pytest.raises(ScopeRefused):
        create_token(user=alice, label="x", scopes=scopes)

    assert not ApiToken.objects.exists()


def test_a_namespace_key_is_for_its_members_only(alice, charlie):
    acme = NamespaceFactory(handle="acme", kind="org")
    with pytest.raises(ScopeRefused):
        create_token(user=charlie, label="x", namespace=alice.namespace)
    with pytest.raises(ScopeRefused):
        create_token(user=charlie, label="x", namespace=acme)
    Membership.objects.create(namespace=acme, user=charlie)

    token, text = create_token(user=charlie, label="x", namespace=acme)

    assert str(text).startswith("trk_")
    assert token.prefix == "trk"


def test_there_is_a_most_and_revoked_ones_do_not_count(alice, monkeypatch):
    monkeypatch.setattr(services, "TOKENS_PER_USER", 2)
    first, _ = create_token(user=alice, label="1")
    create_token(user=alice, label="2")
    with pytest.raises(TooManyTokens):
        create_token(user=alice, label="3")

    revoke_token(token=first, actor=alice)
    create_token(user=alice, label="3", expires_at=timezone.now() - HOUR)
    create_token(user=alice, label="4")

    assert alice.api_tokens.usable().count() == 2


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_do_not_pass_the_most(alice, monkeypatch):
    monkeypatch.setattr(services, "TOKENS_PER_USER", 3)

    results = at_once(*[lambda: create_token(user=alice, label="x")] * 6)

    assert [type(r) for r in results].count(TooManyTokens) == 3
    assert alice.api_tokens.count() == 3


def refusal_of(text: str) -> str:
    with pytest.raises(TokenRefused) as refusal:
        authenticate_token(text)
    return refusal.value.code


def test_a_revoked_token_opens_nothing_and_is_revoked_once(alice):
    token, text = create_token(user=alice, label="x")

    assert revoke_token(token=token, actor=alice)
    assert not revoke_token(token=token, actor=alice)

    assert refusal_of(str(text)) == "token_revoked"
    assert AuditEvent.objects.filter(verb="token.revoke").count() == 1


def test_an_expired_token_opens_nothing(alice):
    _, soon = create_token(user=alice, label="x", expires_at=timezone.now() + HOUR)
    _, past = create_token(user=alice, label="x", expires_at=timezone.now() - HOUR)

    assert authenticate_token(str(soon))
    assert refusal_of(str(past)) == "token_expired"


@pytest.mark.parametrize(
    "change", [{"banned_at": timezone.now(), "ban_reason": "Spam."}, {"is_active": False}]
)
def test_the_token_of_a_banned_person_opens_nothing(alice, change):
    _, text = create_token(user=alice, label="x")
    User.objects.filter(pk=alice.pk).update(**change)

    assert refusal_of(str(text)) == "account_banned"


def test_a_token_with_a_right_shape_and_a_wrong_secret_opens_nothing(alice):
    token, _ = create_token(user=alice, label="x")
    stranger = new_token("skb")
    forged = type(stranger)("skb", token.lookup_id, stranger.secret)

    assert refusal_of(str(forged)) == "token_invalid"
    assert refusal_of(str(stranger)) == "token_invalid"


@pytest.mark.parametrize(
    "text", ["", "x", "skb_", "\0", "\ud800", "x" * 100_000, "skb_é_" + "a" * 49]
)
def test_garbage_opens_nothing_and_costs_what_a_token_costs(text):
    with CaptureQueriesContext(connection) as queries:
        assert refusal_of(text) == "token_invalid"

    assert len(queries) == 1


def test_last_used_is_written_at_most_every_ten_minutes(alice):
    token, text = create_token(user=alice, label="x")
    for expected in (2, 1, 1):
        with CaptureQueriesContext(connection) as queries:
            assert authenticate_token(str(text)).user.namespace.handle == "alice"
        assert len(queries) == expected

    ApiToken.objects.update(last_used_at=timezone.now() - services.LAST_USED_STEP - HOUR)
    authenticate_token(str(text))

    token.refresh_from_db()
    assert timezone.now() - token.last_used_at < HOUR
