"""The generator: a process of its own that calls a server and costs little.

It reads plans from its standard input and answers each twice: once when the messages are encoded
and the connections stand, and, after it was told to go, with the outcome. So whoever measures can
look at the other processes right before and right after.
"""

import gc
import itertools
import pickle
import signal
import sys
from dataclasses import replace
from typing import Any, BinaryIO

from tests.bench import answers
from tests.bench.connection import ServerGone
from tests.bench.messages import Memory, encode
from tests.bench.plan import Kind, Outcome, Plan
from tests.bench.run import Run

LENGTH_BYTES = 4
FAULTS_MAX = 3
"""Sentences about wrong answers that are told."""


def read(source: BinaryIO) -> Any:
    """Read one value; None at the end."""
    length = source.read(LENGTH_BYTES)
    return value_of(source.read(int.from_bytes(length))) if length else None


def value_of(body: bytes) -> Any:
    """Read one value out of its bytes; both processes are ours."""
    return pickle.loads(body)


def written(value: object) -> bytes:
    """Write one value."""
    body = pickle.dumps(value)
    return len(body).to_bytes(LENGTH_BYTES) + body


class Generator:
    """Runs plans one after another, and remembers between them what they are to remember."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source = source
        self._target = target
        self._memories: dict[str, Memory] = {}

    def serve(self) -> None:
        """Run plans until the input ends."""
        while (plan := read(self._source)) is not None:
            try:
                self._tell(self._run(plan))
            except (ServerGone, ValueError) as failure:
                self._tell(str(failure))

    def _run(self, plan: Plan) -> Outcome:
        memory = self._memories.setdefault(plan.mix.memory, Memory())
        run = Run(plan, encode(plan, memory))
        gc.collect()
        gc.disable()
        self._tell(None)
        read(self._source)
        try:
            outcome = run.go()
        finally:
            gc.enable()
        samples = run.samples()
        if plan.mix.memory and plan.mix.kind is Kind.PAY and not plan.mix.replays:
            answers.remember(memory, samples)
        if not plan.mix.checked:
            return outcome
        wrong = itertools.islice(answers.faults(plan.mix.kind, samples), FAULTS_MAX)
        if plan.mix.kind is Kind.BATCH_PAY:
            outcome = replace(outcome, paid=answers.paid_in_batches(samples))
        return replace(outcome, sampled=len(samples), wrong=list(wrong))

    def _tell(self, value: object) -> None:
        self._target.write(written(value))
        self._target.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its input, whoever was interrupted
    Generator(sys.stdin.buffer, sys.stdout.buffer).serve()
