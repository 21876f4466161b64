"""The pictures of the README, made on request: `SCREENSHOTS=1 make test ARGS=tests/browser/test_screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.browser.conftest import DESKTOP, PHONE

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
    "browse-phone": ("/skills/?sort=downloads", "light", PHONE),
}


@pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="made on request: SCREENSHOTS=1")
@pytest.mark.django_db(transaction=True)
def test_pictures_of_the_readme(site, page):
    call_command("demo_accounts")
    call_command("demo_skills")
    FOLDER.mkdir(exist_ok=True)

    for name, (address, scheme, size) in SHOTS.items():
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert page.goto(f"{site}{address}").status == 200
        picture = FOLDER / f"{name}.png"
        page.screenshot(path=picture)
        assert picture.stat().st_size > 10_000
