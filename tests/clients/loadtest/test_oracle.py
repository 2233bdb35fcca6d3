"""The oracle, against a gateway that does one thing wrong at a time."""

import time
from collections.abc import Callable

import pytest

from gatewayload.connection import gone
from gatewayload.judge import Fault, Findings
from gatewayload.settings import Depth, Load
from paymentgateway.errors import GatewayError
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_pb2 import Payment
from tests.clients.loadtest.generator import Generator, run, settings
from tests.clients.loadtest.model_gateway import (
    OVERLOADED,
    SILENT_FAULT,
    ModelGateway,
    account,
)
from tests.clients.scripted_gateway import Refusal

PAYMENTS = 40
VICTIM = 7
SHORT = Load(callers=4, warmup_s=0.0, duration_s=30.0, payments_max=PAYMENTS)


def about(findings: Findings) -> set[tuple[Fault, str]]:
    """What was found, and about which key, merchant or payer."""
    return {(finding.fault, finding.about) for finding in findings.examples}


def victim(model: ModelGateway) -> Payment:
    """The payment that something happened to."""
    return next(p for p in model.payments.values() if p.payment_id.endswith(f"{VICTIM:05}"))


async def after_the_run(
    model: ModelGateway, wrong: Callable[[Payment], object], **mix: object
) -> tuple[Findings, Payment]:
    """Send payments, do something wrong to one of them, and give what the oracle finds."""
    async with Generator(settings(model, load=SHORT, **mix)) as generator:
        await generator.load()
        payment = victim(model)
        wrong(payment)
        audit = await generator.audit()
    return audit.findings, payment


@pytest.mark.parametrize(
    "mix",
    [
        {},
        {"replays": 0.5},
        {"refunds": 0.3, "reads": 0.3},
        {"batch_size": 3, "replays": 0.2, "refunds": 0.5},
        {"hot": 1.0},
        {"method": "sandbox"},
        {"depth": Depth.LISTS, "refunds": 0.3, "replays": 0.2},
    ],
)
async def test_an_honest_gateway_is_proven(model: ModelGateway, mix: dict[str, object]) -> None:
    """Where nothing is wrong nothing is found, and every payment is asked for."""
    _, audit = await run(settings(model, load=SHORT, **mix))
    assert audit.findings.counts == {}
    assert audit.asked == len(model.payments) == PAYMENTS
    assert sum(audit.merchants.values()) == sum(model.unsettled.values()) > 0
    assert audit.refunds == len(model.refunds)
    assert bool(model.refunds) == ("refunds" in mix)


async def test_a_lost_payment_is_found(model: ModelGateway) -> None:
    """A payment that was acknowledged, and that its key no longer finds, is lost."""

    def lose(payment: Payment) -> None:
        del model.payments[payment.merchant_id, payment.idempotency_key]

    findings, payment = await after_the_run(model, lose)
    assert about(findings) == {
        (Fault.LOST, payment.idempotency_key),
        (Fault.UNBALANCED, f"merchant {payment.merchant_id}"),
        (Fault.UNBALANCED, f"payer {payment.payer.payer_id}"),
    }


async def test_lists_show_what_is_wrong_too(model: ModelGateway) -> None:
    """Payments that are read from lists are judged as those that are asked for one by one."""
    async with Generator(settings(model, load=SHORT, depth=Depth.LISTS)) as generator:
        await generator.load()
        lost, altered, changed, *_ = list(model.payments.values())
        del model.payments[lost.merchant_id, lost.idempotency_key]
        model.book(lost, -1)
        altered.order_id = "another"
        changed.state = payment_pb2.PAYMENT_STATE_FAILED
        audit = await generator.audit()
    assert audit.asked == PAYMENTS
    assert about(audit.findings) == {
        (Fault.LOST, lost.idempotency_key),
        (Fault.ALTERED, altered.idempotency_key),
        (Fault.CHANGED, changed.idempotency_key),
    }


async def test_a_payment_lost_without_trace_is_found(model: ModelGateway) -> None:
    """A payment that vanished with its bookings is lost too, though every sum balances."""

    def vanish(payment: Payment) -> None:
        del model.payments[payment.merchant_id, payment.idempotency_key]
        model.book(payment, -1)

    findings, payment = await after_the_run(model, vanish)
    assert about(findings) == {(Fault.LOST, payment.idempotency_key)}


async def test_a_second_payment_under_one_key_is_found(model: ModelGateway) -> None:
    """A key that made two payments is doubled, though it finds only one of them."""

    def double(payment: Payment) -> None:
        twin = Payment()
        twin.CopyFrom(payment)
        twin.payment_id = "pay_" + "T" * 22
        model.extra.append(twin)
        model.book(twin, 1)

    findings, payment = await after_the_run(model, double)
    assert about(findings) == {
        (Fault.DOUBLED, payment.idempotency_key),
        (Fault.UNBALANCED, f"merchant {payment.merchant_id}"),
        (Fault.UNBALANCED, f"payer {payment.payer.payer_id}"),
    }


async def test_a_payment_booked_twice_is_found(model: ModelGateway) -> None:
    """One payment with two bookings is doubled."""
    findings, payment = await after_the_run(model, lambda payment: model.book(payment, 1))
    assert (Fault.DOUBLED, payment.idempotency_key) in about(findings)
    assert (Fault.UNBALANCED, f"merchant {payment.merchant_id}") in about(findings)


async def test_without_entries_a_double_booking_shows_in_the_sums(model: ModelGateway) -> None:
    """Where entries are not asked for, a double booking still unbalances merchant and payer."""
    findings, payment = await after_the_run(
        model, lambda payment: model.book(payment, 1), depth=Depth.PAYMENTS
    )
    assert about(findings) == {
        (Fault.UNBALANCED, f"merchant {payment.merchant_id}"),
        (Fault.UNBALANCED, f"payer {payment.payer.payer_id}"),
    }


async def test_a_wrong_amount_is_found(model: ModelGateway) -> None:
    """A payment of another amount than was sent is altered, and its sums do not add up."""

    def alter(payment: Payment) -> None:
        payment.amount.minor_units += 1
        payment.captured.minor_units += 1

    findings, payment = await after_the_run(model, alter)
    assert findings.counts[Fault.ALTERED] == 1
    assert (Fault.ALTERED, payment.idempotency_key) in about(findings)
    assert (Fault.UNBALANCED, payment.idempotency_key) in about(findings)


@pytest.mark.parametrize("field", ["order_id", "merchant_id", "idempotency_key"])
async def test_a_changed_field_is_found(model: ModelGateway, field: str) -> None:
    """A payment that carries another order, merchant or key than was sent is altered."""
    findings, payment = await after_the_run(
        model, lambda payment: setattr(payment, field, "another")
    )
    assert getattr(payment, field) == "another"
    assert findings.counts[Fault.ALTERED] == 1


async def test_a_final_state_that_changes_is_found(model: ModelGateway) -> None:
    """A payment that was told to have succeeded, and has not any more, is changed."""

    def fail(payment: Payment) -> None:
        payment.state = payment_pb2.PAYMENT_STATE_FAILED

    findings, payment = await after_the_run(model, fail)
    assert about(findings) == {(Fault.CHANGED, payment.idempotency_key)}


async def test_a_booking_on_another_merchant_is_found(model: ModelGateway) -> None:
    """Money that was booked to another merchant is missing at one and too much at the other."""

    def misbook(payment: Payment) -> None:
        other = next(m for m in model.merchants if m != payment.merchant_id)
        (entry,) = model.entries[payment.payment_id]
        entry.transfers[0].credit.CopyFrom(account("merchant_unsettled", other))
        model.unsettled[payment.merchant_id] -= payment.amount.minor_units
        model.unsettled[other] += payment.amount.minor_units

    findings, payment = await after_the_run(model, misbook)
    assert (Fault.UNBALANCED, payment.idempotency_key) in about(findings)
    assert findings.counts[Fault.UNBALANCED] == 3


async def test_a_payment_nobody_sent_is_found(model: ModelGateway) -> None:
    """A payment of a merchant of this run that the run did not send is a stranger."""

    def intrude(payment: Payment) -> None:
        stranger = Payment()
        stranger.CopyFrom(payment)
        stranger.idempotency_key = "somebody-else"
        model.extra.append(stranger)

    findings, _ = await after_the_run(model, intrude)
    assert about(findings) == {(Fault.STRANGER, "somebody-else")}


async def test_a_stranger_is_nothing_to_a_merchant_that_was_named(model: ModelGateway) -> None:
    """Merchants that were there before may have payments that are not of this run."""

    def intrude(payment: Payment) -> None:
        stranger = Payment()
        stranger.CopyFrom(payment)
        stranger.idempotency_key = "yesterday"
        model.extra.append(stranger)

    findings, _ = await after_the_run(model, intrude, merchant_ids=("m_1", "m_2"))
    assert model.merchants == []
    assert findings.counts == {}


async def test_a_trial_balance_that_does_not_balance_is_found(model: ModelGateway) -> None:
    """The platform's own word that its books do not balance is a fault of the run."""
    model.balanced = False
    _, audit = await run(settings(model, load=SHORT))
    assert about(audit.findings) == {(Fault.UNBALANCED, "ledger")}


async def test_a_refund_that_is_lost_is_found(model: ModelGateway) -> None:
    """A refund that was acknowledged, and that its key no longer finds, is lost."""
    async with Generator(settings(model, load=SHORT, refunds=0.3)) as generator:
        await generator.load()
        place = next(iter(model.refunds))
        del model.refunds[place]
        findings = (await generator.audit()).findings
    assert (Fault.LOST, place[1]) in about(findings)


async def test_an_unknown_refund_is_settled(model: ModelGateway) -> None:
    """Refunds that were kept without an answer are sent again under their keys, and found."""
    model.after_refund = lambda number: SILENT_FAULT if number % 2 else None
    generator, audit = await run(settings(model, load=SHORT, refunds=0.4))
    assert generator.figures.outcomes["UNAVAILABLE"] > 0
    assert audit.findings.counts == {}
    assert audit.refunds == len(model.refunds)


async def test_a_refund_that_was_refused_and_made_is_found(model: ModelGateway) -> None:
    """A refund that was refused as not executed, and yet made, is a phantom."""
    model.after_refund = lambda number: OVERLOADED if number == 1 else None
    _, audit = await run(settings(model, load=SHORT, refunds=0.4))
    assert audit.findings.counts[Fault.PHANTOM] == 1


async def test_an_unknown_outcome_is_settled_by_the_same_key(model: ModelGateway) -> None:
    """Payments that were kept without an answer are sent again, found, and made only once."""
    model.after_pay = lambda number, payment: SILENT_FAULT if number % 4 == 0 else None
    generator, audit = await run(settings(model, load=SHORT))
    assert generator.figures.outcomes["UNAVAILABLE"] == PAYMENTS / 4
    assert audit.findings.counts == {}
    assert audit.found == {"PAYMENT_STATE_SUCCEEDED": PAYMENTS}
    assert len(model.payments) == PAYMENTS


async def test_unknown_outcomes_of_a_batch_are_settled(model: ModelGateway) -> None:
    """Items of a batch without an answer of their own are settled like single payments."""
    model.after_pay = lambda number, payment: SILENT_FAULT if number % 4 == 0 else None
    generator, audit = await run(settings(model, load=SHORT, batch_size=8))
    assert generator.figures.outcomes["UNAVAILABLE"] == PAYMENTS / 4
    assert audit.findings.counts == {}
    assert audit.asked == len(model.payments) == PAYMENTS


async def test_a_timeout_is_settled(model: ModelGateway) -> None:
    """A call whose deadline passed is an error in the figures, and is settled afterwards."""

    def linger(number: int, payment: Payment) -> None:
        if number == VICTIM:
            time.sleep(0.6)

    model.after_pay = linger
    generator, audit = await run(settings(model, load=SHORT, deadline_s=0.3))
    assert generator.figures.outcomes["DEADLINE_EXCEEDED"] >= 1
    assert audit.findings.counts == {}
    assert audit.asked == PAYMENTS


async def test_a_refusal_is_believed_and_checked(model: ModelGateway) -> None:
    """Payments that were refused before anything was kept are not sent again, and not there."""
    model.before_pay = lambda number: OVERLOADED if number % 2 else None
    generator, audit = await run(settings(model, load=SHORT))
    assert generator.figures.outcomes["RESOURCE_EXHAUSTED"] == PAYMENTS / 2
    assert generator.figures.error_share == pytest.approx(0.5)
    assert audit.findings.counts == {}
    assert audit.asked == PAYMENTS
    assert len(model.payments) == PAYMENTS / 2


async def test_a_refusal_that_was_none_is_found(model: ModelGateway) -> None:
    """A payment that was refused as not executed, and yet made, is a phantom."""
    model.after_pay = lambda number, payment: OVERLOADED if number == VICTIM else None
    _, audit = await run(settings(model, load=SHORT))
    key = victim(model).idempotency_key
    assert about(audit.findings) == {(Fault.PHANTOM, key)}


async def test_what_never_has_an_answer_is_said(model: ModelGateway) -> None:
    """A payment without an answer in the time that was given is open: nobody calls it lost."""
    model.before_pay = lambda number: SILENT_FAULT if number == VICTIM else None
    _, audit = await run(settings(model, load=SHORT, settle_s=0.5))
    assert {fault for fault, _ in about(audit.findings)} == {Fault.OPEN}
    assert audit.findings.counts == {Fault.OPEN: 1}


async def test_a_payment_that_stays_open_is_said(model: ModelGateway) -> None:
    """A payment that is PROCESSING until the time is over has no result, and is said to be open."""

    def process(number: int, payment: Payment) -> None:
        if number == VICTIM:
            payment.state = payment_pb2.PAYMENT_STATE_PROCESSING

    model.after_pay = process
    generator, audit = await run(settings(model, load=SHORT, settle_s=0.5))
    assert generator.figures.outcomes["open"] == 1
    assert about(audit.findings) == {(Fault.OPEN, victim(model).idempotency_key)}


async def test_a_payment_that_ends_later_is_settled(model: ModelGateway) -> None:
    """A payment that was PROCESSING when it was answered is asked for until it has ended."""

    def process(number: int, payment: Payment) -> None:
        if number == VICTIM:
            payment.state = payment_pb2.PAYMENT_STATE_PROCESSING

    model.after_pay = process
    async with Generator(settings(model, load=SHORT)) as generator:
        await generator.load()
        victim(model).state = payment_pb2.PAYMENT_STATE_SUCCEEDED
        audit = await generator.audit()
    assert audit.findings.counts == {}


async def test_a_replay_that_executes_is_found(model: ModelGateway) -> None:
    """A key that was answered, and then answered with another payment, is doubled."""

    def forget(number: int, payment: Payment) -> None:
        if number % 5 == 0:
            del model.payments[payment.merchant_id, payment.idempotency_key]

    model.after_pay = forget
    _, audit = await run(settings(model, load=SHORT, replays=0.5))
    assert audit.findings.counts[Fault.DOUBLED] > 0


async def test_an_answer_with_another_id_is_found(model: ModelGateway) -> None:
    """Two answers to one key with two payment ids are doubled, whatever is found later."""
    names = iter(range(10_000))

    def rename(number: int, payment: Payment) -> Refusal | None:
        payment.payment_id = f"pay_{next(names):022}"
        return None

    model.after_pay = rename
    async with Generator(settings(model, load=SHORT)) as generator:
        await generator.load()
        renamed = next(iter(model.payments.values()))
        renamed.payment_id = "pay_" + "Z" * 22
        findings = (await generator.audit()).findings
    assert (Fault.DOUBLED, renamed.idempotency_key) in about(findings)


async def test_examples_have_a_bound(model: ModelGateway) -> None:
    """Of many faults of one kind all are counted, and only the first are told one by one."""
    async with Generator(settings(model, load=SHORT)) as generator:
        await generator.load()
        for payment in model.payments.values():
            payment.order_id = "another"
        findings = (await generator.audit()).findings
    assert findings.counts == {Fault.ALTERED: PAYMENTS}
    assert len(findings.examples) == 10


async def test_a_gateway_that_goes_away_is_not_a_lost_payment(model: ModelGateway) -> None:
    """Where the gateway no longer answers, the oracle says so instead of calling payments lost."""
    async with Generator(settings(model, load=SHORT, settle_s=0.3)) as generator:
        await generator.load()
        model.stop()
        with pytest.raises(GatewayError) as raised:
            await generator.audit()
    assert gone(raised.value)
