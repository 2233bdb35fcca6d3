"""Errors that stop a command, told to people in one sentence."""


class StartError(Exception):
    """Something foreseeable keeps a command from running; the message says what to do."""
