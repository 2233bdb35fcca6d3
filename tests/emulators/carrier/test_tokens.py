"""OAuth2 at the door: how a client gets a token, what it opens, and when it stops doing so."""

import base64

from tests.emulators.carrier.customer import PAYMENTS, PHONE, REFUNDS, Customer, payment

CREDENTIALS = {"grant_type": "client_credentials"}
READ = "carrier-billing:payments:read"


async def test_a_token_is_given_for_id_and_secret(customer: Customer) -> None:
    """Basic or in the form: both are RFC 6749, the answer says what the token is good for."""
    client_id, secret = customer.credentials()
    for reply in (
        await customer.authorize(),
        await customer.ask_token(
            CREDENTIALS | {"client_id": client_id, "client_secret": secret, "resource": "ignored"}
        ),
    ):
        body = reply.body
        assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-store")
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
        assert READ in body["scope"].split()
        assert len(body["scope"].split()) == 5
    assert (await customer.pay()).status == 201


BAD_FORMS = [
    ({"client_secret": "wrong"}, "invalid_client", 401),
    ({"client_id": "nobody"}, "invalid_client", 401),
    ({"client_secret": ""}, "invalid_client", 401),
    ({"grant_type": "password"}, "unsupported_grant_type", 400),
    ({"grant_type": ""}, "unsupported_grant_type", 400),
    ({"scope": "everything"}, "invalid_scope", 400),
]


async def test_a_bad_request_for_a_token_is_told(customer: Customer) -> None:
    """The words are those of RFC 6749, and nothing of a secret is repeated."""
    client_id, secret = customer.credentials()
    good = CREDENTIALS | {"client_id": client_id, "client_secret": secret}
    for form, error, status in BAD_FORMS:
        reply = await customer.ask_token(good | form)
        assert (reply.status, reply.body["error"]) == (status, error)
        assert secret.encode() not in reply.raw


async def test_a_client_proves_itself_in_one_way(customer: Customer) -> None:
    """Two ways at once, a parameter twice, no form at all and a broken header are refused."""
    client_id, secret = customer.credentials()
    basic = {
        "Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    }
    twice = b"grant_type=client_credentials&grant_type=client_credentials"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    replies = [
        await customer.ask_token(CREDENTIALS | {"client_secret": secret}, basic),
        await customer.send("POST", "/oauth2/token", twice, form | basic),
        await customer.send("POST", "/oauth2/token", b"{}", {"Content-Type": "application/json"}),
        await customer.ask_token({}, basic),
    ]
    assert [reply.body["error"] for reply in replies] == ["invalid_request"] * 4
    broken = await customer.ask_token(CREDENTIALS, {"Authorization": "Basic ???"})
    assert (broken.status, broken.body["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in broken.headers


async def test_nothing_opens_without_a_good_token(customer: Customer) -> None:
    """Missing, other schemes, unknown, twice or run out: 401 UNAUTHENTICATED and no effect."""
    await customer.fault("create", "BUSY")  # waits for somebody who is known
    dead = (await customer.control("POST", "/control/tokens", {"life_s": 0}))["access_token"]
    for header in (None, "", "Bearer", "Bearer nobody", "Basic x", f"Bearer {dead}"):
        reply = await customer.ask("POST", PAYMENTS, payment(), {"Authorization": header})
        assert (reply.status, reply.code) == (401, "UNAUTHENTICATED"), header
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await customer.ask("GET", "/nowhere", headers={"Authorization": None})).status == 401
    assert (await customer.ask("GET", "/nowhere")).code == "NOT_FOUND"
    assert (await customer.pay()).code == "TOO_MANY_REQUESTS"
    assert (await customer.moved())["charge"] == "0"


async def test_tokens_run_out_in_real_time(customer: Customer) -> None:
    """A jump of virtual time leaves them good; they can be made to die, and a new one works."""
    await customer.advance(days=400)
    assert (await customer.pay()).status == 201
    assert (await customer.control("POST", "/control/tokens/expire", {}))["expired"] == 1
    assert (await customer.pay()).code == "UNAUTHENTICATED"
    await customer.house(token_life_s=60)
    assert (await customer.authorize()).body["expires_in"] == 60
    assert (await customer.pay()).status == 201


async def test_each_path_has_its_scope(customer: Customer) -> None:
    """A token opens what it was asked for and nothing else: 403 PERMISSION_DENIED."""
    of = await customer.paid()
    calls = {
        "carrier-billing:payments:create": [("POST", PAYMENTS), ("POST", f"{PAYMENTS}/prepare")],
        "carrier-billing:payments:write": [
            ("POST", f"{PAYMENTS}/{of}/{step}") for step in ("validate", "confirm", "cancel")
        ],
        READ: [("GET", PAYMENTS), ("GET", f"{PAYMENTS}/{of}")],
        "carrier-billing-refund:refunds:create": [("POST", f"{REFUNDS}/{of}/refunds")],
        "carrier-billing-refund:refunds:read": [
            ("GET", f"{REFUNDS}/{of}/refunds"),
            ("GET", f"{REFUNDS}/{of}/refunds/remaining-amount"),
            ("GET", f"{REFUNDS}/{of}/refunds/nobody"),
        ],
    }
    for scope in calls:
        granted = await customer.authorize(scope=scope)
        assert granted.body["scope"] == scope
        for other, targets in calls.items():
            for method, target in targets:
                reply = await customer.ask(method, target, {} if method == "POST" else None)
                denied = reply.status == 403 and reply.code == "PERMISSION_DENIED"
                assert denied == (other != scope), (scope, target)


async def test_who_is_meant_comes_from_one_place(customer: Customer) -> None:
    """With a 2-legged token the number must be there, with a 3-legged one it must not."""
    assert (await customer.pay(phoneNumber=None)).code == "MISSING_IDENTIFIER"
    of = await customer.reserved()
    assert (await customer.second(of, "confirm", None)).code == "MISSING_IDENTIFIER"
    given = await customer.control("POST", "/control/tokens", {"phone_number": "+34671999000"})
    customer.token = given["access_token"]
    assert (await customer.pay()).code == "UNNECESSARY_IDENTIFIER"
    reply = await customer.pay(phoneNumber=None)
    assert reply.body["amountTransaction"]["phoneNumber"] == "+34671999000"


async def test_a_subscriber_s_token_shows_that_subscriber_only(customer: Customer) -> None:
    """Payments of other subscribers are not found, and not listed."""
    other = await customer.paid()
    given = await customer.control("POST", "/control/tokens", {"phone_number": "+34671999000"})
    customer.token = given["access_token"]
    own = await customer.paid(phoneNumber=None)
    assert (await customer.ask("GET", f"{PAYMENTS}/{other}")).code == "NOT_FOUND"
    assert [entry["paymentId"] for entry in (await customer.page()).body] == [own]


async def test_a_client_sees_its_own_only(customer: Customer) -> None:
    """Another client's payments and refunds do not exist, and its numbers are its own."""
    correlator = number = "SAME-FOR-BOTH"
    of = await customer.paid(clientCorrelator=correlator, referenceCode=number)
    refund_id = (await customer.refund(of)).body["refundId"]
    await customer.authorize("other")
    for target in (
        f"{PAYMENTS}/{of}",
        f"{REFUNDS}/{of}/refunds",
        f"{REFUNDS}/{of}/refunds/{refund_id}",
    ):
        assert (await customer.ask("GET", target)).code == "NOT_FOUND"
    assert (await customer.refund(of)).code == "NOT_FOUND"
    assert (await customer.second(of, "cancel")).code == "NOT_FOUND"
    assert (await customer.page()).body == []
    await customer.paid(clientCorrelator=correlator, referenceCode=number)
    assert await customer.moved("other") == {"charge": "12.500", "refund": "0"}


async def test_a_token_of_control_can_be_any(customer: Customer) -> None:
    """Scope, client and life are free, for those who test what a gateway does then."""
    body = {"client": "other", "scope": READ, "life_s": 60, "phone_number": PHONE}
    customer.token = (await customer.control("POST", "/control/tokens", body))["access_token"]
    assert (await customer.page()).body == []
    assert (await customer.pay()).code == "PERMISSION_DENIED"
