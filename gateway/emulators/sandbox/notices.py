"""Which notifications a change causes, as the script asks for. Pure.

A notification is the JSON of the object it is about, under a `kind` that says what it is:
`{"kind":"charge","charge":{...}}`, and likewise for a capture, a refund and a payout.
"""

import secrets
from dataclasses import replace

from gateway.emulators.core.faults import Notify, Script
from gateway.emulators.core.outbox import Notice
from gateway.emulators.core.wire import json_bytes
from gateway.emulators.sandbox.requests import Kind

View = dict[str, object]


def plan(kind: Kind, script: Script, newer: View, older: View, *, in_reply: bool) -> list[Notice]:
    """The notices of one settlement, in order.

    `newer` is the object now, `older` as it was before; `in_reply` says that the reply that is
    about to be sent carries `newer` already, so that by default there is nothing to notify.
    """
    if script.notify == "NONE" or (script.notify == "DEFAULT" and in_reply):
        return []
    good = Notice(_body(kind, newer))
    if script.notify in ("DEFAULT", "ONCE") or (script.notify == "BEFORE_REPLY" and not in_reply):
        return [good]
    proof = replace(good, fault=f"NOTIFY_{script.notify}")  # the last one to go proves the fault
    return _spoiled(kind, script, newer, older, good=good, proof=proof)


def with_wrong_amount(view: View) -> View:
    """The object with one minor unit too much; as it is when it has no amount."""
    amount = view.get("amount")
    return {**view, "amount": amount + 1} if isinstance(amount, int) else view


def _spoiled(
    kind: Kind, script: Script, newer: View, older: View, *, good: Notice, proof: Notice
) -> list[Notice]:
    stranger = {**newer, "number": secrets.token_hex(14)}
    planned: dict[Notify, list[Notice]] = {
        "BEFORE_REPLY": [proof],
        "TWICE": [good, proof],
        "OUT_OF_ORDER": [good, replace(proof, body=_body(kind, older), follows_previous=True)],
        "STORM": [good] * (script.notify_count - 1) + [proof],
        "FORGED": [replace(proof, seal="FORGED", retried=False)],
        "STALE": [replace(proof, seal="STALE")],
        "WRONG_AMOUNT": [replace(proof, body=_body(kind, with_wrong_amount(newer)))],
        "WRONG_NUMBER": [replace(proof, body=_body(kind, stranger))],
    }
    return planned[script.notify]


def _body(kind: Kind, view: View) -> str:
    return json_bytes({"kind": kind, kind: view}).decode()
