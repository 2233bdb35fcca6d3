"""What signing and verifying with RSA take, and how long they hold up an event loop.

The gateway's own client for channels runs in this process, so that nothing else is on its loop but
a probe that wants to wake every millisecond and notes how late it is. The same calls are made in
three ways: to the sandbox, which signs without RSA; to the channel as the gateway calls it; and to
the channel with its signatures made on the loop. How late a probe wakes is drawn by the machine's
noise too, and the CPU time of the loop's thread is not, so both are told.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.app.channels.opening import open_channels
from gateway.channels.bounds import ChannelBounds
from gateway.channels.client import HttpChannel, fresh_nonce
from gateway.channels.connector import Action, Call
from gateway.channels.transport import Transport, open_session
from gateway.channels.v3style.connector import V3Connector
from gateway.channels.v3style.keys import current
from gateway.clock import Clock
from gateway.config import load_settings
from gateway.domain.channel import AttemptKind, ChannelRequest, OutcomeClass
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Scene
from tests.bench.messages import BARCODE
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY, Latency
from tests.bench.servers import CHANNEL

NUMBER_BYTES = 14
CALLERS = 16
TICK_S = 0.001
TIMES = 300
"""Signatures and verifications that are timed."""

TIME_TO_PAY = timedelta(minutes=15)


class Unanswered(Exception):
    """The channel did not do what it was asked, so that nothing could be measured."""


@dataclass(frozen=True)
class Held:
    """What a way of calling does to a loop.

    Attributes:
        cpu_s: CPU time of the loop's thread per call, in seconds.
        late: how late the probe woke, in seconds.
    """

    cpu_s: float
    late: Latency


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
            found |= {
                f"loop_{name}_cpu_s": held.cpu_s,
                f"loop_{name}_late_p99_s": held.late.p99,
                f"loop_{name}_late_max_s": held.late.highest,
            }
        return found


async def measure(environ: Mapping[str, str], seconds: float) -> Signing:
    """Measure against the channels that a gateway's variables name. Raises Unanswered."""
    settings = load_settings(environ)
    async with open_channels(settings) as channels, open_session(ChannelBounds()) as session:
        setup, port = channels[CHANNEL].setup, channels[CHANNEL].port
        transport = Transport(session, setup.url, ChannelBounds())
        on_loop = HttpChannel(setup.connector, transport, ChannelBounds(), Clock())
        assert isinstance(setup.connector, V3Connector)
        sign_s, verify_s = await _each(setup.connector, port)
        held = {
            "without_rsa": await _held(channels["sandbox"].port, {}, seconds),
            "as_shipped": await _held(port, _barcode(), seconds),
            "signing_on_it": await _held(on_loop, _barcode(), seconds),
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


async def _held(port: HttpChannel, details: Mapping[str, object], seconds: float) -> Held:
    """Let callers pay one after the other for so long, and watch the loop."""
    end, calls, late = time.monotonic() + seconds, 0, list[float]()

    async def caller() -> None:
        nonlocal calls
        while time.monotonic() < end:
            outcome = await port.send(_request(details))
            if outcome.outcome is not OutcomeClass.SUCCESS:
                raise Unanswered(f"the channel answered {outcome.outcome}: {outcome.evidence}")
            calls += 1

    async def probe() -> None:
        while (asleep := time.monotonic()) < end:
            await asyncio.sleep(TICK_S)
            late.append(time.monotonic() - asleep - TICK_S)

    before = time.thread_time()
    await asyncio.gather(probe(), *(caller() for _ in range(CALLERS)))
    return Held((time.thread_time() - before) / calls, Latency.of(late))


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
