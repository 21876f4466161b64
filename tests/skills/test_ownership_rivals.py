"""What owners do, beside others: each comes before or after, nothing is half done."""

from __future__ import annotations

from functools import partial

import pytest

from accounts.models import AuditEvent
from config.errors import DomainError
from moderation.services.bans import ban_user
from skills.lifecycle import (
    delete_skill,
    restore_skill,
    restore_version,
    set_tag,
    withdraw_version,
)
from skills.lookup import SkillNotFound
from skills.models import Skill, SkillAlias, SkillTransfer, SkillVersion
from skills.renames import merge_skills, rename_skill
from skills.services import SlugTaken
from skills.transfers import (
    TransferNotFound,
    TransferRefused,
    accept_transfer,
    cancel_transfer,
    request_transfer,
)
from tests.config.rivals import at_once, meet
from tests.factories.skills import publish_skill
from tests.skills.test_publish_rivals import killed_at_statement, publish_in_a_process_that_dies

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def skill(publish) -> Skill:
    return publish().skill


@pytest.fixture
def transfer(skill, alice, charlie) -> SkillTransfer:
    return request_transfer(skill=skill, to=charlie.namespace, actor=alice)


def test_a_rename_and_a_publish_of_that_name_are_two_skills_or_a_refusal(alice, skill, publish):
    renamed, published = meet(
        lambda: rename_skill(skill=skill, slug="paper-tools", actor=alice),
        lambda: publish("paper-tools", version="2.0.0"),
    )

    assert renamed.slug == "paper-tools"
    # It came second: its version went to the skill that has the name now.
    assert published.skill.pk == skill.pk
    assert SkillVersion.objects.filter(skill=skill).count() == 2

    published, refused = meet(
        lambda: publish("csv-tools"),
        lambda: rename_skill(skill=Skill.objects.get(pk=skill.pk), slug="csv-tools", actor=alice),
    )
    assert published.created
    assert isinstance(refused, SlugTaken)


def test_of_two_renames_at_once_both_names_lead_to_the_last(alice, skill):
    meet(
        lambda: rename_skill(skill=skill, slug="paper-tools", actor=alice),
        lambda: rename_skill(skill=skill, slug="office-tools", actor=alice),
    )

    assert Skill.objects.get().slug == "office-tools"
    assert set(SkillAlias.objects.values_list("slug", flat=True)) == {"pdf-tools", "paper-tools"}


def test_two_skills_merged_into_each_other_leave_one(alice, skill, publish):
    other = publish("paper-tools").skill

    ends = at_once(
        lambda: merge_skills(source=skill, target=other, actor=alice),
        lambda: merge_skills(source=other, target=skill, actor=alice),
    )

    assert sorted(isinstance(end, DomainError) for end in ends) == [False, True], ends
    assert not any(isinstance(end, Exception) and not isinstance(end, DomainError) for end in ends)
    assert Skill.objects.public().count() == 1
    assert SkillAlias.objects.count() == 1


def test_an_offer_that_is_accepted_and_taken_back_at_once_has_one_end(alice, charlie, transfer):
    skill, late = meet(
        lambda: accept_transfer(transfer=transfer, actor=charlie),
        lambda: cancel_transfer(transfer=transfer, actor=alice),
    )

    assert skill.slug == "pdf-tools"
    assert isinstance(late, TransferNotFound)
    assert Skill.objects.get().owner_handle == "charlie"


ACTS_OF_OWNERS = {
    "delete": delete_skill,
    "restore": restore_skill,
    "withdraw": partial(withdraw_version, version="1.0.0"),
    "restore version": partial(restore_version, version="1.0.0"),
    "tag": partial(set_tag, version="1.0.0", tag="stable"),
    "rename": partial(rename_skill, slug="office-tools"),
}


@pytest.mark.parametrize("name", [*ACTS_OF_OWNERS, "merge", "merge into", "offer", "offer back"])
def test_who_was_the_owner_changes_nothing_of_the_new_one(
    alice, charlie, mona, transfer, publish, name
):
    other, skill = publish("paper-tools").skill, transfer.skill
    acts = {name: partial(act, skill=skill) for name, act in ACTS_OF_OWNERS.items()} | {
        "merge": partial(merge_skills, source=skill, target=other),
        "merge into": partial(merge_skills, source=other, target=skill),
        "offer": partial(request_transfer, skill=skill, to=mona.namespace),
        "offer back": partial(request_transfer, skill=skill, to=charlie.namespace),
    }

    moved, refused = meet(
        lambda: accept_transfer(transfer=transfer, actor=charlie),
        lambda: acts[name](actor=alice),
    )

    assert moved.pk == skill.pk
    assert isinstance(refused, SkillNotFound)
    last = AuditEvent.objects.order_by("pk").last()
    assert last is not None
    assert (last.verb, last.actor_id) == ("transfer.accept", charlie.pk)
    now = Skill.objects.get(pk=skill.pk)
    assert (now.owner_handle, now.slug, now.soft_deleted_at) == ("charlie", "pdf-tools", None)
    assert now.tags == {"latest": "1.0.0"}


def test_an_offer_accepted_twice_at_once_is_accepted_once(charlie, transfer):
    first, second = meet(
        *[lambda: accept_transfer(transfer=transfer, actor=charlie)] * 2,
    )

    assert first.slug == "pdf-tools"
    assert isinstance(second, TransferNotFound)
    assert SkillAlias.objects.count() == 1


def test_a_ban_and_an_acceptance_at_once_leave_no_public_skill_with_the_banned(
    charlie, mona, transfer
):
    banned, refused = meet(
        lambda: ban_user(user=charlie, actor=mona, reason="Spam."),
        lambda: accept_transfer(transfer=transfer, actor=charlie),
    )

    assert banned.is_new
    assert isinstance(refused, TransferRefused)
    assert Skill.objects.get().owner_handle == "alice"


def test_an_acceptance_and_a_ban_at_once_hide_the_skill(charlie, mona, transfer):
    accepted, _banned = meet(
        lambda: accept_transfer(transfer=transfer, actor=charlie),
        lambda: ban_user(user=charlie, actor=mona, reason="Spam."),
    )

    assert accepted.slug == "pdf-tools"
    skill = Skill.objects.get()
    assert (skill.owner_handle, skill.moderation_reason) == ("charlie", "auto.ban")


def test_transfers_in_both_directions_at_once_do_not_block_each_other(alice, charlie):
    pairs = []
    for number in range(4):
        mine = publish_skill(namespace=alice.namespace, slug=f"mine-{number}").skill
        theirs = publish_skill(namespace=charlie.namespace, slug=f"theirs-{number}").skill
        given = request_transfer(skill=mine, to=charlie.namespace, actor=alice)
        got = request_transfer(skill=theirs, to=alice.namespace, actor=charlie)
        pairs += [(given, charlie), (got, alice)]

    done = at_once(*(partial(accept_transfer, transfer=t, actor=who) for t, who in pairs))

    assert [type(one) for one in done] == [Skill] * 8
    owners = set(Skill.objects.values_list("slug", "owner_handle"))
    assert {(f"mine-{n}", "charlie") for n in range(4)} < owners


def test_a_killed_act_has_done_nothing(alice, charlie, transfer, publish):
    other = publish("paper-tools").skill
    skill = transfer.skill
    acts = {
        "delete": lambda: delete_skill(skill=skill, actor=alice),
        "rename": lambda: rename_skill(skill=skill, slug="office-tools", actor=alice),
        "merge": lambda: merge_skills(source=other, target=skill, actor=alice),
        "accept": lambda: accept_transfer(transfer=transfer, actor=charlie),
    }
    before = state()
    for name, act in acts.items():
        for number in (3, 5, 7):
            assert not publish_in_a_process_that_dies(act, killed_at_statement(number)), name
            assert state() == before, (name, number)


def state() -> tuple:
    skills = Skill.objects.order_by("pk").values_list(
        "slug", "owner_handle", "soft_deleted_at", "merged_at"
    )
    return list(skills), SkillAlias.objects.count(), SkillTransfer.objects.get().state
