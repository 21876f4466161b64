"""The product's settings for clusters under test: a database of their own, and short times."""

import os

from tests.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ["WORKER_TEST_DATABASE"]  # noqa: F405
Q_CLUSTER |= {  # noqa: F405
    "poll": 0.1,
    "guard_cycle": 0.5,
    "timeout": int(os.environ.get("WORKER_TEST_TIMEOUT", "6")),
    "retry": int(os.environ.get("WORKER_TEST_RETRY", "12")),
}
WORKER_BEAT_SECONDS = 0.5
# No task here waits as long as the arithmetic fears, and the next try shall come soon.
SILENCED_SYSTEM_CHECKS = ["config.E005"]
# A call of a model fits in half of a task's time, here as anywhere.
SUMMARY_CALL_SECONDS = Q_CLUSTER["timeout"] / 3
