"""What every stand-in for a channel shares.

A durable book with grouped commits, a clock that can be shifted, strict reading of JSON, the fault
script, and timers and notifications that survive kill -9.
"""
