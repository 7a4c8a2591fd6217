#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""differential.py [PACKETS [SEED]]  random packets to the programs and to a model of them.

Prints the seed; the same one tells the same stories. At the first difference it prints the shortest
story that still shows it, both answers, and stops.
"""

import os
import sys
from collections import Counter

from judge import Judge
from model import (BROWNOUT, FRAGMENT, LAPSED, MALFORMED, NEVER, NOT_YET_VALID, PROTOCOL, REVOKED,
                   STATE_LOST, UNLICENSED, WITHDRAWN)
from scenario import Ask
from trial import Trial

PACKETS = 50000  # what a run of all tests has time for
REASONS = (UNLICENSED, NOT_YET_VALID, LAPSED, REVOKED, WITHDRAWN, FRAGMENT, MALFORMED, PROTOCOL)
EXPECTED = {("denied", reason) for reason in REASONS + (BROWNOUT, STATE_LOST)} | \
    {("audit", reason) for reason in REASONS} | {("allowed", 0)} | \
    {("answer", kind) for kind in ("fin", "reset", "unreachable")}


def moment(ns, base):
    return "never" if ns == NEVER else f"{(ns - base) / 1e9:+.9f}s" if ns > 10**9 else str(ns)


def show_rule(rule, base, indent="    "):
    if isinstance(rule, str):
        return f"{indent}{rule}\n"
    text = f"{indent}mode {rule.mode} deny {rule.deny}"
    if rule.interim:
        text += f" before {moment(rule.until_ns, base)} the interim below"
    for g in getattr(rule, "grants", ()):
        text += f"\n{indent}grant {moment(g.from_ns, base)} .. {moment(g.new_until_ns, base)}, cut " \
            f"{moment(g.cut_at_ns, base)}, step {g.step_ns} salt {g.salt:#x} lapse {g.lapse} " \
            f"reason {g.ended_reason}"
    if hasattr(rule, "ip_open"):
        text += f" open {sorted(rule.ip_open)}"
    return text + "\n" + (show_rule(rule.interim, base, indent + "  ") if rule.interim else "")


def show_set(rules, base):
    if rules is None:
        return "  no set\n"
    text = "  header\n" + show_rule(rules.header, base) + "  default\n" + show_rule(rules.default, base)
    for p in rules.ports:
        text += f"  {p.proto}: {p.first}-{p.last} slot {p.slot}\n" + show_rule(p.rule, base)
    return text + (f"  lost {sorted(rules.lost_blocks)}\n" if rules.lost_blocks else "")


def show_step(step, base):
    if not isinstance(step, Ask):
        rules = getattr(step, "rules", None)
        return f"{type(step).__name__}\n{show_set(rules, base)}" if hasattr(step, "rules") else repr(step)
    q = step.question
    body = q.body.hex() if isinstance(q.body, (bytes, bytearray)) else repr(q.body)
    return f"at {moment(q.now, base)} {('wire', 'egress', 'socket')[q.program]}" \
        f"{' lo' if q.on_lo else ''}{f' segments {q.segments}' if q.segments else ''} {body}"


def report(story, found, base):
    lines = [f"{found.what} differ{'s' if found.question else ''}; base {base}"]
    lines += [show_step(step, base) for step in story]
    lines += [f"judged at {moment(found.now, base)}", f"model    {found.want}", f"programs {found.got}"]
    for line in "\n".join(lines).splitlines():
        print(f"# {line}")


def play(trial, packets, seed):
    """False: a difference, which is shown."""
    done = stories = 0
    while done < packets:
        story = trial.story(f"{seed}/{stories}")
        found = trial.play(story)
        if found:
            print(f"not ok 1 - story {stories} of seed {seed}, after {done} packets")
            report(*trial.shortened(story, found), trial.base)
            return False
        done += sum(isinstance(step, Ask) for step in story)
        stories += 1
    print(f"ok 1 - {done} packets in {stories} stories, as the model has it")
    return True


def covered(trial):
    """Were the stories about what can be judged? In so many that chance alone leaves nothing out."""
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
