"""The demo's sessions: three, through the API, and safe to repeat."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiToken
from accounts.policy import Actor
from traces.demo import uploading
from traces.demo.sessions import SessionInvalid, read_sessions
from traces.models import Kind, Message, Trace
from traces.services.publishing import unpublish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True
    settings.ALLOWED_HOSTS = ["localhost"]
    call_command("demo_accounts", stdout=io.StringIO())


def fill() -> str:
    told = io.StringIO()
    call_command("demo_traces", stdout=told)
    return told.getvalue()


def test_three_sessions_are_shared_one_of_each_visibility():
    assert "3 of 3" in fill()

    told = {t.visibility: (t.agent_id, t.owner_handle) for t in Trace.objects.all()}
    assert told == {
        "public": ("claude-code", "arthur"),
        "direct": ("codex", "vera"),
        "private": ("claude-code", "harborlight-tools"),
    }
    long = Trace.objects.get(visibility="private")
    assert 290 <= long.message_count <= 310
    # What the agent adds of itself is no word of a person's, and names are taken out.
    codex = Trace.objects.get(agent_id="codex")
    assert Message.objects.filter(trace=codex, kind=Kind.WRAPPER).count() == 1
    assert codex.error_count == 1
    public = Trace.objects.get(visibility="public")
    assert Message.objects.live(public).redacted().exists()
    assert "home/arthur" not in str(list(Message.objects.values_list("parts", flat=True)))
    assert not ApiToken.objects.usable().exists()


def test_a_second_time_changes_nothing_and_what_people_did_stays():
    fill()
    before = list(Trace.objects.order_by("pk").values())
    assert "0 of 3" in fill()
    assert list(Trace.objects.order_by("pk").values()) == before

    codex = Trace.objects.get(agent_id="codex")
    unpublish(actor=Actor(user=codex.created_by), trace=codex)
    assert "0 of 3" in fill()
    assert Trace.objects.published().count() == 2


def test_a_start_that_was_killed_is_gone_on_with(monkeypatch):
    sent = uploading._send

    def die_in_the_second_batch(key, method, address, body):
        if method == "POST" and body["messages"][0]["order"] > 1:
            raise KeyboardInterrupt
        sent(key, method, address, body)

    monkeypatch.setattr(uploading, "_send", die_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        fill()
    assert not ApiToken.objects.usable().exists()
    monkeypatch.undo()

    assert "1 of 3" in fill()
    assert Trace.objects.get(visibility="private").message_count >= 290


def test_it_belongs_into_the_demo(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="make demo"):
        fill()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.toml").write_text("external_id = 1")

    with pytest.raises(SessionInvalid, match=r"bad\.toml"):
        read_sessions(tmp_path)
