"""A trace comes, changes, moves and goes; who may read it; what its id means."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership, Namespace, NamespaceKind
from accounts.policy import Actor
from tests.factories.traces import Uploader, refusal, session
from traces.models import Trace
from traces.services.publishing import TraceExists, change_settings, transfer

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def uploader(alice) -> Uploader:
    return Uploader(alice)


@pytest.fixture
def acme(alice) -> Namespace:
    namespace = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(namespace=namespace, user=alice, role="owner")
    return namespace


def shown(uploader: Uploader, wanted: str = ID) -> dict:
    return uploader.get(f"/v1/traces/{wanted}").json()["data"]["trace"]


def test_a_trace_is_told_in_every_spelling_of_the_client(uploader, alice):
    uploader.share(ID, session(3), model="gpt-5-codex", projectName="app", gitBranch="main")

    told = shown(uploader)

    assert told["externalId"] == ID
    assert told["title"] == told["clientTitle"] == "Fix the rounding bug"
    assert (told["titleSource"], told["messageCount"]) == ("client", 3)
    assert told["namespace"] == {"id": str(alice.namespace.pk), "slug": "alice"}
    assert told["author"] == {"id": str(alice.pk), "slug": "alice"}
    assert (told["createdBy"], told["userSlug"]) == (str(alice.pk), "alice")
    assert told["sharedUrl"].endswith(f"/s/{told['id']}")
    assert (told["model"], told["projectName"], told["gitBranch"]) == ("gpt-5-codex", "app", "main")
    assert isinstance(told["createdAt"], int)
    assert "gitRef" not in told


def test_the_same_trace_again_writes_nothing_and_an_absent_field_stays(uploader):
    first = uploader.share(ID, [], gitBranch="main")

    again = uploader.share(ID, [])

    assert again.updated_at == first.updated_at
    assert again.git_branch == "main"
    assert AuditEvent.objects.filter(verb="trace.publish").count() == 1


def test_the_effective_title_is_the_authors_else_the_ais_else_the_clients(uploader, alice):
    trace = uploader.share(ID, session(2))
    Trace.objects.filter(pk=trace.pk).update(ai_title="Round totals to cents")
    assert (shown(uploader)["title"], shown(uploader)["titleSource"]) == (
        "Round totals to cents",
        "ai",
    )

    change_settings(actor=Actor(user=alice), trace=trace, own_title="My title")

    told = shown(uploader)
    assert (told["title"], told["titleSource"]) == ("My title", "own")
    assert (told["userTitle"], told["aiTitle"], told["clientTitle"]) == (
        "My title", "Round totals to cents", "Fix the rounding bug",
    )  # fmt: skip


# --- Visibility ----------------------------------------------------------------------------------


def test_who_reads_what(uploader, charlie):
    for visibility in ("public", "direct", "private"):
        uploader.share(f"trace-{visibility}", session(2), visibility=visibility)
    ids = {trace.visibility: trace.public_id for trace in Trace.objects.all()}

    for reader in (Uploader(charlie), None):
        client = reader or Client()
        for visibility, wanted in ids.items():
            status = 404 if visibility == "private" else 200
            assert client.get(f"/v1/traces/{wanted}").status_code == status
            assert client.get(f"/v1/traces/{wanted}/messages").status_code == status
            assert client.get(f"/v1/traces/trace-{visibility}").status_code == status
    listed = Client().get("/v1/feed").json()["data"]["traces"]
    assert [trace["visibility"] for trace in listed] == ["public"]
    listed = Uploader(charlie).get("/v1/namespaces/alice/traces").json()["data"]["traces"]
    assert [trace["visibility"] for trace in listed] == ["public"]
    listed = uploader.get("/v1/namespaces/@alice/traces").json()["data"]["traces"]
    assert [trace["visibility"] for trace in listed] == ["private", "direct", "public"]


@pytest.mark.parametrize(
    ("chosen", "asked", "kept"),
    [
        ("private", "public", "private"),
        ("private", "direct", "private"),
        ("direct", "private", "private"),
        ("public", "direct", "direct"),
        ("direct", "direct", "direct"),
    ],
)
def test_a_choice_on_the_page_outlives_what_a_client_names(uploader, alice, chosen, asked, kept):
    trace = uploader.share(ID, [], visibility="direct" if chosen != "direct" else "public")
    change_settings(actor=Actor(user=alice), trace=trace, visibility=chosen)

    uploader.put(ID, visibility=asked)
    uploader.put(ID, visibility="public")

    assert shown(uploader)["visibility"] == kept


def test_without_a_choice_the_client_decides_every_time(uploader):
    uploader.share(ID, [], visibility="public")

    assert shown(uploader)["visibility"] == "public"
    uploader.put(ID, visibility="private")
    uploader.put(ID, visibility="direct")
    assert shown(uploader)["visibility"] == "direct"


def test_a_namespace_makes_traces_more_private_or_refuses_them(uploader, alice):
    namespace = alice.namespace
    namespace.trace_visibilities = ["private"]
    namespace.save()
    uploader.put(ID, visibility="public")
    assert shown(uploader)["visibility"] == "private"

    namespace.trace_policy = "reject"
    namespace.save()
    assert refusal(uploader.put(ID, visibility="public")) == (422, "VISIBILITY_NOT_ALLOWED")

    namespace.trace_policy = "clamp"
    namespace.trace_visibilities = ["public"]
    namespace.save()
    # Never more open than asked.
    assert refusal(uploader.put(ID, visibility="private")) == (422, "VISIBILITY_NOT_ALLOWED")


# --- Ids, namespaces, transfer -------------------------------------------------------------------


def test_an_id_of_the_client_belongs_to_its_owner(uploader, charlie):
    mine = uploader.share(ID, session(2), visibility="public")
    theirs = Uploader(charlie).share(ID, session(4), visibility="public")

    assert mine.public_id != theirs.public_id
    assert shown(uploader)["messageCount"] == 2
    assert shown(Uploader(charlie))["messageCount"] == 4
    # To everybody else the older one, also while it is taken back: nobody takes over its link.
    assert Client().get(f"/v1/traces/{ID}").json()["data"]["trace"]["id"] == mine.public_id
    uploader.send("DELETE", f"/v1/traces/{ID}", b"")
    assert Client().get(f"/v1/traces/{ID}").status_code == 404


def test_what_is_somebody_elses_is_not_there(uploader, charlie):
    trace = uploader.share(ID, session(2))
    other = Uploader(charlie)

    for wanted in (ID, trace.public_id):
        assert refusal(other.send("DELETE", f"/v1/traces/{wanted}", b"")) == (
            404,
            "TRACE_NOT_FOUND",
        )
        assert refusal(other.post(wanted, session(3))) == (404, "TRACE_NOT_FOUND")
        moved = other.send(
            "POST",
            f"/v1/traces/{wanted}/transfer",
            {"targetNamespaceId": str(charlie.namespace.pk)},
        )
        assert refusal(moved) == (404, "TRACE_NOT_FOUND")
    assert Trace.objects.get().message_count == 2


def test_a_trace_moves_with_its_link_and_the_old_place_is_a_conflict(uploader, alice, acme):
    trace = uploader.share(ID, session(3))

    moved = uploader.send("POST", f"/v1/traces/{ID}/transfer", {"targetNamespaceId": str(acme.pk)})
    # A key of one namespace reaches no other.
    assert refusal(moved) == (404, "NAMESPACE_NOT_FOUND")
    transfer(actor=Actor(user=alice), trace=trace, target=acme)

    told = Client().get(f"/v1/traces/{trace.public_id}").json()["data"]["trace"]
    assert (told["namespace"]["slug"], told["messageCount"]) == ("acme", 3)
    conflict = uploader.put(ID)
    assert refusal(conflict) == (409, "NAMESPACE_CONFLICT")
    assert "published to a different namespace" in conflict.json()["error"]["message"]
    assert Uploader(alice, acme).put(ID).status_code == 200


@pytest.mark.parametrize("target", [None, 7, [], {}, "", "0", "x" * 300, "9" * 40, "\u0661"])
def test_a_transfer_to_what_is_no_namespace_of_ones_own_is_refused(uploader, target):
    uploader.share(ID, session(1))

    moved = uploader.send("POST", f"/v1/traces/{ID}/transfer", {"targetNamespaceId": target})

    assert refusal(moved) == (404, "NAMESPACE_NOT_FOUND")


def test_a_transfer_never_meets_another_trace_of_the_same_id(uploader, alice, acme):
    trace = uploader.share(ID, session(3))
    Trace.objects.create(
        namespace=acme, external_id=ID, agent_id="x", client_title="y", visibility="direct"
    )

    with pytest.raises(TraceExists):
        transfer(actor=Actor(user=alice), trace=trace, target=acme)


def test_unpublishing_twice_is_once_and_clears_what_was_said_of_it(uploader):
    trace = uploader.share(ID, session(3))
    Trace.objects.filter(pk=trace.pk).update(ai_title="T", ai_summary="S", summary_message_count=3)

    for _ in range(2):
        assert uploader.send("DELETE", f"/v1/traces/{ID}", b"").status_code == 200

    gone = Trace.objects.get()
    assert (gone.generation, gone.ai_title, gone.ai_summary, gone.summary_message_count) == (
        2,
        "",
        "",
        0,
    )
    assert AuditEvent.objects.filter(verb="trace.unpublish").count() == 1
    assert uploader.get("/v1/traces").json()["data"]["traces"] == []


# --- Lists, scopes, input ------------------------------------------------------------------------


def test_lists_go_on_behind_a_cursor_and_end(uploader):
    for n in range(5):
        uploader.put(f"trace-{n}", visibility="public")
    seen, cursor = [], ""
    for _ in range(9):
        data = uploader.get(f"/v1/namespaces/alice/traces?limit=2&cursor={cursor}").json()["data"]
        seen += [trace["externalId"] for trace in data["traces"]]
        cursor = data["continueCursor"]
        if data["isDone"]:
            break

    assert seen == [f"trace-{n}" for n in (4, 3, 2, 1, 0)]
    assert cursor is None
    assert refusal(uploader.get("/v1/feed?cursor=bogus")) == (400, "CURSOR_INVALID")


def test_a_repository_lists_public_traces_and_those_of_ones_own(uploader, charlie):
    repository = "https://git.example/acme/app"
    uploader.put("mine", visibility="private", gitRemoteUrl=repository)
    other = Uploader(charlie)
    other.put("open", visibility="public", gitRemoteUrl=repository)
    other.put("closed", visibility="direct", gitRemoteUrl=repository)

    listed = uploader.get(f"/v1/traces?gitRemoteUrl={repository}&limit=256").json()["data"][
        "traces"
    ]

    assert [trace["externalId"] for trace in listed] == ["open", "mine"]


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["traces:write"], {"put": 200, "get": 200, "messages": 403, "list": 403}),
        (["traces:read"], {"put": 403, "get": 200, "messages": 200, "list": 200}),
        (["namespace:read"], {"put": 403, "get": 403, "messages": 403, "list": 403}),
    ],
)
def test_a_key_does_what_its_scopes_say(uploader, alice, scopes, statuses):
    uploader.share(ID, session(2), visibility="private")
    key = Uploader(alice, scopes=scopes)

    assert {
        "put": key.put(ID, visibility="private").status_code,
        "get": key.get(f"/v1/traces/{ID}").status_code,
        "messages": key.get(f"/v1/traces/{ID}/messages").status_code,
        "list": key.get("/v1/traces").status_code,
    } == statuses


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"visibility": "everybody"}, "TRACE_INVALID"),
        ({"visibility": None}, "TRACE_INVALID"),
        ({"visibility": ["public"]}, "TRACE_INVALID"),
        ({"title": 7}, "TRACE_INVALID"),
        ({"title": "x" * 30_000}, "TRACE_INVALID"),
    ],
)
def test_a_bad_trace_is_refused(uploader, fields, code):
    assert refusal(uploader.put(ID, **fields)) == (422, code)
    assert Trace.objects.count() == 0


def test_an_id_may_hold_slashes_and_colons(uploader):
    for strange in ("transcript:abc", "a/b:c", "messages"):
        uploader.share(strange, session(2))
        assert shown(uploader, strange.replace(":", "%3A"))["messageCount"] == 2
    assert refusal(uploader.put("x" * 300)) == (422, "TRACE_INVALID")


def test_no_token_reads_what_is_open_and_writes_nothing():
    assert refusal(Client().put(f"/v1/traces/{ID}", b"{}", content_type="application/json")) == (
        401, "TOKEN_MISSING",
    )  # fmt: skip
    assert refusal(Client().get("/v1/traces")) == (401, "TOKEN_MISSING")
    assert Client().get("/v1/feed").json() == {
        "ok": True, "data": {"traces": [], "continueCursor": None, "isDone": True},
    }  # fmt: skip


def test_in_an_organisation_members_add_to_a_trace_and_its_author_and_admins_decide(
    alice, charlie, mona, acme
):
    for person in (charlie, mona):
        Membership.objects.create(namespace=acme, user=person, role="member")
    author, member = Uploader(charlie, acme), Uploader(mona, acme)
    author.share(ID, session(2))

    assert member.post(ID, session(4)).json()["data"]["messageCount"] == 4
    assert refusal(member.send("DELETE", f"/v1/traces/{ID}", b"")) == (403, "ADMIN_REQUIRED")
    assert member.put(ID, visibility="public", title="Ours").status_code == 200
    assert (shown(member)["visibility"], shown(member)["title"]) == ("direct", "Ours")
    assert Uploader(alice, acme).send("DELETE", f"/v1/traces/{ID}", b"").status_code == 200
    assert refusal(member.put(ID)) == (403, "ADMIN_REQUIRED")
    author.share(ID, session(2))
    assert author.send("DELETE", f"/v1/traces/{ID}", b"").status_code == 200
