"""`/me/skills/{slug}/manage/`: every deed of an owner by page, who may do it, and what is refused."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Membership, Namespace, NamespaceKind
from skills.models import HoldKind, Skill, SkillTransfer
from tests.factories.accounts import sign_in
from tests.factories.skills import hold

pytestmark = pytest.mark.django_db

URL = "/me/skills/notes/manage/"
MINE = "/me/skills/notes/?owner=alice"


@pytest.fixture
def own(client, alice):
    return sign_in(client, alice)


@pytest.fixture
def notes(publish) -> Skill:
    publish("notes", version="1.0.0")
    return publish("notes", version="1.1.0").skill


def text(client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def act(client, deed: str, **said: str):
    return client.post(f"{URL}{deed}/", {f"{deed}-{name}": value for name, value in said.items()})


def refusal(response) -> str:
    assert response.status_code == 422
    return response.content.decode()


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))


def test_the_page_shows_tags_and_every_deed(own, notes):
    page = text(own)

    for deed in ("tag", "rename", "offer", "merge", "delete"):
        assert f'action="/me/skills/notes/manage/{deed}/?owner=alice"' in page
    assert "restore/" not in page
    assert '<th scope="row">latest</th><td>1.1.0</td>' in page


def test_a_rename_leads_on_and_is_undone_by_a_rename(own, notes):
    answer = act(own, "rename", slug="memos")

    assert answer.url == "/me/skills/memos/manage/?owner=alice"
    page = own.get(answer.url).content.decode()
    assert "Its slug is memos." in page
    assert "<li>notes</li>" in page
    assert own.get("/skills/alice/notes/").url == "/skills/alice/memos/"
    own.post("/me/skills/memos/manage/rename/", {"rename-slug": "notes"})
    notes.refresh_from_db()
    assert notes.slug == "notes"


@pytest.mark.parametrize(
    ("slug", "told"),
    [
        ("No Slug", "A slug has 3 to 96 characters"),
        ("api", "is reserved"),
        ("memos", "has or had another skill memos"),
        ("", "This field is required"),
    ],
)
def test_a_refused_rename_keeps_what_was_typed(own, notes, publish, slug, told):
    publish("memos")

    page = refusal(act(own, "rename", slug=slug))

    assert told in page.replace("&quot;", '"').replace("&#x27;", "'")
    assert f'value="{slug}"' in page or not slug
    assert "data-error-summary" in page
    notes.refresh_from_db()
    assert notes.slug == "notes"


def test_a_merge_is_typed_twice_and_is_for_good(own, notes, publish):
    target = publish("memos").skill

    assert "Type notes to say that you mean it." in refusal(
        act(own, "merge", target="memos", typed="memos")
    )
    assert "cannot be merged into itself" in refusal(
        act(own, "merge", target="notes", typed="notes")
    )
    assert "not found" in refusal(act(own, "merge", target="nothing", typed="notes")).lower()
    answer = act(own, "merge", target="@alice/memos", typed="notes")

    assert answer.url == "/me/skills/memos/manage/?owner=alice"
    assert own.get("/skills/alice/notes/").url == "/skills/alice/memos/"
    target.refresh_from_db()
    assert target.is_public
    page = text(own)
    assert "That cannot be undone." in page
    assert "<form class" not in page.partition("<main")[2]


def test_no_skill_of_another_is_merged_into(own, notes, charlie, publish):
    publish("memos", namespace=charlie.namespace)

    assert "Only @charlie may do this" in refusal(
        act(own, "merge", target="@charlie/memos", typed="notes")
    )
    notes.refresh_from_db()
    assert notes.merged_at is None


def test_no_skill_is_merged_into_one_that_is_not_managed(client, alice, notes, publish):
    acme = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(user=alice, namespace=acme, role="member")
    publish("memos", namespace=acme)
    sign_in(client, alice)

    assert "Only owners and admins of @acme may do this" in refusal(
        act(client, "merge", target="@acme/memos", typed="notes")
    )
    notes.refresh_from_db()
    assert notes.merged_at is None


def test_a_refusal_stands_beside_its_field(own, notes):
    for deed, said, field in (
        ("tag", {"tag": "ü", "version": "1.0.0"}, "tag"),
        ("offer", {"to": "alice"}, "to"),
    ):
        form = act(own, deed, **said).context["forms"][deed]
        assert list(form.errors) == [field], deed


def test_a_skill_is_deleted_and_comes_back(own, notes):
    answer = act(own, "delete", reason="Not needed")

    assert answer.url == f"{URL}?owner=alice"
    page = text(own)
    assert "It is deleted; only its owners and staff see it." in page
    assert "merge/" not in page
    assert own.get("/skills/alice/notes/").status_code == 200
    assert own.get("/skills/").content.decode().count("/skills/alice/notes/") == 0
    again = act(own, "delete")
    assert again.status_code == 302
    assert act(own, "restore").url == f"{URL}?owner=alice"

    notes.refresh_from_db()
    assert notes.is_public
    assert verbs()[-2:] == ["skill.delete", "skill.restore"]


def test_what_staff_hold_is_not_brought_back(own, notes):
    hold(notes, HoldKind.HIDDEN)

    assert act(own, "restore").url == f"{URL}?owner=alice"
    assert "Only moderators can bring it back." in text(own)


def test_a_version_is_withdrawn_and_published_again(own, notes):
    page = text(own, MINE)
    assert 'name="withdraw-version" value="1.1.0"' in page

    assert act(own, "withdraw", version="1.1.0").url == MINE
    page = text(own, MINE)
    assert "Version 1.1.0 is withdrawn" in page
    assert 'name="bring-back-version" value="1.1.0"' in page
    notes.refresh_from_db()
    assert notes.latest_version_summary["version"] == "1.0.0"

    assert act(own, "bring-back", version="1.1.0").url == MINE
    notes.refresh_from_db()
    assert notes.versions.get(version="1.1.0").withdrawn_at is None
    assert act(own, "withdraw", version="9.9.9").url == MINE
    assert "Version not found" in text(own, MINE)
    assert act(own, "withdraw").status_code == 404


def test_a_tag_leads_to_a_version(own, notes):
    assert act(own, "tag", tag="beta", version="1.0.0").status_code == 302

    assert '<th scope="row">beta</th><td>1.0.0</td>' in text(own)
    assert "Version not found" in refusal(act(own, "tag", tag="beta", version="7.0.0"))
    assert "A tag is up to 64" in refusal(act(own, "tag", tag="ü", version="1.0.0"))


def test_a_skill_is_offered_once_and_to_an_organisation_of_ones_own_at_once(
    own, alice, notes, charlie
):
    assert "Nobody has this name" in refusal(act(own, "offer", to="nobody"))
    assert act(own, "offer", to="@Charlie", message="Yours?").url == "/me/transfers/"
    page = text(own)
    assert "Offered to @charlie" in page
    assert "offer/" not in page
    acme = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(user=alice, namespace=acme, role="owner")
    SkillTransfer.objects.update(state="cancelled")

    assert act(own, "offer", to="acme").url == "/me/skills/notes/manage/?owner=acme"
    notes.refresh_from_db()
    assert notes.owner_handle == "acme"


def test_a_member_sets_tags_and_withdraws_and_manages_nothing(client, charlie, publish):
    acme = Namespace.objects.create(handle="acme", kind=NamespaceKind.ORG)
    Membership.objects.create(user=charlie, namespace=acme, role="member")
    publish("notes", namespace=acme)
    sign_in(client, charlie)

    page = text(client)

    assert "is for owners and admins of @acme" in page
    assert "rename/" not in page
    assert act(client, "tag", tag="beta", version="1.0.0").status_code == 302
    for deed in ("rename", "merge", "offer", "delete", "restore"):
        assert act(client, deed).status_code == 404
    assert act(client, "nonsense").status_code == 404


def test_hostile_values_are_refused(own, notes):
    assert "Null characters" in refusal(act(own, "rename", slug="a\0b"))
    assert "at most" in refusal(act(own, "delete", reason="x" * 301))
    page = refusal(act(own, "rename", slug="<script>alert(1)</script>"))
    assert "<script>alert" not in page
