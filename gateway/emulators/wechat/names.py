"""WeChat Pay API v3 as a table of names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.shapes import choice, may, must
from gateway.emulators.v3style import allowlists, bodies
from gateway.emulators.v3style.commands import BillVariant
from gateway.emulators.v3style.incoming import Route
from gateway.emulators.v3style.keys import SigningKey
from gateway.emulators.v3style.names import H5_LIFE_MS, Credential, Names, Sealed
from gateway.emulators.v3style.records import View
from gateway.emulators.wechat import papay

_BILL_VARIANTS: Final[dict[str, BillVariant]] = {
    "ALL": "ALL",
    "SUCCESS": "SUCCESS",
    "REFUND": "REFUND",
}
_BILL: Final = {
    "bill_date": must(allowlists.day),
    "bill_type": may(choice(*_BILL_VARIANTS), "ALL"),
    "tar_type": may(choice("GZIP")),
}
_ORDERS: Final = "/v3/pay/transactions"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_CONTRACT: Final = (
    "/v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}"
)
_NUMBER: Final = f"{_ORDERS}/out-trade-no/{{out_trade_no}}"

ROUTES: Final = (
    Route("create", "POST", f"{_ORDERS}/native", bodies.prepay("NATIVE")),
    Route("create", "POST", f"{_ORDERS}/jsapi", bodies.prepay("JSAPI")),
    Route("create", "POST", f"{_ORDERS}/app", bodies.prepay("APP")),
    Route("create", "POST", f"{_ORDERS}/h5", bodies.prepay("MWEB")),
    Route("codepay", "POST", f"{_ORDERS}/codepay", papay.codepay),
    Route("reverse", "POST", f"{_NUMBER}/reverse", papay.reverse),
    Route("query", "GET", _NUMBER, bodies.query_by_number),
    Route("query", "GET", f"{_ORDERS}/id/{{transaction_id}}", bodies.query_by_transaction),
    Route("close", "POST", f"{_NUMBER}/close", bodies.close),
    Route("refund", "POST", _REFUNDS, bodies.refund(allowlists.REFUND)),
    Route("query_refund", "GET", f"{_REFUNDS}/{{out_refund_no}}", bodies.query_refund({})),
    Route(
        "redirect_refund",
        "POST",
        f"{_REFUNDS}/{{refund_id}}/apply-abnormal-refund",
        papay.redirect_refund,
    ),
    Route(
        "sign_contract", "POST", "/v3/papay/sign/contracts/pre-entrust-sign", papay.sign_contract
    ),
    Route("query_contract", "GET", _CONTRACT, papay.query_contract),
    Route("end_contract", "POST", f"{_CONTRACT}/terminate", papay.end_contract),
    Route(
        "announce_deduction",
        "POST",
        "/v3/papay/contracts/{contract_id}/notify",
        papay.announce_deduction,
    ),
    Route("deduct", "POST", "/v3/papay/pay/transactions/apply", papay.deduct),
    Route("certificates", "GET", "/v3/certificates", bodies.list_certificates),
    Route("bill", "GET", "/v3/bill/tradebill", bodies.ask_bill(_BILL, _BILL_VARIANTS)),
    Route("bill_download", "GET", "/v3/billdownload/file", bodies.fetch_bill),
)


def _certificates_view(sealed: Sequence[tuple[SigningKey, Sealed]]) -> View:
    return {
        "data": [
            {
                "serial_no": key.serial,
                "effective_time": _time(key.effective_time),
                "expire_time": _time(key.expire_time),
                "encrypt_certificate": vars(certificate),
            }
            for key, certificate in sealed
        ]
    }


def _time(time: datetime | None) -> str:
    assert time is not None, "a certificate has its times"
    return time.astimezone(beijing.ZONE).isoformat(timespec="seconds")


WECHAT: Final = Names(
    channel="wechat",
    title="WeChat Pay",
    scheme="WECHATPAY2-SHA256-RSA2048",
    header="Wechatpay",
    sends_signature_type=True,
    probe="WECHATPAY/SIGNTEST/",
    aead_label="AEAD_AES_256_GCM",
    appid_prefix="wx",
    has_public_key_mode=True,
    jsapi_sign_type="RSA",
    app_package="Sign=WXPay",
    certificate_associated_data="certificate",
    bill_url_life_ms=30_000,
    download_path="/v3/billdownload/file",
    credentials={
        "NATIVE": Credential("code_url", "weixin://wxpay/bizpayurl?pr={}"),
        "JSAPI": Credential("prepay_id", "wx{}"),
        "APP": Credential("prepay_id", "wx{}"),
        "MWEB": Credential(
            "h5_url",
            "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx{}",
            H5_LIFE_MS,
        ),
    },
    deduct_credential=None,
    routes=ROUTES,
    certificates_view=_certificates_view,
    contract_view=papay.contract_view,
    ended_view=papay.contract_view,
    deducted_view=papay.deducted_view,
    announced_view=None,
)
