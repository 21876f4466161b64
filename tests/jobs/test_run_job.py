"""`manage.py run_job`: a job in this process, told in words."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from jobs import upkeep
from jobs.models import JobRun, RunState, Trigger
from jobs.schedules import JOBS
from jobs.services import claim_run, start_run

pytestmark = pytest.mark.django_db


def test_it_runs_to_the_end_and_says_what_was_done(capsys):
    call_command("run_job", "fold_events")

    run = JobRun.objects.get()
    assert (run.state, run.trigger) == (RunState.SUCCEEDED, Trigger.COMMAND)
    assert capsys.readouterr().out.startswith(f"fold_events #{run.pk}: 0 events · ")
    assert not OrmQ.objects.exists()  # The worker is not woken for it.


def test_it_runs_twice(capsys):
    for _ in range(2):
        call_command("run_job", "recover_runs")

    assert JobRun.objects.filter(state=RunState.SUCCEEDED).count() == 2


def test_a_queued_run_is_taken_up_here():
    queued = start_run(kind="recover_runs").run

    call_command("run_job", "recover_runs")

    queued.refresh_from_db()
    assert queued.state == RunState.SUCCEEDED
    assert JobRun.objects.count() == 1


def test_a_run_that_somebody_works_on_is_left_alone():
    run = start_run(kind="recover_runs").run
    claim_run(run.pk)

    with pytest.raises(CommandError, match=f"#{run.pk} is already under way: running"):
        call_command("run_job", "recover_runs")

    run.refresh_from_db()
    assert (run.state, run.attempts) == (RunState.RUNNING, 1)


def test_a_paused_run_is_left_alone():
    run = start_run(kind="recover_runs").run
    JobRun.objects.update(state=RunState.PAUSED)

    with pytest.raises(CommandError, match=f"#{run.pk} is paused"):
        call_command("run_job", "recover_runs")


def test_a_failure_is_told_with_its_error(monkeypatch):
    def fail(_progress):
        raise ValueError("no such shelf")

    monkeypatch.setattr(upkeep, "recover_runs", fail)

    with pytest.raises(CommandError, match=r"failed\. ValueError: no such shelf"):
        call_command("run_job", "recover_runs")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nope"], "There is no job 'nope'"),
        ([], "There is no job ''"),
        (["refresh_derived"], "needs --scope"),
        (["refresh_derived", "--scope", "typo"], "There is no denormalised field typo"),
        (["fold_events", "--scope", "x"], "takes no --scope"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("run_job", *arguments)

    assert not JobRun.objects.exists()


def test_the_list_tells_every_job(capsys):
    call_command("run_job", list=True)

    told = capsys.readouterr().out
    assert [job.name for job in JOBS if f"{job.name} " in told] == [job.name for job in JOBS]
