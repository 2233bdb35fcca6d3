"""Callers who leave while their answer is on its way: normal life, and no fault of ours.

gRPC notices most of them itself. When the connection breaks between the answer's first and last
operation it logs an error with a traceback, which would wake somebody for nothing: what was
committed stays, and the caller's retry is answered as a replay.
"""

import logging

from gateway.telemetry.logging import get_logger

GRPC_LOGGER = "grpc._cython.cygrpc"
_FAILED_BATCH = "ExecuteBatchError"

_log = get_logger(__name__)


def expect_hang_ups() -> None:
    """Log them at `debug`, in our own words, from now on."""
    logging.getLogger(GRPC_LOGGER).addFilter(_is_no_hang_up)


def is_hang_up(error: BaseException) -> bool:
    """Tell whether the transport failed to send because the connection is gone."""
    return type(error).__name__ == _FAILED_BATCH


def _is_no_hang_up(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not is_hang_up(error):
        return True
    _log.debug("caller left before its answer")
    return False
