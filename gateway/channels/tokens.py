"""The token that some channels want on every request: fetched by one, waited for by all.

Nothing of a request has left while its token is being fetched. So whatever goes wrong here, an
exchange that was lost included, proves that the request itself was not sent.
"""

import asyncio
from collections.abc import Callable

from gateway.channels.connector import Connector, NeedsToken, TokenRefused
from gateway.channels.transport import Lost, NotSent, Transport
from gateway.clock import Clock, Deadline


class Tokens:
    """Keeps a connector supplied with tokens; one that needs none is always ready."""

    def __init__(
        self,
        holder: NeedsToken | None,
        transport: Transport,
        clock: Clock,
        nonce: Callable[[], str],
    ) -> None:
        self._holder = holder
        self._transport = transport
        self._clock = clock
        self._nonce = nonce
        self._fetching = asyncio.Lock()

    @classmethod
    def of(
        cls, connector: Connector, transport: Transport, clock: Clock, nonce: Callable[[], str]
    ) -> "Tokens":
        """Make those of a connector, which may need none."""
        holder = connector if isinstance(connector, NeedsToken) else None
        return cls(holder, transport, clock, nonce)

    async def ready(self, deadline: Deadline) -> None:
        """Return once a good token is at hand. Raises NotSent."""
        if self._holder is None or not self._holder.needs_token(self._clock.now()):
            return
        try:
            async with asyncio.timeout(deadline.remaining()), self._fetching:
                await self._fetch(self._holder, deadline)
        except TimeoutError as late:
            raise NotSent("no token came in time") from late

    async def _fetch(self, holder: NeedsToken, deadline: Deadline) -> None:
        """Fetch one, unless whoever was here before has done so."""
        moment = self._clock.now()
        if not holder.needs_token(moment):
            return
        request = holder.token_request(moment, self._nonce())
        try:
            reply = await self._transport.exchange(request, deadline.remaining())
            holder.accept_token(reply, moment)
        except (Lost, TokenRefused) as error:
            raise NotSent(f"no token: {error}") from error
