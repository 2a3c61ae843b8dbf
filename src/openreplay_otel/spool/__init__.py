"""The queue on disk: what was accepted and is not stored yet."""

from .spool import Spool

__all__ = ["Spool"]
