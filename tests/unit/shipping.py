"""Ships texts in memory: what the parsers make of them, without a store."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

import orjson

from openreplay_otel import Settings
from openreplay_otel.ship.aside import Aside
from openreplay_otel.ship.counts import ShipCounts
from openreplay_otel.ship.files import log_files
from openreplay_otel.ship.shipping import ShipOptions, Shipper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from openreplay_otel.stores.base import Document


def no_progress(position: int) -> None:
    """Show nothing."""


class Shipped:
    """What became of files.

    Attributes:
        documents: The stored fields, those left out that every document has.
        ids: The ids of the documents, in order.
        indexes: Where they belong.
        counts: What was counted.
    """

    def __init__(self, documents: Sequence[Document], counts: ShipCounts) -> None:
        self.sources = [orjson.loads(document.source) for document in documents]
        self.ids = [document.id for document in documents]
        self.indexes = [document.index for document in documents]
        self.counts = counts

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The fields that differ between records."""
        usual = {"utc_time", "ecs.version", "log.file.path", "session.id"}
        return [{k: v for k, v in s.items() if k not in usual} for s in self.sources]

    @property
    def messages(self) -> list[str]:
        """The texts."""
        return [source["message"] for source in self.sources]


def ship_files(
    *paths: Path, settings: Settings | None = None, rotated: bool = False, **options: Any
) -> Shipped:
    """Ship files; times without a zone are UTC."""
    counts = ShipCounts()
    documents: list[Document] = []
    options = {"zone": timezone.utc, **options}
    shipper = Shipper(
        settings or Settings(),
        ShipOptions(**options),
        counts=counts,
        aside=Aside(None, counts),
        send=documents.extend,
    )
    for file in log_files([str(path) for path in paths], with_rotated=rotated):
        shipper.read(file, no_progress)
    shipper.flush()
    return Shipped(documents, counts)


def ship_text(folder: Path, text: str | bytes, **options: Any) -> Shipped:
    """Ship one file of this text."""
    path = folder / "app.log"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return ship_files(path, **options)
