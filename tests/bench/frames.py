"""The bytes of HTTP/2 that a gRPC client needs (RFC 9113, and RFC 7541 for headers).

Only what is the same for every message is made here, once. Headers are written as literals that are
not indexed, so a request has the same bytes whatever came before it, and no table has to be kept;
of answers only the nine bytes before each frame are read.
"""

from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
FRAME_BYTES_MAX_DEFAULT = 16_384
WINDOW_BYTES_DEFAULT = 65_535
WINDOW_BYTES_MAX = (1 << 31) - 1
STREAM_WINDOW_BYTES = 1 << 26
"""What one answer may have in bytes; no window of a stream is ever opened again."""

STREAMS_MAX_DEFAULT = 100
"""Streams under way until the server says how many it takes."""

DEADLINE = "20S"
"""Deadline of every call, as callers should send one; far beyond what any answer takes."""

HEAD = Struct(">HBBBL")
"""Length (high, low), type, flags, stream: what stands before each frame."""

_SETTING = Struct(">HL")


# Plain numbers, not enumerations: they are compared several times per answer.
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
"""Kinds of frames."""

ACK = END_STREAM = 1
END_HEADERS = 4
"""Flags of frames; what is ACK for SETTINGS and PING ends a stream elsewhere."""

SET_ENABLE_PUSH, SET_STREAMS_MAX, SET_WINDOW_BYTES, SET_FRAME_BYTES_MAX = 2, 3, 4, 5
"""Settings that are sent or looked at."""


def head(length: int, kind: int, flags: int, stream: int) -> bytes:
    """Write what stands before a frame."""
    return HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream)


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """Write a frame."""
    return head(len(body), kind, flags, stream) + body


def opening() -> bytes:
    """Write what a client says first: its settings, and a wide open window."""
    wanted = {SET_ENABLE_PUSH: 0, SET_WINDOW_BYTES: STREAM_WINDOW_BYTES}
    body = b"".join(_SETTING.pack(name, value) for name, value in wanted.items())
    settings = frame(SETTINGS, 0, 0, body)
    return PREFACE + settings + window_update(0, WINDOW_BYTES_MAX - WINDOW_BYTES_DEFAULT)


def window_update(stream: int, count: int) -> bytes:
    """Allow the peer to send so many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, count.to_bytes(4))


def read_settings(body: bytes) -> dict[int, int]:
    """Read settings; of one that comes twice the last counts."""
    return dict(_SETTING.iter_unpack(body))


def request_headers(authority: str, path: str) -> bytes:
    """Write the headers of a gRPC call as one block."""
    return b"".join(
        (
            b"\x83\x86",  # :method POST and :scheme http, from the static table
            _literal(4, path),  # :path
            _literal(1, authority),  # :authority
            _named("te", "trailers"),
            _literal(31, "application/grpc"),  # content-type
            _named("grpc-timeout", DEADLINE),
            _named("user-agent", "gateway-bench"),
        )
    )


def message(body: bytes) -> bytes:
    """Write a gRPC message: not compressed, and its length before it."""
    return b"\0" + len(body).to_bytes(4) + body


def _literal(index: int, value: str) -> bytes:
    """Write a header whose name stands in the static table, not to be indexed."""
    return _integer(index, bits=4) + _string(value)


def _named(name: str, value: str) -> bytes:
    return b"\0" + _string(name) + _string(value)


def _string(text: str) -> bytes:
    raw = text.encode("ascii")
    return _integer(len(raw), bits=7) + raw


def _integer(value: int, bits: int) -> bytes:
    """Write an integer behind a prefix of zeros (RFC 7541, 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([value])
    found = [limit]
    value -= limit
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
