"""The tab of comments and what is done on it, as visitors, authors and strangers see it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Namespace
from skills.comments import delete_comment, hide_comment
from skills.models import CommentReport, Skill, SkillComment
from tests.factories.accounts import sign_in
from tests.factories.comments import comment_on, many_comments, reported

pytestmark = pytest.mark.django_db

SKILL = "/skills/alice/pdf-tools/"
TAB = f"{SKILL}?tab=comments"
POSTS = f"{SKILL}comments/"


@pytest.fixture
def skill(publish):
    publish()
    return Skill.objects.get()


@pytest.fixture
def reader(client, charlie) -> Client:
    return sign_in(client, charlie)


def page_of(client: Client, address: str = TAB, **headers) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def hide_skill(skill: Skill, status: str = "hidden") -> None:
    Skill.objects.filter(pk=skill.pk).update(moderation_status=status)


# --- Reading --------------------------------------------------------------------------------------


def test_a_visitor_reads_comments_and_is_asked_to_sign_in(client, skill, charlie, alice):
    comment = comment_on(skill, charlie, "Good.\nReally good.")
    comment_on(skill, alice, "Thank you.")

    response = client.get(TAB)
    page = response.content.decode()

    assert f'<li id="c{comment.pk}">' in page
    assert "Good.<br>Really good." in page
    assert page.count('<span class="seal">author</span>') == 1
    assert 'Comments <span class="num">2</span>' in page
    assert f'href="/login/?next={SKILL}%3Ftab%3Dcomments"' in page
    assert "<textarea" not in page
    assert "csrf" not in page
    assert response.headers["Cache-Control"] == "public, max-age=60"


def test_newest_comments_stand_first(client, skill, charlie):
    many_comments(skill, charlie, 3)

    assert re.findall(r"Comment (\d)", page_of(client)) == ["2", "1", "0"]


def test_members_of_the_owner_are_marked_too(client, skill, charlie):
    comment_on(skill, charlie)
    others = Namespace.objects.create(handle="others", kind="org")
    Membership.objects.create(namespace=others, user=charlie)
    assert "seal" not in page_of(client)
    Membership.objects.create(namespace=skill.namespace, user=charlie)

    assert '<span class="seal">author</span>' in page_of(client)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("https://x.example/?a=1&b=2", "https://x.example/?a=1&amp;b=2"),
        (
            "a\u202eb",
            '<mark class="invisible" title="U+202E RIGHT-TO-LEFT OVERRIDE">[U+202E]</mark>',
        ),
        ("{{ 7|add:1 }}{% now %}", "{{ 7|add:1 }}{% now %}"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("<b>\n<i>", "&lt;b&gt;<br>&lt;i&gt;"),
    ],
)
def test_hostile_words_stay_words(client, skill, charlie, text, shown):
    comment_on(skill, charlie, text)

    page = page_of(client)

    assert '<p dir="auto">' in page
    assert shown in page
    assert "x.example" not in re.sub(r"(?s)<p dir=.*?</p>", "", page)


def test_load_more_walks_through_all_and_each_once(client, skill, charlie):
    many_comments(skill, charlie, 120)
    address, seen = TAB, []

    for _ in range(3):
        part = page_of(client, address, **{"HX-Request": "true", "HX-Request-Type": "partial"})
        assert "<html" not in part
        seen += re.findall(r"Comment (\d+)<", part)
        found = re.search(r'hx-get="([^"]+)"', part)
        address = unescape(found[1]) if found else ""

    assert address == ""
    assert seen == [str(n) for n in range(119, -1, -1)]


def test_without_a_script_the_next_page_leads_back_to_the_start(client, skill, charlie):
    many_comments(skill, charlie, 60)
    following = unescape(re.search(r'rel="next" href="([^"]+)"', page_of(client))[1])

    page = page_of(client, following)

    assert len(re.findall(r"Comment \d+<", page)) == 10
    assert "Back to the start" in page
    assert 'name="robots" content="noindex"' in page


def test_a_broken_cursor_shows_the_newest_and_says_so(client, skill, charlie):
    comment_on(skill, charlie)

    page = page_of(client, f"{TAB}&until=nonsense")

    assert "It works." in page
    assert 'class="notice warning"' in page


def test_a_link_to_a_comment_finds_it_behind_any_number(client, skill, charlie):
    first = comment_on(skill, charlie, "The first.")
    many_comments(skill, charlie, 70)

    response = client.get(f"{POSTS}{first.pk}/")

    assert response.status_code == 302
    assert response.url.endswith(f"#c{first.pk}")
    page = page_of(client, response.url)
    assert f'<li id="c{first.pk}">' in page


def test_a_comment_of_another_skill_is_not_found_here(client, publish, skill, charlie):
    publish(slug="other")
    other = comment_on(Skill.objects.get(slug="other"), charlie)

    assert client.get(f"{POSTS}{other.pk}/").status_code == 404


def test_what_is_hidden_or_deleted_is_gone_for_others(client, skill, charlie, mona, alice):
    hidden = comment_on(skill, charlie, "Hidden words.")
    gone = comment_on(skill, charlie, "Deleted words.")
    hide_comment(comment=hidden, seen=0, actor=mona, reason="Not nice.")
    delete_comment(comment=gone, actor=charlie)

    for page in (page_of(client), page_of(sign_in(Client(), alice))):
        assert "words." not in page
        assert "No comments yet" in page
    assert client.get(f"{POSTS}{hidden.pk}/").status_code == 404
    own = page_of(sign_in(Client(), charlie))
    assert "Hidden words." in own
    assert "Reason: Not nice." in own
    assert "Deleted words." in own
    assert own.count("Restore<") == 1


def test_the_newest_five_that_only_their_author_sees_stand_above_the_others(
    reader, skill, charlie, alice
):
    many_comments(skill, alice, 3)
    many_comments(skill, charlie, 7, deleted_at=timezone.now())

    assert re.findall(r"Comment (\d)", page_of(reader)) == [*"65432", *"210"]
    assert re.findall(r"Comment (\d)", page_of(sign_in(Client(), alice))) == [*"210"]


def test_what_was_deleted_long_ago_is_gone_for_its_author_too(reader, skill, charlie):
    delete_comment(comment=comment_on(skill, charlie, "Old words."), actor=charlie)
    SkillComment.objects.update(deleted_at=timezone.now() - timedelta(hours=2))

    assert "Old words." not in page_of(reader)


def test_a_tab_of_a_version_leads_to_the_one_of_the_skill(client, skill):
    response = client.get(f"{SKILL}versions/1.0.0/?tab=comments")

    assert (response.status_code, response.url) == (302, TAB)


def test_comments_of_a_withdrawn_version_are_still_read(client, skill, charlie, alice):
    comment_on(skill, charlie)
    skill.versions.update(withdrawn_at=timezone.now())

    assert "It works." in page_of(sign_in(client, alice))


@pytest.mark.parametrize("count", [1, 50])
def test_the_tab_costs_the_same_with_many_comments(
    reader, skill, charlie, mona, count, django_assert_num_queries
):
    for person in (charlie, mona):
        many_comments(skill, person, count)
    page_of(reader)

    # Skill, session, person, the comments, the version, days, unread notices.
    with django_assert_num_queries(7):
        page_of(reader)


def test_the_api_tells_the_count_at_once(client, skill, charlie):
    comment_on(skill, charlie)

    listed = client.get("/api/v1/skills").json()["items"][0]
    detail = client.get("/api/v1/skills/pdf-tools").json()

    assert (listed["stats"]["comments"], detail["skill"]["stats"]["comments"]) == (1, 1)


# --- Writing --------------------------------------------------------------------------------------


def test_a_person_writes_and_is_led_to_the_words(reader, skill):
    response = reader.post(POSTS, {"text": "Good.\r\nReally."}, follow=True)

    comment = SkillComment.objects.get()
    assert response.redirect_chain == [(f"{TAB}#c{comment.pk}", 302)]
    page = response.content.decode()
    assert "Your comment is published." in page
    assert "Good.<br>Really." in page


def test_without_a_session_writing_leads_to_sign_in(client, skill):
    response = client.post(POSTS, {"text": "Good."})

    assert response.url == f"/login/?next={SKILL}%3Ftab%3Dcomments"
    assert not SkillComment.objects.exists()


def test_writing_needs_the_token_of_the_form(skill, charlie):
    strict = sign_in(Client(), charlie)
    strict.handler.enforce_csrf_checks = True

    assert strict.post(POSTS, {"text": "Good."}).status_code == 403


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Write something"),
        ("\u200b", "Write something"),
        ("é" * 2_001, "at most 2,000"),
        ("a\0b", "Null characters"),
    ],
)
def test_a_refused_comment_keeps_its_words(reader, skill, text, told):
    response = reader.post(POSTS, {"text": text})

    page = response.content.decode()
    assert response.status_code == 422
    assert told in page
    assert "data-error-summary" in page
    assert text.replace("\0", "")[:100] in page.replace("\0", "")
    assert not SkillComment.objects.exists()


def test_line_breaks_of_a_browser_count_once(reader, skill):
    text = "a\r\n" * 999 + "ab"

    assert reader.post(POSTS, {"text": text}).status_code == 302


def test_five_a_minute_then_the_words_wait(reader, skill):
    for n in range(5):
        assert reader.post(POSTS, {"text": f"Comment {n}"}).status_code == 302

    response = reader.post(POSTS, {"text": "The sixth."})

    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert "The sixth.</textarea>" in response.content.decode()
    assert SkillComment.objects.count() == 5


def test_thirty_an_hour(reader, skill, charlie, monkeypatch):
    from skills import comment_views

    monkeypatch.setattr(comment_views, "COMMENT_LIMITS", comment_views.COMMENT_LIMITS[1:])
    for n in range(30):
        assert reader.post(POSTS, {"text": f"Comment {n}"}).status_code == 302

    response = reader.post(POSTS, {"text": "One more."})

    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 3_600


def test_the_same_form_sent_twice_is_one_comment(reader, skill):
    for _ in range(2):
        assert reader.post(POSTS, {"text": "Good."}).status_code == 302

    assert SkillComment.objects.count() == 1


def test_a_banned_session_writes_nothing(reader, skill, charlie):
    charlie.banned_at = timezone.now()
    charlie.save()

    assert reader.post(POSTS, {"text": "Hello."}).url.startswith("/login/")
    assert not SkillComment.objects.exists()


def test_the_owner_of_a_hidden_skill_reads_and_cannot_write(client, skill, charlie, alice):
    comment_on(skill, charlie)
    hide_skill(skill)
    owner = sign_in(client, alice)

    page = page_of(owner)
    response = owner.post(POSTS, {"text": "Why?"})

    assert "It works." in page
    assert "Nobody can comment while this skill is not public." in page
    assert response.status_code == 409
    assert SkillComment.objects.count() == 1


# --- Deleting, restoring --------------------------------------------------------------------------


def test_delete_then_restore(reader, skill, charlie):
    comment = comment_on(skill, charlie, "Mine.")

    page = reader.post(f"{POSTS}{comment.pk}/delete/", follow=True).content.decode()
    assert "You can restore it for an hour." in page
    assert "You deleted this comment." in page

    page = reader.post(f"{POSTS}{comment.pk}/restore/", follow=True).content.decode()
    assert "Your comment is back." in page
    assert "You deleted this comment." not in page


def test_too_late_is_told(reader, skill, charlie):
    comment = comment_on(skill, charlie)
    delete_comment(comment=comment, actor=charlie)
    SkillComment.objects.update(deleted_at=timezone.now() - timedelta(hours=2))

    page = reader.post(f"{POSTS}{comment.pk}/restore/", follow=True).content.decode()

    assert "more than an hour ago" in page


def test_strangers_see_no_button_and_get_404(reader, skill, alice):
    comment = comment_on(skill, alice)

    assert "Delete<" not in page_of(reader)
    for act in ("delete", "restore"):
        assert reader.post(f"{POSTS}{comment.pk}/{act}/").status_code == 404
    comment.refresh_from_db()
    assert comment.is_visible


# --- Reporting ------------------------------------------------------------------------------------


def test_a_report_reaches_staff_once(reader, skill, alice):
    comment = comment_on(skill, alice)
    address = f"{POSTS}{comment.pk}/report/"
    assert f'href="{address}"' in page_of(reader)
    assert "It works." in page_of(reader, address)

    first = reader.post(address, {"kind": "spam", "text": "An ad."}, follow=True)
    again = reader.post(address, {"kind": "spam", "text": "An ad."}, follow=True)

    assert "Staff will look" in first.content.decode()
    assert "You reported this comment before" in again.content.decode()
    assert list(CommentReport.objects.values_list("kind", "text")) == [("spam", "An ad.")]


@pytest.mark.parametrize(
    "said",
    [{}, {"kind": "nonsense"}, {"kind": "spam", "text": "x" * 501}, {"kind": "", "text": "A"}],
)
def test_a_refused_report_keeps_its_words(reader, skill, alice, said):
    comment = comment_on(skill, alice)

    response = reader.post(f"{POSTS}{comment.pk}/report/", said)

    assert response.status_code == 422
    assert said.get("text", "") in response.content.decode()
    assert not CommentReport.objects.exists()


def test_nobody_reports_what_is_their_own_or_gone(reader, skill, charlie, alice):
    own = comment_on(skill, charlie)
    gone = comment_on(skill, alice)
    delete_comment(comment=gone, actor=alice)

    for comment in (own, gone):
        assert reader.post(f"{POSTS}{comment.pk}/report/", {"kind": "spam"}).status_code == 404


def test_signing_in_leads_back_to_the_report(client, skill, alice):
    comment = comment_on(skill, alice)
    address = f"{POSTS}{comment.pk}/report/"

    assert client.get(address).url == f"/login/?next={address}"


def test_the_author_does_not_learn_who_reported(client, skill, charlie, alice, mona):
    comment = reported(skill, charlie, alice, text="Secret words.")
    hide_comment(comment=comment, seen=0, actor=mona, reason="An ad.")

    page = page_of(sign_in(client, charlie))

    assert "An ad." in page
    assert "Secret words." not in page
    assert "mona" not in page
