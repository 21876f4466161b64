"""A link that ends: from that moment strangers find nothing, whatever job ran; members see why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.policy import ANONYMOUS, Actor
from jobs.models import JobRun
from moderation.services.bans import ban_user
from tests.factories.accounts import organisation, sign_in
from tests.factories.traces import Uploader, row_versions, session
from traces.due import Site, Verdict
from traces.lookup import find_trace
from traces.models import Message, SummaryGate, Trace
from traces.services import link_ends
from traces.services.publishing import TraceNotFound

pytestmark = pytest.mark.django_db
ID = "11111111-2222-4333-8444-555555555555"
DAY = timedelta(days=1)


@pytest.fixture
def shared(alice) -> Trace:
    return Uploader(alice).share(ID, session(5))


@pytest.fixture
def as_alice(alice, client) -> Client:
    return sign_in(client, alice)


def settings_of(trace: Trace) -> str:
    return f"/me/traces/{trace.public_id}/"


def choose(client: Client, trace: Trace, **typed: str) -> Any:
    return client.post(settings_of(trace), typed)


def end(trace: Trace, ago: timedelta = timedelta(seconds=1)) -> Trace:
    """Let the chosen end of a link come, with no job that ran since."""
    Trace.objects.filter(pk=trace.pk).update(
        link_ends_at=timezone.now() - ago, visibility_source="web"
    )
    trace.refresh_from_db()
    return trace


def pages(trace: Trace) -> list[str]:
    """Every address under which a trace can be read."""
    found = []
    for name in (trace.public_id, trace.external_id):
        message = Message.objects.filter(trace=trace).order_by("pk")[0].external_id
        found += [
            f"/s/{name}",
            f"/s/{name}/",
            f"/s/{name}/full",
            f"/s/{name}/full?type=user",
            f"/s/{name}?newer=any",
            f"/s/{name}/messages/{message}",
            f"/s/{name}.md",
            f"/t/{name}",
            f"/api/v1/traces/{name}/download",
            f"/v1/traces/{name}/download",
            f"/v1/traces/{name}",
            f"/v1/traces/{name}/messages",
        ]
    return found


def text(response: Any) -> str:
    return response.content.decode()


# --- The moment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("job_ran", [False, True])
def test_strangers_find_nothing_from_that_moment_on_and_members_read_on(
    alice, charlie, mona, client, job_ran
):
    acme = organisation("acme", owner=alice)
    trace = Uploader(alice, acme).share(ID, session(5), title="Quarterly rounding")
    strangers = [Client(), sign_in(Client(), charlie), sign_in(Client(), mona)]
    for path in pages(trace):
        for stranger in strangers:
            assert stranger.get(path).status_code in {200, 302}, path
    assert Uploader(charlie).get(f"/v1/traces/{trace.public_id}").status_code == 200

    end(trace)
    if job_ran:
        call_command("run_job", "purge_messages")

    member = sign_in(client, alice)
    for path in pages(trace):
        for stranger in strangers:
            assert stranger.get(path).status_code == 404, path
        if path.startswith(("/s/", "/t/")):
            assert member.get(path).status_code in {200, 302}, path
    for path in ("", "/messages"):
        address = f"/v1/traces/{trace.public_id}{path}"
        assert Uploader(charlie).get(address).status_code == 404
        assert Uploader(alice, acme).get(address).status_code == 200
    told = Uploader(alice, acme).get(f"/v1/traces/{ID}").json()["data"]["trace"]
    assert told["visibility"] == "private"
    for path in (
        "/t/",
        "/t.atom",
        "/v1/feed",
        "/t/search/?q=rounding",
        "/v1/namespaces/acme/traces",
    ):
        assert trace.public_id not in text(strangers[0].get(path)), path
    assert trace.public_id not in text(Uploader(charlie).get("/v1/search?q=rounding"))


def test_it_is_open_until_its_end_and_not_a_moment_longer(shared):
    Trace.objects.update(link_ends_at=timezone.now() + timedelta(minutes=1))
    assert find_trace(ANONYMOUS, shared.public_id) == shared
    assert list(link_ends.end_links()) == []

    end(shared, timedelta(0))

    with pytest.raises(TraceNotFound):
        find_trace(ANONYMOUS, shared.public_id)


def test_an_end_says_nothing_of_what_everybody_may_list(shared):
    Trace.objects.update(visibility="public", link_ends_at=timezone.now() - DAY)

    assert find_trace(ANONYMOUS, shared.public_id).visibility_now == "public"
    assert list(link_ends.end_links()) == []


def test_staff_read_no_link_that_ended_where_a_ban_withholds_it(mona, ada, alice, shared):
    ban_user(user=alice, actor=ada, reason="Spam.")
    assert find_trace(Actor(user=mona), shared.public_id) == shared

    end(shared)

    with pytest.raises(TraceNotFound):
        find_trace(Actor(user=mona), shared.public_id)


def test_staff_are_not_told_the_title_of_what_is_private_by_now(ada, shared):
    client = sign_in(Client(), ada)
    address = f"/staff/traces/{shared.public_id}/"
    assert "Fix the rounding bug" in text(client.get(address))

    end(shared)

    page = text(client.get(address))
    assert "Fix the rounding bug" not in page
    assert "link ended" in page


def test_nobody_takes_the_claim_of_a_link_that_ended(shared, charlie):
    end(shared)
    call_command("run_job", "purge_messages")
    Uploader(charlie).share(ID, session(2), visibility="public")

    with pytest.raises(TraceNotFound):
        find_trace(ANONYMOUS, ID)


def test_nothing_of_it_goes_to_a_model_from_then_on(shared):
    judged = Trace.objects.with_summary_verdict(Site(), asked=True)
    assert judged.get().summary_verdict == Verdict.DUE

    end(shared)

    assert judged.get().summary_verdict == Verdict.PRIVATE
    call_command("run_job", "purge_messages")
    assert Trace.objects.get().summary_gate == SummaryGate.PRIVATE


# --- The job -------------------------------------------------------------------------------------


def test_the_job_makes_it_private_once_with_an_audit_row(shared, alice):
    other = Uploader(alice).share("other", session(2))
    Trace.objects.filter(pk=other.pk).update(link_ends_at=timezone.now() + DAY)
    before = end(shared).updated_at

    for _ in range(2):
        call_command("run_job", "purge_messages")

    trace = Trace.objects.get(pk=shared.pk)
    assert (trace.visibility, trace.visibility_source) == ("private", "web")
    assert trace.link_has_ended
    assert trace.updated_at == before
    assert Trace.objects.get(pk=other.pk).visibility == "direct"
    event = AuditEvent.objects.get(verb="trace.link_ended")
    assert (event.actor, event.object_id) == (None, trace.pk)
    assert JobRun.objects.latest("pk").result == {"messages": 0}
    assert JobRun.objects.earliest("pk").result == {"messages": 0, "links": 1}
    assert (event.before, event.after) == ({"visibility": "direct"}, {"visibility": "private"})


def test_the_job_goes_by_batches_and_ends_what_was_taken_back_too(shared, alice, monkeypatch):
    monkeypatch.setattr(link_ends, "BATCH", 2)
    for n in range(4):
        end(Uploader(alice).share(f"t{n}", []))
    end(shared)
    Trace.objects.filter(pk=shared.pk).update(unpublished_at=timezone.now())

    assert list(link_ends.end_links()) == [2, 2, 1]
    assert set(Trace.objects.values_list("visibility", flat=True)) == {"private"}


def test_what_was_opened_again_while_the_job_ran_stays_open(shared):
    end(shared)
    keys = [shared.pk]
    Trace.objects.update(link_ends_at=timezone.now() + DAY)

    assert link_ends._end(keys) == 0

    assert Trace.objects.get().visibility == "direct"
    assert not AuditEvent.objects.filter(verb="trace.link_ended").exists()


# --- Choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_author_chooses_when_the_link_ends(as_alice, shared, days):
    response = choose(as_alice, shared, link_end=str(days))

    assert response.status_code == 302
    trace = Trace.objects.get()
    assert abs(trace.link_ends_at - timezone.now() - days * DAY) < timedelta(minutes=1)
    assert (trace.visibility, trace.visibility_source) == ("direct", "web")
    event = AuditEvent.objects.get(verb="trace.settings")
    assert event.after["link_ends_at"].startswith(f"{trace.link_ends_at:%Y-%m-%dT%H:%M}")
    for path in (settings_of(trace), "/me/traces/", f"/s/{trace.public_id}"):
        assert "ends <time" in text(as_alice.get(path)) or "As it is" in text(as_alice.get(path))


def test_a_day_that_is_named_ends_with_that_day(as_alice, shared):
    day = timezone.now() + 3 * DAY

    choose(as_alice, shared, link_end="day", link_end_day=f"{day:%Y-%m-%d}")

    ends_at = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
    assert Trace.objects.get().link_ends_at == ends_at


def test_the_end_is_kept_or_taken_away(as_alice, shared):
    choose(as_alice, shared, link_end="7")
    ends_at = Trace.objects.get().link_ends_at

    choose(as_alice, shared, link_end="as-it-is")
    assert Trace.objects.get().link_ends_at == ends_at
    choose(as_alice, shared, link_end="never")

    assert Trace.objects.get().link_ends_at is None
    assert AuditEvent.objects.filter(verb="trace.settings").count() == 2


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2020-01-01", "That day has passed"),
        ("0001-01-01", "That day has passed"),
        ("9999-12-31", "Name a day within a year"),
        ("99999-01-01", "Write the day as"),
        ("2026-02-30", "Write the day as"),
        ("tomorrow", "Write the day as"),
        ("<script>alert(1)</script>", "Write the day as"),
        ("", "Name the day"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_a_sentence(as_alice, shared, day, told):
    response = choose(as_alice, shared, link_end="day", link_end_day=day)

    assert response.status_code == 422
    page = text(response)
    assert "Not saved" in page
    assert told in page
    assert "<script>alert" not in page
    assert 'value="day" checked' in page
    assert Trace.objects.get().link_ends_at is None
    assert not AuditEvent.objects.filter(verb="trace.settings").exists()


@pytest.mark.parametrize("chosen", ["", "8", "-1", "1e9", "day; --"])
def test_an_end_that_is_no_choice_is_refused(as_alice, shared, chosen):
    response = choose(as_alice, shared, link_end=chosen)

    assert response.status_code == 422
    assert "Choose when the link ends." in text(response)
    assert Trace.objects.get().link_ends_at is None


def test_a_day_beside_another_choice_is_no_choice(as_alice, shared):
    response = choose(as_alice, shared, link_end="never", link_end_day="2026-12-24")

    assert response.status_code == 422
    assert "You named a day, too" in text(response)
    assert 'value="2026-12-24"' in text(response)


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_what_has_no_link_has_no_end(as_alice, alice, visibility):
    trace = Uploader(alice).share(ID, [], visibility=visibility)

    response = choose(as_alice, trace, link_end="7")

    assert response.status_code == 422
    assert "no link that could end" in text(response)
    assert "link-end" not in text(as_alice.get(settings_of(trace)))
    assert Trace.objects.get().visibility == visibility


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_another_visibility_forgets_the_end(as_alice, shared, visibility):
    choose(as_alice, shared, link_end="7")

    choose(as_alice, shared, visibility=visibility)

    trace = Trace.objects.get()
    assert (trace.visibility, trace.link_ends_at) == (visibility, None)


def test_who_may_not_manage_it_may_not_choose_its_end(client, alice, charlie):
    acme = organisation("acme", owner=alice, member=charlie)
    trace = Uploader(alice, acme).share(ID, session(2))

    assert choose(sign_in(client, charlie), trace, link_end="7").status_code == 404
    end(trace)

    page = text(client.get(settings_of(trace)))
    assert "Link ended." in page
    assert "Open it again" not in page
    assert choose(client, trace, link_end="7").status_code == 404


# --- Opening again -------------------------------------------------------------------------------


@pytest.mark.parametrize("job_ran", [False, True])
def test_its_author_sees_that_it_ended_and_opens_it_again(as_alice, shared, job_ran):
    end(shared)
    if job_ran:
        call_command("run_job", "purge_messages")
    assert "link ended" in text(as_alice.get("/me/traces/"))
    assert "Link ended" in text(as_alice.get(f"/s/{shared.public_id}"))
    page = text(as_alice.get(settings_of(shared)))
    assert "Link ended." in page
    assert 'value="7" checked' in page
    assert 'value="private" checked' in page

    assert choose(as_alice, shared, link_end="7").status_code == 302

    trace = find_trace(ANONYMOUS, shared.public_id)
    assert trace.visibility == "direct"
    assert trace.link_ends_at > timezone.now()
    assert "Link ended" not in text(as_alice.get(settings_of(trace)))


@pytest.mark.parametrize("job_ran", [False, True])
def test_it_is_opened_again_by_its_visibility_too_and_private_stays_ended(
    as_alice, shared, job_ran
):
    end(shared)
    if job_ran:
        call_command("run_job", "purge_messages")

    choose(as_alice, shared, visibility="private")
    assert Trace.objects.get().link_has_ended
    choose(as_alice, shared, visibility="direct")

    trace = find_trace(ANONYMOUS, shared.public_id)
    assert trace.link_ends_at is None


def test_a_namespace_that_allows_no_links_opens_none_again(as_alice, alice, shared):
    end(shared)
    namespace = alice.namespace
    namespace.trace_visibilities = ["private"]
    namespace.save()

    response = choose(as_alice, shared, link_end="7")

    assert response.status_code == 422
    assert "does not allow direct traces" in text(response)
    with pytest.raises(TraceNotFound):
        find_trace(ANONYMOUS, shared.public_id)


# --- Sharing again -------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["direct", "public"])
@pytest.mark.parametrize("state", ["open", "ended", "job ran"])
def test_sharing_again_neither_extends_nor_opens_it(alice, as_alice, shared, asked, state):
    choose(as_alice, shared, link_end="7")
    if state != "open":
        end(shared)
    if state == "job ran":
        call_command("run_job", "purge_messages")
    before = Trace.objects.get()
    versions = row_versions()

    answer = Uploader(alice).put(ID, visibility=asked)

    assert answer.status_code == 200
    assert answer.json()["data"]["trace"]["visibility"] == before.visibility_now
    assert row_versions() == versions
    assert Trace.objects.get().link_ends_at == before.link_ends_at
    assert Uploader(alice).share(ID, session(8)).message_count == 8


def test_a_client_that_asks_for_private_gets_it_and_the_end_goes(alice, as_alice, shared):
    choose(as_alice, shared, link_end="7")

    Uploader(alice).put(ID, visibility="private")

    trace = Trace.objects.get()
    assert (trace.visibility, trace.link_ends_at) == ("private", None)


def test_a_client_that_asks_for_private_leaves_a_link_ended(alice, shared):
    ends_at = end(shared).link_ends_at

    Uploader(alice).put(ID, visibility="private")

    trace = Trace.objects.get()
    assert (trace.visibility, trace.link_ends_at) == ("private", ends_at)
    assert trace.link_has_ended


def test_taking_back_and_sharing_again_keeps_the_end(alice, as_alice, shared):
    choose(as_alice, shared, link_end="7")
    ends_at = Trace.objects.get().link_ends_at

    as_alice.post(f"{settings_of(shared)}unshare/")
    again = Uploader(alice).share(ID, session(2))

    assert (again.visibility, again.link_ends_at) == ("direct", ends_at)


@pytest.mark.parametrize(
    ("has_ended", "allowed", "visibility", "keeps_end"),
    [
        (False, ["direct"], "direct", True),
        (False, ["private"], "private", False),
        (True, ["direct", "private"], "private", True),
    ],
)
def test_a_transfer_keeps_an_end_or_an_ended_link(
    alice, as_alice, shared, has_ended, allowed, visibility, keeps_end
):
    acme = organisation("acme", owner=alice)
    acme.trace_visibilities = allowed
    acme.save()
    choose(as_alice, shared, link_end="7")
    if has_ended:
        end(shared)

    as_alice.post(f"{settings_of(shared)}transfer/", {"namespace": acme.pk})

    trace = Trace.objects.get()
    assert (trace.namespace, trace.visibility) == (acme, visibility)
    assert (trace.link_ends_at is not None) == keeps_end
