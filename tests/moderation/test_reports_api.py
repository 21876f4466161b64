"""Reports by API: who may make one, who reads and closes them, and what hides a skill."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Scope
from moderation.models import Decision, ItemState, Report
from moderation.services.undo import undo
from tests.config.rivals import at_once
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, scan_all, stands
from tests.factories.tokens import Caller, refusal
from tests.skills import contract

pytestmark = pytest.mark.django_db

LIST = "/api/v1/skills/-/reports"


def address(slug: str = "notes") -> str:
    return f"/api/v1/skills/{slug}/report"


def triage_of(one: Report) -> str:
    return f"{LIST}/{one.pk}/triage"


@pytest.fixture
def version(publish):
    made = publish("notes", CLEAN).version
    scan_all()
    return made


@pytest.fixture
def open_report(version):
    return report(version, person("rita")).report


# --- Making one -----------------------------------------------------------------------------------


def test_a_report_is_made_once_and_a_second_one_adds_to_it(version, charlie):
    caller = Caller(charlie)

    first = caller.post(address(), reason="It reads my keys.").json()
    again = caller.post(address("@alice/notes"), reason="It sends them away.").json()

    assert contract.faults(first, contract.REPORTED) == []
    assert (first["reported"], first["alreadyReported"], first["reportCount"]) == (True, False, 1)
    assert (again["reported"], again["alreadyReported"]) == (False, True)
    assert again["reportId"] == first["reportId"]
    made = Report.objects.get()
    assert (made.kind, made.version) == ("other", version)
    assert made.text == "It reads my keys.\n\nIt sends them away."


def test_the_body_may_name_version_kind_and_owner(publish, version, charlie):
    publish("notes", {"SKILL.md": "# Two\n"}, version="1.1.0")

    said = {"version": "1.0.0", "kind": "broken", "ownerHandle": "@Alice"}
    Caller(charlie).post(address(), reason="It does not start.", **said)

    made = Report.objects.get()
    assert (made.version.version, made.kind) == ("1.0.0", "broken")


def test_a_stranger_cannot_report_what_is_hidden_and_nobody_their_own(
    version, open_report, mona, charlie, alice
):
    assert refusal(Caller(alice).post(address(), reason="Mine.")) == (400, "report_refused")
    decide_on(item_of(version), mona, "hide")

    assert refusal(Caller(charlie).post(address(), reason="x")) == (404, "skill_not_found")
    assert Report.objects.count() == 1


def test_a_token_that_may_only_read_cannot_report(version, charlie):
    answer = Caller(charlie, [Scope.SKILLS_READ]).post(address(), reason="x")

    assert refusal(answer) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "report_refused"),
        ({"reason": "  "}, "report_refused"),
        ({"reason": "x" * 501}, "report_refused"),
        ({"reason": "x", "kind": "nonsense"}, "report_refused"),
        ({"reason": "a\0b"}, "unstorable_text"),
        ({"reason": "x", "kind": "\0"}, "unstorable_text"),
        ({"reason": ["x"]}, "body_invalid"),
        ({"reason": "x", "version": 1}, "body_invalid"),
        ({"reason": "x", "version": "9.9.9"}, "version_not_found"),
    ],
)
def test_what_is_no_report_is_refused_and_leaves_nothing(version, charlie, body, code):
    answer = Caller(charlie).post(address(), **body)

    assert answer.headers["X-Error-Code"] == code
    assert 400 <= answer.status_code < 500
    assert not Report.objects.exists()


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b'"x"', b"\xff", b'{"reason": "\\ud800"}'])
def test_a_body_that_is_no_object_is_refused(version, charlie, raw):
    assert refusal(Caller(charlie).post(address(), raw)) == (400, "body_invalid")


def test_the_twenty_first_open_report_is_refused_for_good(publish, charlie):
    caller = Caller(charlie)
    for number in range(21):
        publish(f"skill-{number}", CLEAN)
    answers = [caller.post(address(f"skill-{n}"), reason="Copied.") for n in range(21)]

    assert [answer.status_code for answer in answers] == [200] * 20 + [409]
    assert answers[-1].headers["X-Error-Code"] == "too_many_reports"


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_one_person_at_once_are_one(version, charlie):
    caller = Caller(charlie)

    answers = at_once(*[lambda: caller.post(address(), reason="Twice.").json()] * 2)

    assert sorted(answer["reported"] for answer in answers) == [False, True]
    assert Report.objects.count() == 1


# --- The list -------------------------------------------------------------------------------------


def test_moderators_read_reports_by_status_and_page_by_page(version, mona):
    for number in range(3):
        report(version, person(f"reporter{number}"))
    caller = Caller(mona)

    first = caller.get(f"{LIST}?limit=2").json()
    rest = caller.get(f"{LIST}?limit=2&cursor={first['nextCursor']}").json()

    assert contract.faults(first, contract.REPORTS) == []
    assert [item["reporter"]["handle"] for item in first["items"] + rest["items"]] == [
        "reporter2",
        "reporter1",
        "reporter0",
    ]
    assert (first["done"], rest["done"], rest["nextCursor"]) == (False, True, None)
    assert caller.get(f"{LIST}?status=dismissed").json()["items"] == []
    assert len(caller.get(f"{LIST}?status=all").json()["items"]) == 3
    cursor = first["nextCursor"]
    assert refusal(caller.get(f"{LIST}?status=all&cursor={cursor}")) == (400, "cursor_invalid")
    assert refusal(caller.get(f"{LIST}?status=new")) == (400, "status_unknown")


def test_a_longer_list_takes_no_more_statements(version, mona, django_assert_num_queries):
    caller = Caller(mona)
    report(version, person("rita"))
    caller.get(LIST)  # Notes the token's first use.
    with CaptureQueriesContext(connection) as one:
        caller.get(LIST)
    for number in range(3):
        report(version, person(f"reporter{number}"))

    with django_assert_num_queries(len(one)):
        caller.get(LIST)


@pytest.mark.parametrize("scopes", [None, [Scope.SKILLS_READ, Scope.SKILLS_WRITE]])
def test_others_neither_read_nor_close_reports(open_report, charlie, mona, scopes):
    caller = Caller(mona if scopes else charlie, scopes)

    assert refusal(caller.get(LIST)) == (403, "scope_missing")
    answer = caller.post(triage_of(open_report), status="dismissed", note="No.")
    assert refusal(answer) == (403, "scope_missing")
    assert Report.objects.get().status == "open"


# --- Triage ---------------------------------------------------------------------------------------


def test_a_report_is_closed_with_a_note_and_opened_again(open_report, version, mona):
    caller = Caller(mona)

    bare = caller.post(triage_of(open_report), status="dismissed")
    closed = caller.post(triage_of(open_report), status="dismissed", note="Harmless.").json()

    assert refusal(bare) == (400, "report_refused")
    assert contract.faults(closed, contract.TRIAGED) == []
    assert (closed["status"], closed["reportCount"]) == ("dismissed", 0)
    shown = caller.get(f"{LIST}?status=dismissed").json()["items"][0]
    assert (shown["triagedBy"], shown["triageNote"]) == ("mona", "Harmless.")
    opened = caller.post(triage_of(open_report), status="open").json()
    assert (opened["status"], opened["reportCount"]) == ("open", 1)
    assert stands(version.skill)[0] == "active"


def test_a_confirmed_report_hides_the_skill_by_a_decision_and_twice_is_once(
    open_report, version, mona
):
    report(version, person("rolf"))
    caller = Caller(mona)
    body = {"status": "confirmed", "note": "Checked.", "finalAction": "hide"}

    answers = [caller.post(triage_of(open_report), **body).json() for _ in range(2)]

    assert [(a["status"], a["actionTaken"], a["reportCount"]) for a in answers] == [
        ("confirmed", "hide", 0)
    ] * 2
    decision = Decision.objects.get()
    assert (decision.action, decision.reports_closed, decision.actor) == ("hide", 2, mona)
    assert set(Report.objects.values_list("status", "triage_note")) == {("confirmed", "Checked.")}
    assert stands(version.skill)[:2] == ("hidden", "manual.hidden")
    assert item_of(version).state == ItemState.HELD


def test_an_undone_hide_can_be_done_again(open_report, version, mona):
    caller = Caller(mona)
    body = {"status": "confirmed", "note": "Checked.", "finalAction": "hide"}
    caller.post(triage_of(open_report), **body)
    undo(decision_id=Decision.objects.get().pk, actor=mona)

    again = caller.post(triage_of(open_report), **body)

    assert again.json()["actionTaken"] == "hide"
    assert stands(version.skill)[:2] == ("hidden", "manual.hidden")


def test_a_dismissed_report_can_still_be_confirmed_and_hide(open_report, version, mona):
    caller = Caller(mona)
    caller.post(triage_of(open_report), status="dismissed", note="Too quick.")

    body = {"status": "confirmed", "note": "On a second look.", "finalAction": "hide"}
    answer = caller.post(triage_of(open_report), **body)

    assert answer.json()["status"] == "confirmed"
    assert stands(version.skill)[0] == "hidden"


@pytest.mark.django_db(transaction=True)
def test_two_moderators_who_hide_at_once_make_one_decision(open_report, version, mona, ada):
    body = {"status": "confirmed", "note": "Checked.", "finalAction": "hide"}
    callers = [Caller(mona), Caller(ada)]

    answers = at_once(*[lambda c=c: c.post(triage_of(open_report), **body) for c in callers])

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Decision.objects.count() == 1


def test_nothing_is_closed_where_the_hide_is_refused(open_report, version, mona, ada):
    body = {"status": "confirmed", "note": "Checked.", "finalAction": "hide"}
    decide_on(item_of(version), ada, "approve")
    caller = Caller(mona)
    caller.post(triage_of(open_report), status="dismissed", note="As decided.")

    answer = caller.post(triage_of(open_report), **body)

    assert refusal(answer) == (409, "decided")
    assert Report.objects.get().status == "dismissed"


@pytest.mark.parametrize(
    "body",
    [
        {"status": "dismissed", "note": "x", "finalAction": "hide"},
        {"status": "open", "finalAction": "hide"},
        {"status": "confirmed", "note": "x", "finalAction": "remove"},
    ],
)
def test_only_a_confirmed_report_hides(open_report, version, mona, body):
    answer = Caller(mona).post(triage_of(open_report), **body)

    assert refusal(answer) == (400, "status_unknown")
    assert stands(version.skill)[0] == "active"


def test_a_moderator_keeps_off_reports_on_their_own_skills(publish, mona):
    own = publish("my-notes", CLEAN, namespace=mona.namespace).version
    made = report(own, person("rita")).report
    caller = Caller(mona)

    for extra in ({}, {"finalAction": "hide"}):
        answer = caller.post(triage_of(made), status="confirmed", note="x", **extra)
        assert refusal(answer) == (403, "own_skill")


def test_an_unknown_report_is_not_found(mona):
    caller = Caller(mona)
    for number in ("999", "9" * 30):
        answer = caller.post(f"{LIST}/{number}/triage", status="open")
        assert refusal(answer) == (404, "report_not_found")
    assert caller.post(f"{LIST}/x/triage", status="open").status_code == 404
