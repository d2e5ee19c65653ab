"""Settings of the gateway: every one read from the environment by ``gateway_project.env``, with a one-line why.

Reading them has no other effect than the data directory and the two generated secrets, so that gunicorn's master may.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from gateway_project import cors, env, logs, redactions
from gateway_project.env_oidc import oidc
from gateway_project.look import UNFOLD as UNFOLD
from routing.config import dotenv

BASE_DIR = Path(__file__).resolve().parent.parent
dotenv.load(BASE_DIR / ".env")

# Where everything lasting lives unless a database server is named: SQLite file, keys, spools, static files.
DATA_DIR = env.path("GATEWAY_DATA_DIR", BASE_DIR / "data")
# The site's own app, which `manage.py export_config --as-migration` writes: the configuration as migrations.
SITE_DIR = DATA_DIR / "site"

# Where the configuration files of earlier systems are looked for at a start: beside manage.py, as theirs were.
CONFIG_DIR = env.path("GATEWAY_CONFIG_DIR", BASE_DIR)

# Where gunicorn listens: this machine alone unless told otherwise.
HOST = env.host("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
# Worker processes: one a core is what the measurements favour.
WORKERS = env.integer("WEB_CONCURRENCY", len(os.sched_getaffinity(0)), low=1, high=256)

# SQLite needs nothing; PostgreSQL when several hosts share one configuration.
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "gateway.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ONE_HOST = DATABASES["default"]["ENGINE"].endswith("sqlite3")
# Where the windows of rate limits are kept, if not in the database: faster where many workers share many limits.
REDIS_URL = env.redis("REDIS_URL")
# Whether requests pass while the windows cannot be asked: "open" favours answers, "closed" the limits.
LIMITS_FAIL = env.choice("GATEWAY_LIMITS_FAIL", "open", ("open", "closed"))

# Signs sessions and one-time tokens; the fallbacks keep old sessions valid after a rotation.
SECRET_KEY = env.secret_key("SECRET_KEY", DATA_DIR, generate=ONE_HOST)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Encrypt provider keys at rest: the first encrypts, all decrypt.
ENCRYPTION_KEYS = env.encryption_keys("GATEWAY_ENCRYPTION_KEYS", DATA_DIR, generate=ONE_HOST)

# "off" lets everyone in: for trusted networks and the earlier systems' own curl lines.
AUTH_REQUIRED = env.auth_required("GATEWAY_AUTH", "GATEWAY_AUTH_OFF_REMOTE", HOST)
# The first start's administrator and application key; generated where unset, and read at no other time.
FIRST_ADMIN_USER = env.text("GATEWAY_ADMIN_USER", "admin")
FIRST_ADMIN_PASSWORD = env.password("GATEWAY_ADMIN_PASSWORD")
FIRST_API_KEY = env.api_key("GATEWAY_API_KEY")

# The public address, where it differs from HOST:PORT: secure cookies, CSRF origins, HSTS.
PUBLIC_URL = env.origin("GATEWAY_PUBLIC_URL", "https://gateway.example.com")
PUBLIC_HTTPS = PUBLIC_URL.startswith("https://")
# Host names that the admin answers to; the API does not look at them.
LOCAL_HOSTS = [name for name in ("localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_URL).hostname) if name]
ALLOWED_HOSTS = env.hosts("GATEWAY_ALLOWED_HOSTS") or (LOCAL_HOSTS if env.is_loopback(HOST) else ["*"])
# Reverse proxies whose X-Forwarded-Proto is believed.
TRUSTED_PROXIES = env.networks("GATEWAY_TRUSTED_PROXIES", ("127.0.0.1", "::1"))
# Web pages of these origins may call the API from a browser.
CORS_ORIGINS = env.origins("GATEWAY_CORS_ORIGINS")
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else CORS_ORIGINS
CORS_URLS_REGEX = cors.API_PATHS
CORS_ALLOW_HEADERS = cors.ACCEPTED
CORS_EXPOSE_HEADERS = cors.TOLD
WHITENOISE_ALLOW_ALL_ORIGINS = False

# How long finishing streams may take after SIGTERM, in seconds.
GRACE_SECONDS = env.integer("GATEWAY_GRACE_SECONDS", 60, low=0, high=3600)
# The largest request body, in megabytes, and the most requests a worker serves at once.
MAX_BODY_BYTES = env.integer("GATEWAY_MAX_BODY_MB", 32, low=1, high=1024) * 1024 * 1024
MAX_INFLIGHT = env.integer("GATEWAY_MAX_INFLIGHT", 500, low=1, high=100_000)
# Days that single requests are kept (0: for ever), so that the database stays small; hourly sums stay.
RETENTION_DAYS = env.integer("GATEWAY_RETENTION_DAYS", 30, low=0, high=3650)

# Prompts and answers, of keys that ask for it: days and kilobytes (a side) that are kept, and what is taken out first.
CONTENT_RETENTION_DAYS = env.integer("GATEWAY_CONTENT_RETENTION_DAYS", 7, low=1, high=3650)
CONTENT_MAX_BYTES = env.integer("GATEWAY_CONTENT_MAX_KB", 64, low=1, high=4096) * 1024
CONTENT_REDACT = redactions.checked("GATEWAY_CONTENT_REDACT")

# Whether there is one service or several to fail over between; unset: as many as are enabled (the failover router's).
USE_ROUTER = env.flag("USE_ROUTER")

# What is logged, and whether for people or for programs.
LOG_LEVEL = env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error"))
LOGGING = logs.config(LOG_LEVEL, env.choice("LOG_FORMAT", "text", ("text", "json")))

DEBUG = False
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # a long list of entries, edited inline, is one form
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_HTTPS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
# Accounts from elsewhere: an issuer of OpenID Connect, and which of its groups may come in as what.
OIDC = oidc()
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    *(["gateway_project.oidc.Backend"] if OIDC else []),
]
# "yes": whoever uses the admin sets up a second factor before anything else.
REQUIRE_TOTP = env.choice("GATEWAY_REQUIRE_TOTP", "no", ("yes", "no")) == "yes"
# What authenticator apps show beside the code.
OTP_TOTP_ISSUER = "Switchyard"
LANGUAGE_COOKIE_SECURE = PUBLIC_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True  # no page of ours reads them by script
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
# Who comes in the morning signs in; a forgotten browser is signed out over night.
SESSION_COOKIE_AGE = 12 * 60 * 60
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_HTTPS else 0

INSTALLED_APPS = [
    "gateway_project",
    "routing",
    "providers",
    "metrics",
    "unfold.apps.BasicAppConfig",
    "gateway_project.apps.RoomConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "rest_framework",
    "drf_spectacular_sidecar",
    *env.site_app(SITE_DIR),
]
# OpenAPI: what is loaded when /openapi.json is first asked for, and not before.
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "gateway_project.api.schema.document.Described"}
SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.1", "SORT_OPERATIONS": False}
ROOT_URLCONF = "gateway_project.urls"
WSGI_APPLICATION = "gateway_project.wsgi.application"
MIDDLEWARE = [
    "gateway_project.middleware.BrowserHeaders",
    "gateway_project.middleware.NativeThread",
    "gateway_project.middleware.BrowserSecurity",
    "gateway_project.middleware.BrowserStatic",
    "gateway_project.middleware.BrowserSession",
    "gateway_project.middleware.BrowserLocale",
    "gateway_project.middleware.BrowserCommon",
    "gateway_project.middleware.BrowserCsrf",
    "gateway_project.middleware.BrowserAuthentication",
    "gateway_project.middleware.BrowserMessages",
    "gateway_project.middleware.BrowserSecondFactor",
]
if CORS_ORIGINS:  # no request pays for it otherwise
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LANGUAGE_CODE = "en"
# What the admin speaks; each in its own words. A browser says which, or its reader in the admin's menu.
LANGUAGES = [("en", "English"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "gateway_project.formats"
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
LOGIN_REDIRECT_URL = "/admin/"
# Names carry a hash of the content, so that browsers keep them for ever; `manage.py prepare` collects them.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
