"""The statement of reasons, and the appeal against a decision."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from moderation.models import Appeal, Notice, ReviewItem
from moderation.services.undo import undo
from tests.factories.accounts import sign_in
from tests.factories.desk import decide_on, decision_on, item_of, person, report
from tests.factories.scans import MALICIOUS, SUSPICIOUS, scan_all

pytestmark = pytest.mark.django_db

WHY = "Line 3 is an example; <b>see</b> the heading."


@pytest.fixture
def flagged(publish):
    published = publish("notes", SUSPICIOUS)
    scan_all()
    return published


@pytest.fixture
def decision(flagged, mona):
    return decide_on(item_of(flagged.version), mona, "changes", note="Mona noted this.")


@pytest.fixture
def own(client, alice):
    return sign_in(client, alice)


def text(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def page_of(decision) -> str:
    return f"/me/decisions/{decision.pk}/"


def appeal_of(decision) -> str:
    return f"{page_of(decision)}appeal/"


def test_it_says_what_changes_why_who_and_until_when(own, decision):
    page = text(own, page_of(decision))

    until = decision.created_at + timedelta(days=30)
    assert "Changes requested" in page
    assert "@alice/notes 1.0.0" in page
    assert "This version is not handed out until its author mends it." in page
    assert "Because of what stands in line 3." in page
    assert 'href="/skills/alice/notes/versions/1.0.0/files/SKILL.md#L3"' in page
    assert decision.evidence[0]["rule"] in page
    assert "a moderator, in person" in page
    assert "a scan" in page
    assert f"Until {until.day} " in page
    assert f'href="{appeal_of(decision)}"' in page
    for secret in ("mona", "Mona noted this."):
        assert secret not in page


def test_of_malware_it_names_the_class_and_the_place_only(own, publish):
    published = publish("notes", MALICIOUS)
    scan_all()
    decision = item_of(published.version).version.decisions.get()

    page = text(own, page_of(decision))

    assert "Version blocked by a scan" in page
    assert "automatically, by the rules of this registry" in page
    assert "reverse shell" in page
    assert "SKILL.md:4" in page
    assert "/dev/tcp/" not in page
    assert decision.evidence[0]["rule"] not in page


def test_of_reports_it_names_nobody(own, publish):
    version = publish().version
    for handle in ("rita", "rolf", "rosa", "rudi"):
        report(version, person(handle), f"{handle} says so")
    decision = version.decisions.get()

    page = text(own, page_of(decision))

    assert "reports of several people" in page
    for handle in ("rita", "rolf", "rosa", "rudi"):
        assert handle not in page


def test_looking_at_it_marks_its_notices_as_read(own, decision):
    own.head(page_of(decision))
    assert Notice.objects.unread().filter(decision=decision).exists()

    text(own, page_of(decision))

    assert not Notice.objects.unread().filter(decision=decision).exists()


@pytest.mark.parametrize("who", ["charlie", "mona", "ada"])
def test_it_is_404_for_everybody_else(decision, who, request):
    other = sign_in(Client(), request.getfixturevalue(who))

    for url in (page_of(decision), appeal_of(decision)):
        assert other.get(url).status_code == 404
    assert other.post(appeal_of(decision), {"text": WHY}).status_code == 404
    assert not Appeal.objects.exists()


def test_a_proposal_and_what_never_was_are_404_to_the_owner(own, flagged, mona):
    proposal = decide_on(item_of(flagged.version), mona, "propose-removal")

    assert own.get(page_of(proposal)).status_code == 404
    assert own.get(f"/me/decisions/{10**18 * 9}/").status_code == 404
    assert own.get(f"/me/decisions/{'9' * 40}/").status_code == 404


def test_an_appeal_joins_the_queue_once_and_shows_its_state(own, decision):
    answer = own.post(appeal_of(decision), {"text": WHY}, follow=True)
    own.post(appeal_of(decision), {"text": WHY})

    made = Appeal.objects.get()
    assert answer.redirect_chain == [(appeal_of(decision), 302)]
    assert ReviewItem.objects.appeals().get().appeal == made
    page = answer.content.decode()
    assert "Open: somebody who did not decide will answer it." in page
    assert "&lt;b&gt;see&lt;/b&gt;" in page
    assert "<textarea" not in page
    assert "Decisions you can answer" not in text(own, "/me/")


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("grant-appeal", "Granted: the decision no longer holds."),
        ("reject-appeal", "Rejected: the decision stands."),
    ],
)
def test_its_answer_is_shown_without_a_name(own, decision, ada, action, told):
    own.post(appeal_of(decision), {"text": WHY})
    item = ReviewItem.objects.appeals().get()
    decide_on(item, ada, action, text="The heading says so.", note="Ada noted this.")

    page = text(own, appeal_of(decision))

    assert told in page
    assert "The heading says so." in page
    assert "Ada noted this." not in page
    assert ">ada<" not in page


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (" ", "Say why the decision is wrong."),
        ("kept " * 1000, "at most 4000 characters"),
        ("kept\0", "Null characters are not allowed."),
    ],
)
def test_a_refused_appeal_keeps_the_draft(own, decision, typed, told):
    answer = own.post(appeal_of(decision), {"text": typed})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert "data-error-summary" in page
    assert ("kept" in page) == ("kept" in typed)
    assert not Appeal.objects.exists()


def test_after_thirty_days_no_appeal_is_taken(own, flagged):
    late = decision_on(
        flagged.version, "hide", created_at=timezone.now() - timedelta(days=30, minutes=1)
    )

    assert "Appeals are taken for 30 days." in text(own, page_of(late))
    assert own.post(appeal_of(late), {"text": WHY}).status_code == 422
    assert "<textarea" not in text(own, appeal_of(late))


def test_a_decision_taken_back_or_replaced_says_so(own, decision, flagged, mona):
    undo(decision_id=decision.pk, actor=mona)
    assert "This decision no longer holds" in text(own, page_of(decision))

    older = decision_on(flagged.version, "caution")
    newer = decision_on(flagged.version, "approve")
    assert f'href="/me/decisions/{newer.pk}/"' in text(own, page_of(older))


def test_what_a_moderator_writes_is_text(own, flagged, mona):
    said = "<img src=x>\u202e {skill}"
    decision = decide_on(item_of(flagged.version), mona, "hide", text=said)

    page = text(own, page_of(decision))

    assert "<img src=x>" not in page
    assert "\u202e" not in page
