"""What was answered, looked at after the run, so that looking costs the run nothing.

An answer to a payment must be about the key that was sent, and say that the money was taken; an
answer to a read must be about the payment that was asked for. An item of a batch may be refused for
too much load, as a whole call may be: then it was not executed, and does not count.
"""

from collections.abc import Iterable, Iterator

import grpc

from paymentgateway.v1.payment_pb2 import PAYMENT_STATE_SUCCEEDED, Payment, PaymentState
from paymentgateway.v1.payment_service_pb2 import (
    BatchPayRequest,
    BatchPayResponse,
    GetPaymentRequest,
    GetPaymentResponse,
    PayRequest,
    PayResponse,
)
from tests.bench import frames
from tests.bench.messages import Memory
from tests.bench.plan import AMOUNT_MINOR_UNITS, Kind

PREFIX_BYTES = 5
SHED_CODES = {grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], grpc.StatusCode.UNAVAILABLE.value[0]}
Sample = tuple[bytes, bytes]
"""A request and its answer, both as gRPC messages."""


def faults(kind: Kind, samples: Iterable[Sample]) -> Iterator[str]:
    """Say what is wrong with answers."""
    for request, answer in samples:
        if answer[0] or int.from_bytes(answer[1:PREFIX_BYTES]) != len(answer) - PREFIX_BYTES:
            yield "an answer is not one whole message"
        elif kind is Kind.GET_PAYMENT:
            yield from _read(request, answer)
        elif kind is Kind.BATCH_PAY:
            yield from _batch(request, answer)
        else:
            asked = PayRequest.FromString(request[PREFIX_BYTES:])
            yield from _paid(asked, PayResponse.FromString(answer[PREFIX_BYTES:]).payment)


def paid_in_batches(samples: Iterable[Sample]) -> int:
    """Count the payments of batches that were executed."""
    return sum(
        result.response.payment.state == PAYMENT_STATE_SUCCEEDED
        for _, answer in samples
        for result in BatchPayResponse.FromString(answer[PREFIX_BYTES:]).results
    )


def remember(memory: Memory, samples: Iterable[Sample]) -> None:
    """Keep payments that were answered, to be sent again and to be read."""
    for request, answer in samples:
        payment = PayResponse.FromString(answer[PREFIX_BYTES:]).payment
        read = GetPaymentRequest(
            merchant_id=payment.merchant_id, payment_id=payment.payment_id
        ).SerializeToString()
        memory.requests.append(request)
        memory.reads.append(frames.message(read))


def _batch(request: bytes, answer: bytes) -> Iterator[str]:
    asked = BatchPayRequest.FromString(request[PREFIX_BYTES:]).payments
    results = BatchPayResponse.FromString(answer[PREFIX_BYTES:]).results
    if len(results) != len(asked):
        yield f"a batch of {len(asked)} payments has {len(results)} results"
        return
    for item, result in zip(asked, results, strict=True):
        if result.HasField("response"):
            yield from _paid(item, result.response.payment)
        elif result.error.code not in SHED_CODES:
            yield f"a payment of a batch failed: {result.error.message or result.error.code}"


def _paid(asked: PayRequest, payment: Payment) -> Iterator[str]:
    if payment.idempotency_key != asked.idempotency_key:
        yield f"the answer to {asked.idempotency_key} is about {payment.idempotency_key}"
    elif payment.state != PAYMENT_STATE_SUCCEEDED:
        state = PaymentState.Name(payment.state)
        yield f"{asked.idempotency_key} is {state}: {payment.failure.message}"
    elif payment.captured.minor_units != AMOUNT_MINOR_UNITS:
        yield f"{asked.idempotency_key} took {payment.captured.minor_units}"


def _read(request: bytes, answer: bytes) -> Iterator[str]:
    asked = GetPaymentRequest.FromString(request[PREFIX_BYTES:])
    payment = GetPaymentResponse.FromString(answer[PREFIX_BYTES:]).payment
    if payment.payment_id != asked.payment_id:
        yield f"the answer to {asked.payment_id} is about {payment.payment_id!r}"
