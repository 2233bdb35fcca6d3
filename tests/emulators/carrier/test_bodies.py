"""What a request may hold: strict JSON, an allow-list of fields, exact amounts, sinks."""

import json
from typing import Any

from tests.emulators.carrier.customer import (
    PAYMENTS,
    REFUNDS,
    Customer,
    payment,
    refund,
    sink,
)

BASE = json.dumps(payment(clientCorrelator="BASE"), ensure_ascii=False)
AMOUNT = '"amount": 12.5'

GARBAGE = [
    "",
    "{}",
    "[]",
    "null",
    BASE[:-1],
    BASE + "x",
    BASE.replace(AMOUNT, '"amount": NaN'),
    BASE.replace(AMOUNT, '"amount": "12.5"'),
    BASE.replace(AMOUNT, '"amount": true'),
    BASE.replace(AMOUNT, '"amount": 0'),
    BASE.replace(AMOUNT, '"amount": 0.0004'),
    BASE.replace(AMOUNT, '"amount": -1'),
    BASE.replace(AMOUNT, '"amount": 1.0005'),
    BASE.replace(AMOUNT, '"amount": 0.00100000000000000000000000000001'),
    BASE.replace(AMOUNT, '"amount": 1e999999999'),
    BASE.replace(AMOUNT, '"amount": 1000000000'),
    BASE.replace(AMOUNT, '"amount": 1, "amount": 2'),
    BASE.replace('"CNY"', '"cny"'),
    BASE.replace('"CNY"', '"XXX"'),
    BASE.replace('"+86', '"86'),
    BASE.replace('"BASE"', '""'),
    BASE.replace('"BASE"', '"a\\u0000b"'),
    BASE.replace('"BASE"', "5"),
    BASE.replace('"BASE"', json.dumps("x" * 129)),
    BASE.replace('{"amountTransaction"', '{"extra": 1, "amountTransaction"'),
    BASE.replace('"referenceCode"', '"extra": 1, "referenceCode"'),
    BASE.replace(AMOUNT, '"amount": 12.5, "tax": 1'),
    BASE.replace(AMOUNT, '"amount": 12.5, "isTaxIncluded": 1'),
]


async def test_what_is_not_exactly_a_payment_is_refused(customer: Customer) -> None:
    """Every one of a table of almost right bodies is 400 INVALID_ARGUMENT, and does nothing."""
    for text in GARBAGE:
        assert text != BASE
        for path in (PAYMENTS, f"{PAYMENTS}/prepare"):
            reply = await customer.ask("POST", path, text.encode() or None)
            assert (reply.status, reply.code) == (400, "INVALID_ARGUMENT"), text
    assert (await customer.ask("POST", PAYMENTS, BASE.encode("utf-16"))).status == 400
    assert (await customer.page()).body == []
    assert (await customer.ask("POST", PAYMENTS, BASE.encode())).status == 201


AMOUNTS = [
    ("12.5", "12.5", "12.500"),
    ("1", "1", "1.000"),
    ("1.0", "1", "1.000"),
    ("1.5e1", "15", "15.000"),
    ("0.001", "0.001", "0.001"),
    ("0.1", "0.1", "0.100"),
    ("4.350", "4.35", "4.350"),
    ("123456789.123", "123456789.123", "123456789.123"),
    ("999999999.999", "999999999.999", "999999999.999"),
]


async def test_amounts_are_exact(customer: Customer) -> None:
    """To the thousandth and without binary fractions, in replies and in the book."""
    for written, shown, moved in AMOUNTS:
        of = f"exactly {written}"
        body = BASE.replace(AMOUNT, f'"amount": {written}').replace('"BASE"', json.dumps(of))
        body = body.replace('"referenceCode": "', f'"referenceCode": "{written}')
        reply = await customer.ask("POST", PAYMENTS, body.encode())
        assert f'"amount":{shown},'.encode() in reply.raw
        assert (await customer.entry(of))["effects"]["charge"] == moved


REQUIRED = [
    ("amountTransaction",),
    ("amountTransaction", "referenceCode"),
    ("amountTransaction", "paymentAmount"),
    ("amountTransaction", "paymentAmount", "chargingInformation"),
    ("amountTransaction", "paymentAmount", "chargingInformation", "amount"),
    ("amountTransaction", "paymentAmount", "chargingInformation", "currency"),
    ("amountTransaction", "paymentAmount", "chargingInformation", "description"),
]


async def test_what_must_be_there_is_missed(customer: Customer) -> None:
    """Each required member is named when it is missing."""
    for path in REQUIRED:
        body = payment()
        place: Any = body
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]
        reply = await customer.ask("POST", PAYMENTS, body)
        message = f"{'.'.join(path)} is required."
        assert (reply.code, reply.body["message"]) == ("INVALID_ARGUMENT", message)


async def test_everything_that_may_be_there_is_taken(customer: Customer) -> None:
    """The whole allow-list comes back as it was sent."""
    metadata = {
        "merchantName": "影视",
        "merchantIdentifier": "m-1",
        "fee": 12.25,
        "purchaseCategoryCode": "games",
        "channel": "web",
        "serviceId": "s",
        "productId": "p",
    }
    item = {"id": "a", "amount": 1, "currency": "CNY", "description": "x", "taxAmount": 0}
    reply = await customer.pay(
        chargingMetaData=metadata, paymentDetails=[item], isTaxIncluded=True, taxAmount=0.125
    )
    amount = reply.body["amountTransaction"]["paymentAmount"]
    assert amount["chargingMetaData"] == metadata
    assert amount["paymentDetails"] == [item | {"isTaxIncluded": False}]
    assert (await customer.pay(chargingMetaData=metadata | {"fee": 100.01})).status == 400
    assert (await customer.pay(chargingMetaData=metadata | {"payer": "x"})).status == 400
    assert (await customer.pay(paymentDetails=[])).status == 400


BAD_REFUNDS: list[dict[str, Any]] = [
    {"type": "half"},
    {"type": None},
    {"type": "partial"},
    {"reason": 1},
    {"extra": 1},
    {"referenceCode": None},
    {"amountTransaction": None},
    {"refundDetails": []},
]


async def test_refunds_are_read_strictly(customer: Customer) -> None:
    """What a total refund may hold is less than what a partial one may; the rest is refused."""
    of = await customer.paid()
    for change in BAD_REFUNDS:
        assert (await customer.refund(of, **change)).code == "INVALID_ARGUMENT", change
    whole = refund(1) | {"type": "total"}
    reply = await customer.ask("POST", f"{REFUNDS}/{of}/refunds", whole)
    assert reply.code == "INVALID_ARGUMENT"
    assert await customer.remaining(of) == 12.5


SINKS: list[tuple[dict[str, Any], str | None]] = [
    ({"sink": "https://gateway.example/carrier"}, None),
    ({"sink": "http://127.0.0.1:1/n?x=1"}, None),
    (sink("https://gateway.example/carrier"), None),
    ({"sink": "http://gateway.example/carrier"}, "INVALID_SINK"),
    ({"sink": "http://8.8.8.8/"}, "INVALID_SINK"),
    ({"sink": "ftp://127.0.0.1/"}, "INVALID_SINK"),
    ({"sink": "gateway"}, "INVALID_SINK"),
    ({"sink": "https://user:pass@gateway.example/"}, "INVALID_SINK"),
    ({"sink": 5}, "INVALID_ARGUMENT"),
    (sink("https://g.example/", credentialType="PLAIN"), "INVALID_CREDENTIAL"),
    (sink("https://g.example/", credentialType="REFRESHTOKEN"), "INVALID_CREDENTIAL"),
    (sink("https://g.example/", credentialType="KEY"), "INVALID_ARGUMENT"),
    (sink("https://g.example/", accessTokenType="mac"), "INVALID_TOKEN"),
    (sink("https://g.example/", accessToken=""), "INVALID_ARGUMENT"),
    (sink("https://g.example/", accessTokenExpiresUtc="2099-01-01"), "INVALID_ARGUMENT"),
    (sink("https://g.example/", extra=1), "INVALID_ARGUMENT"),
    ({"sinkCredential": {}}, "INVALID_ARGUMENT"),
]


async def test_sinks_and_their_credentials(customer: Customer) -> None:
    """https, or http to the same machine; an access token of type bearer; nothing else."""
    of = await customer.paid(amount=100)
    for rule in ("create", "prepare", "refund"):  # nobody is there to be told
        await customer.play(rule, count=0, notify="NONE")
    for events, code in SINKS:
        for reply in (
            await customer.pay(**events),
            await customer.prepare(**events),
            await customer.refund(of, 1, **events),
        ):
            assert (None if reply.status == 201 else reply.code) == code, events
            assert b"the-token-of-the-sink" not in reply.raw


async def test_headers_are_read_strictly(customer: Customer) -> None:
    """A body says that it is JSON, x-correlator keeps to its pattern; both are INVALID_ARGUMENT."""
    for kind in (None, "text/plain", "application/json; charset=gbk"):
        reply = await customer.ask("POST", PAYMENTS, payment(), {"Content-Type": kind})
        assert reply.code == "INVALID_ARGUMENT", kind
    good = {"Content-Type": "application/json; charset=utf-8"}
    assert (await customer.ask("POST", PAYMENTS, payment(), good)).status == 201
    for correlator in ("a b", "ä", "x" * 257, "a,b"):
        reply = await customer.ask("GET", PAYMENTS, headers={"x-correlator": correlator})
        assert (reply.code, "x-correlator" in reply.headers) == ("INVALID_ARGUMENT", False)
    refused = await customer.ask("GET", f"{PAYMENTS}/x", headers={"x-correlator": "c"})
    assert (refused.code, refused.headers["x-correlator"]) == ("NOT_FOUND", "c")
    nowhere = await customer.ask("GET", "/nowhere", headers={"x-correlator": "d"})
    assert (nowhere.status, nowhere.headers["x-correlator"]) == (404, "d")
    too_long = {"x": "y" * 70_000}
    refused = await customer.ask("POST", PAYMENTS, too_long, {"x-correlator": "e"})
    assert (refused.code, refused.headers["x-correlator"]) == ("INVALID_ARGUMENT", "e")


async def test_bodies_and_queries_stand_where_they_belong(customer: Customer) -> None:
    """A GET has no body, a POST no query; too large a body is not read to its end."""
    assert (await customer.ask("GET", PAYMENTS, {})).code == "INVALID_ARGUMENT"
    assert (await customer.ask("POST", f"{PAYMENTS}?x=1", payment())).code == "INVALID_ARGUMENT"
    large = b'{"x":"' + b"x" * 70_000 + b'"}'
    assert (await customer.ask("POST", PAYMENTS, large)).code == "INVALID_ARGUMENT"
    for method, target in (("PUT", PAYMENTS), ("DELETE", f"{PAYMENTS}/x"), ("GET", "/")):
        assert (await customer.ask(method, target)).code == "NOT_FOUND"


async def test_every_name_that_arrives_is_written_down(customer: Customer) -> None:
    """Names only, never values, also of what was refused: the proof of an allow-list."""
    await customer.pay(secretField="4111111111111111")
    await customer.page(merchantIdentifier="m")
    fields = (await customer.control("GET", "/control/fields"))["fields"]
    assert "secretField" in fields["create"]["body"]
    assert "amountTransaction.phoneNumber" in fields["create"]["body"]
    assert fields["list"]["query"] == ["merchantIdentifier"]
    assert "authorization" in fields["create"]["header"]
    assert fields["token"]["body"] == ["grant_type"]
    assert "4111" not in json.dumps(fields)
