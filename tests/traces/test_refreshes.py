"""What a refresh of a scope would do, counted before it begins."""

from __future__ import annotations

import pytest

from tests.factories.traces import Uploader, session
from traces.services import refreshes

pytestmark = pytest.mark.django_db


def test_a_namespace_is_counted_among_its_own_traces_alone(model, alice, charlie):
    Uploader(alice).share("s1", session(6))
    Uploader(alice).share("short", session(2))
    Uploader(charlie).share("s1", session(6))
    Uploader(charlie).share("short", session(2))

    preview = refreshes.preview("@alice")

    assert (preview.traces, preview.others) == (1, {"too_short": 1})
    assert refreshes.preview("all").traces == 2
