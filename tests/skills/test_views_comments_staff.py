"""The staff's pages of comments: lists, deciding, being second."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from skills.comments import hide_comment, report_comment
from skills.models import CommentReport, Skill, SkillComment
from tests.factories.accounts import sign_in
from tests.factories.comments import comment_on, many_comments, reported

pytestmark = pytest.mark.django_db

LIST = "/staff/comments/"


@pytest.fixture
def skill(publish):
    publish()
    return Skill.objects.get()


@pytest.fixture
def desk(client, mona) -> Client:
    return sign_in(client, mona)


def page_of(client: Client, address: str = LIST) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def said(comment: SkillComment, reason: str = "An ad.") -> dict[str, str]:
    """What the form of a page sends that shows the comment as this row holds it."""
    reports = comment.reports.order_by("pk").values_list("pk", flat=True)
    return {
        "reason": reason,
        "seen": str(comment.decision_count),
        "up_to": str(list(reports)[-1] if reports else 0),
    }


def test_reported_ones_come_first_reported_first(desk, skill, charlie, alice, ada):
    comment_on(skill, charlie, "Nobody minds.")
    late, early = comment_on(skill, charlie, "Words B."), comment_on(skill, charlie, "Words A.")
    report_comment(comment=early, reporter=alice, kind="abuse", text="Rude <b>words</b>.")
    report_comment(comment=late, reporter=alice, kind="spam")
    report_comment(comment=early, reporter=ada, kind="other")

    page = page_of(desk)

    assert re.findall(r"Words \w", page) == ["Words A", "Words B"]
    assert "Nobody minds." not in page
    assert "Rude &lt;b&gt;words&lt;/b&gt;." in page
    assert "Something else" in page
    assert 'aria-current="page">Comments</a>' in page


def test_the_lists_of_hidden_and_of_all(desk, skill, charlie, ada):
    comment_on(skill, charlie, "Fine.")
    hidden = comment_on(skill, charlie, "Bad.")
    hide_comment(comment=hidden, seen=0, actor=ada, reason="An ad.")

    assert "Nothing is reported" in page_of(desk)
    shown = page_of(desk, f"{LIST}?show=hidden")
    assert ("Bad." in shown, "Fine." in shown, "ada hid this comment" in shown) == (
        True,
        False,
        True,
    )
    everything = page_of(desk, f"{LIST}?show=all")
    assert "Bad." in everything
    assert "Fine." in everything


def test_nonsense_in_the_address_is_told(desk):
    assert "There is no list “x”" in unescape(page_of(desk, f"{LIST}?show=x"))
    assert 'class="notice warning"' in page_of(desk, f"{LIST}?after=x")


@pytest.mark.parametrize("show", ["open", "hidden", "all"])
def test_each_list_goes_on_where_it_stopped(desk, skill, charlie, alice, show):
    from django.utils import timezone

    columns = {"hidden_at": timezone.now()} if show == "hidden" else {}
    made = many_comments(skill, charlie, 60, **columns)
    if show == "open":
        CommentReport.objects.bulk_create(
            CommentReport(comment=comment, reporter=alice, kind="spam") for comment in made
        )
    address, seen = f"{LIST}?show={show}", []

    while address:
        page = page_of(desk, address)
        seen += re.findall(r"Comment (\d+)<", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = LIST + unescape(found[1]) if found else ""

    assert sorted(map(int, seen)) == list(range(60))


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_with_many_reports(
    desk, skill, charlie, alice, ada, count, django_assert_num_queries
):
    for comment in many_comments(skill, charlie, count):
        for person in (alice, ada):
            report_comment(comment=comment, reporter=person, kind="spam")
    page_of(desk)

    with django_assert_num_queries(5):
        page_of(desk)


def test_hide_show_and_dismiss(desk, skill, charlie, alice):
    comment = reported(skill, charlie, alice)
    address = f"{LIST}{comment.pk}/"
    assert "Advertising or spam" in page_of(desk, address)

    response = desk.post(f"{address}hide/", said(comment), follow=True)
    assert "The comment is hidden." in response.content.decode()
    comment.refresh_from_db()
    assert comment.hidden_at is not None
    assert "mona hid this comment" in page_of(desk, address)

    desk.post(f"{address}show/", said(comment, "No ad."))
    comment.refresh_from_db()
    assert comment.is_visible

    report_comment(comment=comment, reporter=alice, kind="abuse")
    response = desk.post(f"{address}dismiss/", said(comment, "It is fine."), follow=True)
    assert "The reports are dismissed." in response.content.decode()
    comment.refresh_from_db()
    assert (comment.is_visible, comment.reported_at) == (True, None)
    assert [r.status for r in comment.reports.order_by("pk")] == ["confirmed", "dismissed"]


def test_who_comes_second_sees_who_was_first_and_keeps_the_words(desk, skill, charlie, alice, ada):
    comment = reported(skill, charlie, alice)
    old_page = said(comment, "My own reason.")
    hide_comment(comment=comment, seen=0, actor=ada, reason="An ad.")

    for act in ("hide", "dismiss"):
        response = desk.post(f"{LIST}{comment.pk}/{act}/", old_page)
        page = response.content.decode()

        assert response.status_code == 409
        assert "ada hid this comment" in page
        assert 'value="My own reason."' in page
        assert f'name="seen" value="{1}"' in page
    comment.refresh_from_db()
    assert (comment.decided_by, comment.decision_count) == (ada, 1)


@pytest.mark.parametrize(
    "changed",
    [{"reason": ""}, {"reason": "x" * 301}, {"seen": "x"}, {"seen": "-1"}, {"up_to": "9" * 30}],
)
def test_a_refused_decision_changes_nothing(desk, skill, charlie, alice, changed):
    comment = reported(skill, charlie, alice)

    response = desk.post(f"{LIST}{comment.pk}/hide/", said(comment) | changed)

    assert response.status_code == 422
    assert "data-error-summary" in response.content.decode()
    comment.refresh_from_db()
    assert comment.is_visible


def test_a_moderator_leaves_their_own_matter_to_others(desk, skill, mona, alice):
    comment = reported(skill, mona, alice)
    address = f"{LIST}{comment.pk}/"

    assert "leave it to somebody else" in page_of(desk, address)
    assert "<form" not in page_of(desk, address).partition("<main")[2]
    response = desk.post(f"{address}dismiss/", said(comment))

    assert response.status_code == 403
    comment.refresh_from_db()
    assert comment.reported_at is not None


def test_hostile_words_stay_words_at_the_desk(desk, skill, charlie, alice):
    comment = comment_on(skill, charlie, "<img src=x onerror=alert(1)>\u202e")
    report_comment(comment=comment, reporter=alice, kind="spam", text="</td><script>")

    for address in (LIST, f"{LIST}{comment.pk}/"):
        page = page_of(desk, address)
        assert "&lt;img src=x" in page
        assert "<img" not in page
        assert "[U+202E]" in page
        assert "&lt;/td&gt;&lt;script&gt;" in page
