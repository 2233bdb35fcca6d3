"""What a gateway needs to connect, by name: values, and a file that holds the secret."""

from pathlib import Path

from gateway.emulators.carrier.clientfiles import secret_file
from gateway.emulators.carrier.oauth import Client
from gateway.emulators.carrier.routes import TOKEN_PATH


def describe(folder: Path, client: Client, host: str, port: int) -> dict[str, str]:
    """The settings of a gateway for one client; the file is named, its content is not told."""
    root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return {
        "api_root": root,
        "token_url": root + TOKEN_PATH,
        "client_id": client.client_id,
        "client_secret_file": str(secret_file(folder, client)),
    }
