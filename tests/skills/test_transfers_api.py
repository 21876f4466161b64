"""Handing a skill over by client: offered, accepted, rejected, cancelled; and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Scope
from skills.lifecycle import delete_skill
from skills.models import HoldKind, Skill, SkillAlias, SkillTransfer
from skills.transfers import (
    TransferNotFound,
    accept_transfer,
    cancel_transfer,
    reject_transfer,
    request_transfer,
)
from tests.factories.accounts import organisation
from tests.factories.skills import NamespaceFactory, hold, publish_skill
from tests.factories.tokens import Caller, refusal
from tests.skills import contract

pytestmark = pytest.mark.django_db

API = "/api/v1/skills"
OFFER = f"{API}/pdf-tools/transfer"


@pytest.fixture
def skill(publish) -> Skill:
    return publish().skill


@pytest.fixture
def giver(alice) -> Caller:
    return Caller(alice)


@pytest.fixture
def taker(charlie) -> Caller:
    return Caller(charlie)


def told(response) -> dict:
    assert response.status_code == 200, response.content
    return response.json()


def pending(caller: Caller, direction: str) -> list[dict]:
    answer = told(caller.get(f"/api/v1/transfers/{direction}"))
    assert contract.faults(answer, contract.TRANSFERS) == []
    return answer["transfers"]


def verbs() -> list[str]:
    rows = AuditEvent.objects.filter(verb__startswith="transfer.").order_by("pk")
    return list(rows.values_list("verb", flat=True))


def test_an_offer_is_seen_by_both_and_accepted(client, giver, taker, skill):
    answer = told(giver.post(OFFER, toUserHandle="@Charlie", message="Yours?"))

    transfer = SkillTransfer.objects.get()
    assert contract.faults(answer, contract.TRANSFER) == []
    assert (answer["transferId"], answer["toUserHandle"], answer["transferred"]) == (
        str(transfer.pk),
        "charlie",
        False,
    )
    assert told(giver.post(OFFER, toUserHandle="charlie"))["transferId"] == answer["transferId"]
    (incoming,), (outgoing,) = pending(taker, "incoming"), pending(giver, "outgoing")
    assert (incoming["fromUser"]["handle"], incoming["message"]) == ("alice", "Yours?")
    assert outgoing["toUser"]["handle"] == "charlie"
    assert pending(giver, "incoming") == pending(taker, "outgoing") == []

    assert told(taker.post(f"{OFFER}/accept")) == {"ok": True, "skillSlug": "pdf-tools"}

    skill.refresh_from_db()
    assert skill.owner_handle == "charlie"
    for name in ("pdf-tools", "@alice/pdf-tools", "@charlie/pdf-tools"):
        assert told(client.get(f"{API}/{name}"))["owner"]["handle"] == "charlie"
    assert client.get("/skills/alice/pdf-tools/").url == "/skills/charlie/pdf-tools/"
    assert refusal(taker.post(f"{OFFER}/accept")) == (404, "transfer_not_found")
    assert refusal(giver.delete(f"{API}/pdf-tools")) == (403, "not_owner")
    assert verbs() == ["transfer.request", "transfer.accept"]


@pytest.mark.parametrize("action", ["reject", "cancel"])
def test_an_offer_is_turned_down_or_taken_back(giver, taker, skill, action):
    told(giver.post(OFFER, toUserHandle="charlie"))
    right, wrong = (taker, giver) if action == "reject" else (giver, taker)

    assert refusal(wrong.post(f"{OFFER}/{action}")) == (404, "transfer_not_found")
    told(right.post(f"{OFFER}/{action}"))

    assert refusal(right.post(f"{OFFER}/{action}")) == (404, "transfer_not_found")
    assert refusal(taker.post(f"{OFFER}/accept")) == (404, "transfer_not_found")
    skill.refresh_from_db()
    assert skill.owner_handle == "alice"
    assert verbs() == ["transfer.request", f"transfer.{action}"]


def test_an_offer_lasts_a_week(giver, taker, mona, skill):
    told(giver.post(OFFER, toUserHandle="charlie"))
    lasts = SkillTransfer.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < lasts < timedelta(days=7, seconds=1)
    SkillTransfer.objects.update(expires_at=timezone.now())

    assert pending(taker, "incoming") == []
    assert refusal(taker.post(f"{OFFER}/accept")) == (404, "transfer_not_found")
    told(giver.post(OFFER, toUserHandle="mona"))
    assert sorted(SkillTransfer.objects.values_list("state", flat=True)) == ["expired", "pending"]


def test_an_answer_that_comes_too_late_writes_nothing(charlie, alice, skill):
    transfer = request_transfer(skill=skill, to=charlie.namespace, actor=alice)
    SkillTransfer.objects.update(expires_at=timezone.now())

    for answer, actor in (
        (accept_transfer, charlie),
        (reject_transfer, charlie),
        (cancel_transfer, alice),
    ):
        with CaptureQueriesContext(connection) as captured, pytest.raises(TransferNotFound):
            answer(transfer=transfer, actor=actor)
        assert not [query for query in captured if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert SkillTransfer.objects.get().state == "pending"
    delete_skill(skill=skill, actor=alice)
    assert SkillTransfer.objects.get().state == "expired"
    assert verbs() == ["transfer.request"]


def test_an_offer_that_cannot_be_is_refused(giver, alice, charlie, mona, skill):
    NamespaceFactory(handle="unclaimed")
    mona.banned_at = timezone.now()
    mona.save()

    for handle, wanted in (
        ("alice", (400, "transfer_refused")),
        ("mona", (400, "transfer_refused")),
        ("unclaimed", (404, "person_not_found")),
        ("nobody", (404, "person_not_found")),
        ("", (404, "person_not_found")),
    ):
        assert refusal(giver.post(OFFER, toUserHandle=handle)) == wanted, handle
    told(giver.post(OFFER, toUserHandle="charlie"))
    organisation("acme", owner=charlie)
    assert refusal(giver.post(OFFER, toUserHandle="acme")) == (400, "transfer_refused")
    assert SkillTransfer.objects.count() == 1


@pytest.mark.parametrize("kind", HoldKind.values)
def test_a_hidden_skill_goes_nowhere(giver, taker, skill, kind):
    told(giver.post(OFFER, toUserHandle="charlie"))
    hold(skill, kind)

    for answer in (giver.post(OFFER, toUserHandle="charlie"), taker.post(f"{OFFER}/accept")):
        assert answer.status_code in {403, 410}
    skill.refresh_from_db()
    assert skill.owner_handle == "alice"
    assert SkillTransfer.objects.get().state == "pending"


def test_a_deleted_skill_is_offered_no_more(giver, taker, skill):
    told(giver.post(OFFER, toUserHandle="charlie"))
    told(giver.delete(f"{API}/pdf-tools"))

    assert refusal(giver.post(OFFER, toUserHandle="charlie")) == (410, "deleted")
    assert refusal(taker.post(f"{OFFER}/accept")) == (404, "transfer_not_found")
    assert verbs() == ["transfer.request", "transfer.cancel"]


def test_a_name_that_the_new_owner_uses_is_in_the_way(giver, taker, charlie, skill):
    publish_skill(namespace=charlie.namespace, slug="pdf-tools")
    told(giver.post(OFFER, toUserHandle="charlie"))

    assert refusal(taker.post(f"{OFFER}/accept")) == (400, "slug_taken")
    assert SkillTransfer.objects.get().state == "pending"
    told(taker.post(f"{API}/@charlie/pdf-tools/rename", newSlug="paper-tools"))
    # Its old name makes way, as it does for a new skill.
    told(taker.post(f"{OFFER}/accept"))
    assert set(SkillAlias.objects.values_list("namespace__handle", "slug")) == {
        ("alice", "pdf-tools")
    }


def test_between_ones_own_organisations_it_is_done_at_once(alice, giver, charlie):
    one, two = organisation("acme", owner=alice), organisation("beta", admin=alice)
    publish_skill(namespace=one)

    answer = told(giver.post(OFFER, toUserHandle="beta"))

    assert (answer["transferred"], answer["toPublisherHandle"]) == (True, "beta")
    assert Skill.objects.get().namespace_id == two.pk
    assert verbs() == ["transfer.request", "transfer.accept"]


def test_an_organisations_managers_answer_and_its_members_do_not(giver, charlie, mona, skill):
    organisation("acme", owner=charlie, member=mona)
    told(giver.post(OFFER, toUserHandle="acme"))

    assert refusal(Caller(mona).post(f"{OFFER}/accept")) == (404, "transfer_not_found")
    assert pending(Caller(mona), "incoming") == []
    told(Caller(charlie).post(f"{OFFER}/accept"))
    assert Skill.objects.get().owner_handle == "acme"


def test_offers_of_one_name_by_two_owners_are_told_apart(giver, taker, mona, skill):
    publish_skill(namespace=mona.namespace, slug="pdf-tools")
    for caller in (giver, Caller(mona)):
        told(caller.post(OFFER, toUserHandle="charlie"))

    answer = taker.post(f"{OFFER}/accept")
    assert (answer.status_code, answer.json()["code"]) == (409, "AMBIGUOUS_SKILL_SLUG")
    told(taker.post(f"{API}/@mona/pdf-tools/transfer/accept"))
    assert Skill.objects.get(owner_handle="charlie").aliases.get().namespace_id == mona.namespace.pk


@pytest.mark.parametrize("named", ["owner=@Mona", "ownerHandle=mona"])
def test_an_answer_names_the_owner_as_every_call_does(giver, taker, mona, skill, named):
    publish_skill(namespace=mona.namespace, slug="pdf-tools")
    for caller in (giver, Caller(mona)):
        told(caller.post(OFFER, toUserHandle="charlie"))

    told(taker.post(f"{OFFER}/accept?{named}"))

    assert {row.owner_handle for row in Skill.objects.all()} == {"alice", "charlie"}
    told(taker.post(f"{OFFER}/reject", ownerHandle=" @ALICE "))


def test_other_words_are_no_calls(giver, alice, skill):
    assert refusal(giver.post(f"{OFFER}/steal")) == (404, "not_found")
    assert refusal(giver.get("/api/v1/transfers/sideways")) == (404, "not_found")
    writer = Caller(alice, scopes=[Scope.SKILLS_WRITE])
    assert refusal(writer.get("/api/v1/transfers/incoming")) == (403, "scope_missing")
