"""A ban withholds what a person shared, from everybody but staff; its end gives it back as it was."""

from __future__ import annotations

import orjson
import pytest
from django.test import Client

from accounts.models import Visibility
from accounts.policy import ANONYMOUS, Actor
from accounts.services import TokenRefused
from config.sitemaps import PART_SIZE
from jobs.models import JobRun, RunState
from jobs.services import execute_run
from moderation.services import bans
from moderation.services.bans import ban_user, unban_user
from tests.config.rivals import meet
from tests.factories.accounts import organisation, sign_in
from tests.factories.traces import Uploader, refusal, said, session
from traces.models import Trace
from traces.policy import may_read
from traces.services import publishing
from traces.services.bans import settle_batch

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
WORD = "Zanzibar"
DERIVED = {"is_withheld", "summary_gate"}


def ban(person, mona):
    return ban_user(user=person, actor=mona, reason="Spam.")


def unban(person, ada):
    return unban_user(user=person, actor=ada)


def columns() -> list[dict]:
    """Every column of every trace, but what a ban changes."""
    rows = Trace.objects.order_by("pk").values()
    return [{key: value for key, value in row.items() if key not in DERIVED} for row in rows]


@pytest.fixture
def shared(alice) -> Trace:
    messages = [said(1, f"Why does {WORD} drift?"), *session(5)[1:]]
    return Uploader(alice).share(ID, messages, visibility="public", title=f"About {WORD}")


def lists(client: Client, trace: Trace) -> set[str]:
    """Where a public trace is told of."""
    owner = trace.owner_handle
    addresses = [
        "/t/",
        "/t.atom",
        f"/u/{owner}/",
        f"/t/search/?q={WORD}",
        "/v1/feed",
        f"/v1/search?q={WORD}",
        f"/v1/namespaces/{owner}/traces",
        f"/sitemap-traces-{trace.pk // PART_SIZE}.xml",
    ]
    return {a for a in addresses if trace.public_id in client.get(a).content.decode()}


def pages(trace: Trace) -> list[str]:
    """Every address of one trace."""
    link = f"/s/{trace.public_id}"
    call = f"/v1/traces/{trace.public_id}"
    ours = [link, f"{link}/full", f"{link}.md", f"{link}/messages/event-1"]
    return [*ours, f"/s/{trace.external_id}", call, f"{call}/messages", f"{call}/download"]


def readable(client: Client, trace: Trace) -> set[str]:
    return {address for address in pages(trace) if client.get(address).status_code == 200}


def test_a_banned_persons_traces_are_nowhere_until_the_ban_is_lifted(
    client, shared, alice, mona, ada
):
    before, told = columns(), lists(client, shared)
    assert len(told) == 8, told
    assert readable(client, shared) == set(pages(shared))

    ban(alice, mona)

    assert lists(client, shared) == set()
    assert readable(client, shared) == set()
    assert columns() == before

    unban(alice, ada)

    assert lists(client, shared) == told
    assert readable(client, shared) == set(pages(shared))
    assert columns() == before


def test_its_picture_is_gone_too(client, shared, alice, mona):
    page = client.get(f"/s/{shared.public_id}").content.decode()
    picture = page.split('property="og:image" content="')[1].split('"')[0]
    picture = picture[picture.index("/og/") :]
    assert client.get(picture).status_code == 200

    ban(alice, mona)

    assert client.get(picture).status_code == 404


def test_staff_read_what_is_withheld_and_no_search_engine_is_told(client, shared, alice, mona):
    ban(alice, mona)
    as_mona = sign_in(client, mona)

    page = as_mona.get(f"/s/{shared.public_id}").content.decode()

    assert f"Why does {WORD} drift?" in page
    assert "A ban withholds this trace" in page
    assert 'name="robots" content="noindex' in page
    assert "og/traces" not in page
    assert shared.public_id not in as_mona.get("/t/").content.decode()


def test_staff_read_no_private_trace_of_a_banned_person(client, alice, mona):
    trace = Uploader(alice).share(ID, session(3), visibility="private")
    ban(alice, mona)

    assert sign_in(client, mona).get(f"/s/{trace.public_id}").status_code == 404


def test_the_page_for_admins_says_that_it_is_withheld(client, shared, alice, mona, ada):
    ban(alice, mona)

    page = sign_in(client, ada).get(f"/staff/traces/{shared.public_id}/").content.decode()

    assert "Withheld by a ban." in page


def test_colleagues_lose_what_a_banned_member_shared_and_keep_their_own(
    client, alice, charlie, mona, ada
):
    acme = organisation("acme", owner=alice, admin=charlie)
    hers = Uploader(alice, acme).share(ID, session(3), visibility="public")
    his = Uploader(charlie, acme).share("his", session(3), visibility="public")
    as_charlie = sign_in(client, charlie)

    ban(alice, mona)

    assert [t.public_id for t in Trace.objects.public()] == [his.public_id]
    mine = as_charlie.get("/me/traces/?by=anybody").content.decode()
    assert his.public_id in mine
    assert hers.public_id not in mine
    assert as_charlie.get(f"/me/traces/{hers.public_id}/").status_code == 404
    assert as_charlie.get(f"/s/{hers.public_id}").status_code == 404
    key = Uploader(charlie, acme)
    told = orjson.loads(key.get("/v1/traces").content)["data"]["traces"]
    assert [row["id"] for row in told] == [his.public_id]
    for answer in (
        key.put(ID),
        key.post(ID, [said(9)]),
        key.get(f"/v1/traces/{ID}"),
        key.send("DELETE", f"/v1/traces/{ID}", {}),
    ):
        assert refusal(answer) == (404, "TRACE_NOT_FOUND")

    unban(alice, ada)

    assert as_charlie.get(f"/me/traces/{hers.public_id}/").status_code == 200


def test_what_a_colleague_shared_and_they_moved_to_themselves_is_withheld_too(
    alice, charlie, mona, ada
):
    acme = organisation("acme", owner=alice, admin=charlie)
    his = Uploader(charlie, acme).share(ID, session(3), visibility="public")
    publishing.transfer(actor=Actor(user=alice), trace=his, target=alice.namespace)

    ban(alice, mona)
    assert not Trace.objects.published().exists()

    # Lifting one of two bans that withhold it gives nothing back.
    ban(charlie, mona)
    unban(alice, ada)
    alice.refresh_from_db()
    assert settle_batch(person=alice, size=10) == 0
    assert not Trace.objects.published().exists()

    unban(charlie, ada)
    assert Trace.objects.published().count() == 1


def test_a_banned_persons_keys_upload_nothing(alice, mona, shared):
    acme = organisation("acme", owner=alice)
    keys = Uploader(alice), Uploader(alice, acme)
    ban(alice, mona)

    for key in keys:
        for answer in (key.put("new"), key.post(ID, [said(7)]), key.put_message(ID, said(7))):
            assert refusal(answer) == (401, "ACCOUNT_BANNED")
    assert Trace.objects.count() == 1
    shared.refresh_from_db()
    assert shared.message_count == 5


def test_policy_and_lists_agree(alice, charlie, mona, ada):
    acme = organisation("acme", owner=alice, admin=charlie)
    for uploader in (Uploader(alice), Uploader(alice, acme), Uploader(charlie, acme)):
        for visibility in Visibility.values:
            uploader.share(visibility + str(uploader.headers), session(1), visibility=visibility)
    gone = Trace.objects.first()
    publishing.unpublish(actor=Actor(user=alice), trace=gone)
    ban(alice, mona)

    for actor in (ANONYMOUS, Actor(user=charlie), Actor(user=mona), Actor(user=ada)):
        listed = set(Trace.objects.listed_for(actor))
        for trace in Trace.objects.all():
            if trace in listed:
                assert may_read(actor, trace)
            if trace.is_withheld or trace.unpublished_at:
                assert trace not in listed
                assert may_read(actor, trace) == (
                    actor.is_staff
                    and trace.unpublished_at is None
                    and trace.visibility != Visibility.PRIVATE
                )


# --- Many, and at once ---------------------------------------------------------------------------


def test_the_rest_is_withheld_and_given_back_by_runs(monkeypatch, alice, mona, ada):
    monkeypatch.setattr(bans, "FIRST_TRACES", 2)
    monkeypatch.setattr(bans, "BATCH", 2)
    uploader = Uploader(alice)
    for n in range(7):
        uploader.share(f"t{n}", [said(1)], visibility="public")

    assert ban(alice, mona).is_under_way
    assert list(Trace.objects.order_by("-pk").values_list("is_withheld", flat=True)) == [
        *[True] * 2,
        *[False] * 5,
    ]
    done = execute_run(JobRun.objects.get(kind="apply_bans").pk)
    assert (done.state, done.result["traces"]) == (RunState.SUCCEEDED, 5)
    assert not Trace.objects.published().exists()

    unban(alice, ada)
    execute_run(JobRun.objects.filter(kind="apply_bans").latest("pk").pk)
    assert Trace.objects.published().count() == 7


def test_a_batch_done_twice_changes_nothing(alice, mona, shared):
    ban(alice, mona)
    alice.refresh_from_db()

    assert settle_batch(person=alice, size=10) == 0


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_meets_a_ban_is_withheld_or_refused(alice, mona, ada):
    uploader = Uploader(alice)

    _first, answer = meet(lambda: ban(alice, mona), lambda: uploader.put("late"))
    assert refusal(answer) == (401, "ACCOUNT_BANNED")

    unban(alice, ada)
    actor = Actor(user=alice)
    upload = publishing.Upload(visibility="public", agent_id="x", client_title="y")

    made, _banned = meet(
        lambda: publishing.put_trace(actor=actor, external_id="early", upload=upload),
        lambda: ban(alice, mona),
    )
    assert not isinstance(made, Exception), made
    assert not Trace.objects.published().exists()


@pytest.mark.django_db(transaction=True)
def test_a_move_that_meets_a_ban_is_withheld_or_refused(alice, charlie, mona):
    acme = organisation("acme", owner=alice, admin=charlie)
    his = Uploader(charlie, acme).share(ID, session(3), visibility="public")

    _first, refused = meet(
        lambda: ban(alice, mona),
        lambda: publishing.transfer(actor=Actor(user=alice), trace=his, target=alice.namespace),
    )

    assert isinstance(refused, TokenRefused)
    assert Trace.objects.published().count() == 1
