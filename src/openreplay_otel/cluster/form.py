"""What to enter in OpenReplay's settings, field by field. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .versions import OpenReplayVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

WHERE = "Preferences > Integrations > Backend Logging > Elasticsearch"


@dataclass(frozen=True)
class Form:
    """A filled-in form.

    Attributes:
        version: For which OpenReplay.
        fields: Label and what to enter.
        notes: What to know beside it.
    """

    version: OpenReplayVersion
    fields: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def forms(
    version: OpenReplayVersion,
    *,
    url: str | None,
    key_id: str | None,
    api_key: str | None,
    indexes: Sequence[str] = ("logs",),
) -> list[Form]:
    """The forms for a version; two for both.

    Args:
        version: Which OpenReplay.
        url: The cluster, without credentials; None where it is not known.
        key_id: The reader key's id; None where it is not known.
        api_key: The reader key's secret; likewise.
        indexes: What the reader up to v1.20 shall read.
    """
    key = (
        ("API Key ID", key_id or "id of the key that `openreplay-otel api-key reader` made"),
        ("API Key", api_key or "its api_key (not encoded)"),
    )
    made: list[Form] = []
    if version.reads_alias:
        fields = (("URL", url or "https://<host>:9200"), *key, ("Indexes", "logs"))
        made.append(Form(OpenReplayVersion.FROM_1_21, fields, _NEW_NOTES))
    if version.reads_tokens:
        host, port, path = _divided(url)
        old_key = (("API Key ID", key[0][1]), ("API Key", key[1][1]))
        fields = (("Host", host), ("Port", port), *old_key, ("Indexes", ",".join(indexes)))
        notes = _OLD_NOTES
        if path:
            notes = (f"This form takes no path: {path} of the address cannot be entered.", *notes)
        made.append(Form(OpenReplayVersion.UP_TO_1_20, fields, notes))
    return made


def _divided(url: str | None) -> tuple[str, str, str]:
    if url is None:
        return "https://<host>", "9200", ""
    parts = urlsplit(url.split(",")[0])
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}", str(parts.port or 9200), parts.path.rstrip("/")


_NEW_NOTES = (
    (
        "Press Add once. It fails without a word (422: a fault of these versions) and stores the entries"
        " all the same. Open the form again and press Update."
    ),
    "No user and password in the URL: they would count more than the key.",
    "Indexes is stored and ignored: these versions always read the name logs.",
    "OpenReplay keeps the first successful look at a session's logs: what comes later is not shown there.",
)
_OLD_NOTES = (
    (
        "Of July to October 2024 (some v1.19 and v1.20) this form cannot be filled in: it tests the API key as it is"
        " typed, so that the key fails, and the encoded one passes and then reads nothing (401). Update OpenReplay"
        " to v1.21 or later, run `openreplay-otel setup`, and use the form of that version."
    ),
    "The form asks for the server itself: make the key with `openreplay-otel api-key reader --for v1.20`.",
    "The apps need OPENREPLAY_OTEL_TAGS=openReplaySession.id,openReplaySessionToken.",
    "Only records with the tag error are read, once a minute, and none that arrives late.",
)
