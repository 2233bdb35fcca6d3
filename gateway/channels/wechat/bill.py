"""WeChat Pay's trade bill of type ALL: payments and refunds of one day."""

from gateway.channels.bill import Bill
from gateway.channels.v3style.bill_rows import parse_rows


def parse_bill(data: bytes) -> Bill:
    """Read an unpacked bill.

    Raises:
        BillRefused: it is none, or does not add up.
    """
    return parse_rows(data)
