"""Real skills: imported, installed by a client, and compared with the folders they came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skills.management.commands.import_skills import META_NAME
from tests.clients.runner import Clawhub, read_tree

THREADS: Final = 2


@dataclass(frozen=True)
class Sample:
    """A folder of the archive, and what a client must put on disk for it."""

    slug: str
    version: str
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Return its files, without the one that the import reads and leaves out."""
        return read_tree(self.folder, without=META_NAME)


def samples(archive: Path) -> list[Sample]:
    """Return every skill of the archive."""
    found = []
    for meta in sorted(archive.rglob(META_NAME)):
        said = json.loads(meta.read_text())
        found.append(Sample(said["slug"], said["latest"]["version"], meta.parent))
    return found


def choose(found: list[Sample], count: int) -> list[Sample]:
    """Return the biggest, the fullest, those with odd names, and others spread over the rest."""
    files = {sample: sample.files() for sample in found}

    def oddity(sample: Sample) -> int:
        paths = files[sample]
        strange = sum(re.search(r"[^a-z0-9./-]|/\.|^\.", path) is not None for path in paths)
        return strange + 100 * ("SKILL.md" not in paths) + 100 * any(" " in path for path in paths)

    orders = [
        lambda sample: -sum(map(len, files[sample].values())),
        lambda sample: -len(files[sample]),
        lambda sample: -oddity(sample),
    ]
    chosen = dict.fromkeys(
        one for order in orders for one in sorted(found, key=order)[: count // 4]
    )
    rest = [sample for sample in found if sample not in chosen]
    wanted = count - len(chosen)
    return [*chosen, *(rest[i * len(rest) // wanted] for i in range(wanted))]


def install_all(clawhub: Clawhub, wanted: Iterable[Sample]) -> list[str]:
    """Install each skill, compare its bytes, then ask for updates; return what went wrong.

    Each thread has a folder of its own: two clients at once would overwrite one lock file.
    """
    wanted = list(wanted)
    shares = [wanted[i::THREADS] for i in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        results = pool.map(lambda i: _install_share(clawhub, i, shares[i]), range(THREADS))
        return [fault for faults in results for fault in faults]


def _install_share(clawhub: Clawhub, number: int, share: list[Sample]) -> list[str]:
    workdir = clawhub.workdir / str(number)
    workdir.mkdir()
    faults = []
    for sample in share:
        ran = clawhub.run("install", sample.slug, workdir=workdir)
        if ran.code:
            faults.append(f"{sample.slug}: {ran.text.strip()}")
    return faults + compare(clawhub, workdir, share) + ask_for_updates(clawhub, workdir, share)


def compare(clawhub: Clawhub, workdir: Path, share: Iterable[Sample]) -> list[str]:
    """Say which installed folders differ from their source, and in which files."""
    faults = []
    for sample in share:
        here, there = clawhub.installed(sample.slug, workdir), sample.files()
        if here != there:
            paths = [p for p in sorted({*here, *there}) if here.get(p) != there.get(p)]
            faults.append(f"{sample.slug}: differs in {paths}")
    return faults


def ask_for_updates(clawhub: Clawhub, workdir: Path, share: Iterable[Sample]) -> list[str]:
    """Say which skills the client does not call up to date by their fingerprint alone.

    What it wrote down when it installed them is taken away: it would believe that, too.
    """
    for sample in share:
        (workdir / "skills" / sample.slug / ".clawhub" / "origin.json").unlink(missing_ok=True)
    text = clawhub.run("update", "--all", workdir=workdir).text
    lines = [line.strip("✔- ") for line in text.splitlines() if "up to date" in line]
    told = {re.split(r"[: ]", line)[0] for line in lines}
    return [f"{sample.slug}: not up to date\n{text}" for sample in share if sample.slug not in told]
