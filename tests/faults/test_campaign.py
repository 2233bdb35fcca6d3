"""A short campaign in every run of the tests; `make campaign` runs longer ones."""

from itertools import islice

import pytest

from tests.faults.campaign import counted, run
from tests.faults.outing import Prank, pranks
from tests.faults.outside import ALL, OUTSIDE, SANDBOX
from tests.faults.plan import Journey, journey
from tests.faults.report import report

SEED, SECONDS, GATEWAYS = 7, 6.0, 2


@pytest.mark.timeout(240)
async def test_a_short_campaign() -> None:
    """Whatever is killed, stopped or spoiled while many pay, through all channels, all holds."""
    lines: list[str] = []
    result = await run(SEED, SECONDS, GATEWAYS, lines.append)
    lines += report(result)
    assert not result.problems, "\n".join(lines)
    assert result.monkey.hits.total() > 0
    assert counted(result.proofs[SANDBOX]).total() > 0
    assert sum(counted(result.proofs[name]).total() for name in OUTSIDE) > 0


def test_a_seed_is_a_plan() -> None:
    """The same seed gives the same journeys and the same pranks, another seed gives others."""
    first, laid = _plan(7)
    assert (first, laid) == _plan(7)
    other, others = _plan(8)
    assert first != other
    assert laid != others


def test_every_channel_joins() -> None:
    """A plan uses every channel, each in every way and mode that it has."""
    journeys, laid = _plan(7, count=3_000)
    used = {(one.outing.channel, one.outing.way, one.manual) for one in journeys if one.outing}
    for channel in OUTSIDE.values():
        for way, kind in enumerate(channel.ways):
            assert {mode for name, place, mode in used if (name, place) == (channel.name, way)} == {
                *kind.modes
            }
    assert {prank.channel for prank in laid} == {*OUTSIDE}


def _plan(seed: int, count: int = 50) -> tuple[list[Journey], list[Prank]]:
    journeys = [journey(seed, index, 3, ALL) for index in range(count)]
    return journeys, [*islice(pranks(seed, ALL), count)]
