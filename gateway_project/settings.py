"""Settings of the gateway: every one read from the environment by ``gateway_project.env``, with a one-line why."""

from __future__ import annotations

from pathlib import Path

from gateway_project import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(BASE_DIR / ".env")

# Where everything lasting lives unless a database server is named: SQLite file, keys, spools, static files.
DATA_DIR = env.path("GATEWAY_DATA_DIR", BASE_DIR / "data")

# Where gunicorn listens.
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)

# SQLite needs nothing; PostgreSQL when several hosts share one configuration.
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "gateway.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Signs sessions and one-time tokens; the fallbacks keep old sessions valid after a rotation.
SECRET_KEY = env.secret_key("SECRET_KEY", DATA_DIR)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Encrypt provider keys at rest: the first encrypts, all decrypt.
ENCRYPTION_KEYS = env.encryption_keys("GATEWAY_ENCRYPTION_KEYS", DATA_DIR)

# "off" lets everyone in: for trusted networks and the earlier systems' own curl lines.
AUTH_REQUIRED = env.choice("GATEWAY_AUTH", "required", ("required", "off")) == "required"
# The public address, where it differs from HOST:PORT: cookies, CSRF origins, HSTS.
PUBLIC_URL = env.text("GATEWAY_PUBLIC_URL", "")
# How long finishing streams may take after SIGTERM, in seconds.
GRACE_SECONDS = env.integer("GATEWAY_GRACE_SECONDS", 60, low=0, high=3600)
# The largest request body, in megabytes, and the most requests a worker serves at once.
MAX_BODY_BYTES = env.integer("GATEWAY_MAX_BODY_MB", 32, low=1, high=1024) * 1024 * 1024
MAX_INFLIGHT = env.integer("GATEWAY_MAX_INFLIGHT", 500, low=1, high=100_000)

DEBUG = False
ALLOWED_HOSTS = env.words("GATEWAY_ALLOWED_HOSTS") or ["*"]

INSTALLED_APPS = [
    "gateway_project",
    "routing",
    "providers",
    "metrics",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
]
ROOT_URLCONF = "gateway_project.urls"
WSGI_APPLICATION = "gateway_project.wsgi.application"
MIDDLEWARE = [
    "gateway_project.middleware.NativeThread",
    "gateway_project.middleware.BrowserSecurity",
    "gateway_project.middleware.BrowserStatic",
    "gateway_project.middleware.BrowserSession",
    "gateway_project.middleware.BrowserCommon",
    "gateway_project.middleware.BrowserCsrf",
    "gateway_project.middleware.BrowserAuthentication",
    "gateway_project.middleware.BrowserMessages",
]
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
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
LOGIN_REDIRECT_URL = "/admin/"
