"""Runs: one at a time, resumable at their cursor, stopped by people, never written by two."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.invites import create_invite
from accounts.models import AuditEvent, DeviceSession, Invite
from accounts.sessions import start_login
from config.derived import REGISTRY
from jobs import progress, services, tasks, upkeep
from jobs.models import JobRun, RunState, Trigger, Wish
from jobs.progress import Progress, Stopped
from jobs.services import RunFinished, execute_run, start_run
from skills.models import Skill
from tests.config.rivals import at_once
from tests.factories.accounts import organisation, session_of
from tests.factories.skills import SkillFactory

KIND = "refresh_derived"
SCOPE = "skills.Skill.badges"
LONG_AGO = timedelta(minutes=10)


@pytest.fixture
def job(monkeypatch):
    """Let the job of these tests be this function."""

    def be(function: Callable[[Progress], object]) -> None:
        monkeypatch.setattr(upkeep, KIND, function)

    monkeypatch.setattr(progress, "WRITE_SECONDS", 0)
    return be


def begin(**told) -> JobRun:
    return start_run(kind=KIND, scope=SCOPE, **told).run


def expire(run: JobRun) -> None:
    """As if the worker of this run had died long ago."""
    past = timezone.now() - LONG_AGO
    JobRun.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, lease_token=uuid.uuid4(), lease_until=past, started_at=past
    )


# --- Starting -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_run_its_wake_up_and_its_audit_row_are_made_together(ada):
    run, created = start_run(kind=KIND, scope=SCOPE, actor=ada)

    assert created
    assert (run.state, run.trigger, run.asked_by) == (RunState.QUEUED, Trigger.PERSON, ada)
    assert OrmQ.objects.count() == 1
    assert AuditEvent.objects.get(verb="job.run").object_id == run.pk


@pytest.mark.django_db
def test_a_run_that_rolls_back_leaves_no_wake_up():
    with transaction.atomic():
        begin()
        transaction.set_rollback(True)

    assert not OrmQ.objects.exists()
    assert not JobRun.objects.exists()


@pytest.mark.django_db
def test_a_second_start_gives_the_active_run():
    first = begin()

    again, created = start_run(kind=KIND, scope=SCOPE)
    other, made = start_run(kind=KIND, scope="skills.Skill.tags")

    assert (again.pk, created) == (first.pk, False)
    assert (other.pk != first.pk, made) == (True, True)


@pytest.mark.django_db(transaction=True)
def test_eight_starts_at_once_make_one_run():
    started = at_once(*[lambda: start_run(kind=KIND, scope=SCOPE)] * 8)

    assert sum(one.created for one in started) == 1
    assert len({one.run.pk for one in started}) == 1
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db
def test_an_unknown_job_is_refused_with_the_known_ones():
    with pytest.raises(services.JobUnknown, match="fold_events"):
        start_run(kind="format_disk")


# --- Executing ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_run_ends_with_its_result_and_is_not_run_again(job):
    calls = []
    job(lambda run: calls.append(run.scope) or {"rows": 3})
    run = begin()

    done = execute_run(run.pk)

    assert (done.state, done.result, done.error) == (RunState.SUCCEEDED, {"rows": 3}, "")
    assert done.finished_at is not None
    assert execute_run(run.pk) is None
    assert calls == [SCOPE]


@pytest.mark.django_db
def test_what_a_job_raises_is_stored_and_frees_the_place(job, caplog):
    def fail(_run):
        raise ValueError("no such shelf")

    job(fail)

    done = execute_run(begin().pk)

    assert done.state == RunState.FAILED
    assert "ValueError: no such shelf" in done.error
    assert "failed" in caplog.text
    assert start_run(kind=KIND, scope=SCOPE).created


@pytest.mark.django_db(transaction=True)
def test_a_lost_database_leaves_the_run_to_be_taken_up_again(job):
    def lose(_run):
        connection.close()
        raise OperationalError("server closed the connection")

    job(lose)
    run = begin()

    with pytest.raises(OperationalError):
        execute_run(run.pk)

    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert execute_run(run.pk) is None  # Its lease still holds.


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_is_tried_three_times_and_then_told(job):
    def time_out(_run):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5ms'")
            cursor.execute("SELECT pg_sleep(1)")

    job(time_out)
    run = begin()

    tries = [execute_run(run.pk) for _ in range(services.MAX_ATTEMPTS)]

    assert [one.state for one in tries] == ["queued", "queued", "failed"]
    assert all("statement timeout" in one.error for one in tries)


@pytest.mark.django_db
def test_a_try_that_succeeds_clears_the_error_of_the_one_before(job):
    job(lambda _run: None)
    run = begin()
    JobRun.objects.filter(pk=run.pk).update(error="deadlock detected", attempts=1)

    assert execute_run(run.pk).error == ""


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_one_executes(job):
    calls = []
    job(lambda _run: calls.append(1))
    run = begin()

    results = at_once(*[lambda: execute_run(run.pk)] * 8)

    assert len([one for one in results if one is not None]) == 1
    assert calls == [1]


@pytest.mark.django_db
def test_a_run_goes_on_at_its_cursor_after_its_worker_died(job):
    seen = []

    def walk(run):
        for n in range((run.cursor or 0) + 1, 6):
            seen.append(n)
            run.advance(1, cursor=n)
            if n == 3 and len(seen) == 3:
                raise SystemExit  # As a killed worker: nothing after this is written.

    job(walk)
    run = begin()
    with pytest.raises(SystemExit):
        execute_run(run.pk)
    expire(run)

    done = execute_run(run.pk)

    assert (done.state, done.done, done.cursor) == (RunState.SUCCEEDED, 5, 5)
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.django_db
def test_a_run_that_kills_its_worker_every_time_ends_as_failed(job):
    job(lambda _run: None)
    run = begin()
    expire(run)
    JobRun.objects.filter(pk=run.pk).update(attempts=services.MAX_ATTEMPTS)

    done = execute_run(run.pk)

    assert done.state == RunState.FAILED
    assert "worker died each time" in done.error


@pytest.mark.django_db
def test_a_long_run_lets_others_work_between_its_slices(job):
    def walk(run):
        for n in range(run.cursor or 0, 3):
            run.advance(1, cursor=n + 1)

    job(walk)
    run = begin()
    OrmQ.objects.all().delete()

    yielded = execute_run(run.pk, slice_seconds=0)

    assert (yielded.state, yielded.cursor, yielded.done) == (RunState.QUEUED, 1, 1)
    assert OrmQ.objects.count() == 1
    for _ in range(3):
        done = execute_run(run.pk, slice_seconds=0)
    assert (done.state, done.done) == (RunState.SUCCEEDED, 3)


@pytest.mark.django_db
def test_a_worker_whose_lease_was_taken_over_writes_nothing_more(job):
    def lose_lease(run):
        JobRun.objects.filter(pk=run.run.pk).update(lease_token=uuid.uuid4(), done=40)
        run.advance(1, cursor=1)

    job(lose_lease)
    run = begin()

    execute_run(run.pk)

    run.refresh_from_db()
    assert (run.state, run.done, run.cursor) == (RunState.RUNNING, 40, None)


@pytest.mark.django_db
def test_a_scheduled_job_that_is_under_way_is_not_begun_again(job):
    run, _ = start_run(kind="recover_runs")
    JobRun.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, lease_until=timezone.now() + LONG_AGO
    )

    tasks.run_scheduled("recover_runs")

    assert JobRun.objects.count() == 1


@pytest.mark.django_db
def test_a_scheduled_job_whose_worker_died_goes_on_in_the_same_run():
    run, _ = start_run(kind="recover_runs")
    expire(run)

    tasks.run_scheduled("recover_runs")

    assert JobRun.objects.get().state == RunState.SUCCEEDED


# --- Pausing, resuming, cancelling ----------------------------------------------------------------


@pytest.mark.django_db
def test_a_running_run_pauses_after_its_batch_and_resumes_at_its_cursor(job, ada):
    def walk(run):
        for n in range(run.cursor or 0, 4):
            if n == 1 and run.run.wish == "" and not paused:
                paused.append(services.pause_run(run=run.run, actor=ada))
            run.advance(1, cursor=n + 1)

    paused: list[JobRun] = []
    job(walk)
    run = begin()

    stopped = execute_run(run.pk)
    assert (stopped.state, stopped.cursor, stopped.wish) == (RunState.PAUSED, 2, "")
    assert execute_run(run.pk) is None
    OrmQ.objects.all().delete()
    services.resume_run(run=stopped, actor=ada)
    assert OrmQ.objects.count() == 1
    done = execute_run(run.pk)

    assert (done.state, done.done) == (RunState.SUCCEEDED, 4)
    verbs = AuditEvent.objects.order_by("id").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb.startswith("job.")] == ["job.pause", "job.resume"]


@pytest.mark.django_db
def test_a_cancelled_run_keeps_what_is_done(job, ada):
    def walk(run):
        for n in range(4):
            if n == 1:
                services.cancel_run(run=run.run, actor=ada)
            run.advance(1, cursor=n + 1)

    job(walk)

    done = execute_run(begin().pk)

    assert (done.state, done.done) == (RunState.CANCELLED, 2)
    assert done.finished_at is not None


@pytest.mark.django_db
def test_a_job_that_never_looks_up_is_cancelled_at_its_end(job, ada):
    job(lambda run: services.cancel_run(run=run.run, actor=ada) and {"rows": 3})

    done = execute_run(begin().pk)

    assert (done.state, done.result, done.wish) == (RunState.CANCELLED, {"rows": 3}, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("meanwhile", "state"),
    [("cancel", RunState.CANCELLED), ("", RunState.QUEUED), ("pause", RunState.PAUSED)],
)
def test_a_wish_is_obeyed_as_it_is_by_then_not_as_it_was_read(job, meanwhile, state):
    def be_stopped(run):
        JobRun.objects.filter(pk=run.run.pk).update(wish=meanwhile)
        raise Stopped(Wish.PAUSE)

    job(be_stopped)

    done = execute_run(begin().pk)

    assert (done.state, done.wish) == (state, "")


@pytest.mark.django_db
def test_a_run_whose_worker_died_before_it_obeyed_is_not_begun_again(job):
    calls = []
    job(lambda _run: calls.append(1))
    run = begin()
    expire(run)
    JobRun.objects.filter(pk=run.pk).update(wish=Wish.CANCEL)

    assert execute_run(run.pk).state == RunState.CANCELLED
    assert calls == []


@pytest.mark.django_db
@pytest.mark.parametrize("act", [services.pause_run, services.resume_run])
def test_a_cancel_is_not_taken_back(act, ada):
    run = begin()
    JobRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING, wish=Wish.CANCEL)

    act(run=run, actor=ada)

    run.refresh_from_db()
    assert run.wish == Wish.CANCEL


@pytest.mark.django_db
@pytest.mark.parametrize("act", [services.pause_run, services.cancel_run])
def test_a_run_nobody_has_taken_up_is_stopped_at_once(act, ada):
    run = begin()

    act(run=run, actor=ada)

    assert execute_run(run.pk) is None
    run.refresh_from_db()
    assert run.state in {RunState.PAUSED, RunState.CANCELLED}


@pytest.mark.django_db
def test_resuming_before_the_batch_ends_takes_the_wish_back(ada):
    run = begin()
    JobRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING, wish=Wish.PAUSE)

    services.resume_run(run=run, actor=ada)

    run.refresh_from_db()
    assert (run.state, run.wish) == (RunState.RUNNING, "")


@pytest.mark.django_db
@pytest.mark.parametrize("act", [services.pause_run, services.resume_run, services.cancel_run])
def test_a_run_that_ended_is_left_alone(act, job, ada):
    job(lambda _run: None)
    run = execute_run(begin().pk)

    with pytest.raises(RunFinished, match="succeeded"):
        act(run=run, actor=ada)


@pytest.mark.django_db
def test_pausing_a_schedule_is_audited_once(ada):
    assert services.pause_schedule(name="copy_totals", paused=True, actor=ada)
    assert not services.pause_schedule(name="copy_totals", paused=True, actor=ada)

    row = AuditEvent.objects.get(verb="job.schedule")
    assert (row.object_label, row.after) == ("copy_totals", {"paused": True})


# --- Upkeep ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_nobody_works_on_is_queued_again_and_nothing_else():
    lost, died, fresh, paused = (
        start_run(kind=KIND, scope=scope, enqueue=False).run for scope in "abcd"
    )
    JobRun.objects.filter(pk=lost.pk).update(created_at=timezone.now() - LONG_AGO)
    expire(died)
    JobRun.objects.filter(pk=paused.pk).update(
        state=RunState.PAUSED, created_at=timezone.now() - LONG_AGO
    )

    assert services.recover_runs() == 2

    woken = {row.task["args"][0] for row in OrmQ.objects.all()}
    assert woken == {lost.pk, died.pk}
    assert fresh.pk not in woken


@pytest.mark.django_db
def test_a_field_is_rebuilt_in_batches_with_its_progress(monkeypatch):
    monkeypatch.setattr(upkeep, "BATCH", 2)
    monkeypatch.setattr(progress, "WRITE_SECONDS", 0)
    skills = [SkillFactory() for _ in range(5)]
    Skill._base_manager.update(badges={"official": 1})
    told = []

    done = execute_run(begin().pk, on_advance=lambda run: told.append((run.done, run.total)))

    assert (done.state, done.result) == (RunState.SUCCEEDED, {"rows": 5})
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert list(Skill.objects.values_list("badges", flat=True)) == [{}] * len(skills)


@pytest.mark.django_db
def test_an_unknown_field_fails_with_its_name():
    done = execute_run(start_run(kind=KIND, scope="skills.Skill.luck").run.pk)

    assert done.state == RunState.FAILED
    assert "skills.Skill.luck" in done.error


@pytest.mark.django_db
def test_drift_is_reported_and_repaired():
    skill = SkillFactory()
    Skill._base_manager.filter(pk=skill.pk).update(version_count=9)

    done = execute_run(start_run(kind="check_derived_fields").run.pk)

    assert done.result == {
        "drift": {"skills.Skill.version_count": {"rows": 1, "first": [skill.pk]}}
    }


@pytest.mark.django_db
def test_every_field_is_checked_once_however_short_the_slices():
    skill = SkillFactory()
    Skill._base_manager.filter(pk=skill.pk).update(version_count=9)
    run = start_run(kind="check_derived_fields").run

    states = [execute_run(run.pk, slice_seconds=0).state for _ in range(len(REGISTRY) + 1)]

    assert states == ["queued"] * len(REGISTRY) + ["succeeded"]
    run.refresh_from_db()
    assert (run.done, run.total) == (len(REGISTRY), len(REGISTRY))
    assert run.result["drift"]["skills.Skill.version_count"]["rows"] == 1


@pytest.mark.django_db
def test_many_findings_are_kept_up_to_a_number_and_the_rest_counted(job):
    def find(run):
        for n in range(3):
            run.note("drift", {str(number): 1 for number in range(n * 30, n * 30 + 31)})

    job(find)

    done = execute_run(begin().pk)

    assert len(done.result["drift"]) == progress.NOTED
    assert done.result["more_drift"] >= 91 - progress.NOTED


@pytest.mark.django_db
def test_a_sign_of_life_without_getting_further_forgives_no_attempt(job):
    job(lambda run: run.advance(0))
    run = begin()
    JobRun.objects.filter(pk=run.pk).update(attempts=1)

    assert execute_run(run.pk).attempts == 2


@pytest.mark.django_db
def test_old_records_go(job):
    job(lambda _run: None)
    old, young = execute_run(begin().pk), execute_run(begin().pk)
    JobRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=15))

    done = execute_run(start_run(kind="prune_records").run.pk)

    assert done.result["runs"] == 1
    assert set(JobRun.objects.filter(kind=KIND)) == {young}


@pytest.mark.django_db
def test_logins_and_invites_go_when_they_are_long_over(alice):
    now, day = timezone.now(), timedelta(days=1)
    acme = organisation("acme", owner=alice)
    for age in (0, 2, 31):
        login, _ = start_login(device_id=f"{age}")
        session, _ = session_of(alice)
        invite, _ = create_invite(namespace=acme, actor=alice)
        for row in (login, session, invite):
            type(row).objects.filter(pk=row.pk).update(expires_at=now - age * day)

    done = execute_run(start_run(kind="prune_records").run.pk)

    assert (done.result["logins"], done.result["command lines"], done.result["invites"]) == (
        2,
        1,
        1,
    )
    assert (DeviceSession.objects.count(), Invite.objects.count()) == (2, 2)


@pytest.mark.django_db
def test_as_of_is_when_the_last_good_run_began(job):
    assert JobRun.objects.last_success_at(KIND) is None
    job(lambda _run: None)
    done = execute_run(begin().pk)
    begin()

    assert JobRun.objects.last_success_at(KIND) == done.started_at
