"""The composition root: the only room that sees all others, and wires them.

wiring          from settings to a database, channels and use cases
ready           a database that is fit to serve
serve           the gateway as a process, alone or as a worker: start, drain, stop
listeners       what callers, channels and operators reach
jobs            what time triggers
supervisor      several workers on the same ports: keep them running, answer for all, drain all
seat            one worker's place: launch, watch, restart
leash           the socket between supervisor and worker
ports           are they free, and how workers share them
memory          what the garbage collector may leave alone
embedded        our own Postgres: where it lies, and that it stays alive
admin           what the command line does beside a running gateway
reserve_report  the reserve proof as people and scripts read it
doctor          checks of everything the gateway needs
observer        tells logs and metrics what use cases and jobs report
"""
