"""The table of methods against the contract itself."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from gateway.rpc.call import PACKAGE
from gateway.rpc.methods import METHODS, SERVICES
from gateway.rpc.pipeline import generic_handlers
from paymentgateway.v1 import (
    ledger_service_pb2,
    merchant_service_pb2,
    payment_service_pb2,
    refund_service_pb2,
    wallet_service_pb2,
)
from tests.rpc.fakes import UseCases, desk

CONTRACT = (
    payment_service_pb2,
    refund_service_pb2,
    wallet_service_pb2,
    merchant_service_pb2,
    ledger_service_pb2,
)
KEYED = {"Pay", "Capture", "Cancel", "Refund", "TopUp", "Withdraw"}
LOOKUPS = {"GetPayment", "GetRefund", "GetTopUp", "GetWithdrawal"}


def _rpcs() -> Iterator[MethodDescriptor]:
    for file in CONTRACT:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def test_each_rpc_has_its_row_and_each_row_its_rpc() -> None:
    """Nothing that the contract offers is unserved, and nothing else is served."""
    offered = {(rpc.containing_service.name, rpc.name): rpc for rpc in _rpcs()}
    served = {(method.service, method.name): method for method in METHODS}
    assert served.keys() == offered.keys()
    assert len(METHODS) == len(served)
    for name, method in served.items():
        assert _shape(method.request.DESCRIPTOR) == _shape(offered[name].input_type), name
        assert method.stream == offered[name].server_streaming, name


def _shape(message: Descriptor) -> tuple[str, dict[str, int]]:
    """Give the name and the fields of a message; that of a batch is read by its twin."""
    return message.name, {field.name: field.number for field in message.fields}


def test_services_are_those_of_the_contract() -> None:
    """Health and reflection are told every service."""
    assert set(SERVICES) == {rpc.containing_service.name for rpc in _rpcs()}
    assert all(rpc.containing_service.full_name.startswith(f"{PACKAGE}.") for rpc in _rpcs())


def test_calls_that_move_money_are_marked() -> None:
    """Unknown fields are refused exactly where money moves: where there are keys to bind."""
    assert {method.name for method in METHODS if method.money} == KEYED | {"BatchPay"}
    keyed = {
        method.name
        for method in METHODS
        if "idempotency_key" in method.request.DESCRIPTOR.fields_by_name
    }
    assert keyed == KEYED | LOOKUPS


def test_each_servicer_serves_one_rpc() -> None:
    """One RPC, one servicer, with the same stem."""
    for method in METHODS:
        stem = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.name).lstrip("_")
        assert method.servicer.__name__ == stem


def test_handlers_are_made_per_service() -> None:
    """The transport gets one handler for each service of the table."""
    assert len(generic_handlers(METHODS, desk(UseCases()))) == len(SERVICES)
