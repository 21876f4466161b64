"""The oldest client, 0.8.0: what it has and runs, and what it prints where it is refused."""

from __future__ import annotations

import pytest

from accounts.models import Role, User
from accounts.services import create_token
from skills.models import Skill, SkillStar, SkillVersion
from tests.clients import runner
from tests.clients.test_publish import FILES, done, refused, write
from tests.factories.accounts import with_app

pytestmark = [
    pytest.mark.client,
    pytest.mark.parametrize("client_version", [runner.OLDEST]),
]


def hold(clawhub: runner.Clawhub, person: User) -> None:
    clawhub.hold(create_token(user=person, label="laptop")[1])


def test_it_signs_in_finds_inspects_installs_and_stars(clawhub, publish, alice):
    publish("pdf-tools", {"SKILL.md": "# Split PDF files\n"}, version="1.2.0")
    text = create_token(user=alice, label="laptop")[1]

    assert "not known here" in refused(clawhub, "login", "--token", "skb_nonsense", "--no-browser")
    done(clawhub, "login", "--token", str(text), "--no-browser")
    assert "alice" in done(clawhub, "whoami")
    assert "pdf-tools" in done(clawhub, "search", "split pdf")
    assert "pdf-tools" in done(clawhub, "explore")
    assert "1.2.0" in done(clawhub, "inspect", "pdf-tools")
    done(clawhub, "install", "pdf-tools")
    assert "pdf-tools" in done(clawhub, "list")
    done(clawhub, "star", "pdf-tools", "--yes")
    assert SkillStar.objects.count() == 1
    assert "not found" in refused(clawhub, "install", "nothing").lower()


def test_it_publishes_and_syncs(clawhub, alice):
    hold(clawhub, alice)
    folder = write(clawhub, FILES)
    publish = ("publish", str(folder), "--version", "1.0.0", "--changelog", "First.")

    assert "pdf-tools@1.0.0" in done(clawhub, *publish)
    assert "pdf-tools@1.0.0" in done(clawhub, *publish)
    assert SkillVersion.objects.count() == 1
    assert "Nothing to sync" in done(clawhub, "sync", "--all")
    done(clawhub, "delete", "pdf-tools", "--yes")
    assert Skill.objects.get().soft_deleted_at is not None
    done(clawhub, "undelete", "pdf-tools", "--yes")
    assert Skill.objects.get().soft_deleted_at is None


def test_staff_ban_and_give_roles(clawhub, ada, charlie, publish):
    publish("notes", namespace=charlie.namespace)
    hold(clawhub, ada)

    assert "second factor" in refused(clawhub, "set-role", "charlie", "moderator", "--yes")
    with_app(ada)
    done(clawhub, "set-role", "charlie", "moderator", "--yes")
    assert User.objects.get(handle="charlie").role == Role.MODERATOR
    done(clawhub, "set-role", "charlie", "user", "--yes")
    done(clawhub, "ban-user", "charlie", "--yes")
    assert User.objects.get(handle="charlie").banned_at is not None
    assert not Skill.objects.get().is_public
    assert "Nobody" in refused(clawhub, "ban-user", "nobody-here", "--yes")
