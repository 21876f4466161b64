"""The truth table of the mission, row by row, on stored skills."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from django.utils import timezone

from skills import verdict
from skills.listing import list_query, page
from skills.models import Skill

pytestmark = pytest.mark.django_db

SUSPICIOUS, MALWARE = verdict.FLAG_SUSPICIOUS, verdict.FLAG_MALWARE


class Row(NamedTuple):
    """A row of the table: what is stored, and what everybody is told."""

    status: str
    flags: list[str]
    reason: str
    is_suspicious: bool
    word: str
    api: str | None
    installable: bool


TABLE = {
    "scan not finished": Row("active", [], "scanner.static.pending", False, "Not scanned", None, True),
    "scan running": Row("active", [], "scanner.static.running", False, "Not scanned", None, True),
    "scan failed": Row("active", [], "scanner.static.failed", False, "Not scanned", None, True),
    "nothing above low": Row("active", [], "scanner.static.clean", False, "Clean", "clean", True),
    "suspicious finding": Row(
        "active", [SUSPICIOUS], "scanner.static.suspicious", True, "Under review", "suspicious", True
    ),
    "suspicious by another scanner": Row(
        "active", [], "scanner.vt.suspicious", True, "Under review", "suspicious", True
    ),
    "caution": Row("active", [SUSPICIOUS], "manual.caution", True, "Caution", "suspicious", True),
    "approved": Row("active", [], "manual.approved", False, "Clean", "clean", True),
    "malicious finding": Row(
        "hidden", [MALWARE], "scanner.static.malicious", True, "Under review", "malicious", False
    ),
    "four reporters": Row("hidden", [], "auto.reports", False, "Under review", "clean", False),
    "four reporters of a suspicious one": Row(
        "hidden", [SUSPICIOUS], "auto.reports", True, "Under review", "suspicious", False
    ),
    "hidden by staff": Row("hidden", [], "manual.hidden", False, "Under review", "clean", False),
    "changes asked for": Row("hidden", [], "manual.changes", False, "Under review", "clean", False),
    "removed": Row("removed", [SUSPICIOUS], "manual.removed", True, "Removed", "suspicious", False),
    "removed as malware": Row("removed", [MALWARE], "manual.removed", True, "Removed", "malicious", False),
    "author banned": Row("hidden", [], "auto.ban", False, "Under review", "clean", False),
    "quality hold": Row("hidden", [], "quality.low", False, "Under review", "clean", False),
}  # fmt: skip


def in_list(skill: Skill, **asked: bool) -> bool:
    return skill.pk in {card.skill_id for card in page(list_query(**asked)).cards}


@pytest.fixture
def skill(publish):
    return publish().skill


def store(skill: Skill, row: Row) -> Skill:
    skill.moderation_status = row.status
    skill.moderation_flags = row.flags
    skill.moderation_reason = row.reason
    skill.save()
    return skill


@pytest.mark.parametrize("situation", TABLE)
def test_a_situation_is_told_as_the_table_says(skill, situation):
    row = TABLE[situation]

    store(skill, row)

    assert skill.is_suspicious is row.is_suspicious
    assert skill.status_word == row.word
    assert verdict.api_verdict(skill) == row.api
    assert skill.is_installable is row.installable
    assert verdict.is_malware_blocked(skill) is (row.api == "malicious")
    assert in_list(skill) is row.installable
    assert in_list(skill, suspicious=False) is (row.installable and not row.is_suspicious)


@pytest.mark.parametrize("situation", TABLE)
def test_a_deleted_skill_keeps_its_state_and_is_nowhere(skill, situation):
    row = TABLE[situation]
    skill.soft_deleted_at = timezone.now()

    store(skill, row)

    assert not skill.is_public
    assert not skill.is_installable
    assert not in_list(skill)
    assert skill.status_word == row.word
    assert skill.is_suspicious is row.is_suspicious


def test_a_skill_whose_every_version_is_withdrawn_is_nowhere(skill):
    skill.versions.update(withdrawn_at=timezone.now())
    skill.refresh_from_db()

    assert skill.tags == {}
    assert not skill.is_public
    assert not in_list(skill)


@pytest.mark.parametrize(
    "reason",
    [
        "manual.suspicious",
        "scanner.static.suspicious.x",
        "xscanner.vt.suspicious",
        "scanner.suspicious",
    ],
)
def test_only_the_result_of_a_scanner_makes_suspicious(skill, reason):
    store(skill, Row("active", [], reason, False, "", None, True))

    assert not skill.is_suspicious


def test_every_word_has_its_sentence(skill):
    sentences = {verdict.explain(store(skill, row)) for row in TABLE.values()}

    assert len(sentences) == len(verdict.Word)
