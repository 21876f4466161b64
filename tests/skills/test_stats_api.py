"""Stars, install reports and counted downloads, as clients of every generation send them."""

from __future__ import annotations

import orjson
import pytest
from django.test import Client

from accounts.models import Scope
from accounts.services import create_token
from skills.models import DownloadMark, EventKind, SkillAlias, SkillInstall, SkillTotal, StatEvent
from tests.factories.skills import NamespaceFactory, publish_skill
from tests.factories.stats import unusable

INSTALL = "/api/cli/telemetry/install"


@pytest.fixture
def bearer(charlie):
    _token, text = create_token(user=charlie, label="laptop")
    return {"authorization": f"Bearer {text}"}


def report(client: Client, body: object, **headers: str):
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return client.post(INSTALL, raw, content_type="application/json", headers=headers)


def queued() -> list[str]:
    return [
        EventKind(kind).label
        for kind in StatEvent.objects.order_by("id").values_list("kind", flat=True)
    ]


# --- Stars ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_star_and_unstar_say_what_was_so_before(client, publish, bearer):
    skill = publish().skill
    url = "/api/v1/stars/pdf-tools"

    assert client.post(url, headers=bearer).json() == {
        "ok": True,
        "starred": True,
        "alreadyStarred": False,
    }
    assert client.post(url, headers=bearer).json()["alreadyStarred"] is True
    assert SkillTotal.objects.get(pk=skill.pk).stars == 1
    assert client.delete(url, headers=bearer).json() == {
        "ok": True,
        "unstarred": True,
        "alreadyUnstarred": False,
    }
    assert client.delete(url, headers=bearer).json()["alreadyUnstarred"] is True
    assert queued() == ["star", "unstar"]


@pytest.mark.django_db
def test_a_star_goes_to_the_owner_that_is_named(client, publish, bearer):
    publish()
    other = publish_skill(namespace=NamespaceFactory(handle="bo")).skill

    ambiguous = client.post("/api/v1/stars/pdf-tools", headers=bearer)
    named = client.post("/api/v1/stars/pdf-tools?ownerHandle=bo", headers=bearer)

    assert (ambiguous.status_code, named.status_code) == (409, 200)
    assert SkillTotal.objects.get().skill_id == other.pk


@pytest.mark.django_db
def test_a_star_on_what_nobody_sees_is_not_found(client, publish, bearer):
    skill = publish().skill
    skill.moderation_status = "hidden"
    skill.save()

    response = client.post("/api/v1/stars/pdf-tools", headers=bearer)

    assert (response.status_code, response.content) == (404, b"Skill not found")
    assert queued() == []


@pytest.mark.django_db
def test_a_token_that_may_only_read_cannot_star(client, publish, charlie):
    publish()
    _token, text = create_token(user=charlie, label="reads", scopes=[Scope.SKILLS_READ])

    response = client.post("/api/v1/stars/pdf-tools", headers={"authorization": f"Bearer {text}"})

    assert (response.status_code, response.headers["X-Error-Code"]) == (403, "scope_missing")


# --- Install reports ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_single_install_counts_once_per_person(client, publish, bearer):
    skill = publish().skill
    body = {"event": "install", "slug": "pdf-tools", "ownerHandle": "@Alice", "version": "1.0.0"}

    for _ in range(3):
        assert report(client, body, **bearer).json() == {"ok": True}

    assert queued() == ["install_new"]
    assert SkillInstall.objects.get().skill == skill


@pytest.mark.django_db
def test_a_snapshot_of_roots_counts_each_skill_and_forgets_labels(client, publish, bearer):
    publish("one")
    publish("two")
    roots = [
        {
            "rootId": "a" * 64,
            "label": "~/secret-project",
            "skills": [{"slug": "one", "version": "1.0.0"}],
        },
        {
            "rootId": "b" * 64,
            "label": "x",
            "skills": [{"slug": "two"}, {"slug": "one"}, {"slug": "unknown"}],
        },
    ]

    assert report(client, {"roots": roots}, **bearer).json() == {"ok": True}
    report(client, {"roots": roots[:1]}, **bearer)

    assert queued() == ["install_new", "install_new"]
    assert SkillInstall.objects.filter(is_active=True).count() == 2


@pytest.mark.django_db
def test_recording_a_report_costs_one_statement_however_many_skills(
    client, publish, bearer, django_assert_max_num_queries
):
    for n in range(12):
        publish(f"skill-{n}")
    body = {"roots": [{"skills": [{"slug": f"skill-{n}"} for n in range(12)]}]}
    report(client, {"event": "plugin_install", "packageName": "x"}, **bearer)

    with django_assert_max_num_queries(4):  # Token, quota, names, and the record.
        report(client, body, **bearer)

    assert len(queued()) == 12


@pytest.mark.django_db
def test_an_old_name_counts_for_the_skill_of_today(client, publish, bearer, alice):
    skill = publish("new-name").skill
    SkillAlias.objects.create(namespace=alice.namespace, slug="old-name", skill=skill)

    report(client, {"event": "install", "slug": "old-name"}, **bearer)

    assert SkillInstall.objects.get().skill == skill


@pytest.mark.django_db
def test_names_that_are_not_clear_count_for_nobody(client, publish, bearer):
    publish()
    publish_skill(namespace=NamespaceFactory(handle="bo"))
    hidden = publish("hidden-one").skill
    hidden.moderation_status = "hidden"
    hidden.save()

    for slug in ("pdf-tools", "hidden-one", "nobody-has-it", "", "x" * 5_000):
        assert report(client, {"event": "install", "slug": slug}, **bearer).status_code == 200

    assert queued() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "telemetry_invalid"),
        (b"\xff\xfe", "telemetry_invalid"),
        (b"[1]", "telemetry_invalid"),
        (b'{"event": "explode"}', "telemetry_invalid"),
        (b"{}", "telemetry_invalid"),
        (b'{"event": "install"}', "telemetry_invalid"),
        (b'{"event": "install", "slug": 7}', "telemetry_invalid"),
        (b'{"event": "install", "slug": "a\\u0000b"}', "telemetry_invalid"),
        (b'{"event": "install", "slug": "\\ud800"}', "telemetry_invalid"),
        (b'{"roots": {}}', "telemetry_invalid"),
        (b'{"roots": [7]}', "telemetry_invalid"),
        (b'{"roots": [{"skills": [null]}]}', "telemetry_invalid"),
        (b'{"roots": [{}]}', "telemetry_invalid"),
        (b"[" * 100_000, "telemetry_invalid"),
        (orjson.dumps({"roots": [{"skills": []}] * 10_000}), "telemetry_too_large"),
        (
            orjson.dumps({"roots": [{"skills": [{"slug": f"s-{n}"} for n in range(5_001)]}]}),
            "telemetry_too_large",
        ),
        (
            orjson.dumps(
                {
                    "roots": [
                        {"skills": [{"slug": f"s-{r}-{n}"} for n in range(60)]} for r in range(100)
                    ]
                }
            ),
            "telemetry_too_large",
        ),
    ],
)
def test_a_report_that_cannot_be_is_refused_with_its_code(client, bearer, body, code):
    response = report(client, body, **bearer)

    assert response.status_code in {400, 413}
    assert response.headers["X-Error-Code"] == code
    assert response.headers["Content-Type"].startswith("text/plain")
    assert not SkillInstall.objects.exists()


@pytest.mark.django_db
def test_a_body_over_two_megabytes_is_refused_without_a_traceback(client, bearer, caplog):
    refused = report(client, b" " * (2 * 2**20 + 1), **bearer)

    assert refused.status_code == 413
    assert refused.headers["X-Error-Code"] == "telemetry_too_large"
    assert refused.content.decode() == "Report at most 2 MB at once."
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.django_db
def test_reports_without_a_token_are_refused_and_sync_is_thanked_for(client, bearer):
    assert report(client, {"event": "install", "slug": "x"}).status_code == 401
    sync = client.post(
        "/api/cli/telemetry/sync", b"{}", content_type="application/json", headers=bearer
    )
    assert sync.json() == {"ok": True}


# --- Downloads ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_thirty_downloads_of_one_person_count_once(client, publish, bearer):
    publish()

    for _ in range(30):
        response = client.get("/api/v1/download?slug=pdf-tools", headers=bearer)
        assert response.status_code == 200
        b"".join(response.streaming_content)

    assert queued() == ["download"]


@pytest.mark.django_db
def test_what_was_not_handed_out_is_not_counted(client, publish):
    publish()
    first = client.get("/api/v1/download?slug=pdf-tools", REMOTE_ADDR="192.0.2.1")
    b"".join(first.streaming_content)
    StatEvent.objects.all().delete()

    again = client.get(
        "/api/v1/download?slug=pdf-tools",
        REMOTE_ADDR="192.0.2.2",
        headers={"if-none-match": first.headers["ETag"]},
    )
    missing = client.get("/api/v1/download?slug=nothing", REMOTE_ADDR="192.0.2.3")

    assert (again.status_code, missing.status_code) == (304, 404)
    assert queued() == []


@pytest.mark.django_db
def test_a_forged_address_is_the_same_visitor(client, publish):
    publish()

    for forged in ("203.0.113.1", "203.0.113.2", "::1", "nonsense"):
        response = client.get(
            "/api/v1/download?slug=pdf-tools", headers={"x-forwarded-for": forged}
        )
        b"".join(response.streaming_content)

    assert queued() == ["download"]


@pytest.mark.django_db(transaction=True)
def test_a_download_is_served_even_when_it_cannot_be_counted(client, publish, caplog):
    publish()
    with unusable(DownloadMark):
        response = client.get("/api/v1/download?slug=pdf-tools")

    assert response.status_code == 200
    assert b"".join(response.streaming_content)[:2] == b"PK"
    assert "was not recorded" in caplog.text
