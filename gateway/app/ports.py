"""The ports of a gateway: whether they are free, and how its workers come to share them.

Workers share a port by SO_REUSEPORT: the system spreads connections over those who listen. That
would also let in a gateway with another database, by mistake, and a key could be used twice. So
the ports are tried first as somebody who shares with nobody, and then held for as long as the
gateway runs, which also keeps the number of a port that the system chose (port 0). Who only holds a
port and does not listen is given no connections.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from gateway.app.errors import StartError
from gateway.config import Address, Settings, variable

SHARED: Final = ("grpc_listen", "notify_listen")
"""The listeners that every worker has; operations are the supervisor's."""


@contextmanager
def listening(name: str, address: Address) -> Iterator[None]:
    """Tell what keeps a listener from its address, by the name of its setting."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        words = f"Cannot listen on {address}: {why}. Free it, or set {variable(name)}."
        raise StartError(words) from error


@contextmanager
def shared_ports(settings: Settings) -> Iterator[Mapping[str, Address]]:
    """Hold the ports that workers share; give the real addresses. Raises StartError."""
    with ExitStack() as stack:
        found = {}
        for name in SHARED:
            address = settings.listeners[name]
            with listening(name, address):
                if not settings.reuse_port and (error := bind_error(address)):
                    raise error
                holder = stack.enter_context(_bound(address, socket.SO_REUSEPORT))
            found[name] = Address(address.host, holder.getsockname()[1])
        yield found


def bind_error(address: Address) -> OSError | None:
    """Say what keeps this process from listening there alone; None where nothing does."""
    try:
        with _bound(address) as listener:
            listener.listen(1)
    except OSError as error:
        return error
    return None


def _bound(address: Address, *options: int) -> socket.socket:
    family, kind, protocol, _, where = _resolved(address)
    bound = socket.socket(family, kind, protocol)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    return bound


def _resolved(address: Address) -> tuple[Any, ...]:
    return socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
