"""The product's settings with a fast hasher, a throw-away data directory and no network."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("SKILLBOARD_DEMO", "1")

from config.settings import *  # noqa: F403

# Two runs on one machine do not share a database; the workers of one run inherit its number.
TEST_RUN = os.environ.setdefault("SKILLBOARD_TEST_RUN", str(os.getpid()))
DATABASES["default"]["TEST"] = {"NAME": f"test_skillboard_{TEST_RUN}"}  # noqa: F405
# What a test commits need not outlive a crash of the machine: no wait for its disk.
DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
# No test asks a server but its own, whatever the machine's environment says.
VT_API_KEY = ""
OPENAI_API_KEY = ""
GITHUB_CLIENT_ID = ""
# Tests of meaning say so; the others need no model of 200 MB.
EMBEDDINGS = "off"
_SCRATCH = Path(tempfile.mkdtemp(prefix="skillboard-tests-"))
STORAGES["default"]["OPTIONS"]["location"] = str(_SCRATCH / "blobs")  # noqa: F405
# The migration linter is a command of the checks, no part of the product.
INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]  # noqa: F405
STATIC_ROOT = _SCRATCH / "static"
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
