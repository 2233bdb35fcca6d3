"""Fetching a day's settlement file: one request to the channel's host for files.

The file comes inside the signed answer, as base64 of a deflated ZIP, so that the signature stands
for it too. A day ends at 23:00 in Beijing, and its file is there from 09:00 of the next.
"""

import re
import zlib
from datetime import date, datetime

from gateway.channels.bill import BillRefused
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.encoding import decode_base64
from gateway.channels.fields import Fields, Malformed
from gateway.channels.keys import SignatureRefused
from gateway.channels.unionpay.account import Account
from gateway.channels.unionpay.codes import NO_FILE, Meaning, meaning_of
from gateway.channels.unionpay.outcomes import CODE
from gateway.channels.unionpay.transactions import Transaction, beijing_time

PATH = "/"

FILE_BYTES_MAX = 64 * 1_024 * 1_024
"""Bytes of the ZIP; more is refused before it is inflated."""

FILE_TEXT_MAX = 2 * FILE_BYTES_MAX
"""Characters of it in base64."""

_DAY = re.compile(r"[0-9]{4}")


def file_request(account: Account, day: date, moment: datetime) -> HttpRequest:
    """Ask for the file of a day of the channel. The host is the one for files."""
    message = {
        "bizType": "000000",
        "txnTime": beijing_time(moment),
        "fileType": "00",
        "settleDate": _settle_date(day),
    }
    return account.post(PATH, Transaction.FILE, message, moment)


def read_file(account: Account, day: date, reply: HttpReply, now: datetime) -> bytes | None:
    """Give the ZIP of a day; None where nothing was settled on it. `bill.parse_bill` reads it.

    Raises:
        BillRefused: the answer is not the channel's, or it has no file yet.
    """
    try:
        fields = account.answer(reply, now)
        code = fields.text("respCode", CODE)
        if code == NO_FILE:
            return None
        if meaning_of(code) is Meaning.DONE:
            return _file(fields, day)
    except (SignatureRefused, Malformed, ValueError) as error:
        raise BillRefused(f"The answer for a settlement file proves nothing: {error}.") from error
    raise BillRefused(f"The channel has no settlement file: {code} {fields.message('respMsg')}.")


def _file(fields: Fields, day: date) -> bytes:
    if fields.text("settleDate", _DAY) != _settle_date(day):
        raise Malformed("settleDate is not what was asked for")
    packed = decode_base64(fields.text("fileContent", most=FILE_TEXT_MAX))
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, FILE_BYTES_MAX)
    except zlib.error as error:
        raise Malformed("fileContent is not deflated") from error
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("fileContent is cut short, too long, or followed by more")
    return data


def _settle_date(day: date) -> str:
    return day.strftime("%m%d")
