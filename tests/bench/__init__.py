"""`make bench`: how fast the gateway is, side by side with what it is compared with.

Its theory: a ratio can be trusted where both sides meet the same generator, the same messages and
the same moment. So every figure is a ratio of two series that were measured in turn, round after
round, and the median of its rounds; every server is a process of its own; and the generator is a
process of its own that sends bytes encoded before and states what share of a core it took. Time on
a clock is what callers feel, but it is drawn by the machine's noise too; CPU time per payment
stands beside it, because noise and generator do not touch that.

Nothing is fast by losing money: after the run the books of every gateway are added up again, and
the payments in its tables are counted against the answers that were given.

    plan         what the generator is asked to do, and what it tells
    messages     payments to send, encoded before they are needed
    answers      what was answered, looked at after the run
    frames       the bytes of HTTP/2 that gRPC needs
    connection   one connection: streams, windows, answers
    run          calls made and timed: closed loop and open loop
    generator    the process that runs them
    load         the generator, as seen from the process that measures
    echo         the server that does nothing
    textbook     the server that does what the textbook says
    pgbench      the same writes without any server
    accounts     merchants, and payers with full wallets
    databases    databases for what the gateway is compared with, and what they say was paid
    servers      each server as a process
    arena        all of them, started when they are needed
    signing      what RSA takes, and how long it holds up an event loop
    usage        CPU time and memory of processes
    series       one thing measured, once per round
    bench        a run of the generator with the CPU time that it took
    stages       which series are measured when
    figures      what is to be reached
    report       table, bench.json, report.html
    picture      how cost grows, drawn

`python -m tests.bench --help` says how to measure one figure alone.
"""
