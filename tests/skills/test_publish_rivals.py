"""Publishing beside others, and killed half way: one winner, and a whole version or nothing."""

from __future__ import annotations

import os
import signal
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from skills import blobs
from skills.models import Blob, Skill, SkillListing, SkillVersion
from skills.services import VersionExists
from tests.config.rivals import at_once, meet
from tests.factories import store
from tests.factories.skills import NamespaceFactory, publish_skill
from tests.factories.store import FILES, TOMORROW, assert_nothing_left, assert_whole, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_store():
    store.empty()


@pytest.fixture
def namespace():
    return NamespaceFactory()


def test_two_writers_of_the_same_content_keep_it_once():
    first, second = NamespaceFactory(), NamespaceFactory()

    published = meet(
        lambda: publish_skill(namespace=first, files=FILES),
        lambda: publish_skill(namespace=second, files=FILES),
    )

    assert [p.created for p in published] == [True, True]
    assert Blob.objects.count() == len(stored()) == len(FILES) + 1
    for one in published:
        assert_whole(one.skill)


def test_two_at_once_with_other_files_are_one_version_and_one_refusal(namespace):
    won, lost = meet(
        lambda: publish_skill(namespace=namespace, files={"SKILL.md": "# One\n"}),
        lambda: publish_skill(namespace=namespace, files={"SKILL.md": "# Two\n"}),
    )

    assert won.created
    assert isinstance(lost, VersionExists)
    assert SkillVersion.objects.count() == Skill.objects.count() == 1
    assert_whole(won.skill)


def test_two_at_once_with_the_same_files_are_one_version_and_two_successes(namespace):
    won, again = meet(*[lambda: publish_skill(namespace=namespace, files=FILES)] * 2)

    assert (won.created, again.created) == (True, False)
    assert won.version == again.version
    assert AuditEvent.objects.filter(verb="skill.publish").count() == 1


def test_eight_at_once_into_one_namespace_all_succeed(namespace):
    results = at_once(
        *(lambda n=n: publish_skill(namespace=namespace, slug=f"tool-{n}") for n in range(8))
    )

    assert [result.created for result in results] == [True] * 8
    assert SkillListing.objects.filter(facet="").count() == 8


# --- Killed half way -----------------------------------------------------------------------------


# How the server knows the session of a process that is about to die.
DYING = "dying"


@contextmanager
def killed_at_statement(number: int):
    """Kill this process, as `kill -9` does, when it sends its n-th statement."""
    sent = 0

    def die(execute, sql, params, many, context):
        nonlocal sent
        sent += 1
        if sent == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(die):
        yield


@contextmanager
def killed_at_file(number: int, *, after: bool):
    """Kill this process before (half written) or after the n-th file gets its name."""
    saved, real = 0, Path.replace

    def die(self: Path, target: Path) -> Path:
        nonlocal saved
        saved += 1
        named = real(self, target) if after or saved != number else target
        if saved == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return named

    Path.replace = die
    yield


def publish_in_a_process_that_dies(publish, death) -> bool:
    """Fork, publish, die; return whether the child lived to the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            # The parent's session stays the parent's; this one gets its own.
            inherited = connection.connection  # noqa: F841
            connection.connection = None
            connection.settings_dict["OPTIONS"]["application_name"] = DYING
            with death:
                publish()
            os._exit(0)
        finally:
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    wait_until_gone()
    return status == 0


def publish_in(namespace):
    return lambda: publish_skill(namespace=namespace, files=FILES)


def wait_until_gone() -> None:
    """Wait until the server has noticed that the killed session is gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = %s",
                [DYING],
            )
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.005)
    raise AssertionError("the killed session is still there")


def test_a_kill_before_any_statement_leaves_the_whole_version_or_nothing(namespace):
    for number in range(1, 200):
        publish_in_a_process_that_dies(publish_in(namespace), killed_at_statement(number))
        if Skill.objects.exists():
            break
        assert_nothing_left()

    assert number > 10
    blobs.sweep(timezone.now() + TOMORROW)
    assert_whole(Skill.objects.get())
    assert not publish_skill(namespace=namespace, files=FILES).created


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_kill_at_any_file_leaves_nothing_that_the_sweep_does_not_take(namespace, number, after):
    dying = killed_at_file(number, after=after)
    assert not publish_in_a_process_that_dies(publish_in(namespace), dying)
    assert len(stored()) == number

    assert_nothing_left()
    assert publish_skill(namespace=namespace, files=FILES).created
