"""What the tests of the v3 style share: each runs for both channels."""

import pytest

from tests.channels.v3style.wire import Side, douyin, wechat


@pytest.fixture(params=[wechat, douyin], ids=["wechat", "douyin"])
def side(request: pytest.FixtureRequest) -> Side:
    """One of the two channels."""
    made: Side = request.param()
    return made
