"""What owners do by client: delete, restore, withdraw, tag, rename, merge; and what stays refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Scope
from skills import gates
from skills.models import HoldKind, Skill, SkillAlias, SkillListing, SkillTag
from skills.renames import TooManyNames, merge_skills, rename_skill
from tests.factories.accounts import organisation
from tests.factories.publishing import SKILL_MD, Publisher
from tests.factories.skills import decided_on, hold, publish_skill, scanned
from tests.factories.tokens import Caller, refusal

pytestmark = pytest.mark.django_db

API = "/api/v1/skills"
OWN = f"{API}/pdf-tools"


@pytest.fixture
def owner(alice) -> Caller:
    return Caller(alice)


@pytest.fixture
def skill(publish) -> Skill:
    publish(version="1.0.0")
    return publish(files={"SKILL.md": SKILL_MD.decode()}, version="1.1.0").skill


def told(response, status: int = 200) -> dict:
    assert response.status_code == status, response.content
    return response.json()


def verbs() -> list[str]:
    named = AuditEvent.objects.order_by("pk").values_list("verb", flat=True)
    return [verb for verb in named if verb not in {"user.create", "token.create", "skill.publish"}]


# --- Delete and restore ---------------------------------------------------------------------------


def test_a_deleted_skill_is_gone_for_others_and_comes_back(client, owner, skill):
    now = timezone.now()
    first = told(owner.delete(OWN, reason="Old."))

    until = first["slugReservedUntil"] / 1000 - now.timestamp()
    assert timedelta(days=29) < timedelta(seconds=until) < timedelta(days=31)
    assert told(owner.delete(OWN)) == first
    assert client.get(OWN).status_code == 404
    assert refusal(owner.get(OWN)) == (410, "deleted")
    assert not SkillListing.objects.exists()

    assert told(owner.post(f"{OWN}/undelete")) == {"ok": True}
    assert told(owner.post(f"{OWN}/undelete")) == {"ok": True}
    assert client.get(OWN).status_code == 200
    assert Skill.objects.get().restored_at is not None
    assert verbs() == ["skill.delete", "skill.restore"]


def test_the_name_of_a_deleted_skill_is_kept_from_others_for_a_while(alice, charlie, owner, skill):
    told(owner.delete(OWN))
    other = Publisher(charlie)

    assert refusal(other.form({"SKILL.md": SKILL_MD})) == (400, "slug_reserved")
    past = timezone.now() - gates.RESERVED_FOR - timedelta(minutes=1)
    Skill.objects.update(soft_deleted_at=past)
    assert other.form({"SKILL.md": SKILL_MD}).status_code == 200


@pytest.mark.parametrize("kind", [HoldKind.HIDDEN, HoldKind.REMOVED, HoldKind.BAN])
def test_an_owner_does_not_undo_what_staff_decided(owner, skill, kind):
    told(owner.delete(OWN))
    hold(skill, kind)

    answer = owner.post(f"{OWN}/undelete")

    assert refusal(answer) == (403, "hidden")
    assert "Only moderators can bring it back." in answer.content.decode()
    skill.refresh_from_db()
    assert skill.soft_deleted_at is not None
    assert verbs() == ["skill.delete"]


@pytest.mark.parametrize("kind", HoldKind.values)
def test_an_owner_does_not_unhide_what_they_did_not_hide(owner, skill, kind):
    hold(skill, kind)

    assert refusal(owner.post(f"{OWN}/undelete")) == (403, "hidden")
    assert skill.holds.get().kind == kind


def test_malware_is_not_brought_back(owner, skill):
    for version in skill.versions.all():
        scanned(version, "malicious")

    assert refusal(owner.post(f"{OWN}/undelete")) == (403, "hidden")


@pytest.mark.parametrize("kind", [HoldKind.REPORTS, HoldKind.QUALITY])
def test_restoring_leaves_a_hold_that_waits_for_somebody(owner, skill, kind):
    told(owner.delete(OWN))
    hold(skill, kind)

    told(owner.post(f"{OWN}/undelete"))

    skill.refresh_from_db()
    assert (skill.soft_deleted_at, skill.moderation_status) == (None, "hidden")
    assert skill.holds.get().kind == kind


def test_what_a_moderator_removed_is_not_deleted(owner, skill):
    hold(skill, HoldKind.REMOVED)

    assert refusal(owner.delete(OWN)) == (410, "removed")


CALLS = [
    ("delete", OWN, {}),
    ("post", f"{OWN}/undelete", {}),
    ("delete", f"{OWN}/versions/1.0.0", {}),
    ("post", f"{OWN}/versions/1.0.0/restore", {}),
    ("post", f"{OWN}/tags/stable", {"version": "1.0.0"}),
    ("post", f"{OWN}/rename", {"newSlug": "paper-tools"}),
    ("post", f"{OWN}/merge", {"targetSlug": "paper-tools"}),
    ("post", f"{OWN}/transfer", {"toUserHandle": "charlie"}),
]


@pytest.mark.parametrize(("method", "address", "body"), CALLS)
def test_only_its_owner_changes_a_skill(charlie, mona, alice, skill, method, address, body):
    for person in (charlie, mona):
        assert refusal(getattr(Caller(person), method)(address, **body)) == (403, "not_owner")
    reader = Caller(alice, scopes=[Scope.SKILLS_READ])
    assert refusal(getattr(reader, method)(address, **body)) == (403, "scope_missing")
    hold(skill, HoldKind.HIDDEN)
    hidden = getattr(Caller(charlie), method)(address, **body)
    assert (hidden.status_code, hidden.content) == (404, b"Skill not found")
    assert verbs() == []


def test_a_member_withdraws_and_tags_and_an_admin_deletes(alice, charlie, mona):
    acme = organisation("acme", owner=alice, member=charlie, admin=mona)
    publish_skill(namespace=acme)

    assert refusal(Caller(charlie).delete(OWN)) == (403, "not_owner")
    told(Caller(charlie).post(f"{OWN}/tags/stable", version="1.0.0"))
    told(Caller(mona).delete(f"{OWN}?ownerHandle=acme"))


def test_who_may_publish_a_mended_version_is_told_what_is_there(alice, owner, skill):
    hold(skill, HoldKind.HIDDEN)
    asked = f"/api/v1/resolve?slug=pdf-tools&ownerHandle=alice&hash={'0' * 64}"

    assert told(owner.get(asked))["latestVersion"] == {"version": "1.1.0"}
    assert refusal(Caller(alice, scopes=[Scope.SKILLS_READ]).get(asked)) == (403, "hidden")
    told(owner.delete(OWN))
    assert refusal(owner.get(asked)) == (410, "deleted")


# --- One version, and tags ------------------------------------------------------------------------


def test_a_withdrawn_version_is_gone_and_latest_goes_back(client, owner, skill):
    told(owner.delete(f"{OWN}/versions/1.1.0", version="1.1.0"))
    told(owner.delete(f"{OWN}/versions/1.1.0"))

    assert told(client.get(OWN))["latestVersion"]["version"] == "1.0.0"
    assert client.get(f"{OWN}/versions/1.1.0").status_code == 410
    told(owner.post(f"{OWN}/versions/1.1.0/restore", version="1.1.0"))
    told(owner.post(f"{OWN}/versions/1.1.0/restore"))
    # As the client says: it comes back without changing latest.
    assert client.get(f"{OWN}/versions/1.1.0").status_code == 200
    assert told(client.get(OWN))["latestVersion"]["version"] == "1.0.0"
    assert verbs() == ["version.withdraw", "version.restore"]


def test_a_skill_of_which_every_version_was_withdrawn_comes_back_with_one(client, owner, skill):
    for version in ("1.0.0", "1.1.0"):
        told(owner.delete(f"{OWN}/versions/{version}"))
    assert client.get(OWN).status_code == 404

    told(owner.post(f"{OWN}/versions/1.0.0/restore"))

    assert told(client.get(OWN))["latestVersion"]["version"] == "1.0.0"


def test_a_version_that_is_blocked_is_not_restored_by_its_owner(owner, skill):
    version = skill.versions.get(version="1.1.0")
    told(owner.delete(f"{OWN}/versions/1.1.0"))
    decided_on(version, "hidden")
    assert refusal(owner.post(f"{OWN}/versions/1.1.0/restore")) == (403, "hidden")
    decided_on(version, "")
    scanned(version, "malicious")
    assert refusal(owner.post(f"{OWN}/versions/1.1.0/restore")) == (403, "malicious")
    assert refusal(owner.post(f"{OWN}/versions/9.9.9/restore")) == (404, "version_not_found")


def test_a_tag_points_at_a_version_and_latest_moves(client, owner, skill):
    answer = told(owner.post(f"{OWN}/tags/stable", version="1.0.0"))
    told(owner.post(f"{OWN}/tags/stable", version="1.0.0"))

    assert answer == {"ok": True, "slug": "pdf-tools", "tag": "stable", "version": "1.0.0"}
    for _again in range(2):
        typed = told(owner.post(f"{OWN}/tags/%20beta%20", version=" v1.1.0"))
        assert (typed["tag"], typed["version"]) == ("beta", "1.1.0")
    told(owner.post(f"{OWN}/tags/latest", version="1.0.0"))
    detail = told(client.get(OWN))
    assert detail["skill"]["tags"] == {"beta": "1.1.0", "latest": "1.0.0", "stable": "1.0.0"}
    assert detail["latestVersion"]["version"] == "1.0.0"
    assert verbs() == ["skill.tag"] * 3


def test_a_tag_that_cannot_be_is_refused(owner, skill, monkeypatch):
    assert refusal(owner.post(f"{OWN}/tags/$x", version="1.0.0")) == (400, "tag_invalid")
    assert refusal(owner.post(f"{OWN}/tags/x", version="9.9.9")) == (404, "version_not_found")
    assert refusal(owner.post(f"{OWN}/tags/x")) == (404, "version_not_found")
    told(owner.delete(f"{OWN}/versions/1.0.0"))
    assert refusal(owner.post(f"{OWN}/tags/x", version="1.0.0")) == (410, "withdrawn")
    monkeypatch.setattr("skills.lifecycle.MAX_TAGS_OF_SKILL", 1)
    assert refusal(owner.post(f"{OWN}/tags/x", version="1.1.0")) == (400, "tag_invalid")
    assert SkillTag.objects.get().name == "latest"


# --- Rename ---------------------------------------------------------------------------------------


def test_the_old_name_leads_to_the_new_one_everywhere(client, owner, skill):
    answer = told(owner.post(f"{OWN}/rename", newSlug="Paper-Tools"))

    assert answer == {"ok": True, "slug": "paper-tools", "previousSlug": "pdf-tools"}
    again = told(owner.post(f"{OWN}/rename", newSlug="paper-tools"))
    assert again == answer
    for name in ("pdf-tools", "paper-tools", "@alice/pdf-tools"):
        assert told(client.get(f"{API}/{name}"))["skill"]["slug"] == "paper-tools"
    assert client.get("/api/v1/download?slug=pdf-tools").status_code == 200
    page = client.get("/skills/alice/pdf-tools/versions/?x=1")
    assert (page.status_code, page.url) == (301, "/skills/alice/paper-tools/versions/?x=1")
    assert SkillListing.objects.get(facet="").slug == "paper-tools"
    assert verbs() == ["skill.rename"]


def test_a_skill_may_have_its_old_name_back(client, owner, skill):
    told(owner.post(f"{OWN}/rename", newSlug="paper-tools"))
    told(owner.post(f"{API}/paper-tools/rename", newSlug="pdf-tools"))

    assert told(client.get(f"{API}/paper-tools"))["skill"]["slug"] == "pdf-tools"
    assert SkillAlias.objects.get().slug == "paper-tools"


def test_a_rename_tells_the_name_the_skill_had_and_not_what_was_typed(owner, publish, skill):
    publish("csv-tools")

    def renamed(typed: str, slug: str) -> str:
        return told(owner.post(f"{API}/{typed}/rename", newSlug=slug))["previousSlug"]

    assert renamed("pdf-tools", "pdf-tools") == "pdf-tools"
    assert renamed("PDF-Tools", "paper-tools") == "pdf-tools"
    # By an old name, and again after another skill's name came to lead here.
    assert renamed("@alice/pdf-tools", "office-tools") == "paper-tools"
    told(owner.post(f"{API}/csv-tools/merge", targetSlug="office-tools"))
    assert renamed("pdf-tools", "office-tools") == "paper-tools"
    assert renamed("office-tools", "pdf-tools") == "office-tools"


def test_a_name_that_is_not_to_be_had_is_refused(owner, publish, skill, monkeypatch):
    publish("csv-tools")
    told(owner.post(f"{API}/csv-tools/rename", newSlug="table-tools"))

    for slug, code in (
        ("admin", "slug_reserved"),
        ("pdf-official", "slug_protected"),
        ("x", "slug_invalid"),
        ("", "slug_invalid"),
        ("table-tools", "slug_taken"),
        ("csv-tools", "slug_taken"),
    ):
        assert refusal(owner.post(f"{OWN}/rename", newSlug=slug)) == (400, code), slug
    monkeypatch.setattr("skills.renames.MAX_OLD_NAMES", 0)
    assert refusal(owner.post(f"{OWN}/rename", newSlug="paper-tools")) == (400, "too_many_names")
    hold(skill, HoldKind.HIDDEN)
    assert refusal(owner.post(f"{OWN}/rename", newSlug="paper-tools")) == (403, "hidden")
    assert Skill.objects.get(pk=skill.pk).slug == "pdf-tools"


def test_a_name_that_leads_elsewhere_is_kept_from_others(owner, charlie, skill):
    told(owner.post(f"{OWN}/rename", newSlug="paper-tools"))

    other = Publisher(charlie)
    assert refusal(other.form({"SKILL.md": SKILL_MD})) == (400, "slug_reserved")


# --- Merge ----------------------------------------------------------------------------------------


def test_a_merged_skill_is_hidden_and_its_names_lead_to_the_other(client, owner, publish, skill):
    publish("paper-tools")
    told(owner.post(f"{OWN}/rename", newSlug="pdf-kit"))

    answer = told(owner.post(f"{API}/pdf-kit/merge", targetSlug="paper-tools"))

    assert answer == {"ok": True, "sourceSlug": "pdf-kit", "targetSlug": "paper-tools"}
    assert told(owner.post(f"{API}/pdf-kit/merge", targetSlug="paper-tools")) == answer
    for caller in (client, owner):
        for name in ("pdf-kit", "pdf-tools", "@alice/pdf-kit"):
            assert told(caller.get(f"{API}/{name}"))["skill"]["slug"] == "paper-tools"
    assert client.get("/skills/alice/pdf-kit/").url == "/skills/alice/paper-tools/"
    assert [row.slug for row in SkillListing.objects.filter(facet="")] == ["paper-tools"]
    assert verbs() == ["skill.rename", "skill.merge"]


def test_a_merge_cannot_be_undone(owner, publish, skill, alice):
    publish("paper-tools")
    publish("csv-tools")
    told(owner.post(f"{OWN}/merge", targetSlug="paper-tools"))

    answer = owner.post(f"{OWN}/undelete")
    assert refusal(answer) == (403, "hidden")
    assert "that cannot be undone" in answer.content.decode()
    assert refusal(owner.delete(OWN)) == (403, "hidden")
    assert refusal(owner.post(f"{OWN}/merge", targetSlug="csv-tools")) == (400, "merge_refused")
    assert refusal(Publisher(alice).form({"SKILL.md": SKILL_MD}, version="2.0.0")) == (
        400,
        "slug_taken",
    )
    assert Skill.objects.public().count() == 2


def test_a_merge_that_cannot_be_is_refused(owner, publish, skill, charlie):
    publish_skill(namespace=charlie.namespace, slug="their-tools")
    target = publish("paper-tools").skill

    assert refusal(owner.post(f"{OWN}/merge", targetSlug="pdf-tools")) == (400, "merge_refused")
    assert refusal(owner.post(f"{OWN}/merge", targetSlug="their-tools")) == (403, "not_owner")
    assert refusal(owner.post(f"{OWN}/merge", targetSlug="no-tools")) == (404, "skill_not_found")
    hold(target, HoldKind.HIDDEN)
    assert refusal(owner.post(f"{OWN}/merge", targetSlug="paper-tools")) == (403, "hidden")
    assert not SkillAlias.objects.exists()
    assert Skill.objects.filter(soft_deleted_at__isnull=False).count() == 0


def test_of_too_many_old_names_the_field_that_asked_for_one_is_told(
    alice, publish, skill, monkeypatch
):
    other = publish("paper-tools").skill
    monkeypatch.setattr("skills.renames.MAX_OLD_NAMES", 0)

    with pytest.raises(TooManyNames) as renamed:
        rename_skill(skill=skill, slug="pdf-kit", actor=alice)
    with pytest.raises(TooManyNames) as merged:
        merge_skills(source=skill, target=other, actor=alice)

    assert (renamed.value.field, merged.value.field) == ("newSlug", "targetSlug")
    assert not SkillAlias.objects.exists()


def test_a_chain_of_merges_leads_to_its_end(client, owner, publish, skill):
    publish("paper-tools")
    publish("office-tools")
    told(owner.post(f"{OWN}/merge", targetSlug="paper-tools"))
    told(owner.post(f"{API}/paper-tools/merge", targetSlug="office-tools"))

    for name in ("pdf-tools", "paper-tools"):
        assert told(client.get(f"{API}/{name}"))["skill"]["slug"] == "office-tools"


# --- Names that several owners use ----------------------------------------------------------------


def test_an_owner_means_their_own_by_a_bare_name(owner, skill, charlie):
    publish_skill(namespace=charlie.namespace, slug="pdf-tools")

    told(owner.delete(OWN))

    assert Skill.objects.get(soft_deleted_at__isnull=False).owner_handle == "alice"


def test_a_bare_name_of_two_of_ones_own_is_ambiguous(alice, owner, skill):
    publish_skill(namespace=organisation("acme", owner=alice), slug="pdf-tools")

    answer = owner.delete(OWN)

    assert (answer.status_code, answer.json()["code"]) == (409, "AMBIGUOUS_SKILL_SLUG")
    told(owner.delete(OWN, ownerHandle="@acme"))
    assert Skill.objects.get(soft_deleted_at__isnull=False).owner_handle == "acme"
