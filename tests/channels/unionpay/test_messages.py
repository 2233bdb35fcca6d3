"""How messages are read: one reading or none."""

import pytest

from gateway.channels.fields import Malformed
from gateway.channels.unionpay.messages import read_answer, read_form, signed_text, write_form


def test_answer_is_read_as_it_is() -> None:
    """Values keep equals signs, brackets with ampersands, plus signs and line breaks."""
    body = "a=1=2&b={x=1&y=2}&c=成功[00&0]&d=+/==&e=-----\r\nAB\r\n".encode()
    assert read_answer(body) == {
        "a": "1=2",
        "b": "{x=1&y=2}",
        "c": "成功[00&0]",
        "d": "+/==",
        "e": "-----\r\nAB\r\n",
    }


def test_form_is_decoded() -> None:
    """What is written as a form is read again, whatever it holds."""
    message = {"a": "1 2+3", "b": "{x=1&y=2}", "c": "成功[0]", "d": "-----\r\nAB"}
    assert read_form(write_form(message)) == message
    assert read_form(b"a=%e6%88%90&b=%3d") == {"a": "成", "b": "="}


def test_empty_fields_are_no_part() -> None:
    """An empty field says nothing: it is neither read nor signed."""
    assert read_answer(b"a=1&b=&c=3") == read_form(b"a=1&b=&c=3") == {"a": "1", "c": "3"}
    assert signed_text({"c": "3", "a": "1", "b": "", "signature": "x"}) == "a=1&c=3"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"a=1&",
        b"&a=1",
        b"a=1&&b=2",
        b"=1",
        b"1a=1",
        b"a b=1",
        b"a=1&a=1",
        b"a={1",
        b"a=[1&b=2",
        b"a={1{2}}",
        b"\xff=1",
        b"a=\xff",
        b"a" * 41 + b"=1",
        b"&".join(b"a%d=1" % number for number in range(129)),
    ],
)
def test_what_has_no_one_reading_is_refused(body: bytes) -> None:
    """Neither an answer nor a form is guessed at."""
    with pytest.raises(Malformed):
        read_answer(body)
    with pytest.raises(Malformed):
        read_form(body)


@pytest.mark.parametrize(
    "body",
    [
        b"a=%",
        b"a=%2",
        b"a=%2g",
        b"a=%ff",
        b"a=%2B&b=%2b",
        b"a=1%26b=2",
        b"a%3D1=2",
        b"a=%7B1",
        "a=成".encode(),
    ],
)
def test_odd_escapes_are_refused(body: bytes) -> None:
    """No escape hides a field, is half one, or was altered in its case alone."""
    with pytest.raises(Malformed):
        read_form(body)
