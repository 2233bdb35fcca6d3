"""The only outbound HTTP: one exchange, and the proof whether anything was sent.

What can go wrong is told apart by one question. `NotSent` is raised only where the request cannot
have left: no name, no connection, no TLS, no place in the pool. Everything after the first byte,
a kept-alive connection that was reset included, is `Lost`: the channel may have acted. Nothing is
followed, decoded, remembered or read from the environment, so a signature is checked over the very
bytes that came. aiohttp itself repeats a GET, never a POST, once if its connection breaks.
"""

import asyncio
from collections.abc import Mapping

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from gateway.channels.bounds import ChannelBounds
from gateway.channels.connector import HttpReply, HttpRequest

NOT_SENT_ERRORS = (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ConnectionTimeoutError,
)
"""What aiohttp raises only before it writes: DNS, refused, TLS, no place or connection in time."""

OWN_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "payment-gateway"}


class NotSent(Exception):
    """Proof that nothing left this process. The message says why, without a secret."""


class Lost(Exception):
    """The request may have arrived, and no whole answer came. The message says what happened."""


def open_session(bounds: ChannelBounds) -> ClientSession:
    """Open the one session of the process, inside its event loop. The caller closes it."""
    pool = TCPConnector(
        limit=0,
        limit_per_host=bounds.connections_max,
        keepalive_timeout=bounds.keepalive_s,
    )
    return ClientSession(
        connector=pool,
        cookie_jar=DummyCookieJar(),
        headers=OWN_HEADERS,
        trust_env=False,
        auto_decompress=False,
    )


class Transport:
    """Exchanges with one host. `base_url` has a scheme, a host and perhaps a port, nothing else.

    Raises:
        ValueError: the base URL has anything else.
    """

    def __init__(self, session: ClientSession, base_url: str, bounds: ChannelBounds) -> None:
        base = URL(base_url)
        if base.scheme not in {"http", "https"} or not base.host or base != base.origin():
            raise ValueError(
                "A channel's URL must look like https://host:port: no user, path or query."
            )
        self._base = str(base.origin())
        self._session = session
        self._bounds = bounds

    async def exchange(
        self, request: HttpRequest, timeout_s: float, *, bytes_max: int = 0, origin: str = ""
    ) -> HttpReply:
        """Send a request and read its answer, within the time given in seconds.

        `bytes_max` is how long the answer may be; 0 for as long as replies of this channel may be.
        `origin` is another host of the channel's, such as one for files, with scheme and port.

        Raises:
            NotSent: nothing left.
            Lost: anything else went wrong.
        """
        bytes_max = bytes_max or self._bounds.reply_bytes_max
        connect_s = min(self._bounds.connect_timeout_s, timeout_s)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    request.method,
                    URL((origin or self._base) + request.path, encoded=True),
                    data=request.body or None,
                    headers=request.headers,
                    allow_redirects=False,
                    timeout=ClientTimeout(total=None, connect=connect_s),
                ) as response,
            ):
                body = await _read(response, bytes_max)
                return HttpReply(response.status, _headers(response), body)
        except NOT_SENT_ERRORS as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        except TimeoutError as error:
            raise Lost(f"no answer within {timeout_s:.1f} s") from error
        except (ClientError, OSError) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error


async def _read(response: ClientResponse, bytes_max: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > bytes_max:
            response.close()
            raise Lost(f"the answer is longer than {bytes_max} bytes")
    return bytes(body)


def _headers(response: ClientResponse) -> Mapping[str, str]:
    headers = response.headers
    return {name.lower(): ", ".join(headers.getall(name)) for name in headers}
