"""The gateway's own Postgres as the commands see it: where its data lies, and its one error."""

from pathlib import Path

from gateway.config import Settings
from gateway.store.embedded import EmbeddedPostgresError, default_data_dir

__all__ = ["EmbeddedPostgresError", "data_folder"]


def data_folder(settings: Settings) -> Path:
    """Give the folder in which everything the gateway keeps on disk lies; it may not exist yet.

    Raises:
        EmbeddedPostgresError: none is configured, and this user has no home.
    """
    return settings.data_dir or default_data_dir()
