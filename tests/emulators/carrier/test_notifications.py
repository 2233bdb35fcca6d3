"""Events: what is told, with which token, how often, and what the receiver's answer means."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.emulators.bench import Received, Receiver, until
from tests.emulators.carrier.customer import SINK_TOKEN, Customer, number, sink

PAYMENT = "org.camaraproject.carrier-billing.v0.payment-"
REFUND = "org.camaraproject.carrier-billing-refund.v0.refund-"
ACKNOWLEDGED = (204, b"")
PATIENCE_S = 20
BEARER = f"Bearer {SINK_TOKEN}"


@pytest.fixture(autouse=True)
def _acknowledging(receiver: Receiver) -> None:
    receiver.answer = lambda _: ACKNOWLEDGED


async def fates(customer: Customer, **wanted: int) -> None:
    """Wait until the notifications have these fates."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            summary = await customer.control("GET", "/control/summary")
            if wanted.items() <= summary["notifications"].items():
                return
            await asyncio.sleep(0.01)


async def test_a_completed_payment_is_told(customer: Customer, receiver: Receiver) -> None:
    """A CloudEvent with the sink's token, that names the payment and how it ended."""
    of = await customer.paid(**sink(f"{receiver.url}/n?a=b"))
    [received] = await receiver.wait_for(1)
    assert received.target == "/n?a=b"
    assert received.headers["Content-Type"] == "application/cloudevents+json"
    assert received.headers["Authorization"] == BEARER
    event = received.body
    assert event["type"] == f"{PAYMENT}completed"
    assert (event["specversion"], event["datacontenttype"]) == ("1.0", "application/json")
    assert event["id"]
    assert event["source"].startswith("https://")
    found = await customer.query(of)
    assert event["data"]["paymentId"] == of
    assert event["data"]["status"] == "succeeded"
    assert event["data"]["paymentDate"] == found["paymentDate"] == event["time"]
    await fates(customer, acknowledged=1, pending=0)


async def test_each_state_has_its_event(customer: Customer, receiver: Receiver) -> None:
    """Reserved, completed, cancelled, denied, waiting for a code: one event each, in order."""
    events = sink(receiver.url)
    of = await customer.reserved(**events)
    await receiver.wait_for(1)
    await customer.second(of, "confirm")
    await receiver.wait_for(2)
    await customer.second(await customer.reserved(**events), "cancel")
    await receiver.wait_for(4)
    await customer.play("prepare", answer="PENDING_VALIDATION")
    waiting = (await customer.prepare(**events)).body["paymentId"]
    await receiver.wait_for(5)
    await customer.control("POST", f"/control/payments/{waiting}/validate", {"agrees": False})
    told = [event.body["type"].removeprefix(PAYMENT) for event in await receiver.wait_for(6)]
    assert told[:2] == ["reserved", "completed"]
    assert sorted(told[2:4]) == ["cancelled", "reserved"]
    assert told[4:] == ["pending-validation", "denied"]
    denied = receiver.received[-1].body["data"]
    assert (denied["status"], denied["denialReason"]) == ("failed", "The subscriber did not agree.")


async def test_an_expiry_is_told(customer: Customer, receiver: Receiver) -> None:
    """Who reserved and forgot hears of it when the reservation is over."""
    of = await customer.reserved(**sink(receiver.url))
    await customer.advance(hours=25)
    events = [received.body for received in await receiver.wait_for(2)]
    assert {event["type"].removeprefix(PAYMENT) for event in events} == {"reserved", "cancelled"}
    assert {event["data"]["paymentId"] for event in events} == {of}


async def test_refunds_are_told(customer: Customer, receiver: Receiver) -> None:
    """Completed, denied, and the promise that it will be in the bill."""
    of = await customer.paid()
    await customer.play("refund", in_bill=True)
    made = (await customer.refund(of, 1, **sink(receiver.url))).body["refundId"]
    events = {received.body["type"]: received.body for received in await receiver.wait_for(2)}
    assert events.keys() == {f"{REFUND}in-bill", f"{REFUND}completed"}
    second = events[f"{REFUND}completed"]
    assert second["data"].keys() >= {"paymentId", "refundId", "refundDate"}
    assert (second["data"]["paymentId"], second["data"]["refundId"]) == (of, made)
    await customer.play("refund", settle="DENIED", reason="No.")
    await customer.refund(of, 1, **sink(receiver.url))
    denied = (await receiver.wait_for(3))[2].body
    assert denied["type"] == f"{REFUND}denied"
    assert (denied["data"]["status"], denied["data"]["denialReason"]) == ("failed", "No.")


async def test_without_a_sink_nothing_is_told(customer: Customer, receiver: Receiver) -> None:
    """And with a sink but no credential the event comes without a token."""
    await customer.paid()
    await customer.paid(sink=receiver.url)
    [received] = await receiver.wait_for(1)
    assert "Authorization" not in received.headers
    await fates(customer, sent=1, pending=0)


async def test_what_is_not_acknowledged_comes_again(customer: Customer, receiver: Receiver) -> None:
    """Only 204 ends it; the event stays the same; at last it is given up."""
    receiver.answer = lambda _: (200, b"")
    await customer.paid(**sink(receiver.url))
    await receiver.wait_for(1)
    for count, seconds in enumerate((15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200), start=2):
        await fates(customer, sent=count - 1, pending=1)
        await customer.advance(seconds=seconds)
        await receiver.wait_for(count)
    await fates(customer, sent=9, abandoned=1, pending=0, acknowledged=0)
    assert len({received.raw for received in receiver.received}) == 1


async def test_gone_is_gone(customer: Customer, receiver: Receiver) -> None:
    """410 ends this event and all that the payment would still tell; others are not concerned."""
    receiver.answer = lambda _: (410, b"")
    correlator = number()
    of = await customer.reserved(clientCorrelator=correlator, **sink(receiver.url))
    await receiver.wait_for(1)
    await fates(customer, abandoned=1, pending=0)
    receiver.answer = lambda _: ACKNOWLEDGED
    await customer.second(of, "confirm")
    await customer.advance(seconds=1)
    assert (await customer.query(of))["paymentStatus"] == "succeeded"
    other = await customer.paid(**sink(receiver.url))
    told = [received.body["data"]["paymentId"] for received in await receiver.wait_for(2)]
    assert told == [of, other]
    assert await customer.faults(correlator) == ["SINK_GONE"]


async def test_a_token_that_ran_out_ends_the_telling(
    customer: Customer, receiver: Receiver
) -> None:
    """After accessTokenExpiresUtc nothing is sent: the client must ask."""
    correlator = number()
    events = sink(receiver.url, accessTokenExpiresUtc="2020-01-01T00:00:00Z")
    await customer.paid(clientCorrelator=correlator, **events)
    assert await customer.faults(correlator) == ["SINK_TOKEN_EXPIRED"]
    await fates(customer, sent=0, pending=0)


@pytest.mark.parametrize("mode", ["NO_TOKEN", "WRONG_TOKEN", "MALFORMED", "WRONG_TYPE"])
async def test_a_spoiled_event_is_followed_by_a_good_one(
    customer: Customer, receiver: Receiver, mode: str
) -> None:
    """The first attempt is spoiled in one thing; whoever accepts it is written down."""
    good = {"Authorization": BEARER, "Content-Type": "application/cloudevents+json"}
    accepted, refused = number(), number()
    await customer.play("create", notify=mode, count=2)
    await customer.paid(clientCorrelator=accepted, **sink(receiver.url))
    await receiver.wait_for(1)
    await fates(customer, acknowledged=1)
    assert await customer.faults(accepted) == [f"NOTIFY_{mode}", f"NOTIFY_{mode}_ACKNOWLEDGED"]
    receiver.answer = lambda received: (401, b"") if len(receiver.received) == 2 else ACKNOWLEDGED
    await customer.paid(clientCorrelator=refused, **sink(receiver.url))
    spoiled = (await receiver.wait_for(2))[1]
    await fates(customer, sent=2)
    await customer.advance(seconds=15)
    later = (await receiver.wait_for(3))[2]
    shown = {name: spoiled.headers.get(name) for name in good}
    assert (shown == good) == (mode == "MALFORMED")
    assert (spoiled.raw == later.raw) == (mode != "MALFORMED")
    assert good.items() <= dict(later.headers).items()
    assert later.body["type"] == f"{PAYMENT}completed"
    await fates(customer, acknowledged=2)
    assert await customer.faults(refused) == [f"NOTIFY_{mode}"]


async def test_well_formed_events_may_lie(customer: Customer, receiver: Receiver) -> None:
    """An event is no proof: the opposite state, another payment, or one of yesterday."""
    for place, mode in enumerate(("WRONG_STATUS", "WRONG_NUMBER", "STALE"), start=1):
        await customer.play("create", notify=mode)
        of = await customer.paid(**sink(receiver.url))
        received = (await receiver.wait_for(place))[-1]
        assert _lies(received.body, of, mode)
        assert received.headers["Authorization"] == BEARER
        assert (await customer.query(of))["paymentStatus"] == "succeeded"


def _lies(event: Any, of: str, mode: str) -> bool:
    kind, told = event["type"].removeprefix(PAYMENT), event["data"]["paymentId"]
    age = datetime.now(UTC) - datetime.fromisoformat(event["time"])
    return {
        "WRONG_STATUS": (kind, told) == ("denied", of),
        "WRONG_NUMBER": (kind, told == of) == ("completed", False),
        "STALE": (kind, told) == ("completed", of) and age > timedelta(hours=23),
    }[mode]


async def test_events_come_twice_or_in_storms(customer: Customer, receiver: Receiver) -> None:
    """Duplicates have one id."""
    await customer.play("create", notify="TWICE")
    await customer.paid(**sink(receiver.url))
    await receiver.wait_for(2)
    await customer.play("create", notify="STORM", notify_count=20)
    await customer.paid(**sink(receiver.url))
    received = await receiver.wait_for(22)
    assert len({event.body["id"] for event in received}) == 2


async def test_events_overtake_one_another(customer: Customer, receiver: Receiver) -> None:
    """One that is held back comes after what happened later."""
    await customer.play("prepare", notify_delay_ms=60_000)
    of = await customer.reserved(**sink(receiver.url))
    await customer.play("confirm", answer="SUCCEEDED")
    await customer.second(of, "confirm")
    await receiver.wait_for(1)
    await customer.advance(minutes=1)
    told = [event.body["type"].removeprefix(PAYMENT) for event in await receiver.wait_for(2)]
    assert told == ["completed", "reserved"]


@pytest.mark.parametrize("operation", ["create", "confirm", "refund"])
async def test_an_event_may_come_before_the_reply(
    customer: Customer, receiver: Receiver, operation: str
) -> None:
    """Who waits for the reply to know the number hears of it first from the event."""
    of = await (customer.reserved if operation == "confirm" else customer.paid)(
        **({} if operation == "refund" else sink(f"{receiver.url}/old"))
    )
    await until(lambda: operation == "refund" or len(receiver.received) == 1)
    before = len(receiver.received)
    known: list[int] = []

    def answer(_received: Received) -> tuple[int, bytes]:
        known.append(len(receiver.received))
        return ACKNOWLEDGED

    receiver.answer = answer
    await customer.play(operation, notify="BEFORE_REPLY")
    if operation == "create":
        reply = await customer.pay(**sink(receiver.url))
    elif operation == "confirm":
        reply = await customer.second(of, "confirm")
    else:
        reply = await customer.refund(of, **sink(receiver.url))
    assert reply.status in (201, 202)
    assert known == [before + 1]


async def test_it_can_be_told_again(customer: Customer, receiver: Receiver) -> None:
    """By hand, in any mode, by id or correlator."""
    correlator = number()
    of = await customer.paid(clientCorrelator=correlator, **sink(receiver.url))
    await receiver.wait_for(1)
    for name, body in ((of, {}), (correlator, {"as": "TWICE"})):
        await customer.control("POST", f"/control/payments/{name}/notify", body)
    received = await receiver.wait_for(4)
    assert {event.body["data"]["paymentId"] for event in received} == {of}
    assert (await customer.try_control("POST", "/control/payments/x/notify", {})).status == 404
