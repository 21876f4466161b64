"""The client of VirusTotal against a server that speaks its API, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from moderation import virustotal as vt_client
from moderation.scanners.findings import verdict_of
from moderation.virustotal import (
    UNKNOWN,
    KeyRefused,
    QuotaReached,
    Report,
    Unavailable,
    VirusTotal,
    finding_of,
)
from tests.moderation import virustotal_server as says

SHA = "ab" * 32


def look_up(sha256: str = SHA) -> Report:
    with VirusTotal() as client:
        return client.look_up(sha256)


# --- Answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        (says.harmless, Report(0, 0, 72)),
        (says.malware, Report(12, 0, 70)),
        (says.doubted, Report(2, 1, 72)),
        (says.unknown, UNKNOWN),
        (says.queued, UNKNOWN),
        (says.found(malicious=0, undetected=0, failure=70), UNKNOWN),
    ],
    ids=["harmless", "malware", "doubted", "unknown", "queued", "all failed"],
)
def test_an_answer_is_read(virustotal, answer, report):
    virustotal.says(SHA, answer)

    assert look_up() == report


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says.minute_is_over, QuotaReached),
        (says.too_many, QuotaReached),
        (says.raw(429, b"<html>slow down</html>"), QuotaReached),
        (says.wrong_key, KeyRefused),
        (says.forbidden, KeyRefused),
        (says.broken, Unavailable),
        (says.busy, Unavailable),
        (says.hangs_up, Unavailable),
        # Only VirusTotal's own word makes a file unknown.
        (says.raw(404, b"no such page"), Unavailable),
        (says.raw(404, b'{"error": {"code": "SomethingElse"}}'), Unavailable),
    ],
)
def test_what_is_no_answer_says_what_it_is(virustotal, answer, error):
    virustotal.says(SHA, answer)

    with pytest.raises(error):
        look_up()


def _stats(**stats) -> bytes:
    about = {"type": "file", "id": SHA, "attributes": {"last_analysis_stats": stats}}
    return json.dumps({"data": about}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"not json",
        b"\xff\xfe\x00",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": {"id": "%s"}}' % SHA.encode(),
        b'{"data": {"id": "%s", "attributes": null}}' % SHA.encode(),
        b'{"data": {"id": "%s", "attributes": {"last_analysis_stats": [1]}}}' % SHA.encode(),
        b"[" * 100_000,
        _stats(malicious=-1),
        _stats(malicious=True),
        _stats(malicious="12"),
        _stats(malicious=1.5),
        _stats(malicious=10**9),
        _stats(malicious=10**30),
        _stats(undetected=None),
    ],
)
def test_garbage_is_no_answer(virustotal, body):
    virustotal.says(SHA, says.raw(200, body))

    with pytest.raises(Unavailable):
        look_up()


def test_an_answer_about_another_file_is_none(virustotal):
    other = json.loads(_stats(undetected=70))
    other["data"]["id"] = "cd" * 32
    virustotal.says(SHA, says.raw(200, json.dumps(other).encode()))

    with pytest.raises(Unavailable, match="another file"):
        look_up()


def test_a_body_without_end_is_not_read_to_its_end(virustotal):
    virustotal.says(SHA, says.huge)

    with pytest.raises(Unavailable, match="longer"):
        look_up()


def test_a_slow_server_is_waited_for_only_so_long(virustotal, monkeypatch):
    monkeypatch.setattr(vt_client, "TIMEOUT_SECONDS", 0.3)
    virustotal.says(SHA, virustotal.slow)
    began = time.monotonic()

    with pytest.raises(Unavailable):
        look_up()

    assert time.monotonic() - began < 3


def test_nobody_there_is_no_answer(virustotal, settings):
    settings.VT_HOST = "http://127.0.0.1:9"

    with pytest.raises(Unavailable):
        look_up()


# --- What leaves the server -----------------------------------------------------------------------


def test_a_hash_and_the_key_are_all_that_is_sent(virustotal):
    look_up()

    ((method, path, headers, body),) = virustotal.requests
    assert (method, path, body) == ("GET", f"/api/v3/files/{SHA}", b"")
    assert headers.keys() <= {"Host", "X-Apikey", "Accept", "Accept-Encoding", "User-Agent"}
    assert headers["User-Agent"].startswith("Skillboard ")


def test_the_key_stands_in_no_error(virustotal):
    for answer in (says.wrong_key, says.broken, says.minute_is_over, says.raw(200, b"x")):
        virustotal.says(SHA, answer)
        with pytest.raises((KeyRefused, Unavailable, QuotaReached)) as refused:
            look_up()
        assert says.KEY not in str(refused.value)


def test_one_connection_answers_several_questions_and_is_closed(virustotal):
    with VirusTotal() as client:
        for n in range(3):
            assert client.look_up(f"{n:064x}") == UNKNOWN
            # Between two questions the database may be read: no loop is running.
            assert asyncio._get_running_loop() is None
        session = client._client._get_session()

    assert session.closed
    assert len(virustotal.asked) == 3


def test_it_is_closed_when_the_block_fails(virustotal):
    with pytest.raises(RuntimeError, match="the block"), VirusTotal() as client:
        client.look_up(SHA)
        session = client._client._get_session()
        raise RuntimeError("the block")

    assert session.closed


# --- Verdict --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("malicious", "suspicious", "rule", "verdict"),
    [
        (0, 0, None, "clean"),
        (1, 0, "vt.suspicious", "clean"),
        (0, 1, "vt.suspicious", "clean"),
        (1, 1, "vt.suspicious", "suspicious"),
        (0, 2, "vt.suspicious", "suspicious"),
        (0, 40, "vt.suspicious", "suspicious"),
        (4, 0, "vt.suspicious", "suspicious"),
        (5, 0, "vt.malicious", "malicious"),
        (70, 0, "vt.malicious", "malicious"),
    ],
)
def test_the_number_of_engines_decides(malicious, suspicious, rule, verdict):
    found = finding_of("bin/tool", Report(malicious, suspicious, 70))

    assert (found and found.rule) == rule
    assert verdict_of([found] if found else []) == verdict


def test_a_finding_names_the_file_and_how_many():
    found = finding_of("bin/tool", Report(12, 1, 70))

    assert found.to_json() == {
        "rule": "vt.malicious",
        "class": "known-malware",
        "severity": "critical",
        "confidence": "high",
        "file": "bin/tool",
        "line": 0,
        "snippet": "13 of 70 engines",
    }
