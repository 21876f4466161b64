"""Probes, crawler files, error pages, and the headers and cookies of every kind of page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from config import site
from tests.factories.accounts import sign_in

PROBES = ["/healthz", "/readyz", "/robots.txt", "/.well-known/clawhub.json"]
PAGES = ["/login/", "/about/", "/about/moderation/", "/api/docs/", "/nothing/here/"]
JSON = ["/api/v1/skills", "/api/v1/openapi.json", "/api/v1/nothing", "/api/nothing"]
PRIVATE = ["/me/tokens/", "/logout/"]
ADMIN = ["/django-admin/", "/django-admin/accounts/user/"]


@contextmanager
def database_away() -> Iterator[None]:
    """Make every query fail; ended before the check for drift at the test's end."""

    def refuse(*_args, **_said):
        raise OperationalError("the database is away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "cursor", refuse)
        patch.setattr(connection, "chunked_cursor", refuse)
        yield


@pytest.fixture
def unseen_migrations():
    site._migrations_seen.clear()
    yield
    site._migrations_seen.clear()


# --- Probes --------------------------------------------------------------------------------------


def test_healthz_asks_nobody(client):
    assert client.get("/healthz").content == b"ok\n"


def test_readyz_reads_the_migrations_once(client, db, unseen_migrations, django_assert_num_queries):
    assert client.get("/readyz").content == b"ready\n"

    with django_assert_num_queries(1):
        assert client.get("/readyz").status_code == 200


def test_readyz_names_missing_migrations_and_asks_again(client, db, unseen_migrations, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("config.site.MigrationExecutor.migration_plan", lambda *_: ["one"])
        told = client.get("/readyz")

    assert (told.status_code, told.content) == (503, b"not ready: migrations\n")
    assert client.get("/readyz").status_code == 200


def test_readyz_names_a_database_that_is_away(client, db, unseen_migrations):
    with database_away():
        told = client.get("/readyz")

    assert (told.status_code, told.content) == (503, b"not ready: database, migrations\n")


def test_readyz_names_a_storage_that_cannot_be_written(client, db, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(site.default_storage, "location", str(tmp_path / "file" / "blobs"))

    assert client.get("/readyz").content == b"not ready: storage\n"


def test_discovery_and_robots_use_our_own_address(client):
    told = client.get("/.well-known/clawhub.json", headers={"host": "evil.example"})

    assert told.json()["apiBase"] == settings.SITE_URL
    assert "Disallow: /me/" in client.get("/robots.txt").content.decode()


# --- Error pages ---------------------------------------------------------------------------------


def test_a_missing_page_needs_no_database(client):
    page = client.get("/nothing/here/")

    assert page.status_code == 404
    assert 'action="/skills/"' in page.content.decode()


@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1/nothing", "/api/v1/skills/a/b/c/d"])
def test_a_missing_call_is_plain_text(client, path):
    strict = Client(enforce_csrf_checks=True)

    for told in (client.get(path), strict.post(path, {"a": 1}), strict.delete(path)):
        assert (told.status_code, told.headers["X-Error-Code"]) == (404, "not_found")
        assert told.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/me/tokens/", "/nothing/here/", "/about/"])
def test_a_page_says_503_and_when_to_try_again_while_the_database_is_away(alice, path):
    client = sign_in(Client(raise_request_exception=False), alice)

    with database_away():
        page = client.get(path)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "Something broke on our side" in page.content.decode()
    assert page.headers["X-Request-Id"] in page.content.decode()


@pytest.mark.django_db
def test_a_call_says_503_while_the_database_is_away():
    with database_away():
        told = Client(raise_request_exception=False).get("/api/v1/skills")

    assert (told.status_code, told.headers["Retry-After"]) == (503, "30")
    assert told.headers["X-Error-Code"] == "unavailable"


def test_a_statement_that_was_cancelled_is_no_absence_of_the_database(monkeypatch):
    def cancelled(*_args, **_said):
        raise OperationalError from psycopg.errors.QueryCanceled("too slow")

    monkeypatch.setattr(site, "_database_answers", cancelled)
    monkeypatch.setitem(site.READINESS, "database", cancelled)

    assert Client(raise_request_exception=False).get("/readyz").status_code == 500


def test_a_fault_of_ours_is_told_without_its_text(monkeypatch):
    def broken(*_args, **_said):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("config.site.render", broken)
    page = Client(raise_request_exception=False).get("/about/")

    assert page.status_code == 500
    assert "secret of the house" not in page.content.decode()


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "next=%00"])
@pytest.mark.parametrize("path", ["/login/", "/api/docs/", "/about/", "/nothing/"])
def test_a_nul_in_the_address_is_refused(client, path, query):
    assert client.get(f"{path}?{query}").status_code == 400


def test_410_and_429_pages_say_what_they_are_told(rf):
    gone = site.gone(rf.get("/x/"), "It was here once.")
    wait = site.too_many_requests(rf.get("/x/"), 17)

    assert (gone.status_code, "It was here once." in gone.content.decode()) == (410, True)
    assert (wait.status_code, wait.headers["Retry-After"]) == (429, "17")
    assert "You can try again in 17 s." in wait.content.decode()


# --- Headers -------------------------------------------------------------------------------------


def assert_hardened(response: HttpResponse) -> None:
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-Id"])


@pytest.mark.django_db
@pytest.mark.parametrize("path", PROBES + PAGES + JSON)
def test_every_public_answer_is_hardened(client, path):
    assert_hardened(client.get(path))


@pytest.mark.django_db
@pytest.mark.parametrize("path", PRIVATE + ADMIN)
def test_every_private_answer_is_hardened_and_not_stored(client, ada, path):
    sign_in(client, ada)

    response = client.get(path)

    assert response.status_code == 200
    assert_hardened(response)
    assert "no-store" in response.headers["Cache-Control"]


def test_error_answers_are_hardened(monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr("config.site.render", None)
    assert_hardened(client.get("/about/"))
    assert_hardened(client.post("/theme/", {"theme": "neon"}))
    assert_hardened(Client(enforce_csrf_checks=True).post("/login/"))
    assert_hardened(client.delete("/login/"))


@pytest.mark.django_db
def test_pages_hold_nothing_the_policy_would_block(client, alice):
    sign_in(client, alice)
    for path in PAGES + PRIVATE:
        page = client.get(path).content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), path
        assert not re.search(r"<[^>]+\s(style|on[a-z]+|hx-on[^=]*)=", page), path
        assert not re.search(r"<style|javascript:|(?:src|href)=\"https?://(?!testserver)", page), (
            path
        )


# --- Cookies -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client, alice):
    sign_in(client, alice)

    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_public_pages_set_no_cookie(client):
    for path in ["/about/", "/about/moderation/", "/api/docs/", "/nothing/", "/healthz"]:
        assert not client.get(path).cookies, path


def test_with_https_every_cookie_is_secure_and_bound_to_the_host(tmp_path):
    script = """
import json
from django.conf import settings
from django.test import Client
client = Client()
page = client.get("/login/", secure=True, headers={"host": "skills.example"})
client.post("/theme/", {"theme": "dark"}, secure=True, headers={"host": "skills.example"})
plain = Client().get("/login/", headers={"host": "skills.example"})
print(json.dumps({
    "cookies": {name: [morsel["secure"], morsel["domain"]] for name, morsel in client.cookies.items()},
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE],
    "hsts": page.headers.get("Strict-Transport-Security"),
    "plain": [plain.status_code, plain.headers.get("Location")],
}))
"""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    env = kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SITE_URL": "https://skills.example",
        "ALLOWED_HOSTS": "skills.example",
        "DATABASE_URL": "postgres://nobody@localhost:1/nothing",
        "SECRET_KEY": "only-for-this-test-" + "x" * 40,
        "SKILLBOARD_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-W", "ignore", "-c", f"import django; django.setup()\n{script}"]
    told = subprocess.run(
        command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    found = json.loads(told.stdout)
    assert found["cookies"] == {"__Host-csrf": [True, ""], "theme": [True, ""]}
    assert found["session"] == ["__Host-session", True]
    assert found["hsts"].startswith("max-age=31536000")
    assert found["plain"] == [301, "https://skills.example/login/"]


def test_the_footer_leads_to_pages_that_exist():
    assert reverse("api-docs") == "/api/docs/"
