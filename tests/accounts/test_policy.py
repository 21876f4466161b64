"""Who may do what; lists and single answers agree for every actor and every state of a skill."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Membership, Scope
from accounts.policy import ANONYMOUS, Actor, Verb, can
from accounts.services import create_token, create_user
from skills.models import Skill
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory

pytestmark = pytest.mark.django_db

STATES = {
    "public": {},
    "suspicious": {"moderation_flags": ["flagged.suspicious"]},
    "hidden": {"moderation_status": "hidden"},
    "removed": {"moderation_status": "removed"},
    "deleted": {"soft_deleted_at": timezone.now()},
    "deleted and hidden": {"moderation_status": "hidden", "soft_deleted_at": timezone.now()},
    "withdrawn": {},
}
PUBLIC = {"public", "suspicious"}
READ = [Scope.SKILLS_READ]
WRITE = [Scope.SKILLS_WRITE]


@pytest.fixture
def skills(alice):
    """A skill in each state, of Alice and of an organisation she is no member of."""
    made = {}
    for namespace in (alice.namespace, NamespaceFactory(handle="acme", kind="org")):
        rows = [{"slug": state, "display_name": state} | STATES[state] for state in STATES]
        for skill in list_skills(namespace, rows):
            if skill.slug == "withdrawn":
                skill.versions.update(withdrawn_at=timezone.now())
            made[namespace.handle, skill.slug] = skill
    for skill in made.values():
        skill.refresh_from_db()
    return made


@pytest.fixture
def actors(alice, charlie, mona, ada, skills):
    acme = skills["acme", "public"].namespace
    member = create_user(handle="bob")
    Membership.objects.create(namespace=acme, user=member)

    def token(user, scopes, namespace=None):
        made, _ = create_token(user=user, label="x", scopes=scopes, namespace=namespace)
        return Actor(user=user, token=made, scopes=frozenset(made.scopes))

    return {
        "anonymous": ANONYMOUS,
        "owner": Actor(alice),
        "member": Actor(member),
        "stranger": Actor(charlie),
        "moderator": Actor(mona),
        "admin": Actor(ada),
        "owner's reading token": token(alice, READ),
        "owner's writing token": token(alice, WRITE),
        "member's key of the organisation": token(member, READ + WRITE, acme),
        "member's own key": token(member, READ + WRITE, member.namespace),
        "moderator's plain token": token(mona, READ),
        "moderator's token": token(mona, [Scope.MODERATE]),
        "admin's moderating token": token(ada, [Scope.MODERATE]),
        "admin's plain token": token(ada, WRITE),
    }


SEES_ALL = {"moderator", "admin", "moderator's token", "admin's moderating token"}
SEES_OWN = {
    "owner": {"alice"},
    "owner's reading token": {"alice"},
    "member": {"acme"},
    "member's key of the organisation": {"acme"},
}
PUBLISHES = {
    "owner": {"alice"},
    "owner's writing token": {"alice"},
    "member": {"acme"},
    "member's key of the organisation": {"acme"},
}


def test_who_sees_what_is_said_once_and_the_list_agrees(actors, skills):
    for name, actor in actors.items():
        listed = set(Skill.objects.visible_to(actor).values_list("pk", flat=True))
        for (owner, state), skill in skills.items():
            hidden_too = name in SEES_ALL or owner in SEES_OWN.get(name, ())

            assert can(actor, Verb.VIEW, skill) is (state in PUBLIC or hidden_too), (name, state)
            assert (skill.pk in listed) is can(actor, Verb.VIEW, skill), (name, owner, state)
            assert can(actor, Verb.DIAGNOSE, skill) is hidden_too, (name, owner, state)


def test_only_what_is_public_is_installed_by_anybody(actors, skills):
    for actor in actors.values():
        for (_owner, state), skill in skills.items():
            assert can(actor, Verb.INSTALL, skill) is (state in PUBLIC)


def test_who_publishes_in_whose_name(actors, skills):
    for name, actor in actors.items():
        for (owner, _state), skill in skills.items():
            allowed = owner in PUBLISHES.get(name, ())
            assert can(actor, Verb.PUBLISH, skill) is allowed, (name, owner)


def test_everybody_signed_in_comments_on_what_is_public(actors, skills):
    writers = {name for name, actor in actors.items() if actor.user}
    writers -= {"owner's reading token", "moderator's plain token"}
    writers -= {"moderator's token", "admin's moderating token"}
    for name, actor in actors.items():
        for (owner, state), skill in skills.items():
            allowed = name in writers and state in PUBLIC
            assert can(actor, Verb.COMMENT, skill) is allowed, (name, owner, state)


def test_staff_judges_comments_but_not_under_skills_of_their_own(actors, skills, mona, ada):
    acme = skills["acme", "public"].namespace
    for person in (mona, ada):
        Membership.objects.create(namespace=acme, user=person)
    for name, actor in actors.items():
        for (owner, state), skill in skills.items():
            allowed = name in SEES_ALL and owner != "acme"
            assert can(actor, Verb.JUDGE, skill) is allowed, (name, owner, state)


def test_owners_and_staff_have_a_skill_scanned_again(actors, skills):
    for name, actor in actors.items():
        for (owner, _state), skill in skills.items():
            allowed = owner in PUBLISHES.get(name, ()) or name in SEES_ALL
            assert can(actor, Verb.RESCAN, skill) is allowed, (name, owner)


def test_only_staff_enters_the_staff_pages(actors):
    assert {name for name, actor in actors.items() if can(actor, Verb.STAFF)} == SEES_ALL


def test_moderators_ban_and_only_admins_manage_people(actors):
    assert {name for name, actor in actors.items() if can(actor, Verb.BAN)} == SEES_ALL
    assert {name for name, actor in actors.items() if can(actor, Verb.MANAGE_PEOPLE)} == {"admin"}


@pytest.mark.parametrize("verb", [Verb.OPERATE, Verb.CONFIGURE])
def test_only_admins_operate_jobs_and_change_settings(actors, ada, verb):
    token, _ = create_token(user=ada, label="x", scopes=[Scope.ADMIN])
    actors["admin's own token"] = Actor(user=ada, token=token, scopes=frozenset(token.scopes))

    may = {name for name, actor in actors.items() if can(actor, verb)}

    assert may == {"admin", "admin's own token"}


def test_only_staff_read_the_files_of_what_is_withheld(actors, skills):
    hidden = skills["acme", "hidden"]

    may = {name for name, actor in actors.items() if can(actor, Verb.INSPECT, hidden)}

    assert {"moderator", "admin"} <= may
    assert not may & {"anonymous", "owner", "member", "stranger"}


def test_nobody_may_do_anything_to_nothing(actors):
    about_the_site = {
        Verb.STAFF,
        Verb.INSPECT,
        Verb.CONFIGURE,
        Verb.OPERATE,
        Verb.BAN,
        Verb.MANAGE_PEOPLE,
    }
    for verb in set(Verb) - about_the_site:
        assert not any(can(actor, verb) for actor in actors.values())


def test_a_role_that_was_taken_away_takes_the_scope_of_its_tokens_along(mona):
    token, _ = create_token(user=mona, label="x")
    mona.role = "user"

    actor = Actor(user=mona, token=token, scopes=frozenset(token.scopes))

    assert Scope.MODERATE in token.scopes
    assert not can(actor, Verb.STAFF)


def test_a_key_opens_nothing_after_its_person_left_the_organisation(actors, skills):
    key = actors["member's key of the organisation"]
    Membership.objects.all().delete()
    later = Actor(user=key.user, token=key.token, scopes=key.scopes)

    assert not can(later, Verb.VIEW, skills["acme", "hidden"])
    assert not can(later, Verb.PUBLISH, skills["acme", "public"])


def test_the_rule_of_public_is_the_same_for_a_row_and_for_a_list(skills):
    public = set(Skill.objects.public())

    for (_owner, state), skill in skills.items():
        assert skill.is_public is (skill in public) is (state in PUBLIC)


def test_an_answer_costs_at_most_the_namespaces_once(actors, skills, django_assert_max_num_queries):
    for actor in actors.values():
        fresh = Actor(user=actor.user, token=actor.token, scopes=actor.scopes)
        with django_assert_max_num_queries(2):
            for skill in skills.values():
                can(fresh, Verb.VIEW, skill)
                can(fresh, Verb.PUBLISH, skill)
