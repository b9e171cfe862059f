"""The settings that tests run under: those of somebody's own machine, whatever the environment says.

``TEST_DATABASE_URL`` alone chooses the database; without it each run has an SQLite file of its own.
"""

import os
import tempfile
from pathlib import Path

os.environ["DEBUG"] = "True"
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or "sqlite://:memory:"
_settings = ("SITE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "BUSINESS_TIME_ZONE", "LOG_LEVEL")
_email = ("EMAIL_URL", "EMAIL_TIMEOUT", "DEFAULT_FROM_EMAIL")
for _name in (*_settings, *_email):
    os.environ.pop(_name, None)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, MIDDLEWARE  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and the live server then have connections of their own, with real locks.
    # The process id keeps runs that go on at the same time apart.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"redress-test-{os.getpid()}.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"

# Hashing that is slow on purpose would be most of the suite's time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# pytest turns DEBUG off, and WhiteNoise would then serve collected files, of which there are none.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
# What a test stores must not land among the files of the machine it runs on.
MEDIA_ROOT = str(Path(tempfile.gettempdir()) / f"redress-test-{os.getpid()}-attachments")
# Posts of tests that have not asked for the form first.
MIDDLEWARE = [*MIDDLEWARE, "tests.fresh_forms.FreshForms"]
