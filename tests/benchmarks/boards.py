"""Goal B1: building a board over 1,500,000 skill-days, and reading a page of it.

The rival is the bare statement of the design: aggregate the window, leave out what is not public,
keep 200, join them with their cards, publish. The product builds two variants, caps owners, and
compares with the snapshot of a day before.
"""

from __future__ import annotations

import statistics as middle
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.pagination import PAGE_SIZE
from skills.board_pages import board_query, read_board
from skills.boards import build
from skills.models import Leaderboard, LeaderboardEntry, SkillDailyStat
from skills.models.leaderboard import Board, Window
from tests.benchmarks import databases
from tests.benchmarks.blocks import explain, statements_of
from tests.benchmarks.measurement import Measurement, at_least, at_most, share, told

DATABASE: Final = f"{databases.PREFIX}_boards"
SKILLS: Final = 200_000
DAYS: Final = 30
ROUNDS: Final = 7

# About a quarter of the skills have activity on a day, few of them much.
FILL: Final = """
INSERT INTO skills_skilldailystat (day, skill_id, downloads, installs_new, installs_all_time,
                                   installs_current, stars)
SELECT (now() AT TIME ZONE 'UTC')::date - d, s.id,
       1 + (3 / power(random() + 0.001, 0.8))::int, i, i, i, (i / 4)
  FROM generate_series(0, %s - 1) d, skills_skill s,
       LATERAL (SELECT (1 / power(random() + 0.001, 0.5))::int + 0 * s.id AS i) drawn
 WHERE hashint4((s.id * 31 + d)::int) %% 4 = 0
 ORDER BY d DESC
"""
RIVAL_TABLE: Final = """
CREATE TABLE IF NOT EXISTS bench_board (kind text, at timestamptz, rank int, skill_id bigint,
  downloads bigint, installs bigint, card jsonb, PRIMARY KEY (kind, at, rank))
"""
LEADERS: Final = """
  SELECT * FROM (
    SELECT skill_id, sum(downloads) AS dl, sum(installs_new) AS ins, sum(stars) AS st
      FROM skills_skilldailystat
     WHERE day > (now() AT TIME ZONE 'UTC')::date - 7 GROUP BY 1) x
   WHERE NOT EXISTS (SELECT FROM skills_skill k WHERE k.id = x.skill_id
                        AND k.moderation_status <> 'active')
   ORDER BY dl DESC, ins DESC, st DESC, skill_id LIMIT 200
"""
RIVAL: Final = f"""
WITH t AS ({LEADERS}), r AS (
  SELECT row_number() OVER (ORDER BY dl DESC, ins DESC, st DESC, t.skill_id) AS rank, t.*,
         jsonb_build_object('name', s.display_name, 'owner', s.owner_handle, 'summary', s.summary)
           AS card
    FROM t JOIN skills_skill s ON s.id = t.skill_id
), w AS (
  INSERT INTO bench_board SELECT 'trending', clock_timestamp(), rank, skill_id, dl, ins, card FROM r
)
DELETE FROM bench_board WHERE kind = 'trending' AND at < now() - interval '1 day'
"""


def measure(filled: str) -> Iterator[Measurement]:
    """Measure in a copy of the database `filled`, which `data.build` filled with skills."""
    databases.ensure(DATABASE, _fill, SKILLS, DAYS, FILL, template=filled)
    with databases.working_in(DATABASE):
        rows = SkillDailyStat.objects.count()
        yield at_least("skill-days under the boards", rows, "rows", 1_400_000)
        yield _building()
        yield from _reading()


def _fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [DAYS])
        cursor.execute(RIVAL_TABLE)
        for table in ("skills_skill", "skills_skilllisting", "skills_skilldailystat"):
            cursor.execute(f"VACUUM ANALYZE {table}")


def _building() -> Measurement:
    """Build in turn with the rival; the median of each."""
    ours, bare = [], []
    Leaderboard.objects.all().delete()
    build(Board.TRENDING, Window.WEEK, timezone.now() - timedelta(hours=24))
    with connection.cursor() as cursor:
        cursor.execute(RIVAL)
        for _ in range(ROUNDS):
            ours.append(_seconds(lambda: build(Board.TRENDING, Window.WEEK, timezone.now())))
            bare.append(_seconds(lambda: cursor.execute(RIVAL)))
    ours_ms, bare_ms = (round(middle.median(times) * 1000, 1) for times in (ours, bare))
    return share("building a board, both variants", ours_ms, "ms", bare_ms, at_most=2)


def _reading() -> Iterator[Measurement]:
    """Read a page of 25: blocks of the snapshot and of the visibility check, statements, time."""
    with connection.cursor() as cursor:
        _analyze(cursor)
    query = board_query(Board.TRENDING)
    with CaptureQueriesContext(connection) as captured:
        rows = read_board(query, limit=PAGE_SIZE).rows
    plans = [explain(sql["sql"].replace("%", "%%"), []) for sql in captured]
    yield at_most(
        f"blocks of a board page of {len(rows)}",
        sum(plan.blocks for plan in plans),
        "blocks",
        8 + 4 * len(rows),
        explain(LEADERS, []).blocks,
    )
    client = Client(headers={"host": "localhost"})
    yield at_most(
        "statements of a board page",
        statements_of(client, "/leaderboards/trending/"),
        "statements",
        3,
    )
    page = middle.median(
        _seconds(lambda: read_board(query, limit=PAGE_SIZE)) for _ in range(50 * ROUNDS)
    )
    with connection.cursor() as cursor:
        computed = middle.median(_seconds(lambda: cursor.execute(RIVAL)) for _ in range(ROUNDS))
    yield told("computing a board over reading a page of it", round(computed / page), "times")


def _analyze(cursor: CursorWrapper) -> None:
    for model in (Leaderboard, LeaderboardEntry):
        cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
