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
    generator    the process: closed loop and open loop
    load         the generator, as seen from the process that measures
    echo         the server that does nothing
    textbook     the server that does what the textbook says
    pgbench      the same writes without any server
    servers      all of them started, with accounts that have money
    usage        CPU time and memory of processes
    series       one thing measured, once per round
    stages       which series are measured when
    figures      what is to be reached
    checks       that no payment was lost or doubled
    report       table, bench.json, report.html
    picture      how cost grows, drawn
"""
