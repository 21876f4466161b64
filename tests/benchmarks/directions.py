"""Drawn directions in place of computed ones: of generated skills, and of what is asked.

Generated texts mean nothing, so the model would put them all in one corner. These lie in clusters
as those of real texts do: around centres, with noise. Everything follows from seeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from unittest import mock

import numpy as np
from django.db import connection

from skills import embeddings
from skills.embeddings import DIMENSIONS, MODEL
from skills.models import Skill, SkillEmbedding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skills.embeddings import Floats

CENTRES: Final = 2_000
# Two points of one centre have a cosine of about 1 / (1 + 0.6²): 0.74.
NOISE: Final = 0.6
AT_ONCE: Final = 10_000
# A row as PostgreSQL copies it in: the number of fields, and each behind its length.
ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("key_bytes", ">i4"),
        ("key", ">i8"),
        ("vector_bytes", ">i4"),
        ("dimensions", ">i2"),
        ("unused", ">i2"),
        ("vector", ">f2", DIMENSIONS),
    ]
)
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"

TARGET: Final = "CREATE TEMP TABLE direction (skill_id bigint, vector halfvec)"
# A hidden skill keeps its direction, as in the product. Of no text, so none counts as embedded.
INSERT: Final = f"""
INSERT INTO skills_skillembedding (skill_id, text_key, model, vector)
SELECT skill_id, '', '{MODEL}', vector FROM direction
"""
STATEMENTS: Final = (TARGET, INSERT, CENTRES, NOISE)


@cache
def centres() -> NDArray[np.float32]:
    """Return the middle of each cluster."""
    return _of_length_one(np.random.default_rng(5).normal(size=(CENTRES, DIMENSIONS)))


def drawn(seed: int, count: int) -> NDArray[np.float32]:
    """Return so many directions, each near a centre."""
    made = np.random.default_rng(seed)
    near = centres()[made.integers(0, CENTRES, count)]
    noise = made.normal(scale=NOISE / DIMENSIONS**0.5, size=(count, DIMENSIONS))
    return _of_length_one(near + noise)


@lru_cache(maxsize=512)
def of_query(text: str) -> Floats:
    """Return the direction of what somebody asks for, from the same clusters."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return drawn(seed, 1)[0]


@contextmanager
def asked() -> Iterator[None]:
    """Draw the directions of queries in this process, and compute none."""
    with mock.patch.object(embeddings, "embed_query", of_query):
        yield


def fill() -> None:
    """Give every skill a direction and index them afterwards, which costs a tenth."""
    keys = list(Skill._base_manager.order_by("pk").values_list("pk", flat=True))
    with connection.schema_editor() as editor:
        for index in SkillEmbedding._meta.indexes:
            editor.remove_index(SkillEmbedding, index)
    _copy(keys)
    with connection.cursor() as cursor:
        cursor.execute(INSERT)
        cursor.execute("SET maintenance_work_mem = '512MB'")
    with connection.schema_editor() as editor:
        for index in SkillEmbedding._meta.indexes:
            editor.add_index(SkillEmbedding, index)


def _copy(keys: list[int]) -> None:
    """Write them in a table of this session, in an order that no index has."""
    shuffled = np.random.default_rng(3).permutation(np.array(keys))
    with connection.cursor() as cursor:
        cursor.execute(TARGET)
        with cursor.copy("COPY direction FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(HEADER)
            for start in range(0, len(keys), AT_ONCE):
                some = shuffled[start : start + AT_ONCE]
                copy.write(_rows(some, drawn(start + 1, len(some))))
            copy.write(END)


def _rows(keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> bytes:
    rows = np.zeros(len(keys), ROW)
    rows["fields"], rows["dimensions"] = 2, DIMENSIONS
    rows["key_bytes"], rows["vector_bytes"] = 8, 4 + 2 * DIMENSIONS
    rows["key"], rows["vector"] = keys, vectors
    return rows.tobytes()


def _of_length_one(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
