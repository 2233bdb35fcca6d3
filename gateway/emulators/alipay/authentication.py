"""Who signed a request: its parameters, as they were decoded from the wire, against the app's keys.

Nothing is known of a caller until his signature holds, so all that is refused here is refused
unsigned. The text that must have been signed is put together from what arrived: every parameter,
`sign_type` too, but `sign`.
"""

from dataclasses import dataclass
from typing import Final

from gateway.emulators.alipay.errors import MISSING, Unproven
from gateway.emulators.alipay.form import Form, signed_text
from gateway.emulators.alipay.keys import App, Keys
from gateway.emulators.core import crypto

SIGN_TYPE: Final = "RSA2"
APP_SN, ROOT_SN = "app_cert_sn", "alipay_root_cert_sn"

_REQUIRED: Final = {
    "app_id": "isv.missing-app-id",
    "sign_type": "isv.missing-signature-type",
    "sign": "isv.missing-signature",
}
_UNSIGNED: Final = frozenset(("sign",))


@dataclass(frozen=True)
class Caller:
    """An app that is proven to have asked, and in which mode."""

    app: App
    certified: bool


def authenticate(keys: Keys, form: Form) -> Caller:
    """Who signed the parameters. Raises Unproven."""
    for name, sub_code in _REQUIRED.items():
        if not form.get(name):
            raise Unproven(sub_code, f"{name} is required.", code=MISSING)
    app = keys.apps.get(form.get("app_id"))
    if app is None:
        raise Unproven("isv.invalid-app-id", "There is no such app.")
    if form.get("sign_type") != SIGN_TYPE:
        raise Unproven("isv.invalid-signature-type", f"sign_type must be {SIGN_TYPE}.")
    candidates = _candidates(keys, app, form)
    text = signed_text(form.values, without=_UNSIGNED)
    if not any(crypto.verify(app.public_keys[sn], text, form.get("sign")) for sn in candidates):
        raise Unproven("isv.invalid-signature", "The signature does not match.")
    return Caller(app, certified=bool(form.get(APP_SN)))


def _candidates(keys: Keys, app: App, form: Form) -> list[str]:
    """The SNs of the app's keys that may have signed: the one that is named, else any."""
    app_sn, root_sn = form.get(APP_SN), form.get(ROOT_SN)
    if not app_sn and not root_sn:
        return list(app.public_keys)
    if app_sn not in app.public_keys:
        raise Unproven("isv.invalid-app-cert-sn", f"{APP_SN} is not a certificate of this app.")
    if root_sn != keys.root_sn:
        raise Unproven("isv.invalid-root-cert-sn", f"{ROOT_SN} is not that of the roots.")
    return [app_sn]
