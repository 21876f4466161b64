"""The audit trail only grows, and a row stands exactly when its act does."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from accounts import audit
from accounts.models import AuditEvent
from accounts.services import create_token
from config import middleware
from skills.models import Badge, Skill, SkillBadge
from skills.services import give_badge, take_badge

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(alice):
    # A deferred check that waits would refuse TRUNCATE before the trigger is asked.
    run("SET CONSTRAINTS ALL IMMEDIATE")
    return AuditEvent.objects.get(verb="user.create")


CHANGES = {
    "update of a row": lambda event: AuditEvent.objects.filter(pk=event.pk).update(verb="x"),
    "save of a row": lambda event: event.save(),
    "delete of a row": lambda event: event.delete(),
    "delete of all": lambda event: AuditEvent.objects.all().delete(),
    "raw delete": lambda event: AuditEvent.objects.all()._raw_delete("default"),
    "raw update": lambda event: run("UPDATE accounts_auditevent SET reason = 'x'"),
    "truncate": lambda event: run("TRUNCATE accounts_auditevent"),
    "truncate of its people": lambda event: run("TRUNCATE accounts_user CASCADE"),
    "upsert": lambda event: run(
        "INSERT INTO accounts_auditevent SELECT * FROM accounts_auditevent"
        " ON CONFLICT (id) DO UPDATE SET verb = 'x'"
    ),
}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses(event, change):
    before = list(AuditEvent.objects.values())

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CHANGES[change](event)

    assert list(AuditEvent.objects.values()) == before


def test_a_person_with_a_history_cannot_be_deleted(alice):
    create_token(user=alice, label="x")

    with pytest.raises(DatabaseError), transaction.atomic():
        alice.delete()


def test_a_row_says_who_in_which_role_what_and_in_which_request(mona, publish):
    skill = publish().skill

    def view(_request):
        give_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="Checked.")
        return HttpResponse()

    response = middleware.request_id(view)(RequestFactory().get("/"))

    row = AuditEvent.objects.get(verb="badge.give")
    assert (row.actor, row.actor_role, row.reason) == (mona, "moderator", "Checked.")
    assert (row.object_type, row.object_id, row.object_label) == (
        "skills.skill", skill.pk, "@alice/pdf-tools",
    )  # fmt: skip
    assert row.after == {"kind": "official"}
    assert row.request_id == response["X-Request-Id"]


def test_a_row_goes_with_the_act_that_is_rolled_back(mona, publish):
    skill = publish().skill

    with transaction.atomic():
        give_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="x")
        transaction.set_rollback(True)

    assert not SkillBadge.objects.exists()
    assert not AuditEvent.objects.filter(verb="badge.give").exists()


@pytest.mark.parametrize("act", [give_badge, take_badge])
def test_an_act_goes_with_the_row_that_cannot_be_written(mona, publish, monkeypatch, act):
    skill = publish().skill
    if act is take_badge:
        give_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="x")
    before = list(SkillBadge.objects.values()), Skill.objects.get(pk=skill.pk).badges

    # Longer than the column: the database refuses the audit row.
    monkeypatch.setattr(audit, "current_request_id", lambda: "x" * 33)

    with pytest.raises(DatabaseError):
        act(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="x")

    assert (list(SkillBadge.objects.values()), Skill.objects.get(pk=skill.pk).badges) == before


def test_what_changes_nothing_leaves_no_row(mona, publish):
    skill = publish().skill

    assert give_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="x")
    assert not give_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="again")
    assert take_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="x")
    assert not take_badge(skill=skill, kind=Badge.OFFICIAL, actor=mona, reason="again")

    assert AuditEvent.objects.filter(verb__startswith="badge.").count() == 2
    assert Skill.objects.get(pk=skill.pk).badges == {}
