"""The scanner on its corpus: every attack is flagged for what it is, nothing else is flagged."""

from __future__ import annotations

import re
import threading

import pytest
import yara_x

from moderation.scanners import Report, ScanVerdict, Severity, scan
from moderation.scanners.catalogue import STRUCTURAL, rules
from moderation.scanners.rulebook import RULES_FOLDER, rules_by_identifier
from moderation.scanners.texts import read_text
from tests.moderation.corpus import POPULAR, attacks, benign

SOURCES = sorted(RULES_FOLDER.glob("*.yar"))


def scanned(sample) -> Report:
    return scan(sample.files, popular_names=POPULAR)


def above_low(report: Report):
    return [f for f in report.findings if f.severity.rank > Severity.LOW.rank]


def test_the_corpus_is_large_enough_to_say_something():
    assert len(attacks()) >= 40
    assert len(benign()) >= 40
    assert len({sample.kind for sample in attacks()}) >= 12


@pytest.mark.parametrize("sample", attacks(), ids=lambda sample: sample.label)
def test_an_attack_is_flagged_for_what_it_is(sample):
    report = scanned(sample)

    assert report.verdict != ScanVerdict.CLEAN
    assert sample.kind in {finding.attack_class for finding in above_low(report)}


@pytest.mark.parametrize("sample", benign(), ids=lambda sample: sample.label)
def test_a_text_that_resembles_an_attack_is_not_flagged(sample):
    report = scanned(sample)

    assert above_low(report) == []
    assert report.verdict == ScanVerdict.CLEAN


@pytest.mark.parametrize("sample", attacks(), ids=lambda sample: sample.label)
def test_a_finding_points_at_the_line_that_it_shows(sample):
    for finding in scanned(sample).findings:
        if finding.line and finding.attack_class not in {"look-alike", "encoded-payload"}:
            line = sample.files[finding.file].decode().split("\n")[finding.line - 1]
            shown = finding.snippet.removeprefix("… ").split("[U+")[0].split(" …")[0][:40]
            assert shown in " ".join(line.split()) or not line.isascii()


def test_every_rule_says_what_it_is_what_the_attack_does_and_what_to_check():
    for rule in rules().values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", rule.id)
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.attack_class)
        assert rule.title
        assert not rule.title.endswith(".")
        assert rule.attack.endswith(".")
        assert rule.check.endswith((".", "?"))


def test_no_two_rules_share_an_id():
    assert len(rules()) == len(rules_by_identifier()) + len(STRUCTURAL)


def test_every_rule_fires_on_some_text_of_the_corpus():
    found = {
        finding.rule for sample in attacks() + benign() for finding in scanned(sample).findings
    }
    # Files, not texts: see test_structure.py and test_bounds.py.
    elsewhere = {"file.", "front-matter.refused", "scan.unfinished"}

    unseen = {rule for rule in rules() if rule not in found}
    assert {rule for rule in unseen if not rule.startswith(tuple(elsewhere))} == set()


def test_every_pattern_fires_on_some_text_of_the_corpus():
    # The engine can take a pattern and never find it, so each must be seen to work.
    written = {
        (re.match(r"rule (\w+)", rule)[1], pattern)
        for source in SOURCES
        for rule in re.split(r"(?m)^(?=rule )", source.read_text())[1:]
        for pattern in re.findall(r"(?m)^\s+(\$\w+) = ", rule)
    }
    compiler = yara_x.Compiler()
    for source in SOURCES:
        compiler.add_source(source.read_text())
    scanner = yara_x.Scanner(compiler.build())

    seen = {
        (rule.identifier, pattern.identifier)
        for sample in attacks() + benign()
        for path, content in sample.files.items()
        for rule in scanner.scan(read_text(path, content).content).matching_rules
        for pattern in rule.patterns
        if pattern.matches
    }

    assert written - seen == set()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_rule_file_compiles_alone_without_a_warning(source):
    compiler = yara_x.Compiler(error_on_slow_pattern=True)
    compiler.add_source(source.read_text())
    compiler.build()

    assert compiler.warnings() == []


def test_the_same_files_give_the_same_report():
    sample = attacks()[0]

    assert scanned(sample) == scanned(sample)


def test_a_scan_works_in_any_thread():
    sample, found = attacks()[0], []
    scanned(sample)

    thread = threading.Thread(target=lambda: found.append(scanned(sample).verdict))
    thread.start()
    thread.join()

    assert found == [scanned(sample).verdict]
