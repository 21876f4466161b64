"""What stops a publish, as the real clients print it, and answers that get lost on the way.

Where a client looks itself (its own limits of size, `SKILL.md`, the form of a version), its words
are no concern of ours.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import create_token, revoke_token
from skills.gates import NEW_SKILLS_A_DAY
from skills.lifecycle import delete_skill, withdraw_version
from skills.models import Skill, SkillVersion, UploadTicket
from skills.paths import MAX_FILES
from skills.renames import merge_skills
from tests.clients import runner
from tests.clients.test_publish import FILES, done, refused, write
from tests.clients.way import way_to
from tests.factories.publishing import SKILL_MD
from tests.factories.skills import SkillFactory, publish_skill

pytestmark = pytest.mark.client

BY_FORM, BY_TICKETS = runner.VERSIONS
# Nearly 10 MB of letters; six are too many, and so is one that is a little longer.
LARGE = base64.b64encode(random.Random(1).randbytes(7_500_000))

SAID: dict[str, tuple[str, ...]] = {
    "A slug has 3 to 96 characters": ("--slug", "Pdf_Tools"),
    'A slug may not begin or end with "official"': ("--slug", "official-pdf"),
    "A tag is up to 64 printable ASCII characters": ("--tags", "latest,$best"),
    "You may not publish as @charlie; name an owner that you belong to": ("--owner", "charlie"),
    "You may not publish as @nobody; name an owner that you belong to": ("--owner", "nobody"),
}
SAID_BY_TICKETS: dict[str, tuple[str, ...]] = {
    "A category is unknown; choose from coding,": ("--categories", "cooking"),
    'The word "official" is not for topics': ("--topics", "pdf,official"),
    "A skill has at most 5 topics": ("--topics", "a,b,c,d,e,f"),
}
HELD: dict[str, dict[str, bytes]] = {
    "would be the same file on some systems": {"A.md": b"a", "a.md": b"b"},
    'The path "docs/aux.md" has the name of a Windows device': {"docs/aux.md": b"a"},
    "is not UTF-8 text; save it as UTF-8": {"SKILL.md": b"---\nname: \xff\n---\n"},
}
HELD_BY_FORM: dict[str, dict[str, bytes]] = {
    '"large.txt" is larger than 10 MB': {"large.txt": LARGE + LARGE[:600_000]},
    "The files are larger than 50 MB together": {f"{n}.txt": LARGE for n in range(6)},
    f"more than {MAX_FILES:,} files": {f"{n}.txt": b"" for n in range(MAX_FILES)},
}


def revoke(alice: User) -> None:
    for token in ApiToken.objects.filter(user=alice):
        revoke_token(token=token, actor=alice)


def ban(alice: User) -> None:
    alice.banned_at, alice.ban_reason = timezone.now(), "spam in ten skills"
    alice.save()


def make_many(alice: User) -> None:
    SkillFactory.create_batch(NEW_SKILLS_A_DAY, namespace=alice.namespace)


def merge(alice: User) -> None:
    source, target = (
        publish_skill(namespace=alice.namespace, slug=slug, version="0.9.0").skill
        for slug in ("pdf-tools", "pdf-kit")
    )
    merge_skills(source=source, target=target, actor=alice)


STANDING: dict[str, Callable[[User], None]] = {
    "This token was revoked; make a new one": revoke,
    "This account is banned: spam in ten skills": ban,
    f"at most {NEW_SKILLS_A_DAY} new skills a day; go on tomorrow": make_many,
    "pdf-tools was merged into another skill; publish under the name of that one": merge,
}


@pytest.fixture
def author(clawhub, alice) -> runner.Clawhub:
    clawhub.hold(create_token(user=alice, label="laptop")[1])
    return clawhub


def publishing(author: runner.Clawhub, files: dict[str, bytes], *args: str) -> tuple[str, ...]:
    """Write a good skill and these files beside it; return the command that publishes it."""
    folder = write(author, {"SKILL.md": SKILL_MD} | files, f"skill-{random.random()}")
    return ("publish", str(folder), "--slug", "pdf-tools", "--version", "1.0.0", *args)


def test_what_an_author_says_wrong_is_told(author, charlie):
    said = SAID | (SAID_BY_TICKETS if author.version == BY_TICKETS else {})
    for sentence, args in said.items():
        assert sentence in refused(author, *publishing(author, {}, *args))
    assert not Skill.objects.exists()


def test_files_that_cannot_be_a_skill_are_told(author):
    held = HELD | (HELD_BY_FORM if author.version == BY_FORM else {})
    for sentence, files in held.items():
        assert sentence in refused(author, *publishing(author, files))
    assert not Skill.objects.exists()


@pytest.mark.parametrize("sentence", STANDING)
def test_who_may_not_publish_now_is_told_why(author, alice, sentence):
    STANDING[sentence](alice)

    assert sentence in refused(author, *publishing(author, {}))
    assert not SkillVersion.objects.filter(version="1.0.0").exists()


def test_what_had_the_name_before_stands_in_the_way(author, alice, publish, charlie):
    done(author, *publishing(author, {}))
    withdraw_version(skill=Skill.objects.get(), version="1.0.0", actor=alice)
    assert "Version 1.0.0 was withdrawn" in refused(author, *publishing(author, {}))

    delete_skill(skill=Skill.objects.get(), actor=alice)
    author.hold(create_token(user=charlie, label="laptop")[1])
    assert "is reserved; choose another one" in refused(author, *publishing(author, {}))


def test_a_publish_whose_answers_get_lost_is_one_version(
    client_version, server, transactional_db, tmp_path, alice
):
    with way_to(tmp_path / "server", loses=True) as way:
        author = runner.Clawhub(client_version, way.address, tmp_path / "home")
        author.hold(create_token(user=alice, label="laptop")[1])

        told = done(author, *publishing(author, FILES))

    version = SkillVersion.objects.get()
    assert f"OK. Published pdf-tools@1.0.0 ({version.pk})" in told
    assert {file.path for file in version.files.all()} == set(FILES)
    # Every call was made twice, and had been done the first time.
    assert {status for _path, status in way.lost} == {200}
    assert ("/api/v1/skills", 200) in way.lost
    uploads = [path for path, _status in way.lost if "/-/upload/" in path]
    assert len(uploads) == (len(FILES) if client_version == BY_TICKETS else 0)


@pytest.mark.parametrize("client_version", [BY_TICKETS])
def test_files_that_took_longer_than_an_hour_are_asked_for_again(
    client_version, server, transactional_db, tmp_path, alice
):
    def let_time_pass(path: str) -> None:
        if path == "/api/v1/skills":
            UploadTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            connection.close()

    with way_to(tmp_path / "server", before=let_time_pass) as way:
        author = runner.Clawhub(client_version, way.address, tmp_path / "home")
        author.hold(create_token(user=alice, label="laptop")[1])

        told = refused(author, *publishing(author, {}))

    assert "This upload took longer than an hour; publish again." in told
    assert not Skill.objects.exists()
