"""What can be done with comments: the services of `SkillComment` and `CommentReport`.

Locks are taken in the order comment, skill (the refresh of its count). Only writing a new comment
begins with the skill: nobody else can hold the lock of a row that is not there yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.policy import Actor, Verb, can
from config.derived import deferred
from config.errors import DomainError
from config.formats import exact_time
from config.text import refuse_unstorable, remove_invisible
from skills.models import CommentDecision, CommentReport, ReportStatus, Skill, SkillComment
from skills.models.comment import COMMENT_LENGTH, REASON_LENGTH, REPORT_LENGTH

REPEAT_WITHIN: Final = timedelta(minutes=1)
"""The same words of the same person under the same skill are one comment for so long."""

UNDO_FOR: Final = timedelta(hours=1)
"""For so long a deleted comment can be restored by its author."""

_BLANK_LINES: Final = re.compile(r"\n\s*\n\s*\n+")


class CommentInvalid(DomainError):
    code = "comment_invalid"


class CommentsClosed(DomainError):
    code = "comments_closed"

    def __init__(self) -> None:
        super().__init__("Nobody can comment while this skill is not public.")


class CommentMissing(DomainError):
    code = "comment_not_found"

    def __init__(self) -> None:
        super().__init__("This comment is not there any more.")


class TooLateToRestore(DomainError):
    code = "comment_restore_over"

    def __init__(self) -> None:
        super().__init__("It was deleted more than an hour ago; write it again.")


class ReasonMissing(DomainError):
    code = "reason_missing"


class OwnMatter(DomainError):
    code = "own_matter"

    def __init__(self) -> None:
        super().__init__(
            "You wrote this comment or speak for the owner of the skill; leave it to somebody else."
        )


class AlreadyDecided(DomainError):
    code = "comment_decided"


@dataclass(frozen=True)
class Commented:
    """The comment that stands now, and whether this call made it."""

    comment: SkillComment
    created: bool


def clean_text(text: str) -> str:
    """Return a comment as it is stored: LF only, no space around, at most one empty line at once.

    Raises `CommentInvalid` and `TextRefused`.
    """
    lines = refuse_unstorable(text, field="text").replace("\r\n", "\n").replace("\r", "\n")
    cleaned = _BLANK_LINES.sub("\n\n", lines).strip()
    if not remove_invisible(cleaned).strip():
        raise CommentInvalid("Write something before you send it.", field="text")
    if len(cleaned) > COMMENT_LENGTH:
        raise CommentInvalid(
            f"A comment has at most {COMMENT_LENGTH:,} characters; this one has {len(cleaned):,}.",
            field="text",
        )
    return cleaned


# --- Writing, and taking it back ------------------------------------------------------------------


def add_comment(*, skill: Skill, author: User, text: str) -> Commented:
    """Write a comment under a public skill.

    Idempotent for a minute: the same words as the author's last comment there are that comment.
    Raises `CommentsClosed`, `CommentInvalid`, `TextRefused`. Two at once wait for each other on
    the skill, and so does whoever hides it.
    """
    cleaned = clean_text(text)
    with deferred():
        locked = Skill.objects.select_for_update(no_key=True).filter(pk=skill.pk).first()
        if locked is None or not can(Actor(author), Verb.COMMENT, locked) or author.banned_at:
            raise CommentsClosed
        last = SkillComment.objects.filter(author=author, skill=locked).order_by("-id").first()
        if last is not None and _repeats(last, cleaned):
            return Commented(last, created=False)
        comment = SkillComment.objects.create(skill=locked, author=author, text=cleaned)
        _record("comment.write", comment, author, skill=locked)
    return Commented(comment, created=True)


def _repeats(last: SkillComment, text: str) -> bool:
    is_recent = last.created_at > timezone.now() - REPEAT_WITHIN
    return is_recent and last.text == text and last.deleted_at is None


def _record(
    verb: str, comment: SkillComment, actor: User, *, skill: Skill, reason: str = ""
) -> None:
    """Append the audit row of an act; the words themselves stay out of what is kept for good."""
    audit.record(actor=actor, verb=verb, thing=comment, label=f"comment on {skill}", reason=reason)


def _locked(comment: SkillComment) -> SkillComment:
    """Lock a comment and return it as it stands, its skill with it. Raises `CommentMissing`."""
    rows = SkillComment.objects.select_for_update(no_key=True, of=("self",))
    found: SkillComment | None = rows.select_related("skill").filter(pk=comment.pk).first()
    if found is None:
        raise CommentMissing
    return found


def _require_author(comment: SkillComment, actor: User) -> None:
    if comment.author_id != actor.pk:
        raise CommentMissing


@transaction.atomic
def delete_comment(*, comment: SkillComment, actor: User) -> bool:
    """Take one's own comment back; False when it was taken back before. See `restore_comment`.

    Raises `CommentMissing` for somebody else's.
    """
    locked = _locked(comment)
    _require_author(locked, actor)
    if locked.deleted_at is not None:
        return False
    locked.deleted_at = timezone.now()
    locked.save(update_fields=["deleted_at"])
    _record("comment.delete", locked, actor, skill=locked.skill)
    return True


@transaction.atomic
def restore_comment(*, comment: SkillComment, actor: User) -> bool:
    """Put one's own deleted comment back within the hour; False when it stands already.

    What staff hid stays hidden. Raises `CommentMissing`, `CommentsClosed`, `TooLateToRestore`.
    """
    locked = _locked(comment)
    _require_author(locked, actor)
    if locked.deleted_at is None:
        return False
    if not can(Actor(actor), Verb.COMMENT, locked.skill):
        raise CommentsClosed
    if locked.deleted_at < timezone.now() - UNDO_FOR:
        raise TooLateToRestore
    locked.deleted_at = None
    locked.save(update_fields=["deleted_at"])
    _record("comment.restore", locked, actor, skill=locked.skill)
    return True


# --- Reports --------------------------------------------------------------------------------------


@transaction.atomic
def report_comment(*, comment: SkillComment, reporter: User, kind: str, text: str = "") -> bool:
    """Tell staff that a comment should go; False when this person's report is still open.

    Raises `CommentMissing` for one that is not visible or one's own, and `TextRefused`.
    """
    told = refuse_unstorable(text, field="text").strip()[:REPORT_LENGTH]
    locked = _locked(comment)
    if not locked.is_visible or locked.author_id == reporter.pk:
        raise CommentMissing
    _report, made = CommentReport.objects.get_or_create(
        comment=locked,
        reporter=reporter,
        status=ReportStatus.OPEN,
        defaults={"kind": kind, "text": told},
    )
    if made:
        _record("comment.report", locked, reporter, skill=locked.skill, reason=kind)
    return made


# --- What staff decide ----------------------------------------------------------------------------


def may_judge(actor: Actor, comment: SkillComment) -> bool:
    """Say whether this actor may decide about a comment: not about their own, nor under theirs."""
    is_own = actor.user is not None and comment.author_id == actor.user.pk
    return can(actor, Verb.JUDGE, comment.skill) and not is_own


def hide_comment(*, comment: SkillComment, seen: int, actor: User, reason: str) -> None:
    """Hide a comment and confirm its open reports; `show_comment` undoes the first.

    `seen` is the number of decisions that the actor knew of: raises `AlreadyDecided`, and who came
    first, when there was another. Also raises `ReasonMissing`, `OwnMatter`, `CommentMissing`.
    """
    with deferred():
        locked = _to_decide(comment, seen, actor)
        if locked.hidden_at is not None:
            raise _decided(locked)
        locked.hidden_at = timezone.now()
        _decide(locked, CommentDecision.HIDDEN, actor, _required(reason))
        _close_reports(locked, ReportStatus.CONFIRMED)


def show_comment(*, comment: SkillComment, seen: int, actor: User, reason: str) -> None:
    """Show a hidden comment again. Raises as `hide_comment` does."""
    with deferred():
        locked = _to_decide(comment, seen, actor)
        if locked.hidden_at is None:
            raise _decided(locked)
        locked.hidden_at = None
        _decide(locked, CommentDecision.SHOWN, actor, _required(reason))


def dismiss_reports(
    *, comment: SkillComment, seen: int, up_to: int, actor: User, reason: str
) -> None:
    """Let a comment stand: dismiss its open reports up to the one with this primary key.

    A later report was not read yet and stays open. Raises as `hide_comment` does.
    """
    with deferred():
        locked = _to_decide(comment, seen, actor)
        if not locked.reports.filter(status=ReportStatus.OPEN, pk__lte=up_to).exists():
            raise _decided(locked)
        _decide(locked, CommentDecision.DISMISSED, actor, _required(reason))
        _close_reports(locked, ReportStatus.DISMISSED, up_to=up_to)


def _required(reason: str) -> str:
    told = " ".join(refuse_unstorable(reason, field="reason").split())[:REASON_LENGTH]
    if not told:
        raise ReasonMissing("Say why, in a sentence that the others understand.", field="reason")
    return told


def _to_decide(comment: SkillComment, seen: int, actor: User) -> SkillComment:
    locked = _locked(comment)
    if not may_judge(Actor(actor), locked):
        raise OwnMatter
    if locked.decision_count != seen:
        raise _decided(locked)
    return locked


def _decided(comment: SkillComment) -> AlreadyDecided:
    """Return the refusal that says who decided what, and when."""
    if not comment.decision:
        return AlreadyDecided("There is nothing to decide about this comment any more.")
    who = comment.decided_by.handle if comment.decided_by else "Somebody"
    did = CommentDecision(comment.decision).label
    return AlreadyDecided(
        f"{who} {did} ({exact_time(comment.decided_at)}). This is how it stands now."
    )


def _decide(comment: SkillComment, decision: CommentDecision, actor: User, reason: str) -> None:
    """Write the decision and its audit row; the caller holds the lock."""
    comment.decision = decision
    comment.decided_by = actor
    comment.decided_at = timezone.now()
    comment.reason = reason
    comment.decision_count += 1
    comment.save(
        update_fields=[
            "hidden_at",
            "decision",
            "decided_by",
            "decided_at",
            "reason",
            "decision_count",
        ]
    )
    _record(f"comment.{decision}", comment, actor, skill=comment.skill, reason=reason)


def _close_reports(
    comment: SkillComment, status: ReportStatus, *, up_to: int | None = None
) -> None:
    rows = comment.reports.filter(status=ReportStatus.OPEN)
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    rows.update(
        status=status,
        decided_by=comment.decided_by,
        decided_at=comment.decided_at,
        note=comment.reason,
    )


def deleted_since() -> datetime:
    """Return the moment since when a deleted comment can still be restored."""
    return timezone.now() - UNDO_FOR
