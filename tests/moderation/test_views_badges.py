"""Badges: who gives and takes them, and that everything shows them at once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import AuditEvent, Membership, Namespace
from accounts.policy import Actor, Verb, can
from skills.boards import build
from skills.models import Badge, Skill, SkillBadge
from tests.config.rivals import at_once
from tests.factories.accounts import sign_in
from tests.factories.boards import decided, folded_at, on_day
from tests.factories.skills import NamespaceFactory, publish_skill

pytestmark = pytest.mark.django_db

PAGE = "/staff/badges/"
SAID = {"skill": "@alice/pdf-tools", "kind": "official", "reason": "Made by the format's authors."}


@pytest.fixture
def moderator(client, mona) -> Client:
    return sign_in(client, mona)


@pytest.fixture
def skill(publish) -> Skill:
    return publish().skill


def badge_of(skill: Skill) -> SkillBadge:
    return SkillBadge.objects.get(skill=skill)


def take_of(badge: SkillBadge) -> str:
    return f"{PAGE}{badge.pk}/take/"


# --- Giving and taking ----------------------------------------------------------------------------


def test_a_badge_is_given_listed_and_taken_each_with_a_reason(moderator, skill, mona):
    answer = moderator.post(PAGE, SAID, follow=True)

    given = badge_of(skill)
    assert (given.kind, given.given_by, given.reason) == ("official", mona, SAID["reason"])
    assertContains(answer, "@alice/pdf-tools is official now.")
    assertContains(answer, take_of(given))
    assertContains(moderator.post(PAGE, SAID, follow=True), "is official already.")

    assertContains(moderator.get(take_of(given)), SAID["reason"].replace("'", "&#x27;"))
    answer = moderator.post(take_of(given), {"reason": "Sold."}, follow=True)
    assertContains(answer, "is official no longer.")
    assert not SkillBadge.objects.exists()
    assert moderator.post(take_of(given), {"reason": "Sold."}).status_code == 404
    told = AuditEvent.objects.filter(verb__startswith="badge.").order_by("pk")
    assert [(event.verb, event.actor, event.reason) for event in told] == [
        ("badge.give", mona, SAID["reason"]),
        ("badge.take", mona, "Sold."),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_who_give_at_once_give_one_and_two_who_take_take_one(skill, mona, ada):
    clients = [sign_in(Client(), person) for person in (mona, ada)]

    at_once(*[lambda c=c: c.post(PAGE, SAID) for c in clients])
    assert skill.badge_rows.count() == 1
    address = take_of(badge_of(skill))
    at_once(*[lambda c=c: c.post(address, {"reason": "x"}) for c in clients])

    verbs = AuditEvent.objects.filter(verb__startswith="badge.").values_list("verb", flat=True)
    assert sorted(verbs) == ["badge.give", "badge.take"]
    assert Skill.objects.get().badges == {}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"skill": "nobody-has-this"}, "Skill not found"),
        ({"skill": "@alice/" + "x" * 250}, "at most 200 characters"),
        ({"skill": "a\0b"}, "Null characters"),
        ({"skill": "<script>x"}, "&lt;script&gt;x"),
        ({"kind": "gold"}, "Select a valid choice"),
        ({"reason": " \u202e\u200b "}, "Say why in words"),
        ({"reason": "x" * 301}, "at most 300 characters"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_what_is_no_badge_comes_back_as_typed(moderator, skill, typed, told):
    answer = moderator.post(PAGE, SAID | typed)

    assertContains(answer, told, status_code=422)
    assertContains(answer, "data-error-summary", status_code=422)
    assert not SkillBadge.objects.exists()


def test_a_name_of_several_owners_has_to_be_told_apart(moderator, skill):
    publish_skill(namespace=NamespaceFactory(handle="bo"))

    answer = moderator.post(PAGE, SAID | {"skill": "pdf-tools"})

    assertContains(answer, "Several publishers use this name", status_code=422)


def test_taking_needs_a_reason(moderator, skill):
    moderator.post(PAGE, SAID)

    answer = moderator.post(take_of(badge_of(skill)), {"reason": " "})

    assertContains(answer, "data-error-summary", status_code=422)
    assert SkillBadge.objects.exists()


# --- Who may --------------------------------------------------------------------------------------


def test_nobody_decides_on_the_badges_of_their_own(moderator, mona, ada):
    org = Namespace.objects.create(handle="lamps", kind="org")
    Membership.objects.create(namespace=org, user=mona)
    for namespace in (mona.namespace, org):
        skill = publish_skill(namespace=namespace, slug="desk-lamp").skill
        said = SAID | {"skill": f"@{namespace.handle}/desk-lamp"}
        assertContains(moderator.post(PAGE, said), "a skill of your own", status_code=422)
        sign_in(Client(), ada).post(PAGE, said)
        taken = moderator.post(take_of(badge_of(skill)), {"reason": "x"})
        assertContains(taken, "a skill of your own", status_code=422)
        assertNotContains(moderator.get(PAGE), take_of(badge_of(skill)))
    assert SkillBadge.objects.count() == 2


def test_the_policy_is_moderators_and_admins_but_not_on_their_own(skill, alice, charlie, mona, ada):
    own = publish_skill(namespace=mona.namespace, slug="desk-lamp").skill

    allowed = [can(Actor(user=who), Verb.BADGE, skill) for who in (alice, charlie, mona, ada)]

    assert allowed == [False, False, True, True]
    assert not can(Actor(user=mona), Verb.BADGE, own)
    assert can(Actor(user=ada), Verb.BADGE, own)


def test_only_staff_find_the_way_from_the_skills_page(moderator, skill, charlie):
    way = f"{PAGE}?skill=@alice/pdf-tools"

    assertContains(moderator.get("/skills/alice/pdf-tools/"), way)
    assertContains(moderator.get(way), 'value="@alice/pdf-tools"')
    for client in (Client(), sign_in(Client(), charlie)):
        assertNotContains(client.get("/skills/alice/pdf-tools/"), PAGE)


# --- Shown at once --------------------------------------------------------------------------------


def shown(address: str) -> bool:
    """Whether a visitor reads the badge there; pages are asked for twice, so they are kept."""
    Client().get(address)
    return b"official" in Client().get(address).content


def test_lists_pages_search_and_api_show_a_badge_at_once(moderator, skill):
    addresses = (
        "/skills/",
        "/skills/?q=pdf",
        "/skills/alice/pdf-tools/",
        "/u/alice/",
        "/api/v1/skills",
        "/api/v1/skills/pdf-tools",
    )
    assert not any(map(shown, addresses))

    moderator.post(PAGE, SAID)
    assert [address for address in addresses if not shown(address)] == []

    moderator.post(take_of(badge_of(skill)), {"reason": "Sold."})
    assert [address for address in addresses if shown(address)] == []


def test_a_board_and_its_twin_show_a_badge_at_once(moderator):
    now = timezone.now()
    skill = decided(slug="on-the-board")
    on_day(skill, now.date(), 50)
    folded_at(now)
    build("trending", "7d", now)
    board = "/leaderboards/trending/"
    assert b"on-the-board" in Client().get(board).content
    assert not shown(board)

    said = SAID | {"skill": f"@{skill.owner_handle}/on-the-board"}
    moderator.post(PAGE, said)

    assert shown(board)
    assert Skill.objects.get().badges.keys() == {Badge.OFFICIAL}


def test_a_longer_list_takes_no_more_statements_and_goes_on(
    moderator, publish, mona, django_assert_max_num_queries
):
    for number in range(10):
        made = publish(f"skill-{number}").skill
        for kind in Badge:
            SkillBadge.objects.create(skill=made, kind=kind, given_by=mona, reason="x")

    with django_assert_max_num_queries(8):
        first = moderator.get(PAGE)
    rest = moderator.get(f"{PAGE}?after={first.context['older']}")

    assert (len(first.context["badges"]), len(rest.context["badges"])) == (25, 5)
    assertContains(moderator.get(f"{PAGE}?after=x"), "These are the newest badges.")
    assertRedirects(moderator.post(PAGE, SAID | {"skill": "skill-1"}), PAGE)
