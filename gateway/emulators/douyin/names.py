"""Douyin Pay's merchant API as a table of names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.emulators.core import beijing
from gateway.emulators.core.shapes import choice, may, must
from gateway.emulators.douyin import deduct
from gateway.emulators.v3style import allowlists, bodies
from gateway.emulators.v3style.commands import BillVariant
from gateway.emulators.v3style.incoming import Route
from gateway.emulators.v3style.keys import SigningKey
from gateway.emulators.v3style.names import H5_LIFE_MS, Credential, Names, Sealed
from gateway.emulators.v3style.records import View

_BILL_VARIANTS: Final[dict[str, BillVariant]] = {
    "TRADE": "ALL",
    "ALL": "ALL",
    "SUCCESS": "SUCCESS",
    "REFUND": "REFUND",
}
_BILL: Final = {
    "mchid": must(allowlists.MCHID),
    "bill_date": must(allowlists.day),
    "bill_type": must(choice(*_BILL_VARIANTS)),
    "tar_type": must(choice("GZIP")),
}
_ORDERS: Final = "/v1/trade/transactions"
_REFUNDS: Final = "/v1/trade/refund/domestic/refunds"
_NUMBER: Final = f"{_ORDERS}/out-trade-no/{{out_trade_no}}"
_CERTIFICATES: Final = "/v1/merchant/certificates/getPlatformCertificates"

ROUTES: Final = (
    Route("create", "POST", f"{_ORDERS}/native", bodies.prepay("NATIVE")),
    Route("create", "POST", f"{_ORDERS}/jsapi", bodies.prepay("JSAPI")),
    Route("create", "POST", f"{_ORDERS}/app", bodies.prepay("APP")),
    Route("create", "POST", f"{_ORDERS}/h5", bodies.prepay("MWEB")),
    Route("query", "GET", _NUMBER, bodies.query_by_number),
    Route("query", "GET", f"{_ORDERS}/id/{{transaction_id}}", bodies.query_by_transaction),
    Route("close", "POST", f"{_NUMBER}/close", bodies.close),
    Route("refund", "POST", _REFUNDS, bodies.refund(deduct.REFUND_WITH_MERCHANT)),
    Route(
        "query_refund",
        "GET",
        f"{_REFUNDS}/{{out_refund_no}}",
        bodies.query_refund({"mchid": may(allowlists.MCHID)}),
    ),
    Route("sign_contract", "POST", "/v1/agreementauth/preentrustweb", deduct.sign_contract),
    Route("sign_contract", "POST", "/v1/agreementauth/h5entrustweb", deduct.sign_contract_h5),
    Route("query_contract", "POST", "/v1/member/querycontract", deduct.query_contract),
    Route("end_contract", "POST", "/v1/member/deletecontract", deduct.end_contract),
    Route(
        "announce_deduction", "POST", "/v1/agreementauth/deductNotify", deduct.announce_deduction
    ),
    Route("deduct", "POST", "/v1/deduct/payapply", deduct.deduct),
    Route("certificates", "GET", _CERTIFICATES, bodies.list_certificates),
    Route("bill", "GET", "/v1/bill/billapply", bodies.ask_bill(_BILL, _BILL_VARIANTS)),
    Route("bill_download", "GET", "/v1/billdownload/file", bodies.fetch_bill),
)


def _certificates_view(sealed: Sequence[tuple[SigningKey, Sealed]]) -> View:
    return {
        "certificates": [
            {
                "cert_no": key.serial,
                "cert_type": "RSA",
                "effective_time": _time(key.effective_time),
                "expire_time": _time(key.expire_time),
                "encrypt_certificate": {
                    "algorithm": certificate.algorithm,
                    "nonce": certificate.nonce,
                    "cipher_text": certificate.ciphertext,
                },
            }
            for key, certificate in sealed
        ]
    }


def _time(time: datetime | None) -> str:
    assert time is not None, "a certificate has its times"
    return time.astimezone(beijing.ZONE).isoformat(timespec="seconds")


_PREPAY: Final = Credential("prepay_id", "dy{}")

DOUYIN: Final = Names(
    channel="douyin",
    title="Douyin Pay",
    scheme="DouyinPay-RSA",
    header="Douyinpay",
    sends_signature_type=False,
    probe=None,
    aead_label="AEAD-AES-256-GCM",
    appid_prefix="tt",
    has_public_key_mode=False,
    jsapi_sign_type="DouyinPay-RSA",
    app_package="Sign=DYPay",
    certificate_associated_data="",
    bill_url_life_ms=300_000,
    download_path="/v1/billdownload/file",
    credentials={
        "NATIVE": Credential("code_url", "https://pay.douyinpay.com/code?token={}"),
        "JSAPI": _PREPAY,
        "APP": _PREPAY,
        "MWEB": Credential("h5_url", "https://pay.douyinpay.com/h5?token={}", H5_LIFE_MS),
    },
    deduct_credential=_PREPAY,
    routes=ROUTES,
    certificates_view=_certificates_view,
    contract_view=deduct.contract_view,
    ended_view=deduct.ended_view,
    deducted_view=deduct.deducted_view,
    announced_view={},
)
