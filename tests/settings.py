"""The product's settings with a fast hasher, a throw-away data directory and no network."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("SKILLBOARD_DEMO", "1")

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
_SCRATCH = Path(tempfile.mkdtemp(prefix="skillboard-tests-"))
STORAGES["default"]["OPTIONS"]["location"] = str(_SCRATCH / "blobs")  # noqa: F405
STATIC_ROOT = _SCRATCH / "static"
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
