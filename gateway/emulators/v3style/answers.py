"""What a request is answered with, before it becomes bytes: an outcome, and how to spoil it."""

from dataclasses import dataclass, field

from gateway.emulators.v3style.errors import Refusal, error_view
from gateway.emulators.v3style.play import NO_FAULT, Fault
from gateway.emulators.v3style.records import View

OK, NO_CONTENT = 200, 204


@dataclass(frozen=True)
class File:
    """A bill as it is downloaded."""

    content: bytes
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and a body; `request_number` goes into Request-Id. The rest says how to send it."""

    status: int = OK
    view: View | None = None
    file: File | None = None
    request_number: int = 0
    signed: bool = True
    fault: Fault = field(default=NO_FAULT)
    notify_first: tuple[int, ...] = ()  # ids in the outbox


def refused(refusal: Refusal) -> Answer:
    """The answer to what the channel refuses."""
    return Answer(status=refusal.status, view=refusal.view(), request_number=refusal.number)


def failed() -> Answer:
    """The answer when something went wrong on our side."""
    return refused(Refusal("SYSTEM_ERROR", "Something went wrong."))


def coded(code: str, status: int) -> Answer:
    """An error that was asked for by its code, however it is spelled."""
    return Answer(status=status, view=error_view(code, f"Played: {code}."))
