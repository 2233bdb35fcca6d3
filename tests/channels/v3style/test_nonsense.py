"""Nonsense, signed or not, raises nothing but the errors that are declared."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.channels.bill import BillRefused
from gateway.channels.connector import Action, HttpReply
from gateway.channels.encoding import decode_base64, encode_base64
from gateway.channels.fields import Malformed, read_object
from gateway.channels.keys import SignatureRefused
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.bills import read_ticket
from gateway.channels.v3style.certificates import CertificatesRefused, read_certificates
from gateway.channels.v3style.contracts import ContractRefused, read_pre_entrust
from gateway.channels.v3style.notices import Envelope, read_notice
from gateway.channels.v3style.sealing import SealBroken, open_sealed
from gateway.channels.v3style.signing import verify_message
from gateway.channels.wechat.bill import parse_bill
from gateway.domain.channel import AttemptKind, NotificationRefused, OutcomeClass
from tests.channels.v3style.bill_files import bill_file, paid, refunded
from tests.channels.v3style.wire import NOW, SEAL_KEY, call, refund, transaction, wechat

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
NAMES = sorted({*transaction("SUCCESS"), *refund("SUCCESS"), "code_url", "prepay_id", "code"})
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), JSON, max_size=9)
HEADERS = st.dictionaries(
    st.sampled_from(["timestamp", "nonce", "signature", "serial", "signature-type"]).map(
        "wechatpay-".__add__
    ),
    st.text(max_size=40) | st.from_regex(r"[0-9]{1,20}", fullmatch=True),
)
MADE = [
    call(action, kind, method)
    for action in (Action.SEND, Action.ASK)
    for kind, method in ((AttemptKind.CHARGE, "code"), (AttemptKind.CHARGE, "papay"))
] + [
    call(Action.FENCE),
    call(method="jsapi"),
    call(Action.ASK, AttemptKind.CANCEL),
    call(kind=AttemptKind.REFUND),
]


@pytest.fixture(autouse=True)
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as signed, so that nonsense reaches every reader."""
    monkeypatch.setattr(Account, "verify", lambda *_: None)


@FEW
@given(st.binary(max_size=200), HEADERS)
def test_headers_and_body(body: bytes, headers: dict[str, str]) -> None:
    """No header and no body does worse than being refused."""
    names, keys = wechat().names, wechat().connector.account.settings.platform_keys
    with pytest.raises(SignatureRefused):
        verify_message(names, keys, headers, body, NOW)


@FEW
@given(st.sampled_from(MADE), st.integers(100, 599), st.binary(max_size=100))
def test_bytes_as_an_answer(made: Any, status: int, body: bytes) -> None:
    """Bytes that are no answer leave every attempt unknown, but for a close, which has no body."""
    outcome = wechat().connector.parse(made, HttpReply(status, {}, body))
    closed = made.action is Action.FENCE and status in (200, 204)
    assert outcome.outcome is (OutcomeClass.FAILED if closed else OutcomeClass.UNKNOWN)


@FEW
@given(st.sampled_from(MADE), st.sampled_from([200, 202, 400, 403, 404, 500]), OBJECTS)
def test_objects_as_an_answer(made: Any, status: int, fields: dict[str, Any]) -> None:
    """Objects with the protocol's names and any values raise nothing and never are a success."""
    outcome = wechat().connector.parse(made, HttpReply(status, {}, json.dumps(fields).encode()))
    assert outcome.outcome is not OutcomeClass.SUCCESS


@FEW
@given(
    st.sampled_from([transaction("SUCCESS"), refund("SUCCESS")]),
    st.sampled_from(NAMES),
    JSON,
    st.sampled_from(MADE),
)
def test_answer_with_one_odd_field(shown: dict[str, Any], name: str, value: Any, made: Any) -> None:
    """A good answer with one field of any value raises nothing."""
    body = json.dumps(shown | {name: value}).encode()
    wechat().connector.parse(made, HttpReply(200, {}, body))


@FEW
@given(st.binary(max_size=200) | OBJECTS.map(lambda fields: json.dumps(fields).encode()))
def test_notification(body: bytes) -> None:
    """No body of a notification does worse than being refused."""
    with pytest.raises(NotificationRefused):
        wechat().connector.read_notification("/", {}, body, NOW)


@FEW
@given(
    st.sampled_from(["TRANSACTION.SUCCESS", "TRANSACTION.FAIL", "REFUND.SUCCESS", "X"]),
    OBJECTS.map(lambda fields: json.dumps(transaction("SUCCESS") | fields).encode())
    | st.binary(max_size=50),
)
def test_opened_notification(event: str, resource: bytes) -> None:
    """Neither does any resource that was sealed."""
    with contextlib.suppress(NotificationRefused):
        assert read_notice(wechat().connector.account, Envelope(event, resource)).number


@FEW
@given(OBJECTS | st.fixed_dictionaries({"data": JSON}), st.sampled_from([200, 400, 500]))
def test_answers_beside_the_port(fields: dict[str, Any], status: int) -> None:
    """Certificates, tickets and contracts of any shape are read or refused."""
    account = wechat().connector.account
    reply = HttpReply(status, {}, json.dumps(fields).encode())
    with contextlib.suppress(CertificatesRefused):
        read_certificates(account, reply, NOW)
    with contextlib.suppress(BillRefused):
        read_ticket(account, reply, NOW)
    with contextlib.suppress(ContractRefused):
        read_pre_entrust(account, reply, NOW)


@FEW
@given(st.binary(max_size=300))
def test_json(body: bytes) -> None:
    """Any bytes are an object or malformed."""
    with contextlib.suppress(Malformed):
        read_object(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 9_999])
def test_json_that_would_exhaust(body: bytes) -> None:
    """Depth and length that a reader could choke on are malformed."""
    with pytest.raises(Malformed):
        read_object(body)


@FEW
@given(st.text(max_size=20), st.text(max_size=9), st.text(max_size=60))
def test_seal(nonce: str, associated_data: str, ciphertext: str) -> None:
    """No text opens that was not sealed."""
    with pytest.raises(SealBroken):
        open_sealed(SEAL_KEY.encode(), nonce, associated_data, ciphertext)


@FEW
@given(st.binary(max_size=60), st.text(max_size=60))
def test_base64(data: bytes, text: str) -> None:
    """Base64 is the one text of its bytes, and nothing else decodes."""
    assert decode_base64(encode_base64(data)) == data
    with contextlib.suppress(ValueError):
        assert encode_base64(decode_base64(text)) == text


@FEW
@given(st.data())
def test_bill_with_a_change(data: st.DataObject) -> None:
    """A bill changed anywhere is read or refused, and what is read adds up."""
    whole = bill_file(paid(), refunded())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 20, len(whole))))
    changed = whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:]
    with contextlib.suppress(BillRefused):
        bill = parse_bill(changed)
        assert bill.totals.lines == len(bill.lines)
