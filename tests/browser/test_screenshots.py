"""The pictures of the README, made on request: `SCREENSHOTS=1 make test ARGS=tests/browser/test_screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.management.commands.demo_accounts import ACCOUNTS, PASSWORD
from accounts.models import Role
from jobs.models import ClusterBeat
from tests.browser.conftest import DESKTOP, PHONE

ADMIN = next(account.handle for account in ACCOUNTS if account.role == Role.ADMIN)
FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SHOTS = {
    "browse-light": ("/skills/?sort=downloads", "light", DESKTOP),
    "skill-dark": ("/skills/cobalt-fern/csv-doctor/", "dark", DESKTOP),
    "file-light": (
        "/skills/cobalt-fern/csv-doctor/versions/2.3.0/files/scripts/csv_doctor.py",
        "light",
        DESKTOP,
    ),
    "diff-dark": ("/skills/cobalt-fern/csv-doctor/diff/2.2.0...2.3.0/", "dark", DESKTOP),
    "board-light": ("/leaderboards/trending/", "light", DESKTOP),
    "stats-light": ("/skills/cobalt-fern/csv-doctor/?tab=stats", "light", DESKTOP),
    "board-phone": ("/leaderboards/trending/", "dark", PHONE),
    "queue-light": ("/staff/queue/?tab=all", "light", DESKTOP),
    "modlog-dark": ("/modlog/", "dark", DESKTOP),
    "jobs-dark": ("/staff/jobs/", "dark", DESKTOP),
    "browse-phone": ("/skills/?sort=downloads", "light", PHONE),
}


SHOWN_JOBS = ("fold_events", "copy_totals", "build_leaderboards", "recount_statistics")


def _sign_in(page, site) -> None:
    page.goto(f"{site}/login/")
    page.get_by_label("Name").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="made on request: SCREENSHOTS=1")
@pytest.mark.django_db(transaction=True)
def test_pictures_of_the_readme(site, page):
    call_command("demo_accounts")
    call_command("demo_skills")
    call_command("demo_desk")
    for job in SHOWN_JOBS:
        call_command("run_job", job)
    for number, queue in enumerate(("skillboard", "fold"), start=1):
        ClusterBeat.objects.create(
            name=f"{queue}-1@host",
            queue=queue,
            host="host",
            pid=4710 + number,
            started_at=timezone.now(),
            beat_at=timezone.now(),
        )
    FOLDER.mkdir(exist_ok=True)

    for name, (address, scheme, size) in SHOTS.items():
        if address.startswith("/staff/"):
            _sign_in(page, site)
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert page.goto(f"{site}{address}").status == 200
        if name.startswith("queue"):
            page.locator("a.row-link", has_text="browser-speedup").click()
            page.locator("#pane h2").first.wait_for()
        picture = FOLDER / f"{name}.png"
        page.screenshot(path=picture)
        assert picture.stat().st_size > 10_000
