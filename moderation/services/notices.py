"""What owners are told, in the transaction of what happened to their skills."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models.functions import Now

from moderation.models import Action, Decision, Notice, NoticeKind
from skills.models import Skill, SkillVersion
from skills.scan_results import Evidence

# So many findings go with a notice; the others stand on the version's security tab.
EVIDENCE_TOLD = 5

# What happened, in the words of a notice; `{name}` is the skill, `{version}` the version.
SENTENCES = {
    Action.APPROVE: "A moderator approved {name} {version}.",
    Action.CAUTION: "A moderator advises caution with {name} {version}; it stays public.",
    Action.CHANGES: "{name} {version} is held: a moderator asks for changes.",
    Action.HIDE_VERSION: "A moderator hid {name} {version}.",
    Action.HIDE: "A moderator hid {name}.",
    Action.REMOVE: "{name} was removed.",
    Action.BLOCK: "{name} {version} is blocked: a scan found what looks like malware.",
    Action.HOLD_REPORTS: "{name} is hidden until a moderator has looked at the reports on it.",
    Action.HOLD_QUALITY: "{name} is held until a moderator has looked at it.",
    Action.CLEAR: "A new scan cleared {name} {version}.",
    Action.GRANT_APPEAL: "Your appeal on {name} {version} was granted.",
    Action.REJECT_APPEAL: "Your appeal on {name} {version} was rejected.",
}
FINDINGS = "A scan found something in {name} {version}; it is under review and can be installed."
TAKEN_BACK = "A decision on {name} {version} was taken back: {what}."


def tell_owner(kind: NoticeKind, decision: Decision) -> None:
    """Tell the owner of a decision, an answer, or that a decision holds no longer.

    Of a decision taken back before anybody read of it, only the first notice goes.
    """
    if kind == NoticeKind.TAKEN_BACK:
        unread = Notice.objects.unread().filter(decision=decision, kind=NoticeKind.DECISION)
        if unread.delete()[0]:
            return
        what = decision.get_action_display().lower()
        sentence = TAKEN_BACK.format(
            name=decision.skill_label, version=decision.version_label, what=what
        )
    else:
        sentence = SENTENCES[Action(decision.action)].format(
            name=decision.skill_label, version=decision.version_label
        )
    Notice.objects.create(
        namespace_id=decision.skill.namespace_id,
        kind=kind,
        skill=decision.skill,
        version_id=decision.version_id,
        decision=decision,
        text=" ".join(sentence.split())[:500],
        evidence=decision.evidence[:EVIDENCE_TOLD],
    )


def tell_findings(skill: Skill, version: SkillVersion, evidence: Sequence[Evidence]) -> None:
    """Tell the owner that a scan flagged a version, and where to look."""
    Notice.objects.create(
        namespace_id=skill.namespace_id,
        kind=NoticeKind.FINDINGS,
        skill=skill,
        version=version,
        text=FINDINGS.format(name=skill, version=version.version)[:500],
        evidence=list(evidence[:EVIDENCE_TOLD]),
    )


def mark_read(*, namespace_ids: Collection[int], notice_ids: Collection[int]) -> int:
    """Note that somebody whom these notices are meant for saw them; return how many were new."""
    unread = Notice.objects.unread().filter(namespace__in=namespace_ids, pk__in=notice_ids)
    return int(unread.update(read_at=Now()))
