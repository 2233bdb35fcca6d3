"""One HTTP/2 connection of the generator: streams, windows, and what came back.

Its rule: per call as little as can be. A request whose bytes fit into the windows leaves as one
piece; only one that does not (a batch) is sent in parts as the server opens its windows. Of an
answer only the frames' heads are read: a message followed by the end of the stream is an answer,
the end without a message is an error.
"""

import socket
from collections import deque
from collections.abc import Callable

from tests.bench import frames
from tests.bench.frames import DATA, END_HEADERS, END_STREAM, HEADER_BYTES, HEADERS

RECEIVE_BYTES = 1 << 18
"""What is read at once, in bytes."""

CONNECT_TIMEOUT_S = 5.0
"""Longest wait for a connection and for the server's settings."""

Finished = Callable[["Connection", int, float, bytes | None], None]
"""Told of each call that ended: its number, when it was meant to leave, and its message if any."""


class ServerGone(Exception):
    """A connection could not be made, or broke what HTTP/2 says."""


class _Upload:
    """A message that is sent in parts."""

    __slots__ = ("body", "offset", "window")

    def __init__(self, body: bytes, window: int) -> None:
        self.body = body
        self.offset = 0
        self.window = window


class Connection:
    """A connection to one server, for calls of one method."""

    def __init__(self, host: str, port: int, path: str, finished: Finished) -> None:
        """Connect, and wait for the server's settings. Raises ServerGone."""
        self.calls: dict[int, tuple[float, int]] = {}
        self.closed = False
        self._finished = finished
        self._block = frames.request_headers(f"{host}:{port}", path)
        self._start = frames.head(len(self._block), HEADERS, END_HEADERS, 0)[:5]
        self._middles: dict[int, bytes] = {}
        self._waiting: deque[tuple[int, float, bytes]] = deque()
        self._uploads: dict[int, _Upload] = {}
        self._bodies: dict[int, bytes] = {}
        self._out: list[bytes] = [frames.opening()]
        self._rest = b""
        self._next_stream = 1
        self._streams_max = frames.STREAMS_MAX_DEFAULT
        self._frame_bytes_max = frames.FRAME_BYTES_MAX_DEFAULT
        self._stream_window = frames.WINDOW_BYTES_DEFAULT
        self._window = frames.WINDOW_BYTES_DEFAULT
        self._received = 0
        self._settled = False
        self.socket = self._connect(host, port)

    @property
    def blocked(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return bool(self._out)

    def submit(self, number: int, start: float, body: bytes) -> None:
        """Make a call, now or as soon as the server takes another stream; `flush` sends it."""
        if self.closed:
            self._finished(self, number, start, None)
        elif len(self.calls) < self._streams_max:
            self._begin(number, start, body)
        else:
            self._waiting.append((number, start, body))

    def flush(self) -> None:
        """Send what the socket takes."""
        if not self._out:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose()
            return
        self._out = [] if sent == len(data) else [data[sent:]]

    def receive(self) -> None:
        """Read what has come, and tell of each call that ended."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(self._rest + data if self._rest else data)
        else:
            self._lose()

    def close(self) -> None:
        """End the connection; nothing more is told of its calls."""
        self.closed = True
        self.socket.close()

    def _connect(self, host: str, port: int) -> socket.socket:
        try:
            self.socket = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.flush()
            while not self._settled:
                self.receive()
                if self.closed:
                    raise ServerGone(f"{host}:{port} closed the connection")
        except OSError as error:
            raise ServerGone(f"{host}:{port} does not answer: {error}") from error
        self.socket.setblocking(False)
        return self.socket

    def _begin(self, number: int, start: float, body: bytes) -> None:
        stream = self._next_stream
        self._next_stream = stream + 2
        self.calls[stream] = (start, number)
        name = stream.to_bytes(4)
        size = len(body)
        if (
            self._uploads
            or size > self._window
            or size > self._stream_window
            or size > self._frame_bytes_max
        ):
            self._out.append(self._start + name + self._block)
            self._uploads[stream] = _Upload(body, self._stream_window)
            self._upload()
            return
        self._window -= size
        middle = self._middles.get(size)
        if middle is None:
            data_start = frames.head(size, DATA, END_STREAM, 0)[:5]
            middle = self._middles[size] = self._block + data_start
        self._out.append(b"".join((self._start, name, middle, name, body)))

    def _upload(self) -> None:
        """Send parts of messages while there is room in the windows, oldest first."""
        for stream, upload in list(self._uploads.items()):
            while upload.offset < len(upload.body):
                left = len(upload.body) - upload.offset
                size = min(left, self._frame_bytes_max, self._window, upload.window)
                if size <= 0:
                    break
                part = upload.body[upload.offset : upload.offset + size]
                flags = END_STREAM if size == left else 0
                self._out.append(frames.frame(DATA, flags, stream, part))
                upload.offset += size
                upload.window -= size
                self._window -= size
            else:
                del self._uploads[stream]

    def _take(self, data: bytes) -> None:
        """Read all whole frames; what is left of the last one waits for more."""
        at, end = 0, len(data)
        unpack = frames.HEAD.unpack_from
        while end - at >= HEADER_BYTES:
            high, low, kind, flags, stream = unpack(data, at)
            body_at = at + HEADER_BYTES
            stop = body_at + (high << 8 | low)
            if stop > end:
                break
            if kind == DATA:
                self._received += stop - body_at
                before = self._bodies.get(stream)
                part = data[body_at:stop]
                self._bodies[stream] = part if before is None else before + part
                if flags & END_STREAM:
                    self._end(stream)
            elif kind == HEADERS:
                if flags & END_STREAM:
                    self._end(stream)
            else:
                self._control(kind, flags, stream, data[body_at:stop])
            at = stop
        self._rest = data[at:]
        if self._received > frames.WINDOW_BYTES_MAX // 2:
            self._out.append(frames.window_update(0, self._received))
            self._received = 0

    def _end(self, stream: int) -> None:
        call = self.calls.pop(stream, None)
        body = self._bodies.pop(stream, None)
        self._uploads.pop(stream, None)
        if call is not None:
            self._finished(self, call[1], call[0], body)
        if self._waiting and not self.closed and len(self.calls) < self._streams_max:
            self._begin(*self._waiting.popleft())

    def _control(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        """Do what a frame that carries no answer asks for; frames of other kinds ask nothing."""
        if kind == frames.SETTINGS and not flags & frames.ACK:
            self._apply(frames.read_settings(body))
            self._out.append(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
        elif kind == frames.PING and not flags & frames.ACK:
            self._out.append(frames.frame(frames.PING, frames.ACK, 0, body))
        elif kind == frames.WINDOW_UPDATE:
            self._widen(stream, int.from_bytes(body))
        elif kind == frames.RST_STREAM:
            self._bodies.pop(stream, None)
            self._end(stream)
        elif kind == frames.GOAWAY:
            self._lose()

    def _apply(self, settings: dict[int, int]) -> None:
        window = settings.get(frames.SET_WINDOW_BYTES, self._stream_window)
        for upload in self._uploads.values():
            upload.window += window - self._stream_window
        self._stream_window = window
        self._streams_max = settings.get(frames.SET_STREAMS_MAX, self._streams_max)
        self._frame_bytes_max = settings.get(frames.SET_FRAME_BYTES_MAX, self._frame_bytes_max)
        self._settled = True
        self._upload()

    def _widen(self, stream: int, count: int) -> None:
        if not stream:
            self._window += count
        elif stream in self._uploads:
            self._uploads[stream].window += count
        self._upload()

    def _lose(self) -> None:
        """Give the connection up: no call on it will be answered any more."""
        self.close()
        self._out.clear()
        calls = [*self.calls.values(), *((start, number) for number, start, _ in self._waiting)]
        self.calls.clear()
        self._waiting.clear()
        for start, number in calls:
            self._finished(self, number, start, None)
