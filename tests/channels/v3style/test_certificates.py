"""Which certificates are trusted: sealed under our key, and listed by whom we trust already."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.connector import HttpReply
from gateway.channels.keys import PlatformKeys, load_platform_certificate
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.certificates import (
    CertificatesRefused,
    certificates_request,
    read_certificates,
)
from tests.channels.v3style.wire import (
    NONCE,
    NOW,
    Side,
    certificate_pem,
    private_key,
    sealed,
)

OLD_ID, NEW_ID = "A1", "B2"


def _entry(side: Side, whose: str, key_id: str, **times: Any) -> dict[str, Any]:
    nonce, text = sealed(certificate_pem(whose, serial=key_id, **times), "certificate")
    return {
        side.names.certificate_id: key_id,
        "effective_time": "2026-02-28T12:00:00+08:00",
        "expire_time": "2026-03-31T12:00:00+08:00",
        "encrypt_certificate": {
            "algorithm": side.names.seal,
            "nonce": nonce,
            "associated_data": "certificate",
            side.names.certificate_text: text,
        },
    }


def _listed(side: Side, *entries: dict[str, Any], **signer: str) -> HttpReply:
    reply = side.reply(200, {side.names.certificate_list: entries})
    return HttpReply(200, side.signed(reply.body, **signer), reply.body)


def _knowing(side: Side) -> Account:
    """An account that trusts the old certificate."""
    old = load_platform_certificate(certificate_pem("older", serial=OLD_ID), OLD_ID)
    return side.connector.account.trusting(PlatformKeys([old]))


def _new(side: Side) -> Account:
    return side.connector.account.trusting(PlatformKeys())


def test_request(side: Side) -> None:
    """The list is asked for by a signed question."""
    sent = certificates_request(side.connector.account, NOW, NONCE)
    assert (sent.method, sent.path) == ("GET", side.names.certificates)
    assert "Authorization" in sent.headers


def test_list_of_a_known_key(side: Side) -> None:
    """A list signed by a certificate that is trusted brings the next one; both are trusted."""
    entries = (_entry(side, "older", OLD_ID), _entry(side, "platform", NEW_ID))
    reply = _listed(side, *entries, key_id=OLD_ID, whose="older")
    keys = read_certificates(_knowing(side), reply, NOW)
    assert keys.find(OLD_ID, NOW)
    found = keys.find(NEW_ID, NOW)
    assert found is not None
    assert found.key == private_key("platform").public_key()


def test_list_signed_by_a_certificate_in_it(side: Side) -> None:
    """The list may be signed by the very certificate that it brings."""
    reply = _listed(side, _entry(side, "platform", NEW_ID), key_id=NEW_ID, whose="platform")
    for account in (_knowing(side), _new(side)):
        assert read_certificates(account, reply, NOW).find(NEW_ID, NOW)


def test_first_list_may_be_unsigned(side: Side) -> None:
    """While nothing is trusted, the seal alone stands for the first list."""
    body = _listed(side, _entry(side, "platform", NEW_ID)).body
    assert read_certificates(_new(side), HttpReply(200, {}, body), NOW).find(NEW_ID, NOW)
    with pytest.raises(CertificatesRefused, match="not signed"):
        read_certificates(_knowing(side), HttpReply(200, {}, body), NOW)


def test_first_list_that_is_signed_wrongly(side: Side) -> None:
    """A first list that claims to be signed is held to it."""
    entry = _entry(side, "platform", NEW_ID)
    for signer in ({"key_id": NEW_ID, "whose": "stranger"}, {"key_id": "77"}):
        with pytest.raises(CertificatesRefused):
            read_certificates(_new(side), _listed(side, entry, **signer), NOW)


def test_stranger_cannot_list_certificates(side: Side) -> None:
    """A list that was sealed under another key is refused, whoever signed it."""
    entry = _entry(side, "stranger", NEW_ID)
    entry["encrypt_certificate"]["nonce"] = "ba9876543210"
    for account in (_knowing(side), _new(side)):
        reply = _listed(side, entry, key_id=NEW_ID, whose="stranger")
        with pytest.raises(CertificatesRefused, match="seal"):
            read_certificates(account, reply, NOW)


def test_old_certificates_are_forgotten(side: Side) -> None:
    """A certificate whose time is over is not trusted any more; one to come waits for its time."""
    day = timedelta(days=1)
    entries = (
        _entry(side, "platform", NEW_ID),
        _entry(side, "older", OLD_ID, start=NOW - 9 * day, end=NOW - day),
        _entry(side, "stranger", "C3", start=NOW + day, end=NOW + 9 * day),
    )
    keys = read_certificates(_new(side), _listed(side, *entries, key_id=NEW_ID), NOW)
    assert repr(keys) == "PlatformKeys(['B2', 'C3'])"
    assert keys.find("C3", NOW) is None
    assert keys.find("C3", NOW + 2 * day)


def test_list_without_a_valid_certificate(side: Side) -> None:
    """A list after which nothing would be trusted is refused."""
    over = {"start": NOW - timedelta(days=9), "end": NOW - timedelta(days=1)}
    body = _listed(side, _entry(side, "platform", NEW_ID, **over)).body
    with pytest.raises(CertificatesRefused, match="None of"):
        read_certificates(_new(side), HttpReply(200, {}, body), NOW)


def test_certificates_for_other_signatures_are_left_alone(side: Side) -> None:
    """Certificates that are sealed in another way are for another kind of signature."""
    other = _entry(side, "stranger", "C3")
    other["encrypt_certificate"]["algorithm"] = "AEAD_SM4_GCM"
    reply = _listed(side, other, _entry(side, "platform", NEW_ID), key_id=NEW_ID)
    assert repr(read_certificates(_new(side), reply, NOW)) == "PlatformKeys(['B2'])"


@pytest.mark.parametrize(
    "fields", [{}, {"data": {}}, {"data": [1], "certificates": [1]}, {"data": [{}] * 33}]
)
def test_what_is_no_list_is_refused(side: Side, fields: dict[str, Any]) -> None:
    """Anything else is refused."""
    with pytest.raises(CertificatesRefused):
        read_certificates(side.connector.account, side.reply(200, fields), NOW)


def test_sealed_nonsense_is_refused(side: Side) -> None:
    """What opens but is no certificate is refused."""
    entry = _entry(side, "platform", NEW_ID)
    nonce, text = sealed(b"no certificate", "certificate")
    entry["encrypt_certificate"] |= {"nonce": nonce, side.names.certificate_text: text}
    with pytest.raises(CertificatesRefused, match="not a PEM file"):
        read_certificates(_new(side), _listed(side, entry), NOW)


def test_error_is_refused(side: Side) -> None:
    """An error leaves everything as it was."""
    with pytest.raises(CertificatesRefused, match="500"):
        read_certificates(side.connector.account, side.error(500, "SYSTEM_ERROR"), NOW)


def test_connector_trusts_new_keys(side: Side) -> None:
    """A connector that is told of newer keys believes them from then on."""
    connector = type(side.connector)(side.connector.account.settings)
    reply = _listed(side, _entry(side, "platform", NEW_ID), key_id=NEW_ID)
    connector.trust(read_certificates(_new(side), reply, NOW))
    body = b"{}"
    connector.account.verify(side.signed(body, key_id=NEW_ID), body, NOW)
