"""The reason templates: read by moderators, edited by admins."""

from __future__ import annotations

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import AuditEvent
from moderation.models import ReasonTemplate
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
