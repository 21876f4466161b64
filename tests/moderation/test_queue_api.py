"""Deciding by API: what a page's decision does, once per key, by those who may."""

from __future__ import annotations

import uuid

import pytest

from accounts.models import Scope
from moderation.models import Decision, ItemState
from moderation.services import items
from tests.config.rivals import at_once
from tests.factories.desk import decide_on, item_of
from tests.factories.scans import SUSPICIOUS, scan_all, stands
from tests.factories.tokens import Caller, refusal

pytestmark = pytest.mark.django_db

MODERATE = [Scope.SKILLS_READ, Scope.MODERATE]


@pytest.fixture
def version(publish):
    made = publish("notes", SUSPICIOUS).version
    scan_all()
    return made


def address(version) -> str:
    return f"/api/v1/admin/queue/{item_of(version).pk}:decide"


def test_a_decision_is_made_and_told(version, mona):
    item = item_of(version)
    said = {"action": "caution", "text": "Line 3 talks to the model.", "note": "Second time."}

    answer = Caller(mona, MODERATE).post(address(version), revision=item.revision, **said)

    told = answer.json()
    decision = Decision.objects.get()
    assert answer.status_code == 200
    assert (told["decision"]["id"], told["decision"]["by"]) == (str(decision.pk), "mona")
    assert (told["decision"]["text"], told["decision"]["note"]) == (said["text"], said["note"])
    assert (told["decision"]["skill"], told["decision"]["version"]) == ("@alice/notes", "1.0.0")
    assert isinstance(told["decision"]["createdAt"], int)
    assert told["item"] == {
        "id": str(item.pk),
        "state": ItemState.DONE,
        "revision": item.revision + 1,
    }
    assert stands(version.skill)[1] == "manual.caution"


def test_the_same_key_is_one_decision(version, mona):
    caller, key = Caller(mona), str(uuid.uuid4())
    body = {"action": "hide", "text": "Because.", "requestKey": key}

    first, again = (caller.post(address(version), **body).json() for _ in range(2))

    assert first == again
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_of_the_other(version, mona, ada):
    callers = [Caller(mona), Caller(ada)]
    url = address(version)

    answers = at_once(*[lambda c=c: c.post(url, action="approve") for c in callers])

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.headers["X-Error-Code"] == "decided"
    assert "approved, by" in refused.content.decode()


def test_what_changed_or_is_somebody_elses_is_not_decided(version, mona, ada):
    item, caller = item_of(version), Caller(mona)

    answer = caller.post(address(version), action="approve", revision=item.revision - 1)
    assert refusal(answer) == (409, "item_changed")
    items.claim_item(item_id=item.pk, actor=ada)
    assert refusal(caller.post(address(version), action="approve")) == (409, "claimed")
    assert not Decision.objects.filter(actor__isnull=False).exists()


def test_a_moderator_does_not_decide_on_their_own(publish, mona):
    version = publish("notes", SUSPICIOUS, namespace=mona.namespace).version
    scan_all()

    assert refusal(Caller(mona).post(address(version), action="approve")) == (403, "own_skill")


def test_an_admins_token_without_the_right_acts_as_a_moderators(version, ada, mona):
    body = {"action": "remove", "text": "Malware."}

    assert refusal(Caller(ada, MODERATE).post(address(version), **body)) == (403, "not_allowed")
    assert Caller(ada).post(address(version), **body).status_code == 200
    ada.refresh_from_db()
    assert ada.role == "admin"


@pytest.mark.parametrize("scopes", [None, [Scope.SKILLS_READ, Scope.SKILLS_WRITE]])
def test_others_decide_nothing(version, charlie, mona, scopes):
    caller = Caller(mona if scopes else charlie, scopes)

    assert refusal(caller.post(address(version), action="approve")) == (403, "scope_missing")
    assert stands(version.skill)[1] == "scanner.static.suspicious"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "action_unknown"),
        ({"action": "undo"}, "action_unknown"),
        ({"action": "grant-appeal", "text": "x"}, "action_unknown"),
        ({"action": "hide"}, "reason_missing"),
        ({"action": "hide", "text": "a\0b"}, "unstorable_text"),
        ({"action": "hide", "text": 1}, "body_invalid"),
        ({"action": "approve", "revision": "1"}, "body_invalid"),
        ({"action": "approve", "revision": True}, "body_invalid"),
        ({"action": "approve", "requestKey": "one"}, "body_invalid"),
    ],
)
def test_what_is_no_decision_is_refused_and_leaves_nothing(version, mona, body, code):
    answer = Caller(mona).post(address(version), **body)

    assert refusal(answer) == (400, code)
    assert item_of(version).state == ItemState.OPEN


def test_a_text_beyond_the_bound_is_cut(version, mona):
    Caller(mona).post(address(version), action="hide", text="x" * 5_000, template="t" * 100)

    decision = Decision.objects.get(action="hide")
    assert (len(decision.text), len(decision.template)) == (2_000, 40)


def test_an_unknown_item_is_not_found_and_a_decided_one_stays_so(version, mona, ada):
    caller = Caller(mona)
    for number in ("999999", "9" * 30):
        answer = caller.post(f"/api/v1/admin/queue/{number}:decide", action="approve")
        assert refusal(answer) == (404, "item_not_found")
    decide_on(item_of(version), ada, "approve")
    assert refusal(caller.post(address(version), action="hide", text="x")) == (409, "decided")
