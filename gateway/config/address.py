"""Where a listener stands: a host and a port, written `host:port`, IPv6 in brackets."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Self

PORT_MAX: Final = 65_535
HOST_LENGTH_MAX: Final = 253

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[0-9A-Za-z.-]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """A host (a name, IPv4 or IPv6, without brackets) and a TCP port; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read `host:port` or `[IPv6]:port`; an Address is given back. Raises ValueError."""
        if isinstance(value, cls):
            return value
        match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
        if match is None or int(match["port"]) > PORT_MAX:
            raise ValueError("not an address")
        if match["six"]:
            return cls(str(ip_address(match["six"])), int(match["port"]))
        if len(match["host"]) > HOST_LENGTH_MAX:
            raise ValueError("not an address")
        return cls(match["host"], int(match["port"]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. Of names, only `localhost` is known to be so."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @property
    def is_every_interface(self) -> bool:
        """Whether it listens everywhere, so that it is no address to call."""
        try:
            return ip_address(self.host).is_unspecified
        except ValueError:
            return False

    @property
    def from_here(self) -> "Address":
        """Give the address at which this machine itself reaches the listener."""
        if not self.is_every_interface:
            return self
        return Address("::1" if ":" in self.host else "127.0.0.1", self.port)
