"""Log lines: one event each, with the context it happened in, in JSON for machines.

Our own code and the libraries (asyncpg, grpc, aiohttp, asyncio) share one way out, so that every
line has the same shape and passes `redact`. Lines go to stderr: stdout belongs to what a command
answers. What was bound with `log_context`, such as the payment, is on every line below it, those
of tasks made there too.
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, TextIO

import structlog

from gateway.telemetry.redaction import redact

_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,  # the plain one: a traceback with locals leaks them
]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a module: `get_logger(__name__).info("payment settled", channel=...)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def log_context(**values: object) -> AbstractContextManager[None]:
    """Put the values on every line that is logged inside the `with` block."""
    return structlog.contextvars.bound_contextvars(**values)


def configure_logging(
    level: Literal["debug", "info", "warning", "error"],
    style: Literal["json", "console"],
    stream: TextIO | None = None,
) -> None:
    """Send all log lines of the process, from `level` up, to the stream; stderr if none is given.

    It may be called again; the last call counts.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(style, is_terminal=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # it would print the line that failed, unredacted


def _formatter(style: str, *, is_terminal: bool) -> logging.Formatter:
    renderer: Any = structlog.processors.JSONRenderer()
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=is_terminal)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            renderer,
        ],
    )
