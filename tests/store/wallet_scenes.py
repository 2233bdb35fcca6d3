"""What happens to wallets, as the gateway decides it, straight onto a store."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from gateway.domain.change import Aggregate, Change
from gateway.domain.channel import Outcome, OutcomeClass
from gateway.domain.decisions.accept import Ask, accept_cancel, accept_capture, accept_refund
from gateway.domain.decisions.conclude import conclude
from gateway.domain.decisions.moment import Moment
from gateway.domain.decisions.opening import open_top_up, open_withdrawal
from gateway.domain.decisions.wallet import pay_from_wallet
from gateway.domain.idempotency import Claim, ClaimKind
from gateway.domain.merchant import RefundPolicy
from gateway.domain.money import Money
from gateway.domain.payment import CaptureMode, Payer, Payment, PaymentMethod, Purpose
from gateway.domain.ports import Opening
from gateway.domain.wallet import Wallet, WalletRef, owner_of
from gateway.store.database import Database
from tests.store import builders
from tests.store.builders import clock

PAYER = "p-1"
PAID, UNPAID = (
    Outcome(kind, evidence="said so") for kind in (OutcomeClass.SUCCESS, OutcomeClass.FAILED)
)
SPAN = timedelta(days=1)


def ref(payer_id: str = PAYER, currency: str = "CNY") -> WalletRef:
    """Name a wallet."""
    return WalletRef(owner_of(payer_id), currency)


async def wallet_of(database: Database, payer_id: str = PAYER) -> Wallet:
    """A payer's wallet in CNY, made if there is none."""
    return await database.wallets.open_wallet(ref(payer_id), clock.now())


async def balance(database: Database, payer_id: str = PAYER) -> tuple[int, int]:
    """What is available in a wallet, and what is held."""
    wallet = await database.wallets.get_wallet(ref(payer_id))
    return wallet.available, wallet.held


async def begin_top_up(database: Database, amount: int, payer_id: str = PAYER) -> Payment:
    """A top-up that the channel has not answered."""
    serial = (await wallet_of(database, payer_id)).serial
    made = _own(payer_id, amount, Purpose.TOP_UP)
    change = open_top_up(made, serial, moment())
    opening = Opening(_claim(made, ClaimKind.TOP_UP), lambda _available: change)
    return (await database.payments.open_payment(opening)).aggregate.payment


async def top_up(database: Database, amount: int, payer_id: str = PAYER) -> Payment:
    """A top-up that went well."""
    return await answer(database, await begin_top_up(database, amount, payer_id), PAID)


async def withdraw(database: Database, amount: int, payer_id: str = PAYER) -> Payment:
    """A withdrawal that the channel has not answered, or that was refused."""
    serial = (await wallet_of(database, payer_id)).serial
    made = _own(payer_id, amount, Purpose.WITHDRAWAL)
    decide = partial(open_withdrawal, made, serial, moment())
    opening = Opening(_claim(made, ClaimKind.WITHDRAW), decide, ref(payer_id))
    return (await database.payments.open_payment(opening)).aggregate.payment


def spending(
    amount: int, payer_id: str = PAYER, mode: CaptureMode = CaptureMode.AUTOMATIC, **fields: object
) -> Opening:
    """A payment from a wallet, to be opened."""
    made = builders.payment(
        amount=Money("CNY", amount),
        method=PaymentMethod("wallet", {}),
        payer=Payer(payer_id),
        capture_mode=mode,
        **fields,
    )
    shop = builders.merchant(made.merchant_id, channels=("wallet",))
    decide = partial(pay_from_wallet, made, shop, moment())
    return Opening(builders.claim(made), decide, ref(payer_id))


async def pay(database: Database, amount: int, payer_id: str = PAYER, **fields: object) -> Payment:
    """A payment from a wallet."""
    opened = await database.payments.open_payment(spending(amount, payer_id, **fields))
    return opened.aggregate.payment


async def hold(database: Database, amount: int, payer_id: str = PAYER) -> Payment:
    """A payment that holds money in a wallet until it is captured."""
    return await pay(database, amount, payer_id, mode=CaptureMode.MANUAL)


async def capture(
    database: Database, held: Payment, amount: int, *, final: bool = False
) -> Payment:
    """Take of what is held."""
    asked = _ask(amount, final=final)
    decide = partial(accept_capture, ask=asked, moment=moment())
    return await _asked(database, held, ClaimKind.CAPTURE, asked, decide)


async def cancel(database: Database, held: Payment) -> Payment:
    """Let go of what is held."""
    asked = _ask()
    decide = partial(accept_cancel, ask=asked, moment=moment())
    return await _asked(database, held, ClaimKind.CANCEL, asked, decide)


async def refund(database: Database, paid: Payment, amount: int) -> Payment:
    """Give money back to a wallet."""
    asked = _ask(amount)
    decide = partial(accept_refund, ask=asked, policy=RefundPolicy.REFUSE, moment=moment())
    return await _asked(database, paid, ClaimKind.REFUND, asked, decide)


async def answer(database: Database, of: Payment, outcome: Outcome) -> Payment:
    """What the channel says about a top-up or a withdrawal, applied."""

    def decide(aggregate: Aggregate) -> Change | None:
        [attempt] = aggregate.attempts.values()
        return conclude(aggregate, attempt.attempt_id, outcome, moment())

    changed = await database.payments.change_payment(of.merchant_id, of.payment_id, decide)
    return changed.aggregate.payment


def moment() -> Moment:
    """Now."""
    return Moment(clock.now(), clock.new_id, SPAN, SPAN)


def _own(payer_id: str, amount: int, purpose: Purpose) -> Payment:
    fields = {"amount": Money("CNY", amount), "payer": Payer(payer_id), "purpose": purpose}
    return builders.payment(owner_of(payer_id), **fields)


def _claim(of: Payment, kind: ClaimKind) -> Claim:
    return replace(builders.claim(of), kind=kind)


def _ask(amount: int | None = None, *, final: bool = False) -> Ask:
    money = None if amount is None else Money("CNY", amount)
    return Ask(clock.new_id(), f"key-{clock.new_id()}", "caller", money, final)


async def _asked(database, of, kind, asked, decide) -> Payment:
    claim = Claim(
        owner_id=of.merchant_id,
        idempotency_key=asked.idempotency_key,
        kind=kind,
        fingerprint=builders.fingerprint("asked"),
        object_id=asked.operation_id,
        create_time=clock.now(),
    )
    changed = await database.payments.change_payment(
        of.merchant_id, of.payment_id, decide, claim=claim, lock_funds=True
    )
    return changed.aggregate.payment
