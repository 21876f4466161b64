"""What joins the queue and changes there: nobody decides on what they have not seen."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from moderation.models import ReviewItem
from moderation.services import items, scans
from moderation.services.appeals import appeal
from moderation.services.decisions import ItemChanged
from moderation.services.triage import triage_scan
from skills.models import HoldKind, ScanState
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, SUSPICIOUS, scan_all
from tests.factories.skills import hold

pytestmark = pytest.mark.django_db


def found(rule: str, severity: str = "medium") -> dict[str, object]:
    return {
        "rule": rule,
        "attack_class": "exfiltration",
        "severity": severity,
        "file": "SKILL.md",
        "line": 1,
        "snippet": "curl",
    }


def test_other_findings_of_the_same_state_are_a_new_revision(publish, mona):
    version = publish("notes", CLEAN).version
    suspicious = {"version_id": version.pk, "state": ScanState.SUSPICIOUS}
    triage_scan(**suspicious, evidence=[found("a")])
    seen = item_of(version)
    worse = [found("b", "high"), found("a")]

    triage_scan(**suspicious, evidence=worse)
    triage_scan(**suspicious, evidence=worse)

    now = item_of(version)
    assert (now.revision, now.top_rule) == (seen.revision + 1, "b")
    with pytest.raises(ItemChanged):
        decide_on(seen, mona, "approve")


def test_a_proposal_goes_with_the_grounds_it_was_made_on(publish, mona):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decide_on(item_of(version), mona, "propose-removal")
    triage_scan(version_id=version.pk, state=ScanState.CLEAN, evidence=[])

    triage_scan(version_id=version.pk, state=ScanState.SUSPICIOUS, evidence=[found("a")])

    assert item_of(version).proposal is None


def test_the_next_item_is_one_that_they_may_decide(publish, alice, mona, ada):
    version = publish("notes", SUSPICIOUS).version
    scan_all()
    decision = decide_on(item_of(version), mona, "caution")
    made = appeal(decision_id=decision.pk, actor=alice, text="It is a quotation.")

    assert items.claim_next(actor=mona) is None
    assert items.claim_next(actor=ada) == made.item


def test_what_a_reporter_adds_is_read_before_it_is_closed(publish):
    version = publish("notes", CLEAN).version
    rita = person("rita")
    report(version, rita)
    seen = item_of(version)

    report(version, rita, "And it sends them away.")
    report(version, rita, "And it sends them away.")

    assert item_of(version).revision == seen.revision + 1


def test_a_result_locks_the_skill_before_its_scan(publish):
    publish("notes", CLEAN)
    scans.queue_new_versions()
    scan = scans.claim_scan()

    with CaptureQueriesContext(connection) as asked:
        scans.perform_scan(scan)

    told = [query["sql"] for query in asked]
    locked = next(n for n, sql in enumerate(told) if "FOR NO KEY UPDATE" in sql)
    ended = next(n for n, sql in enumerate(told) if sql.startswith('UPDATE "moderation_scan"'))
    assert "skills_skill" in told[locked]
    assert locked < ended


# --- What joins the queue -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HoldKind.values)
def test_a_new_version_under_any_hold_joins_the_queue_once(publish, kind):
    old = publish("notes", CLEAN).version
    scan_all()
    hold(old.skill, kind)
    new = publish("notes", CLEAN | {"more.md": "# More\n"}, version="1.1.0").version
    scan_all()

    scans.request_scans([new.pk])
    scan_all()

    item = ReviewItem.objects.get()
    assert (item.version, item.kind, item.state) == (new, "hold", "open")


@pytest.mark.parametrize(("kind", "joining"), [("ban", 0), ("removed", 0), ("hidden", 1)])
def test_a_rescan_brings_up_what_is_hidden_and_not_what_is_settled(publish, kind, joining):
    version = publish("notes", CLEAN).version
    scan_all()
    hold(version.skill, kind)

    scans.request_scans([version.pk])
    scan_all()

    assert ReviewItem.objects.count() == joining


def test_a_rescan_brings_no_removed_skill_back_into_the_queue(publish, ada):
    version = publish("notes", CLEAN).version
    scan_all()
    report(version, person("rita"))
    decide_on(item_of(version), ada, "remove")

    scans.request_scans([version.pk])
    scan_all()

    assert item_of(version).state == "done"
