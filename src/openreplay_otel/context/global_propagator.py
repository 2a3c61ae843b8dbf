"""Our propagator among OpenTelemetry's global ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from opentelemetry import propagate
from opentelemetry.propagators.composite import CompositePropagator

from .propagator import OpenReplayPropagator

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

    from ..settings import Settings


class AddedPropagator:
    """What :meth:`add` put behind the present propagators, to take it away again."""

    def __init__(self, before: TextMapPropagator, both: TextMapPropagator) -> None:
        self._before = before
        self._both = both

    @classmethod
    def add(cls, settings: Settings) -> AddedPropagator | None:
        """Put our propagator behind those that are there; None where it is among them already."""
        present = propagate.get_global_textmap()
        if _has_ours(present):
            return None
        both = CompositePropagator([present, OpenReplayPropagator(settings)])
        propagate.set_global_textmap(both)
        return cls(present, both)

    def remove(self) -> None:
        """Put the propagators before back, unless somebody has set others meanwhile."""
        if propagate.get_global_textmap() is self._both:
            propagate.set_global_textmap(self._before)


def _has_ours(propagator: TextMapPropagator) -> bool:
    if isinstance(propagator, OpenReplayPropagator):
        return True
    inner = cast("list[TextMapPropagator]", getattr(propagator, "_propagators", ()))
    return any(_has_ours(one) for one in inner)
