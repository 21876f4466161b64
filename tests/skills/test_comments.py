"""What can be done with comments: writing, taking back, reporting, deciding."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Membership
from accounts.policy import Actor
from config.derived import REGISTRY
from config.text import TextRefused
from skills import comments
from skills.listing import list_query, page
from skills.models import CommentReport, Skill, SkillComment, SkillListing
from tests.config.rivals import at_once, meet
from tests.factories.comments import comment_on, many_comments, reported
from tests.factories.skills import NamespaceFactory, publish_skill

pytestmark = pytest.mark.django_db


@pytest.fixture
def skill(publish):
    publish()
    return Skill.objects.get()


def count_of(skill: Skill) -> int:
    """What the skill and its card say, which must be the same."""
    skill.refresh_from_db()
    card = SkillListing.objects.get(skill=skill, facet="").comment_count
    assert skill.comment_count == card
    return card


def verbs() -> list[str]:
    rows = AuditEvent.objects.filter(object_type="skills.skillcomment").order_by("pk")
    return list(rows.values_list("verb", flat=True))


# --- Writing --------------------------------------------------------------------------------------


def test_a_comment_counts_at_once_on_the_skill_and_its_card(skill, charlie):
    made = comments.add_comment(skill=skill, author=charlie, text="  Good.\r\nReally.  ")

    assert made.created
    assert made.comment.text == "Good.\nReally."
    assert count_of(skill) == 1
    assert page(list_query(), limit=5).cards[0].comment_count == 1
    assert verbs() == ["comment.write"]


def test_the_words_stay_out_of_the_audit_trail(skill, charlie):
    comment = comment_on(skill, charlie, "a very rare word")
    comments.report_comment(
        comment=comment, reporter=skill.namespace.user, kind="spam", text="rarer"
    )

    told = str(list(AuditEvent.objects.values("object_label", "before", "after", "reason")))

    assert "rare" not in told


@pytest.mark.parametrize("text", ["", "   \n ", "\u200b\u2060", "x" * 2_001])
def test_nothing_and_too_much_are_refused(skill, charlie, text):
    with pytest.raises(comments.CommentInvalid):
        comments.add_comment(skill=skill, author=charlie, text=text)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_cannot_be_stored_is_refused(skill, charlie, text):
    with pytest.raises(TextRefused):
        comments.add_comment(skill=skill, author=charlie, text=text)


def test_the_longest_comment_fits_and_empty_lines_shrink(skill, charlie):
    assert comment_on(skill, charlie, "é" * 2_000).text == "é" * 2_000
    assert comment_on(skill, charlie, "a\n\n \n\n\nb").text == "a\n\nb"


def test_the_same_words_twice_in_a_row_are_one_comment(skill, charlie, mona):
    first = comments.add_comment(skill=skill, author=charlie, text="Good.")
    again = comments.add_comment(skill=skill, author=charlie, text="Good. ")
    other = comments.add_comment(skill=skill, author=mona, text="Good.")

    assert (again.created, again.comment.pk) == (False, first.comment.pk)
    assert other.created
    assert count_of(skill) == 2

    old = timezone.now() - timedelta(seconds=61)
    SkillComment.objects.filter(pk=first.comment.pk).update(created_at=old)
    assert comments.add_comment(skill=skill, author=charlie, text="Good.").created


def test_what_was_taken_back_can_be_written_again(skill, charlie):
    comments.delete_comment(comment=comment_on(skill, charlie, "Good."), actor=charlie)

    assert comments.add_comment(skill=skill, author=charlie, text="Good.").created
    assert count_of(skill) == 1


@pytest.mark.parametrize(
    "state",
    [
        {"moderation_status": "hidden"},
        {"moderation_status": "removed"},
        {"soft_deleted_at": timezone.now()},
    ],
)
def test_nobody_writes_under_what_is_not_public(skill, alice, ada, state):
    Skill.objects.filter(pk=skill.pk).update(**state)

    for person in (alice, ada):
        with pytest.raises(comments.CommentsClosed):
            comments.add_comment(skill=skill, author=person, text="Mine.")


def test_a_banned_person_writes_nothing(skill, charlie):
    charlie.banned_at = timezone.now()
    charlie.save()

    with pytest.raises(comments.CommentsClosed):
        comments.add_comment(skill=skill, author=charlie, text="Hello.")


def test_the_database_bounds_the_text(skill, charlie):
    for text in ("", "x" * 2_001):
        with pytest.raises(IntegrityError), transaction.atomic():
            SkillComment.objects.create(skill=skill, author=charlie, text=text)


# --- Taking back ----------------------------------------------------------------------------------


def test_delete_and_restore_move_the_count_and_say_when_done_before(skill, charlie):
    comment = comment_on(skill, charlie)

    assert comments.delete_comment(comment=comment, actor=charlie) is True
    assert comments.delete_comment(comment=comment, actor=charlie) is False
    assert count_of(skill) == 0
    assert comments.restore_comment(comment=comment, actor=charlie) is True
    assert comments.restore_comment(comment=comment, actor=charlie) is False
    assert count_of(skill) == 1
    assert verbs() == ["comment.write", "comment.delete", "comment.restore"]


def test_nobody_else_deletes_or_restores(skill, charlie, alice, ada):
    comment = comment_on(skill, charlie)

    for person in (alice, ada):
        with pytest.raises(comments.CommentMissing):
            comments.delete_comment(comment=comment, actor=person)
    comments.delete_comment(comment=comment, actor=charlie)
    with pytest.raises(comments.CommentMissing):
        comments.restore_comment(comment=comment, actor=ada)
    assert count_of(skill) == 0


def test_after_an_hour_a_deleted_comment_is_gone(skill, charlie):
    comment = comment_on(skill, charlie)
    comments.delete_comment(comment=comment, actor=charlie)
    SkillComment.objects.update(deleted_at=timezone.now() - timedelta(minutes=61))

    with pytest.raises(comments.TooLateToRestore):
        comments.restore_comment(comment=comment, actor=charlie)


def test_nothing_comes_back_under_a_hidden_skill(skill, charlie):
    comment = comment_on(skill, charlie)
    comments.delete_comment(comment=comment, actor=charlie)
    Skill.objects.filter(pk=skill.pk).update(moderation_status="hidden")

    with pytest.raises(comments.CommentsClosed):
        comments.restore_comment(comment=comment, actor=charlie)


def test_restoring_does_not_undo_what_staff_hid(skill, charlie, mona):
    comment = comment_on(skill, charlie)
    comments.delete_comment(comment=comment, actor=charlie)
    comments.hide_comment(comment=comment, seen=0, actor=mona, reason="Spam.")
    comments.restore_comment(comment=comment, actor=charlie)

    comment.refresh_from_db()
    assert not comment.is_visible
    assert count_of(skill) == 0


# --- Reports --------------------------------------------------------------------------------------


def test_a_person_has_one_open_report_a_comment(skill, charlie, alice, mona):
    comment = reported(skill, charlie, alice)

    assert not comments.report_comment(comment=comment, reporter=alice, kind="abuse")
    assert comments.report_comment(comment=comment, reporter=mona, kind="abuse")
    assert comment.reports.count() == 2
    first = comment.reports.order_by("pk")[0]
    assert comment.reported_at == first.created_at

    comments.dismiss_reports(comment=comment, seen=0, up_to=2**62, actor=mona, reason="It is fine.")
    comment.refresh_from_db()
    assert comment.reported_at is None
    assert comments.report_comment(comment=comment, reporter=alice, kind="abuse")


def test_what_is_not_visible_or_ones_own_cannot_be_reported(skill, charlie, alice, mona):
    comment = comment_on(skill, charlie)

    with pytest.raises(comments.CommentMissing):
        comments.report_comment(comment=comment, reporter=charlie, kind="spam")
    comments.hide_comment(comment=comment, seen=0, actor=mona, reason="Spam.")
    with pytest.raises(comments.CommentMissing):
        comments.report_comment(comment=comment, reporter=alice, kind="spam")
    assert not CommentReport.objects.exists()


# --- Deciding -------------------------------------------------------------------------------------


def test_hiding_confirms_the_reports_and_showing_again_counts_again(skill, charlie, alice, mona):
    comment = reported(skill, charlie, alice)

    comments.hide_comment(comment=comment, seen=0, actor=mona, reason=" An   ad. ")

    comment.refresh_from_db()
    report = comment.reports.get()
    assert (comment.reason, comment.decided_by, comment.reported_at) == ("An ad.", mona, None)
    assert (report.status, report.note, report.decided_by) == ("confirmed", "An ad.", mona)
    assert count_of(skill) == 0

    comments.show_comment(comment=comment, seen=1, actor=mona, reason="No ad.")

    comment.refresh_from_db()
    assert comment.is_visible
    assert count_of(skill) == 1
    assert verbs()[-2:] == ["comment.hidden", "comment.shown"]
    assert AuditEvent.objects.get(verb="comment.hidden").reason == "An ad."


def test_dismissing_leaves_a_report_that_came_later_open(skill, charlie, alice, mona):
    comment = reported(skill, charlie, alice)
    read = comment.reports.get()
    comments.report_comment(comment=comment, reporter=mona, kind="abuse")

    comments.dismiss_reports(
        comment=comment, seen=0, up_to=read.pk, actor=mona, reason="It is fine."
    )

    later = comment.reports.order_by("pk").last()
    comment.refresh_from_db()
    assert (later.status, comment.reported_at) == ("open", later.created_at)
    assert comment.is_visible


def test_a_decision_needs_a_reason(skill, charlie, mona):
    comment = comment_on(skill, charlie)

    with pytest.raises(comments.ReasonMissing):
        comments.hide_comment(comment=comment, seen=0, actor=mona, reason=" \n ")
    comment.refresh_from_db()
    assert (comment.hidden_at, comment.decision_count) == (None, 0)


def test_who_decides_on_an_old_page_is_told_who_was_first(skill, charlie, alice, mona, ada):
    comment = reported(skill, charlie, alice)
    comments.hide_comment(comment=comment, seen=0, actor=mona, reason="An ad.")

    with pytest.raises(comments.AlreadyDecided, match=r"^mona hid this comment \(.*UTC\)"):
        comments.dismiss_reports(comment=comment, seen=0, up_to=9**9, actor=ada, reason="Fine.")
    with pytest.raises(comments.AlreadyDecided):
        comments.hide_comment(comment=comment, seen=1, actor=ada, reason="An ad.")
    assert verbs()[-1] == "comment.hidden"


def test_who_would_hide_what_was_let_stand_meanwhile_is_told(skill, charlie, alice, mona, ada):
    comment = reported(skill, charlie, alice)
    comments.dismiss_reports(comment=comment, seen=0, up_to=9**9, actor=mona, reason="Fine.")

    with pytest.raises(comments.AlreadyDecided, match=r"^mona dismissed the reports"):
        comments.hide_comment(comment=comment, seen=0, actor=ada, reason="An ad.")
    comment.refresh_from_db()
    assert comment.is_visible


def test_what_there_is_nothing_to_decide_about_is_refused(skill, charlie, mona):
    comment = comment_on(skill, charlie)

    with pytest.raises(comments.AlreadyDecided, match="nothing to decide"):
        comments.show_comment(comment=comment, seen=0, actor=mona, reason="Why not.")
    with pytest.raises(comments.AlreadyDecided, match="nothing to decide"):
        comments.dismiss_reports(comment=comment, seen=0, up_to=5, actor=mona, reason="Why not.")


def test_nobody_on_staff_judges_their_own_matter(skill, charlie, mona, ada):
    acme = NamespaceFactory(handle="acme", kind="org")
    for person in (mona, ada):
        Membership.objects.create(namespace=acme, user=person)
    publish_skill(namespace=acme, slug="of-acme")
    under_acme = comment_on(Skill.objects.get(slug="of-acme"), charlie)
    strangers = comment_on(skill, charlie)
    own = {person: comment_on(skill, person) for person in (mona, ada)}

    for person, other in ((mona, ada), (ada, mona)):
        actor = Actor(person)
        assert comments.may_judge(actor, strangers)
        assert comments.may_judge(actor, own[other])
        for comment in (own[person], under_acme):
            assert not comments.may_judge(actor, comment)
            with pytest.raises(comments.OwnMatter):
                comments.hide_comment(comment=comment, seen=0, actor=person, reason="Mine.")
    assert not comments.may_judge(Actor(charlie), own[mona])
    with pytest.raises(comments.OwnMatter):
        comments.hide_comment(comment=strangers, seen=0, actor=charlie, reason="Please.")
    assert not SkillComment.objects.hidden().exists()


# --- The count ------------------------------------------------------------------------------------


def test_the_count_follows_every_door(skill, charlie):
    many_comments(skill, charlie, 4)
    assert count_of(skill) == 4
    SkillComment.objects.filter(text__in=["Comment 0", "Comment 1"]).update(
        hidden_at=timezone.now()
    )
    assert count_of(skill) == 2
    SkillComment.objects.filter(text="Comment 2").delete()
    assert count_of(skill) == 1
    charlie.delete()
    assert count_of(skill) == 0


@pytest.mark.allow_drift
def test_a_wrong_count_is_found_and_repaired(skill, charlie):
    from django.db import connection

    from config.derived import refresh

    comment_on(skill, charlie)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE skills_skill SET comment_count = 7")
    field = next(d for d in REGISTRY if d.label == "skills.Skill.comment_count")

    assert field.drifted_keys() == [skill.pk]
    refresh(field, field.drifted_keys())
    assert count_of(skill) == 1


# --- Two at once ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hide_at_once_one_acts_and_the_other_is_told(skill, charlie, alice, mona, ada):
    comment = reported(skill, charlie, alice)

    def hide(person):
        return lambda: comments.hide_comment(
            comment=comment, seen=0, actor=person, reason=f"Says {person}."
        )

    first, second = meet(hide(mona), hide(ada))

    assert first is None
    assert isinstance(second, comments.AlreadyDecided)
    assert "mona hid this comment" in second.message
    assert verbs().count("comment.hidden") == 1
    assert count_of(skill) == 0


@pytest.mark.django_db(transaction=True)
def test_the_same_words_sent_twice_at_once_are_one_comment(skill, charlie):
    def send():
        return comments.add_comment(skill=skill, author=charlie, text="Good.")

    made = meet(send, send)

    assert [one.created for one in made] == [True, False]
    assert count_of(skill) == 1


@pytest.mark.django_db(transaction=True)
def test_a_comment_does_not_slip_under_a_skill_that_is_being_hidden(skill, charlie):
    def hide():
        Skill.objects.filter(pk=skill.pk).update(moderation_status="hidden")

    def send():
        return comments.add_comment(skill=skill, author=charlie, text="Good.")

    _none, second = meet(hide, send)

    assert isinstance(second, comments.CommentsClosed)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_no_count(skill, charlie, alice, mona, ada):
    people = [charlie, alice, mona, ada]
    standing = [comment_on(skill, person, "Earlier.") for person in people]

    def busy(person, comment):
        def work():
            for n in range(5):
                comments.add_comment(skill=skill, author=person, text=f"Comment {n}")
                comments.delete_comment(comment=comment, actor=person)
                comments.restore_comment(comment=comment, actor=person)

        return work

    results = at_once(*(busy(p, c) for p, c in zip(people, standing, strict=True)))

    assert results == [None] * 4
    assert count_of(skill) == 24


@pytest.mark.django_db(transaction=True)
def test_the_same_report_sent_twice_at_once_is_one(skill, charlie, alice):
    comment = comment_on(skill, charlie)

    def send():
        return comments.report_comment(comment=comment, reporter=alice, kind="spam")

    assert meet(send, send) == [True, False]
    assert CommentReport.objects.count() == 1
