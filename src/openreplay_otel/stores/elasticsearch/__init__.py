"""Elasticsearch 8 and 9 as a store."""

from .connection import Connection
from .store import ElasticsearchStore

__all__ = ["Connection", "ElasticsearchStore"]
