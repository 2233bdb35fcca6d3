"""The v3 style: one payment protocol that several channels speak with other names.

An `Authorization` header over five lines, RSA with SHA-256, JSON, notifications sealed with
AES-256-GCM. WeChat Pay and Douyin Pay are the same code here with two tables of names; PROTOCOL.md
tells how to use them.
"""

from gateway.emulators.v3style.server import serve_channel

__all__ = ["serve_channel"]
