"""Opens a store by its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Settings, default_store_url
from ..store_url import sqlite_path_of

if TYPE_CHECKING:
    from .base import Store


def open_store(
    url: str | None = None, *, settings: Settings | None = None, **arguments: object
) -> Store:
    """Open a store; nothing is sent and no file is made before it is used.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, or
            ``http(s)://[user:password@]host:9200`` (several hosts: a comma list). None: as the settings
            say, without any the file of :func:`~openreplay_otel.settings.default_store_url`.
        settings: Where the rest comes from; the environment where None.
        **arguments: Single settings, such as ``api_key`` or ``ca_certs``.

    Raises:
        SettingsError: The URL, or an argument, cannot be used.
    """
    if settings is None:
        settings = Settings.load(store=url, **arguments)
    target = url or settings.store or default_store_url()
    path = sqlite_path_of(target)
    if path is not None:
        from .sqlite import SqliteStore

        return SqliteStore(path)
    from .elasticsearch import Connection, ElasticsearchStore

    connection = Connection(
        target,
        api_key=settings.api_key,
        ca_certs=settings.ca_certs,
        verify_certs=settings.verify_certs,
        http_compress=settings.http_compress,
        timeout=settings.export_timeout,
    )
    return ElasticsearchStore(connection, index_prefix=settings.index)


def opened(store: Store | str | None, settings: Settings) -> tuple[Store, bool]:
    """A store that was handed over, or one opened by its URL; and whether it was opened here."""
    if store is None or isinstance(store, str):
        return open_store(store, settings=settings), True
    return store, False
