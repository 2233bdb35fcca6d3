"""The allow-lists of payments and refunds, and the readers that make commands of requests.

What a body may hold stands here as tables; whatever stands in none is refused by name. A few
members have refusals of their own: where events go, and with which credential.
"""

from typing import Any, Final

from gateway.emulators.carrier.amounts import amount, percentage
from gateway.emulators.carrier.commands import (
    CancelPayment,
    Command,
    ConfirmPayment,
    NewPayment,
    NewRefund,
    QueryPayment,
    QueryRefund,
    QueryRemaining,
    ValidatePayment,
)
from gateway.emulators.carrier.incoming import Incoming
from gateway.emulators.carrier.payments import PaymentKind
from gateway.emulators.carrier.records import Sink
from gateway.emulators.carrier.refunds import RefundType
from gateway.emulators.carrier.sinks import read_credential, read_sink
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.core.shapes import (
    Read,
    Shape,
    Value,
    array,
    flag,
    group,
    matching,
    may,
    must,
    text,
)

ITEMS_MAX: Final = 100
CURRENCIES: Final = frozenset(("CNY", "EUR", "GBP", "HKD", "JPY", "SGD", "USD"))
PHONE: Final[Read] = matching(r"\+[1-9][0-9]{4,14}", "a number of E.164 that begins with +")


def currency(fields: Fields, name: str) -> str:
    """A currency that this operator charges in."""
    code = fields.take(name)
    if type(code) is not str or code not in CURRENCIES:
        raise InvalidField(fields.path(name), "is unknown or not authorized as a currency")
    return code


_CHARGING: Final[Shape] = {
    "amount": must(amount()),
    "currency": must(currency),
    "description": must(text(255)),
    "isTaxIncluded": may(flag, default=False),
    "taxAmount": may(amount(lowest=0)),
}
_MERCHANT: Final[Shape] = {"merchantIdentifier": may(text(128))}
_METADATA: Final[Shape] = {
    **_MERCHANT,
    "merchantName": may(text(128)),
    "fee": may(percentage),
    "purchaseCategoryCode": may(text(64)),
    "channel": may(text(64)),
    "serviceId": may(text(128)),
    "productId": may(text(128)),
}
_NUMBERS: Final[Shape] = {"clientCorrelator": may(text(128)), "referenceCode": must(text(128))}
_PAYMENT_AMOUNT: Final[Shape] = {
    "chargingInformation": must(group(_CHARGING)),
    "chargingMetaData": may(group(_METADATA)),
    "paymentDetails": may(array({"id": must(text(128)), **_CHARGING}, ITEMS_MAX)),
}
_EVENTS: Final[Shape] = {"sink": may(read_sink), "sinkCredential": may(read_credential)}
_PAYMENT: Final[Shape] = {
    "amountTransaction": must(
        group(
            {
                "phoneNumber": may(PHONE),
                **_NUMBERS,
                "paymentAmount": must(group(_PAYMENT_AMOUNT)),
            }
        )
    ),
    **_EVENTS,
}
_REFUND_AMOUNTS: Final[dict[RefundType, Shape]] = {
    "total": {"chargingMetaData": may(group(_MERCHANT))},
    "partial": {
        "chargingInformation": must(group(_CHARGING)),
        "chargingMetaData": may(group(_MERCHANT)),
        "refundDetails": may(array({"paymentItemId": must(text(128)), **_CHARGING}, ITEMS_MAX)),
    },
}


def new_payment(kind: PaymentKind) -> Any:
    """The reader of a payment in one step or two."""

    def read(incoming: Incoming) -> Command:
        body = incoming.read_body(_PAYMENT)
        transaction = body["amountTransaction"]
        phone = transaction.pop("phoneNumber", None)
        return NewPayment(kind=kind, phone=phone, body=transaction, sink=_sink(body))

    return read


def new_refund(incoming: Incoming) -> Command:
    """A refund; what it may hold depends on its type."""
    incoming.require_json()
    fields = Fields(incoming.json)
    kind = fields.choice("type", tuple(_REFUND_AMOUNTS))
    body = incoming.read_body(_refund_shape(kind))
    sink = _sink(body)
    kept: Value = {name: value for name, value in body.items() if name not in _EVENTS}
    return NewRefund(payment_id=incoming.path["paymentId"], type=kind, body=kept, sink=sink)


def query_payment(incoming: Incoming) -> Command:
    """How a payment stands."""
    incoming.read_query({})
    return QueryPayment(payment_id=incoming.path["paymentId"])


def validate_payment(incoming: Incoming) -> Command:
    """The code that a subscriber typed."""
    body = incoming.read_body({"authorizationId": must(text(128)), "code": must(text(64))})
    return ValidatePayment(
        payment_id=incoming.path["paymentId"],
        authorization_id=body["authorizationId"],
        code=body["code"],
    )


def confirm_payment(incoming: Incoming) -> Command:
    """Charge what is reserved."""
    return ConfirmPayment(payment_id=incoming.path["paymentId"], phone=_phone(incoming))


def cancel_payment(incoming: Incoming) -> Command:
    """Give up what is reserved."""
    return CancelPayment(payment_id=incoming.path["paymentId"], phone=_phone(incoming))


def query_refund(incoming: Incoming) -> Command:
    """How a refund stands."""
    incoming.read_query({})
    path = incoming.path
    return QueryRefund(payment_id=path["paymentId"], refund_id=path["refundId"])


def query_remaining(incoming: Incoming) -> Command:
    """What could still be given back."""
    incoming.read_query({})
    return QueryRemaining(payment_id=incoming.path["paymentId"])


def _refund_shape(kind: RefundType) -> Shape:
    transaction: Shape = {**_NUMBERS, "refundAmount": must(group(_REFUND_AMOUNTS[kind]))}
    return {
        "type": must(text(16)),
        "reason": may(text(255)),
        "amountTransaction": must(group(transaction)),
        **_EVENTS,
    }


def _phone(incoming: Incoming) -> str | None:
    phone: str | None = incoming.read_body({"phoneNumber": may(PHONE)}).get("phoneNumber")
    return phone


def _sink(body: Value) -> Sink:
    credential = body.get("sinkCredential", {})
    return Sink(
        url=body.get("sink"),
        token=credential.get("accessToken"),
        expire_s=credential.get("accessTokenExpiresUtc"),
    )
