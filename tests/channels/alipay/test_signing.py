"""Who is believed: signatures over the very bytes, in both modes and while keys are changed."""

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.channels.alipay.connector import AlipayConnector
from gateway.channels.alipay.keys import (
    AppKey,
    load_alipay_certificate,
    load_alipay_key,
    load_app_key,
)
from gateway.channels.connector import Action, HttpReply
from gateway.channels.keys import MerchantKey, Validity
from gateway.domain.channel import OutcomeClass
from tests.channels.alipay.wire import (
    NOW,
    NUMBER,
    answer,
    body_of,
    call,
    certificate,
    connector,
    parsed,
    pem_of,
    private_key,
    private_pem,
    public_pem,
    sent,
    settings,
    signature,
    sn_of,
    trade,
)

ASKED = call(Action.ASK)
QUERY = "alipay.trade.query"
SUCCESS, UNKNOWN = OutcomeClass.SUCCESS, OutcomeClass.UNKNOWN
PAID = {"code": "10000", "msg": "Success"} | trade("TRADE_SUCCESS")
BODY = body_of(QUERY, PAID).encode()
NODE = json.dumps(PAID)
CERTIFICATE = certificate("alipay")
SN = sn_of(CERTIFICATE)


def _read(body: bytes, by: AlipayConnector | None = None) -> OutcomeClass:
    return (by or connector()).parse(ASKED, HttpReply(200, {}, body)).outcome


def _in_certificate_mode() -> AlipayConnector:
    app = certificate("app")
    return AlipayConnector(
        settings(
            app_keys=(load_app_key(private_pem("app"), pem_of(app)),),
            alipay_keys=(load_alipay_certificate(pem_of(CERTIFICATE)),),
            root_sn="687b59193f3f462dd5336e5abf83c5d8",
        )
    )


def test_signed_answer_is_believed() -> None:
    """An answer that Alipay signed is read."""
    assert _read(BODY) is SUCCESS


def test_each_byte_counts() -> None:
    """Whatever byte of an answer is changed, whatever to, it proves nothing."""
    assert _read(BODY) is SUCCESS
    for place, byte in enumerate(BODY):
        for other in {byte ^ 0x01, byte ^ 0x20, random.Random(place).randrange(256)}:
            altered = BODY[:place] + bytes([other]) + BODY[place + 1 :]
            assert (_read(altered) is UNKNOWN) == (altered != BODY)


@pytest.mark.parametrize("end", range(0, len(BODY), 97))
def test_answer_cut_short(end: int) -> None:
    """An answer that ends anywhere before its end proves nothing."""
    assert _read(BODY[:end]) is UNKNOWN


@pytest.mark.parametrize(
    "node",
    [
        r'{"code":"10000","msg":"a\/b \u8336 \"}\\","x":[{"y":"}{"}],%s',
        '{ "code" : "10000" ,\n\t"msg":"茶 }{ ",  %s',
        '{"nested":{"alipay_trade_query_response":{"code":"1"},"sign":"x"},"code":"10000",%s',
    ],
)
def test_signed_are_the_bytes_that_came(node: str) -> None:
    """Escapes, blanks and braces inside texts stay as they came, and are signed so."""
    rest = f'"trade_status":"TRADE_SUCCESS","out_trade_no":"{NUMBER}",'
    rest += '"trade_no":"2026030122001455610512345678","total_amount":"12.50"}'
    assert parsed(ASKED, answer(QUERY, node % rest)).outcome is SUCCESS
    rewritten = json.dumps(json.loads(node % rest))
    body = body_of(QUERY, node % rest).replace(node % rest, rewritten)
    assert _read(body.encode()) is UNKNOWN


def test_blanks_around_the_node_say_nothing() -> None:
    """An answer may be spread over lines outside of what is signed."""
    sign = signature(NODE.encode())
    body = f' {{\n "alipay_trade_query_response" : {NODE} ,\r\n\t"sign":"{sign}" }}\n'
    assert _read(body.encode()) is SUCCESS


def _odd() -> dict[str, str]:
    sign, name = signature(NODE.encode()), "alipay_trade_query_response"
    good = f'"{name}":{NODE}'
    return {
        "no signature": f"{{{good}}}",
        "empty signature": f'{{{good},"sign":""}}',
        "null signature": f'{{{good},"sign":null}}',
        "signature is no text": f'{{{good},"sign":1}}',
        "signature with a blank": f'{{{good},"sign":"{sign} "}}',
        "signature twice": f'{{{good},"sign":"{sign}","sign":"{sign}"}}',
        "node twice": f'{{{good},{good},"sign":"{sign}"}}',
        "error beside the node": f'{{{good},"error_response":{{}},"sign":"{sign}"}}',
        "something else beside": f'{{{good},"extra":1,"sign":"{sign}"}}',
        "no node": f'{{"sign":"{sign}"}}',
        "another node": f'{{"alipay_trade_pay_response":{NODE},"sign":"{sign}"}}',
        "node is a list": f'{{"{name}":[{NODE}],"sign":"{sign}"}}',
        "text after": f'{{{good},"sign":"{sign}"}}x',
        "two objects": f'{{{good},"sign":"{sign}"}}{{}}',
        "comma at the end": f'{{{good},"sign":"{sign}",}}',
        "no comma": f'{{{good} "sign":"{sign}"}}',
        "name without quotes": f'{{{name}:{NODE},"sign":"{sign}"}}',
        "unknown certificate": f'{{{good},"alipay_cert_sn":"{SN}","sign":"{sign}"}}',
        "a list": f'[{{{good},"sign":"{sign}"}}]',
        "nothing": "",
        "null": "null",
        "byte order mark": f'\ufeff{{{good},"sign":"{sign}"}}',
        "endless": "{" * 100_000,
        "endless node": f'{{"{name}":{"[" * 100_000}',
    }


@pytest.mark.parametrize(("name", "body"), _odd().items())
def test_odd_answers(name: str, body: str) -> None:
    """What is not exactly one node and its signature proves nothing."""
    assert _read(body.encode()) is UNKNOWN


@pytest.mark.parametrize(
    "node",
    [
        NODE.replace('"10000"', '"10000","code":"10000"'),
        NODE.replace('"12.50"', "NaN"),
        NODE.replace('"12.50"', "Infinity"),
        NODE.replace('"12.50"', "1e400"),
        NODE.replace('"10000"', "10000.0"),
    ],
)
def test_nodes_that_mean_two_things(node: str) -> None:
    """A node in which a name stands twice, or a number is none, proves nothing though signed."""
    assert parsed(ASKED, answer(QUERY, node)).outcome is UNKNOWN


def test_answer_in_another_charset() -> None:
    """An answer that is not UTF-8 proves nothing."""
    body = body_of(QUERY, PAID | {"msg": "茶"})
    assert _read(body.encode()) is SUCCESS
    assert _read(body.encode("gbk")) is UNKNOWN


@pytest.mark.parametrize("status", [201, 302, 401, 429, 500, 502])
def test_other_statuses_prove_nothing(status: int) -> None:
    """Alipay answers everything with 200; whatever comes with another status proves nothing."""
    assert connector().parse(ASKED, HttpReply(status, {}, BODY)).outcome is UNKNOWN


@pytest.mark.parametrize("code", ["10000", "40002", "40004"])
def test_unsigned_answers_prove_nothing(code: str) -> None:
    """An unsigned refusal of the gateway fails no payment; it may be anybody's."""
    for name in ("alipay_trade_query_response", "error_response"):
        node = PAID | {"code": code, "sub_code": "ACQ.INVALID_PARAMETER"}
        outcome = connector().parse(ASKED, HttpReply(200, {}, json.dumps({name: node}).encode()))
        assert (outcome.outcome, outcome.not_found) == (UNKNOWN, False)
        assert "not signed" in outcome.evidence


def test_answer_signed_by_another() -> None:
    """An answer that somebody else signed, ourselves included, proves nothing."""
    for whose in ("stranger", "app"):
        assert _read(body_of(QUERY, PAID, whose).encode()) is UNKNOWN


def test_certificate_mode() -> None:
    """In certificate mode requests name our certificate and the roots, answers Alipay's."""
    by = _in_certificate_mode()
    parameters, _ = sent(call(), by)
    assert parameters["app_cert_sn"] == sn_of(certificate("app"))
    assert parameters["alipay_root_cert_sn"] == "687b59193f3f462dd5336e5abf83c5d8"
    assert _read(body_of(QUERY, PAID, sn=SN).encode(), by) is SUCCESS
    assert _read(BODY, by) is SUCCESS
    assert _read(body_of(QUERY, PAID, sn="0" * 32).encode(), by) is UNKNOWN
    assert _read(body_of(QUERY, PAID, "stranger", SN).encode(), by) is UNKNOWN


def test_each_byte_counts_in_certificate_mode() -> None:
    """The name of the certificate cannot be changed either."""
    by, body = _in_certificate_mode(), body_of(QUERY, PAID, sn=SN).encode()
    for place in range(body.index(b'"alipay_cert_sn"'), body.index(b'"sign"')):
        altered = body[:place] + bytes([body[place] ^ 0x01]) + body[place + 1 :]
        assert _read(altered, by) is UNKNOWN


def test_unknown_certificate_is_named() -> None:
    """The evidence names a certificate that is not held, so that it can be fetched."""
    outcome = connector().parse(ASKED, answer(QUERY, PAID, sn=SN))
    assert SN in outcome.evidence


def test_certificate_outside_its_time() -> None:
    """A certificate signs nothing before or after its time."""
    body = body_of(QUERY, PAID, sn=SN).encode()
    by, month = _in_certificate_mode(), timedelta(days=31)
    for moment, outcome in ((NOW, SUCCESS), (NOW + month, UNKNOWN), (NOW - month, UNKNOWN)):
        asked = replace(ASKED, moment=moment)
        assert by.parse(asked, HttpReply(200, {}, body)).outcome is outcome


def test_several_keys_while_they_are_changed() -> None:
    """While Alipay's key is changed, both are believed; afterwards only the new one."""
    until = Validity(end=NOW + timedelta(days=1))
    keys = (load_alipay_key(public_pem("alipay"), until), load_alipay_key(public_pem("new")))
    by = AlipayConnector(settings(alipay_keys=keys))
    new = body_of(QUERY, PAID, "new").encode()
    assert (_read(BODY, by), _read(new, by)) == (SUCCESS, SUCCESS)
    later = replace(ASKED, moment=NOW + timedelta(days=2))
    assert by.parse(later, HttpReply(200, {}, BODY)).outcome is UNKNOWN
    assert by.parse(later, HttpReply(200, {}, new)).outcome is SUCCESS


def test_key_that_is_trusted_later() -> None:
    """A certificate that is fetched later is trusted beside the ones before."""
    by = AlipayConnector(settings())
    body = body_of(QUERY, PAID, sn=SN).encode()
    assert _read(body, by) is UNKNOWN
    by.trust(load_alipay_certificate(pem_of(CERTIFICATE)))
    assert (_read(body, by), _read(BODY, by)) == (SUCCESS, SUCCESS)


def test_our_newest_key_signs() -> None:
    """Of our own keys the one signs that became valid last."""
    old = AppKey(MerchantKey("old", private_key("old")))
    start = Validity(start=NOW + timedelta(days=1))
    new = AppKey(MerchantKey("new", private_key("app"), start))
    by = AlipayConnector(settings(app_keys=(new, old)))
    today, tomorrow = call(), replace(call(), moment=NOW + timedelta(days=1))
    assert sent(today, by)[0]["sign"] != sent(today)[0]["sign"]
    assert sent(tomorrow, by)[0]["sign"] == sent(tomorrow)[0]["sign"]


def test_no_key_is_valid() -> None:
    """Without a key that is valid now nothing is sent, and the sentence says what to do."""
    ended = AppKey(MerchantKey("old", private_key("app"), Validity(end=NOW)))
    with pytest.raises(ValueError, match="configure the renewed key"):
        AlipayConnector(settings(app_keys=(ended,))).build(call())
