"""Times keep their millisecond, from the client to the table and back."""

from __future__ import annotations

import random

import pytest

from tests.factories.traces import Uploader, said

pytestmark = pytest.mark.django_db


def test_every_millisecond_comes_back_as_it_was_sent(alice):
    rng = random.Random(5)
    times = [0, 1, 999, 1_795_307_684_135, *(rng.randrange(2 * 10**12) for _ in range(300))]
    uploader = Uploader(alice)
    sent = [said(n) | {"timestamp": time} for n, time in enumerate(times)]
    uploader.share("times", sent)

    read = [message["timestamp"] for message in uploader.messages("times")]

    assert read == times
