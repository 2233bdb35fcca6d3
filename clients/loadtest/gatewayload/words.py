"""How a run is put into words: the sentences that table, page and progress share."""

from gatewayload.figures import CPU_SHARE_MAX, Figures
from gatewayload.run import Result
from gatewayload.settings import Method, Settings
from gatewayload.thresholds import Check
from gatewayload.verdict import Verdict


def milliseconds(seconds: float) -> str:
    """Write a latency in milliseconds, with three digits that count."""
    value = seconds * 1e3
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{value:,.{decimals}f}"


def load_text(settings: Settings) -> str:
    """Say how much was sent, and when."""
    load = settings.load
    if load.rate is None:
        loop = f"closed loop, {load.callers:,} callers"
    else:
        loop = f"open loop, {load.rate:,g} calls/s ({load.arrivals})"
    return f"{loop}, {load.duration_s:g} s after {load.warmup_s:g} s of warm-up"


def mix_text(settings: Settings) -> str:
    """Say what was sent."""
    mix = settings.mix
    merchants = len(mix.merchant_ids) or mix.merchants
    wallet = mix.method is Method.WALLET
    parts = [
        f"{merchants:,} merchants",
        f"paid from {mix.payers:,} wallets" if wallet else "paid through the sandbox channel",
        f"{mix.hot:.0%} to one of them" if mix.hot else "",
        f"{mix.replays:.0%} replays" if mix.replays else "",
        f"{mix.refunds:.0%} refunds" if mix.refunds else "",
        f"{mix.reads:.0%} reads" if mix.reads else "",
        f"{mix.batch_size:,} payments a call" if mix.batch_size > 1 else "",
        f"a channel that takes {mix.channel_delay_ms:,} ms" if mix.channel_delay_ms else "",
    ]
    return f"{settings.scenario}: " + ", ".join(filter(None, parts))


def generator_text(figures: Figures) -> str:
    """Say what the load cost the generator itself."""
    shares = ", ".join(f"{share:.0%}" for share in figures.cpu_shares)
    lag = figures.total.lag
    late = f"calls left {milliseconds(lag.percentile(50))} ms late (p50)"
    return (
        f"{shares} of a core; {late}, {milliseconds(lag.percentile(99))} ms (p99),"
        f" {milliseconds(lag.highest)} ms at most"
    )


def generator_warning(figures: Figures) -> str:
    """Warn where the generator measured itself; empty where it did not."""
    if max(figures.cpu_shares) <= CPU_SHARE_MAX:
        return ""
    return (
        f"the generator used {max(figures.cpu_shares):.0%} of a core: these figures measure the"
        " generator, not the gateway. Lower the rate, or add --processes on a machine with cores"
        " to spare."
    )


def check_text(check: Check) -> str:
    """Say whether a threshold held."""
    sign = ">=" if check.lower else "<="
    unit = f" {check.unit}" if check.unit == "ms" else check.unit
    if not check.measured:
        return f"{check.name} {sign} {check.limit:g}{unit}: BROKEN, nothing was measured"
    verdict = "held" if check.kept else "BROKEN"
    return f"{check.name} {sign} {check.limit:g}{unit}: {verdict} ({check.value:.4g}{unit})"


def verdict_text(verdict: Verdict) -> str:
    """Say in one sentence what the oracle found."""
    audit = verdict.audit
    refunds = f" and {audit.refunds:,} refunds" if audit.refunds else ""
    asked = f"asked for {audit.asked:,} payments{refunds} in {verdict.took_s:.1f} s"
    if verdict.unasked:
        return f"NOT PROVEN: {verdict.unasked.rstrip('.')}; {asked}"
    if verdict.proven:
        return f"{asked}: nothing lost, nothing doubled, every sum balances"
    counts = ", ".join(f"{count:,} {fault}" for fault, count in audit.findings.counts.items())
    return f"BROKEN: {counts}; {asked}"


def notes(result: Result) -> list[str]:
    """Say what a reader of the figures must know about them."""
    warning = generator_warning(result.figures)
    stopped = "the load was stopped early, by Ctrl-C." if result.stopped else ""
    nothing = "" if result.figures.latency.count else "no call was measured."
    return [note for note in (warning, stopped, nothing) if note]
