"""Every call is measured, also one that is turned away or given up."""

from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.status import ANSWERED, verdict_on


def measure_call(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Tell the observer when a call begins, and how and after how long it ends."""
    name, observer, monotonic = method.full_name, desk.observer, desk.clock.monotonic

    async def handle(call: Call) -> bytes:
        observer.started(name)
        verdict = ANSWERED
        try:
            return await inner(call)
        except BaseException as error:
            verdict = verdict_on(error)
            raise
        finally:
            seconds = monotonic() - call.start
            observer.finished(name, verdict.code.name, verdict.reason, seconds)

    return handle
