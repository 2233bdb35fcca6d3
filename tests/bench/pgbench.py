"""pgbench: the transaction of the textbook by a client in C, with no server in between.

It comes with the embedded Postgres, so every machine has it. Its best is looked for over numbers of
clients; each of its transactions is one payment.
"""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

from gateway.store.embedded.binaries import installed_prefix
from tests.bench.plan import AMOUNT_MINOR_UNITS, CURRENCY

SCRIPT = Path(__file__).with_name("pay.pgbench")
MAJOR = 18
THREADS = 2
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_LOST = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """pgbench could not be run; the message shows what it said."""


@dataclass(frozen=True)
class PgbenchRun:
    """What a run of pgbench gave: payments per second, payments, and failed transactions."""

    rate: float
    payments: int
    failed: int


async def run_pgbench(
    dsn: str, clients: int, seconds: float, *, merchant: str, payers: int
) -> PgbenchRun:
    """Pay by that many clients for whole seconds. Raises PgbenchFailed."""
    defined = {
        "merchant": merchant,
        "payers": payers,
        "amount": AMOUNT_MINOR_UNITS,
        "currency": CURRENCY,
    }
    process = await asyncio.create_subprocess_exec(
        installed_prefix(MAJOR) / "bin" / "pgbench",
        *("--no-vacuum", "--protocol=prepared", f"--file={SCRIPT}"),
        *(f"--client={clients}", f"--jobs={min(clients, THREADS)}"),
        f"--time={max(1, round(seconds))}",
        *(f"--define={name}={value}" for name, value in defined.items()),
        dsn,
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode()
    rate, done, lost = (pattern.search(text) for pattern in (_RATE, _DONE, _LOST))
    if process.returncode or not (rate and done and lost):
        raise PgbenchFailed(f"pgbench failed:\n{text.strip()}")
    return PgbenchRun(float(rate[1]), int(done[1]), int(lost[1]))
