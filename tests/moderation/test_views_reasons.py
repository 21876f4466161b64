"""The reason templates: read by moderators, edited by admins."""

from __future__ import annotations

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from moderation.models import ReasonTemplate
from moderation.services.reasons import add_reason
from tests.config.rivals import at_once
from tests.factories.accounts import sign_in

pytestmark = pytest.mark.django_db

FORM = {
    "title": "Runs code",
    "attack_class": "remote-code",
    "text": "{skill} runs {file}.",
    "default_action": "hide",
    "position": "1",
    "is_active": "on",
}
ADDRESS = "/staff/reasons/remote-code/"


def test_moderators_read_and_admins_edit(client, mona, ada):
    page = sign_in(client, mona).get("/staff/reasons/")
    assertContains(page, "Runs code from elsewhere")
    assertNotContains(page, ADDRESS)
    assert client.get(ADDRESS).status_code == 404
    assert client.post(ADDRESS, FORM).status_code == 404

    client.logout()

    assertContains(sign_in(client, ada).get("/staff/reasons/"), ADDRESS)


def test_an_edit_is_kept_with_what_it_was_before(client, ada):
    sign_in(client, ada).post(ADDRESS, FORM)

    row = ReasonTemplate.objects.get(key="remote-code")
    event = AuditEvent.objects.get(verb="reason.save")
    assert (row.title, row.text, row.default_action) == (
        "Runs code",
        "{skill} runs {file}.",
        "hide",
    )
    assert (event.before["title"], event.after["title"]) == (
        "Runs code from elsewhere",
        "Runs code",
    )
    assert event.actor == ada


def test_an_edit_that_changes_nothing_leaves_no_trace(client, ada):
    sign_in(client, ada)
    for _ in range(2):
        assert client.post(ADDRESS, FORM).status_code == 302

    assert AuditEvent.objects.filter(verb="reason.save").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"text": ""},
        {"text": "x" * 2001},
        {"text": "nul \0"},
        {"default_action": "undo"},
        {"position": "-1"},
        {"position": "99999999"},
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_was_typed(client, ada, wrong):
    sent = FORM | {"title": "My <title>"} | wrong

    response = sign_in(client, ada).post(ADDRESS, sent)

    assertContains(response, "Not saved.", status_code=422)
    if "title" not in wrong:
        assertContains(response, "My &lt;title&gt;", status_code=422)
    assert ReasonTemplate.objects.get(key="remote-code").title == "Runs code from elsewhere"
    assert not AuditEvent.objects.filter(verb="reason.save").exists()


def test_a_reason_taken_out_is_not_offered(client, ada):
    sent = {name: value for name, value in FORM.items() if name != "is_active"}

    page = sign_in(client, ada).post(ADDRESS, sent, follow=True)

    assertContains(page, "not offered")


def test_a_reason_that_is_none_is_404(client, ada):
    assert sign_in(client, ada).get("/staff/reasons/nothing/").status_code == 404


# --- Adding ---------------------------------------------------------------------------------------

NEW = "/staff/reasons/new/"


def test_admins_add_a_reason_that_is_offered_at_once(client, mona, ada, publish):
    assert sign_in(client, mona).post(NEW, FORM | {"key": "mining"}).status_code == 404
    assertNotContains(client.get("/staff/reasons/"), NEW)
    client.logout()
    assertContains(sign_in(client, ada).get("/staff/reasons/"), NEW)

    response = client.post(NEW, FORM | {"key": "Mining", "title": "Mines coins"}, follow=True)

    assertContains(response, "“Mines coins” is added.")
    assertContains(response, 'id="reason-mining"')
    event = AuditEvent.objects.get(verb="reason.add")
    assert (event.actor, event.after["key"], event.after["text"]) == (ada, "mining", FORM["text"])


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("remote-code", "There is a reason of this key"),
        ("REMOTE-CODE", "There is a reason of this key"),
        ("new", "Choose another key"),
        ("New", "Choose another key"),
        ("no spaces", "valid “slug”"),
        ("", "This field is required"),
        ("x" * 41, "at most 40"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_what_was_typed(client, ada, key, told):
    said = FORM | {"key": key, "title": "My <title>"}

    response = sign_in(client, ada).post(NEW, said)

    assertContains(response, told, status_code=422)
    assertContains(response, "My &lt;title&gt;", status_code=422)
    assert not AuditEvent.objects.filter(verb="reason.add").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_a_reason_at_once_one_is_told(ada):
    def send():
        return add_reason(actor=ada, key="mining", title="Mines coins", text="It mines.")

    found = at_once(send, send)

    assert sorted(type(one).__name__ for one in found) == ["ReasonExists", "ReasonTemplate"]
    assert AuditEvent.objects.filter(verb="reason.add").count() == 1
