"""What a gateway needs to connect, by name: values, and files that hold keys."""

from gateway.emulators.alipay.certificates import certificate_sn, first_certificate
from gateway.emulators.alipay.keyfiles import KeyFiles, key_of
from gateway.emulators.alipay.keys import Keys


def describe(files: KeyFiles, keys: Keys, app_id: str) -> dict[str, str]:
    """The settings of a gateway for one app; files are named, their contents are not told."""
    app, certificate = files.newest("app", app_id), files.newest("certificate")
    return {
        "app_id": app_id,
        "seller_id": keys.apps[app_id].seller_id,
        "app_key_file": str(key_of(app)),
        "public_key_file": str(files.newest("public")),
        "app_certificate_file": str(app),
        "app_cert_sn": certificate_sn(first_certificate(app.read_bytes())),
        "certificate_file": str(certificate),
        "cert_sn": keys.certificates[-1].sn,
        "root_certificate_file": str(files.root),
        "root_cert_sn": keys.root_sn,
    }
