"""TLS both ways, with certificates made for the test."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from paymentgateway import errors
from paymentgateway.client import GatewayClient, Retry, Tls
from paymentgateway.v1.payment_service_pb2 import GetPaymentResponse
from tests.clients.scripted_gateway import ScriptedGateway

ONCE = Retry(attempts_max=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for this machine and its key; both ends trust it and show it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates of this test")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    output = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, *name, *output], check=True, capture_output=True
    )
    return certificate, key


@pytest.fixture
def gateway(files: tuple[Path, Path]) -> Iterator[ScriptedGateway]:
    """A gateway that asks callers for a certificate."""
    certificate, key = (path.read_bytes() for path in files)
    credentials = grpc.ssl_server_credentials(
        [(key, certificate)], root_certificates=certificate, require_client_auth=True
    )
    scripted = ScriptedGateway(credentials)
    yield scripted
    scripted.stop()


async def test_mutual_tls(gateway: ScriptedGateway, files: tuple[Path, Path]) -> None:
    """A client with the gateway's root and a certificate of its own is let in."""
    certificate, key = files
    gateway.script("GetPayment", GetPaymentResponse())
    tls = Tls.from_files(certificate, certificate, key)
    async with GatewayClient(gateway.target, tls=tls, retry=ONCE) as client:
        await client.get_payment(merchant_id="m_demo", payment_id="pay_1")
    assert len(gateway.received) == 1


@pytest.mark.parametrize("with_root", [False, True])
async def test_strangers_are_kept_out(
    gateway: ScriptedGateway, files: tuple[Path, Path], with_root: bool
) -> None:
    """Without the gateway's root, or without a certificate, no call gets through."""
    tls = Tls.from_files(files[0]) if with_root else Tls()
    async with GatewayClient(gateway.target, tls=tls, retry=ONCE, deadline_s=2.0) as client:
        with pytest.raises(errors.Unavailable):
            await client.get_payment(merchant_id="m_demo", payment_id="pay_1")
    assert not gateway.received


def test_half_a_certificate_is_refused() -> None:
    """A chain without its key, or a key without its chain, is refused at once."""
    for half in ({"certificate_chain": b"chain"}, {"private_key": b"key"}):
        with pytest.raises(ValueError, match="both its chain and its private key"):
            Tls(**half)


def test_the_private_key_is_not_shown() -> None:
    """A log line with the settings does not hold the private key."""
    assert "secret" not in repr(Tls(b"root", b"chain", b"secret"))
