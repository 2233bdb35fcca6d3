"""What is looked for after a campaign is found where it is: nothing here can only pass."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.aftermath import _leaks, _sums
from tests.faults.outside.channel import booked

KEY = "cd" * 16
LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"


@pytest.fixture
def ground(tmp_path: Path) -> Any:
    """A folder of logs, a gateway's key, and a channel at which 3 of 5 was given back."""
    key = tmp_path / "key.pem"
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{LINE}\n-----END PRIVATE KEY-----\n")
    (tmp_path / "gateway1.log").write_text('{"event": "rpc"}\n')
    told = {"GATEWAY_SANDBOX_KEY": KEY, "GATEWAY_WECHAT_MERCHANT_KEY_FILE": str(key)}
    return SimpleNamespace(
        stack=SimpleNamespace(folder=tmp_path, environment=lambda: told),
        stalls={"wechat": _Stall()},
    )


class _Stall:
    outside = SimpleNamespace(secrets=("13006109",))
    said = 2

    async def book(self) -> Any:
        return {"charges": [booked("n", "SUCCEEDED", 5, charged=5, refunded=3)]}

    async def moved(self) -> int:
        return self.said


@pytest.mark.parametrize("secret", [KEY, LINE, "13006109"])
def test_a_secret_in_a_log_is_found(ground: Any, secret: str) -> None:
    """A key, a line of a key's file or a payer's code in a log is reported, and not repeated."""
    assert not [*_leaks(ground)]
    log = ground.stack.folder / "gateway1.log"
    log.write_text(f'{{"event": "sent {secret}00"}}\n')
    (found,) = _leaks(ground)
    assert secret not in found
    assert log.name in found


async def test_money_that_was_overlooked_is_found(ground: Any) -> None:
    """A channel whose own sum is another than that of its records is reported."""
    assert not await _sums(ground)
    ground.stalls["wechat"].said = 5
    (found,) = await _sums(ground)
    assert "wechat" in found
