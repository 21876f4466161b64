"""Files, archives and fingerprints: the bytes that leave, and those that must not."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from skills.models import VersionFingerprint

pytestmark = pytest.mark.django_db

FILES = {
    "SKILL.md": "# Hi\n",
    "docs/Notes.md": "upper\n",
    "data.bin": b"\x00\xff\x00",
    "empty.txt": "",
    "page.html": "<script>alert(1)</script>",
}
FILE = "/api/v1/skills/pdf-tools/file"
DOWNLOAD = "/api/v1/download?slug=pdf-tools"


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def withdraw(version) -> None:
    version.withdrawn_at = datetime.now(UTC)
    version.save()


def block(version) -> None:
    version.scan_state = "malicious"
    version.save()


# --- One file -------------------------------------------------------------------------------------


def test_each_file_is_its_very_bytes_and_never_rendered(client, publish):
    publish(files=FILES)

    for path, content in FILES.items():
        wanted = content.encode() if isinstance(content, str) else content
        response = client.get(FILE, {"path": path})

        sha256 = hashlib.sha256(wanted).hexdigest()
        assert response.status_code == 200
        assert body(response) == wanted
        assert response.headers["Content-Length"] == str(len(wanted))
        assert response.headers["X-Content-SHA256"] == sha256
        assert response.headers["ETag"] == f'"{sha256}"'
        assert response.headers["Content-Disposition"].startswith("attachment; filename=")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "private" in response.headers["Cache-Control"]


def test_the_exact_path_wins_over_another_letter_case(client, publish):
    publish(files={"SKILL.md": "# Hi\n", "docs/Notes.md": "upper\n"})

    assert body(client.get(FILE, {"path": "docs/Notes.md"})) == b"upper\n"
    assert body(client.get(FILE, {"path": "DOCS/notes.MD"})) == b"upper\n"
    assert body(client.get(FILE, {"path": "skill.md"})) == b"# Hi\n"


@pytest.mark.parametrize(
    "path", ["nothing.md", "../SKILL.md", "/SKILL.md", "docs", "SKILL.md/", "%", "S" * 10_000]
)
def test_a_file_the_version_lacks_is_not_found(client, publish, path):
    publish(files=FILES)

    response = client.get(FILE, {"path": path})

    assert response.status_code == 404
    assert response.headers["X-Error-Code"] == "file_not_found"


def test_a_file_of_an_older_version_or_tag(client, publish):
    publish(files={"SKILL.md": "# 1\n"}, version="1.0.0", tags=["latest", "stable"])
    publish(files={"SKILL.md": "# 2\n"}, version="2.0.0")

    assert body(client.get(FILE, {"path": "SKILL.md"})) == b"# 2\n"
    assert body(client.get(FILE, {"path": "SKILL.md", "version": "1.0.0"})) == b"# 1\n"
    assert body(client.get(FILE, {"path": "SKILL.md", "version": "v1.0.0"})) == b"# 1\n"
    assert body(client.get(FILE, {"path": "SKILL.md", "tag": "stable"})) == b"# 1\n"
    for wrong in ({"version": "3.0.0"}, {"tag": "beta"}, {"version": "1.0.0" + "0" * 200}):
        response = client.get(FILE, {"path": "SKILL.md"} | wrong)
        assert (response.status_code, response.content) == (404, b"Version not found")


@pytest.mark.parametrize(
    "known", ['"{}"', 'W/"{}"', '"other", "{}"', "*"], ids=["same", "weak", "one of two", "any"]
)
def test_who_has_the_file_is_not_sent_it_again(client, publish, known):
    publish(files=FILES)
    for path in (f"{FILE}?path=SKILL.md", DOWNLOAD):
        etag = client.get(path).headers["ETag"]

        header = known.format(etag.strip('"'))
        response = client.get(path, headers={"If-None-Match": header})

        assert response.status_code == 304
        assert body(response) == b""
        assert response.headers["ETag"] == etag
    other = client.get(f"{FILE}?path=SKILL.md", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_a_preview_is_text_up_to_its_limit(client, publish):
    publish(
        files=FILES | {"fits.txt": "é" * 100 * 1024, "large.txt": "x" * (200 * 1024 + 1)},
    )

    text = client.get(FILE, {"path": "page.html", "preview": "1"})
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.headers["X-Content-Type-Options"] == "nosniff"
    assert text.content.decode() == FILES["page.html"]
    assert client.get(FILE, {"path": "fits.txt", "preview": "true"}).status_code == 200
    large = client.get(FILE, {"path": "large.txt", "preview": "1"})
    assert (large.status_code, large.headers["X-Error-Code"]) == (413, "preview_too_large")
    binary = client.get(FILE, {"path": "data.bin", "preview": "1"})
    assert (binary.status_code, binary.headers["X-Error-Code"]) == (415, "preview_not_text")
    assert client.get(FILE, {"path": "large.txt"}).status_code == 200


# --- The archive ----------------------------------------------------------------------------------


def test_the_archive_holds_the_published_files_and_nothing_else(client, publish):
    publish(files=FILES, version="1.2.3")

    response = client.get(DOWNLOAD)
    first = body(response)

    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"] == 'attachment; filename="pdf-tools-1.2.3.zip"'
    assert response.headers["ETag"] == f'"{hashlib.sha256(first).hexdigest()}"'
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(FILES)
        assert archive.read("data.bin") == FILES["data.bin"]
        assert {info.date_time[:3] for info in archive.infolist()} == {(1980, 1, 1)}
    assert body(client.get(DOWNLOAD)) == first


def test_equal_files_make_equal_archives(client, publish):
    publish("pdf-tools", FILES)
    publish("pdf-copies", dict(reversed(FILES.items())))

    copy = client.get("/api/v1/download?slug=pdf-copies")
    assert body(client.get(DOWNLOAD)) == body(copy)


def test_an_older_version_or_tag_is_downloaded(client, publish):
    publish(files={"SKILL.md": "# 1\n"}, version="1.0.0", tags=["latest", "stable"])
    publish(files={"SKILL.md": "# 2\n"}, version="2.0.0")

    def text(query: str) -> bytes:
        content = body(client.get(DOWNLOAD + query))
        return zipfile.ZipFile(io.BytesIO(content)).read("SKILL.md")

    assert text("") == text("&version=2.0.0") == b"# 2\n"
    assert text("&version=1.0.0") == text("&tag=stable") == b"# 1\n"


CALLS = (
    f"{FILE}?path=SKILL.md&version=1.0.0",
    f"{DOWNLOAD}&version=1.0.0",
    "/api/v1/skills/pdf-tools/versions/1.0.0",
)


@pytest.mark.parametrize(
    ("spoil", "status", "code"), [(withdraw, 410, "withdrawn"), (block, 403, "malicious")]
)
def test_no_byte_of_a_withdrawn_or_malicious_version_leaves(
    client, publish, alice, spoil, status, code
):
    spoil(publish(files={"SKILL.md": "# 1\n"}, version="1.0.0").version)
    publish(files={"SKILL.md": "# 2\n"}, version="2.0.0")

    for path in CALLS:
        response = client.get(path)
        assert response.status_code == status, path
        assert response.headers["X-Error-Code"] == code
        assert response.headers["Content-Type"].startswith("text/plain")
        assert b"1.0.0" in response.content
    assert client.get(DOWNLOAD).status_code == 200


def test_a_malicious_latest_version_is_not_offered_for_install(client, publish):
    block(publish().version)

    response = client.get("/api/v1/skills/pdf-tools/install")

    assert response.status_code == 403
    assert (response.json()["ok"], response.json()["slug"]) == (False, "pdf-tools")


# --- Fingerprints ---------------------------------------------------------------------------------


def resolve(client, fingerprint: str) -> dict:
    response = client.get("/api/v1/resolve", {"slug": "pdf-tools", "hash": fingerprint})
    assert response.status_code == 200, response.content
    return response.json()


def test_every_stored_fingerprint_finds_its_version(client, publish):
    mixed = {"SKILL.md": "# 1\n", "a.json": "{}\n", "LICENSE": "p\n", ".env.example": "K=\n"}
    publish(files=mixed, version="1.0.0")
    publish(files=mixed | {"b.txt": "b"}, version="1.1.0")

    stored = VersionFingerprint.objects.values_list("fingerprint", "version__version")

    assert len(stored) > 2
    for fingerprint, version in stored:
        assert resolve(client, fingerprint) == {
            "slug": "pdf-tools",
            "match": {"version": version},
            "latestVersion": {"version": "1.1.0"},
        }


def test_the_clients_own_fingerprint_is_found(client, publish):
    publish(files={"SKILL.md": "# demo 1.0.0\n", "scripts/run.sh": "echo 1\n"})

    answer = resolve(client, "1c29b7101a20a30badfc0ce9ef81cd916d04e591d2a9155e11fa658ab65e0c82")

    assert answer["match"] == {"version": "1.0.0"}


def test_an_unknown_fingerprint_matches_nothing(client, publish):
    publish()

    answer = resolve(client, "0" * 64)

    assert answer == {"slug": "pdf-tools", "match": None, "latestVersion": {"version": "1.0.0"}}


def test_of_versions_with_equal_files_the_newest_is_named(client, publish):
    when = datetime(2026, 1, 1, tzinfo=UTC)
    for number in (1, 2, 3):
        publish(version=f"{number}.0.0", published_at=when + timedelta(days=number))
    fingerprint = VersionFingerprint.objects.values_list("fingerprint", flat=True)[0]

    assert resolve(client, fingerprint)["match"] == {"version": "3.0.0"}


@pytest.mark.parametrize("spoil", [withdraw, block])
def test_a_withdrawn_or_malicious_version_never_matches(client, publish, spoil):
    files = {"SKILL.md": "# same\n"}
    publish(files=files, version="1.0.0")
    newer = publish(files=files, version="2.0.0").version
    publish(files={"SKILL.md": "# other\n"}, version="3.0.0")
    fingerprint = newer.fingerprints.first().fingerprint
    assert resolve(client, fingerprint)["match"] == {"version": "2.0.0"}

    spoil(newer)

    assert resolve(client, fingerprint)["match"] == {"version": "1.0.0"}


def test_the_fingerprint_of_another_skill_does_not_match(client, publish):
    publish("pdf-tools")
    other = publish("csv-tools").version

    assert resolve(client, other.fingerprints.first().fingerprint)["match"] is None
