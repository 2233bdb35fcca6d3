"""Small worlds in which everything holds, and the rows that they are made of.

In the shop's, a payment of 10.00 was paid and refunded by 4.00, and of an authorisation of 5.00
3.00 was captured and the rest released. In the payer's, 6.00 came into a wallet, 2.00 of it was
paid, 1.50 is held of which 0.50 was captured, and 1.00 was withdrawn.
"""

from uuid import UUID

from tests.invariants.wallets import CODES
from tests.invariants.world import NOTHING, REFUSED, Row, Told, World

PAID, HELD, REFUND, CAPTURE = (UUID(int=number) for number in (1, 2, 3, 4))
TOPPED, SPENT, SAVED, TOOK, SENT = (UUID(int=number) for number in (11, 12, 13, 14, 15))
CHARGED, AUTHORIZED, GIVEN, TAKEN, FILLED, GONE = (f"number-{name}" for name in "abcdxy")
OWNER, PAYER = "m_shop", "p-1"


def shop_world() -> World:
    """Make the shop's world."""
    return World(
        payments=[
            payment(PAID, "k-1", "AUTOMATIC", amount=1000, captured=1000, refunded=400, version=4),
            payment(HELD, "k-2", "MANUAL", amount=500, captured=300, refunded=0, version=4),
        ],
        operations=[
            operation(REFUND, PAID, "REFUND", "k-3", 400),
            operation(CAPTURE, HELD, "CAPTURE", "k-4", 300),
        ],
        attempts=[
            attempt(CHARGED, PAID, None, "CHARGE", 1000),
            attempt(AUTHORIZED, HELD, None, "CHARGE", 500),
            attempt(GIVEN, PAID, REFUND, "REFUND", 400),
            attempt(TAKEN, HELD, CAPTURE, "CAPTURE", 300),
        ],
        claims=[
            claim("k-1", "PAY", PAID),
            claim("k-2", "PAY", HELD),
            claim("k-3", "REFUND", REFUND),
            claim("k-4", "CAPTURE", CAPTURE),
            claim("k-5", "CANCEL", UUID(int=5), refusal="ILLEGAL_TRANSITION"),
        ],
        transfers=[
            transfer(PAID, "channel_receivable", "merchant_unsettled", 1000),
            transfer(PAID, "merchant_unsettled", "refund_in_transit", 400),
            transfer(PAID, "refund_in_transit", "channel_receivable", 400),
            transfer(HELD, "channel_receivable", "merchant_unsettled", 300),
        ],
        events=[
            event(PAID, 1, "PROCESSING", "CREATED"),
            event(PAID, 2, "SUCCEEDED", "CHANGED", captured=1000),
            event(PAID, 3, "SUCCEEDED", "REFUND_ACCEPTED", REFUND, captured=1000, refunded=400),
            event(PAID, 4, "SUCCEEDED", "REFUND_ENDED", REFUND, captured=1000, refunded=400),
            event(HELD, 1, "PROCESSING", "CREATED"),
            event(HELD, 2, "AUTHORIZED", "CHANGED"),
            event(HELD, 3, "AUTHORIZED", "CAPTURE_ACCEPTED", CAPTURE),
            event(HELD, 4, "SUCCEEDED", "CAPTURE_ENDED", CAPTURE, captured=300),
        ],
        sums=[
            account("channel_receivable", debits=1300, credits=400),
            account("merchant_unsettled", debits=400, credits=1300),
            account("refund_in_transit", debits=400, credits=400),
        ],
        reviews=[],
        charges=[
            booked(CHARGED, 1000, charged=1000, refunded=400),
            booked(AUTHORIZED, 500, charged=300),
        ],
        captures=[booked(TAKEN, 300, charged=300)],
        refunds=[booked(GIVEN, 400, refunded=400) | {"charge_number": CHARGED}],
        told=[
            Told(OWNER, "k-1", str(PAID), "SUCCEEDED"),
            Told(OWNER, "k-2", "", "AUTHORIZED"),
            Told(OWNER, "k-3", f"ref_{'0' * 21}3", "SUCCEEDED"),
            Told(OWNER, "k-5", "", REFUSED),
            Told(OWNER, "k-6", "", NOTHING),
        ],
    )


def payer_world() -> World:
    """Make the payer's world."""
    at_once = {"channel": "wallet"}
    own = {"merchant_id": f"@{PAYER}"}
    return World(
        payments=[
            payment(TOPPED, "k-1", "AUTOMATIC", amount=600, captured=600, refunded=0, version=2)
            | {"purpose": "TOP_UP", **own},
            payment(SPENT, "k-2", "AUTOMATIC", amount=200, captured=200, refunded=0, version=1)
            | at_once,
            payment(SAVED, "k-3", "MANUAL", amount=150, captured=50, refunded=0, version=2)
            | {"state": "AUTHORIZED", **at_once},
            payment(SENT, "k-5", "AUTOMATIC", amount=100, captured=100, refunded=0, version=2)
            | {"purpose": "WITHDRAWAL", **own},
        ],
        operations=[operation(TOOK, SAVED, "CAPTURE", "k-4", 50)],
        attempts=[
            attempt(FILLED, TOPPED, None, "CHARGE", 600) | own,
            attempt(GONE, SENT, None, "PAYOUT", 100) | own,
        ],
        claims=[
            claim("k-1", "TOP_UP", TOPPED) | {"owner_id": f"@{PAYER}"},
            claim("k-2", "PAY", SPENT),
            claim("k-3", "PAY", SAVED),
            claim("k-4", "CAPTURE", TOOK),
            claim("k-5", "WITHDRAW", SENT) | {"owner_id": f"@{PAYER}"},
        ],
        transfers=[
            transfer(TOPPED, "channel_receivable", "wallet", 600),
            transfer(SPENT, "wallet", "merchant_unsettled", 200),
            transfer(SAVED, "wallet", "wallet_held", 150),
            transfer(SAVED, "wallet_held", "merchant_unsettled", 50),
            transfer(SENT, "wallet", "payout_in_transit", 100),
            transfer(SENT, "payout_in_transit", "reserve_bank", 100),
        ],
        events=[
            event(TOPPED, 1, "PROCESSING", "CREATED"),
            event(TOPPED, 2, "SUCCEEDED", "CHANGED", captured=600),
            event(SPENT, 1, "SUCCEEDED", "CREATED", captured=200),
            event(SAVED, 1, "AUTHORIZED", "CREATED"),
            event(SAVED, 2, "AUTHORIZED", "CAPTURE_ENDED", TOOK, captured=50),
            event(SENT, 1, "PROCESSING", "CREATED"),
            event(SENT, 2, "SUCCEEDED", "CHANGED", captured=100),
        ],
        sums=[
            account("channel_receivable", debits=600),
            account("wallet", debits=450, credits=600),
            account("wallet_held", debits=50, credits=150),
            account("merchant_unsettled", credits=250),
            account("payout_in_transit", debits=100, credits=100),
            account("reserve_bank", credits=100),
        ],
        reviews=[],
        wallets=[
            {"owner_id": f"@{PAYER}", "currency": "CNY", "available": 150, "held": 100},
        ],
        charges=[booked(FILLED, 600, charged=600)],
        payouts=[booked(GONE, 100, paid_out=100)],
    )


def payment(payment_id: UUID, key: str, mode: str, **amounts: int) -> Row:
    """A merchant's payment through the channel."""
    return {
        "merchant_id": OWNER,
        "purpose": "PURCHASE",
        "channel": "sandbox",
        "payer_id": "p-1",
        "currency": "CNY",
        "payment_id": payment_id,
        "idempotency_key": key,
        "capture_mode": mode,
        "state": "SUCCEEDED",
        **amounts,
    }


def operation(operation_id: UUID, payment_id: UUID, kind: str, key: str, amount: int) -> Row:
    """An operation that ended well."""
    return {
        "merchant_id": OWNER,
        "operation_id": operation_id,
        "payment_id": payment_id,
        "kind": kind,
        "idempotency_key": key,
        "amount": amount,
        "state": "SUCCEEDED",
    }


def attempt(
    number: str, payment_id: UUID, operation_id: UUID | None, kind: str, amount: int
) -> Row:
    """An attempt that succeeded."""
    return {
        "merchant_id": OWNER,
        "attempt_id": number,
        "number": number,
        "payment_id": payment_id,
        "operation_id": operation_id,
        "kind": kind,
        "amount": amount,
        "state": "SUCCEEDED",
        "evidence": "said so",
        "tries": 0,
    }


def claim(key: str, kind: str, object_id: UUID, refusal: str | None = None) -> Row:
    """What a key stands for."""
    fields = {"idempotency_key": key, "kind": kind, "object_id": object_id}
    return {"owner_id": OWNER, "refusal": refusal, **fields}


def transfer(payment_id: UUID | None, debit: str, credit: str, amount: int) -> Row:
    """A booking; wallets are those of one payer."""
    return {
        "payment_id": payment_id,
        "book": "C",
        "debit_code": debit,
        "debit_key": PAYER if debit in CODES else "",
        "credit_code": credit,
        "credit_key": PAYER if credit in CODES else "",
        "currency": "CNY",
        "amount": amount,
        "wrote": 7,
        "row_of": 7,
    }


def event(
    payment_id: UUID,
    version: int,
    state: str,
    kind: str,
    operation_id: UUID | None = None,
    *,
    captured: int = 0,
    refunded: int = 0,
) -> Row:
    """What happened to a payment."""
    return {
        "payment_id": payment_id,
        "operation_id": operation_id,
        "version": version,
        "state": state,
        "type": kind,
        "captured": captured,
        "refunded": refunded,
        "wrote": 7,
        "row_of": 7,
    }


def account(code: str, *, debits: int = 0, credits: int = 0) -> Row:  # noqa: A002 - the ledger's word
    """What an account's balance says."""
    name = {"book": "C", "code": code, "key": "", "currency": "CNY"}
    return {**name, "debits": debits, "credits": credits}


def booked(
    number: str, amount: int, *, charged: int = 0, refunded: int = 0, paid_out: int = 0
) -> Row:
    """A record of the channel's book."""
    effects = {"charged": charged, "refunded": refunded, "paid_out": paid_out}
    return {"number": number, "state": "SUCCEEDED", "amount": amount, "effects": effects}


def review(kind: str, attempt_id: str, payment_id: UUID) -> Row:
    """A case that waits for a person."""
    return {
        "kind": kind,
        "attempt_id": attempt_id,
        "payment_id": payment_id,
        "resolve_time": None,
    }
