"""Deciding on an item: what changes with it, for everybody, in one transaction."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from moderation.models import Decision, ItemState, Notice, Report, ReviewItem
from moderation.services import items
from moderation.services.appeals import appeal
from moderation.services.bans import ban_user
from moderation.services.cases import NotAllowed
from moderation.services.triage import triage_scan
from moderation.services.undo import undo
from skills.models import ScanState, Skill, SkillHold
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all, stands

pytestmark = pytest.mark.django_db

FOUND = ("active", "scanner.static.suspicious", ["flagged.suspicious"], "1.0.0")
OUTCOMES = {
    "approve": ("active", "manual.approved", [], "1.0.0"),
    "caution": ("active", "manual.caution", ["flagged.suspicious"], "1.0.0"),
    "changes": ("hidden", "manual.changes", ["flagged.suspicious"], "1.0.0"),
    "hide-version": ("hidden", "manual.hidden", ["flagged.suspicious"], "1.0.0"),
    "hide": ("hidden", "manual.hidden", ["flagged.suspicious"], "1.0.0"),
    "remove": ("removed", "manual.removed", ["flagged.suspicious"], "1.0.0"),
}
HELD = {"changes", "hide-version", "hide"}


@pytest.fixture
def flagged(publish):
    """A version with a suspicious finding, and its item."""
    published = publish("notes", SUSPICIOUS)
    scan_all()
    return published


@pytest.mark.parametrize("action", OUTCOMES)
def test_a_decision_changes_the_skill_its_reports_the_item_and_tells_the_owner(
    flagged, ada, action
):
    report(flagged.version, person("rita"))
    item = item_of(flagged.version)

    decision = decide_on(item, ada, action)

    item.refresh_from_db()
    closed = Report.objects.get()
    assert stands(flagged.skill) == OUTCOMES[action]
    assert item.state == (ItemState.HELD if action in HELD else ItemState.DONE)
    assert closed.status == ("dismissed" if action == "approve" else "confirmed")
    assert (closed.decision, decision.reports_closed) == (decision, 1)
    notice = Notice.objects.get(decision=decision)
    assert (notice.namespace_id, notice.evidence[0]["line"]) == (flagged.skill.namespace_id, 3)
    assert AuditEvent.objects.filter(verb=f"review.{action}").count() == 1


@pytest.mark.parametrize("action", OUTCOMES)
def test_an_undo_restores_status_reports_and_claim(flagged, ada, action):
    report(flagged.version, person("rita"))
    decision = decide_on(item_of(flagged.version), ada, action)

    undo(decision_id=decision.pk, actor=ada)

    item = item_of(flagged.version)
    assert stands(flagged.skill) == FOUND
    assert (item.state, item.claimed_by, item.reporters) == (ItemState.OPEN, ada, 1)
    assert Report.objects.get().status == "open"
    assert not Notice.objects.filter(decision=decision).exists()


def test_a_malicious_version_goes_back_to_the_good_one_and_an_approval_brings_it_back(
    publish, mona
):
    good = publish("notes", CLEAN)
    bad = publish("notes", MALICIOUS, version="1.1.0").version
    scan_all()
    assert stands(good.skill) == ("active", "scanner.static.clean", [], "1.0.0")

    decide_on(item_of(bad), mona, "approve")

    assert stands(good.skill) == ("active", "manual.approved", [], "1.1.0")


def test_the_fourth_reporter_hides_the_skill(publish):
    version = publish("notes", CLEAN).version
    scan_all()
    for n in range(4):
        assert Skill.objects.get().moderation_status == "active"
        report(version, person(f"reporter{n}"))

    assert stands(version.skill)[:2] == ("hidden", "auto.reports")
    assert ReviewItem.objects.get().reporters == 4
    assert Decision.objects.get().action == "hold-reports"


def test_reports_of_banned_people_hide_nothing(publish, ada):
    version = publish("notes", CLEAN).version
    scan_all()
    people = [person(f"reporter{n}") for n in range(4)]
    for reporter in people[:3]:
        report(version, reporter)
    ban_user(user=people[0], actor=ada, reason="They flood the desk.")

    report(version, people[3])
    assert stands(version.skill)[0] == "active"

    report(version, person("another"))
    assert stands(version.skill)[:2] == ("hidden", "auto.reports")


def test_claims_are_leases(flagged, mona, ada):
    item = items.claim_item(item_id=item_of(flagged.version).pk, actor=mona)

    with pytest.raises(items.ClaimedByOther):
        decide_on(item, ada, "approve")
    assert items.claim_next(actor=ada) is None
    items.claim_item(item_id=item.pk, actor=ada, take_over=True)
    decide_on(item, ada, "approve")

    assert Decision.objects.get(action="approve").actor == ada


# --- Reports on several versions ------------------------------------------------------------------


@pytest.fixture
def reported(publish):
    """Two versions of a skill, each reported by four people of its own; both wait."""
    first = publish("notes", CLEAN).version
    second = publish("notes", CLEAN | {"more.md": "# More\n"}, version="1.1.0").version
    scan_all()
    for n in range(4):
        report(first, person(f"first{n}"))
        report(second, person(f"second{n}"))
    return first, second


def holds(skill: Skill) -> list[str]:
    return sorted(SkillHold.objects.filter(skill=skill).values_list("kind", flat=True))


@pytest.mark.parametrize("action", ["approve", "caution", "changes", "hide-version"])
def test_a_decision_leaves_the_hold_that_reports_on_another_version_place(reported, ada, action):
    first, second = reported

    decide_on(item_of(first), ada, action)
    assert stands(first.skill)[:2] == ("hidden", "auto.reports")

    decide_on(item_of(second), ada, "approve")
    assert holds(first.skill) == []


@pytest.mark.parametrize(("action", "placed"), [("hide", "hidden"), ("remove", "removed")])
def test_a_hold_of_staff_takes_the_place_of_the_reports_on_every_version(
    reported, ada, action, placed
):
    decision = decide_on(item_of(reported[0]), ada, action)
    assert holds(reported[0].skill) == [placed]

    undo(decision_id=decision.pk, actor=ada)
    assert holds(reported[0].skill) == ["reports"]


def test_too_few_reporters_of_another_version_hold_nothing(publish, ada):
    first = publish("notes", CLEAN).version
    second = publish("notes", CLEAN | {"more.md": "# More\n"}, version="1.1.0").version
    scan_all()
    for n in range(4):
        report(first, person(f"first{n}"))
    for n in range(3):
        report(second, person(f"second{n}"))
    report(second, person("new", days_old=1))

    decide_on(item_of(first), ada, "approve")

    assert holds(first.skill) == []


def test_an_undo_of_a_decision_that_left_the_hold_lifts_and_doubles_nothing(reported, ada):
    decision = decide_on(item_of(reported[0]), ada, "approve")

    undo(decision_id=decision.pk, actor=ada)

    assert holds(reported[0].skill) == ["reports"]
    assert Report.objects.open().count() == 8


def test_an_undo_brings_the_hold_back_that_the_reopened_reports_ask_for(reported, ada):
    decision = decide_on(item_of(reported[0]), ada, "approve")
    decide_on(item_of(reported[1]), ada, "approve")

    undo(decision_id=decision.pk, actor=ada)

    assert stands(reported[0].skill)[:2] == ("hidden", "auto.reports")


def test_an_undo_brings_no_hold_back_for_too_few_reporters(reported, ada):
    first, second = reported
    few = Report.objects.filter(version=first).order_by("pk").first()
    Report.objects.filter(version=first).exclude(pk=few.pk).delete()
    decision = decide_on(item_of(first), ada, "approve")
    decide_on(item_of(second), ada, "approve")

    undo(decision_id=decision.pk, actor=ada)

    assert holds(first.skill) == []


def test_a_granted_appeal_leaves_the_hold_of_reports_on_another_version(reported, alice, mona, ada):
    first, _second = reported
    decision = decide_on(item_of(first), mona, "caution")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    decide_on(ReviewItem.objects.get(kind="appeal"), ada, "grant-appeal")

    assert stands(first.skill)[:2] == ("hidden", "auto.reports")


# --- Removing, and what is removed ----------------------------------------------------------------


def test_a_removal_takes_two_and_leaves_no_proposal(flagged, mona):
    other = person("otto", role="moderator")
    item = item_of(flagged.version)
    with pytest.raises(NotAllowed, match="second moderator"):
        decide_on(item, mona, "remove")
    decide_on(item, mona, "propose-removal")
    with pytest.raises(NotAllowed, match="proposed it yourself"):
        decide_on(item_of(flagged.version), mona, "remove")

    decision = decide_on(item_of(flagged.version), other, "remove")
    assert item_of(flagged.version).proposal is None

    undo(decision_id=decision.pk, actor=other)
    assert item_of(flagged.version).proposal.actor == mona


@pytest.mark.parametrize("action", ["approve", "caution"])
def test_no_moderator_brings_back_what_is_removed(flagged, mona, ada, action):
    decide_on(item_of(flagged.version), ada, "remove")
    report(flagged.version, person("rita"))

    with pytest.raises(NotAllowed, match="only an admin"):
        decide_on(item_of(flagged.version), mona, action)
    assert stands(flagged.skill)[0] == "removed"

    decide_on(item_of(flagged.version), ada, action)
    assert stands(flagged.skill)[0] == "active"


def test_no_moderator_grants_an_appeal_against_a_removal(flagged, alice, mona, ada):
    decision = decide_on(item_of(flagged.version), ada, "remove")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")
    item = ReviewItem.objects.get(kind="appeal")

    with pytest.raises(NotAllowed, match="only an admin"):
        decide_on(item, mona, "grant-appeal")

    decide_on(item, person("otto", role="admin"), "grant-appeal")
    assert stands(flagged.skill)[:2] == ("active", "manual.approved")


def test_a_granted_appeal_closes_the_item_of_its_version_too(flagged, alice, mona, ada):
    decision = decide_on(item_of(flagged.version), mona, "hide-version")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    granted = decide_on(ReviewItem.objects.get(kind="appeal"), ada, "grant-appeal")

    own = item_of(flagged.version)
    assert (own.state, own.decision) == (ItemState.DONE, granted)


# --- Cleared by a scan ----------------------------------------------------------------------------


def test_a_clean_scan_closes_what_only_a_scan_had_opened(flagged):
    triage_scan(version_id=flagged.version.pk, state=ScanState.CLEAN, evidence=[])

    item = item_of(flagged.version)
    assert (item.state, item.severity, item.decision.action) == (ItemState.DONE, -1, "clear")


def test_a_clean_scan_leaves_open_what_somebody_reported(flagged):
    report(flagged.version, person("rita"))

    triage_scan(version_id=flagged.version.pk, state=ScanState.CLEAN, evidence=[])

    assert item_of(flagged.version).state == ItemState.OPEN
    assert not Decision.objects.exists()
