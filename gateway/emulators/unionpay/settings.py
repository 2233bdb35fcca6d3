"""What a gateway needs to connect, by name: values, and files that hold keys."""

from gateway.emulators.unionpay import keyfolder
from gateway.emulators.unionpay.certificates import SIGNER_NAME
from gateway.emulators.unionpay.keyfiles import KeyFiles
from gateway.emulators.unionpay.keyfolder import CERTIFICATE


def describe(files: KeyFiles, mer_id: str) -> dict[str, str]:
    """The settings of a gateway for one merchant; files are named, their contents are not told."""
    certificate = keyfolder.newest_first(files.merchant(mer_id))[0]
    stem = certificate.name.removesuffix(CERTIFICATE)
    return {
        "merchant_id": mer_id,
        "merchant_certificate_id": stem.partition("-")[2],
        "merchant_key_file": str(keyfolder.key_file(certificate)),
        "merchant_certificate_file": str(certificate),
        "root_certificate_file": str(files.root_certificate),
        "middle_certificate_file": str(files.middle_certificate),
        "signer_name": SIGNER_NAME,
    }
