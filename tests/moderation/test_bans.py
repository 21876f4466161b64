"""A ban hides what a person published, all of it and nothing else; lifting it undoes just that."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Membership, User
from accounts.services import create_token, create_user, set_role
from jobs.models import JobRun, RunState
from jobs.progress import Progress
from jobs.services import execute_run, recover_runs
from moderation.services import bans
from moderation.services.bans import (
    BanRefused,
    NotBanned,
    ban_user,
    count_skills,
    reclassify_ban,
    unban_user,
)
from skills.models import HoldKind, Skill, SkillHold
from skills.services import AccountBanned
from tests.config.rivals import at_once, meet
from tests.factories.accounts import sign_in
from tests.factories.bulk import list_skills
from tests.factories.skills import NamespaceFactory, hold, publish_skill, scanned

pytestmark = pytest.mark.django_db
REASON = "Ships the same wallet thief under many names."
PAST = timedelta(minutes=10)


def ban(user, actor, reason=REASON):
    return ban_user(user=user, actor=actor, reason=reason)


def unban(user, actor):
    return unban_user(user=user, actor=actor, reason="It was somebody else.")


def states() -> dict[str, tuple[str, str]]:
    """How every skill stands, by its slug."""
    rows = Skill.objects.values_list("slug", "moderation_status", "moderation_reason")
    return {slug: (status, reason) for slug, status, reason in rows}


def held() -> set[str]:
    return set(SkillHold.objects.filter(kind="ban").values_list("skill__slug", flat=True))


def perform(run: JobRun) -> JobRun:
    done = execute_run(run.pk)
    assert done is not None
    return done


@pytest.fixture
def small_batches(monkeypatch):
    """Two skills at once, so that a handful is many."""
    monkeypatch.setattr(bans, "FIRST", 2)
    monkeypatch.setattr(bans, "BATCH", 2)


@pytest.fixture
def shelf(alice):
    """Seven skills of Alice's, s-0 to s-6."""
    rows = [{"slug": f"s-{n}", "display_name": f"S {n}"} for n in range(7)]
    return list_skills(alice.namespace, rows)


ALL = {f"s-{n}" for n in range(7)}


# --- What a ban and its end do --------------------------------------------------------------------


def test_a_ban_hides_every_skill_and_its_end_brings_back_exactly_those(publish, alice, mona, ada):
    clean, hidden = publish("clean"), publish("hidden")
    doubtful, removed = publish("doubtful"), publish("removed")
    deleted = publish("deleted").skill
    scanned(clean.version, "clean")
    scanned(doubtful.version, "suspicious")
    hold(hidden.skill, "hidden")
    hold(removed.skill, "removed")
    Skill.objects.filter(pk=deleted.pk).update(soft_deleted_at=timezone.now())
    before = states()

    done = ban(alice, mona)

    assert done == (True, 5, False)
    assert held() == set(before)
    banned = states()
    assert banned.pop("removed") == ("removed", "manual.removed")
    assert set(banned.values()) == {("hidden", "auto.ban")}
    assert not Skill.objects.public().exists()
    assert Client().get("/api/v1/skills/clean").status_code == 404
    assert Client().get("/api/v1/download?slug=clean").status_code == 403

    assert unban(alice, ada) == (True, 5, False)

    assert states() == before
    assert set(SkillHold.objects.values_list("skill__slug", "kind")) == {
        ("hidden", "hidden"),
        ("removed", "removed"),
    }
    assert Client().get("/api/v1/skills/clean").status_code == 200
    back = Skill.objects.filter(restored_at__isnull=False)
    assert set(back.values_list("slug", flat=True)) == {"clean", "doubtful", "deleted"}


def test_what_is_stored_of_a_ban_and_of_its_end(publish, alice, mona, ada):
    publish("clean")

    ban(alice, mona, "  A\nreason\u202e. ")

    row = User.objects.get(pk=alice.pk)
    assert row.banned_at is not None
    assert row.ban_reason == "A reason."
    event = AuditEvent.objects.get(verb="user.ban")
    assert (event.actor, event.object_id, event.reason) == (mona, alice.pk, "A reason.")
    assert SkillHold.objects.get().placed_by == mona

    unban(alice, ada)

    row = User.objects.get(pk=alice.pk)
    assert (row.banned_at, row.ban_reason) == (None, "")
    event = AuditEvent.objects.get(verb="user.unban")
    assert (event.actor, event.before["ban_reason"]) == (ada, "A reason.")


def test_an_organisation_answers_for_its_own_skills(alice, mona):
    acme = NamespaceFactory(handle="acme", kind="org")
    Membership.objects.create(namespace=acme, user=alice, role="owner")
    publish_skill(namespace=acme, slug="shared")
    publish_skill(namespace=alice.namespace, slug="own")

    assert count_skills(alice.namespace) == 1
    ban(alice, mona)

    assert held() == {"own"}


def test_banning_or_unbanning_twice_is_one_act(shelf, alice, mona, ada):
    ban(alice, mona)
    first = User.objects.get(pk=alice.pk)

    assert ban(alice, ada, "Another reason.") == (False, 0, False)

    again = User.objects.get(pk=alice.pk)
    assert (again.banned_at, again.ban_reason) == (first.banned_at, REASON)
    unban(alice, ada)
    assert unban(alice, ada) == (False, 0, False)
    verbs = AuditEvent.objects.filter(object_id=alice.pk, verb__startswith="user.")
    assert list(verbs.order_by("pk").values_list("verb", flat=True)) == [
        "user.create",
        "user.ban",
        "user.unban",
    ]


# --- Who may, and whom ----------------------------------------------------------------------------


def test_nobody_bans_an_admin_or_themselves(alice, mona, ada):
    for user, actor in ((ada, mona), (mona, mona), (ada, ada)):
        with pytest.raises(BanRefused):
            ban(user, actor)
    assert not User.objects.filter(banned_at__isnull=False).exists()


def test_a_moderator_bans_and_only_an_admin_lifts_it(alice, charlie, mona, ada):
    with pytest.raises(BanRefused):
        ban(alice, charlie)
    ban(alice, mona)
    with pytest.raises(BanRefused):
        unban(alice, mona)
    ban(mona, ada)
    with pytest.raises(BanRefused):
        ban(charlie, mona)

    assert set(User.objects.filter(banned_at__isnull=False)) == {alice, mona}


def test_who_lost_the_role_meanwhile_bans_nobody(alice, mona, ada):
    set_role(user=mona, role="user", actor=ada)

    with pytest.raises(BanRefused):
        ban(alice, mona)  # `mona` was read before.


def test_nothing_of_a_banned_person_opens(publish, alice, mona):
    publish("clean")
    browser = sign_in(Client(), alice)
    _token, text = create_token(user=alice, label="laptop")
    bearer = {"authorization": f"Bearer {text}"}

    ban(alice, mona)

    assert browser.get("/me/tokens/").status_code == 302
    refused = Client().get("/api/v1/whoami", headers=bearer)
    assert (refused.status_code, refused.headers["X-Error-Code"]) == (401, "account_banned")
    assert REASON in refused.content.decode()
    with pytest.raises(AccountBanned):
        publish_skill(namespace=alice.namespace, slug="another", actor=alice)
    with pytest.raises(AccountBanned):
        publish_skill(namespace=alice.namespace, slug="clean", version="2.0.0", actor=alice)
    acme = NamespaceFactory(handle="acme", kind="org")
    with pytest.raises(AccountBanned):
        publish_skill(namespace=acme, slug="elsewhere", actor=alice)


def test_another_reason_is_rehearsed_first(alice, mona, ada):
    with pytest.raises(NotBanned):
        reclassify_ban(user=alice, actor=ada, reason="Spam.")
    ban(alice, mona)

    assert reclassify_ban(user=alice, actor=ada, reason="Spam.") == (REASON, "Spam.", False)
    assert User.objects.get(pk=alice.pk).ban_reason == REASON
    with pytest.raises(BanRefused):
        reclassify_ban(user=alice, actor=mona, reason="Spam.", is_rehearsal=False)

    for is_stored in (True, False):
        told = reclassify_ban(user=alice, actor=ada, reason="Spam.", is_rehearsal=False)
        assert told == (REASON if is_stored else "Spam.", "Spam.", is_stored)
    event = AuditEvent.objects.get(verb="user.reclassify_ban")
    assert (event.before, event.after) == ({"ban_reason": REASON}, {"ban_reason": "Spam."})


# --- Many skills: the first at once, the rest by a job --------------------------------------------


def test_the_rest_is_hidden_and_brought_back_by_runs(small_batches, shelf, alice, mona, ada):
    assert ban(alice, mona) == (True, 2, True)
    assert held() == {"s-5", "s-6"}
    run = JobRun.objects.get(kind="apply_bans")
    assert (run.asked_by, run.scope.partition(":")[0]) == (mona, "alice")

    done = perform(run)

    assert (done.state, done.result, done.done) == (
        RunState.SUCCEEDED,
        {"held": 5, "restored": 0},
        7,
    )
    assert held() == ALL

    assert unban(alice, ada) == (True, 2, True)
    assert held() == ALL - {"s-5", "s-6"}
    done = perform(JobRun.objects.latest("pk"))

    assert (done.state, done.result) == (RunState.SUCCEEDED, {"held": 0, "restored": 5})
    assert held() == set()
    assert Skill.objects.public().count() == 7


def test_a_ban_that_fails_halfway_has_done_nothing(small_batches, shelf, alice, mona, monkeypatch):
    def fail(**_said):
        raise RuntimeError

    monkeypatch.setattr(bans, "start_run", fail)
    with pytest.raises(RuntimeError):
        ban(alice, mona)

    assert User.objects.get(pk=alice.pk).banned_at is None
    assert (held(), Skill.objects.public().count()) == (set(), 7)
    assert not AuditEvent.objects.filter(verb="user.ban").exists()


def test_a_run_that_is_killed_goes_on_where_it_was(small_batches, shelf, alice, mona, monkeypatch):
    ban(alice, mona)
    run = JobRun.objects.get(kind="apply_bans")

    class Killed(BaseException):
        pass

    advance = Progress.advance

    def die_behind_the_second_batch(progress, done, *, cursor):
        if progress.run.done:
            raise Killed
        advance(progress, done, cursor=cursor)

    with monkeypatch.context() as patch:
        # The batch is stored, its progress is not.
        patch.setattr(Progress, "advance", die_behind_the_second_batch)
        with pytest.raises(Killed):
            execute_run(run.pk)
    assert len(held()) == 4
    JobRun.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, lease_token=uuid.uuid4(), lease_until=timezone.now() - PAST
    )

    assert recover_runs() == 1
    assert perform(run).state == RunState.SUCCEEDED
    assert held() == ALL
    assert SkillHold.objects.count() == 7


def test_a_run_done_twice_changes_nothing(small_batches, shelf, alice, mona):
    ban(alice, mona)
    run = perform(JobRun.objects.get(kind="apply_bans"))
    before = set(SkillHold.objects.values_list("pk", flat=True))
    JobRun.objects.filter(pk=run.pk).update(state="queued", cursor=None, result={})

    assert perform(run).result == {"held": 0, "restored": 0}
    assert set(SkillHold.objects.values_list("pk", flat=True)) == before


def test_an_unban_before_the_ban_is_through_leaves_nothing_held(
    small_batches, shelf, alice, mona, ada
):
    ban(alice, mona)
    late = JobRun.objects.get(kind="apply_bans")
    unban(alice, ada)
    runs = list(JobRun.objects.filter(kind="apply_bans").order_by("pk"))
    assert len(runs) == 2  # It does not join a run that may be just about to end.

    perform(runs[1])
    assert held() == set()
    assert perform(late).result == {"held": 0, "restored": 0}
    assert (held(), Skill.objects.public().count()) == (set(), 7)


def test_a_ban_repeated_finishes_what_a_cancelled_run_left(small_batches, shelf, alice, mona):
    ban(alice, mona)
    JobRun.objects.update(state=RunState.CANCELLED)

    assert ban(alice, mona) == (False, 0, True)
    perform(JobRun.objects.latest("pk"))

    assert held() == ALL


def test_a_run_about_nobody_ends_at_once(db):
    from jobs.services import start_run

    run = start_run(kind="apply_bans", scope="nobody:1").run

    assert perform(run).state == RunState.SUCCEEDED


# --- At the same time -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_bans_at_once_are_one(small_batches, shelf, alice, mona, ada):
    results = at_once(lambda: ban(alice, mona), lambda: ban(alice, ada))

    assert sorted(result.is_new for result in results) == [False, True]
    assert AuditEvent.objects.filter(verb="user.ban").count() == 1
    for run in JobRun.objects.filter(kind="apply_bans"):
        perform(run)
    assert held() == ALL
    assert SkillHold.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_a_publish_under_way_is_hidden_by_the_ban_that_waits_for_it(alice, mona):
    meet(
        lambda: publish_skill(namespace=alice.namespace, slug="late", actor=alice),
        lambda: ban(alice, mona),
    )

    assert states()["late"] == ("hidden", "auto.ban")


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_behind_a_ban_is_held(small_batches, shelf, alice, mona, ada):
    _done, published = meet(
        lambda: ban(alice, mona),
        # An import: nobody's account is asked.
        lambda: publish_skill(namespace=alice.namespace, slug="late"),
    )

    assert not isinstance(published, Exception), published
    publish_skill(namespace=alice.namespace, slug="s-0", version="2.0.0")
    assert states()["late"] == states()["s-0"] == ("hidden", "auto.ban")
    unban(alice, ada)
    for run in JobRun.objects.filter(kind="apply_bans").order_by("-pk"):
        perform(run)
    assert held() == set()
    assert Skill.objects.public().count() == 8


@pytest.mark.django_db(transaction=True)
def test_a_ban_and_an_unban_at_once_leave_all_or_nothing(small_batches, shelf, alice, mona, ada):
    ban(alice, mona)
    at_once(
        lambda: unban(alice, ada),
        lambda: perform(JobRun.objects.earliest("pk")),
        lambda: ban(alice, mona),
    )
    for run in JobRun.objects.filter(kind="apply_bans", state="queued"):
        perform(run)

    is_banned = User.objects.get(pk=alice.pk).banned_at is not None
    assert held() == (ALL if is_banned else set())


def test_a_hold_of_another_kind_is_no_ban(shelf, alice, mona, ada):
    for kind in HoldKind:
        if kind != HoldKind.BAN:
            hold(shelf[0], kind)
    ban(alice, mona)
    unban(alice, ada)

    assert SkillHold.objects.filter(skill=shelf[0]).count() == len(HoldKind) - 1


def test_a_person_without_skills_can_be_banned(mona):
    assert ban(create_user(handle="bob"), mona) == (True, 0, False)
