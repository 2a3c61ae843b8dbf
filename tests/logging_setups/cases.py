"""The ways in which apps set up logging, each as a program that is run with this package and without."""

from __future__ import annotations

from typing import NamedTuple

_LOGS = """
log = logging.getLogger("shop.cart")
log.warning("stock is low")
try:
    raise KeyError("cart")
except KeyError:
    log.exception("checkout failed")
"""
_BOTH = ("stock is low", "checkout failed")


class Case(NamedTuple):
    """One way.

    Attributes:
        name: As the docs' table has it.
        setup: What the app does before it logs.
        logs: What it logs, in a session.
        stored: The messages of its records, each to be stored once, in the session.
        is_late: Whether the app sets up its logging after ``configure()``, and not before.
        has_exception: Whether the last record has an exception.
        since: The Python that this takes.
    """

    name: str
    setup: str
    logs: str = _LOGS
    stored: tuple[str, ...] = _BOTH
    is_late: bool = True
    has_exception: bool = True
    since: tuple[int, int] = (3, 10)

    def program(self) -> str:
        """The program: its first argument is the store, without one it runs without this package."""
        late = f"configure()\n{self.setup}" if self.is_late else f"{self.setup}\nconfigure()"
        return _PROGRAM.format(setup=late, logs=self.logs)


_PROGRAM = """
import contextlib, logging, logging.config, logging.handlers, queue, sys
def configure():
    if len(sys.argv) > 1:
        import openreplay_otel
        openreplay_otel.configure(sys.argv[1], service_name="shop")
def session():
    if len(sys.argv) < 2:
        return contextlib.nullcontext()
    import openreplay_otel
    return openreplay_otel.use_session(sys.argv[2])
def finish():
    pass
{setup}
with session():
    exec({logs!r})
finish()
"""

_DICT = """
logging.config.dictConfig({{
    "version": 1, "disable_existing_loggers": False,
    "formatters": {{"f": {{"format": "%(levelname)s %(name)s %(funcName)s %(message)s"}}}},
    "handlers": {{"h": {{"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stdout"}}}},
    {rest}
}})
"""
_FILE_CONFIG = '''
import io
logging.config.fileConfig(io.StringIO("""
[loggers]
keys=root
[handlers]
keys=h
[formatters]
keys=f
[logger_root]
handlers=h
level=INFO
[handler_h]
class=StreamHandler
formatter=f
args=(sys.stdout,)
[formatter_f]
format=file %(levelname)s %(message)s
"""))
'''
_QUEUE = """
lines = queue.SimpleQueue()
logging.getLogger().addHandler(logging.handlers.QueueHandler(lines))
listener = logging.handlers.QueueListener(lines, logging.StreamHandler(sys.stdout))
listener.start()
finish = listener.stop
"""
_OTEL_BEHIND_QUEUE = """
lines = queue.SimpleQueue()
logging.getLogger().addHandler(logging.handlers.QueueHandler(lines))
behind = [logging.StreamHandler(sys.stdout)]
if len(sys.argv) > 1:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    behind.append(LoggingHandler())
listener = logging.handlers.QueueListener(lines, *behind)
listener.start()
finish = listener.stop
"""
_QUEUE_OF_DICT_CONFIG = """
logging.config.dictConfig({
    "version": 1,
    "handlers": {
        "h": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        "q": {"class": "logging.handlers.QueueHandler", "handlers": ["h"]},
    },
    "root": {"handlers": ["q"]},
})
listener = logging.getHandlerByName("q").listener
listener.start()
finish = listener.stop
"""
_MEMORY = """
memory = logging.handlers.MemoryHandler(100, target=logging.StreamHandler(sys.stdout))
logging.getLogger().addHandler(memory)
finish = memory.close
"""
_JSON = """
from pythonjsonlogger.json import JsonFormatter
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonFormatter())
logging.getLogger().addHandler(handler)
"""
_STRUCTLOG = """
import structlog
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
logging.basicConfig(format="%(message)s", stream=sys.stdout)
"""
_STRUCTLOG_WRAPPED = """
import structlog
structlog.configure(
    processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[
    structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(sort_keys=True)]))
logging.getLogger().addHandler(handler)
"""
_STRUCTLOG_LOGS = """
log = structlog.get_logger("shop.cart")
log.warning("stock is low", left=3, skus=["a", "b"])
try:
    raise KeyError("cart")
except KeyError:
    log.exception("checkout failed")
"""
_LOGURU_INTERCEPTS = """
import inspect
from loguru import logger
class InterceptHandler(logging.Handler):
    def emit(self, record):
        level = logger.level(record.levelname).name
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame = frame.f_back
            depth += 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())
logger.remove()
logger.add(sys.stdout, format="{level} {function} {line} {message}")
logging.root.handlers = [InterceptHandler()]
"""
_LOGURU_PROPAGATES = """
from loguru import logger
class PropagateHandler(logging.Handler):
    def emit(self, record):
        logging.getLogger(record.name).handle(record)
logger.remove()
logger.add(PropagateHandler(), format="{message}", enqueue=ENQUEUE)
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
finish = logger.complete
"""
_LOGURU_LOGS = """
logger.bind(left=3).warning("stock is low")
"""
_PATCHED = """
if len(sys.argv) > 1:
    import openreplay_otel
    logger.configure(patcher=openreplay_otel.loguru_patcher)
"""
_OTEL_LATER = """
if len(sys.argv) > 1:
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    LoggingInstrumentor().instrument()
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
"""
_OTEL_ON_A_LOGGER = """
if len(sys.argv) > 1:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    logging.getLogger("shop").addHandler(LoggingHandler())
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
"""
_GUNICORN = """
from gunicorn.config import Config
from gunicorn.glogging import Logger
Logger(Config())
"""
_UVICORN = """
import uvicorn
uvicorn.Config(lambda *_: None)
"""

_FLASK = """
import flask
app = flask.Flask("shop")
@app.get("/")
def checkout():
    raise KeyError("cart")
"""
_ODD_VALUES = """
class Bad:
    def __str__(self):
        raise ValueError("no text")
    def __repr__(self):
        return "Bad()"
cycle = {}
cycle["self"] = cycle
deep = []
for _ in range(5000):
    deep = [deep]
log = logging.getLogger("shop.cart")
log.warning("stock is low", 7)
log.warning("paid %d", "much")
log.warning("paid %s", Bad())
for value in (Bad(), cycle, deep, range(10**9), {1}, b"x", 10**5000, object(), sys, {1: 2, "": 3}):
    log.warning("odd", extra={"value": value})
log.warning("key", extra={1: 2, "": 3})
log.warning("many", extra={f"k{n}": n for n in range(300)})
"""

CASES = (
    Case("none at all", ""),
    Case("`basicConfig` before", "logging.basicConfig(stream=sys.stdout)", is_late=False),
    Case("`basicConfig` after", "logging.basicConfig(stream=sys.stdout)"),
    Case(
        "`basicConfig(force=True)`",
        "logging.basicConfig()\nlogging.basicConfig(stream=sys.stdout, force=True)",
    ),
    Case("`dictConfig` with a root logger", _DICT.format(rest='"root": {"handlers": ["h"]},')),
    Case("`dictConfig` without", _DICT.format(rest='"loggers": {"shop": {"handlers": ["h"]}},')),
    Case(
        "`dictConfig`, `propagate: False`",
        _DICT.format(rest='"loggers": {"shop": {"handlers": ["h"], "propagate": False}},'),
    ),
    Case("`fileConfig`", _FILE_CONFIG),
    Case("`root.handlers = […]`", "logging.root.handlers = [logging.StreamHandler(sys.stdout)]"),
    Case("`root.handlers.clear()`", "logging.basicConfig()\nlogging.root.handlers.clear()"),
    Case(
        "a logger that neither propagates nor has handlers, above `lastResort`'s level",
        "logging.getLogger('shop').propagate = False",
    ),
    Case("the same, below that level: muted", "logging.getLogger('shop').propagate = False\n"
         "logging.getLogger('shop').setLevel(10)", "logging.getLogger('shop.cart').info('hidden')", (),
         has_exception=False),
    Case(
        "a null handler on a logger that does not propagate: muted",
        "logging.getLogger('shop').propagate = False\nlogging.getLogger('shop').addHandler(logging.NullHandler())",
        stored=(),
        has_exception=False,
    ),
    Case("a null handler, as libraries have it", "logging.getLogger('shop').addHandler(logging.NullHandler())"),
    Case("`QueueHandler` and `QueueListener`", _QUEUE),
    Case("OpenTelemetry's handler behind a queue", _OTEL_BEHIND_QUEUE),
    Case("`dictConfig`'s queue (Python 3.12)", _QUEUE_OF_DICT_CONFIG, since=(3, 12)),
    Case("`MemoryHandler`", _MEMORY),
    Case("a JSON formatter", _JSON),
    Case("`logging.disable`", "logging.disable(logging.WARNING)", stored=("checkout failed",)),
    Case(
        "`captureWarnings`",
        "import warnings\nlogging.captureWarnings(True)\nlogging.basicConfig(stream=sys.stdout)",
        "warnings.warn_explicit('stock is low', UserWarning, 'shop.py', 7)",
        ("shop.py:7: UserWarning: stock is low\n",),
        has_exception=False,
    ),
    Case(
        "a formatter that names the line of code",
        "logging.basicConfig(stream=sys.stdout, format='%(pathname)s %(lineno)d %(funcName)s %(message)s')",
    ),
    Case("structlog through `logging`, its own renderer", _STRUCTLOG, _STRUCTLOG_LOGS,
         ('{"event": "stock is low", "left": 3, "skus": ["a", "b"]}',
          '{"event": "checkout failed", "exception": "Traceback'), has_exception=False),
    Case("structlog's `wrap_for_formatter`", _STRUCTLOG_WRAPPED, _STRUCTLOG_LOGS),
    Case("loguru's intercepting handler", _LOGURU_INTERCEPTS),
    Case("loguru that propagates to `logging`", _LOGURU_PROPAGATES.replace("ENQUEUE", "False"), _LOGURU_LOGS,
         ("stock is low",), has_exception=False),
    Case("the same with `enqueue=True` and `loguru_patcher`", _LOGURU_PROPAGATES.replace("ENQUEUE", "True") + _PATCHED,
         _LOGURU_LOGS, ("stock is low",), has_exception=False),
    Case("`LoggingInstrumentor` after `configure()`", _OTEL_LATER),
    Case("OpenTelemetry's handler on one logger", _OTEL_ON_A_LOGGER),
    Case("Flask's own", _FLASK, "app.test_client().get('/')", ("Exception on / [GET]",)),
    Case("arguments that do not fit, values that cannot be read", "", _ODD_VALUES,
         ("stock is low (7)", "paid %d (much)", "paid (Bad that cannot be shown: ValueError)", *["odd"] * 10,
          "key", "many"), has_exception=False),
    Case("uvicorn's", _UVICORN, _LOGS.replace("shop.cart", "uvicorn.error")),
    Case("uvicorn's without access lines: muted", _UVICORN.replace("None)", "None, access_log=False)"),
         "logging.getLogger('uvicorn.access').info('GET /')", (), has_exception=False),
    Case("gunicorn's", _GUNICORN, _LOGS.replace("shop.cart", "gunicorn.error")),
)  # fmt: skip
