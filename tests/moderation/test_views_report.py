"""Reporting a skill: who may, what is kept when it is refused, and what its reporter sees."""

from __future__ import annotations

import pytest
from django.test import Client

from moderation.models import Report
from moderation.services.reports import triage_report
from tests.factories.accounts import sign_in
from tests.factories.desk import person, report
from tests.factories.skills import hold

pytestmark = pytest.mark.django_db

URL = "/skills/alice/pdf-tools/report/"
GOOD = {"kind": "malicious", "version": "1.0.0", "text": "It reads my keys.", "place": ""}


@pytest.fixture
def rita(db):
    return person("rita")


@pytest.fixture
def version(publish):
    return publish().version


@pytest.fixture
def hers(client, rita, version):
    return sign_in(client, rita)


def text(client, url: str = URL, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def test_a_visitor_signs_in_and_comes_back(client, version):
    for answer in (client.get(f"{URL}?version=1.0.0"), client.post(f"{URL}?version=1.0.0", GOOD)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/?next=/skills/alice/pdf-tools/report/")
    assert not Report.objects.exists()


def test_the_form_offers_each_kind_with_its_meaning_and_the_latest_version(hers, publish):
    publish(version="1.1.0", files={"SKILL.md": "# New\n"})

    page = text(hers)

    assert page.count('type="radio" name="kind"') == 6
    assert "It passes for the skill of somebody else." in page
    assert '<option value="1.1.0" selected>' in page
    assert '<option value="1.0.0" selected>' in text(hers, f"{URL}?version=1.0.0")
    assert '<option value="1.1.0" selected>' in text(hers, f"{URL}?version=%3Cb%3E")


def test_a_report_is_made_and_its_reporter_follows_it(hers, rita, version, mona):
    answer = hers.post(URL, GOOD | {"place": "scripts/run.sh:42"}, follow=True)

    made = Report.objects.get()
    assert (made.reporter, made.version, made.file, made.line) == (
        rita,
        version,
        "scripts/run.sh",
        42,
    )
    page = answer.content.decode()
    assert answer.redirect_chain == [(URL, 302)]
    assert "Reported. A moderator will look at it" in page
    assert "A moderator has yet to look at it." in page

    triage_report(report_id=made.pk, actor=mona, status="dismissed", note="Rita is a rival.")
    page = text(hers)
    assert "Closed: dismissed" in page
    assert "Rita is a rival." not in page
    assert "mona" not in page
    assert "found no reason to act" in text(hers, "/me/")


@pytest.mark.parametrize(
    ("place", "file", "line"),
    [
        ("run.sh", "run.sh", 0),
        ("run.sh:7", "run.sh", 7),
        ("run.sh:L7", "run.sh", 7),
        ("a:b.sh", "a:b.sh", 0),
        ("a b/c.sh:99999999", "a b/c.sh:99999999", 0),
        ("", "", 0),
    ],
)
def test_a_place_is_file_and_line(hers, place, file, line):
    hers.post(URL, GOOD | {"place": place})

    made = Report.objects.get()
    assert (made.file, made.line) == (file, line)


def test_a_second_report_adds_to_the_first_and_says_so(hers):
    hers.post(URL, GOOD)
    page = hers.post(URL, GOOD | {"text": "And my wallet."}, follow=True).content.decode()

    assert Report.objects.get().text == "It reads my keys.\n\nAnd my wallet."
    assert "Added to your open report on this version." in page


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": ""}, "Choose what is wrong with it."),
        ({"kind": "evil"}, "Choose what is wrong with it."),
        ({"text": " "}, "Say in a sentence what you found."),
        ({"text": "x" * 501}, "at most 500 characters"),
        ({"text": "kept\0"}, "Null characters are not allowed."),
        ({"version": "9.9.9"}, "Choose one of its versions."),
        ({"place": "x" * 521}, "at most 520 characters"),
    ],
)
def test_a_refused_report_keeps_what_was_typed(hers, change, told):
    answer = hers.post(URL, GOOD | {"place": "typed.sh:3"} | change)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert "data-error-summary" in page
    assert ("typed.sh:3" in page) or "place" in change
    assert not Report.objects.exists()


def test_at_twenty_open_reports_the_form_says_so(hers, rita, publish):
    for n in range(20):
        report(publish(f"skill-{n}").version, rita)

    assert "You have 20 open reports." in text(hers)
    refused = hers.post(URL, GOOD)
    assert refused.status_code == 422
    assert "You have 20 open reports; please wait" in refused.content.decode()
    # To one that stands more may be added.
    assert hers.post("/skills/alice/skill-0/report/", GOOD).status_code == 302


def test_nobody_reports_a_skill_of_their_own(client, alice, version):
    own = sign_in(client, alice)

    assert "This skill is yours" in text(own)
    assert "<textarea" not in text(own)
    assert own.post(URL, GOOD).status_code == 422
    assert not Report.objects.exists()


def test_a_hidden_skill_is_404_to_strangers(hers, version, mona):
    hold(version.skill, "hidden")

    assert hers.get(URL).status_code == 404
    assert hers.post(URL, GOOD).status_code == 404
    assert sign_in(Client(), mona).get(URL).status_code == 200


def test_what_reporters_write_is_text(hers):
    hers.post(URL, GOOD | {"text": "<img src=x>\u202egnp", "place": "<b>\u202e:1"})

    page = text(hers)

    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page
    assert "\u202e" not in page


def test_without_its_token_a_form_is_refused(rita, version):
    strict = sign_in(Client(), rita)
    checked = Client(enforce_csrf_checks=True)
    checked.cookies = strict.cookies

    assert checked.post(URL, GOOD).status_code == 403


def test_others_reports_are_not_shown(hers, version):
    report(version, person("olaf"), "Olaf was here.")

    assert "Olaf" not in text(hers)


def test_pages_of_the_skill_lead_to_the_form(client, publish, version):
    publish(version="1.1.0", files={"SKILL.md": "# New\n"})
    base = "/skills/alice/pdf-tools/"

    assert f'href="{URL}"' in text(client, base)
    assert f'href="{URL}"' in text(client, f"{base}?tab=security")
    assert f'href="{URL}?version=1.0.0"' in text(client, f"{base}versions/1.0.0/")
