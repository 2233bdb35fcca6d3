"""Inbound HTTP from channels: raw bytes in, acknowledgement out, and a commit in between."""
