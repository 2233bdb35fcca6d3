"""A small async client of the payment gateway.

    async with GatewayClient("127.0.0.1:7070") as client:
        key = new_idempotency_key()  # once per intent; keep it before the call
        answer = await client.pay(merchant_id="m_demo", idempotency_key=key, order_id="o-1", ...)

It adds three things to the generated stubs: a deadline on every call, the callers' retry rule of
the contract, and errors that say whether the same key may be sent again. It never makes a key:
whoever has the intent makes its key, keeps it, and sends it as often as needed.
"""

import asyncio
import contextlib
import uuid
from typing import Final, Self

from paymentgateway.ledger import LedgerCalls
from paymentgateway.merchants import MerchantCalls
from paymentgateway.money import money, money_text
from paymentgateway.payments import PaymentCalls
from paymentgateway.refunds import RefundCalls
from paymentgateway.transport import DEFAULT_RETRY, Retry, Tls, open_channel
from paymentgateway.wallets import WalletCalls
from paymentgateway.watch import WatchBounds

__all__ = [
    "DEADLINE_S_DEFAULT",
    "TARGET_DEFAULT",
    "GatewayClient",
    "Retry",
    "Tls",
    "WatchBounds",
    "money",
    "money_text",
    "new_idempotency_key",
]

TARGET_DEFAULT: Final = "127.0.0.1:7070"
DEADLINE_S_DEFAULT: Final = 10.0
CLOSE_S_MAX: Final = 2.0
"""Longest wait for a connection to end, in seconds."""


def new_idempotency_key() -> str:
    """Make a key: the text of a random UUID.

    Call it once per intent, keep the key with the intent, and send it until there is an answer.
    """
    return str(uuid.uuid4())


class GatewayClient(PaymentCalls, RefundCalls, WalletCalls, MerchantCalls, LedgerCalls):
    """All calls of the gateway over one channel.

    Make it inside a running event loop; one per process serves any number of tasks.
    """

    def __init__(
        self,
        target: str = TARGET_DEFAULT,
        *,
        tls: Tls | None = None,
        deadline_s: float = DEADLINE_S_DEFAULT,
        retry: Retry = DEFAULT_RETRY,
    ) -> None:
        """Prepare a connection to `target`, which is opened by the first call.

        Args:
            target: gRPC name of the gateway: "host:port", or "dns:///host:port" for all addresses
                behind a name.
            tls: certificates; None sends everything in the clear, which is for this machine only.
            deadline_s: how long a call may take with all its retries, in seconds, where the call
                names none of its own.
            retry: bounds of sending again within the deadline.
        """
        super().__init__(open_channel(target, tls, retry), deadline_s, retry)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the client."""
        await self.close()

    async def close(self) -> None:
        """End the connection.

        Calls in flight are cancelled here; the gateway goes on with what it accepted. gRPC has
        CLOSE_S_MAX seconds for it, and is left to itself after that.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S_MAX):
                await self._channel.close()
