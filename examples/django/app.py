"""A shop in Django, in one file. There is nothing of OpenTelemetry or OpenReplay in it."""

import logging

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

log = logging.getLogger("shop.checkout")


def checkout(_: HttpRequest, order: int) -> HttpResponse:
    """Log a line, and fail for one of the orders."""
    log.warning("checkout of order %d", order)
    if order == 7:
        raise RuntimeError("the payment service does not answer")
    return HttpResponse("thanks")


urlpatterns = [path("checkout/<int:order>", checkout)]
app = get_wsgi_application()
