"""The cast, and what holds in every test: no drift at its end, audit rows that can be cleared."""

from __future__ import annotations

import gc
import os
import re
import shutil
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.test import TransactionTestCase
from psycopg import sql

from config import devdb, ratelimit
from traces.demo.model_server import serving
from traces.prices import DEMO_MODEL

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    # Only the controller starts the server; the workers of xdist find it running.
    if not hasattr(config, "workerinput") and devdb.serves(settings.DATABASES["default"]):
        devdb.ensure_running()
        _drop_databases_of_killed_runs()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first, or one worker has it left while the others have nothing to do.

    Tests that commit stay behind those that roll back, where pytest-django puts them: they leave
    tables without the rows of migrations.
    """
    items.sort(key=_place)
    places = [place for place, item in enumerate(items) if _commits(item)]
    if places:
        those = slice(places[0], places[-1] + 1)
        items[those] = sorted(items[those], key=lambda item: not _is_slow(item))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    if config.getvalue("dist") != "load":
        return None
    from tests.scheduling import WholeFiles

    return WholeFiles(config, log)


def pytest_collection_finish() -> None:
    # What was imported and collected stays: no collection of garbage need look through it again.
    gc.collect()
    gc.freeze()


def _place(item: pytest.Item) -> tuple[int, Path]:
    """Files of a folder that are slow stay together, for one worker: see tests.scheduling."""
    if _is_slow(item) and not _commits(item):
        return 0, item.path.parent
    return 1, Path()


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or (marker is not None and marker.kwargs.get("transaction", False))


def _drop_databases_of_killed_runs() -> None:
    with psycopg.connect(**_maintenance_address(), autocommit=True) as server:
        found = server.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^test_skillboard_'"
        )
        for (name,) in found.fetchall():
            run = re.match(r"test_skillboard_(\d+)", name)
            if run and not Path(f"/proc/{run[1]}").exists():
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _maintenance_address() -> dict[str, str]:
    named = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    database = settings.DATABASES["default"]
    told = {key: str(database.get(setting) or "") for key, setting in named.items()}
    return {key: value for key, value in told.items() if value} | {"dbname": "postgres"}


def pytest_unconfigure(config: pytest.Config) -> None:
    scratch = Path(settings.STATIC_ROOT).parent
    if scratch.name.startswith("skillboard-tests-"):
        shutil.rmtree(scratch, ignore_errors=True)


def missing(what: str, how: str) -> None:
    """Skip with the reason on a developer's machine; on CI a missing tool is a failure."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{what} is missing on CI: {how}")
    pytest.skip(f"{what} is missing: {how}")


@pytest.fixture(scope="session")
def archive_dir() -> Path:
    """The folder of real skills beside the project; untrusted, read only."""
    folder = SHARED / "data" / "clawhub-archive"
    if not folder.is_dir():
        missing("the archive of real skills", f"expected at {folder}")
    return folder


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    ratelimit.forget_reads()


@pytest.fixture(autouse=True)
def _fresh_as_of() -> None:
    from jobs import as_of

    as_of.forget()


@pytest.fixture(autouse=True)
def _no_drift(request: pytest.FixtureRequest):
    """Every test that reached the database ends with each derived field equal to its rule."""
    uses_database = {"db", "transactional_db", "live_server"} & set(request.fixturenames)
    marked = request.node.get_closest_marker("django_db") is not None
    if not (uses_database or marked) or request.node.get_closest_marker("allow_drift"):
        yield
        return
    request.getfixturevalue("_django_db_helper")
    from tests.drift import drifted

    yield
    assert drifted() == {}


@pytest.fixture(scope="session", autouse=True)
def _empty_tables_quickly():
    """Tests that commit leave empty tables behind: see tests.flush."""
    from tests.flush import empty_tables

    original = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda _case: empty_tables()
    yield
    TransactionTestCase._fixture_teardown = original


# --- The cast ------------------------------------------------------------------------------------


def _person(handle: str, role: str = "user"):
    from accounts.services import create_user

    return create_user(handle=handle, password=f"{handle}-keeps-a-secret", role=role)


@pytest.fixture
def alice(db):
    """Owns the skills of most tests."""
    return _person("alice")


@pytest.fixture
def charlie(db):
    """A stranger."""
    return _person("charlie")


@pytest.fixture
def mona(db):
    """A moderator."""
    return _person("mona", "moderator")


@pytest.fixture
def ada(db):
    """An admin."""
    return _person("ada", "admin")


@pytest.fixture
def publish(alice):
    """Publish a skill of Alice's through the service: `publish(slug, files, version=…)`."""
    from tests.factories.skills import publish_skill

    def call(slug: str = "pdf-tools", files: dict[str, str] | None = None, **said):
        said.setdefault("namespace", alice.namespace)
        return publish_skill(slug=slug, files=files, **said)

    return call


@pytest.fixture
def model(settings):
    """A model's server of our own, and settings that send to it."""
    with serving() as server:
        settings.OPENAI_API_KEY = "key"
        settings.OPENAI_BASE_URL = server.address
        settings.SUMMARY_MODEL = DEMO_MODEL
        yield server
