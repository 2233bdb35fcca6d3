"""Alipay's new certificate: believed by its chain up to a root of ours, and not otherwise."""

import base64
from datetime import timedelta

import pytest
from cryptography import x509

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.certificates import (
    CertificateRefused,
    certificate_request,
    read_certificate,
)
from gateway.channels.alipay.keys import load_alipay_certificate
from gateway.channels.connector import HttpReply
from gateway.channels.keys import PlatformKey
from tests.channels.alipay.wire import (
    NOW,
    answer,
    certificate,
    pem_of,
    read_sent,
    refused,
    settings,
    sn_of,
)

METHOD = "alipay.open.app.alipaycert.download"
ROOT = certificate("root", authority=True)
ISSUER = certificate("ca", "root", authority=True)
LEAF = certificate("fresh", "ca")
OLDER = load_alipay_certificate(pem_of(certificate("alipay", subject="fresh")))
ACCOUNT = Account(settings(alipay_keys=(OLDER,)))
"""It was given a certificate that was issued to whom the fresh one is, by another issuer."""


def _reply(*chain: x509.Certificate, whose: str = "fresh", pem: bytes | None = None) -> HttpReply:
    content = base64.b64encode(pem_of(*chain) if pem is None else pem).decode()
    node = {"code": "10000", "msg": "Success", "alipay_cert_content": content}
    return answer(METHOD, node, whose=whose, sn=sn_of(chain[0] if chain else LEAF))


def _read(
    reply: HttpReply, *roots: x509.Certificate, sn: str = "", later: timedelta = timedelta(0)
) -> PlatformKey:
    return read_certificate(ACCOUNT, roots or (ROOT,), sn or sn_of(LEAF), reply, NOW + later)


def test_request() -> None:
    """The certificate is asked for by its name."""
    parameters, content = read_sent(certificate_request(ACCOUNT, sn_of(LEAF), NOW))
    assert parameters["method"] == METHOD
    assert content == {"alipay_cert_sn": sn_of(LEAF)}


@pytest.mark.parametrize("chain", [(LEAF, ISSUER), (LEAF, ISSUER, ROOT), (LEAF, ROOT, ISSUER)])
def test_chain_to_a_root(chain: tuple[x509.Certificate, ...]) -> None:
    """A certificate whose chain leads to a root of ours is trusted under its name."""
    key = _read(_reply(*chain))
    assert (key.key_id, key.key) == (sn_of(LEAF), LEAF.public_key())
    assert key.validity.end == LEAF.not_valid_after_utc


def test_certificate_right_below_a_root() -> None:
    """A chain may have one link."""
    leaf = certificate("fresh", "root")
    reply = _reply(leaf)
    assert _read(reply, sn=sn_of(leaf)).key_id == sn_of(leaf)


@pytest.mark.parametrize(
    "reply",
    [
        _reply(LEAF),
        _reply(LEAF, certificate("ca", "stranger", authority=True)),
        _reply(LEAF, certificate("ca", "root")),
        _reply(certificate("fresh", "ca", end=NOW - timedelta(hours=1)), ISSUER),
        _reply(LEAF, certificate("ca", "root", end=NOW, authority=True)),
        _reply(certificate("fresh"), ROOT),
        _reply(LEAF, ISSUER, whose="alipay"),
        _reply(certificate("alipay", "ca"), ISSUER, whose="alipay"),
        _reply(pem=b""),
        _reply(pem=b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        answer(METHOD, {"code": "10000", "alipay_cert_content": "%"}, whose="fresh"),
        answer(METHOD, {"code": "10000"}, whose="fresh"),
        refused(METHOD, "isv.invalid-parameter"),
        HttpReply(500, {}, _reply(LEAF, ISSUER).body),
        HttpReply(200, {}, b"{}"),
    ],
)
def test_what_may_not_be_trusted(reply: HttpReply) -> None:
    """No chain to a root, an issuer that is none, the wrong time or signature: refused."""
    with pytest.raises(CertificateRefused):
        _read(reply)


@pytest.mark.parametrize(
    "changes", [{"subject": "Some Other Merchant"}, {"organization": "Some Other Merchant"}]
)
def test_certificate_of_somebody_else(changes: dict[str, str]) -> None:
    """Below the same issuer are merchants' certificates too: no CN or O but Alipay's is trusted."""
    leaf = certificate("fresh", "ca", **changes)
    with pytest.raises(CertificateRefused, match="somebody else"):
        _read(_reply(leaf, ISSUER), sn=sn_of(leaf))


def test_without_a_certificate_of_alipay_none_is_trusted() -> None:
    """Who was given a bare key only knows no name that a certificate must have."""
    with pytest.raises(CertificateRefused, match="somebody else"):
        read_certificate(Account(settings()), [ROOT], sn_of(LEAF), _reply(LEAF, ISSUER), NOW)


def test_another_certificate_than_was_asked_for() -> None:
    """A good certificate under another name is not what was asked for."""
    with pytest.raises(CertificateRefused, match="another"):
        _read(_reply(LEAF, ISSUER), sn="0" * 32)


def test_roots_of_others() -> None:
    """A chain to a root that we were not given leads nowhere, and a certificate ages."""
    with pytest.raises(CertificateRefused, match="no root"):
        _read(_reply(LEAF, ISSUER), certificate("other", authority=True))
    with pytest.raises(CertificateRefused, match="valid now"):
        _read(_reply(LEAF, ISSUER), later=timedelta(days=31))
