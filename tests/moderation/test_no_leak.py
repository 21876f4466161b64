"""What is internal stays inside: every public page and feed is read for planted secrets."""

from __future__ import annotations

import pytest
from django.test import Client

from config import sitemaps
from moderation.models import ReviewItem
from moderation.services import appeals, items
from moderation.services.reports import triage_report
from moderation.services.undo import undo
from tests.factories.accounts import sign_in
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import CLEAN, MALICIOUS, SUSPICIOUS, scan_all
from tests.factories.skills import hold

pytestmark = pytest.mark.django_db

SECRETS = {
    "reporters": ["zz-reporter"],
    "reports": ["zz-report-text"],
    "moderators": ["zz-moderator", "zz-admin"],
    "notes": ["zz-note", "zz-triage-note"],
    "statements": ["zz-statement", "zz-answer"],
    "appeals": ["zz-appeal"],
    "malware": ["203.0.113.77", "/dev/tcp/"],
    "rules": ["shell.reverse"],
}
OF_THE_OWNER = ("statements", "appeals")
SKILLS = ("notes", "open", "lure", "taken", "cleared")
PUBLIC = (
    "/",
    "/skills/?suspicious=1",
    "/u/alice/",
    "/modlog/",
    "/modlog.atom",
    "/modlog.json",
    "/about/moderation/",
    *(f"/modlog/?q={slug}" for slug in SKILLS),
    *(f"/skills/alice/{slug}/{rest}" for slug in SKILLS for rest in ("", "?tab=security")),
    *(f"/skills/alice/{slug}/versions/" for slug in SKILLS),
    "/skills/alice/lure/versions/1.1.0/?tab=security",
    "/skills/alice/lure/versions/1.1.0/files/SKILL.md",
    *(f"/api/v1/skills/{slug}/moderation" for slug in SKILLS),
    *(f"/api/v1/skills/{slug}" for slug in SKILLS),
)


@pytest.fixture
def planted(publish, alice):
    """Skills in every situation, with a secret in every column that is internal."""
    reporter = person("zz-reporter")
    mona, ada = person("zz-moderator", role="moderator"), person("zz-admin", role="admin")
    lured = MALICIOUS["SKILL.md"].replace("203.0.113.5", "203.0.113.77")

    notes, opened, taken = (publish(slug, SUSPICIOUS) for slug in ("notes", "open", "taken"))
    publish("lure", CLEAN, version="1.0.0")
    lure = publish("lure", {"SKILL.md": lured}, version="1.1.0")
    cleared = publish("cleared", CLEAN)
    scan_all()
    assert [found["rule"] for found in item_of(lure.version).version.scan_evidence] == SECRETS[
        "rules"
    ]
    for published in (notes, opened, cleared):
        report(published.version, reporter, "zz-report-text")
    said = {"text": "zz-statement", "note": "zz-note"}
    items.add_note(item_id=item_of(opened.version).pk, actor=mona, text="zz-note")
    decision = decide_on(item_of(notes.version), mona, "caution", **said)
    appeals.appeal(decision_id=decision.pk, actor=alice, text="zz-appeal")
    asked = ReviewItem.objects.appeals().get()
    decide_on(asked, ada, "reject-appeal", text="zz-answer", note="zz-note")
    decide_on(item_of(lure.version), mona, "hide-version", **said)
    back = decide_on(item_of(taken.version), mona, "changes", **said)
    undo(decision_id=back.pk, actor=mona)
    triage_report(
        report_id=cleared.version.reports.get().pk,
        actor=mona,
        status="dismissed",
        note="zz-triage-note",
    )
    return {"notes": notes, "lure": lure}


def public(planted) -> list[str]:
    """The public addresses, and the part of the sitemap that these skills' ids fall into."""
    parts = {published.skill.pk // sitemaps.PART_SIZE for published in planted.values()}
    return [*PUBLIC, *(f"/sitemap-skills-{part}.xml" for part in parts)]


def leaks(client, addresses, kinds) -> list[tuple[str, str]]:
    found = []
    for address in addresses:
        answer = client.get(address, follow=True)
        assert answer.status_code in {200, 404, 410}, address
        told = answer.content.decode() + str(answer.headers)
        found += [(address, s) for kind in kinds for s in SECRETS[kind] if s in told]
    return found


def test_no_public_page_tells_what_is_internal(planted, charlie):
    for client in (Client(), sign_in(Client(), charlie)):
        assert leaks(client, public(planted), SECRETS) == []


def test_no_page_of_an_owner_tells_what_is_internal(planted, alice):
    own = sign_in(Client(), alice)
    decisions = [d.pk for published in planted.values() for d in published.skill.decisions.all()]
    pages = [
        "/me/",
        *(f"/me/skills/{slug}/" for slug in SKILLS),
        *(f"/me/decisions/{pk}/" for pk in decisions),
        *(f"/me/decisions/{pk}/appeal/" for pk in decisions),
    ]
    kinds = [kind for kind in SECRETS if kind not in OF_THE_OWNER]

    assert leaks(own, [*public(planted), *pages], kinds) == []


def test_what_is_hidden_is_told_of_by_the_log_alone(planted):
    hold(planted["notes"].skill, "hidden")

    for address in ("/skills/alice/notes/", "/skills/alice/notes/report/"):
        assert Client().get(address).status_code == 404
    assert b'href="/skills/alice/notes' not in Client().get("/modlog/?q=notes").content
    assert b"@alice/notes" in Client().get("/modlog/?q=notes").content
