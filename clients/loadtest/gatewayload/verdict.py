"""What the oracle says in the end, and how it comes to it: workers ask, the command adds up."""

from dataclasses import dataclass, field

from gatewayload.audit import Audit
from gatewayload.books import Books, Sums, sum_faults
from gatewayload.judge import Fault, Finding


@dataclass(slots=True)
class Verdict:
    """The oracle's answer.

    Attributes:
        audit: what asking for every payment has shown, findings included.
        took_s: how long it took, in seconds.
        unasked: why it could not be asked to the end; empty where it was.
        unreachable: whether that is because the gateway was not there.
    """

    audit: Audit = field(default_factory=Audit)
    took_s: float = 0.0
    unasked: str = ""
    unreachable: bool = False

    @property
    def proven(self) -> bool:
        """Whether every payment is accounted for, once, to the last minor unit."""
        return not self.unasked and not self.audit.findings.counts


async def add_up(books: Books, before: Sums, audit: Audit) -> None:
    """Hold the sums of an audit against lists and ledger, and add what is wrong to it."""
    audit.findings.merge(await books.listed())
    after = await books.sums()
    audit.findings.add(sum_faults(before, after, audit.merchants, audit.payers))
    if not await books.balanced():
        detail = "the trial balance of the platform does not balance"
        audit.findings.add([Finding(Fault.UNBALANCED, "ledger", detail)])
