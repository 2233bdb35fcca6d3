"""How messages reach the terminal: aligned text for people, one JSON document per line for scripts.

Text from the gateway is shown without control characters, so that nothing a payer or a channel
wrote can move the cursor or colour the screen. JSON is plain ASCII, so that it survives any pipe.
"""

import json
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

GAP = "  "


class Printer:
    """Prints each message in the one form that the caller chose."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self._out = out
        self.as_json = as_json

    def fields(self, message: Message, fields: Sequence[tuple[str, str]]) -> None:
        """Print one message: its fields below one another, those that are empty left out."""
        if self.as_json:
            self.json(message)
            return
        shown = [field for field in fields if field[1]]
        label_width = max((len(label) for label, _ in shown), default=0)
        for label, value in shown:
            self.text(f"{label.ljust(label_width)}{GAP}{value}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows below a header, each column as wide as its widest cell."""
        cells = [[printable(cell) for cell in row] for row in (header, *rows)]
        widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (
                cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
            )
            self.text(GAP.join(padded).rstrip())

    def json(self, message: Message) -> None:
        """Print one message as one line of JSON, every field that has no presence included."""
        document = MessageToDict(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        self.text(json.dumps(document, separators=(",", ":")))

    def text(self, line: str) -> None:
        """Print one line at once, so that a reader of a pipe sees it too."""
        print(printable(line), file=self._out, flush=True)


def printable(text: str) -> str:
    """Replace what a terminal would obey instead of show."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)
