"""A ZIP archive whose names are GBK, as the channel's bills are.

The standard library writes names beyond ASCII as UTF-8 and says so in a flag; these archives say
nothing, and who reads them must know. So the container is written here: for each file a local
header and its deflated bytes, then the directory, then its end.
"""

import struct
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

ENCODING: Final = "gbk"

_VERSION, _DEFLATED = 20, 8


def write(files: Mapping[str, bytes], time: datetime) -> bytes:
    """The archive of files by name."""
    body, directory = bytearray(), bytearray()
    for name, content in files.items():
        raw, offset = name.encode(ENCODING), len(body)
        packed = _deflate(content)
        head = struct.pack(
            "<HHHHHLLLHH",
            *(_VERSION, 0, _DEFLATED, *_dos_time(time), zlib.crc32(content)),
            *(len(packed), len(content), len(raw), 0),
        )
        body += b"PK\x03\x04" + head + raw + packed
        directory += b"PK\x01\x02" + struct.pack("<H", _VERSION) + head
        directory += struct.pack("<HHHLL", 0, 0, 0, 0, offset) + raw
    sizes = (len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, *sizes))


def _deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _dos_time(time: datetime) -> tuple[int, int]:
    clock = time.hour << 11 | time.minute << 5 | time.second // 2
    return clock, (time.year - 1980) << 9 | time.month << 5 | time.day
