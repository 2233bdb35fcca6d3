"""Too many calls, or a server that drains: turned away before anything was kept."""

from gateway.rpc.call import Call, Desk, Handler, Method


def shed_calls(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Let a call in only if the gate does. Streams take no place of a call."""
    gate = desk.gate

    async def handle_stream(call: Call) -> bytes:
        gate.refuse_if_draining()
        return await inner(call)

    async def handle(call: Call) -> bytes:
        gate.enter()
        try:
            return await inner(call)
        finally:
            gate.leave()

    return handle_stream if method.stream else handle
