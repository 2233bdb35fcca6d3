"""Settings: every variable of the gateway, and the relations between them.

A field is the variable `GATEWAY_` plus its name in upper case. Units stand last in the names:
`_ms` milliseconds, `_s` seconds. Bounds stand in the fields (`core`, and one file per channel in
`channels/`), relations between fields in `RELATIONS` and below it, and every value within its
bounds can be used if its neighbours fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from pydantic import model_validator
from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.address import Address
from gateway.config.channels import CHANNEL_NEEDS, ChannelFields
from gateway.config.core import CoreSettings
from gateway.config.fields import PREFIX, variable


class Settings(ChannelFields, CoreSettings):
    """The configuration in force. Make it with `load_settings`; it never changes afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls, *_unused: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the arguments only: `load_settings` says which environment counts."""
        return (sources["init_settings"],)

    @model_validator(mode="after")
    def _relations_hold(self) -> Self:
        for sentence in _broken_relations(self):
            raise ValueError(sentence)
        return self

    @property
    def connections_max(self) -> int:
        """Database connections that all gateways together may have open."""
        return self.replicas * self.workers * self.pool_size

    @property
    def listeners(self) -> dict[str, Address]:
        """Map the name of each setting that is a listener to its address."""
        return {name: value for name, value in self if isinstance(value, Address)}


@dataclass(frozen=True, slots=True)
class Relation:
    """One setting must be less than another (or not more), whatever their units; and why."""

    left: str
    right: str
    why: str
    may_be_equal: bool = False

    def holds(self, settings: Settings) -> bool:
        """Tell whether the settings keep the relation."""
        left, right = _comparable(settings, self.left), _comparable(settings, self.right)
        return left < right or (self.may_be_equal and left == right)

    def sentence(self, settings: Settings) -> str:
        """Say what the relation wants of these settings."""
        wanted = "must not be more than" if self.may_be_equal else "must be less than"
        left, right = (f"{variable(n)} ({getattr(settings, n)})" for n in (self.left, self.right))
        return f"{left} {wanted} {right}, {self.why}."


RELATIONS: Final = (
    Relation("answer_margin_ms", "deadline_default_ms", "or no call has time to work in"),
    Relation(
        "deadline_default_ms", "deadline_max_ms", "which cuts every deadline", may_be_equal=True
    ),
    Relation(
        "pool_acquire_timeout_ms",
        "deadline_default_ms",
        "or a call that waits for the database is never answered",
    ),
    Relation("lock_timeout_ms", "statement_timeout_ms", "or it never takes effect"),
    Relation(
        "commit_wait_max_ms",
        "deadline_default_ms",
        "or a call that waits to be written is never answered",
    ),
    Relation(
        "channel_calls_max",
        "channel_connections_max",
        "or callers of a slow channel leave no connection for the workers who ask about it",
    ),
    Relation("watchers_max", "grpc_calls_max", "or streams leave no room for payments"),
    Relation("watch_poll_ms", "heartbeat_s", "or heartbeats come late", may_be_equal=True),
    Relation("payment_expiry_default_s", "payment_expiry_max_s", "the greatest", may_be_equal=True),
    Relation("recovery_delay_min_ms", "recovery_delay_max_ms", "the greatest", may_be_equal=True),
    Relation(
        "recovery_delay_max_ms",
        "review_after_s",
        "or work goes to review before it was asked about",
        may_be_equal=True,
    ),
)


def _comparable(settings: Settings, name: str) -> int:
    value: int = getattr(settings, name)
    return value * 1_000 if name.endswith("_s") else value


def _broken_relations(settings: Settings) -> Iterator[str]:
    for relation in RELATIONS:
        if not relation.holds(settings):
            yield relation.sentence(settings)
    yield from _broken_listeners(settings)
    for needs in CHANNEL_NEEDS:
        yield from needs.unmet(settings)


def _broken_listeners(settings: Settings) -> Iterator[str]:
    taken: dict[Address, str] = {}
    for name, address in settings.listeners.items():
        if not (address.is_loopback or settings.allow_remote):
            yield (
                f"{variable(name)} is {address}, which other machines can reach, and callers are "
                "not authenticated yet: listen on 127.0.0.1, or set GATEWAY_ALLOW_REMOTE=true "
                "behind a network that keeps everybody else out."
            )
        if address.port and address in taken:
            yield f"{variable(taken[address])} and {variable(name)} are both {address}: change one."
        taken[address] = name
    listen = settings.notify_listen
    if (listen.is_every_interface or not listen.port) and settings.notify_url is None:
        yield (
            f"GATEWAY_NOTIFY_LISTEN is {listen}, which is no address to call: set "
            "GATEWAY_NOTIFY_URL to the base URL at which channels reach it."
        )
