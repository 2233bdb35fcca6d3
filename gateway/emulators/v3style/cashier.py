"""The call from a merchant's front end to the channel's cashier, checked as a phone would.

Two spellings: JSAPI (camel case, `package` is prepay_id=...) and APP (lower case, `prepayid`). Both
sign four lines with the merchant's key.
"""

from dataclasses import dataclass

from gateway.emulators.core import crypto
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.control import Missing
from gateway.emulators.core.fields import Fields, InvalidField
from gateway.emulators.v3style import rows
from gateway.emulators.v3style.authorization import call_up_message
from gateway.emulators.v3style.names import Channel

TEXT_LENGTH_MAX = 512
PREPAY = "prepay_id="


@dataclass(frozen=True)
class CallUp:
    """What a front end hands to the phone."""

    appid: str
    timestamp: str
    nonce: str
    package: str
    signature: str
    sign_type: str | None = None  # JSAPI only
    partner: str | None = None  # APP only
    prepay_id: str | None = None  # APP only; in JSAPI it is part of the package

    @property
    def is_app(self) -> bool:
        """Whether it comes from an app."""
        return self.prepay_id is not None


_JSAPI = {
    "appid": "appId",
    "timestamp": "timeStamp",
    "nonce": "nonceStr",
    "package": "package",
    "signature": "paySign",
    "sign_type": "signType",
}
_APP = {
    "appid": "appid",
    "timestamp": "timestamp",
    "nonce": "noncestr",
    "package": "package",
    "signature": "sign",
    "partner": "partnerid",
    "prepay_id": "prepayid",
}


def read_call_up(fields: Fields) -> CallUp:
    """Read a call strictly, in either spelling. Raises InvalidField."""
    spelling = _APP if fields.has("prepayid") else _JSAPI
    values = {name: fields.text(member, TEXT_LENGTH_MAX) for name, member in spelling.items()}
    fields.finish()
    return CallUp(**values)


def verify(txn: Transaction, channel: Channel, call_up: CallUp) -> str:
    """The prepay id that a call opens. Raises InvalidField, Missing."""
    prepay_id = _prepay_id(channel, call_up)
    order = rows.read_order_by_credential(txn, prepay_id)
    if order is None:
        raise Missing("There is no such prepay id.")
    expected = "APP" if call_up.is_app else "JSAPI"
    if order.trade_type != expected or order.appid != call_up.appid:
        raise InvalidField("appId", "is not the app that the order was made for")
    if call_up.partner not in (None, order.mchid):
        raise InvalidField("partnerid", "is not the merchant of the order")
    last = prepay_id if call_up.is_app else call_up.package
    message = call_up_message(call_up.appid, call_up.timestamp, call_up.nonce, last)
    certificates = channel.keys.merchants[order.mchid].certificates.values()
    if not any(crypto.verify(key, message, call_up.signature) for key in certificates):
        raise InvalidField("paySign", "is not the merchant's signature")
    return prepay_id


def _prepay_id(channel: Channel, call_up: CallUp) -> str:
    if call_up.prepay_id is not None:
        if call_up.package != channel.names.app_package:
            raise InvalidField("package", f"must be {channel.names.app_package}")
        return call_up.prepay_id
    if call_up.sign_type != channel.names.jsapi_sign_type:
        raise InvalidField("signType", f"must be {channel.names.jsapi_sign_type}")
    if not call_up.package.startswith(PREPAY):
        raise InvalidField("package", f"must begin with {PREPAY}")
    return call_up.package.removeprefix(PREPAY)
