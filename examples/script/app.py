"""A script that works on behalf of a session, for instance one that a support engineer was given."""

import logging
import sys

import openreplay_otel

log = logging.getLogger("shop.repair")

with openreplay_otel.use_session(sys.argv[1]) as session:
    log.warning("repairing the orders of session %s", session.id)
    try:
        raise LookupError("order 7 is gone")
    except LookupError:
        log.exception("could not repair all")
