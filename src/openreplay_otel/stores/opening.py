"""Opens a store by its URL, or over a client that the app has already."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import SettingsError
from ..settings import Settings, default_store_url
from ..store_url import sqlite_path_of
from .handed_over import check_store, is_async_client, is_client
from .threaded import ThreadedStore

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..settings import SettingsArguments
    from .base import AsyncStore, Store
    from .elasticsearch.targets import AsyncElasticsearchClient, ElasticsearchClient


def open_store(
    url: ElasticsearchClient | str | None = None,
    *,
    settings: Settings | None = None,
    **arguments: Unpack[SettingsArguments],
) -> Store:
    """Open a store; no request is sent and no file is created before it is used.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, or
            ``http(s)://[user:password@]host:9200`` (several hosts: a comma list). Or an
            ``elasticsearch.Elasticsearch`` of version 8 or 9: its hosts, TLS, authentication, headers and
            timeout are used, over connections of our own, and the client stays open. None: the store of
            the settings, and without one the file of :func:`~openreplay_otel.settings.default_store_url`.
        settings: All other settings; None: those of the environment.
        **arguments: Single settings, such as ``api_key`` or ``ca_certs``.

    Raises:
        SettingsError: The URL, the client or an argument cannot be used.
    """
    if url is not None and not isinstance(url, str):
        return _store_of(url, Settings.load(**arguments) if settings is None else settings)
    if settings is None:
        settings = Settings.load(store=url, **arguments)
    if url is None and settings.store is None and settings.collector is not None:
        raise SettingsError(
            f"store: records go to the Collector at {settings.collector}, which keeps its own queue; name the"
            " store that it writes to, such as https://elasticsearch.example.com:9200, to see what is there"
        )
    target = url or settings.store or default_store_url()
    path = sqlite_path_of(target)
    if path is not None:
        from .sqlite.store import SqliteStore

        return SqliteStore(path, syncs=settings.spool_fsync == "always")
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


def opened(
    store: Store | ElasticsearchClient | str | None, settings: Settings
) -> tuple[Store, bool]:
    """A store that was handed over, or one opened by its URL or over a client; and whether it was opened here.

    Raises:
        SettingsError: It is nothing of these.
    """
    if store is None or isinstance(store, str):
        return open_store(store, settings=settings), True
    found = _store_of(store, settings)
    return found, found is not store


def opened_async(
    store: AsyncStore | Store | AsyncElasticsearchClient | ElasticsearchClient | str | None,
    settings: Settings,
) -> tuple[AsyncStore, bool]:
    """The same for an event loop: an asynchronous client is awaited, all else is asked in threads."""
    if is_async_client(store):
        from .elasticsearch.async_store import AsyncElasticsearchStore

        return AsyncElasticsearchStore(store, index_prefix=settings.index), False
    found, is_own = opened(cast("Store | None", store), settings)
    return ThreadedStore(found), is_own


def _store_of(store: object, settings: Settings) -> Store:
    if is_client(store):
        from .elasticsearch import Connection, ElasticsearchStore
        from .elasticsearch.targets import ClientTarget

        return ElasticsearchStore(Connection(ClientTarget(store)), index_prefix=settings.index)
    if check_store(store):
        return store
    raise AssertionError
