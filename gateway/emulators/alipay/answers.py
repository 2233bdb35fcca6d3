"""What a request is answered with, before it becomes bytes: an outcome, and how to spoil it."""

from dataclasses import dataclass, field

from gateway.emulators.alipay.errors import MESSAGES, SUCCESS, UNAVAILABLE, UNKNOWN_ERROR, Refusal
from gateway.emulators.alipay.play import NO_FAULT, Fault
from gateway.emulators.alipay.records import View


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The content of an answer; the rest says how to send it."""

    view: View
    page: str | None = None  # for a browser instead of a program
    signed: bool = True
    fault: Fault = field(default=NO_FAULT)
    notify_first: tuple[int, ...] = ()  # ids in the outbox


def done(view: View, code: str = SUCCESS, notify_first: tuple[int, ...] = ()) -> Answer:
    """The answer to what the gateway took."""
    head: View = {"code": code, "msg": MESSAGES[code]}
    return Answer(view=head | view, notify_first=notify_first)


def refused(refusal: Refusal) -> Answer:
    """The answer to what was refused."""
    return Answer(view=refusal.view())


def failed() -> Answer:
    """The answer when something went wrong on our side."""
    return refused(Refusal(UNKNOWN_ERROR, "Something went wrong.", code=UNAVAILABLE))
