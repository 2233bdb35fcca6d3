"""What WeChat Pay and Douyin Pay both need, told of each in its own name.

Keys are references to files, never values: whoever may read the environment of a process does not
thereby see a key. Several at once are a rotation under way.
"""

from typing import Any, Final

from gateway.config.channels.needs import Needs
from gateway.config.fields import text

REQUIRED: Final = (
    "merchant_id",
    "app_id",
    "merchant_key_file",
    "merchant_serial",
    "api_v3_key_file",
)


def url(title: str, channel: str) -> Any:
    """Declare where the channel is."""
    return text(None, f"Base URL of {title}; enables the channel `{channel}`.")


def merchant_id(title: str) -> Any:
    """Declare who we are there."""
    return text(None, f"Our merchant number at {title}.")


def app_id(title: str) -> Any:
    """Declare as which app payers know us."""
    return text(None, f"App, mini program or account under which payers of {title} know us.")


def merchant_key_file() -> Any:
    """Declare the files of our own private keys."""
    return text(
        (),
        "Files of our private keys, PEM, unencrypted. The first one signs; others are being "
        "retired.",
    )


def merchant_serial() -> Any:
    """Declare the names of our own keys."""
    return text((), "Serial numbers of the certificates of these keys, in the same order.")


def api_v3_key_file() -> Any:
    """Declare the files of the symmetric keys."""
    return text(
        (),
        "Files of the 32 characters under which the channel seals notifications; two while the "
        "key is changed.",
    )


def platform_certificate_file() -> Any:
    """Declare the files of the channel's certificates."""
    return text(
        (),
        "Files of the channel's certificates, PEM, that are trusted from the start. They are "
        "fetched anew every 12 hours.",
    )


def platform_certificate_serial() -> Any:
    """Declare the names of the channel's certificates."""
    return text((), "Serial numbers that these certificates must have, in the same order.")


def needs(channel: str, *pairs: tuple[str, str]) -> Needs:
    """Say what one of the channels cannot do without; names without their prefix."""

    def full(names: tuple[str, str]) -> tuple[str, str]:
        return f"{channel}_{names[0]}", f"{channel}_{names[1]}"

    return Needs(
        f"{channel}_url",
        tuple(f"{channel}_{name}" for name in REQUIRED),
        tuple(full(pair) for pair in (("merchant_key_file", "merchant_serial"), *pairs)),
        (full(("platform_certificate_file", "platform_certificate_serial")),),
    )
