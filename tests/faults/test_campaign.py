"""A short campaign in every run of the tests; `make campaign` runs longer ones."""

import pytest

from tests.faults.campaign import run
from tests.faults.plan import SCRIPTED, journey
from tests.faults.report import report

SEED, SECONDS, GATEWAYS = 7, 12.0, 2


@pytest.mark.timeout(240)
async def test_a_short_campaign() -> None:
    """Whatever is killed or stopped while many callers pay, every invariant holds afterwards."""
    lines: list[str] = []
    result = await run(SEED, SECONDS, GATEWAYS, lines.append)
    lines += report(result)
    assert not result.problems, "\n".join(lines)
    assert result.monkey.hits.total() > 0
    assert sum(result.proofs[name] for name in SCRIPTED) > 0


def test_a_seed_is_a_plan() -> None:
    """The same seed gives the same journeys, another seed gives others."""
    first = [journey(7, index, 3) for index in range(50)]
    assert first == [journey(7, index, 3) for index in range(50)]
    assert first != [journey(8, index, 3) for index in range(50)]
