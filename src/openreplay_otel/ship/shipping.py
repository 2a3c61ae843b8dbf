"""Ships files: reads them, makes documents, sends them, and accounts for every line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..names import FIELD_ASSUMED
from .content_id import REMEMBERED, ContentIds
from .document import ShippedDocuments
from .files import (
    UNPACKED_TIMES,
    NotAFileError,
    OpenFile,
    ReadErrors,
    UnpacksTooMuchError,
)
from .reading import FileReading

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from ..settings import Settings
    from ..stores.base import Document, RefusedDocument
    from .aside import Aside
    from .content_id import Origin
    from .counts import ShipCounts
    from .files import LogFile
    from .reading import ReadPlace
    from .record import ParsedRecord

_BATCH_DOCUMENTS: Final = 2000
_BATCH_BYTES: Final = 4 * 1024 * 1024

DAMAGED: Final = "the file's end cannot be unpacked"
TOO_MUCH_UNPACKED: Final = (
    f"the end of what unpacks to more than {UNPACKED_TIMES} times its size: unpack it first"
)
NOT_A_FILE: Final = "a rotated file that is a link or no ordinary file: name it to ship it"
REFUSED: Final = "refused by the store"

_ASSUMED_LEVEL: Final = b'"%b":["level"]' % FIELD_ASSUMED.encode()
_ASSUMED_BOTH: Final = b'"%b":["time","level"]' % FIELD_ASSUMED.encode()
_ERROR_LEVEL: Final = b'"level":"error"'


@dataclass(frozen=True, kw_only=True)
class ShipOptions:
    """How files are read.

    Attributes:
        zone: Where times without a zone were written.
        service: ``service.name`` of records that name none; None for none.
        host: ``host.name``; likewise.
        encoding: Of the files; None for UTF-8.
    """

    zone: tzinfo
    service: str | None = None
    host: str | None = None
    encoding: str | None = None


class Shipper:
    """Reads files, and hands the documents of their records out in batches.

    Args:
        settings: Index prefix, tags, links, and what to do with records of no session.
        options: How the files are read.
        counts: Where everything is counted.
        aside: Where lines go that cannot be read.
        send: Takes each batch.
        remembered: How many records are remembered, at least, to tell equal ones apart.

    Attributes:
        ids: Makes the documents' ids.
    """

    def __init__(
        self,
        settings: Settings,
        options: ShipOptions,
        *,
        counts: ShipCounts,
        aside: Aside,
        send: Callable[[list[Document]], None],
        remembered: int = REMEMBERED,
    ) -> None:
        self._settings = settings
        self._options = options
        self._counts = counts
        self._aside = aside
        self._send = send
        self._drops_sessionless = settings.sessionless == "drop"
        self.ids = ContentIds(f"{options.service or ''}\0{options.host or ''}", remembered)
        self._heads: Counter[bytes] = Counter()
        self._batch: list[Document] = []
        self._batch_bytes = 0
        self._raw: dict[str, tuple[bytes, str]] = {}

    def read(self, file: LogFile, progress: Callable[[int], None]) -> None:
        """Read one file.

        Args:
            file: Which one.
            progress: Called now and then with the bytes of the file that were read.

        Raises:
            SettingsError: It is packed in a way that cannot be read.
            StoreError: An earlier batch could not be delivered.
        """
        self._counts.files += 1
        try:
            opened = OpenFile(file, self._options.encoding)
        except NotAFileError:
            self._aside.keep(b"", f"{file.name}:0", NOT_A_FILE)
            return
        except ReadErrors:
            self._aside.keep(b"", f"{file.name}:0", DAMAGED)
            return
        reading = self.reading(file, opened.encoding, self._number_of)
        try:
            reading.take(opened.lines(), lambda: progress(opened.position))
        except UnpacksTooMuchError:
            self._aside.keep(b"", f"{file.name}:{reading.line}", TOO_MUCH_UNPACKED)
        except ReadErrors:
            self._aside.keep(b"", f"{file.name}:{reading.line}", DAMAGED)
        finally:
            self._counts.lines += reading.number
            self._counts.bytes += reading.size
            progress(opened.position)
            opened.close()
        reading.end()

    def reading(
        self,
        file: LogFile,
        encoding: str,
        number_of: Callable[[bytes], int],
        place: ReadPlace | None = None,
        *,
        keeps_number: bool = False,
    ) -> FileReading:
        """What takes the lines of a file, and hands their documents out.

        Args:
            file: Which one.
            encoding: Of its lines.
            number_of: Tells which one it is of those with its first line.
            place: How far it was read before.
            keeps_number: Whether the number is kept with the file.
        """
        documents = ShippedDocuments(self._settings, self._origin(file)).document

        def emit(record: ParsedRecord, origin: Origin, own_time_ns: int | None) -> None:
            self._add(record, file.name, documents, self.ids.of(record, origin, own_time_ns))

        return FileReading(
            file.modified_ns,
            self._options.zone,
            encoding=encoding,
            emit=emit,
            unread=lambda raw, line, why: self._aside.keep(raw, f"{file.name}:{line}", why),
            number_of=number_of,
            place=place,
            keeps_number=keeps_number,
        )

    def _number_of(self, head: bytes) -> int:
        self._heads[head] += 1
        return self._heads[head] - 1

    def flush(self) -> None:
        """Hand out the documents that wait for their batch to be full."""
        if self._batch:
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._send(batch)

    def refused(self, refused: RefusedDocument) -> None:
        """Keep the lines of a document aside that the store will not take."""
        found = self._raw.pop(refused.document.id, None)
        if found is not None:
            raw, place = found
            self._aside.keep(raw, place, REFUSED, example=refused.reason)

    def settled(self, documents: list[Document]) -> None:
        """Forget the lines of documents that have come to their end."""
        for document in documents:
            self._raw.pop(document.id, None)

    def _origin(self, file: LogFile) -> dict[str, str]:
        origin: dict[str, str] = {}
        if self._options.service is not None:
            origin["service.name"] = self._options.service
        if self._options.host is not None:
            origin["host.name"] = self._options.host
        if file.path is not None:
            origin["log.file.path"] = str(file.path.resolve())
        return origin

    def _add(
        self,
        record: ParsedRecord,
        name: str,
        make: Callable[[ParsedRecord, str], Document],
        document_id: str,
    ) -> None:
        counts = self._counts
        counts.records += 1
        if record.session_id is not None:
            counts.with_session += 1
        elif self._drops_sessionless:
            counts.without_session_dropped += 1
            return
        document = make(record, document_id)
        source = document.source
        counts.time_assumed += record.is_time_assumed
        counts.level_assumed += _ASSUMED_LEVEL in source or _ASSUMED_BOTH in source
        counts.errors += _ERROR_LEVEL in source
        raw = b"".join(record.raw)
        self._raw[document_id] = (raw, f"{name}:{record.line}")
        self._batch.append(document)
        # Both are held until the store has answered, and a document may be much shorter than its lines.
        self._batch_bytes += max(len(source), len(raw))
        if len(self._batch) >= _BATCH_DOCUMENTS or self._batch_bytes >= _BATCH_BYTES:
            self.flush()
