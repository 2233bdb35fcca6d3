"""What happens, in order: one verb, one file.

Knows domain and clock, and the outside only through ports.
"""
