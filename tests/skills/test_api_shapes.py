"""Every answer of the reading calls has the fields and types that the clients' schemas ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from skills.models import Skill
from tests.factories.skills import publish_skill
from tests.skills import contract

pytestmark = pytest.mark.django_db


def read(client: Client, path: str, shape, status: int = 200):
    """The JSON answer, checked against its shape."""
    response = client.get(f"/api/v1{path}")
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert contract.faults(response.json(), shape) == []
    return response.json()


@pytest.fixture
def shelf(publish):
    """Skills of every kind that a public list can hold."""
    when = datetime(2026, 3, 1, 12, 0, 0, 999_600, tzinfo=UTC)
    publish("pdf-tools", version="1.0.0", changelog="First.", published_at=when)
    publish(
        "pdf-tools",
        {"SKILL.md": "# Two\n", "docs/Notes.md": "n\n", "empty.txt": ""},
        version="1.1.0",
        changelog="Faster merge.",
        summary="Split and merge.",
        topics=["pdf"],
    )
    publish("gpl-tools", license="GPL-3.0")
    publish("beta-tools", version="2.0.0-rc.1", tags=["latest", "beta"])
    suspicious = publish("odd-tools").skill
    suspicious.moderation_flags = ["flagged.suspicious"]
    suspicious.moderation_reason = "scanner.static.suspicious"
    suspicious.save()
    clean = publish("neat-tools").skill
    clean.moderation_reason = "scanner.static.clean"
    clean.save()


def test_the_list_has_the_shape_the_clients_ask_for(client, shelf):
    items = read(client, "/skills", contract.LIST)["items"]

    assert {item["slug"] for item in items} == {
        "pdf-tools",
        "gpl-tools",
        "beta-tools",
        "odd-tools",
        "neat-tools",
    }
    item = next(item for item in items if item["slug"] == "pdf-tools")
    assert item["tags"] == {"latest": "1.1.0"}
    assert item["summary"] == "Split and merge."
    assert item["ownerHandle"] == "alice"
    assert item["stats"]["versions"] == 2
    assert item["latestVersion"]["version"] == "1.1.0"
    assert item["latestVersion"]["changelog"] == "Faster merge."
    assert item["latestVersion"]["license"] == "MIT-0"


def test_no_other_licence_than_mit_0_reaches_a_client(client, shelf):
    items = read(client, "/skills", contract.LIST)["items"]
    item = next(item for item in items if item["slug"] == "gpl-tools")
    detail = read(client, "/skills/gpl-tools", contract.DETAIL)
    version = read(client, "/skills/gpl-tools/versions/1.0.0", contract.VERSION)

    assert item["latestVersion"]["license"] is None
    assert detail["latestVersion"]["license"] is None
    assert version["version"]["license"] is None


def test_a_skill_whose_versions_are_all_withdrawn_leaves_the_list(client, shelf):
    skill = Skill.objects.get(slug="beta-tools")
    for version in skill.versions.all():
        version.withdrawn_at = datetime.now(UTC)
        version.save()

    items = read(client, "/skills", contract.LIST)["items"]

    assert "beta-tools" not in {item["slug"] for item in items}
    assert all(item["latestVersion"] for item in items)


@pytest.mark.parametrize(
    ("slug", "moderation"),
    [
        ("pdf-tools", None),
        ("odd-tools", {"isSuspicious": True, "isMalwareBlocked": False, "verdict": "suspicious"}),
        ("neat-tools", {"isSuspicious": False, "isMalwareBlocked": False, "verdict": "clean"}),
    ],
)
def test_the_detail_has_the_shape_and_says_what_moderation_says(client, shelf, slug, moderation):
    detail = read(client, f"/skills/{slug}", contract.DETAIL)

    assert detail["owner"] == {"handle": "alice", "displayName": None, "image": None}
    if moderation is None:
        assert detail["moderation"] is None
    else:
        assert detail["moderation"] | moderation == detail["moderation"]
        assert detail["moderation"]["summary"]


def test_the_detail_maps_tags_to_version_text(client, shelf):
    detail = read(client, "/skills/beta-tools", contract.DETAIL)

    assert detail["skill"]["tags"] == {"latest": "2.0.0-rc.1", "beta": "2.0.0-rc.1"}
    assert detail["latestVersion"]["version"] == "2.0.0-rc.1"


def test_search_has_the_shape(client, shelf):
    results = read(client, "/search?q=pdf", contract.SEARCH)["results"]

    assert [result["slug"] for result in results] == ["pdf-tools"]
    assert results[0]["version"] == "1.1.0"
    assert results[0]["ownerHandle"] == results[0]["owner"]["handle"] == "alice"


def test_versions_come_newest_first(client, shelf):
    items = read(client, "/skills/pdf-tools/versions", contract.VERSIONS)["items"]

    assert [item["version"] for item in items] == ["1.1.0", "1.0.0"]
    assert [item["changelogSource"] for item in items] == ["user", "user"]


def test_a_version_lists_its_files_with_size_hash_and_type(client, shelf):
    answer = read(client, "/skills/pdf-tools/versions/1.1.0", contract.VERSION)
    version = answer["version"]

    assert {file["path"]: file["size"] for file in version["files"]} == {
        "SKILL.md": 6,
        "docs/Notes.md": 2,
        "empty.txt": 0,
    }
    assert all(len(file["sha256"]) == 64 for file in version["files"])
    assert version["security"] == {"status": "pending", "hasWarnings": False, "checkedAt": None}


@pytest.mark.parametrize(
    ("state", "word", "warns"),
    [
        ("pending", "pending", False),
        ("running", "pending", False),
        ("clean", "clean", False),
        ("suspicious", "suspicious", True),
        ("failed", "error", False),
    ],
)
def test_a_version_says_its_scan_in_the_clients_words(client, publish, state, word, warns):
    version = publish().version
    version.scan_state, version.scanned_at = state, datetime.now(UTC)
    version.save()

    security = read(client, "/skills/pdf-tools/versions/1.0.0", contract.VERSION)["version"][
        "security"
    ]

    assert (security["status"], security["hasWarnings"]) == (word, warns)


def test_one_moment_is_one_number_in_every_answer(client, shelf):
    """A moment at .9996 s: the database rounds it up, so everybody must."""
    created = {
        read(client, "/skills/pdf-tools", contract.DETAIL)["skill"]["createdAt"],
        read(client, "/skills/pdf-tools/versions", contract.VERSIONS)["items"][1]["createdAt"],
        read(client, "/skills/pdf-tools/versions/1.0.0", contract.VERSION)["version"]["createdAt"],
    }
    latest = read(client, "/skills/gpl-tools", contract.DETAIL)["latestVersion"]["createdAt"]
    version = read(client, "/skills/gpl-tools/versions/1.0.0", contract.VERSION)["version"]

    assert created == {1772366401000}
    assert latest == version["createdAt"]


def test_install_names_version_and_download(client, publish, settings):
    settings.SITE_URL = "https://skills.example"
    publish("pdf-tools", version="1.4.0")

    answer = read(client, "/skills/pdf-tools/install", contract.INSTALL)

    assert answer["archive"] == {
        "version": "1.4.0",
        "downloadUrl": (
            "https://skills.example/api/v1/download?slug=pdf-tools&version=1.4.0&ownerHandle=alice"
        ),
    }


def test_an_ambiguous_name_lists_its_owners(client, publish, charlie, settings):
    settings.SITE_URL = "https://skills.example"
    publish("pdf-tools")
    publish_skill(namespace=charlie.namespace, slug="pdf-tools")

    for path in ("/skills/pdf-tools", "/resolve?slug=pdf-tools&hash=" + "0" * 64):
        answer = read(client, path, contract.AMBIGUOUS, status=409)
        assert answer["matches"][1] == {
            "ownerHandle": "charlie",
            "slug": "pdf-tools",
            "ref": "@charlie/pdf-tools",
            "url": "https://skills.example/skills/charlie/pdf-tools/",
        }
    answer = read(client, "/skills/pdf-tools/install", contract.AMBIGUOUS, status=409)
    assert contract.faults(answer, contract.INSTALL_REFUSED) == []


@pytest.mark.parametrize("path", ["/.well-known/clawhub.json", "/.well-known/clawdhub.json"])
def test_discovery_names_our_own_address_and_may_be_kept(client, settings, path):
    settings.SITE_URL = "https://skills.example"

    response = client.get(path)

    assert contract.faults(response.json(), contract.DISCOVERY) == []
    assert response.json()["apiBase"] == "https://skills.example"
    assert "max-age" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"items": [{"latestVersion": None}]}, {"items": [{"latestVersion?": contract.LATEST}]}),
        ("2026-03-01T12:00:00Z", contract.TIME),
        (True, contract.TIME),
        (1, {True}),
        ("GPL-3.0", ({"MIT-0"}, None)),
        ({}, {"nextCursor": (str, None)}),
    ],
)
def test_the_check_finds_what_breaks_a_client(value, shape):
    assert contract.faults(value, shape)
