"""`make campaign SEED=1 SECONDS=60 CHANNELS=sandbox,wechat`: break things at random.

It shows that nothing was lost.

Exit status 0 only if every invariant held.
"""

import argparse
import asyncio
import sys

from tests.faults import campaign
from tests.faults.outside import ALL
from tests.faults.report import report
from tests.processes import ProcessFailed


def main() -> int:
    """Run a campaign and tell how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides journeys and strikes")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long things are broken")
    parser.add_argument("--gateways", type=int, default=2, help="how many share the database")
    parser.add_argument(
        "--channels", type=_names, default=ALL, help=f"some of {','.join(ALL)}, default all"
    )
    chosen = parser.parse_args()
    try:
        result = asyncio.run(
            campaign.run(chosen.seed, chosen.seconds, chosen.gateways, _say, chosen.channels)
        )
    except ProcessFailed as failure:
        _say(f"campaign: {failure}")
        return 1
    for line in report(result):
        _say(line)
    if result.problems:
        again = f"--seed {chosen.seed} --seconds {chosen.seconds:g} --gateways {chosen.gateways}"
        again += f" --channels {','.join(chosen.channels)}"
        _say(f"\nagain: python -m tests.faults {again}")
    return 1 if result.problems else 0


def _names(text: str) -> tuple[str, ...]:
    """Read channels that are parted by commas."""
    names = tuple(name for name in text.split(",") if name)
    if unknown := set(names) - set(ALL):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: name some of {ALL}")
    return names


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
