"""The sandbox channel: a payment channel of our own, strict as a real one, wicked as a script asks.

Signed JSON over HTTP, integers of minor units. Whatever it answered it has kept, whatever it did it
did once, and a book of effects proves both. `serve_sandbox` is the door.
"""

from gateway.emulators.sandbox.server import serve_sandbox

__all__ = ["serve_sandbox"]
