"""What a command is, and the help that every command has: exit codes, environment, examples.

A platform engineer learns a command from `--help` alone, so what it needs to say are fields here
and cannot be forgotten. Exit codes mean the same everywhere: 0 it is so, 1 it is not so, 2 it could
not be tried.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Final

from gateway.config import Settings, variable

DONE: Final = 0
UNMET: Final = 1
UNUSABLE: Final = 2

UNUSABLE_MEANING: Final = (
    "it could not be tried: wrong command line or configuration, or something needed is away"
)
WIDTH: Final = 96

Environ = Mapping[str, str]


def _no_arguments(_parser: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: its words, such as `ledger check`.
        summary: one line for the list of commands.
        description: what it does and what it does not, for people who have not read the code.
        exits: what the exit codes 0 and 1 mean here.
        run: does it, given the arguments and the environment; gives the exit code.
        examples: command lines as they are typed.
        settings: names of the settings that matter most to it.
        add_arguments: declares its arguments.
    """

    name: str
    summary: str
    description: str
    exits: Mapping[int, str]
    run: Callable[[Namespace, Environ], int]
    examples: Sequence[str]
    settings: Sequence[str] = ()
    add_arguments: Callable[[ArgumentParser], None] = _no_arguments

    def fill(self, parser: ArgumentParser) -> None:
        """Give a parser everything this command says and takes."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.description = fill(self.description, WIDTH)
        parser.epilog = "\n\n".join(self._sections())
        self.add_arguments(parser)
        parser.set_defaults(run=self.run)

    def _sections(self) -> Iterator[str]:
        exits = {**self.exits, UNUSABLE: UNUSABLE_MEANING}
        yield _section("exit codes", [f"{code}  {exits[code]}" for code in sorted(exits)])
        if self.settings:
            lines = [f"{variable(name)}\n    {_meaning(name)}" for name in self.settings]
            yield _section("environment (gateway config lists all of it)", lines)
        yield _section("examples", self.examples)


def _section(title: str, lines: Sequence[str]) -> str:
    return f"{title}:\n" + indent("\n".join(lines), "  ")


def _meaning(name: str) -> str:
    meaning = Settings.model_fields[name].description or ""
    return fill(meaning, WIDTH - 6, break_on_hyphens=False).replace("\n", "\n    ")
