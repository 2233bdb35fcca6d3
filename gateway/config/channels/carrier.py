"""Settings of carrier billing: one operator, its API and its token server on one host."""

from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings

from gateway.config.channels.needs import Needs
from gateway.config.fields import number, text
from gateway.config.values import Account, BaseUrl, Paths, Words


class CarrierFields(BaseSettings):
    """What the channel `carrier` needs."""

    carrier_url: BaseUrl | None = text(
        None, "Base URL of the operator's host; enables the channel `carrier`."
    )
    carrier_api_root: BaseUrl | None = text(
        None, "URL below which its API lies, on the same host; without it GATEWAY_CARRIER_URL."
    )
    carrier_token_url: BaseUrl | None = text(
        None, "URL of its token server, on the same host; without it /oauth2/token there."
    )
    carrier_client_id: Account | None = text(None, "Our client id at the operator.")
    carrier_client_secret_file: Path | None = text(
        None, "File of the client's secret, for operators that are shown one."
    )
    carrier_client_key_file: Paths = text(
        (),
        "Files of our private keys, PEM, unencrypted, for operators that want a signed assertion "
        "instead. The first one signs; others are being retired.",
    )
    carrier_client_key_id: Words = text((), "Ids (kid) of these keys, in the same order.")
    carrier_notify_key_file: Paths = text(
        (),
        "Files of 32 bytes or more with which we make the tokens of notifications; the first "
        "makes, every one checks. Without it the operator is asked, and does not notify.",
    )
    carrier_currencies: Words = text((), "Currencies that the operator bills in; without it all.")
    carrier_authorization_lifetime_s: int = number(
        86_400, 60, 31_536_000, "Time for which the operator keeps a reservation, in s."
    )
    carrier_refund_window_days: int = number(
        180,
        1,
        3_650,
        "Days after a payment for which the operator refunds. The statement of a day looks so far "
        "back for payments that were refunded on it.",
    )


NEEDS: Final = Needs(
    "carrier_url",
    ("carrier_client_id",),
    (("carrier_client_key_file", "carrier_client_key_id"),),
)
