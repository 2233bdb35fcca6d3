"""Whose certificates are believed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.channels.keys import SignatureRefused
from gateway.channels.unionpay.certificates import Trust, load_certificates
from tests.channels.unionpay.wire import (
    COMMON_NAME,
    NAME,
    NOW,
    certificate,
    elliptic_key,
    intermediate,
    leaf,
    pem,
    private_key,
    root,
    trust,
    weakened,
)

DAY = timedelta(days=1)
LEAF: dict[str, Any] = {"common_name": COMMON_NAME, "authority": False}


def test_chain_to_a_root() -> None:
    """The key of a certificate is given if a chain leads from it to a root."""
    assert trust().key_of(pem(leaf()), NOW).key == private_key("leaf").public_key()
    direct = certificate("leaf", "root", **LEAF)
    assert trust().key_of(pem(direct), NOW).key == private_key("leaf").public_key()


def test_old_and_new_root_at_once() -> None:
    """While roots change both are believed."""
    other = certificate("other root", "other root")
    both, key = trust(roots=(other, root())), private_key("leaf").public_key()
    assert both.key_of(pem(leaf()), NOW).key == key
    assert both.key_of(pem(certificate("leaf", "other root", **LEAF)), NOW).key == key


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (lambda: certificate("leaf", "leaf", **LEAF), "no chain"),
        (lambda: certificate("leaf", "stranger", **LEAF), "no chain"),
        (lambda: certificate("leaf", "intermediate", end=NOW, **LEAF), "no chain"),
        (lambda: certificate("leaf", "intermediate", start=NOW + DAY, **LEAF), "no chain"),
        (lambda: weakened(leaf(), "intermediate"), "no chain"),
        (lambda: certificate("leaf", "intermediate", usage="key_cert_sign", **LEAF), "not for"),
        (lambda: certificate("leaf", "intermediate", common_name="041@1@银联@1"), "another's"),
        (lambda: certificate("leaf", "intermediate", common_name=f"{NAME}商城"), "another's"),
        (lambda: certificate("leaf", "root", key=elliptic_key(), **LEAF), "of the protocol"),
    ],
)
def test_certificates_that_are_not_the_channels(
    shown: Callable[[], x509.Certificate], words: str
) -> None:
    """A stranger's, an expired, a weakly hashed and a misused certificate are refused."""
    with pytest.raises(SignatureRefused, match=words):
        trust().key_of(pem(shown()), NOW)


def test_short_key_is_refused() -> None:
    """A key that could be broken is not believed, whoever certified it."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    shown = certificate("leaf", "intermediate", key=short, **LEAF)
    with pytest.raises(SignatureRefused, match="of the protocol"):
        trust().key_of(pem(shown), NOW)


@pytest.mark.parametrize(
    "between",
    [
        lambda: certificate("intermediate", "root", authority=False),
        lambda: certificate("intermediate", "root", usage="digital_signature"),
        lambda: certificate("intermediate", "root", end=NOW),
        lambda: certificate("intermediate", "stranger"),
        lambda: weakened(intermediate(), "root"),
    ],
)
def test_links_that_do_not_hold(between: Callable[[], x509.Certificate]) -> None:
    """A link that is no authority, over, or itself without a root, breaks the chain."""
    with pytest.raises(SignatureRefused, match="no chain"):
        trust(intermediates=(between(),)).key_of(pem(leaf()), NOW)


def test_root_ends_too() -> None:
    """A root is believed only while it lasts."""
    over = certificate("root", "root", end=NOW)
    with pytest.raises(SignatureRefused, match="no chain"):
        trust(roots=(over,)).key_of(pem(leaf()), NOW)


def test_circle_of_certificates_ends() -> None:
    """Certificates that name each other lead nowhere, and are not followed for ever."""
    one = certificate("stranger", "other root")
    other = certificate("other root", "stranger")
    shown = certificate("leaf", "stranger", **LEAF)
    with pytest.raises(SignatureRefused, match="no chain"):
        trust(intermediates=(one, other)).key_of(pem(shown), NOW)


def test_certificate_is_held_against_the_messages_time() -> None:
    """The same certificate is good at one time and not at another."""
    at_its_end = leaf().not_valid_after_utc
    roots, between = (certificate("root", "root", end=NOW + 99 * DAY),), (intermediate(),)
    before = Trust(roots, between).key_of(pem(leaf()), at_its_end - timedelta(seconds=1))
    assert before.key == private_key("leaf").public_key()
    with pytest.raises(SignatureRefused, match="no chain"):
        Trust(roots, between).key_of(pem(leaf()), at_its_end)


def test_test_system_is_believed_only_if_told() -> None:
    """Its certificates are hashed with SHA-1 and bear another name: both must be allowed."""
    named = certificate("leaf", "intermediate", common_name="041@Z12@00040000:SIGN@00000062")
    shown = weakened(named, "intermediate")
    told = trust(name="00040000:SIGN", sha1=True)
    assert told.key_of(pem(shown), NOW).key == private_key("leaf").public_key()
    for less in (trust(sha1=True), trust(name="00040000:SIGN")):
        with pytest.raises(SignatureRefused):
            less.key_of(pem(shown), NOW)


def test_loading_certificates() -> None:
    """A file may hold several; one without any is refused with what is wrong."""
    both = root().public_bytes(Encoding.PEM) + intermediate().public_bytes(Encoding.PEM)
    assert load_certificates(both) == (root(), intermediate())
    for wrong in (b"", b"nonsense"):
        with pytest.raises(ValueError, match="no PEM file"):
            load_certificates(wrong)
    with pytest.raises(ValueError, match="root certificate"):
        Trust(())
