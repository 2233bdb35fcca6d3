"""Configuration: bounds at their edges, relations, secrets, files, and the sentences people read.

Most tests are parametrised from the model itself, so a new setting is tested from its first day.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config import (
    Address,
    ConfigError,
    Settings,
    load_settings,
    settings_listing,
    settings_table,
    variable,
)
from gateway.config.environment import FILE_BYTES_MAX
from gateway.config.settings import RELATIONS, Relation
from gateway.config.values import is_secret, range_of, takes

SECRET = "s3cret-of-sixteen-bytes-or-more"
FIELDS = Settings.model_fields
NUMBERS = {name: bounds for name, field in FIELDS.items() if (bounds := range_of(field))}
SECRETS = [name for name, field in FIELDS.items() if is_secret(field)]
WRONG = {
    "true or false": ["maybe", "2"],
    "json or console": ["xml"],
    "debug or info or warning or error": ["loud"],
}
WRONG_LISTEN = [
    "7070", ":7070", "*:7070", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x",
    "::1:7070", "[127.0.0.1]:7070:1", "http://127.0.0.1:7070", "a b:1", "127.0.0.1:7070\n",
    "[::g]:1", "x" * 254 + ":1",
]  # fmt: skip
WRONG_URLS = [
    "localhost:7080", "ftp://host", "http://", "http://host:99999", "http://host:0",
    "http://user:pw@host", "http://host/?a=1", "http://host/#x", "http://host/\x07", "http://[::g]",
]  # fmt: skip
WRONG_SECRETS = {
    "database_url": ["mysql://u:{0}@h/d", "{0}", "postgresql://"],
    "owner_database_url": ["mysql://u:{0}@h/d", "{0}", "postgresql:"],
    "sandbox_key": ["x" * 15, "x" * 1_025],
}
RIGHT_SECRETS = {
    "database_url": f"postgresql://gateway_runtime:{SECRET}@db:5432/gateway",
    "owner_database_url": f"postgres://gateway_owner:{SECRET}@db/gateway",
    "sandbox_key": SECRET,
}


def refusal(**values: object) -> str:
    """The message with which these settings are refused."""
    with pytest.raises(ConfigError) as caught:
        loaded(**values)
    return str(caught.value)


def loaded(**values: object) -> Settings:
    """The settings from variables, named without their prefix."""
    return load_settings({variable(name): str(value) for name, value in values.items()})


def neighbours(name: str) -> dict[str, int]:
    """Values of the other settings with which every value of this one keeps all relations."""
    below, above = _reachable(name, smaller=True), _reachable(name, smaller=False)
    return {n: NUMBERS[n][0] for n in below} | {n: NUMBERS[n][1] for n in above}


def _reachable(name: str, *, smaller: bool) -> set[str]:
    pairs = [(r.right, r.left) if smaller else (r.left, r.right) for r in RELATIONS]
    found: set[str] = set()
    new = {name}
    while new:
        new = {end for start, end in pairs if start in new} - found
        found |= new
    return found


@pytest.mark.parametrize("name", NUMBERS)
def test_both_ends_of_a_range_can_be_used(name: str) -> None:
    """Every number is accepted at both ends of its documented range, if its neighbours fit."""
    for value in NUMBERS[name]:
        assert getattr(loaded(**neighbours(name) | {name: value}), name) == value


@pytest.mark.parametrize("name", NUMBERS)
def test_beyond_a_range_is_refused(name: str) -> None:
    """One more, one less and no number at all are refused, naming variable, value and range."""
    least, greatest = NUMBERS[name]
    for value in (least - 1, greatest + 1, "many", "1.5", "nan"):
        assert refusal(**{name: value}) == (
            f"{variable(name)} is '{value}': write a whole number from {least} to {greatest}."
        )


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_described(name: str) -> None:
    """Every setting says what it means, what it takes, and the unit that its name ends with."""
    field = FIELDS[name]
    assert field.description, name
    assert field.description.endswith(".")
    assert takes(field)
    for unit in ("ms", "s"):
        is_told = re.search(rf"\bin {unit}\b", field.description) is not None
        assert is_told == name.endswith(f"_{unit}")


@pytest.mark.parametrize("name", FIELDS)
def test_every_number_is_bounded(name: str) -> None:
    """No number is without a range, and every default lies within it."""
    if isinstance(FIELDS[name].default, bool) or not isinstance(FIELDS[name].default, int):
        return
    least, greatest = NUMBERS[name]
    assert least <= FIELDS[name].default <= greatest


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: f"{r.left}-{r.right}")
def test_relations_hold(relation: Relation) -> None:
    """Two related settings are refused as soon as they meet or cross, and the sentence says why."""
    right = FIELDS[relation.right].default
    scale = {("_ms", "_s"): 1_000}.get((relation.left[-3:], relation.right[-2:]), 1)
    meeting = {relation.left: right * scale, relation.right: right}
    crossing = {relation.left: right * scale, relation.right: right - 1}
    if relation.may_be_equal:
        assert loaded(**meeting)
    else:
        assert variable(relation.left) in refusal(**meeting)
    message = refusal(**crossing)
    assert message.startswith(f"{variable(relation.left)} ({right * scale}) must")
    assert f"{variable(relation.right)} ({right - 1}), {relation.why}." in message
    assert "\n" not in message


def test_the_defaults_can_be_used() -> None:
    """An empty environment gives settings, with nothing listening beyond this machine."""
    settings = load_settings({})
    assert settings.database_url is None
    assert all(address.is_loopback for address in settings.listeners.values())
    assert len(set(settings.listeners.values())) == len(settings.listeners) == 3


def test_an_empty_variable_is_not_set() -> None:
    """A variable that a template left empty counts as not set, whatever its type."""
    assert load_settings({variable(name): "" for name in FIELDS}) == load_settings({})


def test_other_variables_are_no_concern() -> None:
    """Variables without our prefix are ignored."""
    assert load_settings({"PATH": "/bin", "GATEWAYS": "3", "gateway_pool_size": "x"})


def test_the_process_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the environment that is handed in counts, and only what is given to the class."""
    monkeypatch.setenv("GATEWAY_POOL_SIZE", "13")
    assert load_settings({}).pool_size == Settings().pool_size == 8
    assert load_settings(os.environ).pool_size == 13


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEWAY_POOLSIZE", "GATEWAY_POOL_SIZE"),
        ("GATEWAY_DATABASE_URI", "GATEWAY_DATABASE_URL"),
        ("GATEWAY_GRPC_LISTENER", "GATEWAY_GRPC_LISTEN"),
        ("GATEWAY_DEADLINE_MAX_S", "GATEWAY_DEADLINE_MAX_MS"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, meant: str) -> None:
    """A variable of our prefix that nobody knows stops the start and names the one meant."""
    with pytest.raises(ConfigError) as caught:
        load_settings({name: "1"})
    assert str(caught.value) == f"{name} is not a setting: did you mean {meant}?"


def test_an_unknown_variable_is_refused() -> None:
    """A variable that is like no other is refused too, with the way to see those there are."""
    assert refusal(frobnicate="1") == (
        "GATEWAY_FROBNICATE is not a setting: `gateway config --markdown` describes all there are."
    )


def test_every_wrong_variable_is_named_at_once() -> None:
    """Several mistakes are told together, one sentence and line each."""
    lines = refusal(pool_size=0, log_format="xml", allow_remote="?").splitlines()
    assert len(lines) == 3
    assert len(refusal(one="1", two="2").splitlines()) == 2


def test_variables_that_kubernetes_makes_are_ignored() -> None:
    """A Service called gateway makes variables of our prefix that nobody set."""
    made = {
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_SERVICE_PORT": "7070",
        "GATEWAY_SERVICE_PORT_GRPC": "7070",
        "GATEWAY_PORT": "tcp://10.0.0.1:7070",
        "GATEWAY_PORT_7070_TCP": "tcp://10.0.0.1:7070",
        "GATEWAY_PORT_7070_TCP_ADDR": "10.0.0.1",
        "GATEWAY_NOTIFY_SERVICE_HOST": "10.0.0.2",
        "GATEWAY_NOTIFY_PORT_7071_TCP_PROTO": "tcp",
    }
    assert load_settings(made) == load_settings({})
    assert "GATEWAY_PORT is not a setting" in refusal(port="7070")


def _wrong_choices() -> Iterator[tuple[str, str]]:
    for name, field in FIELDS.items():
        yield from ((name, value) for value in WRONG.get(takes(field), ()))
        if "host:port" in takes(field):
            yield from ((name, value) for value in WRONG_LISTEN)
        if "base URL" in takes(field):
            yield from ((name, value) for value in WRONG_URLS)


@pytest.mark.parametrize(("name", "value"), list(_wrong_choices()))
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    """A value of the wrong form is refused, naming the variable, the value and what is allowed."""
    message = refusal(**{name: value})
    assert message.startswith(f"{variable(name)} is ")
    assert message.endswith(f": write {takes(FIELDS[name])}.")
    assert "\n" not in message
    assert len(message) < 350


@pytest.mark.parametrize("account", ["a b", "x" * 65, "é"])
def test_a_wrong_account_is_refused(account: str) -> None:
    """The account must fit into a header."""
    assert "printable ASCII" in refusal(sandbox_account=account)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("allow_remote", "true", True),
        ("allow_remote", "0", False),
        ("log_level", "WARNING", "warning"),
        ("log_format", "console", "console"),
        ("grpc_listen", "localhost:0", Address("localhost", 0)),
        ("ops_listen", "[::1]:7072", Address("::1", 7072)),
        ("sandbox_url", "https://sandbox.example:8443/base/", "https://sandbox.example:8443/base"),
        ("data_dir", "/srv/gateway", Path("/srv/gateway")),
    ],
)
def test_a_right_value_is_read(name: str, text: str, value: object) -> None:
    """Each kind of setting is read into its own type."""
    assert getattr(loaded(**{name: text, "sandbox_key": SECRET}), name) == value


@pytest.mark.parametrize("name", ["grpc_listen", "notify_listen", "ops_listen"])
@pytest.mark.parametrize("address", ["0.0.0.0:9", "[::]:9", "10.0.0.7:9", "gateway.example:9"])
def test_listening_beyond_this_machine_must_be_allowed(name: str, address: str) -> None:
    """An address that others can reach is refused, unless a setting allows it by name."""
    assert "GATEWAY_ALLOW_REMOTE=true" in refusal(**{name: address})
    assert loaded(**{name: address, "allow_remote": 1, "notify_url": "http://gateway.example"})


def test_two_listeners_need_two_addresses() -> None:
    """One address for two listeners is refused; port 0 is another port each time."""
    assert "GATEWAY_GRPC_LISTEN and GATEWAY_OPS_LISTEN are both" in refusal(
        ops_listen="127.0.0.1:7070"
    )
    assert loaded(grpc_listen="127.0.0.1:0", ops_listen="127.0.0.1:0")


def test_channels_are_told_an_address_that_exists() -> None:
    """Listening everywhere, or on any free port, needs the URL at which channels reach us."""
    everywhere = refusal(notify_listen="0.0.0.0:7071", allow_remote="true")
    anywhere = refusal(notify_listen="127.0.0.1:0")

    assert "set GATEWAY_NOTIFY_URL" in everywhere
    assert "set GATEWAY_NOTIFY_URL" in anywhere


def test_the_sandbox_needs_its_key() -> None:
    """The channel is not enabled without the key that signs its messages."""
    assert "GATEWAY_SANDBOX_KEY_FILE" in refusal(sandbox_url="http://127.0.0.1:7080")


def test_settings_never_change() -> None:
    """Nobody can change a setting after the start."""
    with pytest.raises(ValidationError):
        load_settings({}).pool_size = 9


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_never_shown(name: str) -> None:
    """A secret is usable, and in no text that the settings give of themselves."""
    settings = loaded(**{name: RIGHT_SECRETS[name]})
    assert getattr(settings, name).get_secret_value() == RIGHT_SECRETS[name]
    for text in (repr(settings), str(settings), settings_listing(settings)):
        assert SECRET not in text
    assert f"{variable(name)}=********" in settings_listing(settings).splitlines()


@pytest.mark.parametrize("name", SECRETS)
def test_a_wrong_secret_is_not_shown(name: str) -> None:
    """A secret of the wrong form is refused without being shown, anywhere in the error."""
    for pattern in WRONG_SECRETS[name]:
        with pytest.raises(ConfigError) as caught:
            loaded(**{name: pattern.format(SECRET)})
        assert str(caught.value).startswith(f"{variable(name)} is refused")
        shown = f"{caught.value!r} {caught.value} {caught.value.__context__}"
        assert SECRET not in shown
        assert "x" * 15 not in shown


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    """Every secret can be read from a file, without the line end that editors leave."""
    path = tmp_path / "secret"
    path.write_text(RIGHT_SECRETS[name] + "\n")
    settings = loaded(**{f"{name}_file": path})
    assert getattr(settings, name).get_secret_value() == RIGHT_SECRETS[name]
    both = {name: RIGHT_SECRETS[name], f"{name}_file": path}
    assert refusal(**both) == (
        f"{variable(name)} and {variable(name)}_FILE are both set: set one of them."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff" * 32, "cannot be read: it is not text in UTF-8."),
        (b"x" * (FILE_BYTES_MAX + 1), f"is larger than {FILE_BYTES_MAX} bytes."),
        (b"too short\n", "is refused (not shown): write 16 to 1024 bytes of text."),
    ],
)
def test_a_wrong_file_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    """A file that cannot be used is told by the variable that names it, its content never."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    message = refusal(sandbox_key_file=path)
    assert "GATEWAY_SANDBOX_KEY_FILE" in message
    assert message.endswith(words)
    assert "too short" not in message


def test_the_table_has_every_setting() -> None:
    """The table for the README has one row of four cells per setting, and plain Markdown."""
    rows = settings_table().splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| `{variable(name)}`" for name in FIELDS]
    for row in rows:
        assert row.count("|") == 5
        assert "<" not in row
    assert "| `GATEWAY_POOL_SIZE` | `8` | 1 to 500 | Database connections per process. |" in rows


def test_the_listing_can_be_loaded_again() -> None:
    """What `gateway config` prints is the same configuration again, but for secrets."""
    settings = loaded(pool_size=9, allow_remote="true", grpc_listen="[::1]:70", log_level="error")
    lines = settings_listing(settings).splitlines()
    assert "GATEWAY_POOL_SIZE=9" in lines
    assert "GATEWAY_WORKERS=1  # default" in lines
    pairs = (line.partition("  #")[0].split("=", 1) for line in lines)
    again = load_settings(dict(pairs))
    assert dict(again) == dict(settings)


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_addresses_survive_being_written(host: object, port: int) -> None:
    """Every IPv4 and IPv6 address and port is read back as it was written."""
    address = Address(str(host), port)
    assert Address.parse(str(address)) == address
    assert not address.from_here.is_every_interface
