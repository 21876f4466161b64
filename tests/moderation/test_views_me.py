"""`/me/`: a person's skills, notices and decisions, and the number in the account menu."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Namespace, NamespaceKind
from moderation.models import Notice
from skills.models import Skill
from tests.factories.accounts import sign_in
from tests.factories.desk import decide_on, decision_on, item_of
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db

ME = "/me/"


def text(client, url: str = ME) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def own(client, alice):
    return sign_in(client, alice)


def notices(namespace, skill, count: int) -> list[Notice]:
    return [
        Notice.objects.create(namespace=namespace, kind="findings", skill=skill, text=f"Told {n}.")
        for n in range(count)
    ]


def test_it_shows_every_skill_with_its_word_and_the_reason(own, publish, mona):
    publish("good", CLEAN)
    publish("doubtful", SUSPICIOUS)
    bad = publish("bad", MALICIOUS)
    deleted = publish("gone").skill
    scan_all()
    Skill.objects.filter(pk=deleted.pk).update(soft_deleted_at=timezone.now())
    decide_on(item_of(bad.version), mona, "hide")

    page = text(own)

    for slug in ("good", "doubtful", "bad", "gone"):
        assert f'href="/me/skills/{slug}/?owner=alice"' in page
    assert "The last scan found nothing above low." in page
    assert "a moderator has yet to decide on" in page
    assert "A moderator hid it; read the decision" in page
    assert "It is deleted; only its owners and staff see it." in page
    assert Skill.objects.filter(pk=deleted.pk).update(soft_deleted_at=None) == 1


def test_a_stranger_sees_nothing_of_it(client, charlie, publish):
    publish("notes", SUSPICIOUS)
    scan_all()

    page = text(sign_in(client, charlie))

    assert "notes" not in page.replace("notices", "")
    assert "No skills yet" in page


def test_notices_are_unread_until_they_are_marked(own, publish, alice):
    skill = publish().skill
    first, second = notices(alice.namespace, skill, 2)

    page = text(own)
    assert page.index("Told 1.") < page.index("Told 0.")
    assert '<span class="num">2<span class="sr"> unread notices' in page

    own.post("/me/notices/read/", {"notice": [first.pk, second.pk], "only": first.pk})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.read_at is None, second.read_at is None) == (False, True)
    assert '<span class="num">1<span class="sr"> unread notice<' in text(own)

    own.post("/me/notices/read/", {"notice": [first.pk, second.pk]})
    assert not Notice.objects.unread().exists()
    assert "unread notice" not in text(own)


def test_looking_and_a_get_mark_nothing(own, publish, alice):
    notices(alice.namespace, publish().skill, 1)

    text(own)
    assert own.get("/me/notices/read/").status_code == 302

    assert Notice.objects.unread().count() == 1


def test_nobody_marks_the_notices_of_others(client, charlie, publish, alice):
    (notice,) = notices(alice.namespace, publish().skill, 1)

    sign_in(client, charlie).post("/me/notices/read/", {"notice": [notice.pk, "x", "9" * 40, "-1"]})

    assert Notice.objects.unread().count() == 1


def test_a_member_of_an_organisation_reads_its_notices(client, charlie):
    org = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(namespace=org, user=charlie)
    skill = publish_skill(namespace=org, slug="shared").skill
    notices(org, skill, 3)

    page = text(sign_in(client, charlie))

    assert '<span class="num">3<span' in page
    assert 'href="/me/skills/shared/?owner=acme"' in page


def test_decisions_wait_until_they_are_answered_or_replaced(own, publish, mona, alice):
    published = publish("notes", SUSPICIOUS)
    scan_all()
    decision = decide_on(item_of(published.version), mona, "changes")

    page = text(own)
    assert "Decisions you can answer" in page
    assert f'href="/me/decisions/{decision.pk}/"' in page

    decision_on(published.version, "approve")
    assert "Decisions you can answer" not in text(own)


def test_long_lists_are_read_on_by_cursor(own, publish, alice):
    skills = [publish(f"skill-{n:02}").skill for n in range(28)]
    for notice in notices(alice.namespace, skills[0], 28):
        notice.read_at = timezone.now()
        notice.save()

    page = text(own)
    more_skills = page.split('href="?skills=')[1].split("#")[0]
    more_notices = page.split('href="?notices=')[1].split("#")[0]

    assert "skill-02<" not in page
    assert "skill-02" in text(own, f"{ME}?skills={more_skills}")
    assert "Told 2." in text(own, f"{ME}?notices={more_notices}")
    assert "is not one of ours" in text(own, f"{ME}?skills=x&notices=y")


def test_the_page_costs_the_same_however_much_there_is(own, publish, alice, mona):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            text(own)
        return len(captured)

    decision_on(publish("first").version, "hide", actor=mona)
    few = statements()
    for n in range(20):
        published = publish(f"skill-{n}")
        decision_on(published.version, "hide", actor=mona)
        notices(alice.namespace, published.skill, 1)

    assert statements() == few
    assert few <= 12


def test_what_a_notice_quotes_is_text(own, publish, alice):
    Notice.objects.create(
        namespace=alice.namespace,
        kind="findings",
        skill=publish(display_name="<i>\u202ex").skill,
        text="<img src=x>\u202e",
    )

    page = text(own)

    assert "<img src=x>" not in page
    assert "\u202e" not in page


# --- The account menu -----------------------------------------------------------------------------


def test_visitors_cost_no_statement_for_it_and_people_one(client, alice, publish):
    publish()
    with CaptureQueriesContext(connection) as captured:
        client.get("/about/")
    assert len(captured) == 0

    sign_in(client, alice)
    with CaptureQueriesContext(connection) as captured:
        client.get("/about/")
    asked = [q["sql"] for q in captured if "moderation_notice" in q["sql"]]
    assert len(asked) == 1


def test_the_number_is_read_from_its_index(alice, publish):
    namespaces = Namespace.objects.bulk_create(Namespace(handle=f"org{n}") for n in range(500))
    skill = publish().skill
    Notice.objects.bulk_create(
        Notice(namespace=namespace, kind="findings", skill=skill, text="Told.")
        for namespace in namespaces
        for _ in range(5)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_notice, accounts_namespace, accounts_membership")
    counted = Notice.objects.unread().to_person(alice)[:99]

    plan = counted.explain()

    assert "notice_unread" in plan or "notice_of_namespace" in plan
    assert "Seq Scan on moderation_notice" not in plan
    assert "Seq Scan on accounts_namespace" not in plan


def test_a_page_without_a_session_is_the_same_for_everybody(publish, alice):
    notices(alice.namespace, publish().skill, 1)
    sign_in(Client(), alice).get("/")

    assert b"unread notice" not in Client().get("/").content
