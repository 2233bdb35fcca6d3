"""What is done around every call, outermost first; the order is part of the design.

errors      outermost, so that nothing leaves the house unmapped
metrics     counts every call, also one that is turned away
shedding    turns calls away before they cost more than being counted, so not even a log line
logging     one line per admitted call, whatever becomes of it inside
deadline    gives the call its time, before anybody spends it
identity    innermost, so that only admitted calls with time left pay for credentials

Each wraps a handler, once, when the server is built; `status` tells all of them what an error is.
"""

from typing import Final

from gateway.rpc.call import Interceptor
from gateway.rpc.interceptors.deadline import keep_deadline
from gateway.rpc.interceptors.errors import answer_errors
from gateway.rpc.interceptors.identity import identify_caller
from gateway.rpc.interceptors.logging import log_call
from gateway.rpc.interceptors.metrics import measure_call
from gateway.rpc.interceptors.shedding import shed_calls

INTERCEPTORS: Final[tuple[Interceptor, ...]] = (
    answer_errors,
    measure_call,
    shed_calls,
    log_call,
    keep_deadline,
    identify_caller,
)
