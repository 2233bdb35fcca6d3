"""What a request is answered with, before it becomes bytes: an outcome, and how to spoil it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.emulators.carrier.errors import Refusal, error_view
from gateway.emulators.carrier.play import NO_FAULT, Fault

OK, CREATED, ACCEPTED, NO_CONTENT = 200, 201, 202, 204


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, a body, headers of its own. The rest says how to send it."""

    status: int = OK
    view: Any = None  # an object, an array, or None for no body
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault = field(default=NO_FAULT)
    notify_first: tuple[int, ...] = ()  # ids in the outbox


def refused(refusal: Refusal) -> Answer:
    """The answer to what the operator refuses."""
    headers: dict[str, str] = {}
    if refusal.status == 401:  # noqa: PLR2004 the one status that HTTP wants explained
        scheme = "Basic" if refusal.code == "invalid_client" else "Bearer"
        headers["WWW-Authenticate"] = f'{scheme} realm="carrier"'
    return Answer(status=refusal.status, view=refusal.view(), headers=headers)


def failed() -> Answer:
    """The answer when something went wrong on our side."""
    return refused(Refusal("INTERNAL", "Something went wrong."))


def coded(code: str, status: int) -> Answer:
    """An error that was asked for by its code, however it is spelled."""
    return Answer(status=status, view=error_view(status, code, f"Played: {code}."))
