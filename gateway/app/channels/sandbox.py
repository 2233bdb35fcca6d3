"""The sandbox."""

from datetime import timedelta

from gateway.app.channels.setup import Entry, Setup
from gateway.channels.sandbox.connector import SandboxConnector, SandboxSettings
from gateway.channels.sandbox.signing import SecretKey
from gateway.config import Settings
from gateway.domain.channel import Capabilities

NAME = "sandbox"
NOBODYS_KEY = b"a key that nobody signs with"


def set_up(settings: Settings) -> Setup | None:
    """Set it up, if it is enabled."""
    if settings.sandbox_url is None or settings.sandbox_key is None:
        return None
    key = settings.sandbox_key.get_secret_value().encode()
    return Setup(settings.sandbox_url, SandboxConnector(_told(settings, key)))


def describe(settings: Settings) -> Capabilities:
    """Tell what it can do."""
    return SandboxConnector(_told(settings, NOBODYS_KEY)).capabilities


def _told(settings: Settings, key: bytes) -> SandboxSettings:
    return SandboxSettings(
        key=SecretKey(key),
        notify_base_url=settings.notify_url or f"http://{settings.notify_listen}",
        account=settings.sandbox_account,
        send_timeout=timedelta(milliseconds=settings.channel_timeout_ms),
        authorization_lifetime=timedelta(seconds=settings.authorization_lifetime_s),
    )


ENTRY = Entry(NAME, set_up, describe)
