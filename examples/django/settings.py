"""Settings of the shop."""

SECRET_KEY = "of this example"
ROOT_URLCONF = "app"
ALLOWED_HOSTS = ["127.0.0.1"]
