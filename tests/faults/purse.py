"""What payers do with their wallets, each ready to be sent once or again under its key.

A payment from a wallet is over when it is committed, so it is in the hands of one commit alone; a
top-up and a withdrawal go through the channel, as payments do. A batch is many payments in one
call, and so in one commit: what kills it meets all of them at the same place.
"""

from collections.abc import Sequence
from typing import Any

from paymentgateway.client import GatewayClient, money
from paymentgateway.errors import GatewayError
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import (
    CAPTURE_MODE_AUTOMATIC,
    SCENE_WEB,
    Payer,
    PaymentMethod,
    SandboxMethod,
    SandboxScript,
    WalletMethod,
)
from paymentgateway.v1.payment_service_pb2 import PayRequest
from tests.faults.verbs import Answer, paid, payment_state
from tests.invariants import Told
from tests.invariants.world import object_uuid

FROM_WALLET = PaymentMethod(wallet=WalletMethod())

Result = Answer | GatewayError


async def top_up(
    client: GatewayClient,
    payer: str,
    key: str,
    *,
    amount: Money | None = None,
    charge: SandboxScript | None = None,
    deadline_s: float | None = None,
) -> Answer:
    """Bring money from the channel into a payer's wallet."""
    answer = await client.top_up(
        payer=payer,
        idempotency_key=key,
        amount=amount or money("10.00", "CNY"),
        payment_method=PaymentMethod(sandbox=SandboxMethod(charge=charge)),
        scene=SCENE_WEB,
        deadline_s=deadline_s,
    )
    return _told(payer, key, answer.top_up.top_up_id, answer.top_up, replayed=answer.replayed)


async def withdraw(
    client: GatewayClient,
    payer: str,
    key: str,
    *,
    amount: Money | None = None,
    charge: SandboxScript | None = None,
    deadline_s: float | None = None,
) -> Answer:
    """Pay money out of a payer's wallet through the channel."""
    answer = await client.withdraw(
        payer_id=payer,
        idempotency_key=key,
        amount=amount or money("4.00", "CNY"),
        payment_method=PaymentMethod(sandbox=SandboxMethod(charge=charge)),
        deadline_s=deadline_s,
    )
    made = answer.withdrawal
    return _told(payer, key, made.withdrawal_id, made, replayed=answer.replayed)


def spending(
    merchant_id: str,
    key: str,
    payer: str,
    minor_units: int,
    *,
    mode: Any = CAPTURE_MODE_AUTOMATIC,
    order_id: str = "o-1",
) -> PayRequest:
    """Make the request that pays from a wallet."""
    return PayRequest(
        merchant_id=merchant_id,
        idempotency_key=key,
        order_id=order_id,
        amount=Money(currency_code="CNY", minor_units=minor_units),
        payment_method=FROM_WALLET,
        capture_mode=mode,
        payer=Payer(payer_id=payer),
        scene=SCENE_WEB,
    )


async def spend(
    client: GatewayClient, request: PayRequest, *, deadline_s: float | None = None
) -> Answer:
    """Send one item of a batch alone, as the same request by itself."""
    fields = ("merchant_id", "idempotency_key", "order_id", "amount", "payment_method")
    rest = ("capture_mode", "payer", "scene")
    wanted = {name: getattr(request, name) for name in (*fields, *rest)}
    return paid(await client.pay(**wanted, deadline_s=deadline_s))


async def spend_many(
    client: GatewayClient, requests: Sequence[PayRequest], *, deadline_s: float | None = None
) -> list[Result]:
    """Send a batch; give for each item what its caller was told, or the error."""
    results = await client.batch_pay(requests, deadline_s=deadline_s)
    return [one if isinstance(one, GatewayError) else paid(one) for one in results]


async def funded(client: GatewayClient, payer: str, key: str, minor_units: int) -> Answer:
    """Fill a wallet so that it can pay."""
    amount = Money(currency_code="CNY", minor_units=minor_units)
    answer = await top_up(client, payer, key, amount=amount)
    assert answer.state == "SUCCEEDED", answer
    return answer


async def balance(client: GatewayClient, payer: str) -> tuple[int, int]:
    """Give what a wallet has available and holds, in minor units."""
    wallet = await client.get_wallet(payer_id=payer, currency_code="CNY")
    return wallet.available.minor_units, wallet.held.minor_units


def _told(payer: str, key: str, text: str, made: Any, *, replayed: bool) -> Answer:
    told = Told(f"@{payer}", key, str(object_uuid(text)), payment_state(made))
    return Answer(told, replayed)
