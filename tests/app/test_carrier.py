"""Carrier billing from settings, and its statement: what is set, what is wrong, what is listed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.app import capabilities
from gateway.app.channels import carrier, carrier_statement
from gateway.app.channels.carrier_statement import fetch_statement
from gateway.app.errors import StartError
from gateway.channels.bill import BillRefused
from gateway.channels.carrier.client_auth import ClientKey, ClientSecret
from gateway.channels.carrier.connector import CarrierConnector
from gateway.channels.connector import HttpReply
from gateway.channels.transport import Lost
from gateway.config import ConfigError, load_settings, settings_listing
from gateway.emulators.carrier.clientfiles import open_clients
from gateway.emulators.carrier.settings import describe as describe_emulator
from tests.channels.carrier.wire import NONCE, payment, refund, reply, token_reply

SECRET = "a secret of the client's own"
NOTIFY_KEY = "k" * 32
RUBBISH = "neither key nor secret"
DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
"""Noon in Beijing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key files: a client's secret and key, two notify keys, rubbish."""
    path: Path = tmp_path_factory.mktemp("keys")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (path / "key.pem").write_bytes(pem)
    (path / "secret").write_text(SECRET + "\n")
    (path / "empty").write_text("\n")
    (path / "notify").write_text(NOTIFY_KEY + "\n")
    (path / "older").write_text("o" * 32)
    (path / "short").write_text(RUBBISH)
    return path


def given(folder: Path, **changes: object) -> dict[str, str]:
    """Right variables, less what is None; `{}` in a value is the folder."""
    right = {
        "url": "http://127.0.0.1:7085",
        "client_id": "cb-1",
        "client_secret_file": "{}/secret",
        "notify_key_file": "{}/notify,{}/older",
    } | changes
    return {
        f"GATEWAY_CARRIER_{name}".upper(): str(value).replace("{}", str(folder))
        for name, value in right.items()
        if value is not None
    }


def connector(environ: dict[str, str]) -> CarrierConnector:
    """The connector that a gateway with these variables has."""
    setup = carrier.set_up(load_settings(environ))
    assert setup is not None
    assert isinstance(setup.connector, CarrierConnector)
    assert setup.fetch_bill is not None
    assert not setup.captures_numbered
    return setup.connector


def test_what_is_set_is_what_the_connector_is_told(folder: Path) -> None:
    """The channel is set up from its variables, with its keys loaded, and says what it can do."""
    contract = {
        "currencies": "CNY, HKD",
        "authorization_lifetime_s": 3_600,
        "refund_window_days": 90,
        "api_root": "http://127.0.0.1:7085/camara",
        "token_url": "http://127.0.0.1:7085/sso/token",
    }
    made = connector(given(folder, **contract))
    told = made.account.settings
    assert told.client == ClientSecret("cb-1", SECRET)
    assert len(told.sink_keys) == 2
    assert told.notify_base_url == "http://127.0.0.1:7071"
    assert (told.api_root, told.token_path) == ("/camara", "/sso/token")
    can = made.capabilities
    assert can.currencies == {"CNY", "HKD"}
    assert (can.authorization_lifetime, can.refund_window) == (
        timedelta(hours=1),
        timedelta(days=90),
    )


def test_what_an_emulator_prints_can_be_pasted(tmp_path: Path) -> None:
    """Every name that `gateway emulate carrier` prints is a setting, and they are enough."""
    [client] = open_clients(tmp_path, ["gateway"]).values()
    printed = {"url": "http://127.0.0.1:7085"}
    printed |= describe_emulator(tmp_path, client, "127.0.0.1", 7085)
    made = connector({f"GATEWAY_CARRIER_{name.upper()}": text for name, text in printed.items()})
    told = made.account.settings
    assert told.client == ClientSecret(client.client_id, client.client_secret)
    assert (told.api_root, told.token_path, told.notify_base_url) == ("", "/oauth2/token", "")


def test_a_client_may_sign_instead(folder: Path) -> None:
    """Keys in place of a secret sign for the token server's full URL; several are a rotation."""
    files = {"client_key_file": "{}/key.pem,{}/key.pem", "client_key_id": "new,old"}
    told = connector(given(folder, client_secret_file=None, **files)).account.settings
    assert isinstance(told.client, ClientKey)
    assert told.client.audience == "http://127.0.0.1:7085/oauth2/token"
    assert [key.serial for key in told.client.keys] == ["new", "old"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": None}, "URL is set: set GATEWAY_CARRIER_CLIENT_ID too."),
        ({"client_secret_file": None}, "set either GATEWAY_CARRIER_CLIENT_SECRET_FILE or GATEWAY"),
        ({"client_key_file": "{}/key.pem", "client_key_id": "a"}, "KEY_FILE too, and not both."),
        ({"client_key_file": "{}/key.pem"}, "CLIENT_KEY_FILE names 1 and"),
        ({"client_secret_file": "{}/away"}, "SECRET_FILE is {}/away: it cannot be read (No such"),
        ({"client_secret_file": "{}/empty"}, "SECRET_FILE is {}/empty: Carrier billing needs the"),
        ({"notify_key_file": "{}/short"}, "{}/short: The key for carrier notifications is too"),
        ({"notify_key_file": "{}"}, "NOTIFY_KEY_FILE is {}: it cannot be read (Is a directory)."),
        ({"api_root": "http://127.0.0.1:1/x"}, "API_ROOT is http://127.0.0.1:1/x, which is not on"),
        (
            {"url": "http://127.0.0.1:708", "token_url": "http://127.0.0.1:7085/t"},
            "which is not on",
        ),
        ({"currencies": "CNY,cny"}, "CURRENCIES names cny: write some of AED, "),
        ({"refund_window_days": 0}, "REFUND_WINDOW_DAYS is '0': write a whole number from 1 to"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, changes: dict[str, Any], words: str) -> None:
    """A wrong or missing variable is one sentence that names it; no content is shown."""
    with pytest.raises((ConfigError, StartError)) as caught:
        capabilities.describe(load_settings(given(folder, **changes)), all_known=False)
    sentence = str(caught.value)
    assert words.replace("{}", str(folder)) in sentence
    assert sentence.startswith("GATEWAY_CARRIER_")
    assert "\n" not in sentence
    assert SECRET not in sentence
    assert RUBBISH not in sentence


def test_a_wrong_key_is_named(folder: Path) -> None:
    """Who may sign must have a key to sign with."""
    files = {"client_secret_file": None, "client_key_file": "{}/short", "client_key_id": "a"}
    with pytest.raises(StartError, match=r"CLIENT_KEY_FILE is .*/short: .*private key is not"):
        carrier.set_up(load_settings(given(folder, **files)))


def test_secrets_are_in_no_text(folder: Path) -> None:
    """Neither settings nor connector show a secret, however they are printed."""
    settings, made = load_settings(given(folder)), connector(given(folder))
    shown = f"{settings!r} {settings_listing(settings)} {made.account!r} {vars(made)!r}"
    assert SECRET not in shown
    assert NOTIFY_KEY not in shown
    signing = {"client_key_file": "{}/key.pem", "client_key_id": "a"}
    made = connector(given(folder, client_secret_file=None, **signing))
    assert "PRIVATE KEY" not in f"{made.account!r}"


@dataclass
class Lists:
    """A channel that answers lists: of payments by the day they were created on, of refunds."""

    payments: list[dict[str, Any]] = field(default_factory=list)
    refunds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: Exception | None = None

    async def exchange(self, build: Callable[[datetime, str], Any]) -> tuple[HttpReply, datetime]:
        """Answer one request for a list."""
        sent = urlsplit(build(NOON, NONCE).path)
        self.asked.append(sent.path)
        if self.failing:
            raise self.failing
        query = {name: values[0] for name, values in parse_qs(sent.query).items()}
        if sent.path.endswith("/refunds"):
            return reply(200, self.refunds.get(sent.path.split("/")[-2], [])), NOON
        span = (query["paymentCreationDate.gte"], query["paymentCreationDate.lte"])
        found = [
            item for item in self.payments if span[0] <= item["paymentCreationDate"] <= span[1]
        ]
        shown = found[: int(query["perPage"])]
        return reply(200, shown, x_total_count=str(len(found))), NOON


def paid(number: int, created: str, moved: str = "") -> dict[str, Any]:
    """A payment in the list, by when it was created and when its money moved."""
    dates = {"paymentCreationDate": created, "paymentDate": moved or created}
    text = f"{number:028d}"
    return payment("succeeded", text, paymentId=f"P{number}", **dates)


def stated(folder: Path, lists: Lists) -> Any:
    """Fetch the statement of DAY, with a refund window of five days."""
    made = connector(given(folder, refund_window_days=5))
    made.accept_token(token_reply(), NOON)
    channel: Any = lists
    return fetch_statement(made, channel, DAY)


async def test_a_statement_is_what_moved_on_the_day(folder: Path) -> None:
    """It has what moved on the day of Beijing, whenever it began, and nothing else, each once."""
    lists = Lists(
        [
            paid(1, "2026-02-28T15:59:59.000Z"),  # the day before
            paid(2, "2026-02-28T15:59:58.000Z", "2026-02-28T16:00:01.000Z"),
            paid(3, "2026-02-28T16:00:00.000Z"),
            paid(4, "2026-03-01T15:59:59.999Z"),
            paid(5, "2026-02-25T10:00:00.000Z"),  # refunded on the day
            paid(6, "2026-03-01T15:59:59.000Z", "2026-03-01T16:00:00.000Z"),  # the day after
        ],
        {"P5": [refund("succeeded", "r" * 28, refundDate="2026-03-01T01:00:00Z")]},
    )
    made = await stated(folder, lists)
    found = [(line.kind.value, line.channel_number) for line in made.lines]
    assert found[:2] == [("CHARGE", "P3"), ("CHARGE", "P2")]
    assert found[2:] == [("REFUND", "RF834tfr2rA3v8r8vr3rv"), ("CHARGE", "P4")]
    assert sum(path.endswith("/payments") for path in lists.asked) == 7
    assert sum(path.endswith("/refunds") for path in lists.asked) == 6


async def test_a_long_list_is_read_on(folder: Path) -> None:
    """A day with more payments than a list shows is listed in pieces, each payment once."""
    times = [f"2026-03-01T03:{second // 60:02d}:{second % 60:02d}.000Z" for second in range(180)]
    made = await stated(folder, Lists([paid(at, time) for at, time in enumerate(times)]))
    assert [line.channel_number for line in made.lines] == [f"P{at}" for at in range(180)]


@pytest.mark.parametrize("failing", [Lost("reset"), BillRefused("no list")], ids=str)
async def test_a_statement_is_whole_or_refused(folder: Path, failing: Exception) -> None:
    """One list that cannot be had ends the statement, with its own error."""
    with pytest.raises(type(failing), match=str(failing)):
        await stated(folder, Lists(failing=failing))


async def test_a_statement_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes more requests than may be made is refused."""
    monkeypatch.setattr(carrier_statement, "REQUESTS_MAX", 10)
    lists = Lists([paid(at, f"2026-03-01T03:00:{at:02d}.000Z") for at in range(40)])
    with pytest.raises(BillRefused, match="more than 10 requests"):
        await stated(folder, lists)
    assert len(lists.asked) == 10
