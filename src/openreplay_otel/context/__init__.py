"""The session in the context: from a request's headers to the baggage and on."""

from .propagator import OpenReplayPropagator
from .session_context import session_id_of, with_session_id, without_session_id

__all__ = ["OpenReplayPropagator", "session_id_of", "with_session_id", "without_session_id"]
