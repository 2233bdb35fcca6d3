"""What is sealed opens for its key only, whole and unchanged; what is malformed is said to be."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1

from gateway.channels.douyin.names import DOUYIN
from gateway.channels.keys import MerchantKey, PlatformKey
from gateway.channels.v3style.sealing import (
    SealBroken,
    SealKey,
    decrypt_field,
    encrypt_field,
    open_sealed,
    open_with_any,
)
from gateway.channels.wechat.names import WECHAT
from tests.channels.v3style.wire import SEAL_KEY, flipped, private_key, sealed

KEY = SEAL_KEY.encode()
OTHER_KEY = SealKey("another key, also of 32 bytes...")
NAME = "李雷"


@pytest.mark.parametrize("associated_data", ["transaction", ""])
def test_sealed_text_opens(associated_data: str) -> None:
    """What the channel sealed opens, with additional data and without."""
    nonce, text = sealed(NAME.encode(), associated_data)
    assert open_sealed(KEY, nonce, associated_data, text).decode() == NAME


@pytest.mark.parametrize("nonce", ["01234567", "0123456789a", "0123456789abc", "x" * 64, "é" * 12])
def test_nonce_of_other_length_is_refused(nonce: str) -> None:
    """A nonce that has not twelve bytes is refused, even where the cipher would take it."""
    made = AESGCM(KEY).encrypt(nonce.encode(), b"x", b"")
    with pytest.raises(SealBroken, match="nonce has not 12 bytes"):
        open_sealed(KEY, nonce, "", base64.b64encode(made).decode())


@pytest.mark.parametrize("nonce", ["", "x" * 200, "\ud800" * 12])
def test_nonce_that_no_cipher_takes_is_refused(nonce: str) -> None:
    """A nonce that is no text of twelve bytes at all is refused, and nothing worse."""
    with pytest.raises(SealBroken):
        open_sealed(KEY, nonce, "transaction", sealed(b"x")[1])


def test_each_byte_of_the_seal_counts() -> None:
    """A bit of any byte of ciphertext, nonce or additional data breaks the seal."""
    nonce, text = sealed(b"a whole transaction")
    for altered in flipped(text.encode()):
        with pytest.raises(SealBroken):
            open_sealed(KEY, nonce, "transaction", altered.decode("latin-1"))
    for altered in flipped(nonce.encode()):
        with pytest.raises(SealBroken):
            open_sealed(KEY, altered.decode("latin-1"), "transaction", text)
    for altered in flipped(b"transaction"):
        with pytest.raises(SealBroken):
            open_sealed(KEY, nonce, altered.decode("latin-1"), text)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "=", "é", "QUJD\n"])
def test_malformed_ciphertext_is_refused(text: str) -> None:
    """What is shorter than its tag, or no base64, does not open."""
    with pytest.raises(SealBroken):
        open_sealed(KEY, "0123456789ab", "", text)


def test_seal_key_has_32_bytes() -> None:
    """A key of another length is refused when it is configured, and no key shows itself."""
    for key in ("", "x" * 31, "x" * 33, "é" * 32):
        with pytest.raises(ValueError, match="must have 32 bytes"):
            SealKey(key)
    assert SEAL_KEY not in repr(SealKey(SEAL_KEY))


def test_keys_are_changed_without_loss() -> None:
    """While the merchant's key is changed, what was sealed under either opens."""
    nonce, text = sealed(NAME.encode())
    keys = (OTHER_KEY, SealKey(SEAL_KEY))
    assert open_with_any(keys, nonce, "transaction", text).decode() == NAME
    for wrong in ((OTHER_KEY,), ()):
        with pytest.raises(SealBroken):
            open_with_any(wrong, nonce, "transaction", text)


@pytest.mark.parametrize(
    ("names", "padding"),
    [(WECHAT, OAEP(MGF1(SHA1()), SHA1(), None)), (DOUYIN, PKCS1v15())],
)
def test_personal_field(names, padding) -> None:
    """A personal field is encrypted as each channel wants it, and read by the key it was for."""
    theirs = PlatformKey("1", private_key("platform").public_key())
    text = encrypt_field(theirs, NAME, names.field_padding)
    plain = private_key("platform").decrypt(base64.b64decode(text), padding)
    assert plain.decode() == NAME
    ours = [MerchantKey("0", private_key("older")), MerchantKey("1", private_key("merchant"))]
    made = private_key("merchant").public_key().encrypt(NAME.encode(), padding)
    told = base64.b64encode(made).decode()
    assert decrypt_field(ours[::-1], told, names.field_padding) == NAME


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "é"])
def test_field_of_another_is_refused(text: str) -> None:
    """What was not encrypted for a key of ours is said to be so."""
    ours = [MerchantKey("1", private_key("merchant"))]
    with pytest.raises(SealBroken):
        decrypt_field(ours, text, WECHAT.field_padding)
