"""The composition root: the only room that sees all others, and wires them.

wiring    from settings to a database, channels and use cases
serve     the gateway as a process: start, drain, stop
admin     what the command line does beside a running gateway
doctor    checks of everything the gateway needs
observer  tells logs and metrics what use cases and workers report
"""
