"""Reserved names and the quality gate: who passes, what is held, and who is told why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Namespace
from moderation.models import Decision, ItemKind, ItemState, Notice, ReviewItem
from moderation.services import settings
from moderation.services.undo import undo
from skills.gates import SlugReserved
from skills.models import QualityGate, ReservedSlug, Skill, SkillHold, SkillListing, SkillVersion
from skills.services import Publication, Submission, publish_versions
from tests.factories.desk import decide_on, item_of, person, report
from tests.factories.scans import MALICIOUS, SUSPICIOUS, scan_all, stands
from tests.factories.skills import bundle_of, publish_skill

pytestmark = pytest.mark.django_db

RICH = {
    "SKILL.md": "---\nname: notes\ndescription: Takes notes of meetings.\n---\n# Notes\n\n"
    "Write down who said what, what was decided, and who does what by when.\n"
}
POOR = {"SKILL.md": "# Hi\n"}
LIMITS = {
    "is_enabled": True,
    "min_readme_characters": 60,
    "min_description_characters": 10,
    "min_account_age_days": 0,
    "trusted_after_days": 14,
}


@pytest.fixture
def offer(alice):
    """Publish as Alice herself does, through no system."""

    def call(slug: str = "notes", files: dict[str, str] | None = None, **said):
        said.setdefault("namespace", alice.namespace)
        said.setdefault("actor", alice)
        return publish_skill(slug=slug, files=files or RICH, **said)

    return call


def set_gate(actor, **limits) -> None:
    settings.change_gate(actor=actor, **(LIMITS | limits))


def reserve(actor, slug: str = "desk-lamp") -> ReservedSlug:
    return settings.reserve_slug(slug=slug, reason="Ours.", actor=actor)


# --- Reserved names -------------------------------------------------------------------------------


def test_a_reserved_name_is_refused_and_leaves_nothing(offer, ada):
    reserve(ada)

    with pytest.raises(SlugReserved, match="“desk-lamp” is reserved; choose another one"):
        offer("Desk-Lamp ")

    assert not Skill.objects.exists()


def test_who_has_the_name_keeps_it_and_publishes_on(offer, ada, alice):
    offer("desk-lamp")
    reserve(ada)

    assert offer("desk-lamp", version="1.1.0").created
    org = Namespace.objects.create(handle="lamps", kind="org")
    assert offer("desk-lamp", namespace=org).created


def test_a_member_of_the_namespace_that_has_it_may_have_it_too(offer, ada, alice, charlie):
    org = Namespace.objects.create(handle="lamps", kind="org")
    publish_skill(namespace=org, slug="desk-lamp", files=RICH)
    reserve(ada)

    with pytest.raises(SlugReserved):
        offer("desk-lamp")
    Membership.objects.create(namespace=org, user=alice)
    assert offer("desk-lamp").created
    with pytest.raises(SlugReserved):
        offer("desk-lamp", namespace=charlie.namespace, actor=charlie)


def test_staff_and_imports_may_have_it(offer, ada, mona):
    reserve(ada)

    assert offer("desk-lamp", namespace=mona.namespace, actor=mona).created
    said = {"source": "import", "keep_slug": True, "actor": None}
    assert offer("desk-lamp", namespace=Namespace.objects.create(handle="old"), **said).created


def test_the_system_itself_takes_no_reserved_name(publish, ada):
    reserve(ada)

    with pytest.raises(SlugReserved):
        publish("desk-lamp")


def test_one_reserved_name_refuses_its_whole_batch(alice, ada):
    reserve(ada)
    batch = [
        Submission(
            alice.namespace,
            bundle_of(RICH),
            Publication(slug=slug, version="1.0.0", display_name=slug),
            alice,
        )
        for slug in ("floor-lamp", "desk-lamp")
    ]

    with pytest.raises(SlugReserved):
        publish_versions(batch)

    assert not Skill.objects.exists()


# --- The gate -------------------------------------------------------------------------------------


def test_a_new_skill_that_shows_enough_is_public_at_once(offer):
    assert offer().skill.moderation_status == "active"
    assert not SkillHold.objects.exists()


def test_one_that_shows_too_little_is_held_and_after_its_scan_its_owner_is_told(offer, alice):
    published = offer(files=POOR)

    assert (published.skill.moderation_status, published.skill.moderation_reason) == (
        "hidden",
        "quality.low",
    )
    assert not SkillListing.objects.exists()
    assert not Decision.objects.exists()
    scan_all()

    decision = Decision.objects.get()
    assert (decision.action, decision.actor, decision.category) == ("hold-quality", None, "quality")
    assert "The readme has 4 of 60 characters." in decision.text
    assert "The description has 0 of 10 characters." in decision.text
    item = item_of(published.version)
    assert (item.kind, item.state, decision.item) == (ItemKind.HOLD, ItemState.OPEN, item)
    notice = Notice.objects.get()
    assert (notice.decision, notice.namespace) == (decision, alice.namespace)
    assert stands(published.skill)[:2] == ("hidden", "quality.low")


@pytest.mark.parametrize("files", [SUSPICIOUS, MALICIOUS], ids=["suspicious", "malicious"])
def test_a_held_skill_with_findings_has_one_item_and_both_words(offer, ada, files):
    set_gate(ada, min_readme_characters=1_000)
    published = offer(files=files)

    scan_all()

    assert ReviewItem.objects.get().kind == ItemKind.SCAN
    assert Decision.objects.filter(action="hold-quality").count() == 1
    assert stands(published.skill)[:2] == ("hidden", "quality.low")


def test_scanned_again_or_published_again_it_is_told_once(offer):
    published = offer(files=POOR)
    scan_all()
    offer(files=POOR | {"a.txt": "a"}, version="1.1.0")
    for _ in range(2):
        from moderation.services.scans import request_scans

        request_scans([published.version.pk])
        scan_all()

    assert Decision.objects.filter(action="hold-quality").count() == 1
    assert Notice.objects.count() == 1
    assert stands(published.skill)[:2] == ("hidden", "quality.low")


def test_an_approval_lifts_the_hold_and_its_undo_places_it_again(offer, mona):
    published = offer(files=POOR)
    scan_all()

    decision = decide_on(item_of(published.version), mona, "approve")
    assert stands(published.skill)[:2] == ("active", "manual.approved")

    undo(decision_id=decision.pk, actor=mona)
    assert stands(published.skill)[:2] == ("hidden", "quality.low")


def test_what_was_decided_before_the_scan_stays_decided(offer, mona):
    published = offer(files=POOR)
    report(published.version, person("rita"))
    decide_on(item_of(published.version), mona, "approve")

    scan_all()

    assert stands(published.skill)[:2] == ("active", "manual.approved")
    assert not Decision.objects.filter(action="hold-quality").exists()


def test_only_the_first_version_of_a_new_skill_is_measured(offer):
    offer()

    assert offer(files=POOR, version="1.1.0").skill.moderation_status == "active"


def test_staff_the_system_and_imports_pass(offer, mona, publish):
    assert offer(files=POOR, namespace=mona.namespace, actor=mona).skill.is_public
    assert publish("of-the-system", POOR).skill.is_public
    assert offer("imported", POOR, source="import").skill.is_public


def test_an_owner_with_an_old_clean_skill_passes(offer, ada):
    first = offer("first-one").skill
    assert not offer("second-one", POOR).skill.is_public
    Skill.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=15))
    assert not offer("not-scanned", POOR).skill.is_public

    scan_all()

    assert offer("third-one", POOR).skill.is_public
    set_gate(ada, trusted_after_days=30)
    assert not offer("fourth-one", POOR).skill.is_public


def test_a_doubtful_or_hidden_skill_makes_nobody_trusted(offer, mona):
    old = offer("first-one", SUSPICIOUS | {"more.md": "x"}).skill
    Skill.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=90))
    scan_all()
    assert not offer("second-one", POOR).skill.is_public

    decide_on(item_of(SkillVersion.objects.get(skill=old)), mona, "approve")
    assert offer("third-one", POOR).skill.is_public
    undone = Decision.objects.get(action="approve")
    undo(decision_id=undone.pk, actor=mona)
    decide_on(item_of(SkillVersion.objects.get(skill=old)), mona, "hide")
    assert not offer("fourth-one", POOR).skill.is_public


def test_a_skill_that_its_owner_deleted_makes_nobody_trusted(offer):
    old = offer("first-one").skill
    scan_all()
    earlier = timezone.now() - timedelta(days=90)
    Skill.objects.filter(pk=old.pk).update(created_at=earlier, soft_deleted_at=earlier)

    assert not offer("second-one", POOR).skill.is_public


def test_a_young_account_is_held_where_an_age_is_asked_for(offer, ada):
    set_gate(ada, min_account_age_days=3)
    old, young = person("olga", days_old=3), person("yuri", days_old=2)
    for one in (old, young):
        one.refresh_from_db()

    assert offer(namespace=old.namespace, actor=old).skill.is_public
    held = offer(namespace=young.namespace, actor=young).skill
    assert SkillHold.objects.get(skill=held).detail == "The account is 2 of 3 days old."


def test_a_gate_that_is_off_holds_nothing(offer, ada):
    set_gate(ada, is_enabled=False)

    assert offer(files=POOR).skill.is_public


def test_a_bigger_batch_takes_no_more_statements(alice):
    def batch(names: range) -> int:
        rows = [
            Submission(
                alice.namespace,
                bundle_of(POOR),
                Publication(slug=f"skill-{n}", version="1.0.0", display_name="x"),
                alice,
            )
            for n in names
        ]
        with CaptureQueriesContext(connection) as queries:
            publish_versions(rows)
        return len(queries)

    batch(range(2))  # Composes statements, stores the one content.
    assert batch(range(2, 4)) == batch(range(4, 14))
    assert SkillHold.objects.count() == 14


def test_an_import_asks_neither_gate(alice):
    row = Submission(
        alice.namespace,
        bundle_of(POOR),
        Publication(slug="a-b-c", version="1.0.0", display_name="x", source="import"),
    )
    with CaptureQueriesContext(connection) as queries:
        publish_versions([row])

    asked = " ".join(query["sql"] for query in queries)
    assert "reservedslug" not in asked
    assert "qualitygate" not in asked


def test_there_is_one_gate(ada):
    set_gate(ada, min_readme_characters=1)
    set_gate(ada, min_readme_characters=2)

    assert QualityGate.objects.get().min_readme_characters == 2


def test_the_product_comes_with_a_short_list():
    assert {"skill-board", "claw-hub"} <= set(ReservedSlug.objects.values_list("slug", flat=True))
