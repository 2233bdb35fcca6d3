"""`make bench`, or `python -m tests.bench --only unary_vs_echo --seconds 3`.

Exit status 0 if everything could be measured and no payment was lost or doubled, whether or not
every target was reached: the table says which was not.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from argparse import Namespace
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import asyncpg

from gateway.store.embedded import EmbeddedPostgresError
from tests.bench import report
from tests.bench.accounts import AccountsFailed
from tests.bench.arena import Arena, Unfit, machine, require_fit
from tests.bench.bench import QUICK, THOROUGH, Bench, Options
from tests.bench.databases import NotDurable
from tests.bench.figures import BY_NAME, Results, wanted_series
from tests.bench.load import LoadFailed, running_load
from tests.bench.pgbench import PgbenchFailed
from tests.bench.stages import STAGES, workers
from tests.processes import ProcessFailed

OUT_DEFAULT = "build"
FAILURES = (
    AccountsFailed,
    EmbeddedPostgresError,
    LoadFailed,
    NotDurable,
    OSError,
    PgbenchFailed,
    ProcessFailed,
    asyncpg.PostgresError,
)


class Progress:
    """Tells how it goes, each line with the seconds since the start."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self, text: str) -> None:
        """Tell a line."""
        print(f"{time.monotonic() - self._begin:>6.0f} s  {text}", flush=True)


async def run(folder: Path, options: Options, names: frozenset[str]) -> Results:
    """Measure the figures; everything that was started ends."""
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    results = Results()
    wanted = wanted_series(names)
    if names == BY_NAME.keys():
        wanted |= workers.SERIES  # no figure, only a part of the picture
    async with AsyncExitStack() as ends:
        load = await ends.enter_async_context(running_load())
        bench = Bench(Arena(folder, ends), load, options, results, Progress())
        try:
            for series, stage in STAGES:
                if series & wanted:
                    await stage(bench, wanted)
        except FAILURES as failure:
            results.problems.append(f"not measured to the end: {failure}")
        bench.say("adding up all books")
        try:
            results.problems += await bench.arena.problems()
        except FAILURES as failure:
            results.problems.append(f"the books were not added up: {failure}")
    return results


def main() -> int:
    """Measure, tell and write."""
    chosen = arguments()
    names = frozenset(chosen.only.split(",")) if chosen.only else frozenset(BY_NAME)
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    folder.chmod(0o711)  # as root, Postgres runs as nobody and must reach its data below
    try:
        options = chosen_options(chosen)
        require_fit(folder, options.rows)
        about = machine(folder)
        print(about, flush=True)
        results = asyncio.run(run(folder, options, names))
    except Unfit as unfit:
        print(f"bench: {unfit}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nbench: stopped", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("", *report.lines(results, names), sep="\n")
    report.write(chosen.out, results, names, about)
    print(f"\nWritten: {chosen.out / 'bench.json'} and {chosen.out / 'report.html'}")
    return 1 if results.problems else 0


def arguments() -> Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="all of it in about five minutes")
    parser.add_argument("--only", type=_figures, help="figures, separated by commas")
    parser.add_argument("--rounds", type=int, help="rounds of each series")
    parser.add_argument("--seconds", type=float, help="length of one measurement")
    parser.add_argument("--rows", type=int, help="payments in full tables")
    out = os.environ.get("BENCH_OUT") or OUT_DEFAULT
    parser.add_argument("--out", type=Path, default=Path(out), help="folder of what is written")
    return parser.parse_args()


def chosen_options(chosen: Namespace) -> Options:
    """Give how long and how much."""
    options = QUICK if chosen.quick else THOROUGH
    asked = {"rounds": chosen.rounds, "seconds": chosen.seconds, "rows": chosen.rows}
    return replace(options, **{name: value for name, value in asked.items() if value})


def _figures(text: str) -> str:
    unknown = set(text.split(",")) - BY_NAME.keys()
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no such figure: {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}"
        )
    return text


if __name__ == "__main__":
    sys.exit(main())
