"""The contract of merchants and of the ledger: settings, fees, limits, policies, balances.

A setting reaches every replica within a second, so what depends on a change is asked until it has.
"""

from typing import Any
from uuid import uuid4

import pytest

from paymentgateway.client import new_idempotency_key
from paymentgateway.errors import AlreadyExists, Conflict, NotFound, NotYet, Refused
from paymentgateway.v1.ledger_pb2 import Entry
from paymentgateway.v1.merchant_pb2 import (
    ORDER_POLICY_ONE_PAYMENT,
    REFUND_POLICY_ADVANCE,
    FeeSchedule,
    Merchant,
    PaymentLimit,
)
from paymentgateway.v1.payment_pb2 import (
    FAILURE_REASON_INSUFFICIENT_MERCHANT_BALANCE,
    FAILURE_REASON_INSUFFICIENT_PLATFORM_FUNDS,
    FAILURE_REASON_LIMIT_EXCEEDED,
    SANDBOX_OUTCOME_DECLINE,
    Payment,
    SandboxScript,
)
from tests.e2e.house import House
from tests.e2e.shop import Shop, done, state
from tests.e2e.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

DECLINED = SandboxScript(outcome=SANDBOX_OUTCOME_DECLINE)
LARGEST = "10000000000.00"

SETTLE = """
insert into transfers (
    owner_id, entry_id, position, event, book, debit_code, debit_key, credit_code, credit_key,
    currency, amount, create_time
)
values (
    $1, $2, 0, 'settled', 'C', 'merchant_unsettled', $1, 'merchant_available', $1, $3, $4, now()
)
"""
"""What settlement will book: the merchant's money is no longer there to be refunded from."""


def schedule(**terms: Any) -> FeeSchedule:
    """Make a fee schedule for CNY that has always been in force, unless told otherwise."""
    found = {"channel": "sandbox", "currency_code": "CNY", "effective_time": {"seconds": 1}}
    return FeeSchedule(**found | terms)


async def test_a_merchant_is_created_once(house: House, shop: Shop) -> None:
    """Creating again is answered with the merchant; other content under its id is refused."""
    wanted = Merchant()
    wanted.CopyFrom(shop.merchant)
    for name in ("version", "create_time", "update_time"):
        wanted.ClearField(name)
    assert await house.clients[1].create_merchant(wanted) == shop.merchant
    wanted.display_name = "Another shop"
    with pytest.raises(AlreadyExists, match="MERCHANT_EXISTS"):
        await house.clients[1].create_merchant(wanted)
    assert await house.clients[1].get_merchant(shop.merchant_id) == shop.merchant
    with pytest.raises(NotFound, match="MERCHANT_NOT_FOUND"):
        await house.clients[0].get_merchant("nobody")


async def test_a_change_that_lost_the_race_changes_nothing(house: House, shop: Shop) -> None:
    """Two people who change a merchant at once cannot overwrite each other unseen."""
    mine, theirs = Merchant(), Merchant()
    mine.CopyFrom(shop.merchant)
    theirs.CopyFrom(shop.merchant)
    mine.display_name, theirs.display_name = "Mine", "Theirs"
    changed = await house.clients[0].update_merchant(mine)
    assert (changed.version, changed.display_name) == (shop.merchant.version + 1, "Mine")
    with pytest.raises(Conflict) as lost:
        await house.clients[1].update_merchant(theirs)
    assert lost.value.reason == "VERSION_CONFLICT"
    assert await house.clients[1].update_merchant(mine) == changed


async def test_merchants_are_listed_by_prefix(house: House) -> None:
    """A list holds every merchant whose id begins so, in order, over all pages."""
    prefix = f"chain-{uuid4().hex[:8]}"
    for name in ("b", "a", "c"):
        await house.shop(merchant_id=f"{prefix}-{name}")
    listed = house.clients[1].list_merchants(id_prefix=prefix, page_size=2)
    assert [item.merchant_id async for item in listed] == [f"{prefix}-{name}" for name in "abc"]


async def test_a_disabled_merchant_takes_no_new_payments(shop: Shop) -> None:
    """New payments are refused with their keys free; old ones are replayed and refunded."""
    paid, key = (await shop.pay(via=1)).payment, new_idempotency_key()
    await _change(shop, disabled=True)
    for via in (0, 1):
        with pytest.raises(NotYet) as refused:
            await until(lambda via=via: shop.pay(via=via), lambda _: False)
        assert refused.value.reason == "MERCHANT_DISABLED"
    with pytest.raises(NotYet, match="MERCHANT_DISABLED"):
        await shop.pay(key=key)
    assert (await shop.pay(key=paid.idempotency_key, via=1)).replayed
    assert done((await shop.refund(paid, "1.00")).refund.state) == "SUCCEEDED"
    await _change(shop, disabled=False)
    assert state((await until(lambda: _paid(shop, key))).payment) == "SUCCEEDED"


async def _change(shop: Shop, **fields: Any) -> None:
    merchant = await shop.client().get_merchant(shop.merchant_id)
    for name, value in fields.items():
        setattr(merchant, name, value)
    await shop.client().update_merchant(merchant)


async def _paid(shop: Shop, key: str) -> Any:
    """Pay, or give nothing while the merchant is still thought to be disabled."""
    try:
        return await shop.pay(key=key, via=1)
    except NotYet:
        return None


async def test_what_a_merchant_is_not_set_up_for(house: House, shop: Shop) -> None:
    """Another currency, or a channel that is not the merchant's, is refused with the key free."""
    key = new_idempotency_key()
    with pytest.raises(NotYet, match="CURRENCY_NOT_ENABLED"):
        await shop.pay(currency="EUR", key=key)
    assert state((await shop.pay(key=key)).payment) == "SUCCEEDED"
    elsewhere = await house.shop(channels=["other"], fee_schedules=[])
    with pytest.raises(NotYet, match="CHANNEL_NOT_ENABLED"):
        await elsewhere.pay()


async def test_limits_hold_per_payment(house: House) -> None:
    """An amount outside the limits is a FAILED payment under its key, without the channel."""
    limit = PaymentLimit(currency_code="CNY", minimum_minor_units=100, maximum_minor_units=500)
    shop, before = await house.shop(payment_limits=[limit]), await house.posts()
    for amount in ("0.99", "5.01"):
        key = new_idempotency_key()
        first, again = await shop.pay(amount, key=key), await shop.pay(amount, key=key, via=1)
        assert first.payment.failure.reason == FAILURE_REASON_LIMIT_EXCEEDED
        assert (again.payment, again.replayed) == (first.payment, True)
        assert first.payment.attempt_number == ""
    assert await house.posts() == before
    for amount in ("1.00", "5.00"):
        assert state((await shop.pay(amount)).payment) == "SUCCEEDED"
    assert state((await shop.pay("501", currency="JPY")).payment) == "SUCCEEDED"


async def test_an_order_has_one_payment_where_the_merchant_wants_it_so(house: House) -> None:
    """A second one is refused for ever under its key; a payment that failed holds nothing."""
    shop = await house.shop(order_policy=ORDER_POLICY_ONE_PAYMENT)
    failed = (await shop.pay(script=DECLINED)).payment
    assert state(failed) == "FAILED"
    held, key = (await shop.pay(manual=True)).payment, new_idempotency_key()
    before = await house.posts()
    for via in (0, 1):
        with pytest.raises(Refused) as refused:
            await shop.pay(key=key, via=via)
        assert refused.value.reason == "ORDER_ALREADY_PAID"
    assert await house.posts() == before
    await shop.cancel(held)
    with pytest.raises(Refused, match="ORDER_ALREADY_PAID"):
        await shop.pay(key=key)
    assert state((await shop.pay()).payment) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("terms", "amount", "millionths"),
    [
        ({"rate_millionths": 6_000}, "12.50", 7_500_000),
        ({"rate_millionths": 1}, "0.01", 1),
        ({"rate_millionths": 6_000, "fixed_minor_units": 30}, "1.00", 30_600_000),
        ({"rate_millionths": 6_000, "minimum_minor_units": 50}, "1.00", 50_000_000),
        ({"rate_millionths": 6_000, "maximum_minor_units": 2}, "99.00", 2_000_000),
        ({"rate_millionths": 6_000, "amount_from_minor_units": 101}, "1.00", 0),
        ({"rate_millionths": 6_000, "effective_time": {"seconds": 253402300799}}, "1.00", 0),
        ({"rate_millionths": 1_000_000, "fixed_minor_units": 1_000_000}, LARGEST, 10**18 + 10**12),
    ],
    ids=["rate", "smallest", "fixed", "minimum", "maximum", "not covered", "not yet", "largest"],
)
async def test_fees_are_accrued_exactly(
    house: House, terms: dict[str, Any], amount: str, millionths: int
) -> None:
    """A fee is exact in millionths of a fen, also for the largest amount there can be."""
    shop = await house.shop(fee_schedules=[schedule(**terms)])
    assert (await shop.pay(amount)).payment.fee_millionths == millionths


async def test_refunds_give_their_share_of_the_fee_back(house: House) -> None:
    """In parts it is rounded half up, and all of it is back with the last fen."""
    terms = schedule(rate_millionths=1, returned_on_refund=True)
    shop = await house.shop(fee_schedules=[terms])
    paid = (await shop.pay("0.03")).payment
    returned = []
    for _ in range(3):
        await shop.refund(paid, "0.01")
        returned.append((await shop.get(paid)).fee_returned_millionths)
    assert returned == [1, 2, 3]


async def test_the_ledger_shows_every_money_event(shop: Shop) -> None:
    """A payment's entries are what happened to its money, and accounts add up to the same."""
    paid = (await shop.pay("10.00")).payment
    refund = (await shop.refund(paid, "4.00")).refund
    client = shop.client(1)
    entries = await client.list_entries(merchant_id=shop.merchant_id, payment_id=paid.payment_id)
    assert [_flow(entry) for entry in entries] == [
        ("payment_captured", "channel_receivable", "merchant_unsettled", 1_000),
        ("refund_accepted", "merchant_unsettled", "refund_in_transit", 400),
        ("refund_succeeded", "refund_in_transit", "channel_receivable", 400),
    ]
    assert {entry.payment_id for entry in entries} == {paid.payment_id}
    assert [entry.operation_id for entry in entries] == ["", refund.refund_id, refund.refund_id]
    assert await shop.balance() == 600
    own = await client.trial_balance(shop.merchant_id)
    assert own.balanced
    balances = {account.name.code: account.balance_minor_units for account in own.accounts}
    assert balances == {
        "channel_receivable": 600, "merchant_unsettled": 600, "refund_in_transit": 0,
    }  # fmt: skip
    assert (await client.trial_balance()).balanced


def _flow(entry: Entry) -> tuple[str, str, str, int]:
    (transfer,) = entry.transfers
    return entry.event, transfer.debit.code, transfer.credit.code, transfer.minor_units


async def test_a_refund_that_the_balance_does_not_cover_fails(shop: Shop) -> None:
    """The merchant's money went to settlement, so the refund is FAILED, and nothing is reserved."""
    paid = await _settled(shop, "CNY")
    refused = (await shop.refund(paid)).refund
    assert refused.failure.reason == FAILURE_REASON_INSUFFICIENT_MERCHANT_BALANCE
    assert (await shop.get(paid)).refunded.minor_units == 0


async def _settled(shop: Shop, currency: str) -> Payment:
    """Make a payment of 3.00 whose money is settled already."""
    paid = (await shop.pay("3.00", currency=currency)).payment
    await shop.house.fetch(SETTLE, shop.merchant_id, uuid4(), currency, 300)
    return paid


async def test_the_platform_advances_a_refund_out_of_its_own_funds(house: House) -> None:
    """Without funds it fails; funded by the command, it is advanced and the merchant owes it."""
    shop = await house.shop(refund_policy=REFUND_POLICY_ADVANCE, currency_codes=["CHF", "CNY"])
    paid = await _settled(shop, "CHF")
    refused = (await shop.refund(paid)).refund
    assert refused.failure.reason == FAILURE_REASON_INSUFFICIENT_PLATFORM_FUNDS
    for word in ("is booked under", "is booked already"):
        status, output = await house.stack.command("ledger", "fund", "CHF", "250", "--key", "f-1")
        assert status == 0, output
        assert word in output
    refunds = [(await shop.refund(paid, "1.00")).refund for _ in range(3)]
    assert [done(refund.state) for refund in refunds] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    assert await shop.balance("merchant_debt", "CHF") == 200
    assert await shop.balance("merchant_unsettled", "CHF") == 0
    assert (await shop.client().trial_balance()).balanced
