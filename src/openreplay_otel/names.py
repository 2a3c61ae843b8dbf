"""Every header, baggage key, attribute, document field and environment variable, named once."""

from __future__ import annotations

from typing import Final

# Request headers, in the order in which they are asked for a session.
SESSION_ID_HEADER: Final = "openReplaySession.id"
"""The session header of OpenReplay v1.21 and later; also what ``inject`` writes."""
SESSION_ID_HEADER_DOT_FREE: Final = "X-OpenReplay-Session-Id"
"""The same without a dot: nginx drops header names with a dot by default."""
SESSION_TOKEN_HEADER: Final = "X-OpenReplay-SessionToken"
"""What the tracker sends with ``sessionTokenHeader: true``."""
SESSION_TOKEN_HEADER_AXIOS: Final = "X-OpenReplay-Session-Token"
"""What the tracker's axios plug-in sends."""
BAGGAGE_HEADER: Final = "baggage"
"""W3C baggage; its entry of ours is :data:`BAGGAGE_SESSION_ID`."""
COOKIE_HEADER: Final = "cookie"
GENERIC_SESSION_ID_HEADER: Final = "X-Session-Id"
"""The header of 2021; a name that others use too, so only a plausible id counts."""

BAGGAGE_SESSION_ID: Final = "openreplay.session.id"
"""Baggage key; its value is the decimal session id, never a token."""

# Attributes of a log record.
ATTRIBUTE_SESSION_ID: Final = "openreplay.session.id"
ATTRIBUTE_SESSION_ID_SEMCONV: Final = "session.id"
"""OpenTelemetry's own attribute for a session; left alone where the app sets it."""
ATTRIBUTE_TAGS: Final = "tags"
ATTRIBUTE_DOCUMENT_ID: Final = "elasticsearch.document_id"
"""The ``_id`` chosen at emission; the Collector's Elasticsearch exporter reads the same name."""

TAG_ERROR: Final = "error"
"""The entry of ``tags`` by which OpenReplay up to v1.20 finds errors."""

# Tags in a message, one for each generation of the integration.
MESSAGE_TAG_SESSION_ID: Final = "openReplaySession.id"
MESSAGE_TAG_SESSION_TOKEN: Final = "openReplaySessionToken"
MESSAGE_TAG_ASAYER: Final = "asayer_session_id"

# Fields of a document (ECS, and those that OpenReplay's readers need).
FIELD_TIMESTAMP: Final = "@timestamp"
FIELD_UTC_TIME: Final = "utc_time"
FIELD_MESSAGE: Final = "message"
FIELD_LEVEL: Final = "level"
FIELD_TAGS: Final = "tags"
FIELD_SESSION_ID: Final = "openreplay.session.id"
FIELD_SESSION_URL: Final = "openreplay.session.url"
FIELD_TRUNCATED: Final = "openreplay.truncated"
"""True on a document of which a part had to be cut."""
FIELD_ASSUMED: Final = "openreplay.assumed"
"""On a shipped document: which of ``time`` and ``level`` its line did not say."""

# Where documents stand in Elasticsearch.
READER_ALIAS: Final = "logs"
"""The one name that OpenReplay from v1.21 on reads."""
DEFAULT_SESSION_INDEX: Final = "openreplay-logs"
"""Prefix of the session indexes: ``<prefix>-<yyyy.mm.dd>``."""
SESSIONLESS_DATA_STREAM: Final = "logs-openreplay-default"

ENVIRONMENT_PREFIX: Final = "OPENREPLAY_OTEL_"
ENTRY_POINT: Final = "openreplay"
"""Our name among OpenTelemetry's propagators, exporters, distros, configurators and instrumentors."""
