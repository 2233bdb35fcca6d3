"""Errors become answers; what nobody expected becomes INTERNAL, and the log gets all of it.

A call that was cancelled gets no answer: nobody waits for one.
"""

from gateway.domain.errors import GatewayError
from gateway.rpc.call import Call, Desk, Handler, Method
from gateway.rpc.status import Answer, answer_for


def answer_errors(inner: Handler, method: Method, desk: Desk) -> Handler:
    """Answer every error with its status."""

    async def handle(call: Call) -> bytes:
        try:
            return await inner(call)
        except GatewayError as error:
            left_s = call.context.time_remaining()
            return _answered(call, answer_for(error, call.incident, left_s))
        except Exception as error:
            desk.log.exception(
                "rpc_fault",
                method=method.full_name,
                incident=call.incident,
                request_id=call.request_id,
            )
            return _answered(call, answer_for(error, call.incident))

    return handle


def _answered(call: Call, answer: Answer) -> bytes:
    """Hand the status to the transport, which then sends no message."""
    call.context.set_code(answer.code)
    call.context.set_details(answer.message)
    call.context.set_trailing_metadata(answer.trailers)
    return b""
