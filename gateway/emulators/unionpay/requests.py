"""From fields to what is asked: which operation they are, and the command they make.

The path, `txnType` and `txnSubType` together name an operation; each has its allow-list. What is
missing is told apart from what is wrong, as the real service does: code 13 and code 10.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.emulators.core.fields import Fields as Members
from gateway.emulators.core.fields import InvalidField
from gateway.emulators.core.shapes import Member, canonical, read_shape
from gateway.emulators.unionpay import allowlists, clearing
from gateway.emulators.unionpay.codes import Refusal
from gateway.emulators.unionpay.form import SIGNATURE, Fields

Way = Literal["APP", "BACK"]

APP: Final = "/gateway/api/appTransReq.do"
BACK: Final = "/gateway/api/backTransReq.do"
QUERY: Final = "/gateway/api/queryTrans.do"
FILE: Final = "/"
PATHS: Final = frozenset((APP, BACK, QUERY, FILE))

CONSUME, AUTHORIZE, COMPLETE, REFUND = "01", "02", "03", "04"
VOID, VOID_AUTHORIZATION, VOID_COMPLETION = "31", "32", "33"


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command carries; `body` is what arrived, for the answer to repeat."""

    mer_id: str
    order_id: str = ""
    txn_time: str
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NewOrder(Command):
    """Move money, or promise it. `amount` is fen; `pay_timeout` is milliseconds, in real time."""

    txn_type: str
    txn_sub_type: str
    way: Way
    amount: int
    back_url: str
    pay_timeout: int | None
    orig_query_id: str | None

    @property
    def text(self) -> str:
        """What was asked, whoever's certificate signed it; equal texts ask the same."""
        unlike = (SIGNATURE, "certId")
        return canonical({name: text for name, text in self.body.items() if name not in unlike})


@dataclass(frozen=True, kw_only=True)
class QueryOrder(Command):
    """How an order stands."""


@dataclass(frozen=True, kw_only=True)
class AskFile(Command):
    """The settlement file of a clearing day, MMDD."""

    settle_date: str


@dataclass(frozen=True)
class Route:
    """One operation: where it is asked, with which types, with which fields, and how it is read."""

    operation: str
    path: str
    txn_type: str
    txn_sub_type: str
    shape: Mapping[str, Member] = field(repr=False)
    make: Callable[["Route", Fields], Command] = field(repr=False)

    def read(self, fields: Fields) -> Command:
        """The command that fields make. Raises Refusal."""
        missing = [name for name, member in self.shape.items() if member.required]
        for name in missing:
            if name not in fields:
                raise Refusal("13", f"{name} is required")
        try:
            read_shape(Members(fields), self.shape)
        except InvalidField as error:
            raise Refusal("10", f"{error.field} {error.message}") from error
        return self.make(self, fields)


def find_route(path: str, fields: Fields) -> Route:
    """The route of a request. Raises Refusal."""
    types = (fields.get("txnType"), fields.get("txnSubType"))
    for route in ROUTES:
        if (route.path, route.txn_type, route.txn_sub_type) == (path, *types):
            return route
    raise Refusal("10", "txnType and txnSubType name nothing that is served here")


def _new_order(route: Route, fields: Fields) -> Command:
    timeout = fields.get("payTimeout")
    if route.shape is allowlists.TOKEN_PAYMENT and ("accNo" in fields) == (
        "tokenPayData" in fields
    ):
        raise Refusal("13", "either tokenPayData or accNo is required")
    return NewOrder(
        mer_id=fields["merId"],
        order_id=fields["orderId"],
        txn_time=fields["txnTime"],
        body=fields,
        txn_type=route.txn_type,
        txn_sub_type=route.txn_sub_type,
        way="APP" if route.path == APP else "BACK",
        amount=int(fields["txnAmt"]),
        back_url=fields["backUrl"],
        pay_timeout=None if timeout is None else clearing.from_text(timeout),
        orig_query_id=fields.get("origQryId"),
    )


def _query(_route: Route, fields: Fields) -> Command:
    return QueryOrder(
        mer_id=fields["merId"],
        order_id=fields["orderId"],
        txn_time=fields["txnTime"],
        body=fields,
    )


def _ask_file(_route: Route, fields: Fields) -> Command:
    return AskFile(
        mer_id=fields["merId"],
        txn_time=fields["txnTime"],
        body=fields,
        settle_date=fields["settleDate"],
    )


def _follow_up(operation: str, txn_type: str) -> Route:
    return Route(operation, BACK, txn_type, "00", allowlists.FOLLOW_UP, _new_order)


ROUTES: Final = (
    Route("app_consume", APP, CONSUME, "01", allowlists.PAYMENT, _new_order),
    Route("app_authorize", APP, AUTHORIZE, "01", allowlists.PAYMENT, _new_order),
    Route("consume", BACK, CONSUME, "01", allowlists.TOKEN_PAYMENT, _new_order),
    Route("authorize", BACK, AUTHORIZE, "01", allowlists.TOKEN_PAYMENT, _new_order),
    _follow_up("complete", COMPLETE),
    _follow_up("refund", REFUND),
    _follow_up("void", VOID),
    _follow_up("void_authorization", VOID_AUTHORIZATION),
    _follow_up("void_completion", VOID_COMPLETION),
    Route("query", QUERY, "00", "00", allowlists.QUERY, _query),
    Route("file", FILE, "76", "01", allowlists.FILE, _ask_file),
)
OPERATIONS: Final = frozenset(route.operation for route in ROUTES)
