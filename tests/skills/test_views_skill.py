"""The skill page, its tabs, one version, the list of versions, and who may see them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Namespace
from skills import kept
from skills.models import Skill, SkillAlias, SkillVersion
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db

URL = "/skills/alice/pdf-tools/"
NEEDY = """---
name: pdf-tools
description: Fills forms.
metadata:
  requires:
    env: [PDF_API_KEY]
    bins: [qpdf]
  homepage: https://pdf.example/start
---
# Usage

See [the script](scripts/run.sh#L2).
"""


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()
    kept.frames.clear()
    kept.pages.clear()


def text(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return unescape(response.content.decode())


def hold(skill, status: str, reason: str, flags: tuple[str, ...] = ()) -> None:
    skill.moderation_status, skill.moderation_reason = status, reason
    skill.moderation_flags = list(flags)
    skill.save()


# --- The page ------------------------------------------------------------------------------------


def test_the_page_says_what_it_is_how_it_stands_and_what_it_needs(client, publish):
    publish(
        files={"SKILL.md": NEEDY, "scripts/run.sh": "a\nb\n"},
        summary="Fills forms.",
        categories=["documents"],
        topics=["pdf"],
    )

    page = text(client, URL)

    assert "<h1" in page
    assert '<span class="badge big" data-status="Not scanned">' in page
    assert "No scan has finished for this version yet." in page
    assert "install @alice/pdf-tools" in page
    assert "<code>PDF_API_KEY</code>" in page
    assert "<code>qpdf</code>" in page
    assert 'href="/skills/?category=documents"' in page
    assert 'href="/skills/?topic=pdf"' in page
    assert 'href="https://pdf.example/start" rel="nofollow ugc noopener"' in page
    assert 'href="/skills/alice/pdf-tools/versions/1.0.0/files/scripts/run.sh#L2"' in page
    assert '/api/v1/download?slug=pdf-tools&version=1.0.0&ownerHandle=alice"' in page
    assert "description: Fills forms" not in page
    assert f'<link rel="canonical" href="http://localhost:8000{URL}">' in page
    assert '<meta property="og:title" content="Pdf Tools">' in page
    assert "noindex" not in page


TABS = ["", "?tab=files", "?tab=versions", "?tab=security", "?tab=comments", "?tab=nope"]


@pytest.mark.parametrize("query", TABS)
def test_every_tab_costs_at_most_eight_statements_however_much_there_is(
    client, publish, alice, mona, query
):
    files = {"SKILL.md": NEEDY} | {f"data/{n:03}.txt": "x" for n in range(60)}
    for n in range(12):
        publish(version=f"1.0.{n}", files=files | {"n.txt": str(n)})
        publish(f"other-{n}")

    with CaptureQueriesContext(connection) as captured:
        anonymous = client.get(URL + query)
    assert anonymous.status_code == 200
    assert len(captured) <= 5
    assert not anonymous.cookies
    assert b"csrf" not in anonymous.content
    for person in (alice, mona):
        sign_in(client, person)
        with CaptureQueriesContext(connection) as captured:
            client.get(URL + query)
        assert len(captured) <= 8


def test_what_is_hidden_shows_itself_to_members_of_the_owner_only(client, publish, charlie):
    publish()
    skill = Skill.objects.get()
    hold(skill, "hidden", "manual.hidden")
    others = Namespace.objects.create(handle="others", kind="org")
    Membership.objects.create(namespace=others, user=charlie)

    assert client.get(URL).status_code == 404
    assert sign_in(client, charlie).get(URL).status_code == 404
    Membership.objects.create(namespace=skill.namespace, user=charlie)
    assert client.get(URL).status_code == 200


def test_lists_of_a_skill_load_no_texts(client, publish):
    publish()

    for url in (f"{URL}versions/", f"{URL}?tab=files"):
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        assert not [q for q in captured if '"readme"' in q["sql"]]


def test_an_unknown_tab_shows_the_readme_and_says_so(client, publish):
    publish()

    page = text(client, f"{URL}?tab=%3Cscript%3E")

    assert "There is no such tab" in page
    assert "Use it." in page


def test_the_files_tab_leads_to_every_file(client, publish):
    publish(files={"SKILL.md": "# Hi\n", "a b/#1?.txt": "x\n"})

    page = text(client, f"{URL}?tab=files")
    links = re.findall(r'href="(/skills/[^"]+/files/[^"]+)"', page)

    assert len(links) == 2
    for link in links:
        assert client.get(link).status_code == 200


def test_a_long_readme_is_cut_at_a_line_and_shown_whole_on_request(client, publish):
    publish(files={"SKILL.md": "# Long\n" + "A line of words.\n\n" * 2_000 + "The very end.\n"})

    first = text(client, URL)
    whole = text(client, f"{URL}?tab=readme&full=1")

    assert "The very end." not in first
    assert f'href="{URL}?tab=readme&full=1"' in first
    assert len(first) < 50 * 1024
    assert "The very end." in whole
    assert "Show the whole readme" not in whole


@pytest.mark.parametrize(
    ("readme", "warning"),
    [
        ("# No header\n", "has no front matter"),
        ("---\nname: a: b: <b>\n---\n# Text\n", "is not valid YAML"),
    ],
)
def test_a_header_that_does_not_parse_is_said_and_shown(client, publish, readme, warning):
    publish(files={"SKILL.md": readme})

    assert warning in text(client, URL)
    assert warning in text(client, f"{URL}?tab=security")
    if "a: b" in readme:
        assert b"name: a: b: &lt;b&gt;" in client.get(URL).content


def test_hostile_texts_are_text(client, publish):
    hostile = '<script>alert(1)</script>"\u202e'
    publish(
        files={
            "SKILL.md": f"---\nname: x\nlicense: '{hostile}'\n"
            f"metadata:\n  requires:\n    env: ['{hostile}']\n---\n"
            f"# {hostile}\n[x](javascript:alert(1)) ![p](https://x.example/p.png)\n",
            "<img src=x onerror=alert(1)>.txt": "x",
        },
        display_name="<script>alert(1)</script>",
        summary=hostile,
        changelog=hostile,
    )

    for query in ("", "?tab=files", "?tab=versions", "?tab=security"):
        page = client.get(URL + query).content.decode()
        assert "<script>alert" not in page, query
        assert "<img" not in page, query
        assert "\u202e" not in page, query
        assert 'href="javascript' not in page, query


def test_what_wants_a_second_look_hides_the_command_behind_its_reason(client, publish):
    skill = publish().skill
    hold(skill, "active", "manual.caution", ("flagged.suspicious",))

    page = text(client, URL)

    assert 'data-status="Caution"' in page
    assert "A moderator reviewed it and advises caution." in page
    assert re.search(
        r"<details class=\"anyway\">.*install @alice/pdf-tools --force", page, re.DOTALL
    )


def test_what_is_under_review_is_not_for_search_engines(client, publish):
    hold(publish().skill, "active", "scanner.static.suspicious", ("flagged.suspicious",))

    assert 'content="noindex"' in text(client, URL)


def test_a_name_that_could_act_in_a_shell_has_no_command(client, publish):
    publish("a; rm -rf $HOME", keep_slug=True)

    page = text(client, "/skills/alice/a%3B%20rm%20-rf%20%24HOME/")

    assert "npx" not in page
    assert "Download 1.0.0 as ZIP" in page


# --- Who may see it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?tab=files",
        "versions/",
        "versions/1.0.0/",
        "versions/1.0.0/files/SKILL.md",
        "diff/",
        "diff/1.0.0...1.0.1/",
        "security/",
    ],
)
def test_a_hidden_skill_is_404_to_strangers_on_every_page(client, publish, charlie, path):
    publish()
    skill = publish(version="1.0.1", files={"SKILL.md": "# New\n"}).skill
    assert client.get(URL + path, follow=True).status_code == 200
    hold(skill, "hidden", "manual.hidden")

    assert client.get(URL + path).status_code == 404
    assert sign_in(client, charlie).get(URL + path).status_code == 404


def test_its_owner_and_staff_see_a_hidden_skill_and_why(publish, alice, mona):
    hold(publish().skill, "hidden", "manual.hidden")

    for person in (alice, mona):
        own = sign_in(Client(), person)
        page = text(own, URL)
        assert "hidden while moderators review it" in page
        assert "manual.hidden" in page
        assert "npx" not in page
        assert 'content="noindex"' in page
        assert own.get(URL).headers["Cache-Control"] == "private, no-cache"
        assert own.get(f"{URL}versions/1.0.0/files/SKILL.md").status_code == 200


@pytest.mark.parametrize("path", ["", "versions/", "versions/1.0.0/files/SKILL.md", "diff/"])
def test_a_removed_skill_stays_as_a_page_without_files(client, publish, alice, path):
    hold(publish(files={"SKILL.md": "# Secret text\n"}).skill, "removed", "manual.removed")

    page = text(client, URL + path, status=410)

    assert 'data-status="Removed"' in page
    assert "It was removed by a moderator." in page
    assert "Secret text" not in page
    assert "npx" not in page
    assert "manual.removed" not in page
    assert "manual.removed" in text(sign_in(client, alice), URL + path, status=410)


def test_what_its_owner_deleted_is_404_to_strangers(client, publish, alice):
    skill = publish().skill
    skill.soft_deleted_at = timezone.now()
    skill.save()

    assert client.get(URL).status_code == 404
    assert "was deleted by its owner" in text(sign_in(client, alice), URL)


def test_a_skill_whose_versions_are_all_withdrawn(client, publish, alice):
    version = publish().version
    version.withdrawn_at = timezone.now()
    version.save()

    assert client.get(URL).status_code == 404
    own = sign_in(client, alice)
    for path in ("", "?tab=files", "?tab=security", "versions/", "versions/1.0.0/"):
        assert own.get(URL + path).status_code == 200, path


def test_an_old_name_leads_to_the_new_one_with_the_rest_of_the_address(client, publish, alice):
    skill = publish().skill
    SkillAlias.objects.create(namespace=alice.namespace, slug="old-name", skill=skill)

    moved = client.get("/skills/alice/old-name/versions/1.0.0/files/SKILL.md?x=1")

    assert moved.status_code == 301
    assert moved.headers["Location"] == f"{URL}versions/1.0.0/files/SKILL.md?x=1"
    assert client.get("/skills/Alice/PDF-Tools/").headers["Location"] == URL


def test_an_old_name_of_a_hidden_skill_tells_nothing(client, publish, alice):
    skill = publish().skill
    SkillAlias.objects.create(namespace=alice.namespace, slug="old-name", skill=skill)
    hold(skill, "hidden", "manual.hidden")

    assert client.get("/skills/alice/old-name/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/skills/alice/nope/",
        "/skills/nobody/pdf-tools/",
        f"{URL}versions/9.9.9/",
        f"{URL}versions/{'9' * 300}/",
        f"/skills/alice/{'x' * 500}/",
        "/skills/alice/%F0%9F%98%80/",
        "/skills/alice/%ED%A0%80/",
    ],
)
def test_what_does_not_exist_is_404(client, publish, path):
    publish()

    assert client.get(path).status_code == 404


def test_a_nul_in_an_address_is_refused(client):
    assert client.get("/skills/alice/a%00b/").status_code == 400
    assert client.get(f"{URL}?tab=%00").status_code == 400


# --- Versions ------------------------------------------------------------------------------------


def test_an_older_version_has_its_own_page(client, publish):
    publish(version="1.0.0", files={"SKILL.md": "# The old text\n"})
    publish(version="2.0.0", files={"SKILL.md": "# The new text\n"})

    old, new = text(client, f"{URL}versions/1.0.0/"), text(client, f"{URL}versions/2.0.0/")

    assert "The old text" in old
    assert "See the latest version" in old
    assert f'href="http://localhost:8000{URL}versions/1.0.0/"' in old
    assert f'href="{URL}versions/1.0.0/?tab=files"' in old
    assert "The new text" in new
    assert f'<link rel="canonical" href="http://localhost:8000{URL}">' in new


def test_a_blocked_version_shows_no_files(client, publish):
    publish(version="1.0.0", files={"SKILL.md": "# Bad text\n"})
    publish(version="2.0.0")
    blocked = SkillVersion.objects.get(version="1.0.0")
    blocked.scan_state = "malicious"
    blocked.save()

    page = text(client, f"{URL}versions/1.0.0/")

    assert "a scan found malware" in page
    assert "Bad text" not in page
    assert "/api/v1/download" not in page
    assert client.get(f"{URL}versions/1.0.0/files/SKILL.md").status_code == 410


def test_versions_are_listed_once_by_cursor_with_the_way_to_compare(client, publish):
    for n in range(30):
        publish(version=f"1.0.{n}", files={"SKILL.md": f"# {n}\n"}, changelog=f"Change {n}")

    first = text(client, f"{URL}versions/")
    rest = text(client, re.search(r'rel="next" href="([^"]+)"', first)[1])
    seen = re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', first + rest)

    assert seen == [f"1.0.{n}" for n in reversed(range(30))]
    assert f'href="{URL}diff/1.0.4...1.0.5/"' in first
    assert "Change 29" in first
    assert f'<a href="{URL}versions/">Back to the start</a>' in rest
    assert 'rel="next"' not in rest


def test_a_bad_cursor_shows_the_newest_versions_with_a_notice(client, publish):
    publish()

    page = text(client, f"{URL}versions/?until=nonsense")

    assert "is not one of ours" in page
    assert ">1.0.0</a>" in page


def test_security_has_an_address_of_its_own(client, publish):
    publish()

    assert client.get(f"{URL}security/").headers["Location"] == f"{URL}?tab=security"
    assert "No scanner has finished" in text(client, f"{URL}?tab=security")


# --- Revalidation --------------------------------------------------------------------------------

PAGES = [
    URL,
    f"{URL}?tab=files",
    f"{URL}?tab=security",
    f"{URL}versions/",
    f"{URL}versions/1.0.0/",
    f"{URL}versions/1.0.0/files/SKILL.md",
    f"{URL}diff/1.0.0...1.1.0/",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_somebody_has_is_not_sent_again_until_it_changes(client, publish, path):
    publish(files={"SKILL.md": "# One\n"})
    publish(files={"SKILL.md": "# Two\n"}, version="1.1.0")
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    publish("other-tools")
    publish(files={"SKILL.md": "# Three\n"}, version="1.2.0", display_name="Other name")
    later = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["Cache-Control"] == "public, max-age=60"
    assert "Cookie" in again.headers["Vary"]
    assert (later.status_code, b"Other name" in later.content) == (200, True)


def test_what_is_hidden_is_gone_for_who_has_the_page(client, publish):
    skill = publish().skill
    held = {"If-None-Match": client.get(URL).headers["ETag"]}

    hold(skill, "hidden", "manual.hidden")
    assert client.get(URL, headers=held).status_code == 404
    hold(skill, "removed", "manual.removed")
    assert client.get(URL, headers=held).status_code == 410


def test_a_page_of_somebody_signed_in_has_no_tag(client, alice, publish):
    publish()
    sign_in(client, alice)

    page = client.get(URL)

    assert page.headers["Cache-Control"] == "private, no-cache"
    assert "ETag" not in page.headers


@pytest.mark.parametrize(("count", "told"), [(1, "version<"), (2, "versions<")])
def test_one_is_not_many(client, publish, count, told):
    for number in range(count):
        publish(version=f"1.{number}.0", files={"SKILL.md": f"# {number}\n"})

    assert f"</b>{told}" in text(client, URL)
