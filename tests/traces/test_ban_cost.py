"""What a ban withholds costs lists nothing: their indexes do not hold it."""

from __future__ import annotations

import pytest

from accounts.services import create_user
from moderation.services.bans import ban_user
from tests.factories.bulk import analyze, copy_row, explain, rolled_back
from tests.factories.traces import Uploader, said
from traces.models import Trace

pytestmark = [pytest.mark.django_db, pytest.mark.allow_drift]

COUNT = 1_000
LIST_BLOCKS = 35


@pytest.fixture(scope="module")
def banned_crowd(django_db_setup, django_db_blocker):
    """Thirty old public traces of one person below a thousand newer ones that a ban withholds."""
    with rolled_back(django_db_blocker):
        mona = create_user(handle="judge", password="judge-keeps-a-secret", role="moderator")
        good, bad = (
            create_user(handle=name, password=f"{name}-keeps-a-secret") for name in ("good", "bad")
        )
        for n in range(30):
            Uploader(good).share(f"g{n}", [said(1)], visibility="public")
        trace = Uploader(bad).share("template", [said(1)], visibility="public")
        ban_user(user=bad, actor=mona, reason="Spam.")
        copy_row(trace, 1, COUNT, {"external_id": "'t' || n", "public_id": "'p' || n"})
        analyze(Trace)
        yield bad


def test_lists_do_not_walk_through_what_is_withheld(banned_crowd, db):
    newest = Trace.objects.public().newest_first().without_texts()[:26]

    plan = explain(*newest.query.sql_with_params())

    assert len(newest) == 26
    assert plan.blocks <= LIST_BLOCKS, plan
    own = Trace.objects.published().filter(namespace=banned_crowd.namespace).newest_first()[:26]
    assert explain(*own.query.sql_with_params()).blocks <= LIST_BLOCKS
