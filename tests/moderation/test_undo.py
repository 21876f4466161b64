"""Taking back, and granting: what somebody else said of the skill meanwhile stays."""

from __future__ import annotations

import pytest

from moderation.models import Report, ReviewItem
from moderation.services import items, scans
from moderation.services.appeals import appeal
from moderation.services.cases import NotAllowed
from moderation.services.triage import triage_scan
from moderation.services.undo import CannotUndo, undo
from skills.models import ScanState, SkillHold, SkillVersion
from skills.standing import settle
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, SUSPICIOUS, scan_all, stands

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(publish):
    """Two flagged versions of one skill."""
    first = publish("notes", SUSPICIOUS).version
    second = publish("notes", SUSPICIOUS | {"more.md": "# More\n"}, version="1.1.0").version
    scan_all()
    return first, second


def test_a_hide_taken_back_leaves_the_hide_of_another_version(versions, mona, ada):
    first, second = versions
    decision = decide_on(item_of(first), mona, "hide")
    decide_on(item_of(second), ada, "hide")

    undo(decision_id=decision.pk, actor=mona)

    assert stands(first.skill)[:2] == ("hidden", "manual.hidden")


def test_a_hide_taken_back_leaves_the_one_that_came_after_a_release(versions, mona, ada):
    first, second = versions
    decision = decide_on(item_of(first), mona, "hide")
    decide_on(item_of(second), ada, "approve")
    report(second, person("rita"))
    later = decide_on(item_of(second), ada, "hide")

    undo(decision_id=decision.pk, actor=mona)
    assert stands(first.skill)[:2] == ("hidden", "manual.hidden")

    undo(decision_id=later.pk, actor=ada)
    assert stands(first.skill)[:2] == ("active", "manual.approved")


def test_who_reported_again_has_one_open_report_after_an_undo(publish, mona):
    old = publish("notes", CLEAN).version
    publish("notes", CLEAN | {"more.md": "# More\n"}, version="1.1.0")
    scan_all()
    rita = person("rita")
    report(old, rita)
    report(old, person("rolf"))
    decision = decide_on(item_of(old), mona, "hide-version")
    report(old, rita, "It still does.")

    undo(decision_id=decision.pk, actor=mona)

    found = Report.objects.order_by("pk").values_list("reporter__handle", "status")
    assert list(found) == [("rita", "confirmed"), ("rolf", "open"), ("rita", "open")]


def test_an_undo_takes_no_claim_away(versions, mona, ada):
    decision = decide_on(item_of(versions[0]), mona, "hide")
    items.claim_item(item_id=item_of(versions[0]).pk, actor=ada)

    with pytest.raises(items.ClaimedByOther):
        undo(decision_id=decision.pk, actor=mona)


def test_a_granted_appeal_leaves_the_hide_of_another_version(versions, alice, mona, ada):
    first, second = versions
    decision = decide_on(item_of(first), mona, "caution")
    decide_on(item_of(second), mona, "hide")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    decide_on(ReviewItem.objects.get(kind="appeal"), ada, "grant-appeal")

    first.refresh_from_db()
    assert first.decision == "approved"
    assert stands(first.skill)[:2] == ("hidden", "manual.hidden")


def test_a_granted_appeal_lifts_the_hide_it_is_about(versions, alice, mona, ada):
    second = versions[1]
    decision = decide_on(item_of(second), mona, "hide")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    decide_on(ReviewItem.objects.get(kind="appeal"), ada, "grant-appeal")

    assert stands(second.skill)[:2] == ("active", "manual.approved")


def test_nobody_answers_an_appeal_they_wrote(versions, mona, ada):
    organisation = versions[0].skill.namespace
    seat = organisation.memberships.create(user=ada)
    decision = decide_on(item_of(versions[0]), mona, "caution")
    appeal(decision_id=decision.pk, actor=ada, text="It is a quotation.")
    seat.delete()

    with pytest.raises(NotAllowed):
        decide_on(ReviewItem.objects.get(kind="appeal"), ada, "grant-appeal")


# --- What came since ------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["hide", "hide-version", "changes"])
def test_an_undo_approves_nothing_that_a_scan_found_since(publish, mona, ada, action):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decide_on(item_of(version), mona, "approve")
    report(version, person("rita"))
    decision = decide_on(item_of(version), mona, action)
    seen = SkillVersion.objects.get(pk=version.pk).scan_evidence
    worse = seen[0] | {"rule": "theft.credentials-sent", "severity": "critical"}
    triage_scan(version_id=version.pk, state=ScanState.MALICIOUS, evidence=[worse, *seen])

    undo(decision_id=decision.pk, actor=mona)

    version.refresh_from_db()
    assert version.decision == ""
    assert stands(version.skill)[:2] == ("hidden", "scanner.static.malicious")
    assert item_of(version).state == "open"


def test_an_undo_restores_the_approval_of_what_was_seen(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decide_on(item_of(version), mona, "approve")
    report(version, person("rita"))
    decision = decide_on(item_of(version), mona, "hide-version")
    scans.request_scans([version.pk])
    scan_all()

    undo(decision_id=decision.pk, actor=mona)

    assert stands(version.skill)[:2] == ("active", "manual.approved")


def test_an_undo_restores_a_decision_that_holds_whatever_was_found_since(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decide_on(item_of(version), mona, "changes")
    decision = decide_on(item_of(version), mona, "approve")
    SkillVersion.objects.filter(pk=version.pk).update(scan_evidence=[{"rule": "a", "file": "b"}])

    undo(decision_id=decision.pk, actor=mona)

    assert stands(version.skill)[:2] == ("hidden", "manual.changes")


def test_an_undo_says_again_what_failed_the_quality_gate(publish, mona):
    version = publish("notes", CLEAN).version
    SkillHold.objects.create(skill=version.skill, kind="quality", detail="The readme is short.")
    settle([version.skill_id])
    scan_all()
    decision = decide_on(item_of(version), mona, "approve")

    undo(decision_id=decision.pk, actor=mona)

    assert SkillHold.objects.get().detail == "The readme is short."


# --- Who may, and until when ----------------------------------------------------------------------


def test_a_moderator_takes_back_their_own_for_some_days_and_an_admin_any(
    versions, mona, ada, monkeypatch
):
    first, second = versions
    old = decide_on(item_of(first), mona, "hide-version")
    others = decide_on(item_of(second), ada, "hide-version")
    with pytest.raises(CannotUndo, match="ask an admin"):
        undo(decision_id=others.pk, actor=mona)

    monkeypatch.setattr("moderation.services.undo.UNDO_DAYS", 0)
    with pytest.raises(CannotUndo, match="ask an admin"):
        undo(decision_id=old.pk, actor=mona)

    undo(decision_id=old.pk, actor=ada)
    first.refresh_from_db()
    assert first.decision == ""


def test_what_was_appealed_against_is_answered_and_not_taken_back(versions, alice, mona):
    decision = decide_on(item_of(versions[0]), mona, "caution")
    appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    with pytest.raises(CannotUndo, match="answer the appeal"):
        undo(decision_id=decision.pk, actor=mona)


def test_only_the_last_decision_on_an_item_is_taken_back(versions, mona):
    first = decide_on(item_of(versions[0]), mona, "hide-version")
    decide_on(item_of(versions[0]), mona, "approve")

    with pytest.raises(CannotUndo, match="Something came after it"):
        undo(decision_id=first.pk, actor=mona)
