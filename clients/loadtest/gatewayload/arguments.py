"""What can be typed, and the help that a person can live from.

A scenario is a set of defaults: whatever is given beside it replaces that part of it. Options are
never guessed from their first letters.
"""

import enum
import secrets
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from gatewayload import settings as bounds
from gatewayload.settings import (
    Arrivals,
    Depth,
    Load,
    Method,
    Mix,
    Oracle,
    Outputs,
    Settings,
    Target,
    Thresholds,
)
from gatewayload.values import one_of, real, share, span, whole
from paymentgateway.client import TARGET_DEFAULT, Tls
from paymentgateway.money import EXPONENTS

SCENARIOS: Final[Mapping[str, Mapping[str, Any]]] = {
    "unique": {},
    "replays": {"replays": 0.5},
    "hot": {"hot": 1.0},
    "refunds": {"refunds": 0.3},
    "mixed": {"replays": 0.1, "refunds": 0.05, "reads": 0.4},
    "batches": {"batch_size": 100},
}
"""What each scenario sets; everything else keeps its default."""

EPILOG: Final = """\
examples:
  gateway-load --rate 500
      500 wallet payments a second for 30 s, as independent payers make them, then the oracle
  gateway-load --callers 32 --duration 60
      as much as 32 callers can get: the throughput at saturation
  gateway-load --scenario batches --batch 500 --callers 4
      BatchPay with 500 payments a call
  gateway-load --scenario mixed --rate 1000 --html report.html --json result.json
      payments, replays, refunds and reads, with a report
  gateway-load --rate 500 --p99-ms 20 --error-share-max 0.001 --quiet
      for a pipeline: exit status 1 if a limit is broken or a payment is not accounted for
  gateway-load --method sandbox --channel-delay-ms 50 --rate 100
      payments through a channel that takes 50 ms

scenarios:
  unique   every payment is new, and goes to one of 100 merchants
  replays  every second payment carries a key that was sent before
  hot      every payment goes to one merchant
  refunds  three calls of ten give a payment back
  mixed    four calls of ten read, 5 % refund, and a tenth of the payments are replays
  batches  BatchPay with 100 payments a call

what it makes:
  Merchants and wallets of its own for each run, topped up through the sandbox channel. The
  gateway must have that channel: start it beside `gateway sandbox`. Never use it on real money.

exit status:
  0    every threshold held and the oracle accounts for every payment
  1    a threshold is broken, a payment is not accounted for, or nothing was measured
  2    wrong usage
  3    the gateway cannot be reached
  130  interrupted twice; once only ends the load early
"""


def parse(argv: Sequence[str] | None = None) -> Settings:
    """Read the command line. Raises SystemExit: 0 for --help, 2 for wrong usage."""
    root = parser()
    arguments = root.parse_args(argv)
    try:
        made = _settings(arguments)
        _check(made)
    except (OSError, ValueError) as error:
        root.error(str(error))
    return made


def parser() -> ArgumentParser:
    """Make the parser of the command line."""
    root = ArgumentParser(
        prog="gateway-load",
        description="Put load on a payment gateway, measure it, and account for every payment.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=SUPPRESS,
    )
    _add_target(root)
    _add_load(root)
    _add_mix(root)
    _add_oracle(root)
    _add_thresholds(root)
    _add_outputs(root)
    return root


def _add_target(root: ArgumentParser) -> None:
    add = root.add_argument_group("target").add_argument
    text = f"of the gateway (default {TARGET_DEFAULT})"
    add("--target", dest="address", default=TARGET_DEFAULT, metavar="HOST:PORT", help=text)
    add("--tls-ca", type=Path, metavar="PEM", help="trust these; turns TLS on")
    add("--tls-cert", type=Path, metavar="PEM", help="own certificate; turns TLS on")
    add("--tls-key", type=Path, metavar="PEM", help="private key of --tls-cert")
    count = whole(1, bounds.CONNECTIONS_MAX)
    add("--connections", type=count, metavar="N", help="of each process (default 4)")
    reader = real(0, bounds.DEADLINE_S_MAX, "seconds")
    text = "of each call, in seconds (default 10)"
    add("--deadline", dest="deadline_s", type=reader, metavar="S", help=text)


def _add_load(root: ArgumentParser) -> None:
    group = root.add_argument_group("load")
    loop, add = group.add_mutually_exclusive_group(required=True), group.add_argument
    rate = real(0, bounds.RATE_MAX, "calls per second")
    loop.add_argument(
        "--rate", type=rate, metavar="R", help="open loop: calls per second, answered or not"
    )
    callers = whole(1, bounds.CALLERS_MAX)
    loop.add_argument(
        "--callers", type=callers, metavar="N", help="closed loop: each waits for its answer"
    )
    text = f"of the open loop: {_names(Arrivals)} (default poisson)"
    add("--arrivals", type=one_of(Arrivals), metavar="NAME", help=text)
    text = "calls of the open loop under way at once; arrivals above it are not started (1,000)"
    add("--in-flight-max", type=whole(1, bounds.IN_FLIGHT_MAX), metavar="N", help=text)
    length, warmup = real(0, bounds.SPAN_S_MAX, "seconds"), span(bounds.SPAN_S_MAX)
    text = "seconds of load that are measured (default 30)"
    add("--duration", dest="duration_s", type=length, metavar="S", help=text)
    text = "seconds of load before that, not measured (default 5)"
    add("--warmup", dest="warmup_s", type=warmup, metavar="S", help=text)
    payments = whole(1, bounds.PAYMENTS_MAX)
    add("--payments-max", type=payments, metavar="N", help="end early once so many were sent")
    text = "generator processes that share the load (default 1)"
    add("--processes", type=whole(1, bounds.PROCESSES_MAX), metavar="N", help=text)


def _add_mix(root: ArgumentParser) -> None:
    add = root.add_argument_group("what is sent").add_argument
    add("--scenario", choices=list(SCENARIOS), help="defaults of this group; see below (unique)")
    add("--replays", type=share, metavar="SHARE", help="of payments with a key sent before")
    add("--refunds", type=share, metavar="SHARE", help="of calls that refund a payment")
    add("--reads", type=share, metavar="SHARE", help="of calls that read a payment")
    batch = whole(1, bounds.BATCH_SIZE_MAX)
    add("--batch", dest="batch_size", type=batch, metavar="K", help="payments of one call (1)")
    add("--merchants", type=whole(1, bounds.MERCHANTS_MAX), metavar="N", help="made anew (100)")
    text = "a merchant that exists, and is paid by nobody else meanwhile; may be repeated"
    add("--merchant", dest="merchant_ids", action="append", metavar="ID", help=text)
    add("--hot", type=share, metavar="SHARE", help="of payments that all go to one merchant (0)")
    add("--payers", type=whole(1, bounds.PAYERS_MAX), metavar="N", help="each with a wallet (200)")
    text = f"how the payers pay: {_names(Method)} (default wallet)"
    add("--method", type=one_of(Method), metavar="NAME", help=text)
    amount = whole(1, bounds.AMOUNT_MAX)
    add("--amount-max", type=amount, metavar="N", help="largest, in minor units, from 1 on (500)")
    add("--currency", choices=sorted(EXPONENTS), metavar="CODE", help="(default CNY)")
    text = "with --method sandbox: how long the channel takes to answer (0)"
    add("--channel-delay-ms", type=whole(0, 60_000), metavar="MS", help=text)
    text = "of what is drawn; the same seed sends the same (default 1)"
    add("--seed", type=whole(0, 2**32), metavar="N", help=text)


def _add_oracle(root: ArgumentParser) -> None:
    add = root.add_argument_group("oracle").add_argument
    text = "full: every payment by its key, and its ledger entries; payments: without the entries;"
    text += " lists: by lists, for millions of payments; or off (default full)"
    add("--oracle", dest="depth", type=one_of(Depth), metavar="DEPTH", help=text)
    text = "how long outcomes may stay unknown or open after the run, in seconds (60)"
    add("--settle", dest="settle_s", type=span(3_600.0), metavar="S", help=text)


def _add_thresholds(root: ArgumentParser) -> None:
    add = root.add_argument_group("thresholds, each of which makes the exit status 1").add_argument
    for name, text in (("p50", "median"), ("p99", "99th percentile"), ("p999", "99.9th")):
        reader = real(0, 3_600_000.0, "milliseconds")
        add(f"--{name}-ms", type=reader, metavar="MS", help=f"{text} latency at most")
    text = "of operations that fail, err, or are not started, at most"
    add("--error-share-max", type=share, metavar="SHARE", help=text)
    text = "operations that end well, per second, at least"
    add("--throughput-min", type=real(0, 1e9, "operations"), metavar="N", help=text)


def _add_outputs(root: ArgumentParser) -> None:
    add = root.add_argument_group("output").add_argument
    add("--json", type=Path, metavar="FILE", help="everything that was measured, for programs")
    add("--html", type=Path, metavar="FILE", help="a report with pictures, in one file")
    add("--quiet", action="store_true", help="show no progress")


def _settings(arguments: Namespace) -> Settings:
    given = vars(arguments)
    scenario = given.get("scenario", "unique")
    mix: dict[str, Any] = {**SCENARIOS[scenario], **_only(given, Mix)}
    mix["merchant_ids"] = tuple(mix.get("merchant_ids", ()))
    return Settings(
        run_id=secrets.token_hex(4),
        scenario=scenario,
        target=Target(tls=_tls(given), **_only(given, Target)),
        load=Load(**_only(given, Load)),
        mix=Mix(**mix),
        oracle=Oracle(**_only(given, Oracle)),
        thresholds=Thresholds(**_only(given, Thresholds)),
        outputs=Outputs(**_only(given, Outputs)),
        **{name: given[name] for name in ("processes", "seed") if name in given},
    )


def _only(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Pick what was typed for one part of the settings; options are named after its fields."""
    return {field.name: given[field.name] for field in fields(kind) if field.name in given}


def _tls(given: Mapping[str, Any]) -> Tls | None:
    paths = [given.get(name) for name in ("tls_ca", "tls_cert", "tls_key")]
    return Tls.from_files(*paths) if any(paths) else None


def _names(names: type[enum.StrEnum]) -> str:
    return " or ".join(names)


def _check(made: Settings) -> None:
    """Refuse what fits each option, and not together. Raises ValueError."""
    mix, load = made.mix, made.load
    if mix.refunds + mix.reads > 1:
        raise ValueError("--refunds and --reads are shares of the same calls: at most 1 together.")
    if load.callers and load.callers < made.processes:
        raise ValueError("--processes needs at least one caller each: raise --callers.")
    if load.in_flight_max < made.processes:
        raise ValueError("--processes needs one call in flight each: raise --in-flight-max.")
    if mix.channel_delay_ms and mix.method is not Method.SANDBOX:
        raise ValueError("--channel-delay-ms is about the sandbox channel: add --method sandbox.")
