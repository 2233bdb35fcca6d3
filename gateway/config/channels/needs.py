"""What a channel cannot do without, once its URL is set: one sentence for each thing that lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic_settings import BaseSettings

from gateway.config.fields import variable


@dataclass(frozen=True, slots=True)
class Needs:
    """The relations between the settings of one channel.

    Attributes:
        url: the setting that enables the channel.
        required: settings without which it cannot work.
        pairs: settings that name as many things each, in the same order.
        loose_pairs: likewise, but the second may be left out altogether.
    """

    url: str
    required: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    loose_pairs: tuple[tuple[str, str], ...] = ()

    def unmet(self, settings: BaseSettings) -> Iterator[str]:
        """Say what must be set besides; nothing while the channel is not enabled."""
        if getattr(settings, self.url) is None:
            return
        for name in self.required:
            if not getattr(settings, name):
                yield f"{variable(self.url)} is set: set {_ways(settings, name)} too."
        given = (pair for pair in self.loose_pairs if getattr(settings, pair[1]))
        for left, right in (*self.pairs, *given):
            counts = len(getattr(settings, left)), len(getattr(settings, right))
            if counts[0] != counts[1]:
                yield (
                    f"{variable(left)} names {counts[0]} and {variable(right)} {counts[1]}: "
                    "name as many of each, in the same order."
                )


def _ways(settings: BaseSettings, name: str) -> str:
    """Name the setting, and the file that may hold it instead."""
    names: Sequence[str] = (name, f"{name}_file")
    return " or ".join(variable(item) for item in names if item in type(settings).model_fields)
