"""A server over use cases that all answer, for tests that change only what they are about."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.operation import OperationKind
from gateway.usecases.commands import OperationAnswer, PaymentAnswer
from tests.rpc import samples
from tests.rpc.fakes import House, UseCases, open_house


def _operation_answer(kind: OperationKind) -> OperationAnswer:
    return OperationAnswer(samples.payment(), samples.operation(kind), replayed=True)


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
