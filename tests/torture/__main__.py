"""Write, kill, count, compare; print the verdict as one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from typing import Any

# Read when the settings are: a killed worker's run is taken up again within seconds here.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SKILLBOARD_DEMO", "1")
os.environ.setdefault("JOB_LEASE_SECONDS", "3")
os.environ.setdefault("STAT_FOLD_BATCH", "500")

import django

# What migrations fill, and the cursor's first place.
EMPTY = """
TRUNCATE torture_journal, torture_counted, torture_cursor, skills_statevent, skills_stateventlog,
  skills_skillhourlystat, skills_skilldailystat, skills_skilltotal, jobs_jobrun, traces_summarylog;
UPDATE skills_sitetotals
  SET downloads = 0, installs_new = 0, installs_all_time = 0, installs_current = 0, stars = 0;
INSERT INTO torture_cursor VALUES (0, '-infinity');
"""
# A cluster that is killed again and again rests longer each time before it is started.
CHAOS_SECONDS = 1_200
DRAIN_SECONDS = 120
SKILLS = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--worker-kills", type=int, default=4)
    parser.add_argument("--cluster-kills", type=int, default=4)
    parser.add_argument("--folder-kills", type=int, default=4)
    parser.add_argument("--postgresql-kills", type=int, default=1)
    parser.add_argument("--cursor", choices=("id", "time"), help="fold by a cursor instead")
    parser.add_argument("--fold", action="store_true", help="only fold, until killed")
    asked = parser.parse_args()
    if asked.fold:
        django.setup()
        fold_for_ever()
    if os.environ.get("DATABASE_URL"):
        parser.error("it empties its database and kills the server: unset DATABASE_URL")
    # Never the data directory of anybody: what stands there would be emptied.
    with tempfile.TemporaryDirectory(prefix="skillboard-torture-") as folder:
        os.environ["SKILLBOARD_DATA_DIR"] = folder
        django.setup()
        from config import devdb

        try:
            skills = prepare()
            found = by_cursor(asked, skills) if asked.cursor else by_queue(asked, skills)
        finally:
            devdb.reset()
    print(json.dumps(found))
    return 0


def fold_for_ever() -> None:
    """Fold again and again, beside the cluster's own folds."""
    from django.db import Error, connection

    from skills.fold import fold_until_drained

    while True:
        try:
            fold_until_drained()
        except Error:
            connection.close()
        time.sleep(0.05)


def prepare() -> list[int]:
    """Start a database of our own and fill it with skills; return their ids."""
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import Namespace
    from config import devdb
    from skills.models import Skill
    from tests.torture import cursors, writers

    devdb.ensure_running()
    call_command("migrate", verbosity=0)
    owner, _ = Namespace.objects.get_or_create(handle="torture")
    if not Skill.objects.exists():
        Skill.objects.bulk_create(
            Skill(namespace=owner, slug=f"skill-{n}", display_name=f"Skill {n}")
            for n in range(SKILLS)
        )
    with connection.cursor() as cursor:
        cursor.execute(writers.JOURNAL + ";" + cursors.TABLES + ";" + EMPTY)
    return list(Skill.objects.values_list("pk", flat=True))


def dsn() -> str:
    from django.conf import settings
    from psycopg.conninfo import make_conninfo

    told = settings.DATABASES["default"]
    return make_conninfo(
        host=told["HOST"], port=told["PORT"], user=told["USER"], dbname=told["NAME"]
    )


def by_queue(asked: argparse.Namespace, skills: list[int]) -> dict[str, Any]:
    """Let the product fold while it is killed."""
    from tests.torture.chaos import Chaos, Processes
    from tests.torture.truth import compare, compare_log
    from tests.torture.writers import Writers

    started = time.monotonic()
    processes = Processes(folders=3)
    processes.start()
    processes.wait_until_up()
    trigger = Trigger()
    trigger.start()
    writers = Writers(dsn(), skills, asked.events)
    writers.start()
    kinds = ("worker", "cluster", "folder", "postgresql")
    plan = {kind: getattr(asked, f"{kind}_kills") for kind in kinds}
    chaos = Chaos(processes, lambda: writers.share_written, plan)
    chaos.start()
    writers.join()
    written = time.monotonic()
    chaos.join(CHAOS_SECONDS)
    chaos.over.set()
    chaos.join()
    left = wait_until_drained()
    trigger.over.set()
    trigger.join()
    processes.stop()
    logged, logged_twice = compare_log()
    return asdict(compare()) | {
        "left_in_queue": left,
        "logged": logged,
        "logged_twice": logged_twice,
        "kills": dict(chaos.done),
        "runs": count_runs(),
        "writing_seconds": round(written - started, 1),
        "seconds": round(time.monotonic() - started, 1),
    }


class Trigger(threading.Thread):
    """Queues the fold as a schedule would, only more often."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def run(self) -> None:
        from django.db import Error, connection
        from django_q.tasks import async_task

        from jobs.schedules import BY_NAME, SCHEDULED_TASK

        while not self.over.wait(0.3):
            try:
                async_task(SCHEDULED_TASK, "fold_events", cluster=BY_NAME["fold_events"].cluster)
            except Error:
                connection.close()
        connection.close()


def wait_until_drained() -> int:
    """Wait for the folds to catch up; return how many events they left."""
    from django.db import Error, connection

    from skills.models import StatEvent

    end = time.monotonic() + DRAIN_SECONDS
    left = -1
    while left and time.monotonic() < end:
        time.sleep(0.3)
        try:
            left = StatEvent.objects.count()
        except Error:
            connection.close()
    return left


def count_runs() -> dict[str, int]:
    """How the cluster's own runs of the fold ended."""
    from django.db.models import Count

    from jobs.models import JobRun

    runs = JobRun.objects.filter(kind="fold_events").values_list("state")
    return dict(runs.annotate(n=Count("pk")).order_by())


def by_cursor(asked: argparse.Namespace, skills: list[int]) -> dict[str, Any]:
    """Let a cursor fold the same writing, without a single kill."""
    from django.db import connection

    from tests.torture.cursors import CursorFolder
    from tests.torture.writers import Writers

    folder = CursorFolder(dsn(), asked.cursor)
    folder.start()
    writers = Writers(dsn(), skills, asked.events)
    writers.start()
    writers.join()
    folder.over.set()
    folder.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM torture_journal")
        committed = cursor.fetchone()[0]
    return {"committed": committed, "lost": committed - folder.counted()}


if __name__ == "__main__":
    sys.exit(main())
