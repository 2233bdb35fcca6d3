"""What a stand-in for a real channel offers to whoever starts it: a name and a way to serve.

One object per channel is all that a command needs to know, so a channel joins by one line.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Ready = Callable[[str, int, Mapping[str, str]], None]
"""Is told the host, the real port, and by name what a gateway needs to connect."""


class Serve(Protocol):
    """Serves until `stop` is set, with everything it keeps in `data_dir`."""

    def __call__(
        self, *, host: str, port: int, data_dir: Path, ready: Ready, stop: asyncio.Event
    ) -> Awaitable[None]:
        """Raises BookError and OSError when it cannot."""


@dataclass(frozen=True)
class StandIn:
    """A stand-in: `name` as commands have it, `title` as people say it."""

    name: str
    title: str
    port_default: int
    serve: Serve
