"""What a channel is to the rest of the gateway: a connector, and what it can do beside the port.

What is beside the port needs I/O and so cannot be the connector's: it is a function that is given
the open channel, asks the pure functions of the provider what to send, and sends it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.channels.bill import Bill
from gateway.channels.client import HttpChannel
from gateway.channels.connector import Connector
from gateway.config import Settings
from gateway.domain.channel import Capabilities

FetchBill = Callable[[HttpChannel, date], Awaitable[Bill | None]]
"""Fetch and check the bill of a day of the channel's; None where nothing moved on it.

Raises BillRefused, NotSent, Lost.
"""

RefreshKeys = Callable[[HttpChannel], Awaitable[datetime]]
"""Fetch the channel's keys anew, and give when the newest of them ends.

Raises KeysRefused, NotSent, Lost.
"""


class KeysRefused(Exception):
    """What came as the channel's keys is not to be trusted; those before stay so."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One configured channel.

    Attributes:
        url: where it is.
        connector: its protocol.
        signs_slowly: building a request takes so long that the event loop must not do it.
        fetch_bill: how its daily bill is fetched; None where it makes none.
        refresh_keys: how its keys are fetched anew; None where they are not.
        keys_interval: longest time between two looks for new keys.
        captures_numbered: a capture has a number of its own there, not that of its charge.
        day_start: when a day of its bills begins, from midnight in Beijing.
    """

    url: str
    connector: Connector
    signs_slowly: bool = False
    fetch_bill: FetchBill | None = None
    refresh_keys: RefreshKeys | None = None
    keys_interval: timedelta = timedelta(hours=12)
    captures_numbered: bool = True
    day_start: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One channel that this gateway knows, configured or not.

    Attributes:
        set_up: makes it of the settings; None while it is not enabled. Raises StartError.
        describe: tells what it can do, whatever is set.
    """

    name: str
    set_up: Callable[[Settings], Setup | None]
    describe: Callable[[Settings], Capabilities]
