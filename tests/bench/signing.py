"""What signing and verifying with RSA take, and how long they hold up an event loop.

The gateway's own client for channels runs in this process, on a loop that does nothing else and
notes what each of its turns takes: until a turn ends, nobody else is served. Equally many calls a
second are made in three ways: to the sandbox, which signs without RSA; to the channel as the
gateway calls it; and to the channel with its signatures made on the loop. A turn is told in CPU
time of the loop's thread, which the machine's noise hardly touches, and the longest on the clock
too, where it waits for other threads.
"""

import asyncio
import secrets
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from gateway.app.channels.opening import open_channels
from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import HttpChannel, fresh_nonce
from gateway.channels.connector import Action, Call
from gateway.channels.keys import current
from gateway.channels.transport import Transport, open_session
from gateway.channels.v3style.connector import V3Connector
from gateway.clock import Clock
from gateway.config import load_settings
from gateway.domain.channel import AttemptKind, ChannelRequest, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene
from tests.bench.messages import BARCODE
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY, Latency
from tests.bench.servers import CHANNEL

NUMBER_BYTES = 14
CALLERS = 4
CALLS_EACH_PER_S = 20
"""Few enough that the loop is mostly idle, whatever is called: what holds it up is one call."""

TIMES = 300
"""Signatures and verifications that are timed."""

TIME_TO_PAY = timedelta(minutes=15)


class Unanswered(Exception):
    """The channel did not do what it was asked, so that nothing could be measured."""


class Turns(selectors.DefaultSelector):
    """Notes what turns of its event loop take, from one look for I/O to the next, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu: list[float] = []
        self.clock: list[float] = []
        self._begun = (time.thread_time(), time.monotonic())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """End a turn, look for I/O, and begin the next turn."""
        cpu_s, clock_s = self._begun
        self.cpu.append(time.thread_time() - cpu_s)
        self.clock.append(time.monotonic() - clock_s)
        found = super().select(timeout)
        self._begun = (time.thread_time(), time.monotonic())
        return found


@dataclass(frozen=True)
class Held:
    """What a way of calling does to a loop: CPU time of its thread, in seconds.

    Attributes:
        cpu_s: per call.
        turn_s: 99 of 100 turns are shorter.
        turn_max_s: the longest turn.
        clock_max_s: the longest turn on the clock.
    """

    cpu_s: float
    turn_s: float
    turn_max_s: float
    clock_max_s: float


@dataclass(frozen=True)
class Signing:
    """What was measured: CPU time in seconds, and the ways of calling by their names."""

    sign_s: float
    verify_s: float
    held: Mapping[str, Held]

    def values(self) -> dict[str, float]:
        """Give it as single values, in seconds."""
        found = {"sign_s": self.sign_s, "verify_s": self.verify_s}
        for name, held in self.held.items():
            found |= {f"loop_{name}_{what}": value for what, value in asdict(held).items()}
        return found


def measure(environ: Mapping[str, str], seconds: float) -> Signing:
    """Measure against the channels that a gateway's variables name. Raises Unanswered.

    It runs an event loop, so it is called where none runs.
    """
    turns = Turns()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
        return runner.run(_measure(environ, seconds, turns))


async def _measure(environ: Mapping[str, str], seconds: float, turns: Turns) -> Signing:
    settings = load_settings(environ)
    async with open_channels(settings) as channels, open_session(ChannelBounds()) as session:
        setup, port = channels[CHANNEL].setup, channels[CHANNEL].port
        transport = Transport(session, setup.url, ChannelBounds())
        on_loop = HttpChannel(setup.connector, transport, ChannelBounds(), Clock())
        assert isinstance(setup.connector, V3Connector)
        sign_s, verify_s = await _each(setup.connector, port)
        held = {
            "without_rsa": await _held(turns, channels["sandbox"].port, {}, seconds),
            "as_shipped": await _held(turns, port, _barcode(), seconds),
            "signing_on_it": await _held(turns, on_loop, _barcode(), seconds),
        }
    return Signing(sign_s, verify_s, held)


async def _each(connector: V3Connector, port: HttpChannel) -> tuple[float, float]:
    """Time a signature under a request, and the verification of the answer to it."""
    request = _request(_barcode())
    call = Call(Action.SEND, request, datetime.now(UTC), fresh_nonce())
    reply, moment = await port.exchange(lambda *_: connector.build(call))
    account = connector.account
    key = current(account.settings.merchant_keys, moment)
    text = connector.build(call).body
    verify_s = _timed(lambda: account.verify(reply.headers, reply.body, moment))
    return _timed(lambda: key.sign(text)), verify_s


async def _held(
    turns: Turns, port: HttpChannel, details: Mapping[str, object], seconds: float
) -> Held:
    """Let callers pay again and again for so long, and give what the loop's turns took."""
    await asyncio.sleep(0)  # ends the turn that prepared this
    end, calls, first = time.monotonic() + seconds, 0, len(turns.cpu)

    async def caller() -> None:
        nonlocal calls
        while (begun := time.monotonic()) < end:
            outcome = await port.send(_request(details))
            if outcome.outcome is not OutcomeClass.SUCCESS:
                raise Unanswered(f"the channel answered {outcome.outcome}: {outcome.evidence}")
            calls += 1
            await asyncio.sleep(begun + 1 / CALLS_EACH_PER_S - time.monotonic())

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    cpu = Latency.of(turns.cpu[first:])
    return Held(sum(turns.cpu[first:]) / calls, cpu.p99, cpu.highest, max(turns.clock[first:]))


def _timed(work: Callable[[], object]) -> float:
    before = time.thread_time()
    for _ in range(TIMES):
        work()
    return (time.thread_time() - before) / TIMES


def _barcode() -> dict[str, object]:
    return {"code": {"auth_code": BARCODE}}


def _request(details: Mapping[str, object]) -> ChannelRequest:
    number, now = secrets.token_hex(NUMBER_BYTES), datetime.now(UTC)
    return ChannelRequest(
        kind=AttemptKind.CHARGE,
        number=number,
        charge_number=number,
        money=Money(CURRENCY, AMOUNT_MINOR_UNITS),
        capture_mode=CaptureMode.AUTOMATIC,
        scene=Scene.APP,
        payer_pseudonym=number,
        description="One song",
        expire_time=now + TIME_TO_PAY,
        details=details,
        create_time=now,
    )
