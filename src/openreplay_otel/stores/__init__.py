"""Stores: one protocol, an SQLite file and Elasticsearch behind it."""

from .base import Document, Store
from .opening import open_store

__all__ = ["Document", "Store", "open_store"]
