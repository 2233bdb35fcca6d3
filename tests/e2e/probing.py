"""What the operations listener of a gateway says over HTTP."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


async def fetch_text(url: str) -> tuple[int, str]:
    """Get a page over HTTP: its status and text."""
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as reply,
    ):
        return reply.status, await reply.text()


class Metrics:
    """What a gateway's /metrics says at one moment."""

    def __init__(self, exposition: str) -> None:
        self._samples = [
            sample
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
        ]

    @classmethod
    async def read(cls, ops_url: str) -> "Metrics":
        """Read them now."""
        return cls((await fetch_text(f"{ops_url}/metrics"))[1])

    def total(self, name: str, **labels: str) -> float:
        """Add up the samples of this name that have these labels."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
