"""An export holds what is stored about a person, as docs/privacy.md lists it, and nothing else."""

from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import exports
from accounts.closing import close
from accounts.exports import ExportEnded, ExportUnderWay, leased, start_export
from accounts.invites import create_invite
from accounts.models import AuditEvent, User
from accounts.services import TokenRefused, create_token
from config.zip_stream import zip_stream
from moderation.models import Appeal
from moderation.personal_data import NOT_TOLD, SECTIONS
from skills import events
from skills.models import Skill
from skills.transfers import request_transfer
from tests.config.rivals import at_once
from tests.factories.accounts import organisation, session_of, sign_in, with_app
from tests.factories.bulk import copy_row
from tests.factories.comments import comment_on, reported
from tests.factories.desk import decision_on, report
from tests.factories.skills import NamespaceFactory, publish_skill
from tests.factories.traces import Uploader, session
from traces.models import Message

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
PRIVACY = ROOT / "docs" / "privacy.md"
# What counts something for an hour, and what the list of what is stored calls it.
COUNTED_FOR_AN_HOUR = {
    "accounts/lockout.py": ["codes of second factors"],
    "moderation/account_views.py": ["exports", "deleting an account"],
    "skills/comment_views.py": ["comments", "reports of them"],
    "traces/services/ingest.py": ["uploads"],
}


def export(client: Client) -> dict[str, Any]:
    response = client.post("/me/account/export/")
    assert response.status_code == 200, response
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".json"): orjson.loads(archive.read(name))
            for name in archive.namelist()
        }


@pytest.fixture
def signed(alice) -> Client:
    return sign_in(Client(), alice)


# --- What is in it --------------------------------------------------------------------------------


def test_the_list_of_what_is_stored_names_every_file_and_no_other():
    table = PRIVACY.read_text().split("| Stored |")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    told = [(row[0], row[3]) for row in rows if len(row) == 4]
    assert len(told) == len(rows)

    names = {name for _, cell in told for name in re.findall(r"`(\w+)`", cell)}

    assert names == {section.name for section in SECTIONS}
    assert [row for row, cell in told if "`" not in cell and not cell.startswith("no: ")] == []


def test_the_list_of_what_is_stored_names_what_is_counted_for_an_hour():
    counting = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "config", "jobs", "moderation", "skills", "traces")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"take_exact\([^)]*\bseconds=", path.read_text())
    }
    assert counting == COUNTED_FOR_AN_HOUR.keys()

    (row,) = [line for line in PRIVACY.read_text().splitlines() if "rate-limit counters" in line]
    how_long = row.split(" | ")[2]
    assert [
        word for words in COUNTED_FOR_AN_HOUR.values() for word in words if word not in how_long
    ] == []


def test_every_column_that_leads_to_a_person_is_exported_or_says_why_not():
    leading = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is User
    }

    told = [column for section in SECTIONS for column in section.covers] + list(NOT_TOLD)

    assert sorted(told) == sorted(leading)


def test_everything_a_person_did_is_in_it(publish, alice, charlie, mona, signed):
    mine = publish("my-own")
    theirs = publish_skill(slug="theirs", namespace=NamespaceFactory())
    acme = organisation("acme", owner=alice, member=charlie)
    for_others = publish_skill(slug="shared", namespace=acme, actor=alice)
    create_token(user=alice, label="laptop", scopes=["skills:read"])
    session_of(alice, "desk")
    create_invite(namespace=acme, actor=alice, email="new@example.test")
    comment_on(theirs.skill, alice, "Works for me.")
    reported(theirs.skill, charlie, alice, text="Rude.")
    report(theirs.version, alice, "It reads my keys.")
    events.star(skill_id=theirs.skill.pk, user_id=alice.pk)
    events.record_installs(user_id=alice.pk, skill_ids=[theirs.skill.pk])
    request_transfer(skill=mine.skill, to=charlie.namespace, actor=alice, message="Yours?")
    decision = decision_on(mine.version, "caution", actor=mona, text="Be careful.", note="Hm.")
    Appeal.objects.create(decision=decision, author=alice, text="It is fine.", answer="It is not.")
    Uploader(alice).share("one", session(7), projectName="app")
    secret = with_app(alice)
    SocialAccount.objects.create(
        user=alice, provider="github", uid="7", extra_data={"login": "alice-at-home"}
    )

    told = export(signed)

    assert list(told) == [section.name for section in SECTIONS]
    assert told["account"][0]["handle"] == "alice"
    assert [row["handle"] for row in told["namespace"]] == ["alice"]
    assert [(row["namespace"], row["role"]) for row in told["memberships"]] == [("acme", "owner")]
    assert {row["label"] for row in told["tokens"]} == {"laptop", "key"}
    assert [row["device_id"] for row in told["command_lines"]] == ["desk"]
    assert [row["device_id"] for row in told["logins"]] == ["desk"]
    assert [row["type"] for row in told["factors"]] == ["totp", "recovery_codes"]
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in str(told)
    assert kept not in str(told)
    assert [(row["uid"], row["login"]) for row in told["sign_ins"]] == [("7", "alice-at-home")]
    assert [row["email"] for row in told["invites"]] == ["new@example.test"]
    assert [row["slug"] for row in told["skills"]] == ["my-own"]
    assert [(row["skill"], row["version"]) for row in told["versions"]] == [
        ("my-own", mine.version.version)
    ]
    assert [row["skill"] for row in told["versions_for_others"]] == [for_others.skill.slug]
    assert [row["text"] for row in told["comments"]] == ["Works for me."]
    assert [row["text"] for row in told["comment_reports"]] == ["Rude."]
    assert [row["skill"] for row in told["stars"]] == ["theirs"]
    assert [row["skill"] for row in told["installs"]] == ["theirs"]
    assert [row["message"] for row in told["transfers"]] == ["Yours?"]
    assert [row["external_id"] for row in told["traces"]] == ["one"]
    assert [row["position"] for row in told["messages"]] == sorted(
        Message.objects.values_list("position", flat=True)
    )
    first = Message.objects.order_by("position").first()
    assert told["messages"][0]["parts"] == first.parts
    assert [row["text"] for row in told["reports"]] == ["It reads my keys."]
    assert [row["text"] for row in told["decisions"]] == ["Be careful."]
    assert [row["answer"] for row in told["appeals"]] == ["It is not."]
    assert "token.create" in {row["verb"] for row in told["acts"]}
    assert AuditEvent.objects.filter(verb="user.export", actor=alice).count() == 1


def test_nothing_of_others_and_no_secret_is_in_it(publish, alice, charlie, mona, signed):
    mine = publish("my-own")
    comment_on(mine.skill, charlie, "charlies-words")
    report(mine.version, charlie, "charlies-report")
    decision_on(mine.version, "caution", actor=mona, text="Be careful.", note="monas-note")
    decision_on(mine.version, "propose-removal", actor=mona, text="monas-proposal")
    token, text = create_token(user=alice, label="laptop", scopes=["skills:read"])
    Uploader(charlie).share("theirs", session(3), title="charlies-trace")

    told = orjson.dumps(export(signed)).decode()

    for word in ("charlie", "monas-", "mona", str(text), token.secret_sha256.hex()):
        assert word not in told
    assert alice.password not in told


def test_the_traces_of_messages_are_found_by_pages_of_an_index(alice):
    uploader = Uploader(alice)
    for n in range(5):
        uploader.share(f"t{n}", session(1))
    messages = next(section for section in SECTIONS if section.name == "messages")

    with CaptureQueriesContext(connection) as caught:
        told = b"".join(messages.pieces(alice))

    assert len(orjson.loads(told)) == 5
    by_person = [said["sql"] for said in caught if '"created_by_id" =' in said["sql"]]
    assert len(by_person) == 3
    assert all('"is_withheld"' in sql.partition(" WHERE ")[2] for sql in by_person)


def test_rows_of_many_pages_are_all_there_once(alice, charlie, signed, monkeypatch):
    monkeypatch.setattr("accounts.personal_data.PAGE", 3)
    monkeypatch.setattr("traces.personal_data.KEYS", 4)
    monkeypatch.setattr("traces.personal_data.ROOM", 300)
    theirs = [publish_skill(slug=f"s-{n}", namespace=charlie.namespace).skill for n in range(7)]
    for skill in reversed(theirs):
        events.star(skill_id=skill.pk, user_id=alice.pk)
        comment_on(skill, alice, f"About {skill.slug}.")
    uploader = Uploader(alice)
    for name in ("one", "two", "three", "four"):
        uploader.share(name, session(9))

    told = export(signed)

    assert sorted(row["skill"] for row in told["stars"]) == [f"s-{n}" for n in range(7)]
    assert len(told["comments"]) == 7
    assert [row["external_id"] for row in told["traces"]] == ["one", "two", "three", "four"]
    assert len(told["messages"]) == 36
    assert len({(row["trace"], row["external_id"]) for row in told["messages"]}) == 36


@pytest.mark.slow
@pytest.mark.allow_drift
def test_an_export_holds_little_however_much_there_is(alice):
    trace = Uploader(alice).share("long", session(1))
    message = Message.objects.get()
    Message.objects.filter(pk=message.pk).update(text="word " * 2_000)
    copy_row(Message.objects.get(), 2, 20_000, {"position": "n", "external_id": "'m-' || n"})
    files = ((section.name, section.pieces(alice)) for section in SECTIONS)
    tracemalloc.start()

    sent = sum(map(len, zip_stream(files, timezone.now())))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 100_000
    assert Message.objects.filter(trace=trace).count() > 20_000
    assert peak < 24 * 1024 * 1024  # of 200 MB


# --- One at a time --------------------------------------------------------------------------------


def test_a_second_one_is_refused_until_the_first_has_ended(alice, signed):
    first = signed.post("/me/account/export/")
    stream = iter(first)
    next(stream)

    second = signed.post("/me/account/export/")
    assert second.status_code == 409
    assert b"under way" in second.content

    for _ in stream:
        pass
    assert signed.post("/me/account/export/").status_code == 200


def test_one_whose_writer_died_is_over_in_a_minute(alice):
    start_export(user=alice)
    with pytest.raises(ExportUnderWay):
        start_export(user=alice)

    User.objects.filter(pk=alice.pk).update(export_until=timezone.now())

    assert start_export(user=alice)


def test_an_export_that_lost_its_lease_breaks_off(alice, monkeypatch):
    monkeypatch.setattr(exports, "RENEW_SECONDS", 0.0)
    pieces = leased(iter([b"1", b"2", b"3"]), user=alice, token=start_export(user=alice))
    assert next(pieces) == b"1"

    close(user=alice)

    with pytest.raises(ExportEnded):
        next(pieces)
    with pytest.raises(TokenRefused):
        start_export(user=alice)


def test_a_lease_is_prolonged_and_another_s_is_left_alone(alice, monkeypatch):
    monkeypatch.setattr(exports, "RENEW_SECONDS", 0.0)
    token = start_export(user=alice)
    before = User.objects.get(pk=alice.pk).export_until
    pieces = leased(iter([b"1", b"2"]), user=alice, token=token)
    next(pieces)
    next(pieces)
    assert User.objects.get(pk=alice.pk).export_until >= before

    User.objects.filter(pk=alice.pk).update(export_until=timezone.now())
    other = start_export(user=alice)
    pieces.close()

    assert User.objects.get(pk=alice.pk).export_token == other


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_begins(alice):
    results = at_once(*[lambda: start_export(user=alice)] * 2)

    assert sorted(type(result).__name__ for result in results) == ["ExportUnderWay", "UUID"]


def test_more_than_a_few_an_hour_are_refused(signed, monkeypatch):
    monkeypatch.setattr("moderation.account_views.EXPORTS_AN_HOUR", 2)
    for _ in range(2):
        signed.post("/me/account/export/").getvalue()

    assert signed.post("/me/account/export/").status_code == 429


def test_a_get_begins_nothing(signed):
    assert signed.get("/me/account/export/").url == "/me/account/"
    assert not AuditEvent.objects.filter(verb="user.export").exists()
    assert Skill.objects.count() == 0
