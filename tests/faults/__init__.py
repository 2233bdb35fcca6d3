"""Faults, provoked from outside on real processes, each with the proof that it hit its window.

Nothing in the product knows of these tests. What provokes a fault is what operators, networks and
machines do: signals to processes, locks and settings of the database, a wire that holds back what
the channel says, and the sandbox's own scripts.

    test_windows    kill -9 in each window of what asks the channel, all verbs in one commit
    test_batches    kill -9 in the middle of a batch, and the other gateway after it
    test_database   the database dies, cuts connections, keeps calls waiting, has no place left
    test_clocks     time jumps, and a process that stood still goes on beside another
    campaign        all of it at random, over all channels at once, real ones' stand-ins among them:
                    `python -m tests.faults --seed 1 --seconds 60`
"""
