"""Command lines that sign in: answered once, fetched once, ended for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import sessions
from accounts.models import AuditEvent, DeviceLogin, DeviceSession, Membership, Scope
from accounts.policy import Actor, Verb, can
from accounts.services import TokenRefused
from accounts.sessions import (
    LoginRefused,
    answer_login,
    authenticate_session,
    complete_login,
    end_all_sessions,
    end_session,
    exchange_code,
    find_login,
    start_login,
    switch_session,
)
from accounts.tokens import new_token
from config.errors import DomainError
from tests.config.rivals import at_once, meet
from tests.factories.accounts import organisation, session_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def asked():
    """A login that waits for its answer, and its state."""
    return start_login(device_id="laptop")


def refusal_of(call) -> str:
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value.code


# --- Logins --------------------------------------------------------------------------------------


def test_a_login_keeps_nothing_that_fetches_its_session(asked):
    login, state = asked

    assert len(state) >= 22  # base 62: more than 128 bits
    kept = " ".join(str(value) for value in DeviceLogin.objects.values().get().values())
    assert state not in kept
    assert exchange_code(state) not in kept
    assert exchange_code(login.state_sha256) != exchange_code(state)
    assert find_login(state) == login
    # The address of the page names the fingerprint, which opens nothing itself.
    assert find_login(login.state_sha256) is None


@pytest.mark.parametrize("said", ["", " \u202e\u200b", "\n"])
def test_a_device_has_to_say_something_that_can_be_read(said):
    assert refusal_of(lambda: start_login(device_id=said)) == "device_invalid"


def test_a_long_device_name_is_cut_and_cleaned():
    login, _ = start_login(device_id="a\u202eb" + "c" * 500)

    assert login.device_id.startswith("abc")
    assert len(login.device_id) == 100


def test_an_approved_login_is_fetched_once(asked, alice):
    login, state = asked
    answer_login(login=login, user=alice, approve=True)

    session, text = complete_login(state=state, code=exchange_code(state))

    assert (session.user, session.device_id) == (alice, "laptop")
    assert str(text).startswith("sks_")
    assert str(text).split("_")[2] not in str(DeviceSession.objects.values().get())
    again = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731
    assert refusal_of(again) == "login_used"
    verbs = set(AuditEvent.objects.filter(actor=alice).values_list("verb", flat=True))
    assert verbs == {"login.approve", "session.create"}


def test_what_was_not_approved_is_not_fetched(asked, alice):
    login, state = asked
    fetch = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731

    assert refusal_of(fetch) == "login_pending"
    answer_login(login=login, user=alice, approve=False)
    assert refusal_of(fetch) == "login_denied"
    assert not DeviceSession.objects.exists()


def test_only_the_code_of_its_own_state_fetches_a_login(asked, alice):
    login, state = asked
    answer_login(login=login, user=alice, approve=True)
    _other, other_state = start_login(device_id="tablet")

    for code in ("", "ü", exchange_code(other_state), login.state_sha256):
        assert (
            refusal_of(lambda code=code: complete_login(state=state, code=code)) == "code_invalid"
        )
    nobody = lambda: complete_login(state="x", code=exchange_code("x"))  # noqa: E731
    assert refusal_of(nobody) == "login_not_found"


def test_a_login_is_over_after_fifteen_minutes_whatever_its_state(asked, alice):
    login, state = asked
    assert timedelta(minutes=14) < login.expires_at - timezone.now() <= timedelta(minutes=15)
    past = timezone.now() - timedelta(seconds=1)
    DeviceLogin.objects.update(expires_at=past)

    answer = lambda: answer_login(login=login, user=alice, approve=True)  # noqa: E731
    assert refusal_of(answer) == "login_expired"
    DeviceLogin.objects.update(status="approved", user=alice)
    fetch = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731
    assert refusal_of(fetch) == "login_expired"


def test_the_first_answer_counts_and_can_be_repeated(asked, alice, charlie):
    login, _ = asked
    answer_login(login=login, user=alice, approve=True)

    answer_login(login=login, user=alice, approve=True)
    for who, approve in ((alice, False), (charlie, True), (charlie, False)):
        answer = lambda who=who, a=approve: answer_login(login=login, user=who, approve=a)  # noqa: E731
        assert refusal_of(answer) == "login_used"
    login.refresh_from_db()
    assert (login.status, login.user) == ("approved", alice)
    assert AuditEvent.objects.filter(verb="login.approve").count() == 1


def test_a_person_banned_in_between_gets_no_session(asked, alice):
    login, state = asked
    answer_login(login=login, user=alice, approve=True)
    alice.banned_at = timezone.now()
    alice.save()

    fetch = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731
    assert refusal_of(fetch) == "account_banned"


def test_there_is_a_limit_of_sessions(asked, alice, monkeypatch):
    monkeypatch.setattr(sessions, "SESSIONS_PER_USER", 1)
    session, _ = session_of(alice)
    login, state = asked
    answer_login(login=login, user=alice, approve=True)
    fetch = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731

    assert refusal_of(fetch) == "too_many_sessions"
    end_session(session=session, actor=alice)
    assert fetch()  # The refused one used nothing up.


@pytest.mark.django_db(transaction=True)
def test_two_who_fetch_at_once_get_one_session(alice):
    login, state = start_login(device_id="laptop")
    answer_login(login=login, user=alice, approve=True)
    fetch = lambda: complete_login(state=state, code=exchange_code(state))  # noqa: E731

    first, second = meet(fetch, fetch)

    assert isinstance(first, tuple)
    assert isinstance(second, LoginRefused)
    assert second.code == "login_used"
    assert DeviceSession.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_denies_first_denies(alice):
    login, state = start_login(device_id="laptop")

    _denied, approved = meet(
        lambda: answer_login(login=login, user=alice, approve=False),
        lambda: answer_login(login=login, user=alice, approve=True),
    )

    assert isinstance(approved, LoginRefused)
    login.refresh_from_db()
    assert login.status == "denied"
    assert find_login(state).state == "denied"


# --- Sessions ------------------------------------------------------------------------------------


def test_a_session_opens_what_its_person_may_do_with_traces(alice, ada):
    for person in (alice, ada):
        _, text = session_of(person)
        session = authenticate_session(str(text))
        actor = Actor(user=session.user, session=session, scopes=sessions.SESSION_SCOPES)

        assert actor.active_namespace == person.namespace
        assert actor.role == "user"
        assert not any(can(actor, verb) for verb in Verb)
        assert actor.scopes == {"traces:read", "traces:write", "namespace:read"}
    assert Scope.SKILLS_WRITE not in sessions.SESSION_SCOPES


def test_a_session_is_read_by_one_statement_and_notes_its_use_at_most_every_ten_minutes(alice):
    _, text = session_of(alice)
    with CaptureQueriesContext(connection) as first:
        authenticate_session(str(text))
    with CaptureQueriesContext(connection) as second:
        active = authenticate_session(str(text)).namespace

    assert active == alice.namespace
    assert (len(first), len(second)) == (2, 1)
    session = DeviceSession.objects.get()
    assert session.last_used_at is not None
    old = timezone.now() - timedelta(minutes=11)
    DeviceSession.objects.update(last_used_at=old, expires_at=timezone.now() + HOUR)
    authenticate_session(str(text))
    session.refresh_from_db()
    assert session.last_used_at > old
    assert session.expires_at > timezone.now() + timedelta(days=89)


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("unknown", "token_invalid"),
        ("another secret", "token_invalid"),
        ("torn", "token_invalid"),
        ("ended", "token_revoked"),
        ("expired", "token_expired"),
        ("banned", "account_banned"),
        ("closed", "account_banned"),
    ],
)
def test_what_opens_nothing_says_why(alice, why, code):
    session, text = session_of(alice)
    offered = str(text)
    if why == "unknown":
        offered = str(new_token("sks"))
    elif why == "another secret":
        other = new_token("sks")
        offered = str(type(other)("sks", text.lookup_id, other.secret))
    elif why == "torn":
        offered = offered[:-1]
    elif why == "ended":
        end_session(session=session, actor=alice)
    elif why == "expired":
        DeviceSession.objects.update(expires_at=timezone.now())
    elif why == "banned":
        alice.banned_at, alice.ban_reason = timezone.now(), "spam"
        alice.save()
    else:
        alice.is_active = False
        alice.save()

    with pytest.raises(TokenRefused) as refused:
        authenticate_session(offered)

    assert refused.value.code == code


def test_a_session_switches_where_its_person_belongs(alice):
    acme = organisation("acme", member=alice)
    organisation("others")
    session, text = session_of(alice)

    assert switch_session(session=session, slug="@ACME").role == "member"
    assert authenticate_session(str(text)).namespace == acme
    for slug, code in (
        ("others", "not_member"),
        ("nosuch", "namespace_not_found"),
        ("", "namespace_not_found"),
        ("a\0", "unstorable_text"),
    ):
        assert refusal_of(lambda slug=slug: switch_session(session=session, slug=slug)) == code
    assert authenticate_session(str(text)).namespace == acme
    switch_session(session=session, slug="acme")
    switch_session(session=session, slug="alice")
    assert authenticate_session(str(text)).namespace == alice.namespace
    told = AuditEvent.objects.filter(verb="session.switch").values_list("after", flat=True)
    assert [row["namespace"] for row in told.order_by("pk")] == [acme.pk, None]


def test_who_left_uploads_to_their_own_name_again(alice):
    acme = organisation("acme", member=alice)
    session, text = session_of(alice)
    switch_session(session=session, slug="acme")
    Membership.objects.all().delete()

    found = authenticate_session(str(text))

    assert found.namespace == alice.namespace
    assert acme.pk not in Actor(user=alice, session=found).namespace_ids


def test_all_sessions_end_at_once_and_once(alice, charlie):
    texts = [session_of(alice)[1] for _ in range(3)]
    _, others = session_of(charlie)

    assert end_all_sessions(user=alice, actor=alice) == 3
    assert end_all_sessions(user=alice, actor=alice) == 0
    for text in texts:
        with pytest.raises(TokenRefused):
            authenticate_session(str(text))
    assert authenticate_session(str(others)).user == charlie
    assert AuditEvent.objects.filter(verb="session.end", actor=alice).count() == 3


def test_a_session_is_ended_once(alice):
    session, _ = session_of(alice)

    assert end_session(session=session, actor=alice)
    assert not end_session(session=session, actor=alice)
    assert AuditEvent.objects.filter(verb="session.end").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_end_all_sessions_at_once_count_each_once(alice):
    for _ in range(4):
        session_of(alice)

    ended = at_once(*[lambda: end_all_sessions(user=alice, actor=alice)] * 3)

    assert sum(ended) == 4
    assert AuditEvent.objects.filter(verb="session.end").count() == 4
