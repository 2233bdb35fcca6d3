"""The table of methods: what the contract offers, and who serves it.

A test compares it with the descriptors, so that no rpc of the contract is without its row.
"""

from typing import Final

from gateway.rpc import (
    ledger_service,
    merchant_service,
    payment_service,
    refund_service,
    rules,
)
from gateway.rpc.call import Method
from paymentgateway.v1 import (
    ledger_service_pb2,
    merchant_service_pb2,
    payment_service_pb2,
    refund_service_pb2,
)

METHODS: Final = (
    Method(
        "PaymentService",
        "Pay",
        payment_service_pb2.PayRequest,
        payment_service.pay,
        rules.pay,
        money=True,
    ),
    Method(
        "PaymentService",
        "Capture",
        payment_service_pb2.CaptureRequest,
        payment_service.capture,
        money=True,
    ),
    Method(
        "PaymentService",
        "Cancel",
        payment_service_pb2.CancelRequest,
        payment_service.cancel,
        money=True,
    ),
    Method(
        "PaymentService",
        "GetPayment",
        payment_service_pb2.GetPaymentRequest,
        payment_service.get_payment,
    ),
    Method(
        "PaymentService",
        "ListPayments",
        payment_service_pb2.ListPaymentsRequest,
        payment_service.list_payments,
        rules.list_payments,
    ),
    Method(
        "PaymentService",
        "WatchPayments",
        payment_service_pb2.WatchPaymentsRequest,
        payment_service.watch_payments,
        stream=True,
    ),
    Method(
        "RefundService",
        "Refund",
        refund_service_pb2.RefundRequest,
        refund_service.refund,
        money=True,
    ),
    Method(
        "RefundService",
        "GetRefund",
        refund_service_pb2.GetRefundRequest,
        refund_service.get_refund,
    ),
    Method(
        "RefundService",
        "ListRefunds",
        refund_service_pb2.ListRefundsRequest,
        refund_service.list_refunds,
        rules.list_refunds,
    ),
    Method(
        "MerchantService",
        "CreateMerchant",
        merchant_service_pb2.CreateMerchantRequest,
        merchant_service.create_merchant,
        rules.create_merchant,
    ),
    Method(
        "MerchantService",
        "GetMerchant",
        merchant_service_pb2.GetMerchantRequest,
        merchant_service.get_merchant,
    ),
    Method(
        "MerchantService",
        "UpdateMerchant",
        merchant_service_pb2.UpdateMerchantRequest,
        merchant_service.update_merchant,
        rules.update_merchant,
    ),
    Method(
        "MerchantService",
        "ListMerchants",
        merchant_service_pb2.ListMerchantsRequest,
        merchant_service.list_merchants,
    ),
    Method(
        "LedgerService",
        "ListAccounts",
        ledger_service_pb2.ListAccountsRequest,
        ledger_service.list_accounts,
    ),
    Method(
        "LedgerService",
        "ListEntries",
        ledger_service_pb2.ListEntriesRequest,
        ledger_service.list_entries,
    ),
    Method(
        "LedgerService",
        "GetTrialBalance",
        ledger_service_pb2.GetTrialBalanceRequest,
        ledger_service.get_trial_balance,
    ),
)

SERVICES: Final = tuple(dict.fromkeys(method.service for method in METHODS))
