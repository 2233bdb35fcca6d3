"""Every call is measured, also one that is turned away or given up."""

from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.status import ANSWERED, verdict_on

_OK = ANSWERED.code.name


def measure_call(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Tell the observer when a call begins, and how and after how long it ends."""
    name, observer, monotonic = method.full_name, desk.observer, desk.clock.monotonic

    async def handle(call: Call) -> bytes:
        observer.started(name)
        try:
            answer = await inner(call)
        except BaseException as error:
            verdict = verdict_on(error)
            observer.finished(name, verdict.code.name, verdict.reason, monotonic() - call.start)
            raise
        observer.finished(name, _OK, "", monotonic() - call.start)
        return answer

    return handle
