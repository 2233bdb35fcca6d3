"""Keys: both modes, the list of certificates, and every kind of exchange without a gap."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.emulators.wechat.names import WECHAT
from tests.emulators.bench import Receiver
from tests.emulators.v3bench import Merchant, Shop, serving
from tests.emulators.wechat import till

SERIAL = "Wechatpay-Serial"


async def serial_of(shop: Shop, wanted: str | None = None) -> str:
    """The serial that signs a reply."""
    reply = await shop.ask("GET", "/v3/certificates", headers={SERIAL: wanted})
    if not reply.signed:  # the first one
        reply = await shop.ask("GET", "/v3/certificates", headers={SERIAL: wanted})
    assert reply.signed
    return str(reply.headers[SERIAL])


def open_certificates(shop: Shop, body: object) -> list[x509.Certificate]:
    """What the list of certificates holds, opened with the APIv3 key."""
    assert isinstance(body, dict)
    found = []
    for entry in body["data"]:
        sealed = entry["encrypt_certificate"]
        assert (sealed["algorithm"], sealed["associated_data"]) == (
            "AEAD_AES_256_GCM",
            "certificate",
        )
        pem = AESGCM(shop.merchant.api_v3_key).decrypt(
            sealed["nonce"].encode(),
            base64.b64decode(sealed["ciphertext"]),
            sealed["associated_data"].encode(),
        )
        certificate = x509.load_pem_x509_certificate(pem)
        assert entry["serial_no"] == f"{certificate.serial_number:040X}"
        assert entry["effective_time"] < entry["expire_time"]
        found.append(certificate)
    return found


async def test_the_first_list_of_certificates_proves_itself(shop: Shop) -> None:
    """The first download is unsigned and sealed; the second is signed too."""
    first = await shop.ask("GET", "/v3/certificates")
    assert (first.status, first.signed) == (200, False)
    assert len(open_certificates(shop, first.body)) == 1
    second = await shop.ask("GET", "/v3/certificates")
    assert second.signed


async def test_a_request_names_the_key_it_wants(shop: Shop) -> None:
    """The usual key is the public key; either is used for whoever names it."""
    keys = await shop.control("GET", "/control/keys")
    [certificate], [public] = keys["certificates"], keys["public_keys"]
    assert public.startswith("PUB_KEY_ID_")
    assert await serial_of(shop) == public
    assert await serial_of(shop, public) == public
    assert await serial_of(shop, certificate) == certificate


@pytest.mark.parametrize(
    ("mode", "beginnings"),
    [("PUBLIC_KEY", {"PUB"}), ("CERTIFICATE", {"CERT"}), ("MIXED", {"PUB", "CERT"})],
)
async def test_notifications_follow_the_mode(
    shop: Shop, receiver: Receiver, mode: str, beginnings: set[str]
) -> None:
    """One key, the other, or while merchants move, both in turn."""
    await shop.control("POST", "/control/keys/mode", {"mode": mode})
    for _ in range(4):
        await till.paid(shop, notify_url=f"{receiver.url}/n")
    received = await receiver.wait_for(4)
    assert all(shop.open(one).verified for one in received)
    kinds = {"PUB" if r.headers[SERIAL].startswith("PUB") else "CERT" for r in received}
    assert kinds == beginnings


async def test_the_mode_survives_a_restart(shop: Shop) -> None:
    """What was switched stays switched."""
    await shop.control("POST", "/control/keys/mode", {"mode": "CERTIFICATE"})
    shop.stop.set()
    async with serving(shop.keys.parent, WECHAT) as restarted:
        assert (await restarted.control("GET", "/control/keys"))["mode"] == "CERTIFICATE"


async def test_a_new_platform_certificate_comes_beside_the_old_one(shop: Shop) -> None:
    """Both are listed, the newer signs, the older still signs for whoever names it."""
    await shop.control("POST", "/control/keys/mode", {"mode": "CERTIFICATE"})
    old = await serial_of(shop)
    body = {"what": "PLATFORM_CERTIFICATE"}
    keys = await shop.control("POST", "/control/keys/rotate", body)
    assert keys["certificates"][0] == old
    assert len(keys["certificates"]) == 2
    assert await serial_of(shop) == keys["certificates"][1]
    assert await serial_of(shop, old) == old
    listed = (await shop.ask("GET", "/v3/certificates")).body
    assert len(open_certificates(shop, listed)) == 2


async def test_a_retired_key_is_gone(shop: Shop) -> None:
    """After the exchange the older keys are neither listed nor to be had."""
    keys = await shop.control("GET", "/control/keys")
    for what, name in (
        ("PLATFORM_CERTIFICATE", "certificates"),
        ("PLATFORM_PUBLIC_KEY", "public_keys"),
    ):
        [old] = keys[name]
        body = {"what": what, "retire_older": True}
        fresh = await shop.control("POST", "/control/keys/rotate", body)
        assert len(fresh[name]) == 1
        assert fresh[name] != [old]
        reply = await shop.ask("GET", "/v3/certificates", headers={SERIAL: old})
        assert (reply.status, reply.code) == (400, "PARAM_ERROR")


async def test_a_merchant_exchanges_its_certificate_without_a_gap(shop: Shop) -> None:
    """Old and new certificate both pass until the old one is retired."""
    old = shop.merchant
    await shop.control("POST", "/control/keys/rotate", {"what": "MERCHANT_CERTIFICATE"})
    new = Merchant.load(shop.keys)
    assert new.serial != old.serial
    for merchant in (old, new):
        shop.merchant = merchant
        assert (await till.create(shop)).status == 200
    body = {"what": "MERCHANT_CERTIFICATE", "retire_older": True}
    keys = await shop.control("POST", "/control/keys/rotate", body)
    newest = Merchant.load(shop.keys)
    assert keys["merchant_certificates"] == [newest.serial]
    assert keys["settings"]["merchant_serial"] == newest.serial
    assert [await _status(shop, one) for one in (old, new, newest)] == [401, 401, 200]


async def test_keys_survive_a_restart(shop: Shop) -> None:
    """The folder holds all keys there are; nothing is made twice."""
    before = await shop.control("GET", "/control/keys")
    shop.stop.set()
    async with serving(shop.keys.parent, WECHAT) as restarted:
        assert await restarted.control("GET", "/control/keys") == before


async def test_no_control_endpoint_tells_a_secret(shop: Shop) -> None:
    """Settings name files; the APIv3 key and private keys are in none of the replies."""
    for path in ("/control/keys", "/control/summary", "/control/orders", "/control/fields"):
        reply = await shop.try_control("GET", path)
        assert shop.merchant.api_v3_key not in reply.raw
        assert b"PRIVATE" not in reply.raw


async def _status(shop: Shop, merchant: Merchant) -> int:
    shop.merchant = merchant
    return (await till.create(shop)).status
