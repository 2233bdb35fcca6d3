"""Load tester of the payment gateway, command `gateway-load`.

What a load tester says is believed only as far as it can be checked, so three rules decide its
shape. Latency counts from the moment at which a call was *meant* to start, so a stalled server
cannot make the generator skip the calls that would have seen it. Every figure stands beside what it
cost the generator. And the run ends with an oracle that asks the gateway for every payment sent.

    settings     what was asked for            prepare   merchants and wallets, before the run
    schedule     when calls are meant to start  settle    unknown outcomes, after the run
    deck         which payments, pre-encoded    audit     asks for every payment; judge decides
    journal      what was sent, what was told   books     sums of the ledger, before and after
    operations   one call of each kind          figures   all that was measured, merged
    drive        open and closed loop           table, page, chart, document   how it is told
    worker       one generator process          fleet     all of them, seen from the command

gRPC writes a line to stderr for every connection that ends badly, beside the one line that the
command has to say about it. It reads the setting against that when it is first imported, which is
after this module. Whoever wants gRPC's own lines sets GRPC_VERBOSITY.
"""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
