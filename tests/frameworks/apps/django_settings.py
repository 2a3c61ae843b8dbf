"""Settings of the Django app."""

from __future__ import annotations

SECRET_KEY = "for tests"
ROOT_URLCONF = "tests.frameworks.apps.django_app"
ALLOWED_HOSTS = ["*"]
DEBUG = False
USE_TZ = True
LOGGING = {"version": 1, "disable_existing_loggers": False}
