"""Calls of WalletService: open and read wallets, bring money in and out, list what was booked."""

from collections.abc import AsyncGenerator
from datetime import datetime

import grpc

from paymentgateway.calls import Calls, pages, timestamp
from paymentgateway.transport import Retry
from paymentgateway.v1 import payment_pb2, wallet_service_pb2, wallet_service_pb2_grpc
from paymentgateway.v1.ledger_pb2 import Entry
from paymentgateway.v1.money_pb2 import Money
from paymentgateway.v1.payment_pb2 import Payer, PaymentMethod
from paymentgateway.v1.wallet_pb2 import TopUp, Wallet, Withdrawal


class WalletCalls(Calls):
    """Payers' wallets, one per payer and currency.

    Paying from one is `pay` with `PaymentMethod(wallet=WalletMethod())`. What moves money needs its
    key, made once per intent by the caller, unique among the payer's top-ups and withdrawals.
    """

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Bind the stub to the channel."""
        super().__init__(channel, deadline_s, retry)
        self._wallets = wallet_service_pb2_grpc.WalletServiceStub(channel)

    async def open_wallet(
        self, *, payer_id: str, currency_code: str, deadline_s: float | None = None
    ) -> Wallet:
        """Open a wallet, or read the one that there is. Raises GatewayError."""
        request = wallet_service_pb2.OpenWalletRequest(
            payer_id=payer_id, currency_code=currency_code
        )
        return (await self._call(self._wallets.OpenWallet, request, deadline_s)).wallet

    async def get_wallet(
        self, *, payer_id: str, currency_code: str, deadline_s: float | None = None
    ) -> Wallet:
        """Read a wallet. Raises GatewayError: NotFound for one that was never opened."""
        request = wallet_service_pb2.GetWalletRequest(
            payer_id=payer_id, currency_code=currency_code
        )
        return (await self._call(self._wallets.GetWallet, request, deadline_s)).wallet

    async def top_up(
        self,
        *,
        payer: Payer | str,
        idempotency_key: str,
        amount: Money,
        payment_method: PaymentMethod,
        scene: payment_pb2.Scene.ValueType,
        description: str = "",
        expire_time: datetime | None = None,
        deadline_s: float | None = None,
    ) -> wallet_service_pb2.TopUpResponse:
        """Take `amount` from `payer` into the payer's wallet of that currency.

        The answer is a top-up in any state, as with `pay`: PROCESSING means that the outcome is not
        yet known, FAILED that it was refused. Raises GatewayError, and ValueError for a moment
        without time zone.
        """
        request = wallet_service_pb2.TopUpRequest(
            payer=Payer(payer_id=payer) if isinstance(payer, str) else payer,
            idempotency_key=idempotency_key,
            amount=amount,
            payment_method=payment_method,
            scene=scene,
            description=description,
            expire_time=timestamp(expire_time),
        )
        return await self._call(self._wallets.TopUp, request, deadline_s)

    async def get_top_up(
        self,
        *,
        payer_id: str,
        top_up_id: str | None = None,
        idempotency_key: str | None = None,
        deadline_s: float | None = None,
    ) -> TopUp:
        """Read a top-up by its id or by the key that created it; give exactly one.

        Raises GatewayError. NotFound by key means "not yet".
        """
        request = wallet_service_pb2.GetTopUpRequest(payer_id=payer_id)
        if top_up_id is not None and idempotency_key is None:
            request.top_up_id = top_up_id
        elif idempotency_key is not None and top_up_id is None:
            request.idempotency_key = idempotency_key
        else:
            raise ValueError("give exactly one of top_up_id and idempotency_key.")
        return (await self._call(self._wallets.GetTopUp, request, deadline_s)).top_up

    async def withdraw(
        self,
        *,
        payer_id: str,
        idempotency_key: str,
        amount: Money,
        payment_method: PaymentMethod,
        description: str = "",
        deadline_s: float | None = None,
    ) -> wallet_service_pb2.WithdrawResponse:
        """Pay `amount` out of the payer's wallet of that currency.

        With too little in it the answer is a withdrawal with state FAILED. Raises GatewayError.
        """
        request = wallet_service_pb2.WithdrawRequest(
            payer_id=payer_id,
            idempotency_key=idempotency_key,
            amount=amount,
            payment_method=payment_method,
            description=description,
        )
        return await self._call(self._wallets.Withdraw, request, deadline_s)

    async def get_withdrawal(
        self,
        *,
        payer_id: str,
        withdrawal_id: str | None = None,
        idempotency_key: str | None = None,
        deadline_s: float | None = None,
    ) -> Withdrawal:
        """Read a withdrawal by its id or by the key that created it; give exactly one.

        Raises GatewayError. NotFound by key means "not yet".
        """
        request = wallet_service_pb2.GetWithdrawalRequest(payer_id=payer_id)
        if withdrawal_id is not None and idempotency_key is None:
            request.withdrawal_id = withdrawal_id
        elif idempotency_key is not None and withdrawal_id is None:
            request.idempotency_key = idempotency_key
        else:
            raise ValueError("give exactly one of withdrawal_id and idempotency_key.")
        return (await self._call(self._wallets.GetWithdrawal, request, deadline_s)).withdrawal

    async def list_wallet_entries_page(
        self,
        *,
        payer_id: str,
        currency_code: str,
        page_size: int = 0,
        page_token: str = "",
        deadline_s: float | None = None,
    ) -> wallet_service_pb2.ListWalletEntriesResponse:
        """Read one page of the bookings that changed a wallet, newest first.

        `page_size` 0 means 50; at most 500. Raises GatewayError.
        """
        request = wallet_service_pb2.ListWalletEntriesRequest(
            payer_id=payer_id,
            currency_code=currency_code,
            page_size=page_size,
            page_token=page_token,
        )
        return await self._call(self._wallets.ListWalletEntries, request, deadline_s)

    async def list_wallet_entries(
        self,
        *,
        payer_id: str,
        currency_code: str,
        page_size: int = 0,
        deadline_s: float | None = None,
    ) -> AsyncGenerator[Entry]:
        """Walk over all pages of `list_wallet_entries_page`.

        The deadline holds for each page. Raises GatewayError.
        """

        async def read(token: str) -> wallet_service_pb2.ListWalletEntriesResponse:
            return await self.list_wallet_entries_page(
                payer_id=payer_id,
                currency_code=currency_code,
                page_size=page_size,
                page_token=token,
                deadline_s=deadline_s,
            )

        async for page in pages(read, lambda page: page.next_page_token):
            for entry in page.entries:
                yield entry
