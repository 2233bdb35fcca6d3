"""A server over use cases that all answer, for tests that change only what they are about."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from gateway.clock import Deadline
from gateway.domain.operation import OperationKind
from gateway.domain.payment import Payment, Purpose
from gateway.usecases.commands import OperationAnswer, PayCommand, PaymentAnswer
from gateway.usecases.services import Lookup
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, open_house


def _operation_answer(kind: OperationKind) -> OperationAnswer:
    return OperationAnswer(samples.payment(), samples.operation(kind), replayed=True)


async def _pay_each(commands: Sequence[PayCommand], _deadline: Deadline) -> list[PaymentAnswer]:
    return [PaymentAnswer(samples.payment(), replayed=True) for _ in commands]


async def _transfer(_lookup: Lookup, purpose: Purpose) -> Payment:
    return samples.transfer(purpose)


def all_answers() -> dict[str, Any]:
    """Give what each use case answers, by its name."""
    return {
        "pay": PaymentAnswer(samples.payment(), replayed=True),
        "capture": _operation_answer(OperationKind.CAPTURE),
        "cancel": _operation_answer(OperationKind.CANCEL),
        "refund": _operation_answer(OperationKind.REFUND),
        "get_payment": samples.payment(),
        "list_payments": [samples.payment()],
        "get_refund": samples.operation(),
        "list_refunds": [samples.operation()],
        "pay_many": _pay_each,
        "open_wallet": samples.wallet(),
        "get_wallet": samples.wallet(),
        "top_up": PaymentAnswer(samples.transfer(Purpose.TOP_UP), replayed=True),
        "withdraw": PaymentAnswer(samples.transfer(Purpose.WITHDRAWAL), replayed=True),
        "get_transfer": _transfer,
        "list_wallet_entries": [],
        "create_merchant": samples.merchant(),
        "get_merchant": samples.merchant(),
        "update_merchant": samples.merchant(),
        "list_merchants": [samples.merchant()],
        "list_accounts": [],
        "list_entries": [],
        "trial_balance": [],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_house() -> AsyncIterator[House]:
    """A running server for all tests of a module."""
    async with open_house(UseCases(**all_answers())) as opened:
        yield opened


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running server for one test, which may change the answers."""
    async with open_house(UseCases(**all_answers())) as opened:
        yield opened
