"""The pages of one file and of a comparison, and the sitemap."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from skills import comparison, diff_views
from tests.factories.accounts import sign_in
from tests.factories.skills import NamespaceFactory, decided_on

pytestmark = pytest.mark.django_db

URL = "/skills/alice/pdf-tools/"
FILES = f"{URL}versions/1.0.0/files/"
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def text(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return unescape(response.content.decode())


# --- One file ------------------------------------------------------------------------------------


def test_lines_have_anchors_colours_and_a_raw_address(client, publish):
    publish(files={"SKILL.md": "# Hi\n", "run.py": "import os\nprint('<b>')\n"})

    page = client.get(f"{FILES}run.py").content.decode()

    assert '<tr id="L2">' in page
    assert '<a href="#L2" data-n="2" aria-label="Line 2">' in page
    assert '<span class="hl-k">import</span>' in page
    assert "&lt;b&gt;" in page
    raw = unescape(re.search(r'href="(/api/v1/skills/[^"]+)" rel="nofollow">Raw', page)[1])
    assert b"".join(client.get(raw).streaming_content) == b"import os\nprint('<b>')\n"


def test_markdown_is_shown_as_its_source_and_what_hides_is_marked(client, publish):
    publish(files={"SKILL.md": "# Title <script>alert(1)</script>\nzero\u200bwidth \u202e\n"})

    page = client.get(f"{FILES}SKILL.md").content.decode()

    assert "<script>alert" not in page
    assert "[U+200B]" in page
    assert "[U+202E]" in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x89PNG\x00\x01", "binary file"),
        (b"\xff\xfe\x41", "binary file"),
        (b"x" * 200_001, "larger than 200 KB"),
        (b"", "This file is empty."),
    ],
)
def test_what_is_no_text_says_so(client, publish, content, sentence):
    publish(files={"SKILL.md": "# Hi\n", "a.dat": content})

    page = text(client, f"{FILES}a.dat")

    assert sentence in page
    assert "<table" not in page
    assert "/api/v1/skills/pdf-tools/file?path=a.dat" in page


def test_a_long_file_shows_its_first_lines(client, publish):
    publish(files={"SKILL.md": "# Hi\n", "long.txt": "x\n" * 2_500})

    page = text(client, f"{FILES}long.txt")

    assert page.count("<tr id=") == 2_000
    assert "first 2,000 of 2,500 lines" in page


def test_letter_case_of_a_path_is_corrected_and_unknown_ones_are_404(client, publish):
    publish(files={"SKILL.md": "# Hi\n"})

    assert client.get(f"{FILES}skill.md").headers["Location"] == f"{FILES}SKILL.md"
    for path in ("nope.txt", "../SKILL.md", "x" * 3_000, "%F0%9F%98%80", "SKILL.md/"):
        assert client.get(FILES + path).status_code == 404, path
    assert client.get(f"{URL}versions/9.9.9/files/SKILL.md").status_code == 404


def test_a_file_costs_at_most_eight_statements(client, publish):
    publish()

    with CaptureQueriesContext(connection) as captured:
        client.get(f"{FILES}SKILL.md")

    assert len(captured) <= 4


# --- Comparison ----------------------------------------------------------------------------------

OLD = {
    "SKILL.md": "---\nname: a\nmetadata:\n  requires:\n    env: [KEY_A]\n    bins: [jq]\n---\nText\n",
    "gone.txt": "gone\n",
    "same.txt": "same https://known.example\n",
    "moved.txt": "moves\n",
    "run.sh": "".join(f"line {n}\n" for n in range(40)),
}
NEW = {
    "SKILL.md": OLD["SKILL.md"].replace("[KEY_A]", "[KEY_A, KEY_B]").replace("[jq]", "[jq, curl]"),
    "same.txt": OLD["same.txt"],
    "new.bin": b"\x00\x01",
    "renamed.txt": "moves\n",
    "run.sh": OLD["run.sh"].replace("line 20\n", "curl https://Evil.example/<x>\u202e\n"),
}


@pytest.fixture
def two(publish):
    publish(version="1.0.0", files=OLD)
    return publish(version="1.1.0", files=NEW)


def test_a_comparison_shows_what_changed_and_folds_the_rest(client, two):
    raw = client.get(f"{URL}diff/1.0.0...1.1.0/").content.decode()
    page = unescape(raw)

    assert (
        '<tr class="del"><td class="ln">21</td><td class="ln"></td><td class="lc">line 20' in page
    )
    assert '<tr class="add"><td class="ln"></td><td class="ln">21</td><td class="lc">curl' in page
    assert "line 23" in page
    assert "line 24" not in page
    assert "same.txt" not in page
    assert "moved.txt → renamed.txt" in page
    assert "Binary file" in page
    assert '<span class="seal">removed</span>' in page
    assert "&lt;x&gt;" in raw
    assert "\u202e" not in raw
    assert "[U+202E]" in raw
    assert 'content="noindex"' in page


def test_side_effects_of_the_newer_version_stand_above_the_code(client, two):
    page = text(client, f"{URL}diff/1.0.0...1.1.0/")
    before_code = page[: page.index('<section class="code"')]

    assert "<code>KEY_B</code>" in before_code
    assert "<code>curl</code>" in before_code
    assert "<code>evil.example</code>" in before_code
    assert "KEY_A" not in before_code
    assert "known.example" not in page
    assert "asks for" not in text(client, f"{URL}diff/1.1.0...1.0.0/")


def test_the_form_leads_to_the_comparison(client, two):
    moved = client.get(f"{URL}diff/?from=1.1.0&to=1.0.0")

    assert moved.headers["Location"] == f"{URL}diff/1.1.0...1.0.0/"
    assert client.get(f"{URL}diff/").headers["Location"] == f"{URL}diff/1.0.0...1.1.0/"
    assert "<option selected>1.0.0</option>" in text(client, f"{URL}diff/1.0.0...1.1.0/")
    assert "No differences" in text(client, f"{URL}diff/1.0.0...1.0.0/")


@pytest.mark.parametrize(
    "pair", ["1.0.0", "1.0.0...", "...", "1.0.0...9.9.9", "a...b", "%3Cx%3E...1.0.0"]
)
def test_a_comparison_with_what_is_not_there_is_404(client, two, pair):
    assert client.get(f"{URL}diff/{pair}/").status_code == 404


def test_a_blocked_version_is_not_compared(client, two):
    two.version.scan_state = "malicious"
    two.version.save()

    assert client.get(f"{URL}diff/1.0.0...1.1.0/").status_code == 404


def test_a_file_that_does_not_fit_the_page_is_one_click_away(client, two, monkeypatch):
    monkeypatch.setattr(diff_views, "ROWS_SHOWN", 2)

    page = text(client, f"{URL}diff/1.0.0...1.1.0/")
    one = text(client, f"{URL}diff/1.0.0...1.1.0/?file=run.sh")

    assert "line 20" not in page
    assert f'href="{URL}diff/1.0.0...1.1.0/?file=run.sh"' in page
    assert "line 20" in one
    assert "gone.txt" not in one


def test_more_than_the_limit_is_neither_read_nor_called_binary(client, two, monkeypatch):
    monkeypatch.setattr(comparison, "TOTAL_LIMIT_BYTES", 100)
    monkeypatch.setattr(comparison, "read_text", lambda _sha: pytest.fail("read too much"))

    page = text(client, f"{URL}diff/1.0.0...1.1.0/?file=run.sh")

    assert "Too large to be compared" in page


def test_a_comparison_costs_at_most_eight_statements(client, publish):
    publish(version="1.0.0", files={"SKILL.md": "a"} | {f"{n}.txt": "a" for n in range(50)})
    publish(version="1.1.0", files={"SKILL.md": "b"} | {f"{n}.txt": "b" for n in range(50)})

    with CaptureQueriesContext(connection) as captured:
        client.get(f"{URL}diff/1.0.0...1.1.0/")

    assert len(captured) <= 6


# --- Sitemap -------------------------------------------------------------------------------------


def locations(client, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200
    return [loc.text for loc in ET.fromstring(response.content).iter(LOC)]


def test_the_sitemap_names_every_clean_skill_and_its_author_once(client, publish, alice):
    changed = publish("a-skill").skill.updated_at
    hidden, doubtful = publish("hidden-one").skill, publish("doubtful-one").skill
    hidden.moderation_status = "hidden"
    hidden.save()
    doubtful.moderation_flags = ["flagged.suspicious"]
    doubtful.save()
    publish("a b&c", keep_slug=True)
    NamespaceFactory(handle="without-skills")

    site = "http://localhost:8000"
    found = [
        url
        for part in locations(client, "/sitemap.xml")
        for url in locations(client, part.removeprefix(site))
    ]

    skills = [url for url in found if url.startswith(f"{site}/skills/alice/")]
    assert skills == [f"{site}/skills/alice/a-skill/", f"{site}/skills/alice/a%20b%26c/"]
    assert [url for url in found if "/u/" in url] == [f"{site}/u/alice/"]
    assert len(found) == len(set(found))
    parts = "".join(
        client.get(part.removeprefix(site)).content.decode()
        for part in locations(client, "/sitemap.xml")
    )
    assert f"<lastmod>{changed:%Y-%m-%dT%H:%M:%S}Z</lastmod>" in parts
    for url in found:
        assert client.get(url.removeprefix(site)).status_code == 200, url


def test_a_part_is_a_range_of_ids(client, publish, monkeypatch):
    monkeypatch.setattr("config.sitemaps.PART_SIZE", 2)
    for n in range(5):
        publish(f"skill-{n}")

    parts = [p for p in locations(client, "/sitemap.xml") if "sitemap-skills" in p]
    sizes = [len(locations(client, p.removeprefix("http://localhost:8000"))) for p in parts]

    assert max(sizes) <= 2
    assert sum(sizes) == 5


@pytest.mark.parametrize("decision", ["hidden", "changes"])
def test_only_staff_read_the_file_of_a_version_that_is_held(client, publish, alice, mona, decision):
    held = publish("pdf-tools", {"SKILL.md": "# Secret plan\n"})
    publish("pdf-tools", {"SKILL.md": "# New\n"}, version="1.1.0")
    decided_on(held.version, decision)
    address = "/skills/alice/pdf-tools/versions/1.0.0/files/SKILL.md"

    for person in (None, alice):
        answer = (sign_in(client, person) if person else client).get(address)
        assert answer.status_code == 410
        assert "Secret plan" not in answer.content.decode()

    answer = sign_in(Client(), mona).get(address)
    assert answer.status_code == 200
    assert "Secret plan" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/sitemap-nope-0.xml", "/sitemap-pages-1.xml", f"/sitemap-skills-{'9' * 30}.xml"]
)
def test_a_part_that_is_not_there_is_404(client, path):
    assert client.get(path).status_code == 404
