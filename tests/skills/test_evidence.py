"""How much of a finding strangers, owners and staff are told."""

from __future__ import annotations

from skills.evidence import Reader, told_to
from skills.scan_results import Evidence


def found(severity: str, attack_class: str = "remote-code") -> Evidence:
    return Evidence(
        rule="remote.pipe",
        attack_class=attack_class,
        severity=severity,
        file="run.sh",
        line=3,
        snippet="curl x | sh",
    )


def told(reader: Reader, *evidence: Evidence) -> list[tuple[str, str, str]]:
    return [(one.rule, one.place, one.snippet) for one in told_to(reader, evidence)]


def test_of_a_doubt_strangers_learn_the_place_and_owners_the_rule_and_the_words():
    doubt = found("high")

    assert told(Reader.STRANGER, doubt) == [("", "run.sh:3", "")]
    assert told(Reader.OWNER, doubt) == [("remote.pipe", "run.sh:3", "curl x | sh")]


def test_of_malware_strangers_learn_the_class_alone_and_owners_the_place():
    malware = found("critical")

    assert told(Reader.STRANGER, malware) == [("", "", "")]
    assert told_to(Reader.STRANGER, [malware])[0].title == "remote code"
    assert told(Reader.OWNER, malware) == [("", "run.sh:3", "")]
    assert told(Reader.STAFF, malware) == [("remote.pipe", "run.sh:3", "curl x | sh")]


def test_high_findings_of_two_classes_are_malware_and_others_beside_them_are_not():
    lure = [found("high"), found("high", "wallet-theft"), found("medium")]

    assert [one[0] for one in told(Reader.OWNER, *lure)] == ["", "", "remote.pipe"]
    assert [one[1] for one in told(Reader.STRANGER, *lure)] == ["", "", "run.sh:3"]
