"""Moderators who meet over one item: one decision each time, and the other is told who and when."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from moderation.models import Decision, ItemKind, Report, ReviewItem
from moderation.services import items
from moderation.services.appeals import AppealRefused, appeal
from moderation.services.bulk import decide_many
from moderation.services.cases import KeyUsed, Verdict
from moderation.services.decisions import decide
from moderation.services.reports import OPEN_MOST, TooManyReports, report_version
from moderation.services.undo import undo
from skills.models import Skill, SkillVersion
from tests.config.rivals import at_once, meet
from tests.factories.bulk import list_skills
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, SUSPICIOUS, scan_all, stands
from tests.factories.skills import NamespaceFactory
from tests.statements import asked

MEETINGS = 200
BECAUSE = "Because of line 3."


def many_items(count: int) -> list[ReviewItem]:
    """Open items, each about the only version of a skill of its own."""
    namespace = NamespaceFactory()
    list_skills(namespace, [{"slug": f"skill-{n}", "display_name": f"{n}"} for n in range(count)])
    now = timezone.now()
    return ReviewItem.objects.bulk_create(
        ReviewItem(
            version=version, namespace=namespace, kind=ItemKind.SCAN, due_at=now, rank_at=now
        )
        for version in SkillVersion.objects.order_by("pk")
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_does_and_the_other_learns_who_and_when(mona, ada):
    told = []
    for item in many_items(MEETINGS):
        found = at_once(
            lambda item=item: decide_on(item, mona, "approve", revision=1),
            lambda item=item: decide_on(item, ada, "hide", revision=1),
        )
        told += [one for one in found if not isinstance(one, Decision)]

    assert Decision.objects.count() == MEETINGS
    assert AuditEvent.objects.filter(verb__startswith="review.").count() == MEETINGS
    assert {type(one) for one in told} == {items.ItemClosed}
    assert len(told) == MEETINGS
    assert all(one.decision.actor_id in {mona.pk, ada.pk} for one in told)
    assert all(one.decision.created_at for one in told)
    hidden = Skill.objects.filter(moderation_reason="manual.hidden").count()
    assert hidden == Decision.objects.filter(action="hide").count()


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_for_the_next_item_get_different_ones(mona, ada):
    many_items(20)

    found = at_once(*[lambda who=who: items.claim_next(actor=who) for who in (mona, ada)])

    assert None not in found
    assert found[0].pk != found[1].pk


@pytest.mark.django_db(transaction=True)
def test_two_who_take_an_item_back_do_it_once(publish, mona):
    flagged = publish("notes", SUSPICIOUS)
    scan_all()
    decision = decide_on(item_of(flagged.version), mona, "hide")

    found = at_once(*[lambda: undo(decision_id=decision.pk, actor=mona)] * 2)

    assert len({one.pk for one in found}) == 1
    assert Decision.objects.filter(action="undo").count() == 1
    assert stands(flagged.skill)[0] == "active"


@pytest.mark.django_db(transaction=True)
def test_four_who_report_at_once_hide_it_once(publish):
    version = publish("notes").version
    scan_all()
    people = [person(f"reporter{n}") for n in range(4)]

    at_once(*[lambda who=who: report(version, who) for who in people])

    assert stands(version.skill)[:2] == ("hidden", "auto.reports")
    assert Decision.objects.count() == 1
    assert ReviewItem.objects.get().reporters == 4


@pytest.mark.django_db(transaction=True)
def test_one_who_reports_twice_at_once_has_one_report(publish, charlie):
    version = publish("notes").version

    found = at_once(*[lambda: report(version, charlie)] * 2)

    assert sorted(one.created for one in found) == [False, True]
    assert Report.objects.get().text == "It reads my keys."


@pytest.mark.django_db(transaction=True)
def test_a_flood_of_reports_ends_at_twenty(charlie):
    many = many_items(OPEN_MOST + 4)

    found = at_once(*[lambda item=item: report(item.version, charlie) for item in many])

    assert Report.objects.count() == OPEN_MOST
    assert sum(isinstance(one, TooManyReports) for one in found) == 4


@pytest.mark.django_db(transaction=True)
def test_an_appeal_sent_twice_at_once_is_one(publish, alice, mona):
    flagged = publish("notes", SUSPICIOUS)
    scan_all()
    decision = decide_on(item_of(flagged.version), mona, "hide")

    found = at_once(
        *[lambda: appeal(decision_id=decision.pk, actor=alice, text="It is a lesson.")] * 2
    )

    assert len({one.pk for one in found}) == 1
    assert ReviewItem.objects.appeals().count() == 1
    with pytest.raises(AppealRefused, match="already"):
        appeal(decision_id=decision.pk, actor=alice, text="And another thing.")


@pytest.mark.django_db
def test_a_replayed_decision_is_the_first_one(publish, mona):
    flagged = publish("notes", SUSPICIOUS)
    scan_all()
    item, key = item_of(flagged.version), uuid.uuid4()

    def send():
        verdict = Verdict("hide", text=BECAUSE)
        return decide(item_id=item.pk, actor=mona, verdict=verdict, revision=1, request_key=key)

    assert send() == send()
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_used_for_two_items_at_once_decides_on_one(mona):
    first, second = many_items(2)
    key = uuid.uuid4()

    def send(item):
        verdict = Verdict("hide", text=BECAUSE)
        return decide(item_id=item.pk, actor=mona, verdict=verdict, revision=1, request_key=key)

    done, refused = meet(lambda: send(first), lambda: send(second))

    assert done.item_id == first.pk
    assert refused.code == "request_key_used"
    with pytest.raises(KeyUsed):
        send(second)
    assert Decision.objects.count() == 1


@pytest.mark.django_db
def test_a_report_locks_its_person_before_the_skill_as_a_ban_does(publish, charlie):
    version = publish("notes").version

    with CaptureQueriesContext(connection) as queries:
        report(version, charlie)

    locks = [q["sql"] for q in queries if "FOR NO KEY UPDATE" in q["sql"]]
    tables = [sql.split(' FROM "')[1].split('"')[0] for sql in locks]
    assert tables.index("accounts_user") < tables.index("skills_skill")


@pytest.mark.django_db
def test_a_page_that_is_out_of_date_decides_nothing(publish, mona, charlie):
    flagged = publish("notes", SUSPICIOUS)
    scan_all()
    item = item_of(flagged.version)
    report(flagged.version, charlie)

    [row] = decide_many(
        pairs=[(item.pk, item.revision)], actor=mona, verdict=Verdict("hide", text=BECAUSE)
    )

    assert (row.decision, row.refusal.code) == (None, "item_changed")
    assert not Decision.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "action", ["approve", "caution", "changes", "hide-version", "hide", "remove"]
)
def test_deciding_costs_the_same_for_one_report_and_a_hundred(publish, ada, action):
    costs = {}
    for count in (1, 100):
        publish(f"notes-{count}", CLEAN, version="0.9.0")
        version = publish(f"notes-{count}", SUSPICIOUS).version
        scan_all()
        Report.objects.bulk_create(
            Report(
                skill=version.skill,
                version=version,
                reporter=person(f"reporter-{count}-{n}"),
                kind="broken",
                text="It does not start.",
            )
            for n in range(count)
        )
        item = item_of(version)
        with CaptureQueriesContext(connection) as queries:
            decide_on(item, ada, action)
        costs[count] = len(asked(queries))

    assert costs[1] == costs[100]
    assert costs[1] <= 25


@pytest.mark.django_db
def test_nobody_decides_on_their_own_skill(mona, publish):
    version = publish("notes", SUSPICIOUS, namespace=mona.namespace).version
    scan_all()

    with pytest.raises(items.OwnSkill):
        decide_on(item_of(version), mona, "approve")
    assert items.claim_next(actor=mona) is None


@pytest.mark.django_db
def test_a_report_needs_words_a_kind_and_somebody_else(publish, alice, charlie):
    version = publish("notes").version
    refused = {}
    for name, who, said in (
        ("kind", charlie, {"kind": "dull", "text": "No."}),
        ("text", charlie, {"kind": "broken", "text": "  "}),
        ("long", charlie, {"kind": "broken", "text": "x" * 501}),
        ("own", alice, {"kind": "broken", "text": "Mine."}),
        ("nul", charlie, {"kind": "broken", "text": "a\0b"}),
    ):
        with pytest.raises(Exception, match=r".") as refusal:
            report_version(version=version, reporter=who, **said)
        refused[name] = refusal.value.code

    assert refused == {
        "kind": "report_refused",
        "text": "report_refused",
        "long": "report_refused",
        "own": "report_refused",
        "nul": "unstorable_text",
    }
    assert not Report.objects.exists()
