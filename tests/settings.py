"""The product's settings with a throw-away data directory; ``TEST_DATABASE_URL`` runs the tests on PostgreSQL."""

import os
import tempfile

os.environ["GATEWAY_DATA_DIR"] = tempfile.mkdtemp(prefix="gateway-tests-")
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
os.environ["GATEWAY_IGNORE_DOTENV"] = "yes"
os.environ["SECRET_KEY"] = "tests-only-" + "0123456789" * 5
os.environ["GATEWAY_ENCRYPTION_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="

from gateway_project.settings import *  # noqa: F403 - the product's own settings, after the environment is set

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405 - WhiteNoise warns of a missing directory, and warnings are errors
