"""From environment variables to Settings, or one clear sentence per wrong variable.

Variables of our prefix that nobody knows are refused: a misspelt bound would silently not bind.
Secrets may come from files, named by `<variable>_FILE`, as container platforms mount them.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from gateway.config.fields import PREFIX, variable
from gateway.config.settings import Settings
from gateway.config.values import is_secret, takes

FILE_BYTES_MAX: Final = 65_536
SHOWN_LENGTH_MAX: Final = 80
FILE_SUFFIX: Final = "_file"

# Kubernetes tells every container of each Service in its namespace, so one that is called
# `gateway` or `gateway-...` makes variables of our prefix that nobody set.
_SERVICE_LINK = re.compile(
    r"GATEWAY(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")


class ConfigError(Exception):
    """The configuration cannot be used; the message says what to change, one sentence each."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables. An empty variable counts as not set.

    Raises:
        ConfigError: a variable is unknown or wrong, or a file that it names cannot be used.
    """
    given = {name: value for name, value in environ.items() if _is_ours(name, value)}
    known = {variable(name) for name in Settings.model_fields}
    if unknown := sorted(given.keys() - known):
        raise ConfigError("\n".join(_unknown(name, known) for name in unknown))
    values: dict[str, Any] = _Environment(given)()
    contents = {name: _content(name, given) for name in _secrets_in_files(values)}
    try:
        return Settings(**values | contents)
    except ValidationError as error:
        sentences = (_sentence(dict(item), given, contents) for item in error.errors())
        raise ConfigError("\n".join(sentences)) from None


class _Environment(EnvSettingsSource):
    """The variables of the environment that was handed in, not those of the process."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {name.lower(): value for name, value in given.items()}


def _is_ours(name: str, value: str) -> bool:
    if not name.startswith(PREFIX) or not value:
        return False
    is_service_url = name.endswith("_PORT") and _SERVICE_URL.match(value)
    return not is_service_url and not _SERVICE_LINK.fullmatch(name)


def _unknown(name: str, known: Iterable[str]) -> str:
    words = [item.removeprefix(PREFIX) for item in known]  # the prefix is alike in all
    close = difflib.get_close_matches(name.removeprefix(PREFIX), words, n=1, cutoff=0.7)
    advice = "`gateway config --markdown` describes all there are."
    if close:
        advice = f"did you mean {PREFIX}{close[0]}?"
    return f"{name} is not a setting: {advice}"


def _secrets_in_files(values: Mapping[str, Any]) -> Iterator[str]:
    """Name the secrets whose file is given. Raises ConfigError where the secret itself is too."""
    for name in Settings.model_fields:
        if name + FILE_SUFFIX not in values:
            continue
        if name in values:
            both = f"{variable(name)} and {variable(name + FILE_SUFFIX)}"
            raise ConfigError(f"{both} are both set: set one of them.")
        yield name


def _content(name: str, given: Mapping[str, str]) -> str:
    """Read a secret from its file, without the line end that editors leave."""
    name_of_file = variable(name + FILE_SUFFIX)
    path = Path(given[name_of_file])
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise ConfigError(
                f"{name_of_file} is {path}, which is larger than {FILE_BYTES_MAX} bytes."
            )
        return content.decode().rstrip("\r\n")
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:
        why = "it is not text in UTF-8"
    raise ConfigError(f"{name_of_file} is {path}, which cannot be read: {why}.")


def _sentence(error: Mapping[str, Any], given: Mapping[str, str], contents: Collection[str]) -> str:
    """Say in one sentence what is wrong; relations say it themselves."""
    if not error["loc"]:
        return str(error["ctx"]["error"])
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    if name in contents:
        what = f"The secret in the file of {variable(name + FILE_SUFFIX)} is refused (not shown)"
    elif is_secret(field):
        what = f"{variable(name)} is refused (secret, not shown)"
    else:
        what = f"{variable(name)} is {_shown(given[variable(name)])}"
    return f"{what}: write {takes(field)}."


def _shown(value: str) -> str:
    is_long = len(value) > SHOWN_LENGTH_MAX
    return repr(value[:SHOWN_LENGTH_MAX] + "..." if is_long else value)
