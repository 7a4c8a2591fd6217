#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""differential.py [PACKETS [SEED]]  random packets to the programs and to a model of them.

Prints the seed; the same one tells the same stories. At the first difference it prints the shortest
story that still shows it, both answers, and stops.
"""

import os
import sys
from collections import Counter

sys.dont_write_bytecode = True  # nothing into the tree

from judge import Judge
from model import (BROWNOUT, FRAGMENT, LAPSED, MALFORMED, NOT_YET_VALID, ORIGIN, PROTOCOL,
                   REVOKED, SOURCE, STATE_LOST, UNLICENSED, WITHDRAWN)
from scenario import Ask
from show import show_all
from trial import Trial

PACKETS = 50000  # what a run of all tests has time for
REASONS = (UNLICENSED, NOT_YET_VALID, LAPSED, REVOKED, WITHDRAWN, SOURCE, ORIGIN, FRAGMENT,
           MALFORMED, PROTOCOL)
EXPECTED = {("denied", reason) for reason in REASONS + (BROWNOUT, STATE_LOST)} | \
    {("audit", reason) for reason in REASONS} | {("allowed", 0)} | \
    {("answer", kind) for kind in ("fin", "reset", "unreachable")}


def play(trial, packets, seed):
    """False: a difference, which is shown."""
    done = stories = 0
    while done < packets:
        story = trial.story(f"{seed}/{stories}")
        found = trial.play(story)
        if found:
            print(f"not ok 1 - story {stories} of seed {seed}, after {done} packets")
            for line in show_all(*trial.shortened(story, found), trial.base).splitlines():
                print(f"# {line}")
            return False
        done += sum(isinstance(step, Ask) for step in story)
        stories += 1
    print(f"ok 1 - {done} packets in {stories} stories, as the model has it")
    return True


def covered(trial):
    """Were the stories about all that can be judged? So many don't miss it by chance."""
    lacking = EXPECTED - trial.seen.keys()
    print(f"{'not ok' if lacking else 'ok'} 2 - every verdict, reason and answer was there")
    for what in sorted(lacking):
        print(f"# lacking: {what}")
    for what in sorted(trial.seen, key=str):
        print(f"# {trial.seen[what]:8} {' '.join(map(str, what))}")
    return not lacking


def shared(trial):
    """A brown-out turns away a quarter at a time."""
    quarters = Counter(trial.quarters(bytes((0x20, 1, 0xD, 0xB8)) + bytes(11) + bytes((n,)), 77)
                       for n in range(256))
    good = all(40 < quarters[n] < 90 for n in range(4))
    print(f"{'ok' if good else 'not ok'} 3 - quarters of 256 clients: {sorted(quarters.items())}")
    return good


def main():
    packets = int(sys.argv[1]) if len(sys.argv) > 1 else PACKETS
    seed = sys.argv[2] if len(sys.argv) > 2 else os.urandom(4).hex()
    judge = Judge()
    if judge.ended:
        print(judge.ended)
        return judge.close()
    trial = Trial(judge)
    print(f"# seed {seed}", flush=True)
    good = play(trial, packets, seed)
    if good and packets >= PACKETS:
        good = covered(trial) and shared(trial)
    return judge.close() or not good


if __name__ == "__main__":
    sys.exit(main())
