"""Reading a request, apart from any server."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import InvalidRequest
from gateway.rpc import rules
from gateway.rpc.methods import METHODS
from gateway.rpc.shape import prepare, read_request
from paymentgateway.v1.payment_service_pb2 import PayRequest
from tests.rpc import samples


def _is_read_or_refused(data: bytes) -> bool:
    try:
        return isinstance(read_request(PayRequest, data, rules.pay, money=True), PayRequest)
    except InvalidRequest as error:
        return bool(error.violations)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_no_bytes_are_a_fault(noise: bytes, cut: int, skip: int) -> None:
    """Whatever the bytes are, they are a request or bad input, never a fault of ours."""
    sample = samples.pay_request().SerializeToString()
    assert _is_read_or_refused(noise)
    assert _is_read_or_refused(sample[:cut] + noise + sample[skip:])


def test_rules_of_all_requests_compile() -> None:
    """A server with a rule that cannot be enforced does not start."""
    prepare(METHODS)
