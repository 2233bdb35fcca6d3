"""Contracts under which WeChat Pay and Douyin Pay deduct: asked for as a merchant does, and signed.

The stand-in deducts at once only once under each, and a day later after that; so there are several,
and some payments have to wait until time is over.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from yarl import URL

from gateway.app.channels.setup import Entry
from gateway.channels.connector import HttpRequest
from gateway.channels.v3style.contracts import ContractName, NewContract
from gateway.config import load_settings
from tests.e2e.channels.emulator import Emulator
from tests.faults.outside.channel import Terms

CONTRACTS = 12
PLAN = "12535"

Ask = Callable[[Any, NewContract, datetime, str], HttpRequest]


async def sign(entry: Entry, ask: Ask, emulator: Emulator, variables: Mapping[str, str]) -> Terms:
    """Have some contracts signed, and give their numbers under "0", "1" and so on."""
    setup = entry.set_up(load_settings(variables))
    assert setup is not None, f"{entry.name} is not set up"
    account: Any = getattr(setup.connector, "account")  # noqa: B009 - not a part of the port
    signed = {}
    for place in range(CONTRACTS):
        wanted = NewContract(
            ContractName(PLAN, f"c{place}"), "a payer", f"payer-{place}", place + 1
        )
        request = ask(account, wanted, datetime.now(UTC), secrets.token_hex(16))
        led = (await _send(emulator.url, request))["pre_entrustweb_id"]
        contract = await emulator.control(f"contracts/{led}/sign", {})
        signed[str(place)] = contract["contract_id"]
    return signed


def contract_of(terms: Terms, serial: int) -> str:
    """Choose the contract of a journey."""
    return terms[str(serial % CONTRACTS)]


async def _send(url: str, request: HttpRequest) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.request(
            request.method,
            URL(url + request.path, encoded=True),
            headers=request.headers,
            data=request.body,
        ) as reply,
    ):
        assert reply.status == 200, f"{reply.status} {await reply.text()}"
        return dict(await reply.json(content_type=None))
