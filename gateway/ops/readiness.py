"""Readiness: whether this process should be given work now, and if not, what is missing.

Probes come from many places at once, so they must not add load to what is already ill: all checks
run together, once per `ttl_s` however many ask, each within `timeout_s`. Being alive is another
question and never asked here: a database that is away makes every replica not ready, and must not
make an orchestrator restart them all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.clock import Clock
from gateway.telemetry.logging import get_logger

TTL_S_DEFAULT: Final = 1.0
TIMEOUT_S_DEFAULT: Final = 2.0

Check = Callable[[], Awaitable[str | None]]
"""Asks one thing: None when it is ready, otherwise one sentence that says what is not."""

_log = get_logger(__name__)


class Readiness:
    """The checks of one process, and what they last gave."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Clock,
        *,
        ttl_s: float = TTL_S_DEFAULT,
        timeout_s: float = TIMEOUT_S_DEFAULT,
    ) -> None:
        """Keep what to check. Nothing runs before the first question."""
        self._checks = checks
        self._clock = clock
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._examination: asyncio.Task[dict[str, str]] | None = None
        self._stale_moment = 0.0
        self._last: dict[str, str] | None = None

    async def problems(self) -> Mapping[str, str]:
        """Give what is not ready, by the name of its check; empty when all is."""
        if self._examination is None or self._is_stale():
            self._examination = asyncio.create_task(self._examine())
        return await asyncio.shield(self._examination)  # one asker's end is not the others'

    async def close(self) -> None:
        """End an examination that is under way."""
        if self._examination is not None:
            self._examination.cancel()
            await asyncio.gather(self._examination, return_exceptions=True)

    def _is_stale(self) -> bool:
        is_done = self._examination is not None and self._examination.done()
        return is_done and self._clock.monotonic() >= self._stale_moment

    async def _examine(self) -> dict[str, str]:
        answers = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        found = {name: answer for name, answer in zip(self._checks, answers, strict=True) if answer}
        self._stale_moment = self._clock.monotonic() + self._ttl_s
        if found != self._last:
            log = _log.warning if found else _log.info
            log("not ready" if found else "ready", problems=found)
            self._last = found
        return found

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await check()
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:  # noqa: BLE001 a check that fails is an answer; its text may hold secrets
            return f"the check failed with {type(error).__name__}"
