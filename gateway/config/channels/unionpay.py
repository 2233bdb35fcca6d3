"""Settings of UnionPay: a certificate of our own, and the roots by which the channel's is known."""

from typing import Final

from pydantic_settings import BaseSettings

from gateway.config.channels.needs import Needs
from gateway.config.fields import text
from gateway.config.values import Account, BaseUrl, Name, Paths, TimeOfDay, Words


class UnionpayFields(BaseSettings):
    """What the channel `unionpay` needs."""

    unionpay_url: BaseUrl | None = text(
        None, "Base URL of UnionPay; enables the channel `unionpay`."
    )
    unionpay_file_url: BaseUrl | None = text(
        None, "Base URL of its host for settlement files; without it GATEWAY_UNIONPAY_URL."
    )
    unionpay_merchant_id: Account | None = text(None, "Our merchant number at UnionPay.")
    unionpay_merchant_key_file: Paths = text(
        (),
        "Files of our private keys: PEM, unencrypted, or PKCS#12 as the channel gives them. The "
        "newest that is valid signs.",
    )
    unionpay_merchant_key_password_file: Paths = text(
        (), "Files of the passwords of PKCS#12 keys, in the same order."
    )
    unionpay_merchant_certificate_file: Paths = text(
        (), "Files of the certificates of PEM keys, in the same order."
    )
    unionpay_merchant_certificate_id: Words = text(
        (), "Numbers (certId, decimal) that the certificates of our keys must have."
    )
    unionpay_root_certificate_file: Paths = text(
        (), "Files of the root certificates that are believed, PEM."
    )
    unionpay_middle_certificate_file: Paths = text(
        (), "Files of the certificates that may stand between a root and the channel's, PEM."
    )
    unionpay_signer_name: Name | None = text(
        None, "Name that the channel's certificate must hold; without it the one of production."
    )
    unionpay_sha1_certificates: bool = text(
        default=False,
        description="Whether certificates signed over SHA-1 are believed, as those of its "
        "test system are. Never where money is real.",
    )
    unionpay_token_requester_id: Account | None = text(
        None, "Number under which we asked for account tokens; payments by token need it."
    )
    unionpay_void_until: TimeOfDay | None = text(
        None,
        "Time in Beijing, up to 23:00, until which the whole of a charge of the same day is given "
        "back by a void, which costs no fee; without it always by a refund.",
    )


NEEDS: Final = Needs(
    "unionpay_url",
    (
        "unionpay_merchant_id",
        "unionpay_merchant_key_file",
        "unionpay_root_certificate_file",
    ),
    loose_pairs=(
        ("unionpay_merchant_key_file", "unionpay_merchant_key_password_file"),
        ("unionpay_merchant_key_file", "unionpay_merchant_certificate_file"),
        ("unionpay_merchant_key_file", "unionpay_merchant_certificate_id"),
    ),
)
