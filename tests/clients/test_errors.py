"""Errors are read from codes and details, and say whether the same key may be sent again."""

import inspect
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from paymentgateway import errors
from paymentgateway.errors import GatewayError, SameKey, from_rpc_error
from tests.clients.scripted_gateway import Refusal

Code = grpc.StatusCode
REASONS = (
    Path(__file__).parents[2] / "protos" / "paymentgateway" / "v1" / "error_reason.proto"
).read_text("utf-8")
TOLD = re.compile(
    r"// ([A-Z_]+)(?:, (bound|free))?(, with RetryInfo)?:[^=]*?ERROR_REASON_([A-Z_]+) ="
)


def typed(refusal: Refusal) -> GatewayError:
    """Make the typed error of a refusal, as it comes out of a call."""
    trailers = Metadata(*refusal.trailers())
    return from_rpc_error(AioRpcError(refusal.code, Metadata(), trailers, refusal.message))


def subclasses(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


@pytest.mark.parametrize(
    ("code", "kind", "same_key"),
    [
        (Code.INVALID_ARGUMENT, errors.InvalidRequest, SameKey.FIX_FIRST),
        (Code.OUT_OF_RANGE, errors.InvalidRequest, SameKey.FIX_FIRST),
        (Code.UNIMPLEMENTED, errors.InvalidRequest, SameKey.FIX_FIRST),
        (Code.UNAUTHENTICATED, errors.Unauthenticated, SameKey.FIX_FIRST),
        (Code.PERMISSION_DENIED, errors.Forbidden, SameKey.FIX_FIRST),
        (Code.NOT_FOUND, errors.NotFound, SameKey.SAFE),
        (Code.ALREADY_EXISTS, errors.AlreadyExists, SameKey.SAME_ANSWER),
        (Code.FAILED_PRECONDITION, errors.NotYet, SameKey.SAFE),
        (Code.ABORTED, errors.Conflict, SameKey.SAFE),
        (Code.RESOURCE_EXHAUSTED, errors.Overloaded, SameKey.FIX_FIRST),
        (Code.UNAVAILABLE, errors.Unavailable, SameKey.SAFE),
        (Code.DEADLINE_EXCEEDED, errors.OutcomeUnknown, SameKey.SAFE),
        (Code.CANCELLED, errors.OutcomeUnknown, SameKey.SAFE),
        (Code.UNKNOWN, errors.OutcomeUnknown, SameKey.SAFE),
        (Code.INTERNAL, errors.OutcomeUnknown, SameKey.SAFE),
        (Code.DATA_LOSS, errors.OutcomeUnknown, SameKey.SAFE),
    ],
)
def test_every_code_has_a_type(
    code: grpc.StatusCode, kind: type[GatewayError], same_key: SameKey
) -> None:
    """A bare status code, as a proxy sends it, gives the type and the advice of the table."""
    error = from_rpc_error(AioRpcError(code, Metadata(), Metadata(), None))
    assert (type(error), error.same_key, error.code) == (kind, same_key, code)
    assert error.message == error.reason == ""


def test_reasons_are_treated_as_the_contract_says() -> None:
    """Each reason of the contract keeps its word about the key: bound, free, or with a hint."""
    told = TOLD.findall(REASONS)
    assert len(told) == REASONS.count("ERROR_REASON_") - 1  # all but UNSPECIFIED
    for code, key, hint, reason in told:
        metadata = {"key": key} if key else {}
        refusal = Refusal(Code[code], reason, metadata, retry_after_s=0.5 if hint else None)
        error = typed(refusal)
        assert error.reason == reason
        assert error.retry_after_s == (0.5 if hint else None)
        assert (error.same_key is SameKey.SAME_ANSWER) == (key == "bound" or "EXISTS" in reason)
        assert isinstance(error, errors.Refused) == (key == "bound"), reason
        assert isinstance(error, errors.NotYet) == (key == "free"), reason
        if hint:
            assert error.same_key is SameKey.SAFE


def test_a_mismatched_key_has_its_own_type() -> None:
    """A key that stands for another request is told from other refusals."""
    refusal = Refusal(Code.FAILED_PRECONDITION, "IDEMPOTENCY_KEY_MISMATCH", {"key": "bound"})
    assert type(typed(refusal)) is errors.KeyMismatch


def test_every_violation_is_kept() -> None:
    """Bad input names each field with all that is wrong with it, in one line for people."""
    violations = (("amount", "too low"), ("payer", "missing"), ("amount", "not a currency"))
    error = typed(Refusal(Code.INVALID_ARGUMENT, "INVALID_REQUEST", violations=violations))
    assert error.violations == {"amount": "too low; not a currency", "payer": "missing"}
    assert str(error) == (
        "INVALID_REQUEST: refused by the script; amount: too low; not a currency; payer: missing."
        " Nothing was kept: correct the request; its key is free."
    )


def test_another_domain_says_nothing_about_keys() -> None:
    """An ErrorInfo that is not the gateway's own cannot make a caller give up a key."""
    refusal = Refusal(
        Code.FAILED_PRECONDITION, "QUOTA", {"key": "bound"}, domain="proxy.example.com"
    )
    error = typed(refusal)
    assert (type(error), error.same_key) == (errors.NotYet, SameKey.SAFE)
    assert (error.reason, error.metadata) == ("", {})


@pytest.mark.parametrize("garbage", [b"\xff", b"\x1a\x05hello", b"\x08"])
def test_details_that_cannot_be_read(garbage: bytes) -> None:
    """Malformed details count as none: the code alone decides."""
    trailers = Metadata((errors.DETAILS_TRAILER, garbage))
    error = from_rpc_error(AioRpcError(Code.UNAVAILABLE, Metadata(), trailers, "away"))
    assert (type(error), error.reason, error.retry_after_s) == (errors.Unavailable, "", None)


def test_an_error_can_be_pickled() -> None:
    """An error survives the way to another process whole."""
    error = typed(Refusal(Code.ABORTED, "VERSION_CONFLICT", {"version": "3"}, retry_after_s=1.5))
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.Conflict
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_the_tree_is_drawn_as_it_is() -> None:
    """The drawing at the head of the module names every type, below its base class."""
    text = inspect.getdoc(errors) or ""
    drawn = re.findall(r"([│ ]*)[├└]── (\w+)", text)
    kinds = {kind.__name__: kind for kind in subclasses(GatewayError)}
    assert {name for _, name in drawn} == set(kinds)
    for stem, name in drawn:
        assert (kinds[name].__base__ is GatewayError) == ("│" not in stem)


def test_every_error_gives_advice() -> None:
    """Whatever is caught says in one line what happened and what may be done."""
    for kind in subclasses(GatewayError):
        for same_key in SameKey:
            error = kind(Code.UNKNOWN, "line one\nline two.", same_key=same_key)
            assert "\n" not in str(error)
            assert str(error).startswith("UNKNOWN: line one line two. ")
            assert str(error).endswith(".")
