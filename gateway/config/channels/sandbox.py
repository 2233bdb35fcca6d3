"""Settings of the sandbox, a channel of our own for development and tests."""

from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings

from gateway.config.channels.needs import Needs
from gateway.config.fields import text
from gateway.config.values import Account, BaseUrl, Key


class SandboxFields(BaseSettings):
    """What the channel `sandbox` needs."""

    sandbox_url: BaseUrl | None = text(
        None, "Base URL of the sandbox; enables the channel `sandbox`."
    )
    sandbox_key: Key | None = text(None, "Key shared with the sandbox; signs all messages.")
    sandbox_key_file: Path | None = text(None, "File that holds the sandbox's key instead.")
    sandbox_account: Account = text("gateway", "Our account at the sandbox.")


NEEDS: Final = Needs("sandbox_url", ("sandbox_key",))
