"""Carrier billing, told as stories over gRPC against its stand-in.

They run in this order: the last one lets half a year pass at the operator.
"""

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
import pytest_asyncio

from paymentgateway.errors import GatewayError
from paymentgateway.v1.payment_method_pb2 import CarrierMethod
from paymentgateway.v1.payment_pb2 import FailureReason, Payment, PaymentMethod
from tests.e2e.channels.carrier import PHONE, CarrierTill, units
from tests.e2e.channels.emulator import BEIJING
from tests.e2e.channels.street import Street
from tests.e2e.house import House
from tests.e2e.probing import Metrics
from tests.e2e.shop import done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRANSACTION = {"phoneNumber", "clientCorrelator", "referenceCode"}
CHARGING = {"amount", "currency", "description", "isTaxIncluded"}
SINK = {
    "sink",
    *(f"sinkCredential.{name}" for name in ("credentialType", "accessToken", "accessTokenType")),
    "sinkCredential.accessTokenExpiresUtc",
}
PAYMENT = {
    *SINK,
    *(f"amountTransaction.{name}" for name in TRANSACTION),
    *(f"amountTransaction.paymentAmount.chargingInformation.{name}" for name in CHARGING),
}
MAY_LEAVE = {
    "create": PAYMENT,
    "prepare": PAYMENT,
    "confirm": {"phoneNumber"},
    "cancel": {"phoneNumber"},
    "refund": {
        *SINK,
        "type",
        *(f"amountTransaction.{name}" for name in TRANSACTION - {"phoneNumber"}),
        *(f"amountTransaction.refundAmount.chargingInformation.{name}" for name in CHARGING),
    },
}
NOTHING = {"charge": 0, "refund": 0}

QUARANTINED = "select reason, times from quarantine where channel = 'carrier'"
TABLES = "select tablename from pg_tables where schemaname = 'public'"
FOUND = "select count(*) as rows from {table} t where to_jsonb(t)::text like $1"
FOUND_ELSEWHERE = """
select count(*) as rows from payments t where (to_jsonb(t) - 'method_details')::text like $1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def till(street: Street, street_house: House) -> CarrierTill:
    """A shop that is paid on the phone bill."""
    opened = await CarrierTill.open(street_house, street.emulators["carrier"])
    assert isinstance(opened, CarrierTill)
    return opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def first_day(till: CarrierTill) -> datetime:
    """When the stories began, in Beijing."""
    return (await till.emulator.now()).astimezone(BEIJING)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def overdue(till: CarrierTill, first_day: datetime) -> Payment:
    """A payment that the operator does not decide before its time is over; begun before all."""
    await till.play("create", answer="PROCESSING", settle="NEVER")
    expiry = datetime.now(UTC) + timedelta(seconds=3)
    return (await till.pay("1.10", expire_time=expiry)).payment


async def test_one_step(till: CarrierTill, overdue: Payment) -> None:
    """The amount goes onto the bill in one step, and the answer is final."""
    assert state(overdue) == "PROCESSING"
    payment = (await till.pay("12.50")).payment
    assert state(payment) == "SUCCEEDED"
    assert payment.channel_number
    assert await till.effects(payment) == {"charge": 1250, "refund": 0}
    assert await till.shop.balance() == 1250


async def test_a_notification_makes_the_gateway_ask(till: CarrierTill, street: Street) -> None:
    """What is decided later is notified, and booked because of the question that follows."""
    before = await Metrics.read(street.ops_url)
    await till.play("create", answer="PROCESSING", settle_delay_ms=300)
    payment = (await till.pay("3.00")).payment
    assert state(payment) == "PROCESSING"
    await till.shop.reached(payment, "SUCCEEDED")
    told = {"channel": "carrier", "verdict": "accepted"}

    async def accepted() -> float:
        after = await Metrics.read(street.ops_url)
        name = "gateway_notifications_total"
        return after.total(name, **told) - before.total(name, **told)

    await until(accepted)


@pytest.mark.parametrize("notify", ["NONE", "BEFORE_REPLY", "TWICE", "STALE"])
async def test_however_it_is_told(till: CarrierTill, notify: str) -> None:
    """Without a notification, before the reply, twice or a day old: it is booked once."""
    await till.play("create", answer="PROCESSING", settle_delay_ms=50, notify=notify)
    paid = await till.paid("2.00")
    assert await till.effects(paid) == {"charge": 200, "refund": 0}


async def test_reserved_and_confirmed(till: CarrierTill) -> None:
    """An amount is reserved, and goes onto the bill when it is captured; as a whole only."""
    payment = await till.held("8.00")
    assert await till.effects(payment) == NOTHING
    part = (await till.shop.capture(payment, "3.00")).capture
    assert FailureReason.Name(part.failure.reason).endswith("PARTIAL_CAPTURE_UNSUPPORTED")
    await till.shop.capture(payment)
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.captured.minor_units == 800
    assert await till.effects(paid) == {"charge": 800, "refund": 0}


async def test_reserved_and_canceled(till: CarrierTill) -> None:
    """A reservation that is canceled never goes onto the bill."""
    payment = await till.held("8.00")
    await till.shop.cancel(payment)
    await till.shop.reached(payment, "CANCELED")
    assert (await till.record(payment))["state"] == "cancelled"
    assert await till.effects(payment) == NOTHING


@pytest.mark.parametrize(("validation", "agrees"), [("OPEN", True), ("VALIDATE", False)])
async def test_the_payer_proves_to_have_the_phone(
    till: CarrierTill, validation: str, agrees: bool
) -> None:
    """On a page or by a code, as the operator wants; who does not agree pays nothing."""
    await till.play("prepare", answer="PENDING_VALIDATION", validation=validation)
    payment = (await till.pay("4.00", manual=True)).payment
    assert state(payment) == "REQUIRES_ACTION"
    if validation == "OPEN":
        assert payment.next_action.redirect_url.startswith("https://operator.example/")
    else:
        shown = json.loads(payment.next_action.challenge)
        assert shown == {"authorizationId": (await till.record(payment))["authorization_id"]}
    number = payment.attempt_number
    await till.emulator.control(f"payments/{number}/validate", {"agrees": agrees})
    await till.shop.reached(payment, "AUTHORIZED" if agrees else "FAILED")
    if agrees:
        await till.shop.cancel(payment)
        await till.shop.reached(payment, "CANCELED")


async def test_what_the_operator_refuses(till: CarrierTill) -> None:
    """A blocked subscriber is declined, one who may not spend so much meets a limit."""
    for phone, known, reason in (
        ("+8613900139001", {"kind": "BLOCKED"}, "DECLINED"),
        ("+8613900139002", {"payment_max": "1.00"}, "LIMIT_EXCEEDED"),
    ):
        await till.emulator.control("subscribers", {"phone_number": phone, **known})
        method = PaymentMethod(carrier=CarrierMethod(phone_number=phone))
        refused = (await till.pay("5.00", payment_method=method)).payment
        assert state(refused) == "FAILED"
        assert FailureReason.Name(refused.failure.reason).endswith(reason)


async def test_refused_unseen_is_sent_again(till: CarrierTill) -> None:
    """A dead token and an operator with too much to do cost the caller nothing but a moment."""
    await till.emulator.control("tokens/expire", {})
    assert state((await till.pay("1.00")).payment) == "SUCCEEDED"
    await till.fault("create", "BUSY")
    payment = (await till.pay("1.00")).payment
    assert state(payment) == "SUCCEEDED"
    assert await till.faults(payment.attempt_number) == ["BUSY"]
    assert await till.effects(payment) == {"charge": 100, "refund": 0}


async def test_refunds_up_to_the_limit(till: CarrierTill) -> None:
    """Partial refunds are made up to what was paid, and not one fen more."""
    paid = await till.paid("10.00")
    for amount in ("4.00", "5.50"):
        assert done((await till.refunded(paid, amount)).state) == "SUCCEEDED"
    beyond = (await till.shop.refund(paid, "0.51")).refund
    assert done(beyond.state) == "FAILED"
    assert done((await till.refunded(paid, "0.50")).state) == "SUCCEEDED"
    assert await till.effects(paid) == {"charge": 1000, "refund": 1000}
    assert (await till.shop.get(paid)).refunded.minor_units == 1000


@pytest.mark.parametrize("fault", ["DROP_AFTER_EFFECT", "BAD_GATEWAY_AFTER_EFFECT"])
async def test_a_payment_whose_reply_was_lost_is_found(till: CarrierTill, fault: str) -> None:
    """Money that moved although nobody heard of it is found in the operator's list, once."""
    await till.fault("create", fault)
    await till.play("create", notify="NONE")
    payment = (await till.pay("5.00")).payment
    assert state(payment) == "PROCESSING"
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert fault in await till.faults(paid.attempt_number)
    assert await till.effects(paid) == {"charge": 500, "refund": 0}


async def test_every_other_lost_reply_is_resolved(till: CarrierTill) -> None:
    """A reservation, its capture and a refund whose replies were lost are made once each."""
    await till.fault("prepare", "DROP_AFTER_EFFECT")
    held = await till.held("6.00")
    await till.fault("confirm", "DROP_AFTER_EFFECT")
    await till.shop.capture(held)
    paid = await till.shop.reached(held, "SUCCEEDED")
    await till.fault("refund", "DROP_AFTER_EFFECT")
    refund = (await till.shop.refund(paid, "6.00")).refund
    assert done((await till.shop.refunded(refund)).state) == "SUCCEEDED"
    struck = await till.faults(paid.attempt_number), await till.faults(refund.attempt_number)
    assert struck == (["DROP_AFTER_EFFECT"] * 2, ["DROP_AFTER_EFFECT"])
    assert await till.effects(paid) == {"charge": 600, "refund": 600}


async def test_a_wrong_amount_is_laid_aside(till: CarrierTill) -> None:
    """An answer about another amount books nothing; a person sees it, and the truth is asked."""
    await till.fault("create", "WRONG_AMOUNT")
    payment = (await till.pay("7.00")).payment
    assert state(payment) == "PROCESSING"
    case = await till.house.case(payment, "MISMATCH")
    assert payment.attempt_number in case["detail"]
    paid = await till.shop.reached(payment, "SUCCEEDED")
    assert paid.captured.minor_units == 700
    assert await till.effects(paid) == {"charge": 700, "refund": 0}


async def test_a_lie_changes_nothing(till: CarrierTill) -> None:
    """A notification with our token that lies is asked about, and what the operator says counts."""
    held = await till.held("3.00")
    await till.emulator.control(f"payments/{held.attempt_number}/notify", {"as": "WRONG_STATUS"})
    await till.struck(held.attempt_number, "NOTIFY_WRONG_STATUS")
    assert state(await till.shop.get(held)) == "AUTHORIZED"
    await till.shop.cancel(held)
    await till.shop.reached(held, "CANCELED")


@pytest.mark.parametrize("lie", ["NO_TOKEN", "WRONG_TOKEN"])
async def test_a_forgery_is_laid_aside(till: CarrierTill, lie: str) -> None:
    """A notification without our token changes nothing, and is kept for people to see."""
    paid = await till.paid("1.00")
    before = await till.house.fetch(QUARANTINED)
    await till.emulator.control(f"payments/{paid.attempt_number}/notify", {"as": lie})
    kept = await until(
        lambda: till.house.fetch(QUARANTINED),
        lambda rows: sum(row["times"] for row in rows) > sum(row["times"] for row in before),
    )
    assert all(row["reason"] for row in kept)
    assert f"NOTIFY_{lie}_ACKNOWLEDGED" not in await till.faults(paid.attempt_number)


async def test_what_is_overdue_waits_for_a_person(till: CarrierTill, overdue: Payment) -> None:
    """A payment without fence or expiry at the operator is never failed by age; the end is told."""
    await till.house.case(overdue, "UNRESOLVED")
    assert state(await till.shop.get(overdue)) == "PROCESSING"
    with pytest.raises(GatewayError) as refused:
        await till.shop.refund(overdue)
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    number = overdue.attempt_number
    await till.emulator.control(f"payments/{number}/settle", {"state": "SUCCEEDED"})
    await till.shop.reached(overdue, "SUCCEEDED")
    assert await till.effects(overdue) == {"charge": 110, "refund": 0}
    case = await until(
        lambda: till.house.case(overdue, "UNRESOLVED"), lambda found: found["resolve_time"]
    )
    assert case["resolution"] == "settled by itself"


async def test_the_statement_is_what_both_books_say(
    till: CarrierTill, street: Street, first_day: datetime
) -> None:
    """What the operator's lists add up to is its own book and ours, number by number."""
    await till.house.rest()
    last_day = (await till.emulator.now()).astimezone(BEIJING)
    lines = 0
    for day in sorted({first_day.date(), last_day.date()}):
        report = await street.bill("carrier", day)
        assert report.agrees, report.lines
        book = await till.emulator.control(f"book?day={day}")
        sums = report.fields["currencies"].get("CNY", {"charged": 0, "refunded": 0})
        for kind, name in (("charge", "charged"), ("refund", "refunded")):
            amount = book[kind].get("CNY", {"amount": "0"})["amount"]
            assert sums[name] == units(amount)
        assert report.fields["lines"] == len(book["movements"])
        assert report.fields["comparison"]["agreed"] == report.fields["lines"]
        lines += report.fields["lines"]
    assert lines > 15
    await till.emulator.control("list-faults", {"kind": "EXTRA", "amount": "0.05"})
    today = (await till.emulator.now()).astimezone(BEIJING).date()
    [difference] = (await street.bill("carrier", today)).fields["comparison"]["differences"]
    assert (difference["kind"], difference["there"]["minor_units"]) == ("missing here", 5)


async def test_only_what_may_leave_has_left(till: CarrierTill) -> None:
    """No field arrived at the operator that is not on the list for its operation."""
    arrived = (await till.emulator.control("fields"))["fields"]
    assert {name: set(arrived[name]["body"]) for name in MAY_LEAVE} == MAY_LEAVE


async def test_the_phone_number_stays_where_it_belongs(till: CarrierTill, street: Street) -> None:
    """It is in the payment's method details: in no other column, no log line and no quarantine."""
    digits = PHONE.removeprefix("+")
    await till.paid("1.00")
    too_long = PaymentMethod(carrier=CarrierMethod(phone_number=f"{PHONE}000000"))
    with pytest.raises(GatewayError) as refused:
        await till.pay("1.00", payment_method=too_long)
    assert digits not in str(refused.value)
    for row in await till.house.fetch(TABLES):
        query = FOUND.format(table=row["tablename"])
        [found] = await till.house.fetch(query, f"%{digits}%")
        assert bool(found["rows"]) == (row["tablename"] == "payments"), row["tablename"]
    [elsewhere] = await till.house.fetch(FOUND_ELSEWHERE, f"%{digits}%")
    assert elsewhere["rows"] == 0
    logs = [street.folder / f"{name}.log" for name in ("gateway", "carrier")]
    assert all("carrier" in log.read_text() for log in logs)
    assert not [line for log in logs for line in log.read_text().splitlines() if digits in line]


async def test_a_refund_after_the_window_is_refused(till: CarrierTill) -> None:
    """Half a year later the operator refunds no more; once the gateway knows, it does not ask."""
    paid = await till.paid("8.00")
    await till.emulator.advance(days=181)
    refused = await till.refunded(paid, "1.00")
    assert done(refused.state) == "FAILED"
    assert refused.failure.channel_code.endswith("PAYMENT_NOT_ELIGIBLE_FOR_REFUND")
    assert (await till.shop.get(paid)).refunded.minor_units == 0
    await till.forget_capture(paid, days=181)
    early = (await till.shop.refund(paid, "1.00")).refund
    assert FailureReason.Name(early.failure.reason).endswith("REFUND_WINDOW_CLOSED")
    assert not early.attempt_number
    assert await till.effects(paid) == {"charge": 800, "refund": 0}
