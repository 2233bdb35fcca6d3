"""What is true: values, states, decisions.

Standard library only: no I/O, no clock, no randomness, no logging.
"""
