"""The shop's API with Django, in one file. CORS: which page may call it, and with which headers."""

import logging
import os
import sys
from wsgiref.simple_server import make_server

import django
from corsheaders.defaults import default_headers
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

import openreplay_otel

PAGE = os.environ.get("SHOP_PAGE", "http://localhost:5173")
logger = logging.getLogger("shop")


def pay(request: HttpRequest, order: str) -> HttpResponse:
    """Fail: Django logs the exception itself."""
    logger.warning("stock is low for order %s", order)
    raise ConnectionError(f"the bank hung up on order {order}")


def pay_by_form(request: HttpRequest) -> HttpResponse:
    """Fail: a form carries no header, only the cookie."""
    raise ConnectionError("the bank hung up on a form")


urlpatterns = [path("api/pay/<order>", pay), path("pay-by-form", pay_by_form)]
CORS_ALLOWED_ORIGINS = [PAGE]
# What the page sends: only one of the three, by the way that you chose. In lower case.
CORS_ALLOW_HEADERS = [
    *default_headers,
    "x-mine",
    "openreplaysession.id",
    "x-openreplay-session-id",
    "x-openreplay-sessiontoken",
]
settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="for this example only",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    INSTALLED_APPS=["corsheaders"],
    # Before all that answers by itself.
    MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
    CORS_ALLOWED_ORIGINS=CORS_ALLOWED_ORIGINS,
    CORS_ALLOW_HEADERS=CORS_ALLOW_HEADERS,
)
django.setup()
# Behind django.setup(), which sets up logging anew.
openreplay_otel.configure(service_name="shop", cookie="openreplay_session")
application = OpenTelemetryMiddleware(get_wsgi_application())

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8001
    make_server("localhost", port, application).serve_forever()
