"""All settings in one file, read from the environment by typed readers that fail loudly."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import devdb

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

VERSION = "0.1.0"
DEBUG = env.bool("DEBUG", default=False)
# The demo and the tests run without DEBUG, on this machine only, with throw-away secrets.
DEMO = env.bool("SKILLBOARD_DEMO", default=False)
# What staff pages call this installation, so that nobody takes one for another.
ENVIRONMENT_LABEL = env.str(
    "ENVIRONMENT_LABEL", default="DEMO" if DEMO else "DEVELOPMENT" if DEBUG else "PRODUCTION"
)
DATA_DIR: Path = (BASE_DIR / env.str("SKILLBOARD_DATA_DIR", default="var")).resolve()


def secret_key() -> str:
    """Read the signing key; only the development database and the demo may do without one.

    They keep a random one in a file of the data directory, so that sessions survive a restart.
    """
    if key := env.str("SECRET_KEY", default=""):
        return str(key)
    if not (DEBUG or DEMO) and env.str("DATABASE_URL", default=""):
        raise ImproperlyConfigured("Set SECRET_KEY to 50 random characters (see .env.example).")
    kept = DATA_DIR / "secret_key"
    if not kept.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        # Two first starts at once: the one that links first wins, the other reads its key.
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(fresh)
        fresh.unlink()
    return kept.read_text()


SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address people and clients reach us at; links that leave the server are built from it.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
HTTPS = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "accounts.apps.RawTablesConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "axes",
    "csp",
    "django_htmx",
    "django_q",
    # Ours last: what the others register for the raw admin site can be taken back.
    "config",
    "accounts",
    "jobs",
    "skills",
    "traces",
    "moderation",
]

MIDDLEWARE = [
    "config.middleware.request_id",
    "config.zones.own_zone",
    "config.middleware.name_refusals",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.refuse_unstorable",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.page",
                "moderation.context.desk",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="")
_database: dict[str, Any] = (
    env.db_url("DATABASE_URL") if DATABASE_URL else devdb.connection_settings()
)
DATABASES = {
    "default": _database
    | {
        "ENGINE": "config.postgresql",
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        # Works behind PgBouncer in transaction mode: no server-side cursors, no prepared names.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": _database.get("OPTIONS", {}) | {"prepare_threshold": None},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Worker ---------------------------------------------------------------------------------------

# The arithmetic is in config/queues.py and checked by config.E005; change nothing without it.
Q_CLUSTER: dict[str, Any] = {
    "name": "skillboard",
    "orm": "default",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "poll": 0.5,
    "timeout": 90,
    "retry": 360,
    "max_attempts": 3,
    "ack_failures": False,
    "catch_up": False,
    "save_limit": -1,
    "recycle": 200,
    # KiB; a worker above it ends after its task and another takes its place.
    "max_rss": 300_000,
    "guard_cycle": 1,
    "time_zone": "UTC",
    # Counting never waits behind long work: its queue has a cluster of its own.
    # Neither does anything wait for a slow model.
    "ALT_CLUSTERS": {
        "fold": {"workers": 1, "queue_limit": 1},
        "ai": {"workers": 2, "queue_limit": 2},
        # It holds a model of its own, so a worker may be larger.
        "embed": {"workers": 1, "queue_limit": 1, "max_rss": 700_000},
    },
}
# How many independent clusters `manage.py worker` runs of each queue. One alone may stand still
# for a minute while it is replaced.
WORKER_CLUSTERS: dict[str, int] = {
    queue: int(clusters or 1)
    for queue, _, clusters in (
        entry.partition("=")
        for entry in env.list(
            "WORKER_CLUSTERS", default=["skillboard=2", "fold=1", "ai=1", "embed=1"]
        )
    )
}
# How often the worker writes that its clusters live, and looks whether they still get on.
WORKER_BEAT_SECONDS = 5.0

# Whoever works on a run holds it for so long: the task's time limit and a margin.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=120)
# How many stat events one statement counts, and for how many days raw events are kept (0 = not).
STAT_FOLD_BATCH = env.int("STAT_FOLD_BATCH", default=5_000)
STAT_EVENT_LOG_DAYS = env.int("STAT_EVENT_LOG_DAYS", default=7)

# --- VirusTotal ---------------------------------------------------------------------------------

# Without a key there is no such scanner. Hashes of published files are all that it is told.
VT_API_KEY: str = env.str("VT_API_KEY", default="").strip()
VT_HOST: str = env.str("VT_HOST", default="https://www.virustotal.com").rstrip("/")
if VT_API_KEY and not (VT_HOST.startswith("https://") or DEMO):
    raise ImproperlyConfigured(
        "VT_HOST must begin with https://: the key travels with each look-up."
    )

# --- Search -------------------------------------------------------------------------------------

# `local` finds skills by what their texts mean, too; `off` by words alone. The model takes some
# 200 MB in each web process that searches, and in the cluster that embeds.
EMBEDDINGS: str = env.str("EMBEDDINGS", default="local").strip()
if EMBEDDINGS not in {"local", "off"}:
    raise ImproperlyConfigured("EMBEDDINGS is `local` or `off`.")
# Read when NumPy is loaded, after this file. A second thread makes a text hardly faster, waits by
# spinning, and so takes the processor from every other request.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# --- AI summaries -------------------------------------------------------------------------------

# Without a key there is no model and no summary is written.
OPENAI_API_KEY: str = env.str("OPENAI_API_KEY", default="").strip()
OPENAI_BASE_URL: str = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1").rstrip("/")
SUMMARY_MODEL: str = env.str("SUMMARY_MODEL", default="gpt-4.1-mini").strip()
if OPENAI_API_KEY and not (OPENAI_BASE_URL.startswith("https://") or DEBUG or DEMO):
    raise ImproperlyConfigured(
        "OPENAI_BASE_URL must begin with https://: the key and the traces travel with each call."
    )
# A trace with a few new messages is due once nothing has changed for so long.
SUMMARY_QUIET_SECONDS = env.int("SUMMARY_QUIET_SECONDS", default=600)
# A whole call may take so long; the worker's time limit is longer than two of them.
SUMMARY_CALL_SECONDS = env.float("SUMMARY_CALL_SECONDS", default=30.0)
# Whoever writes a summary holds its trace for so long: the task's time limit and a margin.
SUMMARY_LEASE_SECONDS = env.int("SUMMARY_LEASE_SECONDS", default=120)
# For so many days each attempt is on record.
SUMMARY_LOG_DAYS = env.int("SUMMARY_LOG_DAYS", default=90)
# So many calls one worker has under way at once.
SUMMARY_PARALLEL = max(env.int("SUMMARY_PARALLEL", default=4), 1)

# --- Metrics --------------------------------------------------------------------------------------

# Without a token there is no /metrics.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="").strip()

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("handle", "display_name", "email")},
    },
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
# A lock follows the pair of name and address. The whole rule: accounts/lockout.py.
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.address_or_none"
# Tries while locked do not make the lock longer, and sign-ins are not logged by address.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
# What is typed stays out of the record of a failure: codes are secrets, too.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "credential", "csrfmiddlewaretoken"]

# django-allauth leads from the password to the second factor. It has no page of its own here, sends
# no mail, and its rate limits, which are each process's own, are left to ours.
ACCOUNT_ADAPTER = "accounts.adapters.PeopleAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "handle"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
# Whoever has typed the password may take so long over the second factor.
ACCOUNT_LOGIN_TIMEOUT = 900
MFA_ADAPTER = "accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# Codes of the moment before and after count, too: clocks of phones differ.
MFA_TOTP_TOLERANCE = 1
# GitHub asks for no more than who somebody is: no mail address, no token is kept, so no account is
# ever found by an address.
SOCIALACCOUNT_ADAPTER = "accounts.github.GitHubPeopleAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {"github": {"OAUTH_PKCE_ENABLED": True}}
# Without both there is no such way in.
GITHUB_CLIENT_ID: str = env.str("GITHUB_CLIENT_ID", default="").strip()
GITHUB_CLIENT_SECRET: str = env.str("GITHUB_CLIENT_SECRET", default="").strip()
GITHUB_URL: str = env.str("GITHUB_URL", default="https://github.com").rstrip("/")
GITHUB_API_URL: str = env.str("GITHUB_API_URL", default="https://api.github.com").rstrip("/")
for _host in (GITHUB_URL, GITHUB_API_URL):
    if GITHUB_CLIENT_ID and not (_host.startswith("https://") or DEBUG or DEMO):
        raise ImproperlyConfigured(
            "GITHUB_URL and GITHUB_API_URL must begin with https://: people are who these say."
        )
# Staff act with a second factor only; the demo's staff have none.
STAFF_SECOND_FACTOR = not DEMO

SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"

# --- Headers ------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}
# How many proxies of ours stand in front; 0 = the peer's own address is the client's.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# --- Input limits -------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000
FILE_UPLOAD_HANDLERS = ["config.uploads.DiscardFiles"]
# Requests a minute: one caller without a token, one person with a token, one admin.
RATE_LIMITS = {
    "read": env.list("RATE_LIMIT_READ", cast=int, default=[3_000, 12_000, 120_000]),
    "write": env.list("RATE_LIMIT_WRITE", cast=int, default=[300, 3_000, 30_000]),
    "download": env.list("RATE_LIMIT_DOWNLOAD", cast=int, default=[1_200, 6_000, 60_000]),
    # A session of the traces client comes as a trace and batches of 50 messages; one that is
    # followed, a message at a time, whose refusals the client swallows.
    "upload": env.list("RATE_LIMIT_UPLOAD", cast=int, default=[300, 6_000, 60_000]),
    "message": env.list("RATE_LIMIT_MESSAGE", cast=int, default=[300, 12_000, 120_000]),
    "login": env.list("RATE_LIMIT_LOGIN", cast=int, default=[30, 30, 30]),
}
# New and changed messages of traces that one person, and one admin, may upload in an hour, in MiB;
# what is sent again unchanged is free. Less than the 32 of one body would refuse that for good.
UPLOAD_MIB_AN_HOUR = env.list("UPLOAD_MIB_AN_HOUR", cast=int, default=[1_024, 10_240])

# --- Files, texts, logs -------------------------------------------------------------------------

STORAGES = {
    "default": {
        "BACKEND": "config.storage.AtomicFileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "blobs")},
    },
    "staticfiles": {
        "BACKEND": env.str(
            "STATICFILES_BACKEND",
            default="django.contrib.staticfiles.storage.StaticFilesStorage",
        ),
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_MAX_AGE = 300

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.middleware.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        },
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        # Few lines, each of which says why there is one cluster more or less.
        "jobs.supervisor": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
