"""The corpus: attacks and look-alikes of attacks written for the tests, one file a text.

`corpus/attacks/<class>/` must be flagged, `corpus/benign/<topic>/` must not. All of it is harmless:
hosts are reserved for documentation, and payloads say hello. A file that is no Markdown stands in a
skill as a script beside a plain SKILL.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
POPULAR = ("weather-report", "github-helper", "calendar-sync")

_PLAIN = b"---\nname: sample-skill\ndescription: A sample.\n---\n# Sample\n\nIt says hello.\n"


@dataclass(frozen=True)
class Sample:
    """One text of the corpus; `kind` is the class of attack, or the topic of a benign text."""

    kind: str
    path: Path

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.path.name}"

    @property
    def files(self) -> dict[str, bytes]:
        """The text as the files of a skill."""
        if self.path.suffix == ".md":
            return {"SKILL.md": self.path.read_bytes()}
        return {"SKILL.md": _PLAIN, f"scripts/{self.path.name}": self.path.read_bytes()}


def attacks() -> list[Sample]:
    return _samples(FOLDER / "attacks")


def benign() -> list[Sample]:
    return _samples(FOLDER / "benign")


def _samples(folder: Path) -> list[Sample]:
    return [Sample(path.parent.name, path) for path in sorted(folder.glob("*/*"))]
