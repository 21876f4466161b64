"""The demo's content: what it holds, and that publishing it leaves the states it promises."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.management.commands.demo_accounts import ACCOUNTS, PASSWORD, account_table
from accounts.models import AuditEvent, Membership, Namespace, User
from accounts.policy import Actor
from jobs import as_of
from moderation.models import Decision, ReviewItem
from skills.boards import BOARDS
from skills.demo import content
from skills.demo.comments import read_comments
from skills.demo.content import ContentInvalid, read_owners, read_skills
from skills.demo.publishing import STATES
from skills.demo.statistics import past_of
from skills.listing import list_query, page
from skills.models import (
    Leaderboard,
    Skill,
    SkillAlias,
    SkillComment,
    SkillDailyStat,
    SkillHourlyStat,
    SkillTag,
    SkillTotal,
    SkillVersion,
)
from skills.slugs import CATEGORY_KEYS
from skills.statistics import copy_totals, recount_site, recount_totals
from skills.verdict import Word, api_verdict, status_word
from tests.drift import drifted
from tests.factories.skills import hold

# The public word, the API's verdict and whether everybody may see it, by state.
TABLE = {
    "pending": (Word.NOT_SCANNED, None, True),
    "clean": (Word.CLEAN, "clean", True),
    "suspicious": (Word.UNDER_REVIEW, "suspicious", True),
    "caution": (Word.CAUTION, "suspicious", True),
    "approved": (Word.CLEAN, "clean", True),
    "malicious": (Word.UNDER_REVIEW, "malicious", False),
    "reported": (Word.UNDER_REVIEW, "clean", False),
    "hidden": (Word.UNDER_REVIEW, "suspicious", False),
    "removed": (Word.REMOVED, "suspicious", False),
    "held": (Word.UNDER_REVIEW, "clean", False),
    "deleted": (Word.CLEAN, "clean", False),
    "withdrawn": (Word.CLEAN, "clean", False),
}
BRANDS = """
    airbnb alibaba amazon anthropic apple atlassian bing chatgpt claude cloudflare copilot cursor
    discord dropbox ebay evernote excel facebook figma firefox gemini github gitlab gmail google
    ibm instagram jira linkedin meta microsoft netflix notion nvidia obsidian openai oracle outlook
    paypal photoshop pinterest reddit salesforce shopify skype slack spotify stripe telegram tesla
    tiktok trello twitter uber wechat whatsapp wikipedia wordpress yahoo youtube zapier zendesk
"""


def texts():
    """Every demo text as (path, content)."""
    for path in sorted(content.ROOT.glob("*/*/**/*")):
        if path.is_file() and path.suffix != ".png":
            yield path.relative_to(content.ROOT).as_posix(), path.read_text(encoding="utf-8")


# --- The folders ----------------------------------------------------------------------------------


def test_each_category_has_at_least_three_skills_that_everybody_sees():
    seen = [s for s in read_skills() if TABLE[s.state][2]]

    counts = Counter(category for skill in seen for category in skill.categories)

    assert set(counts) == CATEGORY_KEYS
    assert min(counts.values()) >= 3


def test_every_state_is_shown_by_some_skill():
    assert {skill.state for skill in read_skills()} == set(STATES) == set(TABLE)


def test_every_owner_has_a_name_and_a_skill():
    assert {skill.owner for skill in read_skills()} == set(read_owners())


def test_each_version_differs_from_the_one_before():
    for skill in read_skills():
        files = [files for _version, files in content.history(skill)]
        same = [n for n, (a, b) in enumerate(pairwise(files)) if a == b]
        assert same == [], f"{skill.folder.name}: version {same} changes nothing"


def test_versions_are_newest_first_and_the_newest_leaves_room_for_its_scan():
    for skill in read_skills():
        days = [version.days_ago for version in skill.versions]
        assert days == sorted(set(days)), skill.folder.name
        assert days[0] > 0.001


def test_content_names_no_brand():
    brands = re.compile(rf"\b({'|'.join(BRANDS.split())})\b", re.IGNORECASE)

    found = {path: brands.findall(text) for path, text in texts() if brands.search(text)}

    assert found == {}


def test_every_address_is_one_that_belongs_to_nobody():
    hosts = re.compile(r"https?://([^/\s`\"')<>]+)")
    reserved = re.compile(r"(^|\.)(example(\.(com|net|org))?|invalid|w3\.org)$")

    found = {host for _path, text in texts() for host in hosts.findall(text)}

    assert {host for host in found if not reserved.search(host)} - {"[^)\\s]+"} == set()


@pytest.mark.parametrize(
    "moment", ["2026-03-01T00:00:00", "2026-03-01T23:59:59", "2024-03-01T12:30:00"]
)
def test_the_past_of_a_skill_adds_up_to_its_totals(moment):
    anchor = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    for demo in read_skills():
        slots = past_of(demo, anchor)

        assert [slot.start for slot in slots] == sorted({slot.start for slot in slots})
        assert slots[-1].start <= anchor
        assert sum(slot.downloads for slot in slots) == demo.counts.downloads
        assert sum(slot.installs_new for slot in slots) == demo.counts.installs
        assert sum(slot.installs_current for slot in slots) == demo.counts.current
        assert sum(slot.stars for slot in slots) == demo.counts.stars
        assert min(slot.downloads for slot in slots) >= 0


def test_totals_fall_like_those_of_a_real_registry():
    downloads = sorted((s.counts.downloads for s in read_skills()), reverse=True)

    assert downloads[0] > 10 * downloads[len(downloads) // 2]
    assert len(set(downloads)) == len(downloads)
    for skill in read_skills():
        counts = skill.counts
        assert counts.downloads >= counts.installs >= counts.current >= 0


CARD = """
name = "Two Steps"
categories = ["other"]
[[version]]
number = "1.1.0"
days_ago = 1
added = ["new.txt"]
dropped = { "old.txt" = "gone" }
edits = [{ file = "SKILL.md", now = "NOW", then = "then" }]
[[version]]
number = "1.0.0"
days_ago = 2
"""


def write_skill(root, **files):
    folder = root / "owner" / "two-steps"
    folder.mkdir(parents=True)
    for name, text in {"skill.toml": CARD, "SKILL.md": "it is NOW", "new.txt": "n"}.items():
        (folder / name).write_text(files.get(name, text))


def read_everything(root):
    return [list(content.history(skill)) for skill in read_skills(root)]


def test_older_versions_are_told_by_going_back(tmp_path):
    write_skill(tmp_path)

    (skill,) = read_skills(tmp_path)
    first, second = [files for _version, files in content.history(skill)]

    assert first == {"SKILL.md": b"it is then", "old.txt": b"gone"}
    assert second == {"SKILL.md": b"it is NOW", "new.txt": b"n"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"SKILL.md": "NOW and NOW"}, "NOW” stands 2 times"),
        ({"skill.toml": CARD.replace("new.txt", "missing.txt")}, "no file missing.txt"),
        ({"skill.toml": CARD + 'added = ["SKILL.md"]\n'}, "first version"),
        ({"skill.toml": CARD.replace("days_ago = 2", "days = 2")}, "days"),
        ({"skill.toml": "name = "}, "skill.toml"),
    ],
)
def test_a_skill_that_contradicts_itself_is_named(tmp_path, files, sentence):
    write_skill(tmp_path, **files)

    with pytest.raises(ContentInvalid, match=f"^owner/two-steps.*{sentence}"):
        read_everything(tmp_path)


# --- In the database ------------------------------------------------------------------------------


class DemoTest(TestCase):
    """Both commands once, for all tests of the class."""

    @classmethod
    def setUpTestData(cls):
        cls.said = io.StringIO()
        call_command("demo_accounts", stdout=cls.said)
        call_command("demo_skills", stdout=cls.said, stderr=io.StringIO())
        call_command("demo_desk", stdout=cls.said)

    def states(self):
        rows = {(s.owner_handle, s.slug): s for s in Skill.objects.all()}
        return [(demo, rows[demo.owner, demo.slug]) for demo in read_skills()]

    def test_nothing_drifts(self):
        assert drifted() == {}

    def test_people_comment_and_two_comments_are_reported(self):
        assert SkillComment.objects.count() == len(read_comments()) == 12
        assert SkillComment.objects.visible().count() == 12
        assert SkillComment.objects.reported().count() == 2
        assert Skill.objects.get(slug="csv-doctor").comment_count == 3
        page = self.client.get("/skills/kumo-note/kaigi-memo/?tab=comments").content.decode()
        assert "議事録がとても読みやすくなりました。" in page

    def test_every_count_is_the_sum_of_its_days(self):
        assert recount_site() == {}
        drift: list[object] = []
        assert list(recount_totals(on_drift=drift.append))
        assert drift == []
        assert list(copy_totals()) == []
        for demo, skill in self.states():
            wanted = (demo.counts.downloads, demo.counts.stars, demo.counts.current)
            assert (skill.downloads, skill.stars, skill.installs_current) == wanted, skill

    def test_every_day_since_a_skill_came_out_has_its_row(self):
        skill = Skill.objects.get(slug="csv-doctor")
        days = SkillDailyStat.objects.filter(skill=skill).order_by("day")
        found = list(days.values_list("day", flat=True))

        assert len(found) > 60
        assert (found[-1] - found[0]).days == len(found) - 1
        assert found[-1] == timezone.now().date()

    def test_the_hours_of_the_last_days_add_up_to_their_days(self):
        days = Counter()
        for row in SkillHourlyStat.objects.all():
            days[row.skill_id, row.hour.date()] += row.downloads

        stored = SkillDailyStat.objects.filter(day__gte=timezone.now().date() - timedelta(days=3))

        assert {(row.skill_id, row.day): row.downloads for row in stored} == days

    def test_a_second_run_writes_nothing(self):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            call_command("demo_accounts", stdout=io.StringIO())
            call_command("demo_skills", stdout=io.StringIO(), stderr=io.StringIO())
            call_command("demo_desk", stdout=io.StringIO())

        statements = [query["sql"] for query in queries]
        assert [s for s in statements if not s.startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []
        assert len(statements) < 12

    def test_what_people_decided_since_stands_when_a_version_is_missing(self):
        skill = Skill.objects.get(slug="csv-doctor")
        hold(skill, "hidden")
        Skill.objects.filter(pk=skill.pk).update(downloads=5)
        SkillTotal.objects.filter(skill=skill).update(downloads=5)
        SkillVersion.objects.filter(skill=skill, version="2.3.0").delete()

        call_command("demo_skills", stdout=io.StringIO(), stderr=io.StringIO())

        skill.refresh_from_db()
        assert skill.latest_version_summary["version"] == "2.3.0"
        assert (skill.moderation_status, skill.downloads) == ("hidden", 5)
        assert drifted() == {}

    def test_boards_have_ranks_that_moved_and_a_history(self):
        boards = Leaderboard.objects.of("trending", "7d", with_suspicious=False)
        newest = boards.first()
        previous = set(newest.entries.values_list("previous_rank", flat=True))

        assert newest.entry_count > 20
        assert newest.counted_until == newest.built_at
        assert len(previous - {None}) > 20
        assert len(boards) == 30
        assert all(row.entry_count for row in boards)
        for board, window in BOARDS:
            latest = Leaderboard.objects.of(board, window, with_suspicious=False).first()
            assert latest.compared_with is not None, latest
            assert latest.entries.exclude(previous_rank=None).exists(), latest

    def test_pages_say_at_once_as_of_when_their_counts_are(self):
        as_of.forget()
        for address in (
            "/u/harborlight-tools/",
            "/skills/",
            "/skills/slowtrain/weekplan/?tab=stats",
        ):
            page = self.client.get(address, follow=True).content.decode()
            assert "Counts as of" in page, address
            assert "nothing has been counted yet" not in page, address

    def test_states_are_those_of_the_table(self):
        for demo, skill in self.states():
            shown = (status_word(skill), api_verdict(skill), skill.is_public)
            assert shown == TABLE[demo.state], demo.slug

    def test_lists_show_what_is_public_and_the_clean_list_less(self):
        expected = {s.slug: TABLE[s.state] for s in read_skills()}

        listed = {card.slug for card in page(list_query(), limit=200).cards}
        clean = {card.slug for card in page(list_query(suspicious=False), limit=200).cards}

        assert listed == {slug for slug, (_w, _v, public) in expected.items() if public}
        assert listed - clean == {"port-scout", "browser-speedup"}

    def test_the_desk_has_evidence_reports_an_appeal_and_a_log(self):
        waiting = ReviewItem.objects.open().order_by("rank_at")
        assert {str(item.version.skill) for item in waiting} == {
            "@cobalt-fern/mirror-sync",
            "@oddlamp/turbo-cleaner",
            "@oddlamp/browser-speedup",
            "@oddlamp/lucky-numbers",
            "@oddlamp/prompt-pepper",
            "@harborlight-tools/port-scout",
        }
        assert [item.kind for item in waiting if item.appeal_id] == ["appeal"]
        for slug in ("turbo-cleaner", "browser-speedup", "wallet-watch", "free-credits"):
            assert SkillVersion.objects.get(skill__slug=slug, tag_rows__name="latest").scan_evidence
        actions = Counter(Decision.objects.values_list("action", flat=True))
        assert actions == {
            "block": 2, "hold-reports": 1, "caution": 1, "approve": 1, "hide": 1, "remove": 1
        }  # fmt: skip

    def test_no_work_list_calls_a_reason_out_of_date(self):
        assert list(Skill.objects.reason_out_of_date()) == []
        assert [s.slug for s in Skill.objects.quality_hold()] == ["prompt-pepper"]
        assert [s.slug for s in Skill.objects.hidden_by_reports()] == ["lucky-numbers"]
        assert [v.skill.slug for v in SkillVersion.objects.scan_pending()] == ["screenshot-notes"]

    def test_a_blocked_version_leaves_latest_at_the_one_before(self):
        skill = Skill.objects.get(slug="mirror-sync")

        blocked = skill.versions.get(version="1.2.0")

        assert not blocked.is_available
        assert skill.latest_version_summary["version"] == "1.1.0"
        assert skill.tags == {"latest": "1.1.0"}

    def test_a_skill_with_every_version_withdrawn_has_no_latest(self):
        skill = Skill.objects.get(slug="quick-notes")

        assert (skill.version_count, skill.latest_version_summary, skill.tags) == (0, None, {})

    def test_scans_finished_after_the_publication_and_before_now(self):
        for version in SkillVersion.objects.exclude(scan_state="pending"):
            assert version.created_at < version.scanned_at < timezone.now()

    def test_latest_is_the_newest_version_that_may_be_read(self):
        for tag in SkillTag.objects.filter(name="latest").select_related("version"):
            newest = SkillVersion.objects.filter(skill=tag.skill_id).available().newest_first()
            assert newest.first() in {tag.version, None}

    def test_one_skill_shows_a_warning_about_its_front_matter(self):
        warned = SkillVersion.objects.exclude(warnings=[]).values_list("skill__slug", flat=True)

        assert set(warned) == {"board-game-night", "prompt-pepper"}

    def test_old_names_and_badges_stand(self):
        assert dict(SkillAlias.objects.values_list("slug", "skill__slug")) == {
            "commit-helper": "commit-coach",
            "week-planner": "weekplan",
            "weekly": "weekplan",
        }
        kinds = {kind for skill in Skill.objects.all() for kind in skill.badges}
        assert kinds == {"highlighted", "official", "deprecated"}

    def test_people_sign_in_with_the_printed_password_and_own_their_skills(self):
        for account in ACCOUNTS:
            person = User.objects.get(handle=account.handle)
            assert person.role == account.role
            assert person.check_password(PASSWORD)
        arthur = User.objects.get(handle="arthur")
        org = Namespace.objects.get(handle="harborlight-tools")
        assert org.kind == "org"
        assert Membership.objects.get(namespace=org).user == arthur
        assert set(Actor(user=arthur).namespace_ids) == {arthur.namespace.pk, org.pk}
        published = SkillVersion.objects.filter(published_by=arthur)
        owners = set(published.values_list("skill__namespace__handle", flat=True))
        assert owners == {"arthur", "harborlight-tools"}

    def test_the_terminal_names_each_account_and_the_password(self):
        assert account_table() in self.said.getvalue()
        for account in ACCOUNTS:
            assert re.search(rf"^{account.handle} +{account.part}", account_table(), re.MULTILINE)

    def test_each_publication_has_its_audit_row(self):
        published = AuditEvent.objects.filter(verb="skill.publish").count()

        assert published == SkillVersion.objects.count()


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["demo_accounts", "demo_skills", "demo_desk"])
def test_outside_the_demo_nothing_is_made(command):
    with override_settings(DEMO=False), pytest.raises(CommandError):
        call_command(command)

    assert not User.objects.exists()
    assert not Skill.objects.exists()


@pytest.mark.django_db
def test_accounts_take_over_names_that_skills_came_with():
    Namespace.objects.create(handle="harborlight-tools", display_name="Imported")
    arthurs = Namespace.objects.create(handle="arthur")

    call_command("demo_accounts", stdout=io.StringIO())

    assert User.objects.get(handle="arthur").namespace == arthurs
    assert Namespace.objects.get(handle="harborlight-tools").kind == "org"
