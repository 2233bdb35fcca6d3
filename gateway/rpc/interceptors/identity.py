"""Who calls. Callers bring no credentials yet, so everybody is the same anonymous one."""

from gateway.rpc.call import ANONYMOUS, Call, Desk, Handler, Method


def identify_caller(inner: Handler, _method: Method, _desk: Desk) -> Handler:
    """Note who calls."""

    async def handle(call: Call) -> bytes:
        call.caller = ANONYMOUS
        return await inner(call)

    return handle
