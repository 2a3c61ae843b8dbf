"""Settings of the app with Django REST framework."""

from __future__ import annotations

SECRET_KEY = "for tests"
ROOT_URLCONF = "tests.frameworks.apps.drf_app"
ALLOWED_HOSTS = ["*"]
DEBUG = False
USE_TZ = True
INSTALLED_APPS = ["rest_framework"]
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []}
LOGGING = {"version": 1, "disable_existing_loggers": False}
