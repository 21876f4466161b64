"""Who deletes their account leaves nothing that opens or counts, and what has to stay, stays."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import closing as accounts_closing
from accounts.closing import ClosingRefused, close, finish, own_spaces
from accounts.invites import create_invite
from accounts.models import (
    ApiToken,
    AuditEvent,
    DeviceLogin,
    DeviceSession,
    Invite,
    Membership,
    Namespace,
    User,
)
from accounts.organisations import HandleRefused, MemberRefused, create_organisation
from accounts.services import TokenRefused, authenticate_token, create_token, create_user
from config.errors import DomainError
from jobs.models import JobRun, RunState
from jobs.services import execute_run, recover_runs, start_run
from moderation.models import Appeal, Decision, Report
from moderation.services import closing
from moderation.services.bans import ban_user
from moderation.services.closing import ConfirmationWrong, close_account, erase_account
from skills import events
from skills.models import (
    EventKind,
    Skill,
    SkillComment,
    SkillInstall,
    SkillStar,
    SkillTotal,
    SkillTransfer,
    StatEvent,
)
from skills.transfers import TransferRefused, request_transfer
from tests.config.rivals import at_once, meet
from tests.factories.accounts import organisation, password_of, session_of, sign_in, with_app
from tests.factories.comments import comment_on
from tests.factories.desk import decision_on, report
from tests.factories.skills import NamespaceFactory, hold, publish_skill
from tests.factories.stats import fold
from tests.factories.traces import Uploader, session
from traces.models import Message, Trace
from traces.services import closing as traces_closing

pytestmark = pytest.mark.django_db


def delete(person: User) -> bool:
    return close_account(user=person, handle=person.handle, password=password_of(person))


def run_job() -> JobRun:
    run = start_run(kind="erase_accounts", enqueue=False).run
    done = execute_run(run.pk)
    assert done is not None
    assert done.state == RunState.SUCCEEDED, done.error
    return done


def long_ago() -> None:
    User.objects.filter(closed_at__isnull=False).update(closed_at=timezone.now() - closing.LATE)


def erase_all() -> None:
    """The job at once, and when nothing can come in any more."""
    run_job()
    long_ago()
    run_job()


def person(handle: str) -> User:
    return User.objects.get(handle=handle)


@pytest.fixture
def theirs():
    return publish_skill(slug="theirs", namespace=NamespaceFactory())


@pytest.fixture
def belongings(publish, alice, charlie, theirs):
    """Something of everything that an account of Alice's can have."""
    publish("one")
    publish("two")
    comment_on(theirs.skill, alice, "Works for me.")
    taken_back = comment_on(theirs.skill, alice, "Never mind.")
    taken_back.deleted_at = timezone.now()
    taken_back.save()
    for skill in (theirs.skill, Skill.objects.get(slug="one")):
        events.star(skill_id=skill.pk, user_id=alice.pk)
        events.star(skill_id=skill.pk, user_id=charlie.pk)
    events.record_installs(user_id=alice.pk, skill_ids=[theirs.skill.pk])
    events.record_installs(user_id=charlie.pk, skill_ids=[theirs.skill.pk])
    uploader = Uploader(alice)
    for name in ("first", "second"):
        uploader.share(name, session(7))
    session_of(alice)
    offered = publish_skill(slug="offered", namespace=charlie.namespace).skill
    request_transfer(skill=offered, to=alice.namespace, actor=charlie)
    request_transfer(skill=Skill.objects.get(slug="two"), to=charlie.namespace, actor=alice)
    return theirs.skill


def assert_gone(theirs: Skill) -> None:
    """Nothing is left of Alice's belongings but what stays."""
    alice = person("alice")
    assert alice.erased_at is not None
    assert not Skill.objects.filter(namespace=alice.namespace, soft_deleted_at=None).exists()
    assert not Trace.objects.exists()
    assert not Message.objects.exists()
    assert not SkillStar.objects.filter(user=alice).exists()
    assert not SkillInstall.objects.filter(user=alice).exists()
    assert not SkillTransfer.objects.filter(state="pending").exists()
    for model in (ApiToken, DeviceSession, DeviceLogin, Membership):
        assert not model.objects.filter(user=alice).exists()
    assert [row.text for row in SkillComment.objects.filter(author=alice)] == ["Works for me."]
    assert SkillTotal.objects.get(skill=theirs).stars == 1
    fold()
    total = SkillTotal.objects.get(skill=theirs)
    assert (total.stars, total.installs_current, total.installs_all_time) == (1, 1, 1)
    cleared = AuditEvent.objects.filter(verb="user.erase").count()
    assert cleared == 1


# --- What goes, and what stays --------------------------------------------------------------------


def test_everything_goes_and_counts_follow(belongings, alice):
    assert delete(alice)
    erase_all()

    assert_gone(belongings)
    left = person("alice")
    assert (left.display_name, left.email, left.is_active) == ("", "", False)
    assert left.name == "Deleted account"


def test_nothing_opens_from_that_moment(alice):
    signed = sign_in(Client(), alice)
    _token, text = create_token(user=alice, label="laptop")
    _session, secret = session_of(alice)
    with_app(alice)
    SocialAccount.objects.create(user=alice, provider="github", uid="7")
    assert authenticate_token(str(text)).user == alice

    assert delete(alice)

    assert signed.get("/me/").status_code == 302
    assert (
        Client().post("/login/", {"username": "alice", "password": password_of(alice)}).status_code
        == 422
    )
    assert not ApiToken.objects.usable().exists()
    assert not DeviceSession.objects.usable().exists()
    assert not Authenticator.objects.exists()
    assert not SocialAccount.objects.exists()
    with pytest.raises(TokenRefused):
        authenticate_token(str(text))
    for key, address in ((text, "/api/v1/whoami"), (secret, "/v1/session")):
        told = Client().get(address, headers={"authorization": f"Bearer {key}"})
        assert told.status_code == 401


def test_no_namespace_says_their_name_from_that_moment(alice, charlie):
    Namespace.objects.filter(pk=alice.namespace.pk).update(display_name="Alice Example")
    alone = organisation("alone", owner=alice)
    shared = organisation("shared", owner=charlie, member=alice)
    publish_skill(namespace=alice.namespace)

    delete(alice)

    names = dict(Namespace.objects.values_list("handle", "display_name"))
    assert (names["alice"], names[alone.handle], names[shared.handle]) == ("", "", "Shared")


def test_the_job_is_started_in_the_same_transaction(alice):
    delete(alice)

    assert JobRun.objects.filter(kind="erase_accounts", state="queued").count() == 1
    assert AuditEvent.objects.filter(verb="user.close", actor=alice).count() == 1


def test_what_install_clear_says_is_queued(theirs, alice):
    events.record_installs(user_id=alice.pk, skill_ids=[theirs.skill.pk])
    fold()
    delete(alice)
    erase_all()

    queued = StatEvent.objects.filter(kind=EventKind.INSTALL_CLEAR)
    assert list(queued.values_list("skill_id", "delta")) == [(theirs.skill.pk, -1)]


def test_a_comment_keeps_its_words_and_its_place_without_a_name(theirs, alice, charlie):
    comment_on(theirs.skill, alice, "Works for me.")
    comment_on(theirs.skill, charlie, "For me, too.")
    before = Skill.objects.get(pk=theirs.skill.pk).comment_count
    delete(alice)
    erase_all()

    page = (
        Client()
        .get(f"/skills/{theirs.skill.owner_handle}/theirs/", {"tab": "comments"})
        .content.decode()
    )

    assert "Works for me." in page
    assert "Deleted account" in page
    assert "alice" not in page
    assert Skill.objects.get(pk=theirs.skill.pk).comment_count == before == 2
    assert Client().get("/u/alice/").status_code == 404
    assert Client().get("/u/charlie/").status_code == 200


def test_a_comment_that_staff_decided_about_stays(theirs, alice):
    kept = comment_on(theirs.skill, alice, "Buy this.")
    SkillComment.objects.filter(pk=kept.pk).update(
        deleted_at=timezone.now(), decision="hidden", decision_count=1
    )
    delete(alice)
    erase_all()

    assert SkillComment.objects.filter(pk=kept.pk).exists()


def test_what_moderators_decided_stays(publish, alice, mona, charlie):
    removed, hidden = publish("removed"), publish("hidden")
    hold(removed.skill, "removed")
    hold(hidden.skill, "hidden")
    decision = decision_on(removed.version, "remove", actor=mona)
    Appeal.objects.create(decision=decision, author=alice, text="It is fine.")
    theirs = publish_skill(slug="theirs", namespace=charlie.namespace)
    report(theirs.version, alice)
    delete(alice)
    erase_all()

    removed = Skill.objects.get(slug="removed")
    assert (removed.moderation_status, removed.soft_deleted_at) == ("removed", None)
    hidden = Skill.objects.get(slug="hidden")
    assert hidden.moderation_status == "hidden"
    assert hidden.soft_deleted_at is not None
    assert Decision.objects.filter(pk=decision.pk).exists()
    assert Appeal.objects.get().author == person("alice")
    assert Report.objects.get().reporter == person("alice")


def test_the_handle_stays_reserved(alice, charlie):
    delete(alice)
    erase_all()

    for wanted in ("alice", "Alice"):
        with pytest.raises(DomainError) as refused:
            create_user(handle=wanted, password="x")
        assert refused.value.code == "handle_taken"
    with pytest.raises(HandleRefused):
        create_organisation(user=charlie, slug="alice")


def test_a_ban_stays_and_can_come_later(publish, alice, mona):
    publish("one")
    delete(alice)

    ban_user(user=alice, actor=mona, reason="Spam.")
    erase_all()

    left = person("alice")
    assert left.banned_at is not None
    assert left.erased_at is not None
    assert Skill.objects.get().soft_deleted_at is not None


def test_traces_go_wherever_they_stand_also_those_a_ban_withholds(alice, charlie, mona):
    acme = organisation("acme", owner=charlie, member=alice)
    Uploader(alice, acme).share("shared", session(3))
    Uploader(alice).share("own", session(3))
    Uploader(charlie, acme).share("colleague", session(3))
    delete(alice)
    ban_user(user=alice, actor=mona, reason="Spam.")
    erase_all()

    assert [trace.external_id for trace in Trace.objects.all()] == ["colleague"]
    assert Message.objects.count() == 3


def test_nobody_offers_a_skill_to_a_deleted_account(alice, charlie):
    skill = publish_skill(slug="offered", namespace=charlie.namespace).skill
    delete(alice)

    with pytest.raises(TransferRefused):
        request_transfer(skill=skill, to=Namespace.objects.get(handle="alice"), actor=charlie)


def test_what_others_have_is_left_alone(belongings, alice, charlie):
    Uploader(charlie).share("theirs", session(3))
    publish_skill(slug="charlies", namespace=charlie.namespace)
    delete(alice)
    erase_all()

    assert Trace.objects.get().created_by == charlie
    assert Skill.objects.get(slug="charlies").soft_deleted_at is None
    assert SkillStar.objects.filter(user=charlie).count() == 2
    assert SkillInstall.objects.get().user == charlie
    assert person("charlie").closed_at is None


# --- Organisations --------------------------------------------------------------------------------


def test_the_only_owner_of_an_organisation_with_others_is_refused(alice, charlie):
    acme = organisation("acme", owner=alice, member=charlie)

    with pytest.raises(MemberRefused) as refused:
        delete(alice)

    assert refused.value.code == "last_owner"
    assert person("alice").closed_at is None
    assert acme.memberships.count() == 2
    assert not JobRun.objects.exists()


def test_an_organisation_with_another_owner_goes_on(alice, charlie):
    acme = organisation("acme", owner=alice)
    Membership.objects.create(namespace=acme, user=charlie, role="owner")
    skill = publish_skill(slug="shared", namespace=acme, actor=alice).skill
    key, _ = create_token(user=alice, label="key", namespace=acme)
    assert own_spaces(alice) == [alice.namespace.pk]
    delete(alice)
    erase_all()

    assert [row.user for row in acme.memberships.all()] == [charlie]
    skill.refresh_from_db()
    assert skill.soft_deleted_at is None
    assert not ApiToken.objects.filter(pk=key.pk).exists()


def test_an_organisation_with_nobody_else_goes_along_and_lets_nobody_in(alice, charlie):
    acme = organisation("acme", owner=alice)
    publish_skill(slug="shared", namespace=acme, actor=alice)
    _, code = create_invite(namespace=acme, actor=alice)
    assert own_spaces(alice) == sorted([acme.pk, alice.namespace.pk])
    delete(alice)
    erase_all()

    assert Skill.objects.get().soft_deleted_at is not None
    assert Invite.objects.get().revoked_at is not None
    joined = sign_in(Client(), charlie).post(f"/invite/{code}/")
    assert joined.status_code != 302 or not acme.memberships.exists()
    assert not acme.memberships.exists()


# --- Who may not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("staff", ["mona", "ada"])
def test_staff_give_their_role_up_first(staff, request):
    moderator = request.getfixturevalue(staff)

    with pytest.raises(ClosingRefused):
        delete(moderator)

    assert person(staff).closed_at is None


@pytest.mark.parametrize(
    ("handle", "password", "field"),
    [("alicia", None, "handle"), ("", None, "handle"), ("alice", "wrong", "password")],
)
def test_handle_and_password_are_asked_for(alice, handle, password, field):
    with pytest.raises(ConfirmationWrong) as refused:
        close_account(user=alice, handle=handle, password=password or password_of(alice))

    assert refused.value.field == field
    assert person("alice").closed_at is None


def test_who_has_no_password_here_types_the_handle(alice):
    alice.set_unusable_password()
    alice.save()

    assert close_account(user=alice, handle=" @Alice ", password="")


def test_a_banned_person_keeps_the_account(alice, mona):
    ban_user(user=alice, actor=mona, reason="Spam.")

    with pytest.raises(ClosingRefused):
        close(user=alice)


# --- Twice, at once, and killed halfway -----------------------------------------------------------


def test_twice_is_once(belongings, alice):
    assert delete(alice)
    assert not delete(alice)
    erase_all()
    before = AuditEvent.objects.count()

    run_job()
    for _ in erase_account(user=person("alice")):
        pass
    assert not finish(user=person("alice"))

    assert AuditEvent.objects.count() == before
    assert_gone(belongings)


class Killed(Exception):
    """The worker is gone."""


def test_a_job_killed_after_any_step_goes_on(belongings, alice, monkeypatch):
    monkeypatch.setattr(traces_closing, "PURGE_BATCH", 3)
    delete(alice)
    steps = 0
    for limit in count(1):
        taken = 0
        try:
            for _ in erase_account(user=person("alice")):
                taken += 1
                if taken > limit % 3:
                    raise Killed
        except Killed:
            steps += 1
            assert steps < 100
            continue
        break
    assert steps > 5

    long_ago()
    run_job()

    assert_gone(belongings)


def test_a_run_whose_worker_died_is_taken_up_by_another(belongings, alice, monkeypatch):
    delete(alice)
    run = JobRun.objects.get(kind="erase_accounts")
    JobRun.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, lease_until=timezone.now() - timedelta(minutes=3), attempts=1
    )

    assert recover_runs() == 1
    assert execute_run(run.pk).state == RunState.SUCCEEDED
    long_ago()
    run_job()

    assert_gone(belongings)


def test_what_a_late_request_wrote_goes_too(alice, theirs):
    uploader = Uploader(alice)
    uploader.share("first", session(3))
    delete(alice)
    run_job()
    assert not Trace.objects.exists()
    # Let in before the account closed, written after the job came by.
    events.star(skill_id=theirs.skill.pk, user_id=alice.pk)
    events.record_installs(user_id=alice.pk, skill_ids=[theirs.skill.pk])
    publish_skill(slug="late", namespace=alice.namespace, actor=None)

    run_job()
    assert person("alice").erased_at is None
    long_ago()
    run_job()

    assert person("alice").erased_at is not None
    assert Skill.objects.get(slug="late").soft_deleted_at is not None
    assert not SkillStar.objects.exists()
    assert not SkillInstall.objects.exists()


def test_traces_are_walked_by_pages_of_an_index(alice, charlie, monkeypatch):
    monkeypatch.setattr(traces_closing, "BATCH", 2)
    acme = organisation("acme", owner=alice, member=charlie)
    spaces = [acme.pk, alice.namespace.pk]
    for n in range(5):
        Uploader(alice).share(f"own-{n}", session(1))
        Uploader(charlie, acme).share(f"left-{n}", session(1))
    with CaptureQueriesContext(connection) as caught:
        taken = sum(traces_closing.take_all_back(person=alice, spaces=spaces))
        deleted = sum(traces_closing.delete_traces(person=alice, spaces=spaces))

    assert (taken, deleted) == (10, 20)
    assert not Trace.objects.exists()
    pages = [
        said["sql"].partition(" WHERE ")[2]
        for said in caught
        if said["sql"].startswith("SELECT") and said["sql"].endswith("LIMIT 2")
        if 'FROM "traces_trace"' in said["sql"]
    ]
    assert len(pages) == 2 * (4 + 1 + 4 + 1)
    for page in pages:
        in_key_order = page.endswith("ORDER BY 1 ASC LIMIT 2")
        in_name_order = page.endswith("ORDER BY 2 ASC LIMIT 2")
        assert in_key_order if '"is_withheld"' in page else in_name_order, page


def test_a_trace_that_a_late_request_filled_is_left_to_the_next_round(alice):
    trace = Uploader(alice).share("first", session(3))
    for _ in traces_closing.take_all_back(person=alice, spaces=[]):
        pass

    assert traces_closing._delete(trace.pk) == 0
    assert Message.objects.count() == 3

    assert sum(traces_closing.delete_traces(person=alice, spaces=[])) == 4
    assert not Trace.objects.exists()


def test_an_account_is_not_erased_while_something_was_found(alice, theirs):
    delete(alice)
    long_ago()
    events.star(skill_id=theirs.skill.pk, user_id=alice.pk)

    run_job()
    assert person("alice").erased_at is None
    run_job()
    assert person("alice").erased_at is not None


def test_one_run_erases_all_that_wait(alice, charlie, theirs):
    for who in (alice, charlie):
        events.star(skill_id=theirs.skill.pk, user_id=who.pk)
        delete(who)

    assert run_job().result["accounts"] == 2
    long_ago()
    run_job()
    assert not User.objects.to_erase().exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_closes_it(belongings, alice):
    results = at_once(lambda: delete(alice), lambda: delete(alice))

    # The second may also meet a password that is gone.
    assert results.count(True) == 1, results
    assert AuditEvent.objects.filter(verb="user.close").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_do_it_once(belongings, alice):
    delete(alice)
    long_ago()

    def erase() -> int:
        return sum(erase_account(user=person("alice")))

    for result in at_once(erase, erase):
        assert isinstance(result, int), result
    assert sum(at_once(erase, erase)) == 0

    assert_gone(belongings)


@pytest.mark.django_db(transaction=True)
def test_the_last_two_owners_do_not_leave_members_alone(alice, charlie):
    acme = organisation("acme", owner=alice, member=create_user(handle="dora", password="x"))
    Membership.objects.create(namespace=acme, user=charlie, role="owner")

    results = meet(lambda: delete(alice), lambda: delete(charlie))

    assert results[0] is True
    assert isinstance(results[1], MemberRefused), results
    assert acme.memberships.filter(role="owner").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_meets_the_closing_is_refused_or_taken(alice):
    uploader = Uploader(alice)

    closed, answer = meet(lambda: delete(alice), lambda: uploader.put("late"))

    assert closed is True
    assert answer.status_code in {401, 403}, answer.content
    assert not Trace.objects.exists()


def test_a_statement_that_fails_closes_nothing(alice, monkeypatch):
    create_token(user=alice, label="laptop")

    def fail(**_told):
        raise Killed

    monkeypatch.setattr(accounts_closing, "end_all_sessions", fail)
    with pytest.raises(Killed):
        delete(alice)

    assert person("alice").closed_at is None
    assert ApiToken.objects.usable().count() == 1
