"""Tells what a caller handed over for a store: a store, a URL, or a client of Elasticsearch. Imports none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard

from ..errors import SettingsError

if TYPE_CHECKING:
    from .base import Store
    from .elasticsearch.targets import AsyncElasticsearchClient, ElasticsearchClient

_SYNCHRONOUS: Final = "Elasticsearch"
_ASYNCHRONOUS: Final = "AsyncElasticsearch"
_EXPECTED: Final = (
    "store: expected a URL (sqlite:///path.db or http(s)://host:9200), a client"
    " (elasticsearch.Elasticsearch) or a store of open_store()"
)


def is_client(found: object) -> TypeGuard[ElasticsearchClient]:
    """Whether it is an ``Elasticsearch`` of version 8 or 9, or of a class derived from it.

    Raises:
        SettingsError: It is one of another version, or of OpenSearch.
    """
    return _client_class(found) == _SYNCHRONOUS


def is_async_client(found: object) -> TypeGuard[AsyncElasticsearchClient]:
    """The same for ``AsyncElasticsearch``."""
    return _client_class(found) == _ASYNCHRONOUS


def check_store(found: object) -> TypeGuard[Store]:
    """True for a store.

    Raises:
        SettingsError: It is none.
    """
    if is_async_client(found):
        raise SettingsError(
            "store: an AsyncElasticsearch can be read by AsyncSessionLogs only; give an Elasticsearch"
            " or the cluster's URL here"
        )
    if isinstance(found, type) or not all(
        callable(getattr(found, method, None)) for method in ("write", "search", "sessions")
    ):
        shown = found.__name__ if isinstance(found, type) else type(found).__name__
        what = (
            f"the class {shown} itself" if isinstance(found, type) else f"a value of type {shown}"
        )
        raise SettingsError(f"{_EXPECTED}, got {what}")
    return True


def _client_class(found: object) -> str | None:
    # By name: the client may come from the package elasticsearch, elasticsearch8 or elasticsearch9.
    for one in type(found).__mro__:
        package = one.__module__.partition(".")[0]
        if package == "opensearchpy":
            raise SettingsError(
                "store: this is a client of OpenSearch, which is not supported; expected Elasticsearch"
                " 8 or 9"
            )
        if package.startswith("elasticsearch") and one.__name__ in {_SYNCHRONOUS, _ASYNCHRONOUS}:
            if not hasattr(getattr(found, "transport", None), "node_pool"):
                raise SettingsError(
                    "store: this client of Elasticsearch is too old; expected one of version 8 or 9"
                    " (pip install 'elasticsearch>=8.15')"
                )
            return one.__name__
    return None
