"""A gateway in memory, over a real socket, that keeps honest books until a test tells it not to.

The load tester's oracle is worth what it finds, so its tests need a gateway that can lose, double
and change payments, refuse without keeping, keep without answering, and stall. Payments are
numbered in the order in which their keys first arrive; tests name them by that number.
"""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.timestamp_pb2 import Timestamp

from paymentgateway.v1 import ledger_pb2 as ledger
from paymentgateway.v1 import ledger_service_pb2 as ledger_calls
from paymentgateway.v1 import merchant_service_pb2 as merchant_calls
from paymentgateway.v1 import payment_pb2 as payments
from paymentgateway.v1 import payment_service_pb2 as payment_calls
from paymentgateway.v1 import refund_pb2 as refunds
from paymentgateway.v1 import refund_service_pb2 as refund_calls
from paymentgateway.v1 import wallet_pb2 as wallets
from paymentgateway.v1 import wallet_service_pb2 as wallet_calls
from paymentgateway.v1.money_pb2 import Money
from tests.clients.scripted_gateway import Refusal

THREADS = 32
OVERLOADED = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after_s=0.01)
SILENT_FAULT = Refusal(grpc.StatusCode.UNAVAILABLE)
"""What a broken connection looks like: no word of the gateway's own, so nobody knows."""


class ModelGateway(grpc.GenericRpcHandler):
    """The server and its books. Hooks get the number of a payment, and run under the lock."""

    def __init__(self) -> None:
        self.payments: dict[tuple[str, str], payments.Payment] = {}
        self.extra: list[payments.Payment] = []
        self.refunds: dict[tuple[str, str], refunds.Refund] = {}
        self.entries: dict[str, list[ledger.Entry]] = defaultdict(list)
        self.unsettled: dict[str, int] = defaultdict(int)
        self.available: dict[str, int] = defaultdict(int)
        self.merchants: list[str] = []
        self.balanced = True
        self.before_pay: Callable[[int], Refusal | None] = lambda number: None
        self.after_pay: Callable[[int, payments.Payment], Refusal | None] = lambda n, p: None
        self.after_refund: Callable[[int], Refusal | None] = lambda number: None
        self.running = threading.Event()
        self.running.set()
        self._numbers: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)]
        )
        self._server.add_generic_rpc_handlers((self,))
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self.running.set()
        self._server.stop(grace=None).wait()

    def vanish(self) -> None:
        """Go away in the middle of everything, as a killed process does."""
        self._server.stop(grace=None)

    def book(self, payment: payments.Payment, sign: int) -> None:
        """Book a payment (1) or its refund (-1)."""
        sides = [
            account("wallet", payment.payer.payer_id),
            account("merchant_unsettled", payment.merchant_id),
        ]
        debit, credit = sides if sign > 0 else reversed(sides)
        amount = payment.amount.minor_units
        transfer = ledger.Transfer(
            debit=debit, credit=credit, currency_code="CNY", minor_units=amount
        )
        self.entries[payment.payment_id].append(ledger.Entry(transfers=[transfer]))
        self.unsettled[payment.merchant_id] += sign * amount
        self.available[payment.payer.payer_id] -= sign * amount

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """Find the method of ours that is named as the contract names it."""
        _, service, name = handler_call_details.method.split("/")
        method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
        return grpc.unary_unary_rpc_method_handler(
            getattr(self, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()),
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def pay(self, request: Any, context: Any) -> payment_calls.PayResponse:
        self.running.wait()
        answer = self._pay(request)
        if isinstance(answer, Refusal):
            _refuse(context, answer)
        return answer

    def batch_pay(self, request: Any, context: Any) -> payment_calls.BatchPayResponse:
        self.running.wait()
        results = []
        for item in request.payments:
            answer = self._pay(item)
            result = payment_calls.BatchPayResult()
            if isinstance(answer, Refusal):
                result.error.MergeFromString(answer.details())
            else:
                result.response.CopyFrom(answer)
            results.append(result)
        return payment_calls.BatchPayResponse(results=results)

    def get_payment(self, request: Any, context: Any) -> payment_calls.GetPaymentResponse:
        with self._lock:
            found = self.payments.get((request.merchant_id, request.idempotency_key))
            if request.payment_id:
                held = (p for p in self.payments.values() if p.payment_id == request.payment_id)
                found = next(held, None)
        if found is None:
            _not_found(context, "PAYMENT_NOT_FOUND")
        return payment_calls.GetPaymentResponse(payment=found)

    def list_payments(self, request: Any, context: Any) -> payment_calls.ListPaymentsResponse:
        with self._lock:
            held = [*self.payments.values(), *self.extra]
        own = [payment for payment in held if payment.merchant_id == request.merchant_id]
        first = int(request.page_token or 0)
        after = first + request.page_size
        token = str(after) if after < len(own) else ""
        return payment_calls.ListPaymentsResponse(payments=own[first:after], next_page_token=token)

    def refund(self, request: Any, context: Any) -> refund_calls.RefundResponse:
        place = (request.merchant_id, request.idempotency_key)
        with self._lock:
            known = self.refunds.get(place)
            refusal = None
            if known is None:
                held = self.payments.values()
                payment = next(p for p in held if p.payment_id == request.payment_id)
                payment.refunded.CopyFrom(request.amount)
                self.book(payment, -1)
                self.refunds[place] = refunds.Refund(
                    refund_id=f"ref_{len(self.refunds):022}",
                    amount=request.amount,
                    state=refunds.OPERATION_STATE_SUCCEEDED,
                )
                refusal = self.after_refund(len(self.refunds))
        if refusal is not None:
            _refuse(context, refusal)
        return refund_calls.RefundResponse(refund=self.refunds[place], replayed=known is not None)

    def get_refund(self, request: Any, context: Any) -> refund_calls.GetRefundResponse:
        found = self.refunds.get((request.merchant_id, request.idempotency_key))
        if found is None:
            _not_found(context, "REFUND_NOT_FOUND")
        return refund_calls.GetRefundResponse(refund=found)

    def create_merchant(self, request: Any, context: Any) -> merchant_calls.CreateMerchantResponse:
        self.merchants.append(request.merchant_id)
        return merchant_calls.CreateMerchantResponse(merchant=request.merchant)

    def open_wallet(self, request: Any, context: Any) -> wallet_calls.OpenWalletResponse:
        return wallet_calls.OpenWalletResponse()

    def top_up(self, request: Any, context: Any) -> wallet_calls.TopUpResponse:
        with self._lock:
            self.available[request.payer.payer_id] += request.amount.minor_units
        done = wallets.TopUp(state=payments.PAYMENT_STATE_SUCCEEDED)
        return wallet_calls.TopUpResponse(top_up=done)

    def get_wallet(self, request: Any, context: Any) -> wallet_calls.GetWalletResponse:
        money = Money(currency_code="CNY", minor_units=self.available[request.payer_id])
        return wallet_calls.GetWalletResponse(wallet=wallets.Wallet(available=money))

    def list_accounts(self, request: Any, context: Any) -> ledger_calls.ListAccountsResponse:
        found = ledger.Account(
            name=account("merchant_unsettled", request.merchant_id),
            currency_code="CNY",
            balance_minor_units=self.unsettled[request.merchant_id],
        )
        return ledger_calls.ListAccountsResponse(accounts=[found])

    def list_entries(self, request: Any, context: Any) -> ledger_calls.ListEntriesResponse:
        return ledger_calls.ListEntriesResponse(entries=self.entries[request.payment_id])

    def get_trial_balance(self, request: Any, context: Any) -> ledger_calls.GetTrialBalanceResponse:
        return ledger_calls.GetTrialBalanceResponse(balanced=self.balanced)

    def _pay(self, request: Any) -> payment_calls.PayResponse | Refusal:
        place = (request.merchant_id, request.idempotency_key)
        with self._lock:
            number = self._numbers.setdefault(place, len(self._numbers))
            known = self.payments.get(place)
            if known is not None:
                return payment_calls.PayResponse(payment=known, replayed=True)
            refusal = self.before_pay(number)
            if refusal is not None:
                return refusal
            made = _payment(request, number)
            self.payments[place] = made
            self.book(made, 1)
            refusal = self.after_pay(number, made)
            return refusal or payment_calls.PayResponse(payment=made)


def _payment(request: Any, number: int) -> payments.Payment:
    now = Timestamp(seconds=int(time.time()))
    return payments.Payment(
        merchant_id=request.merchant_id,
        payment_id=f"pay_{number:022}",
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        amount=request.amount,
        captured=request.amount,
        refunded=Money(currency_code="CNY"),
        payer=request.payer,
        state=payments.PAYMENT_STATE_SUCCEEDED,
        create_time=now,
    )


def account(code: str, key: str) -> ledger.AccountName:
    """Name an account of the customer book."""
    return ledger.AccountName(book=ledger.BOOK_CUSTOMER, code=code, key=key)


def _not_found(context: grpc.ServicerContext, reason: str) -> NoReturn:
    _refuse(context, Refusal(grpc.StatusCode.NOT_FOUND, reason))


def _refuse(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    context.set_trailing_metadata(refusal.trailers())
    context.abort(refusal.code, refusal.message)
