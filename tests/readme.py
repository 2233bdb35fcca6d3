"""The generated parts of the README, between markers: `make readme` writes them, a test compares.

What can be made from the code is made from it, so the README cannot fall behind: the state diagram
from the state table, the table of channels from their capabilities and the configuration table from
the settings.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.app import capabilities
from gateway.config import load_settings, settings_table
from gateway.domain.payment import TRANSITIONS

CONFIGURED = "| configured "
"""The row that is about one gateway, and not about channels."""

README = Path(__file__).parents[1] / "README.md"


def state_diagram() -> str:
    """Draw the state table as Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> PROCESSING"]
    for state, events in TRANSITIONS.items():
        arrows = (f"    {state} --> {after}: {event}" for event, after in events.items())
        lines += arrows if events else [f"    {state} --> [*]"]
    return "\n".join([*lines, "```"])


def configuration() -> str:
    """List the settings."""
    return settings_table().strip()


def channels() -> str:
    """List what every channel can do, as `gateway channels --all` does where none is configured."""
    found = capabilities.describe(load_settings({}), all_known=True)
    lines = capabilities.table(found).splitlines()
    return "\n".join(line for line in lines if not line.startswith(CONFIGURED))


SECTIONS: Mapping[str, Callable[[], str]] = {
    "states": state_diagram,
    "channels": channels,
    "configuration": configuration,
}


def rendered(text: str) -> str:
    """Give the README with its generated parts as the code says now."""
    for name, section in SECTIONS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the README has no section {name}")
        made = f"{begin}\n{section()}\n{end}"
        text = pattern.sub(lambda _, made=made: made, text)
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), "utf-8")
