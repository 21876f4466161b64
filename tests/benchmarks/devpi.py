"""A rival registry with 1,000 packages, in an environment of its own that no lock file names.

Made once, under the folder of the tools, and only for the benchmark.
"""

from __future__ import annotations

import base64
import io
import json
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

from django.conf import settings

from config.processes import answers, running, wait_until
from tests.benchmarks.loader import HOST

VERSION: Final = "6.20.3"
PACKAGES: Final = 1_000
LISTING: Final = "/root/dev/+simple/"
HOME: Final = Path(settings.BASE_DIR) / ".tools" / f"devpi-{VERSION}"
PROGRAMS: Final = HOME / "venv" / "bin"
DATA: Final = HOME / "data"
QUIET: Final = HOME / "logging.json"
# Written last: a folder without it was not finished.
FINISHED: Final = HOME / f"finished-{PACKAGES}"
INSTALL_SECONDS: Final = 300
BOUNDARY: Final = "between-the-parts"


class NotHere(RuntimeError):
    """It cannot be installed on this machine."""


@contextmanager
def serving() -> Iterator[int]:
    """Run it with its packages; yield its port. Raises `NotHere`."""
    if not FINISHED.exists():
        _install()
        with _running() as port:
            _upload(port)
        FINISHED.touch()
    with _running() as port:
        yield port


def _install() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    packages = [f"devpi-server=={VERSION}", "setuptools<81"]
    try:
        _run(sys.executable, "-m", "venv", str(HOME / "venv"))
        _run(str(PROGRAMS / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages)
        _run(str(PROGRAMS / "devpi-init"), "--serverdir", str(DATA), "--no-root-pypi")
    except (OSError, subprocess.SubprocessError) as refused:
        raise NotHere(f"devpi-server {VERSION} cannot be installed: {refused}") from refused


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)


@contextmanager
def _running() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    # A line a request would be a part of what it costs.
    QUIET.write_text(json.dumps({"version": 1, "root": {"level": "ERROR"}}))
    told = ["--serverdir", str(DATA), "--host", HOST, "--port", str(port)]
    told += ["--logger-cfg", str(QUIET)]
    with running({"devpi-server": [str(PROGRAMS / "devpi-server"), *told]}, {}) as children:
        wait_until(lambda: answers(f"http://{HOST}:{port}/+api"), children)
        yield port


# --- Its packages ---------------------------------------------------------------------------------


def _upload(port: int) -> None:
    """Make an index and fill it by the server's own API; a fresh one's root has no password."""
    said = _call(port, "POST", "/+login", {}, {"user": "root", "password": ""})
    token = f"root:{json.loads(said)['result']['password']}"
    allowed = {"X-Devpi-Auth": base64.b64encode(token.encode()).decode()}
    index = {"type": "stage", "bases": [], "volatile": True}
    _call(port, "PUT", "/root/dev", allowed, index)
    made = random.Random(9)
    for number in range(PACKAGES):
        name = f"skill-{made.randrange(16**6):06x}-{number}"
        _call(port, "POST", "/root/dev/", allowed, _form(name))


def _call(
    port: int, method: str, path: str, headers: dict[str, str], body: dict[str, object] | bytes
) -> bytes:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    if isinstance(body, dict):
        body, kind = json.dumps(body).encode(), "application/json"
    told = headers | {"Content-Type": kind, "Accept": "application/json"}
    url = f"http://{HOST}:{port}{path}"
    asked = urllib.request.Request(url, body, told, method=method)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise RuntimeError(f"{path} answered {answer.status}")
        return bytes(answer.read())


def _form(name: str) -> bytes:
    """Return a form that uploads a package of this name."""
    fields = {
        ":action": "file_upload",
        "metadata_version": "1.0",
        "name": name,
        "version": "1.0",
        "summary": f"What {name} does.",
        "filetype": "sdist",
        "pyversion": "source",
    }
    parts = [f'name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    file = f'name="content"; filename="{name}-1.0.tar.gz"\r\n\r\n'.encode()
    parts.append(file + _archive(name) + b"\r\n")
    start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    return b"".join(start + part for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def _archive(name: str) -> bytes:
    told = f"Metadata-Version: 1.0\nName: {name}\nVersion: 1.0\n".encode()
    file = tarfile.TarInfo(f"{name}-1.0/PKG-INFO")
    file.size = len(told)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(file, io.BytesIO(told))
    return packed.getvalue()
