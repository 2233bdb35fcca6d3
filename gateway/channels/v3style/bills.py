"""Fetching a day's bill: apply for it, download it at once, hold it against its hash, unpack it.

The ticket is signed, and the file is not: the hash in the ticket, which is over the unpacked file,
stands for it. Addresses live for seconds, so a failed download begins again with a new ticket.
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.channels.bill import BillRefused
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Fields, Malformed, read_object
from gateway.channels.keys import SignatureRefused
from gateway.channels.v3style.account import Account
from gateway.channels.v3style.errors import bare, code_of

HTTP_OK = 200
NO_TRADE = (400, "NOSTATEMENTEXIST")
"""How the channel says that there is no bill, because nothing was traded on that day."""

FILE_BYTES_MAX = 512 * 1_024 * 1_024
"""Bytes of an unpacked bill; more is refused before it is unpacked."""

HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    "SHA256": lambda data: hashlib.sha256(data).hexdigest(),
}

_URL = re.compile(r"https?://[0-9A-Za-z.:-]+(/[!-~]*)")
_HASH = re.compile(r"[0-9a-fA-F]{40,64}")


@dataclass(frozen=True, slots=True)
class BillTicket:
    """Where a bill can be fetched for some seconds, and what it must hash to."""

    path: str
    hash_name: str
    hash_value: str


def bill_request(account: Account, day: date, moment: datetime, nonce: str) -> HttpRequest:
    """Apply for the bill of a day in Beijing: payments and refunds, packed with GZIP."""
    path = account.names.bill.format(mchid=account.settings.mchid, day=day.isoformat())
    return account.get(path, moment, nonce)


def read_ticket(account: Account, reply: HttpReply, now: datetime) -> BillTicket | None:
    """Read where the bill is; None where nothing was traded on that day.

    Raises:
        BillRefused: the answer is not the channel's, or it has no bill yet.
    """
    try:
        account.verify(reply.headers, reply.body, now)
        fields = read_object(reply.body)
        return _ticket(fields) if reply.status == HTTP_OK else _no_trade(reply.status, fields)
    except (SignatureRefused, Malformed) as error:
        raise BillRefused(f"The answer for a bill proves nothing: {error}") from error


def download_request(
    account: Account, ticket: BillTicket, moment: datetime, nonce: str
) -> HttpRequest:
    """Ask for the file itself; its address is signed as it was told, query and all."""
    return account.get(ticket.path, moment, nonce)


def read_file(ticket: BillTicket, reply: HttpReply) -> bytes:
    """Unpack the file and hold it against its hash.

    Raises:
        BillRefused: it is not the file that was announced.
    """
    if reply.status != HTTP_OK:
        raise BillRefused(f"The channel answered {reply.status} for the file of a bill.")
    data = _unpacked(reply.body)
    if HASHES[ticket.hash_name](data) != ticket.hash_value:
        raise BillRefused("The file of a bill does not have the hash that was announced.")
    return data


def _ticket(fields: Fields) -> BillTicket:
    return BillTicket(
        path=_path(fields.text("download_url")),
        hash_name=fields.one_of("hash_type", tuple(HASHES)),
        hash_value=fields.text("hash_value", _HASH).lower(),
    )


def _no_trade(status: int, error: Fields) -> BillTicket | None:
    code = code_of(error)
    if (status, bare(code)) == NO_TRADE:
        return None
    raise BillRefused(f"The channel has no bill: {status} {code}.")


def _path(url: str) -> str:
    match = _URL.fullmatch(url)
    if match is None:
        raise Malformed("download_url is no address")
    return match[1]


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(packed, FILE_BYTES_MAX)
    except zlib.error as error:
        raise BillRefused("The file of a bill is not GZIP.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BillRefused("The file of a bill is cut short, too long, or followed by more.")
    return data
