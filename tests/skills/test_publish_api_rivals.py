"""Publishing by client beside others: everybody succeeds, of one version one wins."""

from __future__ import annotations

from functools import partial

import pytest

from skills.models import Skill, SkillListing, SkillVersion, UploadTicket
from skills.tickets import Claim, collect
from tests.config.rivals import at_once, meet
from tests.factories import store
from tests.factories.publishing import SKILL_MD, Publisher
from tests.factories.skills import publish_skill
from tests.factories.store import assert_whole
from tests.factories.tokens import refusal
from tests.skills.test_publish_rivals import killed_at_statement, publish_in_a_process_that_dies

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {"SKILL.md": SKILL_MD, "LICENSE": b"p\n", "a.txt": b"a\n"}


@pytest.fixture(autouse=True)
def _empty_store():
    store.empty()


def test_fifty_publishes_at_once_of_different_skills_all_succeed(alice, charlie):
    """They share content, half of them a namespace, and one of two styles."""
    people = [Publisher(alice), Publisher(charlie)]

    answers = at_once(
        *(
            partial(people[n % 2].form, FILES | {"n.txt": b"%d" % n}, slug=f"tool-{n}")
            for n in range(50)
        )
    )

    assert {getattr(answer, "status_code", answer) for answer in answers} == {200}
    assert SkillListing.objects.filter(facet="").count() == Skill.objects.count() == 50


def test_of_ten_publishes_at_once_of_one_version_one_wins(alice):
    publisher = Publisher(alice)

    answers = at_once(*(partial(publisher.form, FILES | {"n.txt": b"%d" % n}) for n in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert SkillVersion.objects.count() == 1
    assert_whole(Skill.objects.get())


def test_of_two_versions_with_the_same_tickets_one_wins(alice):
    publisher = Publisher(alice)
    claims = [publisher.sent(path, data) for path, data in FILES.items()]

    won, lost = meet(
        lambda: publisher.finish(claims, slug="one-tool"),
        lambda: publisher.finish(claims, slug="two-tool"),
    )

    assert won.status_code == 200
    assert refusal(lost) == (400, "ticket_invalid")
    assert Skill.objects.get().slug == "one-tool"


def test_the_same_publish_twice_at_once_is_one_version_and_two_successes(alice):
    publisher = Publisher(alice)
    claims = [publisher.sent(path, data) for path, data in FILES.items()]

    first, second = meet(*[lambda: publisher.finish(claims)] * 2)

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert SkillVersion.objects.count() == 1


def test_a_killed_publish_has_used_no_ticket(alice):
    publisher = Publisher(alice)
    claims = [publisher.sent(path, data) for path, data in FILES.items()]
    named = [Claim(c["path"], c["size"], c["sha256"], c["uploadTicket"]) for c in claims]

    def publish() -> None:
        bundle, used = collect(user=alice, claims=named)
        publish_skill(
            namespace=alice.namespace, bundle=bundle, actor=alice, tickets=used, slug="pdf-tools"
        )

    for number in (8, 12, 16, 20):
        publish_in_a_process_that_dies(publish, killed_at_statement(number))
        assert not Skill.objects.exists()
        assert not UploadTicket.objects.filter(used_at__isnull=False).exists()

    assert publisher.finish(claims).status_code == 200
