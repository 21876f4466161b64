"""What cannot be run everywhere is read; what can be run alone is run with stand-ins."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"demo", "test", "check", "bench", "lock", "clean", "help"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Whoever runs the suite may have ARGS, PORT or the demo's switch in the environment.
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=directory,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A checkout whose environment stands, with a uv and a Python that only tell their calls."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for lock in ("base.lock", "dev.lock"):
        (tmp_path / "requirements").mkdir(exist_ok=True)
        (tmp_path / "requirements" / lock).touch()
        os.utime(tmp_path / "requirements" / lock, (1_000, 1_000))
    script(tmp_path / ".tools" / "bin" / "uv", 'echo "uv $@"')
    script(tmp_path / ".venv" / "bin" / "python", 'echo "python $@ demo=$SKILLBOARD_DEMO"')
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert version
    (tmp_path / ".tools" / f".uv-{version[1]}").touch()
    return tmp_path


def test_make_help_lists_every_target_and_no_other():
    listed = re.findall(r"^make (\w+) +\S", make(ROOT, "help").stdout, re.MULTILINE)

    assert set(listed) == TARGETS
    assert make(ROOT).stdout == make(ROOT, "help").stdout


def test_demo_passes_its_options_on(installed):
    done = make(installed, "demo", "PORT=9001", "SKILLS=some dir", "ARGS=--smoke")

    last = done.stdout.splitlines()[-1]
    assert last == "python manage.py demo --port 9001 --skills some dir --smoke demo=1"


def test_demo_installs_the_run_time_packages_once(installed):
    first, second = make(installed, "demo"), make(installed, "demo")

    assert re.search(r"^uv pip sync .*requirements/base\.lock$", first.stdout, re.MULTILINE)
    assert "uv " not in second.stdout


def test_demo_keeps_the_development_packages(installed):
    (installed / ".venv" / ".dev-stamp").touch()

    done = make(installed, "demo")

    assert "requirements/dev.lock" in done.stdout
    assert "requirements/base.lock" not in done.stdout


def test_old_python_is_refused_with_one_clear_line(installed):
    shutil.rmtree(installed / ".tools")
    shutil.rmtree(installed / ".venv")
    old = script(installed / "old-python", "exit 1")

    done = make(installed, "demo", f"PYTHON={old}")

    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (installed / ".venv").exists()


def test_check_says_at_which_step_it_stopped(installed):
    (installed / ".venv" / ".dev-stamp").touch()
    (installed / "templates").mkdir()
    for tool, code in (("ruff", 0), ("lint-imports", 1)):
        script(installed / ".venv" / "bin" / tool, f"exit {code}")

    done = make(installed, "check")

    assert done.returncode != 0
    assert "check FAILED at: Import layers (import-linter)" in done.stderr
    assert "System checks" not in done.stdout


@pytest.mark.parametrize("ci", ["true", ""])
# Where no wheel is found, the system's own Node must not stand in for it.
@pytest.mark.parametrize(
    ("name", "wheel"),
    [("ensure-chromium", ""), ("ensure-clients", "/nowhere"), ("ensure-clients", "")],
)
def test_a_missing_browser_or_node_fails_in_ci_and_is_named_elsewhere(name, wheel, ci, tmp_path):
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / "tests" / "clients").mkdir(parents=True)
    (tmp_path / "tests" / "clients" / "package-lock.json").touch()
    script(tmp_path / ".venv" / "bin" / "python", f"echo {wheel}")
    for tool in ("bash", "cmp", "dirname", "env"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(found)
    script(tmp_path / "bin" / "id", "echo 1000")

    done = subprocess.run(
        [tmp_path / ".ci" / name],
        env={"PATH": str(tmp_path / "bin"), "CI": ci},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == (1 if ci else 0), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert ("SKIPPED" in done.stderr) is not bool(ci)


def test_ci_runs_check_and_test_and_nothing_else():
    text = (ROOT / ".ci" / "run").read_text()

    assert re.findall(r"^timed (.*)$", text, re.MULTILINE) == ["make check", "make test"]
    assert "set -euo pipefail" in text
    for path in (ROOT / ".ci").iterdir():
        assert os.access(path, os.X_OK), path
        subprocess.run(["bash", "-n", path], check=True)


@pytest.mark.parametrize("name", ["base", "dev"])
def test_locks_are_hashed_and_name_no_address(name):
    text = (ROOT / "requirements" / f"{name}.lock").read_text()

    assert "://" not in text
    assert "--index" not in text
    pins = re.split(r"^(?=\S)(?!#)", text, flags=re.MULTILINE)[1:]
    assert len(pins) > 20
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_development_lock_holds_what_a_run_needs():
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        return set(re.findall(r"^(\S+==\S+)", text, re.MULTILINE))

    assert pins("base") < pins("dev")


def test_client_lock_is_complete_and_names_no_address():
    lock = json.loads((ROOT / "tests" / "clients" / "package-lock.json").read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}

    assert packages["node_modules/clawhub-0.20.0"]["version"] == "0.20.0"
    assert packages["node_modules/clawhub-0.23.3"]["version"] == "0.23.3"
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if not entry.get("integrity")] == []


def test_image_is_hashed_unprivileged_and_compresses_its_static_files():
    text = (ROOT / "Dockerfile").read_text()

    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["skillboard"]
    assert text.index("\nUSER ") > text.index("collectstatic")
    assert "STATICFILES_BACKEND=whitenoise.storage.CompressedManifestStaticFilesStorage" in text
    assert "--require-hashes" in text
    assert "dev.lock" not in text
    assert "ENV SECRET_KEY" not in text
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert re.fullmatch(r"python:3\.1[1-4]-slim-\w+", base), base
    for source in re.findall(r"^COPY (?!--)(\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists(), source


def test_image_holds_every_app():
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    assert packages <= copied


def test_compose_runs_web_and_worker_on_a_migrated_postgresql_18(compose):
    services = compose["services"]

    assert set(services) == {"db", "migrate", "web", "worker"}
    assert services["db"]["image"] == "pgvector/pgvector:pg18"
    assert "shared_preload_libraries=pg_stat_statements" in services["db"]["command"]
    for name in ("web", "worker"):
        assert services[name]["image"] == services["migrate"]["image"]
        assert services[name]["restart"] == "always"
        waits = services[name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"
    assert services["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"


def test_compose_keeps_secrets_out_and_data_in_volumes(compose):
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "SECRET" in name or name == "DATABASE_URL":
                assert re.search(r"\$\{[A-Z_]+:\?", value), name
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in compose["volumes"]
    assert compose["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_every_name_of_the_example_environment_is_read():
    example = (ROOT / ".env.example").read_text()
    names = re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.MULTILINE)
    settings = (ROOT / "config" / "settings.py").read_text()

    assert "SECRET_KEY" in names
    assert [name for name in names if f'"{name}"' not in settings] == []


@pytest.mark.parametrize("ignored", ["/var/", "/.venv/", "/.tools/", "/.env", "__pycache__/"])
def test_what_a_machine_makes_for_itself_is_not_committed(ignored):
    assert ignored in (ROOT / ".gitignore").read_text().splitlines()
