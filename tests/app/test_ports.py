"""The ports of a gateway: shared by its workers, and by nobody by mistake."""

import socket

import pytest

from gateway.app.errors import StartError
from gateway.app.ports import bind_error, shared_ports
from gateway.config import Address, Settings, load_settings

FREE = {
    "GATEWAY_GRPC_LISTEN": "127.0.0.1:0",
    "GATEWAY_NOTIFY_LISTEN": "127.0.0.1:0",
    "GATEWAY_NOTIFY_URL": "http://127.0.0.1:1",
}


def settings(**variables: str) -> Settings:
    return load_settings(FREE | variables)


def listener(address: Address) -> socket.socket:
    """A worker's listener."""
    found = socket.create_server((address.host, address.port), reuse_port=True)
    found.settimeout(5)
    return found


def test_workers_share_what_is_held() -> None:
    """Port 0 becomes one real port, on which several listen, and the holder takes no caller."""
    with shared_ports(settings()) as found:
        address = found["grpc_listen"]
        assert address.port != 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port), timeout=5)
        with listener(address) as one, listener(address) as other:
            taken = 0
            for _ in range(40):
                socket.create_connection((address.host, address.port), timeout=5).close()
            for worker in (one, other):
                worker.settimeout(0)
                while True:
                    try:
                        worker.accept()[0].close()
                    except BlockingIOError:
                        break
                    taken += 1
            assert taken == 40


@pytest.mark.parametrize("name", ["GRPC", "NOTIFY"])
def test_a_taken_port_is_one_sentence(name: str) -> None:
    """A port that another program has is told with its setting, before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        with (
            pytest.raises(StartError) as caught,
            shared_ports(settings(**{f"GATEWAY_{name}_LISTEN": where})),
        ):
            pass
    assert str(caught.value) == (
        f"Cannot listen on {where}: Address already in use. Free it, or set GATEWAY_{name}_LISTEN."
    )


def test_another_gateway_is_not_let_in_by_mistake() -> None:
    """Listeners that would share are refused too, unless the setting says so by name."""
    with shared_ports(settings()) as found, listener(found["grpc_listen"]):
        same = {"GATEWAY_GRPC_LISTEN": str(found["grpc_listen"])}
        with pytest.raises(StartError, match="already in use"), shared_ports(settings(**same)):
            pass
        with shared_ports(settings(**same, GATEWAY_REUSE_PORT="true")) as again:
            assert again["grpc_listen"] == found["grpc_listen"]


def test_what_was_held_is_free_again() -> None:
    """After the end, and after a refusal, nobody holds the ports."""
    with shared_ports(settings()) as found:
        pass
    with socket.create_server(("127.0.0.1", 0)) as other:
        same = {
            "GATEWAY_GRPC_LISTEN": str(found["grpc_listen"]),
            "GATEWAY_NOTIFY_LISTEN": f"127.0.0.1:{other.getsockname()[1]}",
        }
        with pytest.raises(StartError), shared_ports(settings(**same)):
            pass
    for address in found.values():
        assert bind_error(address) is None


def test_an_address_of_nobody_is_one_sentence() -> None:
    """An address that this machine does not have, or a name that nobody knows, is told."""
    allowed = {"GATEWAY_ALLOW_REMOTE": "true"}
    for where in ("192.0.2.1:7070", "gateway.invalid:7070"):
        with (
            pytest.raises(StartError, match="GATEWAY_GRPC_LISTEN"),
            shared_ports(settings(GATEWAY_GRPC_LISTEN=where, **allowed)),
        ):
            pass
