"""How the lists shall differ from the book: the day's statement of an operator with bad records.

    MISSING   the lists keep silent about a payment or refund
    AMOUNT    they say another amount (a total refund names none, so nothing can be wrong there)
    EXTRA     they show a payment that nobody asked for and that moved nothing

Only lists differ; whoever asks for one payment hears the truth. An EXTRA one is found there too.
"""

import json
import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from gateway.emulators.carrier import rows
from gateway.emulators.carrier.amounts import to_number
from gateway.emulators.carrier.explaining import Missing
from gateway.emulators.carrier.payments import Payment
from gateway.emulators.carrier.people import PHONE, read_amount
from gateway.emulators.carrier.play import Play
from gateway.emulators.carrier.records import new_id
from gateway.emulators.carrier.refunds import Refund
from gateway.emulators.core.book import Transaction
from gateway.emulators.core.fields import Fields

FaultKind = Literal["MISSING", "AMOUNT", "EXTRA"]
_AMOUNT: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
_POSITIVE: Final = re.compile(r"(?=.*[1-9])[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True)
class ListFault:
    """One difference; `amount` in thousandths: how much more, or how much an extra one has."""

    kind: FaultKind
    number: str = ""
    amount: int = 0
    currency: str = "CNY"
    phone: str = "+8613800000000"
    client: str | None = None


def read_fault(fields: Fields) -> ListFault:
    """Read a fault strictly. Raises InvalidField."""
    kind: FaultKind = fields.choice("kind", get_args(FaultKind))
    found: dict[str, str] = {}
    if kind != "EXTRA":
        found["number"] = fields.text("number", 128, length_min=1)
    else:
        for name, rule in (("currency", re.compile("[A-Z]{3}")), ("phone_number", PHONE)):
            if fields.has(name):
                key = name.removesuffix("_number")
                found[key] = fields.matching(name, rule, "as the protocol has it")
        if fields.has("client"):
            found["client"] = fields.text("client", 64)
    amount = 0
    if kind != "MISSING":
        pattern = _POSITIVE if kind == "EXTRA" else _AMOUNT
        text = fields.matching("amount", pattern, 'text like "12.50"')
        amount = read_amount(text.removeprefix("-")) * (-1 if text.startswith("-") else 1)
    fields.finish()
    return ListFault(kind, amount=amount, **found)


def apply(txn: Transaction, fault: ListFault, client: str, now: int) -> str:
    """Let the lists differ; the number of the record in question. Raises Missing."""
    if fault.kind == "EXTRA":
        return rows.insert(txn, _phantom(fault, client, now)).payment_id
    record: Payment | Refund | None = rows.find_payment(txn, fault.number)
    record = record or rows.find_refund(txn, fault.number)
    if record is None:
        raise Missing("There is nothing with this number.")
    changes = {"listed": 0} if fault.kind == "MISSING" else {"skew": fault.amount}
    return rows.update(txn, record, record.change(now, **changes)).number


def _phantom(fault: ListFault, client: str, now: int) -> Payment:
    charging = {
        "amount": to_number(fault.amount),
        "currency": fault.currency,
        "description": "Nobody knows.",
        "isTaxIncluded": False,
    }
    reference = new_id("PH")
    request = {
        "referenceCode": reference,
        "paymentAmount": {"chargingInformation": charging},
    }
    return Payment(
        client=client,
        payment_id=new_id("CB"),
        kind="PHANTOM",
        state="succeeded",
        phone=fault.phone,
        correlator=None,
        reference=reference,
        amount=fault.amount,
        currency=fault.currency,
        merchant=None,
        server_reference=new_id("SR"),
        expire_time=now,
        create_time=now,
        update_time=now,
        success_time=now,
        request=json.dumps(request),
        play=Play().to_text(),
    )
