"""What a gateway needs to connect, by name: values, and files that hold keys."""

from gateway.emulators.v3style.keyfiles import KeyFiles
from gateway.emulators.v3style.keys import Keys
from gateway.emulators.v3style.names import Names


def describe(names: Names, files: KeyFiles, keys: Keys, mchid: str) -> dict[str, str]:
    """The settings of a gateway for one merchant; files are named, their contents are not told."""
    folder = files.merchant(mchid)
    certificate = files.newest(folder, "cert")
    settings = {
        "merchant_id": mchid,
        "app_id": min(keys.merchants[mchid].appids),
        "merchant_serial": certificate.name.partition("-")[2].partition(".")[0],
        "merchant_key_file": str(files.newest(folder, "key")),
        "api_v3_key_file": str(folder / "api_v3_key"),
        "platform_certificate_serial": keys.certificates[-1].serial,
        "platform_certificate_file": str(files.newest(files.platform, "cert")),
    }
    if names.has_public_key_mode:
        settings["platform_public_key_id"] = keys.public_keys[-1].serial
        settings["platform_public_key_file"] = str(files.newest(files.platform, "pub"))
    return settings
