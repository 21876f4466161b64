"""Publishing and managing a skill on pages: rules of axe, desk and phone, and a whole journey."""

from __future__ import annotations

import io
import zipfile

import pytest
from playwright.sync_api import expect

from skills.models import QualityGate, Skill, SkillTransfer
from skills.transfers import request_transfer
from tests.browser.axe import broken_in_a_scheme
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_job_room import enter
from tests.factories.scans import SUSPICIOUS
from tests.factories.skills import publish_skill

pytestmark = pytest.mark.django_db(transaction=True)

MANAGE = "/me/skills/notes/manage/"


def archive(files: dict[str, str]) -> dict[str, object]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for path, content in files.items():
            written.writestr(path, content)
    return {"name": "skill.zip", "mimeType": "application/zip", "buffer": out.getvalue()}


@pytest.fixture
def own(site, page, alice, charlie):
    """Alice's browser; she has a skill, offers one, and is offered one."""
    for slug in ("notes", "memos"):
        publish_skill(namespace=alice.namespace, slug=slug)
    skill = publish_skill(namespace=charlie.namespace, slug="letters").skill
    message = "You use it more than I do."
    request_transfer(skill=skill, to=alice.namespace, actor=charlie, message=message)
    memos = Skill.objects.get(slug="memos")
    request_transfer(skill=memos, to=charlie.namespace, actor=alice)
    enter(site, page, alice)
    return site


def check_zip(page, site, files) -> None:
    page.goto(f"{site}/publish/")
    page.locator("#file").set_input_files(archive(files))
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", name="Check and publish")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_breaks_a_rule_of_axe(own, page, size):
    page.set_viewport_size(size)
    faults = {}

    def look(name: str) -> None:
        for scheme, told in broken_in_a_scheme(page).items():
            faults[f"{name}, {scheme}"] = told
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{name} scrolls sideways: {width}"

    for address in ("/publish/", MANAGE, "/me/skills/memos/manage/", "/me/transfers/"):
        assert page.goto(f"{own}{address}").status == 200
        look(address)
    check_zip(page, own, SUSPICIOUS)
    look("checked")
    page.goto(f"{own}{MANAGE}")
    page.locator("#rename input[type=text]").fill("No Slug")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#rename [data-error-summary]")).to_be_visible()
    look("refused")

    assert faults == {}


def test_a_skill_is_published_renamed_deleted_and_brought_back(own, page):
    # A new person's first skill waits for a moderator, who is not here.
    QualityGate.objects.update_or_create(pk=1, defaults={"is_enabled": False})
    text = "---\nname: ink\ndescription: Keeps ink.\n---\n# Ink\n\nUse it.\n"
    check_zip(page, own, {"SKILL.md": text})
    expect(page.locator("main")).to_contain_text("A new skill: @alice/ink 1.0.0.")
    page.get_by_label("What changed").fill("The first.")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_label("I may give this away")).to_be_focused()
    page.get_by_label("I may give this away").check()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("Version 1.0.0 is published")

    page.get_by_role("link", name="Manage").click()
    page.get_by_label("New slug").fill("inkwell")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator("#messages")).to_contain_text("Its slug is inkwell.")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("Deleted.")
    page.get_by_role("button", name="Restore inkwell").click()
    expect(page.locator("#messages")).to_contain_text("It is back as it was.")

    assert Skill.objects.get(slug="inkwell").is_public


def test_an_offer_is_taken_over(own, page):
    page.goto(f"{own}/me/transfers/")

    page.get_by_role("button", name="Take over letters").click()

    expect(page.locator("#messages")).to_contain_text("letters is yours now.")
    assert SkillTransfer.objects.get(skill__slug="letters").state == "accepted"
