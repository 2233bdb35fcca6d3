"""Which payments are sent, and in which shares."""

import random
from collections import Counter

import pytest

from gatewayload.deck import CARDS, Deck, key_parts, merchant_ids, payer_ids
from gatewayload.journal import Journal
from gatewayload.mixer import CYCLE, Mixer
from gatewayload.operations import BatchPay, Operation, Pay, Read, Refund
from gatewayload.settings import Load, Method, Mix, Part, Settings, Target
from paymentgateway.v1 import payment_pb2
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayRequest,
    BatchPayResponse,
    BatchPayResult,
    PayRequest,
    PayResponse,
)
from paymentgateway.v1.refund_pb2 import OPERATION_STATE_SUCCEEDED
from paymentgateway.v1.refund_pb2 import Refund as RefundMessage
from paymentgateway.v1.refund_service_pb2 import RefundRequest, RefundResponse


def chosen(**mix: object) -> Settings:
    return Settings(run_id="r0", target=Target(address="x"), load=Load(rate=1.0), mix=Mix(**mix))


def answer(call: Operation) -> None:
    """Begin a call and answer it as an honest gateway would."""
    call.begin()
    if isinstance(call, Pay):
        call.answered(_paid(PayRequest.FromString(call.request), call.kind))
    elif isinstance(call, BatchPay):
        items = BatchPayRequest.FromString(call.request).payments
        results = [BatchPayResult(response=_paid(item, "replay")) for item in items]
        call.answered(BatchPayResponse(results=results))
    elif isinstance(call, Refund):
        call.answered(RefundResponse(refund=RefundMessage(state=OPERATION_STATE_SUCCEEDED)))


def _paid(request: PayRequest, kind: str) -> PayResponse:
    payment = payment_pb2.Payment(
        payment_id=f"pay_{request.idempotency_key:>22}",
        state=payment_pb2.PAYMENT_STATE_SUCCEEDED,
    )
    return PayResponse(payment=payment, replayed=kind == "replay")


def calls(settings: Settings, count: int) -> tuple[list[Operation], Journal]:
    """Make and answer so many calls."""
    journal, part = Journal(), Part()
    mixer = Mixer(settings, part, journal, Deck(settings, part))
    made = []
    for _ in range(count):
        call = mixer.next()
        assert call is not None
        answer(call)
        made.append(call)
    return made, journal


def test_shares_are_those_that_were_asked_for() -> None:
    """Over a cycle each kind has its share, but for the few calls that had nothing to refer to."""
    made, _ = calls(chosen(replays=0.2, refunds=0.1, reads=0.4), CYCLE)
    kinds = Counter(call.kind for call in made)
    assert kinds["read"] == pytest.approx(400, abs=3)
    assert kinds["refund"] == pytest.approx(100, abs=20)
    assert kinds["replay"] == pytest.approx(0.2 * (kinds["pay"] + kinds["replay"]), abs=25)
    assert sum(kinds.values()) == CYCLE


def test_a_replay_sends_the_same_bytes() -> None:
    """Every replay is byte for byte a payment that was sent and answered before."""
    made, _ = calls(chosen(replays=0.5), 200)
    sent: set[bytes] = set()
    for call in made:
        if call.kind == "replay":
            assert call.request in sent
        sent.add(call.request)
    assert len(sent) < len(made) * 0.7


def test_every_new_payment_has_a_key_and_order_of_its_own() -> None:
    """Keys are unique over all processes of a run, and name the payment."""
    keys = set()
    for index in range(3):
        deck = Deck(chosen(), Part(index, 3))
        for number in (0, 1, CARDS, 12 * CARDS + 5):
            request = PayRequest.FromString(deck.request(number))
            assert request.order_id == request.idempotency_key == deck.key(number)
            assert key_parts("r0", request.idempotency_key) == (index, number)
            keys.add(request.idempotency_key)
    assert len(keys) == 12
    assert all(len(key) <= 64 for key in keys)


@pytest.mark.parametrize("key", ["", "r0", "r1.0.1", "r0.0.r1", "r0.0.1.2", "r0.x.1", "r0..1"])
def test_a_key_of_somebody_else_is_not_read(key: str) -> None:
    """A key that this run did not make names none of its payments."""
    assert key_parts("r0", key) is None


def test_a_payment_is_what_its_card_says() -> None:
    """The bytes of a payment say what the oracle will expect of it."""
    deck = Deck(chosen(method=Method.SANDBOX, channel_delay_ms=70, amount_max=9), Part())
    for number in range(50):
        card, request = deck.card(number), PayRequest.FromString(deck.request(number))
        assert request.merchant_id == card.merchant_id
        assert request.payer.payer_id == card.payer_id
        assert request.amount.minor_units == card.minor_units <= 9
        assert request.payment_method.sandbox.charge.reply_delay_ms == 70


def test_wallets_pay_unless_told_otherwise() -> None:
    """Without another method the payer's wallet pays."""
    request = PayRequest.FromString(Deck(chosen(), Part()).request(0))
    assert request.payment_method.WhichOneof("method") == "wallet"


@pytest.mark.parametrize(("hot", "low", "high"), [(0.0, 0.05, 0.15), (0.8, 0.77, 0.87), (1, 1, 1)])
def test_a_hot_merchant_gets_its_share(hot: float, low: float, high: float) -> None:
    """The hot merchant gets its share and its part of the rest; the others have the rest alike."""
    settings = chosen(hot=hot, merchants=10)
    deck = Deck(settings, Part())
    paid = Counter(deck.card(number).merchant_id for number in range(CARDS))
    assert low <= paid[merchant_ids(settings)[0]] / CARDS <= high
    if hot < 1:
        assert len(paid) == 10


def test_merchants_and_payers_are_the_runs_own() -> None:
    """Every run has merchants and payers of its own, unless merchants are named."""
    assert merchant_ids(chosen(merchants=2)) == ("load_r0_0", "load_r0_1")
    assert merchant_ids(chosen(merchant_ids=("m_1",))) == ("m_1",)
    assert payer_ids(chosen(payers=2)) == ("load.r0.0", "load.r0.1")


def test_a_seed_sends_the_same_again() -> None:
    """Two runs of one seed send the same calls; another seed sends others."""
    mix = {"replays": 0.3, "reads": 0.2}
    first, again = (calls(chosen(**mix), 100)[0] for _ in range(2))
    assert [call.request for call in first] == [call.request for call in again]
    other = Settings(
        run_id="r0", target=Target(address="x"), load=Load(rate=1.0), mix=Mix(**mix), seed=2
    )
    assert [call.request for call in calls(other, 100)[0]] != [call.request for call in first]


def test_a_payment_is_refunded_once_and_whole() -> None:
    """Refunds give back the whole amount, of payments that succeeded, each at most once."""
    made, journal = calls(chosen(refunds=0.4), 300)
    refunds = [RefundRequest.FromString(c.request) for c in made if isinstance(c, Refund)]
    paid = [PayRequest.FromString(call.request) for call in made if isinstance(call, Pay)]
    amounts = {f"pay_{request.idempotency_key:>22}": request.amount for request in paid}
    assert len({refund.payment_id for refund in refunds}) == len(refunds) > 50
    assert all(refund.amount == amounts[refund.payment_id] for refund in refunds)
    assert len({refund.idempotency_key for refund in refunds}) == len(refunds)
    assert not journal.refunds.unsettled()


def test_reads_go_by_id_and_by_key() -> None:
    """Reads look payments up both ways."""
    made, _ = calls(chosen(reads=0.5), 200)
    reads = [call for call in made if isinstance(call, Read)]
    ways = Counter(b"pay_" in call.request for call in reads)
    assert min(ways.values()) > 20


def test_a_batch_has_its_size_and_its_replays() -> None:
    """Each batch has as many items as asked for, replays among them in their share."""
    made, journal = calls(chosen(batch_size=50, replays=0.2), 20)
    sizes = {len(BatchPayRequest.FromString(call.request).payments) for call in made}
    assert sizes == {50}
    assert len(journal) == sum(call.payments for call in made)
    assert len(journal) == pytest.approx(800, abs=40)


def test_only_what_was_answered_is_replayed() -> None:
    """Where nothing was answered yet, new payments take the place of replays, reads and refunds."""
    settings = chosen(replays=0.5, reads=0.3, refunds=0.2)
    journal = Journal()
    mixer = Mixer(settings, Part(), journal, Deck(settings, Part()))
    assert {call.kind for call in (mixer.next() for _ in range(50)) if call} == {"pay"}
    assert journal.any_answered(random.Random(1)) is None
