"""Nonsense, signed or not, raises nothing but the errors that are declared."""

import contextlib
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.channels.alipay.account import Account
from gateway.channels.alipay.bill import parse_bill
from gateway.channels.alipay.bills import read_address
from gateway.channels.alipay.certificates import CertificateRefused, read_certificate
from gateway.channels.alipay.envelope import read_envelope
from gateway.channels.alipay.forms import read_form
from gateway.channels.alipay.reversal import ReversalRefused, read_reversal
from gateway.channels.alipay.steps import method_of
from gateway.channels.alipay.texts import bounded, java_length
from gateway.channels.bill import BillRefused
from gateway.channels.connector import Action, HttpReply
from gateway.channels.fields import Malformed
from gateway.domain.channel import AttemptKind, NotificationRefused, OutcomeClass
from tests.channels.alipay.bill_files import archive, row, text_of, totals
from tests.channels.alipay.wire import (
    APP_ID,
    HELD_NUMBER,
    NOW,
    NUMBER,
    SELLER_ID,
    call,
    certificate,
    connector,
    hold,
    trade,
)

FEW = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
SAID = trade("TRADE_SUCCESS") | hold("SUCCESS") | {"sub_code": "ACQ.X", "qr_code": "a://b"}
NAMES = sorted({*SAID, "fund_change", "refund_status", "refund_amount", "action", "retry_flag"})
CHANGES = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), JSON, max_size=5)
CODES = st.sampled_from(["10000", "10003", "20000", "40004", "40006"]) | JSON
HELD = {"way": "auth_code_freeze", "charge_channel_number": HELD_NUMBER}
MADE = [
    call(),
    call(way="code"),
    call(Action.ASK),
    call(Action.FENCE),
    call(Action.SEND, AttemptKind.CANCEL),
    call(Action.ASK, AttemptKind.CANCEL),
    call(Action.SEND, AttemptKind.REFUND),
    call(Action.ASK, AttemptKind.REFUND),
    call(way="auth_code_freeze"),
    call(Action.ASK, way="auth_code_freeze"),
    call(Action.FENCE, way="auth_code_freeze"),
    call(Action.SEND, AttemptKind.CAPTURE, **HELD),
    call(Action.SEND, AttemptKind.CANCEL, **HELD),
]


@pytest.fixture(autouse=True)
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as signed, so that nonsense reaches every reader."""
    monkeypatch.setattr(Account, "verify", lambda *_: None)
    monkeypatch.setattr(Account, "verify_form", lambda *_: None)


def _reply(method: str, node: Any) -> HttpReply:
    name = f"{method.replace('.', '_')}_response"
    return HttpReply(200, {}, json.dumps({name: node, "sign": "x"}).encode())


@FEW
@given(st.sampled_from(MADE), st.binary(max_size=100) | JSON.map(lambda v: json.dumps(v).encode()))
def test_bytes_as_an_answer(made: Any, body: bytes) -> None:
    """Bytes that are no answer leave every attempt unknown."""
    assert connector().parse(made, HttpReply(200, {}, body)).outcome is OutcomeClass.UNKNOWN


@FEW
@given(st.sampled_from(MADE), CODES, CHANGES)
def test_fields_as_an_answer(made: Any, code: Any, changes: dict[str, Any]) -> None:
    """Whatever fields an answer has, it is understood or proves nothing, in bounded words."""
    node = SAID | {"code": code} | changes
    outcome = connector().parse(made, _reply(method_of(made), node))
    assert len(outcome.evidence) <= 2_000
    assert outcome.evidence.isprintable()
    assert (outcome.failure is not None) == (outcome.outcome is OutcomeClass.FAILED)


@FEW
@given(st.binary(max_size=200))
def test_bytes_as_anything(body: bytes) -> None:
    """Bytes that mean nothing are refused by every reader in its own words."""
    for read, refusal in (
        (lambda: read_envelope(body, "a.b"), Malformed),
        (lambda: read_form(body), Malformed),
        (lambda: parse_bill(body), BillRefused),
    ):
        with contextlib.suppress(refusal):
            read()


@FEW
@given(CHANGES)
def test_fields_as_a_notification(changes: dict[str, Any]) -> None:
    """Whatever a form says, it is a notification of ours or is refused."""
    head = {"app_id": APP_ID, "seller_id": SELLER_ID, "charset": "utf-8"}
    for about in ("trade_status_sync", "fund_auth_freeze", "fund_auth_unfreeze"):
        fields = SAID | head | {"notify_type": about} | changes
        body = urlencode(fields, errors="replace").encode()
        with contextlib.suppress(NotificationRefused):
            told = connector().read_notification("/notify/alipay", {}, body, NOW)
            assert told.outcome.outcome is not OutcomeClass.UNKNOWN


@FEW
@given(CODES, CHANGES)
def test_fields_as_other_answers(code: Any, changes: dict[str, Any]) -> None:
    """Beside the port, too, whatever is not understood is refused in the declared way."""
    account, node = connector().account, SAID | {"code": code} | changes
    with contextlib.suppress(BillRefused):
        method = "alipay.data.dataservice.bill.downloadurl.query"
        read_address(account, _reply(method, node), NOW)
    with contextlib.suppress(ReversalRefused):
        read_reversal(account, NUMBER, _reply("alipay.trade.cancel", node), NOW)
    with contextlib.suppress(CertificateRefused):
        method = "alipay.open.app.alipaycert.download"
        root = certificate("root", authority=True)
        read_certificate(account, [root], "0" * 32, _reply(method, node), NOW)


@FEW
@given(st.text(max_size=60))
def test_texts_in_a_bill(text: str) -> None:
    """Whatever a seller's texts hold, a line is read as it is or the bill is refused."""
    line = row(NUMBER, name=text, remark=text)
    body = text_of([line], totals((1, "20.00"), (0, "0.00")))
    with contextlib.suppress(BillRefused):
        (read,) = parse_bill(archive(body, charset="gb18030")).lines
        assert (read.number, read.money.minor_units) == (NUMBER, 2_000)


@FEW
@given(st.text(), st.integers(0, 20))
def test_bounded_texts(text: str, most: int) -> None:
    """A text is cut to its bound and no shorter, never within a character, without separators."""
    cut = bounded(text, most, java_length)
    assert re.sub("[/=&,]", " ", text).startswith(cut)
    assert sum(map(java_length, cut)) <= most
    rest = text[len(cut) : len(cut) + 1]
    assert not rest or sum(map(java_length, cut + rest)) > most
