"""The counts of a skill: in the head of every tab, as charts, and as of when they are."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import as_of
from skills import kept
from skills.models import Skill
from skills.skill_stats import Day, series_of
from tests.factories.accounts import sign_in
from tests.factories.histories import count_days, rank, star_by, succeeded, two_months
from tests.factories.skills import NamespaceFactory, publish_skill

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 14, 5, 30, tzinfo=UTC)
URL = "/skills/alice/pdf-tools/"
STATS = f"{URL}?tab=stats"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_kept():
    kept.cards.clear()
    kept.frames.clear()
    kept.pages.clear()


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def skill(publish):
    """A skill of 60 days, counted a minute ago."""
    found = publish().skill
    Skill.objects.filter(pk=found.pk).update(created_at=NOW - 60 * DAY)
    succeeded("fold_events", NOW - MINUTE)
    return Skill.objects.get(pk=found.pk)


def text(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return unescape(response.content.decode())


def tiles(page: str) -> dict[str, str]:
    """What stands in each tile, without its markup."""
    inside = page.partition('<div class="stats">')[2].partition('<p class="as-of')[0]
    parts = re.split(r"<b(?: [^>]*)?>", inside)[1:]
    told = [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts]
    names = ("downloads", "installs", "stars", "versions")
    return dict(zip(names, told, strict=True))


def freshness(page: str) -> str:
    found = re.search(r'<p class="as-of[^>]*>.*?</p>', page)
    return re.sub(r"<[^>]+>", "", found[0]) + (" LATE" if "data-late" in found[0] else "")


def table(page: str, chart: str) -> dict[str, str]:
    body = page.partition(f'id="chart-{chart}"')[2].partition("</figure>")[0]
    return dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td class="num">([^<]+)</td>', body))


# --- In the head of every tab ---------------------------------------------------------------------


def test_every_tab_shows_the_live_totals_and_as_of_when(client, skill, charlie):
    count_days(skill, {0: {"downloads": 1_234, "installs_new": 5, "installs_all_time": 5}}, now=NOW)
    star_by(skill, charlie)

    for address in (URL, f"{URL}?tab=files", f"{URL}versions/", STATS, f"{URL}?tab=security"):
        page = text(client, address)
        found = tiles(page)

        assert "1.2k downloads" in found["downloads"], address
        assert "5 installs" in found["installs"]
        assert "1 star " in found["stars"]
        assert freshness(page) == "Counts as of 14:04 UTC · What they count"


def test_a_total_below_0_is_shown_as_0(client, skill):
    count_days(skill, {1: {"installs_all_time": -3, "installs_current": -3}}, now=NOW)

    assert "0 installs" in tiles(text(client, URL))["installs"]


def test_the_change_compares_seven_full_days_with_the_seven_before(client, skill):
    weeks = {ago: {"downloads": 10} for ago in range(8, 15)}
    weeks |= {ago: {"downloads": 12} for ago in range(1, 8)}
    count_days(skill, weeks | {0: {"downloads": 999}, 15: {"downloads": 999}}, now=NOW)

    assert "+20 % 7d" in tiles(text(client, URL))["downloads"]


def test_the_change_is_unknown_without_two_whole_weeks(client, publish, skill):
    count_days(skill, {ago: {"downloads": 3} for ago in range(5)}, now=NOW)
    young = publish("young-one").skill
    count_days(young, {ago: {"downloads": 3} for ago in range(5)}, now=NOW)

    assert "— 7d" in tiles(text(client, URL))["downloads"]
    assert "— 7d" in tiles(text(client, "/skills/alice/young-one/"))["downloads"]


def test_a_skill_of_today_has_zeros_and_no_line(client, publish):
    succeeded("fold_events", NOW - MINUTE)
    publish()

    page = text(client, URL)

    assert "0 downloads" in tiles(page)["downloads"]
    assert 'class="spark"' not in page


def test_before_anything_was_counted_numbers_are_unknown_and_stars_are_not(
    client, publish, charlie
):
    star_by(publish().skill, charlie)
    unstarred = publish("other").skill

    page = text(client, f"/skills/alice/{unstarred.slug}/")

    assert tiles(page)["downloads"].startswith("— downloads")
    assert "0 stars" in tiles(page)["stars"]
    assert freshness(page) == ("Counts as of —: nothing has been counted yet · What they count")


# --- As of when -----------------------------------------------------------------------------------


def test_counts_are_late_after_twice_the_interval_of_the_job(client, skill, clock):
    clock.move_to(NOW + MINUTE)
    as_of.forget()
    assert freshness(text(client, URL)).endswith("What they count")

    clock.move_to(NOW + MINUTE + timedelta(seconds=1))

    assert freshness(text(client, URL)).startswith("Counts as of 14:04 UTC: later ones are overdue")
    assert freshness(text(client, URL)).endswith("LATE")


def test_as_of_another_day_names_the_day(client, skill, clock):
    clock.move_to(NOW + DAY)

    assert "Counts as of 3 Mar 2026, 14:04 UTC" in freshness(text(client, URL))


# --- A series of days -----------------------------------------------------------------------------


def series(skill, days: int, counted_at=NOW) -> list[Day]:
    return series_of(Skill.objects.get(pk=skill.pk), days, now=NOW, counted_at=counted_at)


def test_a_day_without_a_row_is_0_within_the_life_of_the_skill(skill):
    count_days(skill, {3: {"downloads": 2}, 0: {"downloads": 1}}, now=NOW)
    publish_skill(namespace=NamespaceFactory(), slug="older")

    assert [row.downloads for row in series(skill, 5)] == [None, 2, 0, 0, 1]


def test_nothing_is_known_before_the_counting_began_anywhere(skill):
    first = publish_skill(namespace=NamespaceFactory(), slug="first-counted").skill
    count_days(first, {5: {"downloads": 1}}, now=NOW)
    count_days(skill, {1: {"downloads": 7}}, now=NOW)

    assert [row.downloads for row in series(skill, 8)] == [None, None, 0, 0, 0, 0, 7, 0]


def test_nothing_is_known_before_the_skill_and_after_the_last_fold(skill):
    Skill.objects.filter(pk=skill.pk).update(created_at=NOW - 3 * DAY)
    other = publish_skill(namespace=NamespaceFactory(), slug="first-counted").skill
    count_days(other, {50: {"downloads": 1}}, now=NOW)
    count_days(skill, {2: {"downloads": 7}}, now=NOW)

    known = [row.downloads for row in series(skill, 6, counted_at=NOW - DAY)]

    assert known == [None, None, 0, 7, 0, None]


def test_an_event_of_a_day_before_the_skill_is_shown_all_the_same(skill):
    Skill.objects.filter(pk=skill.pk).update(created_at=NOW - DAY)
    count_days(skill, {4: {"downloads": 1}}, now=NOW)

    assert next(row.downloads for row in series(skill, 5)) == 1


def test_a_series_is_one_statement(skill, django_assert_num_queries):
    two_months(skill, NOW)

    with django_assert_num_queries(1):
        found = series_of(skill, 90, now=NOW, counted_at=NOW)

    assert [row.day for row in found] == [(NOW - n * DAY).date() for n in reversed(range(90))]


# --- The tab --------------------------------------------------------------------------------------


def test_the_tab_draws_and_tabulates_thirty_or_ninety_days(client, skill):
    two_months(skill, NOW)

    month, quarter = text(client, STATS), text(client, f"{STATS}&days=90")

    assert len(table(month, "downloads")) == 30
    assert len(table(quarter, "downloads")) == 90
    assert table(quarter, "downloads")["4 Dec 2025"] == "—"
    assert table(month, "downloads")["20 Feb 2026"] == "0"
    assert "3 Mar, so far</text>" in month
    assert f'<a href="{STATS}" aria-current="true">30 days</a>' in month
    assert f'<a href="{STATS}&days=90" aria-current="true">90 days</a>' in quarter
    assert "days are not known and left empty" in quarter


def test_the_sentence_of_a_chart_holds_its_numbers(client, skill):
    count_days(skill, {9: {"downloads": 1_200}, 2: {"downloads": 34}}, now=NOW)

    page = text(client, STATS)

    assert "1,234 downloads in these 30 days, at most 1,200 on one day, 22 Feb 2026." in page


def test_what_never_happened_is_a_sentence_and_no_drawing(client, skill):
    page = text(client, STATS)

    assert "No downloads were counted in these 30 days." in page
    assert "No installs were counted in these 30 days." in page
    assert "Not among the first 200 in these 30 days." in page
    assert 'class="plot"' not in page


def test_what_was_never_counted_says_so(client, publish):
    publish()

    assert "These 30 days are not counted." in text(client, STATS)


@pytest.mark.parametrize("asked", ["31", "-1", "x", "", "٣٠"])
def test_an_unknown_period_is_thirty_days_and_said_so(client, skill, asked):
    page = text(client, f"{STATS}&days={asked}")

    assert "There is no such period; these are 30 days." in page


def test_every_total_stands_beside_what_it_counts(client, skill, charlie):
    two_months(skill, NOW)
    star_by(skill, charlie)

    page = text(client, STATS)

    for meaning in (
        "once per skill, person or address, and UTC day",
        "An install counts once per skill and person",
        "reported in the last 60 days",
        "number of people who have starred",
    ):
        assert meaning in page
        assert meaning in text(client, "/about/counts/")
    exact = re.findall(r'data-label="Total">([\d,—]+)<', page)
    assert exact[3:] == ["1", "1"]
    assert int(exact[0].replace(",", "")) == skill.total.downloads


def test_ranks_are_one_point_a_day_the_latest_of_it(client, skill):
    midnight = NOW.replace(hour=0, minute=0)
    rank(skill, [(midnight, 9), (midnight + 5 * HOUR, 4), (NOW - 2 * DAY, 7), (NOW - 29 * DAY, 2)])

    page = text(client, STATS)
    ranks = table(page, "rank")

    assert (ranks["3 Mar 2026"], ranks["2 Mar 2026"], ranks["1 Mar 2026"]) == ("#4", "—", "#7")
    assert "On the board on 3 of 30 days: best #2 on 2 Feb 2026, last #4 on 3 Mar 2026." in page


def test_a_skill_that_left_the_board_today_has_no_rank_today(client, skill, publish):
    other = publish(slug="other").skill
    rank(skill, [(NOW - DAY, 3), (NOW - 5 * HOUR, 2)])
    rank(other, [(NOW - HOUR, 1)])

    ranks = table(text(client, STATS), "rank")

    assert (ranks["3 Mar 2026"], ranks["2 Mar 2026"]) == ("—", "#3")


def test_ranks_of_other_boards_windows_variants_and_times_are_left_out(client, skill):
    rank(skill, [(NOW, 1)], window="24h")
    rank(skill, [(NOW, 2)], board="rising")
    rank(skill, [(NOW, 3)], with_suspicious=True)
    rank(skill, [(NOW - 40 * DAY, 4)])

    assert "Not among the first 200" in text(client, STATS)


def test_a_suspicious_skill_is_ranked_on_the_board_that_has_them(client, skill):
    skill.moderation_reason = "manual.caution"
    skill.moderation_flags = ["flagged.suspicious"]
    skill.save()
    rank(skill, [(NOW, 3)], with_suspicious=True)
    rank(skill, [(NOW, 8)])

    assert table(text(client, STATS), "rank")["3 Mar 2026"] == "#3"


def test_the_tab_of_an_old_version_leads_to_that_of_the_skill(client, publish):
    publish()
    publish(version="1.1.0", files={"SKILL.md": "# New\n"})

    assert f'href="{STATS}"' in text(client, f"{URL}versions/1.0.0/")
    assert "What was counted" in text(client, f"{URL}versions/1.0.0/?tab=stats")


def test_the_numbers_stay_when_no_version_can_be_read(client, alice, skill):
    two_months(skill, NOW)
    skill.versions.update(withdrawn_at=NOW)
    sign_in(client, alice)

    assert "What was counted" in text(client, STATS)


# --- What it costs --------------------------------------------------------------------------------


def statements(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_tab_costs_the_same_however_much_was_counted(client, publish, skill, alice):
    publish("empty-one")
    empty = [statements(client, "/skills/alice/empty-one/?tab=stats") for _ in range(2)][-1]
    two_months(skill, NOW)
    rank(skill, [(NOW - n * DAY, 1 + n) for n in range(30)])

    full = [statements(client, f"{STATS}&days=90") for _ in range(2)]

    assert full == [empty, empty] == [4, 4]  # The skill, its version, days, ranks.
    sign_in(client, alice)
    as_of.forget()
    # Beside what visitors cost: session, person, unread notices; and as of when, now and then.
    assert statements(client, STATS) <= 8


def test_the_page_fits_its_budget_with_ninety_days(client, skill):
    two_months(skill, NOW)
    rank(skill, [(NOW - n * DAY, 1 + n) for n in range(30)])

    body = client.get(f"{STATS}&days=90").content

    assert len(body) <= 50 * 1024
    assert len(gzip.compress(body, 6)) <= 12 * 1024
    assert b"style=" not in body
