"""The oracle of the whole run: what the ledger and the lists say, against what was sent.

Asking for each payment by its key cannot show a payment that no key finds. So the merchants'
payments are listed too, and must be the ones that were sent, each once. And the sums of the ledger
are read before the run and after it: what the payments brought each merchant must be what its
account grew by, and what they took from each payer what the wallet shrank by, to the last minor
unit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatewayload.connection import Questions
from gatewayload.crowd import each
from gatewayload.deck import key_parts, merchant_ids, payer_ids
from gatewayload.judge import UNSETTLED_CODE, Fault, Finding, Findings
from gatewayload.lists import each_listed
from gatewayload.settings import Method, Settings
from paymentgateway.v1 import ledger_service_pb2, wallet_service_pb2
from paymentgateway.v1.payment_pb2 import Payment


@dataclass(slots=True)
class Sums:
    """Minor units: what waits for settlement per merchant, what is available per payer."""

    merchants: dict[str, int] = field(default_factory=dict)
    payers: dict[str, int] = field(default_factory=dict)


class Books:
    """Reads sums and lists of one run."""

    def __init__(self, settings: Settings, questions: Questions, since: datetime) -> None:
        """Read what concerns a run that began at `since`, by our clock."""
        self._settings, self._questions = settings, questions
        self._since = since

    async def sums(self) -> Sums:
        """Read every merchant's account, and every payer's wallet where there are wallets."""
        sums = Sums()

        async def merchant(merchant_id: str) -> None:
            sums.merchants[merchant_id] = await self._unsettled(merchant_id)

        async def payer(payer_id: str) -> None:
            sums.payers[payer_id] = await self._available(payer_id)

        bound = self._settings.oracle.questions_max
        await each(merchant_ids(self._settings), merchant, bound)
        if self._settings.mix.method is Method.WALLET:
            await each(payer_ids(self._settings), payer, bound)
        return sums

    async def balanced(self) -> bool:
        """Ask whether debits equal credits in every book and currency of the platform."""
        request = ledger_service_pb2.GetTrialBalanceRequest()
        answer = await self._questions.ask(self._questions.ledger.GetTrialBalance, request)
        return answer.balanced

    async def listed(self) -> Findings:
        """List all payments of the merchants; each must be one that was sent, and there once."""
        census = Census(self._settings.run_id, own=not self._settings.mix.merchant_ids)
        await each_listed(self._settings, self._questions, self._since, census.count)
        return census.findings

    async def _unsettled(self, merchant_id: str) -> int:
        request = ledger_service_pb2.ListAccountsRequest(merchant_id=merchant_id)
        answer = await self._questions.ask(self._questions.ledger.ListAccounts, request)
        return sum(
            account.balance_minor_units
            for account in answer.accounts
            if account.name.code == UNSETTLED_CODE
            and account.currency_code == self._settings.mix.currency
        )

    async def _available(self, payer_id: str) -> int:
        request = wallet_service_pb2.GetWalletRequest(
            payer_id=payer_id, currency_code=self._settings.mix.currency
        )
        answer = await self._questions.ask(self._questions.wallets.GetWallet, request)
        return answer.wallet.available.minor_units


class Census:
    """Counts the payments of lists by their keys.

    `own` says that the merchants were made for this run, so nobody else may pay them.
    """

    def __init__(self, run_id: str, *, own: bool) -> None:
        self.findings = Findings()
        self._run_id, self._own = run_id, own
        self._seen: dict[int, set[int]] = {}

    def count(self, payment: Payment) -> None:
        """Count one payment of a list."""
        self.findings.add(self._faults(payment))

    def _faults(self, payment: Payment) -> Iterator[Finding]:
        key = payment.idempotency_key
        parts = key_parts(self._run_id, key)
        if parts is None:
            if self._own:
                detail = f"{payment.payment_id} of merchant {payment.merchant_id}"
                yield Finding(Fault.STRANGER, key, detail)
            return
        process, number = parts
        seen = self._seen.setdefault(process, set())
        if number in seen:
            yield Finding(Fault.DOUBLED, key, f"{payment.payment_id} is a second payment under it")
        seen.add(number)


def sum_faults(
    before: Sums, after: Sums, merchants: Mapping[str, int], payers: Mapping[str, int]
) -> Iterator[Finding]:
    """Hold the change of every account against what its payments say."""
    for merchant_id in before.merchants:
        grown = after.merchants[merchant_id] - before.merchants[merchant_id]
        expected = merchants.get(merchant_id, 0)
        if grown != expected:
            detail = f"its account grew by {grown}, its payments bring {expected}"
            yield Finding(Fault.UNBALANCED, f"merchant {merchant_id}", detail)
    for payer_id in before.payers:
        shrunk = before.payers[payer_id] - after.payers[payer_id]
        expected = payers.get(payer_id, 0)
        if shrunk != expected:
            detail = f"the wallet shrank by {shrunk}, the payments took {expected}"
            yield Finding(Fault.UNBALANCED, f"payer {payer_id}", detail)
