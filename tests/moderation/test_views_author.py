"""The staff's page of an author: all their skills, what was decided, the ban and its end."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent, User
from accounts.services import create_user
from jobs.models import JobRun
from moderation.services import bans
from moderation.services.bans import ban_user
from skills.models import Skill, SkillHold
from tests.factories.accounts import sign_in
from tests.factories.bulk import analyze, explain, list_skills
from tests.factories.desk import decide_on, item_of
from tests.factories.scans import SUSPICIOUS, scan_all
from tests.factories.skills import NamespaceFactory, hold, publish_skill

pytestmark = pytest.mark.django_db
PAGE = "/staff/authors/alice/"


@pytest.fixture
def moderator(mona):
    return sign_in(Client(), mona)


@pytest.fixture
def admin(ada):
    return sign_in(Client(), ada)


# --- What it shows --------------------------------------------------------------------------------


def test_every_skill_is_listed_with_what_hides_it(moderator, publish):
    publish("open-one")
    hold(publish("held-one").skill, "hidden")
    hold(Skill.objects.get(slug="held-one"), "reports")
    gone = publish("gone-one").skill
    Skill.objects.filter(pk=gone.pk).update(soft_deleted_at=timezone.now())
    withdrawn = publish("back-one")
    withdrawn.version.withdrawn_at = timezone.now()
    withdrawn.version.save()

    page = moderator.get(PAGE).content.decode()

    for slug in ("open-one", "held-one", "gone-one", "back-one"):
        assert f">{slug}</span>" in page
    for reason in (
        "Hidden by staff",
        "Hidden by reports",
        "Deleted by its owner",
        "Every version withdrawn",
    ):
        assert page.count(reason) == 1
    assert "4 skills, hidden ones included" in page


def test_a_version_held_alone_gives_its_code(moderator, publish):
    publish("notes", SUSPICIOUS)
    scan_all()
    decide_on(
        item_of(Skill.objects.get().versions.get()),
        create_user(handle="zed", role="admin"),
        "changes",
    )

    assertContains(moderator.get(PAGE), "manual.changes")


def test_what_waits_and_what_was_decided_is_told(moderator, publish, ada):
    publish("notes", SUSPICIOUS, version="1.0.0")
    scan_all()
    first = moderator.get(PAGE)
    assertContains(first, "/skills/alice/notes/versions/1.0.0/")
    decide_on(item_of(Skill.objects.get().versions.get()), ada, "caution")

    second = moderator.get(PAGE)

    assertNotContains(second, "/skills/alice/notes/versions/1.0.0/")
    assertContains(second, "Caution advised")


def test_the_list_goes_on_by_its_cursor(moderator, alice):
    rows = [{"slug": f"no-{n:02}", "display_name": f"No {n}"} for n in range(60)]
    list_skills(alice.namespace, rows)
    seen: list[str] = []
    address = PAGE
    while address:
        response = moderator.get(address)
        seen += [row.skill.slug for row in response.context["rows"]]
        older = response.context["older"]
        address = f"{PAGE}?after={older}" if older else ""

    assert seen == [f"no-{n:02}" for n in reversed(range(60))]
    assertContains(moderator.get(f"{PAGE}?after=nonsense"), "cannot be found")


def test_the_page_costs_the_same_however_many_skills_there_are(moderator, alice, publish):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert moderator.get(PAGE).status_code == 200
        return len(captured)

    publish("one-skill")
    hold(Skill.objects.get(), "hidden")
    few = statements()
    list_skills(
        alice.namespace, [{"slug": f"no-{n:02}", "display_name": f"No {n}"} for n in range(60)]
    )
    SkillHold.objects.bulk_create(
        SkillHold(skill=skill, kind="quality") for skill in Skill.objects.all()
    )
    assert statements() == few <= 12
    SkillHold.objects.filter(kind="quality").delete()


def test_the_list_reads_few_blocks_among_many_owners(alice):
    list_skills(
        alice.namespace, [{"slug": f"no-{n:03}", "display_name": f"No {n}"} for n in range(300)]
    )
    list_skills(
        NamespaceFactory(), [{"slug": f"so-{n:03}", "display_name": f"So {n}"} for n in range(600)]
    )
    analyze(Skill)
    rows = Skill.objects.filter(namespace=alice.namespace).order_by("-pk")

    plan = explain(*rows.values("pk")[:26].query.sql_with_params())

    assert plan.indexes == {"skill_of_namespace"}
    assert plan.blocks <= 60, plan  # Two heap blocks a row: stored, and settled.


def test_names_are_escaped_and_what_hides_in_them_is_shown(moderator, alice):
    list_skills(
        alice.namespace, [{"slug": "odd-\u202e", "display_name": "<script>alert(1)</script>\u202e"}]
    )

    page = moderator.get(PAGE)

    assertNotContains(page, "<script>alert")
    assert "\u202e" not in page.content.decode()


def test_an_owner_without_a_person_cannot_be_banned(moderator, admin):
    publish_skill(namespace=NamespaceFactory(handle="imported"), slug="old-one")
    NamespaceFactory(handle="acme", kind="org")

    assertContains(moderator.get("/staff/authors/imported/"), "nobody to ban")
    assertContains(moderator.get("/staff/authors/acme/"), "its members can be")
    for handle in ("imported", "acme", "nobody"):
        for act in ("ban", "unban"):
            assert admin.get(f"/staff/authors/{handle}/{act}/").status_code == 404
    assert admin.get("/staff/authors/nobody/").status_code == 404


def test_staff_find_the_page_from_the_public_one(moderator, alice):
    assertContains(moderator.get("/u/alice/"), f'href="{PAGE}"')
    assertNotContains(Client().get("/u/alice/"), "/staff/")
    assertNotContains(sign_in(Client(), alice).get("/u/alice/"), "/staff/")


# --- The ban and its end --------------------------------------------------------------------------


def test_a_ban_says_what_it_hides_and_asks_why(moderator, publish, alice):
    publish("one-skill")
    publish("two-skills")
    asked = moderator.get(f"{PAGE}ban/")
    assertContains(asked, "Ban and hide 2 skills")

    refused = moderator.post(f"{PAGE}ban/", {"reason": " "})
    assert refused.status_code == 422
    assertContains(refused, "Write why; the person will read it.", status_code=422)
    too_long = moderator.post(f"{PAGE}ban/", {"reason": "z" * 501})
    assertContains(too_long, "z" * 501, status_code=422)
    assert User.objects.get(pk=alice.pk).banned_at is None

    answer = moderator.post(f"{PAGE}ban/", {"reason": "Spam & more."}, follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assertContains(answer, "Banned alice: 2 skills hidden.")
    assertContains(answer, "Spam &amp; more.")
    assertContains(answer, "Its author is banned", 2)
    assertNotContains(answer, f"{PAGE}ban/")
    assertNotContains(answer, f"{PAGE}unban/")  # That is for admins.
    assert AuditEvent.objects.get(verb="user.ban").reason == "Spam & more."


def test_a_ban_sent_twice_says_so(moderator, alice):
    for _ in range(2):
        answer = moderator.post(f"{PAGE}ban/", {"reason": "Spam."}, follow=True)

    assertContains(answer, "Nothing stored: this person was banned before.")


def test_whom_one_may_not_ban_stays(moderator, ada, mona):
    for handle in ("ada", "mona"):
        answer = moderator.post(f"/staff/authors/{handle}/ban/", {"reason": "A joke."})
        assert answer.status_code == 422
        assertContains(answer, "A joke.", status_code=422)
        assertNotContains(moderator.get(f"/staff/authors/{handle}/"), "/ban/")
    assert not User.objects.filter(banned_at__isnull=False).exists()


def test_an_admin_lifts_a_ban(admin, moderator, publish, alice, mona):
    publish("one-skill")
    ban_user(user=alice, actor=mona, reason="Spam.")
    assertContains(moderator.get(PAGE), "An admin can lift the ban.")
    assertContains(admin.get(PAGE), f"{PAGE}unban/")
    assertContains(admin.get(f"{PAGE}unban/"), "Spam.")
    assert admin.post(f"{PAGE}unban/", {"reason": ""}).status_code == 422

    answer = admin.post(f"{PAGE}unban/", {"reason": "Wrong person."}, follow=True)

    assertContains(answer, "Lifted the ban of alice: 1 skill free.")
    assertContains(answer, "Wrong person.")
    assert Skill.objects.public().count() == 1
    assertContains(admin.post(f"{PAGE}unban/", {"reason": "Again."}, follow=True), "is not banned")


def test_a_run_that_goes_on_is_shown(moderator, alice, monkeypatch):
    monkeypatch.setattr(bans, "FIRST", 2)
    rows = [{"slug": f"no-{n}", "display_name": f"No {n}"} for n in range(5)]
    list_skills(alice.namespace, rows)

    answer = moderator.post(f"{PAGE}ban/", {"reason": "Spam."}, follow=True)

    assertContains(answer, "2 skills hidden. A run goes on with the others.")
    assertContains(answer, f"/staff/jobs/{JobRun.objects.get().pk}/")


def test_a_form_without_its_token_bans_nobody(mona, alice):
    strict = sign_in(Client(), mona)
    strict.handler.enforce_csrf_checks = True

    assert strict.post(f"{PAGE}ban/", {"reason": "Spam."}).status_code == 403
    assert User.objects.get(pk=alice.pk).banned_at is None
