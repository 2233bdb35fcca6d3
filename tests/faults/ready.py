"""Every verb that asks the channel, ready to be sent, with all that it needs to be there."""

from collections.abc import Awaitable, Callable
from typing import Any

from paymentgateway.client import GatewayClient, money, new_idempotency_key
from paymentgateway.v1.payment_pb2 import CAPTURE_MODE_AUTOMATIC, CAPTURE_MODE_MANUAL
from tests.faults.purse import funded, top_up, withdraw
from tests.faults.verbs import Answer, Verb, cancel, capture, open_merchant, pay, refund

KINDS = {
    "pay": "PURCHASE",
    "capture": "CAPTURE",
    "cancel": "CANCEL",
    "refund": "REFUND",
    "top up": "TOP_UP",
    "withdraw": "WITHDRAWAL",
}
"""What each verb makes, as the rows call it."""


async def ready_verbs(client: GatewayClient, merchant_id: str) -> list[Verb]:
    """Make what each verb needs, and the verbs, not yet sent."""
    await open_merchant(client, merchant_id)
    paid = await _paid(client, merchant_id, CAPTURE_MODE_AUTOMATIC)
    held = [await _paid(client, merchant_id, CAPTURE_MODE_MANUAL) for _ in range(2)]
    key = new_idempotency_key()
    return [
        Verb("pay", merchant_id, key, "", lambda client: pay(client, merchant_id, key)),
        _verb("capture", capture, merchant_id, held[0], final=True),
        _verb("cancel", cancel, merchant_id, held[1]),
        _verb("refund", refund, merchant_id, paid, amount=money("4.00", "CNY")),
    ]


async def ready_wallet_verbs(client: GatewayClient, payer: str) -> list[Verb]:
    """Open two wallets of a payer's own, and make the verbs that fill and empty them."""
    await client.open_wallet(payer_id=f"{payer}.in", currency_code="CNY")
    await funded(client, f"{payer}.out", new_idempotency_key(), 1_000)
    return [
        _of_payer("top up", top_up, f"{payer}.in"),
        _of_payer("withdraw", withdraw, f"{payer}.out"),
    ]


def _verb(
    name: str,
    call: Callable[..., Awaitable[Answer]],
    merchant_id: str,
    payment_id: str,
    **fields: Any,
) -> Verb:
    key = new_idempotency_key()

    def send(client: GatewayClient) -> Awaitable[Answer]:
        return call(client, merchant_id, key, payment_id, **fields)

    return Verb(name, merchant_id, key, payment_id, send)


def _of_payer(name: str, call: Callable[..., Awaitable[Answer]], payer: str) -> Verb:
    key = new_idempotency_key()
    return Verb(name, f"@{payer}", key, "", lambda client: call(client, payer, key))


async def _paid(client: GatewayClient, merchant_id: str, mode: Any) -> str:
    answer = await pay(client, merchant_id, new_idempotency_key(), mode=mode)
    assert answer.state in ("SUCCEEDED", "AUTHORIZED"), answer
    return answer.told.object_id
