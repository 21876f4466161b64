"""Generated skills, written by set-based SQL and completed by the product's own derived rows.

Every figure of a skill follows from its number through a hash, so two runs make the same rows.
Rows lie in no order that an index has: a page must not find its cards side by side by luck.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management.color import no_style
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from accounts.models import Namespace
from config.derived import BATCH, REGISTRY, deferred, refresh
from skills.models import (
    Skill,
    SkillBadge,
    SkillListing,
    SkillSearch,
    SkillTag,
    SkillVersion,
)
from skills.slugs import CATEGORIES

SAMPLES: Final = 2_000
TOPICS: Final = 2_000
SYLLABLES: Final = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "qui",
    "ro",
    "su",
    "ta",
    "ve",
    "wi",
    "xo",
    "yu",
    "za",
    "bre",
    "cli",
    "dro",
    "fla",
    "gri",
    "plu",
    "sta",
]

WRITTEN: Final[list[type[Model]]] = [Namespace, Skill, SkillVersion, SkillTag, SkillBadge]
FOLLOWING: Final[list[type[Model]]] = [SkillListing, SkillSearch]

ROLL: Final = """
CREATE FUNCTION pg_temp.roll(i bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(i, k) & 2147483647) / 2147483648.0
"""
NAMESPACES: Final = """
INSERT INTO accounts_namespace (id, handle, kind, display_name, created_at)
SELECT i, 'owner-' || i, 'individual', '', now() FROM generate_series(1, %(owners)s) i
"""
# 6 % suspicious, 5 % hidden; downloads fall like Zipf's law and end in a long tie at 0.
SKILLS: Final = """
INSERT INTO skills_skill (
  id, namespace_id, slug, display_name, summary, categories, topics,
  moderation_status, moderation_flags, moderation_reason,
  downloads, stars, installs_current, installs_all_time, comment_count,
  created_at, updated_at, owner_handle, latest_scan_state, is_suspicious, version_count)
SELECT i, 1 + (i * 7919) %% %(owners)s, 'skill-' || i || '-' || left(md5(i::text), 6),
  initcap(split_part(s.summary, ' ', 1 + (i %% 20)::int)) || ' ' || split_part(s.summary, ' ', 3),
  left(s.summary, 300),
  ARRAY(SELECT DISTINCT (%(categories)s::text[])[
      1 + floor(pg_temp.roll(i, 20 + n) ^ 1.6 * array_length(%(categories)s::text[], 1))::int]
    FROM generate_series(1, 1 + floor(pg_temp.roll(i, 1) ^ 2 * 3)::int) n),
  ARRAY(SELECT DISTINCT 'topic-' || floor(%(topics)s ^ pg_temp.roll(i, 30 + n))::int
    FROM generate_series(1, floor(pg_temp.roll(i, 2) * 6)::int) n),
  CASE WHEN pg_temp.roll(i, 3) < 0.05 THEN 'hidden' ELSE 'active' END,
  CASE WHEN bad THEN ARRAY['flagged.suspicious'] ELSE '{}'::text[] END,
  CASE WHEN bad THEN 'scanner.static.suspicious' ELSE 'scanner.static.clean' END,
  d, d / 20, d / 9, d / 5, floor(pg_temp.roll(i, 4) * 7),
  now() - pg_temp.roll(i, 5) * interval '700 days', now() - pg_temp.roll(i, 6) * interval '90 days',
  '', '', false, 0
FROM (SELECT i, (i * 31) %% %(samples)s AS sample, pg_temp.roll(i, 7) < 0.06 AS bad,
        floor(3 / power(pg_temp.roll(i, 8) + 0.00001, 0.9)
              * (pg_temp.roll(i, 9) > 0.4)::int)::bigint AS d
      FROM generate_series(1::bigint, %(skills)s) i) g
JOIN sample s USING (sample)
ORDER BY pg_temp.roll(i, 10)
"""
BLOBS: Final = """
INSERT INTO skills_blob (sha256, size_bytes, touched_at)
SELECT encode(sha256(i::text::bytea), 'hex'), 7000, now() FROM generate_series(1, %(skills)s) i
"""
# About 6.4 KB a document, readme and metadata together.
VERSIONS: Final = """
INSERT INTO skills_skillversion (
  id, skill_id, version, changelog, changelog_source, license, source, metadata, warnings, readme,
  readme_path, file_count, size_bytes, archive_id, scan_state, scan_requested_at, created_at)
SELECT k.id, k.id, (k.id %% 9) || '.' || (k.id %% 17) || '.0', left(k.summary, 120), 'auto',
  'MIT-0', 'import',
  jsonb_build_object('name', k.slug, 'description', k.summary, 'env_vars', '[]'::jsonb,
    'required_binaries', '[]'::jsonb, 'os', '[]'::jsonb, 'dependencies', '[]'::jsonb),
  '[]'::jsonb, '# ' || k.display_name || E'\\n\\n' || md5(k.id::text) || s.document, 'SKILL.md',
  4, 7000, encode(sha256(k.id::text::bytea), 'hex'),
  CASE WHEN k.moderation_reason LIKE '%%suspicious' THEN 'suspicious' ELSE 'clean' END,
  k.created_at, k.created_at
FROM skills_skill k JOIN sample s ON s.sample = (k.id * 17) %% %(samples)s
"""
TAGS: Final = """
INSERT INTO skills_skilltag (skill_id, name, version_id)
SELECT id, 'latest', id FROM skills_skillversion
"""
BADGES: Final = """
INSERT INTO skills_skillbadge (skill_id, kind, reason, given_at)
SELECT id, 'official', '', created_at FROM skills_skill WHERE pg_temp.roll(id, 11) < 0.04
"""


# In the order in which they run; what they say is part of the stamp of a database.
STATEMENTS: Final = (NAMESPACES, SKILLS, BLOBS, VERSIONS, TAGS, BADGES)


def build(skills: int) -> None:
    """Fill an empty database with this many skills and leave it as a quiet server has it."""
    with _indexed_afterwards():
        fill(skills)
    with connection.cursor() as cursor:
        # The derived columns were written by an UPDATE, which left every row twice.
        cursor.execute("VACUUM (FULL) skills_skill")
        cursor.execute("VACUUM (ANALYZE)")


def fill(skills: int) -> None:
    """Write this many skills with version, tag and badge, and everything derived from them.

    The tables are empty before.
    """
    numbers = {
        "skills": skills,
        "owners": max(1, skills // 10),
        "samples": SAMPLES,
        "topics": TOPICS,
        "categories": [category.key for category in CATEGORIES],
    }
    with connection.cursor() as cursor:
        _write_samples(cursor)
        cursor.execute(ROLL)
        for statement in STATEMENTS:
            cursor.execute(statement, numbers)
        for statement in connection.ops.sequence_reset_sql(no_style(), WRITTEN):
            cursor.execute(statement)
        analyze()
    derive_all()


def analyze() -> None:
    """Tell the planner what the tables hold, as a running server's autovacuum does."""
    tables = ", ".join(model._meta.db_table for model in (*WRITTEN, *FOLLOWING))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}")


def derive_all() -> None:
    """Make every derived column and row of the skills by the mechanism itself, in random order."""
    keys = list(Skill._base_manager.order_by("pk").values_list("pk", flat=True))
    random.Random(5).shuffle(keys)
    derivations = [d for d in REGISTRY if d.anchor == Skill._meta.label]
    for start in range(0, len(keys), BATCH):
        with deferred():
            for derivation in derivations:
                refresh(derivation, keys[start : start + BATCH])


@contextmanager
def _indexed_afterwards() -> Iterator[None]:
    """Leave out the indexes of lists and search meanwhile: built at once they cost a third."""
    with connection.schema_editor() as editor:
        for model in FOLLOWING:
            for index in model._meta.indexes:
                editor.remove_index(model, index)
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '256MB'")
    with connection.schema_editor() as editor:
        for model in FOLLOWING:
            for index in model._meta.indexes:
                editor.add_index(model, index)


def vocabulary(made: random.Random) -> list[str]:
    """Return the words of the texts, the commonest first; from 100 on they are equally rare."""
    return ["".join(made.choices(SYLLABLES, k=made.randint(1, 4))) for _ in range(6_000)]


def _write_samples(cursor: CursorWrapper) -> None:
    made = random.Random(7)
    words = vocabulary(made)

    def prose(size: int) -> str:
        text: list[str] = []
        length = 0
        while length < size:
            common = made.random() < 0.5
            rank = min(int(made.paretovariate(0.7)) - 1, len(words) - 1)
            text.append(words[rank] if common else made.choice(words))
            length += len(text[-1]) + 1
        return " ".join(text)[:size]

    cursor.execute(
        "CREATE TEMP TABLE sample (sample bigint PRIMARY KEY, summary text, document text)"
    )
    with cursor.copy("COPY sample FROM STDIN") as copy:
        for number in range(SAMPLES):
            summary, document = prose(made.randint(200, 400)), prose(made.randint(5_400, 6_600))
            copy.write_row((number, summary, document))
