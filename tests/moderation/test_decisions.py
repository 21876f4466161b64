"""Deciding on an item: what changes with it, for everybody, in one transaction."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from moderation.models import Decision, ItemState, Notice, Report, ReviewItem
from moderation.services import items
from moderation.services.undo import undo
from skills.models import Skill
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


def test_claims_are_leases(flagged, mona, ada):
    item = items.claim_item(item_id=item_of(flagged.version).pk, actor=mona)

    with pytest.raises(items.ClaimedByOther):
        decide_on(item, ada, "approve")
    assert items.claim_next(actor=ada) is None
    items.claim_item(item_id=item.pk, actor=ada, take_over=True)
    decide_on(item, ada, "approve")

    assert Decision.objects.get(action="approve").actor == ada
