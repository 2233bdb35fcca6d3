"""One run of the generator: calls made and answers timed, in a closed loop or an open one.

In a closed loop every answer calls for the next call at once. In an open loop calls leave by a
schedule drawn before, whatever the server does, so a server that stalls is told the whole length of
its stall by every call that fell into it.

One thread waits in `select`, whose timeouts are exact to some microseconds, where those of `epoll`
in Python are whole milliseconds.
"""

import select
import time
from collections.abc import Iterator
from itertools import islice
from random import Random

from tests.bench.connection import Connection, ServerGone
from tests.bench.messages import PATHS, Messages
from tests.bench.plan import Latency, Outcome, Plan

DRAIN_S_MAX = 25.0
"""Longest wait for the calls that are under way at the end; beyond their own deadline."""

GATHER_S_MAX, GATHER_S_PER_CALL = 1e-3, 1e-5
"""Pause before answers are read in the closed loop, in seconds: what came meanwhile is read
together, which halves what the generator costs, and is little beside what a call waits anyway.
The open loop, which is for latency, never pauses."""

clock = time.perf_counter


class Run:
    """One run of a plan."""

    def __init__(self, plan: Plan, messages: Messages) -> None:
        """Connect. Raises ServerGone."""
        self._plan = plan
        self._messages = messages
        self._next = 0
        self._answered = self._paid = self._failed = 0
        self._finishes: list[float] = []
        self._latencies: list[float] = []
        self._kept: list[tuple[int, bytes]] = []
        self._begin = self._open = self._close = 0.0
        self._now = 0.0
        path = PATHS[plan.mix.kind]
        self._connections: list[Connection] = []
        for _ in range(plan.connections):
            self._connections.append(Connection(plan.host, plan.port, path, self._finished))

    def go(self) -> Outcome:
        """Make the calls, and wait for the last answer."""
        used = time.process_time()
        self._begin = self._now = clock()
        self._open = self._begin + self._plan.warmup_s
        self._close = self._open + self._plan.seconds
        if self._plan.rate:
            self._follow_schedule()
        else:
            self._keep_busy()
        self._drain()
        spent = (time.process_time() - used) / (clock() - self._begin)
        for connection in self._connections:
            connection.close()
        return self._outcome(spent)

    def samples(self) -> list[tuple[bytes, bytes]]:
        """Give the requests whose answers were kept, with the answers."""
        return [(self._messages.bodies[number], body) for number, body in self._kept]

    def _keep_busy(self) -> None:
        """Keep so many calls under way until the window closes or all messages are sent."""
        calls = min(self._plan.concurrency, len(self._messages.bodies))
        for connection in islice(self._round_robin(), calls):
            self._send(connection)
        pause_s = min(GATHER_S_MAX, calls * GATHER_S_PER_CALL)
        while self._now < self._close and self._next < len(self._messages.bodies):
            time.sleep(pause_s)
            self._turn(self._close - self._now)

    def _follow_schedule(self) -> None:
        """Make each call at its time, whatever became of those before."""
        connections = self._round_robin()
        for due in self._arrivals():
            # Also while it is behind, it looks at what came before it goes on.
            while due > self._now:
                self._turn(due - clock())
            self._send(next(connections), due)

    def _arrivals(self) -> Iterator[float]:
        """Draw the moments at which independent callers come, until the window closes."""
        random = Random(self._plan.seed)
        due = self._begin
        while self._next < len(self._messages.bodies):
            due += random.expovariate(self._plan.rate)
            if due >= self._close:
                return
            yield due

    def _round_robin(self) -> Iterator[Connection]:
        """Give open connections in turn. Raises ServerGone where none is left."""
        while True:
            living = [item for item in self._connections if not item.closed]
            if not living:
                raise ServerGone(f"{self._plan.host}:{self._plan.port} closed every connection")
            yield from living

    def _send(self, connection: Connection, start: float = 0.0) -> None:
        number = self._next
        self._next = number + 1
        connection.submit(number, start or self._now, self._messages.bodies[number])

    def _turn(self, patience_s: float) -> None:
        """Send what is ready, wait for answers no longer than told, and read them."""
        living = [item for item in self._connections if not item.closed]
        for connection in living:
            connection.flush()
        sockets = {item.socket: item for item in living if not item.closed}
        if not sockets:
            raise ServerGone(f"{self._plan.host}:{self._plan.port} closed every connection")
        blocked = [item.socket for item in sockets.values() if item.blocked]
        readable, _, _ = select.select(sockets, blocked, [], max(patience_s, 0.0))
        for found in readable:
            self._now = clock()
            connection = sockets[found]
            connection.receive()
            connection.flush()
        self._now = clock()

    def _drain(self) -> None:
        """Wait for the calls under way."""
        end = self._now + DRAIN_S_MAX
        while self._now < end and self._answered + self._failed < self._next:
            try:
                self._turn(end - self._now)
            except ServerGone:
                break

    def _finished(
        self, connection: Connection, number: int, start: float, body: bytes | None
    ) -> None:
        if body is None:
            self._failed += 1
        else:
            self._answered += 1
            self._paid += self._messages.fresh[number]
            self._finishes.append(self._now)
            self._latencies.append(self._now - start)
            if not number % self._plan.sample_every:
                self._kept.append((number, body))
        if (
            not self._plan.rate
            and self._now < self._close
            and self._next < len(self._messages.bodies)
            and not connection.closed
        ):
            self._send(connection)

    def _outcome(self, spent: float) -> Outcome:
        """Count what falls into the window, and time what was meant to leave or ended in it."""
        end = self._close
        if self._next == len(self._messages.bodies) and self._finishes and not self._plan.rate:
            end = min(end, self._finishes[-1])
        pairs = list(zip(self._finishes, self._latencies, strict=True))
        counted = sum(_share(finish - taken, finish, self._open, end) for finish, taken in pairs)
        if self._plan.rate:
            latencies = [taken for finish, taken in pairs if finish - taken >= self._open]
        else:
            latencies = [taken for finish, taken in pairs if self._open <= finish <= end]
        unanswered = self._next - self._answered
        return Outcome(
            sent=self._next,
            answered=self._answered,
            paid=self._paid,
            failed=unanswered,
            counted=counted,
            seconds=max(end - self._open, 0.0),
            latency=Latency.of(latencies),
            generator_share=spent,
        )


def _share(start: float, finish: float, opened: float, closed: float) -> float:
    """Give the share of a call that lies within the window: a long one counts by its parts."""
    if start >= opened and finish <= closed:
        return 1.0
    return max(0.0, min(finish, closed) - max(start, opened)) / (finish - start)
