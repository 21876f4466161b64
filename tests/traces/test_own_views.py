"""`/me/traces/`: what a person shares, the settings of one trace, and who may change them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from accounts.policy import Actor
from accounts.services import create_user
from tests.factories.accounts import organisation, sign_in
from tests.factories.traces import Uploader, said, session
from traces.models import Trace
from traces.policy import may_manage

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
SECRET = "AKIA" + "QRSTUVWXYZ234567"


@pytest.fixture
def shared(alice) -> Trace:
    return Uploader(alice).share(ID, session(5))


@pytest.fixture
def as_alice(alice, client) -> Client:
    return sign_in(client, alice)


def address(trace: Trace, end: str = "") -> str:
    return f"/me/traces/{trace.public_id}/{end}"


def text(response) -> str:
    return response.content.decode()


# --- The list ------------------------------------------------------------------------------------


def test_the_list_shows_what_i_share_in_all_my_namespaces_newest_first(as_alice, alice, charlie):
    acme = organisation("acme", admin=alice, member=charlie)
    Uploader(alice).share("one", session(3), title="In my own name")
    Uploader(alice, acme).share("two", session(4), title="At work", visibility="private")
    Uploader(charlie, acme).share("three", [], title="Of a colleague")
    Uploader(charlie).share("four", [], title="Of a stranger", visibility="public")

    page = text(as_alice.get("/me/traces/"))

    assert page.index("At work") < page.index("In my own name")
    assert "@acme" in page
    assert "Of a colleague" not in page
    assert "Of a stranger" not in page
    everybody = text(as_alice.get("/me/traces/?by=anybody"))
    assert "Of a colleague" in everybody
    assert "by charlie" in everybody
    assert "Of a stranger" not in everybody


def test_the_list_filters_by_who_may_read(as_alice, alice):
    for visibility in ("public", "direct", "private"):
        Uploader(alice).share(visibility, [], title=f"It is {visibility}", visibility=visibility)

    page = text(as_alice.get("/me/traces/?visibility=private"))

    assert "It is private" in page
    assert "It is public" not in page
    assert "It is public" in text(as_alice.get("/me/traces/?visibility=whatever"))


def test_an_empty_list_says_how_to_share_here(as_alice, settings):
    settings.SITE_URL = "https://skills.example"

    page = text(as_alice.get("/me/traces/"))

    for variable in ("TRACES_HTTP_URL", "TRACES_URL", "TRACES_API_URL"):
        assert f"{variable}=https://skills.example" in page
    assert "No such trace" in text(as_alice.get("/me/traces/?visibility=public"))


def test_the_list_goes_on_behind_a_cursor_and_costs_the_same(as_alice, alice):
    acme = organisation("acme", owner=alice)
    for n in range(60):
        Trace.objects.create(
            namespace=acme if n % 2 else alice.namespace, created_by=alice, visibility="direct",
            external_id=f"t{n}", agent_id="codex", client_title=f"Trace {n:02}.",
        )  # fmt: skip
    seen, address = [], "/me/traces/"
    with CaptureQueriesContext(
        connection,
    ) as first:
        as_alice.get(address)
    for _ in range(3):
        page = as_alice.get(address)
        seen += [row.client_title for row, _can in page.context["rows"]]
        address = f"/me/traces/{page.context['next_url']}"

    assert seen == [f"Trace {n:02}." for n in reversed(range(60))]
    assert page.context["next_url"] == ""
    assert "continue a longer list" in text(page)
    Trace.objects.all().delete()
    with CaptureQueriesContext(connection) as empty:
        as_alice.get("/me/traces/")
    assert len(first) == len(empty)
    assert "its beginning" in text(as_alice.get("/me/traces/?after=bogus"))


def test_a_visitor_is_sent_to_sign_in(client, shared):
    for path in ("/me/traces/", address(shared), address(shared, "unshare/")):
        assert client.get(path).status_code == 302


# --- Who may -------------------------------------------------------------------------------------


def test_who_may_manage_a_trace(alice, charlie):
    bob = create_user(handle="bob", password="bob-keeps-a-secret")
    acme = organisation("acme", owner=alice, member=bob)
    trace = Uploader(bob, acme).share(ID, [])

    assert may_manage(Actor(user=bob), trace)
    assert may_manage(Actor(user=alice), trace)
    assert not may_manage(Actor(user=charlie), trace)
    assert not may_manage(Actor(), trace)
    assert not may_manage(Actor(user=alice, scopes=frozenset({"traces:read"})), trace)
    acme.memberships.filter(user=bob).delete()
    assert not may_manage(Actor(user=bob), trace)


def test_another_member_looks_and_changes_nothing(client, alice, charlie):
    acme = organisation("acme", owner=alice, member=charlie)
    trace = Uploader(alice, acme).share(ID, session(2), visibility="private")
    sign_in(client, charlie)

    page = client.get(address(trace))

    assert page.status_code == 200
    assert "You can look" in text(page)
    assert "<form" not in text(page).split("<main")[1].split("</main")[0]
    for end, typed in (("", {"own_title": "Mine"}), ("unshare/", {}), ("transfer/", {})):
        assert client.post(address(trace, end), typed).status_code == 404
    assert client.get(address(trace, "unshare/")).status_code == 404
    assert Trace.objects.get().own_title == ""
    assert Trace.objects.published().count() == 1


def test_a_stranger_finds_nothing(client, charlie, mona, shared):
    Trace.objects.update(visibility="public")
    for person in (charlie, mona):
        sign_in(client, person)
        for end in ("", "unshare/"):
            assert client.get(address(shared, end)).status_code == 404
            assert client.post(address(shared, end)).status_code == 404
        assert client.post(address(shared, "transfer/")).status_code == 404
    assert Trace.objects.published().count() == 1


# --- Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "column", "value"),
    [
        ({"own_title": "  Mine \u202e now "}, "own_title", "Mine now"),
        ({"visibility": "private"}, "visibility", "private"),
        ({"ai_summary_enabled": "0"}, "ai_summary_enabled", False),
        ({"exclude_from_ai": "1"}, "exclude_from_ai", True),
    ],
)
def test_a_setting_that_is_sent_is_saved_and_no_other(as_alice, shared, typed, column, value):
    kept = ("own_title", "visibility", "ai_summary_enabled", "exclude_from_ai")
    before = {name: getattr(shared, name) for name in kept}

    response = as_alice.post(address(shared), typed)

    assert response.status_code == 302
    trace = Trace.objects.get()
    assert {name: getattr(trace, name) for name in kept} == before | {column: value}
    event = AuditEvent.objects.get(verb="trace.settings")
    assert event.after[column] == value
    assert as_alice.post(address(shared), typed).status_code == 302
    assert AuditEvent.objects.filter(verb="trace.settings").count() == 1


def test_two_people_who_set_different_things_both_succeed(alice, charlie):
    acme = organisation("acme", owner=alice, admin=charlie)
    trace = Uploader(alice, acme).share(ID, [])
    one, other = sign_in(Client(), alice), sign_in(Client(), charlie)
    one.get(address(trace))
    other.get(address(trace))

    one.post(address(trace), {"own_title": "By Alice"})
    other.post(address(trace), {"visibility": "private"})

    saved = Trace.objects.get()
    assert (saved.own_title, saved.visibility) == ("By Alice", "private")


@pytest.mark.parametrize(
    "typed",
    [
        {"visibility": "everybody"},
        {"visibility": ""},
        {"own_title": "x" * 201},
        {"ai_summary_enabled": "2"},
    ],
)
def test_what_cannot_be_is_refused_and_stays_typed(as_alice, shared, typed):
    response = as_alice.post(address(shared), typed)

    assert response.status_code == 422
    assert "Not saved" in text(response)
    if "own_title" in typed:
        assert typed["own_title"] in text(response)
    assert AuditEvent.objects.filter(verb="trace.settings").count() == 0


def test_a_nul_in_a_form_is_refused(as_alice, shared):
    assert as_alice.post(address(shared), {"own_title": "a\0b"}).status_code == 422


def test_a_title_that_is_typed_keeps_no_secret_either(as_alice, shared):
    as_alice.post(address(shared), {"own_title": f"Rotate {SECRET}"})

    assert SECRET not in Trace.objects.get().title
    assert "[REDACTED]" in Trace.objects.get().title


def test_a_level_the_namespace_does_not_allow_is_disabled_and_refused(as_alice, alice, shared):
    namespace = alice.namespace
    namespace.trace_visibilities = ["direct", "private"]
    namespace.save()

    page = text(as_alice.get(address(shared)))
    response = as_alice.post(address(shared), {"visibility": "public"})

    assert 'value="public" disabled' in page
    assert "@alice does not allow it." in page
    assert response.status_code == 422
    assert "does not allow public traces" in text(response)
    assert Trace.objects.get().visibility == "direct"


def test_the_page_shows_all_titles_and_which_is_shown(as_alice, shared):
    Trace.objects.update(ai_title="What an AI calls it", own_title="What I call it")

    page = text(as_alice.get(address(shared)))

    for title in ("What an AI calls it", "What I call it", "Fix the rounding bug"):
        assert title in page
    as_alice.post(address(shared), {"own_title": ""})
    assert Trace.objects.get().title == "What an AI calls it"


def test_hostile_titles_are_escaped(as_alice, alice):
    trace = Uploader(alice).share(ID, [], title="<script>alert(1)</script>\u202eevil")

    for path in ("/me/traces/", address(trace), address(trace, "unshare/")):
        page = text(as_alice.get(path))
        assert "<script>alert" not in page
        assert "\u202e" not in page


def test_redactions_are_told_with_rule_place_and_message_never_the_secret(as_alice, alice):
    trace = Uploader(alice).share(
        ID, [said(1), said(2, f"The key is {SECRET}")], title=f"Use {SECRET}"
    )

    page = text(as_alice.get(address(trace)))

    assert SECRET not in page
    assert "The trace itself" in page
    assert '<th scope="row">2</th>' in page
    assert '<th scope="row">1</th>' not in page
    assert "textContent" in page


def test_many_redactions_come_page_by_page(as_alice, alice):
    trace = Uploader(alice).share(ID, [said(n, f"No {n}: {SECRET}") for n in range(1, 71)])
    first = as_alice.get(address(trace))

    rest = as_alice.get(address(trace), {"redactions": first.context["more_redactions"]})

    positions = [p for page in (first, rest) for p, _told in page.context["of_messages"]]
    assert positions == list(range(1, 71))
    assert "its beginning" in text(as_alice.get(address(trace) + "?redactions=bogus"))


# --- Transfer, unshare ---------------------------------------------------------------------------


def test_a_transfer_keeps_the_link_and_says_who_may_read(as_alice, alice, shared):
    acme = organisation("acme", member=alice)
    acme.trace_visibilities = ["private"]
    acme.save()

    response = as_alice.post(address(shared, "transfer/"), {"namespace": acme.pk}, follow=True)

    assert "belongs to @acme now" in text(response)
    moved = Trace.objects.get()
    assert (moved.namespace, moved.public_id, moved.visibility) == (
        acme, shared.public_id, "private",
    )  # fmt: skip


def test_a_transfer_goes_to_ones_own_namespaces_only(as_alice, alice, charlie, shared):
    acme = organisation("acme", member=alice)
    for target in (charlie.namespace.pk, 999_999, "x", ""):
        response = as_alice.post(address(shared, "transfer/"), {"namespace": target})
        assert response.status_code == 422
    Trace.objects.create(
        namespace=acme, external_id=ID, agent_id="x", client_title="y", visibility="direct"
    )

    response = as_alice.post(address(shared, "transfer/"), {"namespace": acme.pk})

    assert response.status_code == 422
    assert "@acme has a trace with this id already." in text(response)
    assert Trace.objects.get(pk=shared.pk).namespace == alice.namespace


def test_unsharing_asks_then_hides_and_the_same_link_comes_back(as_alice, alice, shared):
    asked = text(as_alice.get(address(shared, "unshare/")))
    assert "5</data> messages" in asked
    assert Trace.objects.published().count() == 1

    done = as_alice.post(address(shared, "unshare/"), follow=True)

    assert "is not shared any more" in text(done)
    assert Trace.objects.get().message_count == 0
    assert "Not shared any more" in text(as_alice.get(address(shared)))
    again = as_alice.post(address(shared, "unshare/"), follow=True)
    assert "taken back before" in text(again)
    assert as_alice.post(address(shared), {"own_title": "Late"}).status_code == 302
    assert as_alice.post(address(shared, "transfer/"), {"namespace": 1}).status_code == 422
    assert Uploader(alice).share(ID, session(2)).public_id == shared.public_id


def test_every_form_needs_its_token(alice, shared):
    strict = sign_in(Client(), alice)
    strict.handler.enforce_csrf_checks = True

    for end in ("", "transfer/", "unshare/"):
        assert strict.post(address(shared, end)).status_code == 403
    assert Trace.objects.published().count() == 1
