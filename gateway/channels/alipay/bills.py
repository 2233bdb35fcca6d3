"""Fetching a day's bill: ask where it is, and download it at once.

The address is signed, and the file is not: it carries no hash either, so what stands for it is the
address, that the file is a whole archive, and that its lines come to its own totals. Addresses live
for thirty seconds, and are of another host than the gateway's.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from gateway.channels.alipay.account import HTTP_OK, Account
from gateway.channels.alipay.codes import DONE, code_of, sub_code_of
from gateway.channels.bill import BillRefused
from gateway.channels.connector import HttpReply, HttpRequest
from gateway.channels.fields import Malformed
from gateway.channels.keys import SignatureRefused

METHOD = "alipay.data.dataservice.bill.downloadurl.query"

NO_BILL = "BILL_NOT_EXIST"
"""How Alipay says that there is no bill: not yet, or because nothing was traded on that day."""

_URL = re.compile(r"(https?://[0-9A-Za-z.-]+(?::[0-9]{1,5})?)(/[!-~]*)")


@dataclass(frozen=True, slots=True)
class BillAddress:
    """Where a bill can be fetched for some seconds: scheme and host, and the raw path."""

    origin: str
    path: str


def bill_request(account: Account, day: date, moment: datetime) -> HttpRequest:
    """Ask for the bill of a day in Beijing: payments and refunds."""
    return account.request(METHOD, {"bill_type": "trade", "bill_date": day.isoformat()}, moment)


def read_address(account: Account, reply: HttpReply, now: datetime) -> BillAddress | None:
    """Read where the bill is; None where there is none, which before BILL_READY says nothing.

    Raises:
        BillRefused: the answer is not Alipay's, or it refused.
    """
    try:
        node = account.open(METHOD, reply, now)
        code, sub_code = code_of(node), sub_code_of(node)
        if sub_code.rpartition(".")[2].upper() == NO_BILL:
            return None
        if code != DONE:
            raise BillRefused(f"Alipay has no bill: {code} {sub_code}.")
        match = _URL.fullmatch(node.text("bill_download_url"))
    except (SignatureRefused, Malformed) as error:
        raise BillRefused(f"The answer for a bill proves nothing: {error}") from error
    if match is None:
        raise BillRefused("The address of a bill is none.")
    return BillAddress(match[1], match[2])


def download_request(address: BillAddress) -> HttpRequest:
    """Ask for the file itself, at its own host; its address is all the permission it needs."""
    return HttpRequest("GET", address.path, {}, b"")


def read_file(reply: HttpReply) -> bytes:
    """Take the file, for `parse_bill`.

    Raises:
        BillRefused: there is none.
    """
    if reply.status != HTTP_OK:
        raise BillRefused(f"Alipay answered {reply.status} for the file of a bill.")
    return reply.body
