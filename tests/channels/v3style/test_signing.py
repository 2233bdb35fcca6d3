"""Whom the connector believes: signatures, keys, times, and what must be refused."""

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.channels.connector import Action, HttpReply
from gateway.channels.keys import (
    MerchantKey,
    PlatformKey,
    PlatformKeys,
    SignatureRefused,
    Validity,
    current,
)
from gateway.channels.v3style.signing import verify_message
from gateway.channels.wechat.connector import WechatConnector
from gateway.domain.channel import OutcomeClass
from tests.channels.v3style.wire import (
    APPID,
    CERTIFICATE_ID,
    MCHID,
    NONCE,
    NOW,
    PUBLIC_KEY_ID,
    Side,
    call,
    flipped,
    private_key,
    transaction,
    wechat,
)

BODY = b'{"code_url":"weixin://wxpay/bizpayurl?pr=1"}'
AUTHORIZATION = re.compile(
    r'(?P<scheme>[\w-]+) mchid="(?P<mchid>[^"]+)",nonce_str="(?P<nonce>[^"]+)",'
    r'signature="(?P<signature>[^"]+)",timestamp="(?P<timestamp>\d+)",serial_no="(?P<serial>[^"]+)"'
)


def _verify(side: Side, headers: dict[str, str], body: bytes = BODY, **late: float) -> None:
    side.connector.account.verify(headers, body, NOW + timedelta(**late))


@pytest.mark.parametrize("action", [Action.SEND, Action.ASK])
def test_request_is_signed(side: Side, action: Action) -> None:
    """What is sent carries a signature of ours over its method, path, time, nonce and bytes."""
    sent = side.connector.build(call(action))
    said = AUTHORIZATION.fullmatch(sent.headers["Authorization"])
    assert said is not None
    assert said["scheme"] == side.names.scheme
    assert (said["mchid"], said["nonce"], said["serial"]) == (MCHID, NONCE, "AB12")
    assert said["timestamp"] == str(int(NOW.timestamp()))
    text = f"{sent.method}\n{sent.path}\n{said['timestamp']}\n{NONCE}\n".encode()
    signature = base64.b64decode(said["signature"])
    public = private_key("merchant").public_key()
    public.verify(signature, text + sent.body + b"\n", PKCS1v15(), SHA256())
    assert sent.headers["Accept"] == sent.headers["Content-Type"] == "application/json"


def test_bare_public_key_is_asked_for() -> None:
    """In public-key mode the request names the key that shall sign the answer."""
    assert wechat().connector.build(call()).headers["Wechatpay-Serial"] == PUBLIC_KEY_ID


def test_newest_public_key_is_asked_for() -> None:
    """Of two public keys the newest that is good now is named, so a new one takes over in time."""
    public, day = private_key("platform").public_key(), timedelta(days=1)
    keys = [
        PlatformKey(f"PUB_KEY_ID_{name}", public, Validity(NOW + start * day, NOW + 9 * day))
        for name, start in (("1", -9), ("2", -1), ("3", 1))
    ]
    for order in (keys, keys[::-1]):
        account = wechat().connector.account.trusting(PlatformKeys(order))
        sent = account.get("/", NOW, NONCE)
        assert sent.headers["Wechatpay-Serial"] == "PUB_KEY_ID_2"


def test_certificate_mode_names_no_key() -> None:
    """Where only certificates are trusted, the channel chooses."""
    side = wechat()
    key = PlatformKey(CERTIFICATE_ID, private_key("platform").public_key())
    connector = WechatConnector(side.connector.account.settings)
    connector.trust(PlatformKeys([key]))
    assert "Wechatpay-Serial" not in connector.build(call()).headers


def test_signed_message_is_believed(side: Side) -> None:
    """A message of the channel is believed, with a body, without one, and in any case of names."""
    _verify(side, side.signed(BODY))
    _verify(side, side.signed(b""), b"")
    _verify(side, {name.title(): value for name, value in side.signed(BODY).items()})
    raw = b"\xff\x00 not even text"
    _verify(side, side.signed(raw), raw)


def test_signature_type_may_be_absent(side: Side) -> None:
    """Without its type a signature is of the type there is."""
    headers = side.signed(BODY)
    del headers[f"{side.names.header.lower()}-signature-type"]
    _verify(side, headers)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature", "serial"])
@pytest.mark.parametrize("value", [None, "", " ", "1, 1", "é", "\n"])
def test_header_is_needed(side: Side, name: str, value: str | None) -> None:
    """A missing, empty, doubled or malformed header leaves nothing to believe."""
    headers = side.signed(BODY)
    full = f"{side.names.header.lower()}-{name}"
    del headers[full]
    if value is not None:
        headers[full] = value
    with pytest.raises(SignatureRefused):
        _verify(side, headers)


def test_header_that_stands_twice_is_refused(side: Side) -> None:
    """Two headers that differ in case only are two, and nobody knows which is meant."""
    headers = side.signed(BODY)
    again = {f"{side.names.header}-Serial": headers[f"{side.names.header.lower()}-serial"]}
    with pytest.raises(SignatureRefused, match="twice"):
        _verify(side, headers | again)


@pytest.mark.parametrize("type_", ["WECHATPAY2-SM2-WITH-SM3", "DouyinPay-SM2", ""])
def test_other_type_is_refused(side: Side, type_: str) -> None:
    """A signature of another kind is not taken for ours."""
    headers = side.signed(BODY) | {f"{side.names.header.lower()}-signature-type": type_}
    with pytest.raises(SignatureRefused, match="not ours"):
        _verify(side, headers)


@pytest.mark.parametrize("seconds", [299, -299, 0])
def test_fresh_message_is_believed(side: Side, seconds: int) -> None:
    """Up to five minutes our clock may differ, in either direction."""
    _verify(side, side.signed(BODY), seconds=seconds)


@pytest.mark.parametrize("seconds", [300, -300, 86_400, -86_400])
def test_stale_message_is_refused(side: Side, seconds: int) -> None:
    """At five minutes a message is stale, one from the future too."""
    with pytest.raises(SignatureRefused, match="stale"):
        _verify(side, side.signed(BODY), seconds=seconds)


@pytest.mark.parametrize("timestamp", ["99999999999", "0", "-1", "1e9", "+1", "٣", "9" * 400])
def test_odd_time_is_refused(side: Side, timestamp: str) -> None:
    """A time that is none, or of another age, is refused and nothing worse."""
    headers = side.signed(BODY) | {f"{side.names.header.lower()}-timestamp": timestamp}
    with pytest.raises(SignatureRefused):
        _verify(side, headers)


def test_probe_is_refused(side: Side) -> None:
    """A signature made to be refused is refused, and named as what it is."""
    name = f"{side.names.header.lower()}-signature"
    headers = side.signed(BODY)
    headers[name] = "WECHATPAY/SIGNTEST/" + headers[name][19:]
    with pytest.raises(SignatureRefused, match="probe"):
        _verify(side, headers)


def test_foreign_signature_is_refused(side: Side) -> None:
    """A stranger's key under the channel's id, or under an id of his own, proves nothing."""
    with pytest.raises(SignatureRefused, match="wrong"):
        _verify(side, side.signed(BODY, whose="stranger"))
    with pytest.raises(SignatureRefused, match="not trusted"):
        _verify(side, side.signed(BODY, whose="stranger", key_id="77"))


def test_each_byte_counts(side: Side) -> None:
    """A bit of any byte of an answer's body or signature headers makes it UNKNOWN."""
    made = call(Action.ASK)
    good = side.reply(200, transaction("SUCCESS"))
    assert side.connector.parse(made, good).outcome is OutcomeClass.SUCCESS
    replies = [HttpReply(200, good.headers, altered) for altered in flipped(good.body)]
    for name, value in good.headers.items():
        if name != "request-id":
            altered = [text.decode("latin-1") for text in flipped(value.encode())]
            replies += [HttpReply(200, {**good.headers, name: text}, good.body) for text in altered]
    assert len(replies) > 2 * len(good.body)
    outcomes = [side.connector.parse(made, reply) for reply in replies]
    assert {outcome.outcome for outcome in outcomes} == {OutcomeClass.UNKNOWN}
    assert not any(outcome.not_found or outcome.money for outcome in outcomes)


def test_signature_has_one_spelling(side: Side) -> None:
    """Base64 that decodes to the same signature, but is not its one text, is refused."""
    name = f"{side.names.header.lower()}-signature"
    headers = side.signed(BODY)
    good = headers[name]
    last = good[-3]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = good[:-3] + alphabet[alphabet.index(last) ^ 1] + "=="
    assert base64.b64decode(twin) == base64.b64decode(good)
    for spelling in (twin, good.rstrip("="), good + "\n", f" {good}", f"{good[:64]}\n{good[64:]}"):
        with pytest.raises(SignatureRefused):
            _verify(side, {**headers, name: spelling})


def test_keys_of_both_modes_are_believed_at_once() -> None:
    """While a merchant moves from certificates to the public key, each signs by its own id."""
    side = wechat()
    keys = PlatformKeys(
        [
            PlatformKey(PUBLIC_KEY_ID, private_key("platform").public_key()),
            PlatformKey(CERTIFICATE_ID, private_key("older").public_key()),
        ]
    )
    old = side.signed(BODY, key_id=CERTIFICATE_ID, whose="older")
    verify_message(side.names, keys, side.signed(BODY), BODY, NOW)
    verify_message(side.names, keys, old, BODY, NOW)
    with pytest.raises(SignatureRefused, match="wrong"):
        verify_message(side.names, keys, side.signed(BODY, key_id=CERTIFICATE_ID), BODY, NOW)


@pytest.mark.parametrize(("days", "trusted"), [(-2, False), (0, True), (1, False), (2, False)])
def test_key_is_believed_in_its_time_only(side: Side, days: int, trusted: bool) -> None:
    """A key whose time has not come, or is over, signs nothing that is believed."""
    validity = Validity(NOW - timedelta(days=1), NOW + timedelta(days=1))
    keys = PlatformKeys([PlatformKey(side.key_id, private_key("platform").public_key(), validity)])
    now = NOW + timedelta(days=days)
    headers = side.signed(BODY, now)
    if trusted:
        verify_message(side.names, keys, headers, BODY, now)
        return
    with pytest.raises(SignatureRefused, match="not trusted"):
        verify_message(side.names, keys, headers, BODY, now)


@pytest.mark.parametrize(("spelling", "trusted"), [("00AB12", True), ("ab12", False)])
def test_serial_is_a_number(side: Side, spelling: str, trusted: bool) -> None:
    """Leading zeros of a serial say nothing, and its letters are upper case."""
    keys = PlatformKeys([PlatformKey("0AB12", private_key("platform").public_key())])
    assert bool(keys.find(spelling, NOW)) == trusted


def test_newest_of_our_keys_signs() -> None:
    """Of our keys that are valid the newest signs, so a new one takes over at its time."""
    old, new = (
        MerchantKey(serial, private_key("merchant"), Validity(start, NOW + timedelta(days=9)))
        for serial, start in (("A1", NOW - timedelta(days=9)), ("B2", NOW))
    )
    assert current([old, new], NOW) is current([new, old], NOW) is new
    assert current([new, old], NOW - timedelta(seconds=1)) is old
    with pytest.raises(ValueError, match="No merchant key is valid now"):
        current([new, old], NOW + timedelta(days=9))


def test_front_end_parameters_are_signed(side: Side) -> None:
    """The parameters for the front end carry our signature over its four lines."""
    made = call(method="jsapi")
    outcome = side.connector.parse(made, side.reply(200, {"prepay_id": "wx2014"}))
    assert outcome.next_action is not None
    assert APPID in outcome.next_action.content
