"""A function of AWS Lambda behind its API gateway: FastAPI by way of Mangum, and one without either."""

from __future__ import annotations

import logging

from mangum import Mangum

from tests.frameworks.apps import shop
from tests.frameworks.apps.fastapi_app import app

# Lambda's runtime has set a handler up already, so that basicConfig() leaves all as it is.
logging.getLogger().setLevel(logging.INFO)
api = Mangum(app, lifespan="off")


def plain(event, context):
    """A handler of one's own."""
    path, number = event["rawPath"], event.get("queryStringParameters", {}).get("n", "")
    if path == "/stream":
        return {"statusCode": 200, "body": b"".join(shop.stream(number)).decode()}
    action = shop.ACTIONS.get(path)
    if action is None:
        return {"statusCode": 404}
    return {"statusCode": 200, "body": action(number)}
