"""Wires the parts together and adds them to the OpenTelemetry providers that are there."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource

from .capture import LoggingCapture
from .collector_url import collector_address
from .context.deferred import settle
from .context.global_propagator import AddedPropagator
from .errors import SettingsError
from .export import DurableLogRecordProcessor
from .hooks import install_hooks
from .service_name import service_name_of
from .settings import BOTH_GIVEN, Settings, table
from .stamp import OpenReplayLogRecordProcessor, add_first
from .stamp.order import has_stamp, remove

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .export.collector import CollectorProcessor
    from .hooks import Hooks
    from .settings import SettingsArguments
    from .stores import Store
    from .stores.elasticsearch.targets import ElasticsearchClient

_logger = logging.getLogger(__name__)
_lock: Final = threading.Lock()
_active: dict[int, Pipeline] = {}


class Pipeline:
    """What :func:`configure` added; flush it, or remove it again.

    Attributes:
        settings: The settings in force.
        store: Where the records go; None if they go to a Collector.
        processor: Keeps and delivers them; its ``counts`` show what became of the records. With a
            Collector, OpenTelemetry's batch processor, bounded in time.
    """

    def __init__(
        self,
        provider: LoggerProvider,
        settings: Settings,
        store: Store | ElasticsearchClient | None,
    ) -> None:
        self.settings = settings
        self.processor, self.store = _destination(settings, store)
        self.provider = provider
        self._stamp = OpenReplayLogRecordProcessor(settings)
        self._capture = LoggingCapture(provider, settings.excluded_loggers)
        self._propagator: AddedPropagator | None = None
        self._hooks: Hooks | None = None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Deliver all records emitted so far.

        Args:
            timeout_millis: How long it may take.

        Returns:
            False if the time was not enough, or records had to be dropped meanwhile.
        """
        return self.processor.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Deliver what can be delivered, then remove what was added; the providers keep working.

        It takes ``shutdown_timeout`` at most; what is left stays in the spool for the next process. A second
        call does nothing.
        """
        with _lock:
            if _active.get(id(self.provider)) is not self:
                return
            del _active[id(self.provider)]
        self._capture.stop()
        if self._propagator is not None:
            self._propagator.remove()
        if self._hooks is not None:
            self._hooks.remove()
        remove(self.provider, self.processor)
        self.processor.shutdown()
        remove(self.provider, self._stamp)
        atexit.unregister(self._end_process)

    def __enter__(self) -> Pipeline:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Shut down."""
        self.shutdown()

    def install(self) -> None:
        """Add the parts to the provider, to ``logging`` and to the global propagator."""
        if not has_stamp(self.provider):
            add_first(self.provider, self._stamp)
        self.provider.add_log_record_processor(self.processor)
        self._capture.start()
        self._propagator = AddedPropagator.add(self.settings)
        self._hooks = install_hooks(self.settings)
        # Ours has to be flushed before the provider of another distro is shut down at exit.
        atexit.register(self._end_process)

    def _end_process(self) -> None:
        """Deliver what can be. What was added stays: until its last instruction, the process may log.

        Those records wait on disk for the next process.
        """
        settle()
        self.processor.shutdown()


def configure(
    store: Store | ElasticsearchClient | str | None = None,
    *,
    service_name: str | None = None,
    logger_provider: LoggerProvider | None = None,
    **arguments: Unpack[SettingsArguments],
) -> Pipeline:
    """Link this process's logs with OpenReplay's sessions.

    It adds to the existing set-up and replaces nothing. The stamp goes before every processor of the logger
    provider, the durable processor after them, and the propagator after the present ones. The lines of
    ``logging`` are captured, unless OpenTelemetry's handler does so already. If there is no SDK logger provider
    yet, one is created and set. A second call for the same provider changes nothing, and warns if it asks for
    something else.

    Args:
        store: Where records go: a store, its URL, or an ``elasticsearch.Elasticsearch`` (see
            :func:`open_store`); None: ``OPENREPLAY_OTEL_COLLECTOR`` or ``OPENREPLAY_OTEL_STORE``, without
            these an SQLite file in the user's state folder.
        service_name: ``service.name`` of the provider, if it is created here. None: OpenTelemetry's variables,
            and without these a name made of the command line (``shop`` for ``gunicorn shop:app``).
        logger_provider: A provider of the SDK, if it is not the global one.
        **arguments: Settings by name (``app_url``, ``project_id``, ``api_key``, …, see
            ``docs/settings.md``). With ``collector``, records go there instead of to a store.

    Returns:
        The pipeline, which is also a context manager; after the first call always the same one.

    Raises:
        SettingsError: An argument is unknown or of the wrong form, or store and Collector are both given.
    """
    if store is None or isinstance(store, str):
        settings = Settings.load(store=store, **arguments)
    elif arguments.get("collector") is None:
        settings = replace(Settings.load(**arguments), collector=None)
    else:
        raise SettingsError(BOTH_GIVEN)
    with _lock:
        provider = _sdk_provider(logger_provider, service_name)
        pipeline = _active.get(id(provider))
        if pipeline is None:
            pipeline = Pipeline(provider, settings, None if isinstance(store, str) else store)
            pipeline.install()
            _active[id(provider)] = pipeline
        elif differing := _differing(pipeline.settings, settings):
            _logger.warning(
                "configure() was called before with other settings (%s); those of the first call stay",
                ", ".join(differing),
            )
        return pipeline


def _differing(first: Settings, second: Settings) -> list[str]:
    return [name for name in table() if getattr(first, name) != getattr(second, name)]


def _destination(
    settings: Settings, store: Store | ElasticsearchClient | None
) -> tuple[DurableLogRecordProcessor | CollectorProcessor, Store | None]:
    if settings.collector is None:
        durable = DurableLogRecordProcessor(store, settings=settings)
        return durable, durable.store
    from .export.collector import CollectorProcessor

    return CollectorProcessor(collector_address(settings.collector), settings), None


def _sdk_provider(provider: object, service_name: str | None) -> LoggerProvider:
    found = get_logger_provider() if provider is None else provider
    if isinstance(found, LoggerProvider):
        return found
    service_name = service_name or service_name_of(sys.orig_argv, os.environ)
    resource = Resource.create({} if service_name is None else {"service.name": service_name})
    made = LoggerProvider(resource=resource)
    set_logger_provider(made)
    return made
