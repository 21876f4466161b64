"""`clawhub scan`: asking for a scan, waiting for it, and the report."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.services import create_token
from moderation.models import Scan
from tests.factories.scans import SUSPICIOUS, scan_all

pytestmark = pytest.mark.client


@pytest.fixture
def version(publish):
    made = publish("notes", SUSPICIOUS).version
    scan_all()
    # Long enough ago that its owner may ask again.
    Scan.objects.update(requested_at=timezone.now() - timedelta(minutes=11))
    return made


@pytest.fixture
def worker():
    """Scans what waits, beside the client."""
    over = Event()

    def work() -> None:
        while not over.wait(0.3):
            if Scan.objects.unfinished().exists():
                scan_all()
        connection.close()

    thread = Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def sign_in(clawhub, person) -> None:
    _token, text = create_token(user=person, label="laptop")
    clawhub.hold(text)


def test_an_owner_has_a_version_scanned_and_keeps_the_report(clawhub, version, alice, worker):
    sign_in(clawhub, alice)

    ran = clawhub.run("scan", "--slug", "notes", "-o", "report.zip")

    assert ran.code == 0, ran.text
    assert "Verdict: SUSPICIOUS" in ran.text
    assert "critical" in ran.text or "warn" in ran.text
    assert "in SKILL.md" in ran.text
    assert "manifest.json" in zipfile.ZipFile(clawhub.workdir / "report.zip").namelist()

    again = clawhub.run("scan", "--slug", "notes")
    assert (again.code, "ask again after" in again.text) == (1, True), again.text


def test_the_last_report_is_fetched_without_a_new_scan(clawhub, version, alice):
    sign_in(clawhub, alice)

    ran = clawhub.run("scan", "download", "notes", "--version", "1.0.0")

    assert ran.code == 0, ran.text
    assert list(clawhub.workdir.glob("*.zip"))
    assert Scan.objects.count() == 1


def test_a_stranger_is_told_why_not(clawhub, version, charlie):
    sign_in(clawhub, charlie)

    ran = clawhub.run("scan", "--slug", "notes")

    assert (ran.code, "Only its owner and moderators" in ran.text) == (1, True), ran.text
