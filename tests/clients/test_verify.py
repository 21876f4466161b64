"""`skill verify`: the exit code is the decision."""

from __future__ import annotations

import json

import pytest

from tests.factories.scans import CLEAN, SUSPICIOUS, scan_all

pytestmark = pytest.mark.client


@pytest.fixture
def notes(publish):
    """A clean version, and a suspicious one behind it."""
    publish("notes", SUSPICIOUS, version="1.0.0", tags=["old"])
    publish("notes", CLEAN, version="2.0.0")
    scan_all()


def test_a_clean_version_ends_with_0_and_a_failing_one_with_1(clawhub, notes):
    passed = clawhub.run("skill", "verify", "notes")
    by_version = clawhub.run("skill", "verify", "notes", "--version", "1.0.0")
    by_tag = clawhub.run("skill", "verify", "notes", "--tag", "old")

    assert (passed.code, by_version.code, by_tag.code) == (0, 1, 1), passed.text
    assert json.loads(passed.out)["decision"] == "pass"
    for failed in (by_version, by_tag):
        said = json.loads(failed.out)
        assert (said["version"], said["reasons"]) == ("1.0.0", ["suspicious"])


def test_the_card_is_printed_with_the_exit_code_of_the_decision(clawhub, notes):
    passed = clawhub.run("skill", "verify", "notes", "--card")
    failed = clawhub.run("skill", "verify", "notes", "--version", "1.0.0", "--card")

    assert (passed.code, passed.out) == (0, CLEAN["SKILL.md"]), passed.text
    assert (failed.code, failed.out) == (1, SUSPICIOUS["SKILL.md"])


def test_a_version_that_is_blocked_has_no_card(clawhub, publish, notes):
    skill = publish("notes", CLEAN | {"b.txt": "b\n"}, version="1.5.0", tags=["odd"]).skill
    bad = skill.versions.get(version="1.5.0")
    bad.scan_state = "malicious"
    bad.save()

    assert clawhub.run("skill", "verify", "notes", "--version", "1.5.0").code == 1
    ran = clawhub.run("skill", "verify", "notes", "--version", "1.5.0", "--card")
    assert (ran.code, "Skill Card is not available" in ran.text) == (1, True)


def test_what_is_unknown_is_named_as_such(clawhub, notes):
    for args in (["nobody-has-this"], ["notes", "--version", "9.9.9"]):
        ran = clawhub.run("skill", "verify", *args)
        assert (ran.code, "not found" in ran.text) == (1, True), ran.text
