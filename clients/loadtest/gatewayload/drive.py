"""The two ways to send load: an open loop that keeps to a schedule, and a closed loop of callers.

The open loop sends each call at the moment at which it is meant to start, whatever became of the
calls before it, and counts latency from that moment. What is in flight has a bound, because a
generator without memory measures nothing; an arrival that meets the bound is counted and dropped,
for to send it later would be to measure another load than the one that was asked for. The closed
loop sends as much as its callers can: right for a saturation figure, wrong for a latency under a
given rate, because a slow gateway slows its callers down.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Final

import grpc

from gatewayload.connection import LoadChannels
from gatewayload.mixer import Mixer
from gatewayload.operations import Operation
from gatewayload.recorder import Recorder
from gatewayload.refusal import of_call

PATIENCE_S: Final = 0.5
"""Longest wait that a stop may have to wait for, in seconds."""


class Drive:
    """Sends the calls of one process. Moments are of `time.monotonic`, in seconds."""

    def __init__(self, mixer: Mixer, channels: LoadChannels, recorder: Recorder) -> None:
        self._mixer, self._channels, self._recorder = mixer, channels, recorder
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Send nothing more; calls in flight are waited for."""
        self._stopped.set()

    async def open_loop(self, moments: Iterable[float], in_flight_max: int) -> None:
        """Send a call at each moment; give up on those that meet the bound."""
        call = self._mixer.next()
        async with asyncio.TaskGroup() as calls:
            for intended in moments:
                await self._until(intended)
                if self._stopped.is_set() or call is None:
                    return
                if self._recorder.in_flight >= in_flight_max:
                    self._recorder.not_started(intended)
                    continue
                self._begin(call)
                calls.create_task(self._send(call, intended))
                call = self._mixer.next()

    async def closed_loop(self, callers: int, begin: float, end: float) -> None:
        """Let callers send one call after the other between two moments."""
        await self._until(begin)
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self._caller(end))

    async def _caller(self, end: float) -> None:
        while time.monotonic() < end and not self._stopped.is_set():
            call = self._mixer.next()
            if call is None:
                return
            self._begin(call)
            await self._send(call, time.monotonic())

    async def _until(self, moment: float) -> None:
        """Wait for a moment, or for the stop; let others run in any case."""
        pause_s = max(0.0, moment - time.monotonic())
        if pause_s < PATIENCE_S:  # nearly always; an event would cost a task for each call
            await asyncio.sleep(pause_s)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), pause_s)

    def _begin(self, call: Operation) -> None:
        call.begin()
        self._recorder.started(call.payments)

    async def _send(self, call: Operation, intended: float) -> None:
        sent = time.monotonic()
        try:
            answer = await self._channels.call(call.method, call.request)
        except grpc.aio.AioRpcError as error:
            ended = time.monotonic()
            outcomes = call.refused(of_call(error))
        else:
            ended = time.monotonic()
            outcomes = call.answered(answer)
        # A timer may fire half a millisecond early; that is no reason to count less.
        self._recorder.ended(call.kind, (min(intended, sent), sent, ended), outcomes)
