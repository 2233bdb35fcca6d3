"""Calls of LedgerService: accounts, entries and the trial balance."""

from collections.abc import Sequence

import grpc

from paymentgateway.calls import Calls
from paymentgateway.transport import Retry
from paymentgateway.v1 import ledger_service_pb2, ledger_service_pb2_grpc
from paymentgateway.v1.ledger_pb2 import Account, Entry


class LedgerCalls(Calls):
    """What the double-entry ledger shows. Amounts in it are in minor units."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, retry: Retry) -> None:
        """Bind the stub to the channel."""
        super().__init__(channel, deadline_s, retry)
        self._ledger = ledger_service_pb2_grpc.LedgerServiceStub(channel)

    async def list_accounts(
        self, merchant_id: str, *, deadline_s: float | None = None
    ) -> Sequence[Account]:
        """Read a merchant's accounts with their balances. Raises GatewayError."""
        request = ledger_service_pb2.ListAccountsRequest(merchant_id=merchant_id)
        return (await self._call(self._ledger.ListAccounts, request, deadline_s)).accounts

    async def list_entries(
        self, *, merchant_id: str, payment_id: str, deadline_s: float | None = None
    ) -> Sequence[Entry]:
        """Read the entries of one payment, its captures and refunds included, oldest first.

        Raises GatewayError.
        """
        request = ledger_service_pb2.ListEntriesRequest(
            merchant_id=merchant_id, payment_id=payment_id
        )
        return (await self._call(self._ledger.ListEntries, request, deadline_s)).entries

    async def trial_balance(
        self, merchant_id: str = "", *, deadline_s: float | None = None
    ) -> ledger_service_pb2.GetTrialBalanceResponse:
        """Add up every account, or only what one merchant's events booked. Raises GatewayError."""
        request = ledger_service_pb2.GetTrialBalanceRequest(merchant_id=merchant_id)
        return await self._call(self._ledger.GetTrialBalance, request, deadline_s)
