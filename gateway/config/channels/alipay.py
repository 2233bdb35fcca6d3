"""Settings of Alipay, in either of its key modes.

In certificate mode our own certificate, Alipay's and its roots are named; in key mode only keys.
"""

from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from gateway.config.channels.needs import Needs
from gateway.config.fields import number, text
from gateway.config.values import Account, BaseUrl, Paths, Words

AgreementProduct = Literal["GENERAL_WITHHOLDING", "CYCLE_PAY_AUTH"]


class AlipayFields(BaseSettings):
    """What the channel `alipay` needs."""

    alipay_url: BaseUrl | None = text(None, "Base URL of Alipay; enables the channel `alipay`.")
    alipay_app_id: Account | None = text(None, "Our app at Alipay.")
    alipay_seller_id: Account | None = text(None, "Our account at Alipay that is paid: 2088...")
    alipay_app_key_file: Paths = text(
        (), "Files of our private keys, PEM or bare base64. The newest that is valid signs."
    )
    alipay_app_certificate_file: Paths = text(
        (), "Files of the certificates of these keys, in the same order; turns on certificate mode."
    )
    alipay_app_cert_sn: Words = text((), "SNs that these certificates must have.")
    alipay_certificate_file: Paths = text(
        (),
        "Files of Alipay's certificates that are trusted from the start, in certificate mode. What "
        "it signs with later is fetched.",
    )
    alipay_cert_sn: Words = text((), "SNs that these certificates must have.")
    alipay_root_certificate_file: Paths = text(
        (), "File of Alipay's root certificates, in certificate mode."
    )
    alipay_root_cert_sn: Words = text((), "SN that this file must have.")
    alipay_public_key_file: Paths = text(
        (), "Files of Alipay's public keys, PEM or bare base64, in key mode."
    )
    alipay_agreement_product: AgreementProduct = text(
        "GENERAL_WITHHOLDING", "Product of our contract under which agreements are deducted."
    )
    alipay_seller_bears_instalments: bool = Field(
        default=False, description="Whether we pay for instalments, and not the payer."
    )
    alipay_refund_window_s: int = number(
        31_536_000, 1, 31_536_000, "Time to refund by our contract, in s."
    )


NEEDS: Final = Needs(
    "alipay_url",
    ("alipay_app_id", "alipay_seller_id", "alipay_app_key_file"),
    loose_pairs=(
        ("alipay_app_key_file", "alipay_app_certificate_file"),
        ("alipay_app_certificate_file", "alipay_app_cert_sn"),
        ("alipay_certificate_file", "alipay_cert_sn"),
        ("alipay_root_certificate_file", "alipay_root_cert_sn"),
    ),
)
