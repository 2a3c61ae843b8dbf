"""What ``opentelemetry-instrument`` loads: the distro, the configurator and the instrumentor."""

from .configurator import OpenReplayConfigurator
from .distro import OpenReplayDistro
from .instrumentor import OpenReplayInstrumentor

__all__ = ["OpenReplayConfigurator", "OpenReplayDistro", "OpenReplayInstrumentor"]
