"""A live server for each worker of the tests, and a client with an empty home for each test."""

from __future__ import annotations

import shutil

import pytest

from accounts.services import create_token
from tests.clients import runner
from tests.conftest import missing


@pytest.fixture(scope="session")
def server(request, django_db_setup, django_db_blocker, tmp_path_factory):
    """A real web server on this worker's test database and files.

    It ends before the database goes: it is set up after it.
    """
    if absent := runner.what_is_missing():
        missing(absent, "`.ci/ensure-clients` installs it")
    with (
        django_db_blocker.unblock(),
        runner.serving(tmp_path_factory.mktemp("server")) as running,
    ):
        yield running


@pytest.fixture
def clawhub(client_version, server, transactional_db, tmp_path):
    """The client: `clawhub.run("explore", "--json")`."""
    return runner.Clawhub(client_version, server.address, tmp_path / "home")


@pytest.fixture(params=runner.VERSIONS)
def client_version(request) -> str:
    return request.param


@pytest.fixture
def traces(server, transactional_db, tmp_path):
    """The traces client: `traces.run("share", "--trace-id", …)`."""
    if not runner.traces_program().exists():
        missing(f"traces {runner.TRACES_VERSION}", "`.ci/ensure-clients` installs it")
    return runner.Traces(server.address, tmp_path / "home")


@pytest.fixture
def keyed(traces, alice) -> runner.Traces:
    """The traces client with a key of Alice's own namespace."""
    _token, text = create_token(user=alice, label="key", namespace=alice.namespace)
    traces.env["TRACES_API_KEY"] = str(text)
    return traces


@pytest.fixture
def in_repository(keyed) -> runner.Traces:
    """That client in a new git repository."""
    if shutil.which("git", path=keyed.environment()["PATH"]) is None:
        missing("git", "the operating system's package installs it")
    keyed.beside("git", "init")
    return keyed
