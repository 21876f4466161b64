"""The product's settings for the benchmark's server: another database, a bare view beside."""

import os

from config.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ["BENCH_DATABASE"]  # noqa: F405
ROOT_URLCONF = os.environ.get("BENCH_URLCONF", "tests.benchmarks.urls")
