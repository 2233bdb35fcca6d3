"""The settings as text: a table of all there are, for the README, and a list of those in force."""

from collections.abc import Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.config.fields import variable
from gateway.config.settings import Settings
from gateway.config.values import range_of, takes

MASK = "********"


def settings_table() -> str:
    """Write all settings as a Markdown table: variable, default, range, meaning."""
    rows = [
        (f"`{variable(name)}`", _default(field), _range(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    head = [("Variable", "Default", "Range", "Meaning"), ("---",) * 4]
    return "\n".join("| " + " | ".join(row) + " |" for row in (*head, *rows))


def settings_listing(settings: Settings) -> str:
    """Write the settings in force as lines `VARIABLE=value`, secrets masked.

    What is not set has no value; what is as it is by default says so.
    """
    return "\n".join(_lines(settings))


def _lines(settings: Settings) -> Iterator[str]:
    for name, value in settings:
        note = "" if name in settings.model_fields_set else "  # default"
        yield f"{variable(name)}={_text(value)}{note}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(field: FieldInfo) -> str:
    return f"`{text}`" if (text := _text(field.default)) else "none"


def _range(field: FieldInfo) -> str:
    bounds = range_of(field)
    return f"{bounds[0]} to {bounds[1]}" if bounds else takes(field).partition(", such as")[0]
