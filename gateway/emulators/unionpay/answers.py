"""What a request is answered with, before it becomes bytes: fields, and how to spoil them."""

from dataclasses import dataclass, field

from gateway.emulators.unionpay.form import Fields
from gateway.emulators.unionpay.play import NO_FAULT, Fault


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The fields of an answer; None is an error of the service, which says nothing."""

    fields: Fields | None
    fault: Fault = field(default=NO_FAULT)
    notify_first: tuple[int, ...] = ()  # ids in the outbox
