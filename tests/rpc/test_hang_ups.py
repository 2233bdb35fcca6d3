"""What gRPC logs when a caller leaves in the middle of its answer."""

import logging

import pytest

from gateway.rpc.hang_ups import GRPC_LOGGER, expect_hang_ups


class ExecuteBatchError(Exception):
    """Has the name of the exception that gRPC raises where a connection is gone."""


def _told(error: Exception) -> None:
    logging.getLogger(GRPC_LOGGER).error("raised in core", exc_info=error)


def test_only_hang_ups_are_kept_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A caller that left is no error in the log; every other fault of gRPC's core still is."""
    expect_hang_ups()
    expect_hang_ups()
    _told(ExecuteBatchError("failed"))
    _told(ValueError("a fault"))
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info and record.exc_info[0] for record in told] == [ValueError]
