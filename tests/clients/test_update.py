"""A hundred installed skills brought up to date by one command, as one person does it."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from django.conf import settings

from accounts.models import Namespace
from accounts.services import create_token
from skills.services import Publication, Submission, publish_versions
from tests.clients.runner import Clawhub, Server, wait_for
from tests.clients.test_publish import done
from tests.factories.skills import bundle_of

pytestmark = [
    pytest.mark.client,
    pytest.mark.slow,
    pytest.mark.parametrize("client_version", ["0.23.3"]),
]

SLUGS = [f"tool-{number:03}" for number in range(100)]
# Each third has a second version when the client asks again.
RENEWED = SLUGS[::3]


def files_of(slug: str, version: str) -> dict[str, str | bytes]:
    """What a version holds; of two versions one file stays, one changes, one goes and one comes."""
    return {
        "SKILL.md": f"# {slug} {version}\n",
        "docs/Notes é.md": f"Always the same in {slug}.\n",
        f"data/{version}.bin": slug.encode() + b"\x00\xff",
    }


def on_disk(slug: str, version: str) -> dict[str, bytes]:
    told = files_of(slug, version).items()
    return {path: data if isinstance(data, bytes) else data.encode() for path, data in told}


def publish_all(namespace: Namespace, slugs: list[str], version: str) -> None:
    publish_versions(
        [
            Submission(
                namespace,
                bundle_of(files_of(slug, version)),
                Publication(slug=slug, version=version, display_name=slug),
            )
            for slug in slugs
        ]
    )


def update_all(clawhub: Clawhub, server: Server, **calls: int) -> str:
    """Update everything by just these calls, all answered; returns what was printed."""
    before = len(server.requests())
    text = done(clawhub, "update", "--all")
    # The line of an answer may be written a moment after it was sent.
    wait_for(lambda: len(server.requests()) >= before + sum(calls.values()) or None)
    found = Counter(map(kind_of, server.requests()[before:]))
    assert found == Counter({f"200 {call}": count for call, count in calls.items()})
    return text


def kind_of(line: str) -> str:
    """Return status and call of a line of the access log, without the skill it names."""
    status, _method, path = line.split()[:3]
    call = path.partition("?")[0].removeprefix("/api/v1/")
    return f"{status} {re.sub('^skills/[^/]+$', 'detail', call)}"


def test_a_hundred_installed_skills_are_brought_up_to_date(clawhub, server, alice, charlie):
    publish_all(alice.namespace, SLUGS, "1.0.0")
    clawhub.hold(create_token(user=charlie, label="laptop")[1])
    # As after a checkout: the lock file names the skills, and the client installs each of them.
    lock = clawhub.workdir / ".clawhub" / "lock.json"
    lock.parent.mkdir()
    entries = {slug: {"version": None, "installedAt": 1} for slug in SLUGS}
    lock.write_text(json.dumps({"version": 1, "skills": entries}))
    update_all(clawhub, server, detail=len(SLUGS), download=len(SLUGS))
    for slug in SLUGS:
        assert clawhub.installed(slug) == on_disk(slug, "1.0.0")

    publish_all(alice.namespace, RENEWED, "1.1.0")
    pinned, changed, *taken = RENEWED
    done(clawhub, "pin", pinned)
    mine = clawhub.workdir / "skills" / changed / "SKILL.md"
    mine.write_text("# Mine\n")
    looks = len(SLUGS) - 1
    text = update_all(clawhub, server, detail=looks, resolve=looks, download=len(taken))

    now = dict.fromkeys(SLUGS, "1.0.0") | dict.fromkeys(taken, "1.1.0")
    for slug in SLUGS:
        kept = {"SKILL.md": b"# Mine\n"} if slug == changed else {}
        assert clawhub.installed(slug) == on_disk(slug, now[slug]) | kept
    locked = json.loads(lock.read_text())["skills"]
    assert {slug: entry["version"] for slug, entry in locked.items()} == now
    assert f"Skipped 1 pinned skill: {pinned}" in text
    assert f"{changed}: local changes (no match)" in text
    assert all(f"Updated {slug} -> v1.1.0" in text for slug in taken)
    assert text.count("up to date") == len(SLUGS) - len(RENEWED)

    mine.write_bytes(on_disk(changed, "1.0.0")["SKILL.md"])
    text = update_all(clawhub, server, detail=looks, resolve=looks, download=1)
    assert f"Updated {changed} -> v1.1.0" in text
    assert text.count("up to date") == len(SLUGS) - 2
    assert clawhub.installed(changed) == on_disk(changed, "1.1.0")
    # All three would fit into one minute of anybody, signed in or not.
    assert 3 * looks * 2 < min(settings.RATE_LIMITS["read"])
    assert 2 * len(SLUGS) < min(settings.RATE_LIMITS["download"])
