"""What UnionPay calls its transactions, and the two ways in which payers pay here.

A transaction is known by merchant, order number and time together, so the time that was sent with a
number is needed to ask for it: it is the attempt's own, and the same on every re-send. The channel
has no way to close a number; an order ends at the time that was sent with it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.channels.bill import CHINA
from gateway.domain.channel import EPOCH

QUERY_PATH = "/gateway/api/queryTrans.do"
BACK_PATH = "/gateway/api/backTransReq.do"
APP_PATH = "/gateway/api/appTransReq.do"


class Transaction(Enum):
    """A type and its subtype."""

    QUERY = ("00", "00")
    CONSUMPTION = ("01", "01")
    PREAUTHORISATION = ("02", "01")
    COMPLETION = ("03", "00")
    REFUND = ("04", "00")
    VOID = ("31", "00")
    PREAUTHORISATION_VOID = ("32", "00")
    COMPLETION_VOID = ("33", "00")
    FILE = ("76", "01")

    @property
    def kind(self) -> str:
        """The field `txnType`."""
        return self.value[0]

    @property
    def variety(self) -> str:
        """The field `txnSubType`."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Method:
    """One way of paying.

    Attributes:
        path: where its order is created; everything after that goes to BACK_PATH.
        business: the product, as field `bizType`.
        device: 08 for a payer at a telephone, 07 for all else, as field `channelType`.
        front: the payer acts in the channel's own front end, and may fail and try again there.
    """

    path: str
    business: str
    device: str
    front: bool


APP = Method(APP_PATH, "000201", "08", front=True)
"""Payer confirms in the channel's own front end, which our app opens with a number of the order."""

BACK = Method(BACK_PATH, "000902", "07", front=False)
"""Payer is not asked: an account token stands for the card; details: `account_token`."""

METHODS = {"app": APP, "back": BACK}


def beijing_time(moment: datetime) -> str:
    """Write a time as the channel does: fourteen digits, in Beijing.

    Raises:
        ValueError: it is not known.
    """
    if moment <= EPOCH:
        raise ValueError("the channel knows a transaction by its time: the request must name it")
    return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S")
