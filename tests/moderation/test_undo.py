"""Taking back, and granting: what somebody else said of the skill meanwhile stays."""

from __future__ import annotations

import pytest

from moderation.models import Report, ReviewItem
from moderation.services import items
from moderation.services.appeals import appeal
from moderation.services.cases import NotAllowed
from moderation.services.undo import undo
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
