# SPDX-License-Identifier: MIT
"""Plays a story to the programs and to the model, finds where they differ, and makes it short."""

import random
import time
from collections import Counter
from dataclasses import dataclass, replace

from answers import wrong
from cells import Writer
from judge import EGRESS, SOCKET, WIRE, Question
from model import (ENFORCE, NEVER, SECOND, SYN, TCP, Grant, Header, Model, Port, Rule,
                   RuleSet)
from packets import BOX_MAC, PODS, mac_kind
from scenario import Ask, Author, Connect, Publish, Record
from sources import SETS, source_of

NO_RUN = -1000  # BOX_NO_RUN


class Quarters:
    """
    Which quarter of the clients an address is in: what the contract leaves open is found out from
    the programs, with a brown-out of its own, and must then be so everywhere.
    """

    def __init__(self, trial):
        self.trial, self.known = trial, {}

    def __call__(self, address, salt):
        if (address, salt) not in self.known:
            self.known[address, salt] = self.found_out(address, salt)
            self.trial.republish()
        return self.known[address, salt]

    def found_out(self, address, salt):
        end, step = self.trial.base, SECOND
        grant = Grant(0, end, NEVER, step, salt)
        self.trial.judge.publish(self.trial.writer.cells(RuleSet(
            Header(), Rule(), [Port(TCP, 1, 1, 1, Rule(ENFORCE, 1, [grant]))])))
        segment = bytes((0, 1, 0, 1)) + bytes(8) + bytes((0x50, SYN)) + bytes(6)
        frame = BOX_MAC + bytes(6) + b"\x86\xdd" + bytes((0x60, 0, 0, 0, 0, 20, TCP, 64)) + \
            address + PODS[6][0] + segment
        admitted = [self.asked(Question(end - left * step // 2, WIRE, frame))
                    for left in (5, 3, 1)]
        assert admitted == sorted(admitted, reverse=True), "a client came back in a brown-out"
        return 3 - sum(admitted)

    def asked(self, question):
        while True:
            answer = self.trial.judge.ask([question])[0]
            if answer.now == question.now:
                return answer.verdict == -1


@dataclass
class Difference:
    step: int  # index in the story
    rules: object
    now: int
    question: object  # None: in what is left in the tables
    want: object
    got: object
    what: str


class Trial:
    def __init__(self, judge):
        self.judge = judge
        self.writer = Writer(judge.layout, random.Random(1))
        # Ahead of the clock, so that no moment lies before the boot.
        self.base = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 3 * 3600 * SECOND
        self.quarters, self.seen = Quarters(self), Counter()
        self.cells, self.rebuilt = None, False
        judge.write_sources(SETS)

    def story(self, seed):
        author = Author(random.Random(seed), self.base, self.judge.layout["BOX_SLOTS"],
                        self.judge.layout["lookups"])
        return author.story()

    def republish(self):
        self.judge.publish(self.cells, self.rebuilt)

    def play(self, story):
        """The first Difference, or None."""
        model, at = Model(self.quarters, source_of), 0
        self.judge.connect([])
        self.judge.write({}, {}, (), {})
        while at < len(story):
            step = story[at]
            if isinstance(step, Publish):
                model.set = step.rules
                self.cells = step.rules and self.writer.cells(step.rules)
                self.rebuilt = bool(self.cells) and step.rebuilt
                self.republish()
            elif isinstance(step, Connect):
                model.sockets = set(step.tuples)
                self.judge.connect(step.tuples)
            elif isinstance(step, Record):
                model.flows, model.clients = dict(step.flows), dict(step.clients)
                model.marks, model.senders = set(step.marks), dict(step.senders)
                self.judge.write(step.flows, step.clients, model.marks, step.senders)
            else:
                end = at
                while end < len(story) and isinstance(story[end], Ask):
                    end += 1
                found = self.asked(model, story, at, end)
                if found:
                    return found
                at = end
                continue
            at += 1
        return self.left(model, len(story))

    def asked(self, model, story, at, end):
        questions = [step.question for step in story[at:end]]
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        answers = self.judge.ask(questions)
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        for i, (question, answer) in enumerate(zip(questions, answers)):
            if answer.verdict == NO_RUN and is_stub(question.body):
                continue
            want = judged(model, question, answer.now)
            what = differs(question, want, answer)
            if answer.now != question.now and not before <= answer.now <= after:
                what = "the clock"
            if what:
                return Difference(at + i, model.set, answer.now, question, want, answer, what)
            self.note(question, want)
        return None

    def left(self, model, at):
        flows, clients, marks, senders = self.judge.dump()
        for what, want, got in (("flows", model.flows, flows), ("clients", model.clients, clients),
                                ("marks", model.marks, marks),
                                ("senders", model.senders, senders)):
            if want != got:
                return Difference(at, model.set, 0, None, want, got, what)
        return None

    def note(self, question, want):
        """What the stories were about."""
        for kind, _, _, _, reason, *_ in want.counts:
            self.seen[("allowed", "denied", "audit")[kind], reason] += 1
        if not want.counts:
            self.seen["uncounted", want.verdict] += 1
        self.seen["program", question.program] += 1
        if want.answer:
            self.seen["answer", want.answer] += 1

    def shortened(self, story, found):
        """The story without what the difference doesn't need; and the difference then."""
        story, before = story[:found.step + 1], None
        while before != len(story):
            before, chunk = len(story), len(story) // 2
            while chunk:
                at = len(story) - chunk
                while at >= 0:
                    shorter = story[:at] + story[at + chunk:]
                    again = self.again(shorter, found)
                    if again:
                        story, found = shorter[:again.step + 1], again
                    at -= chunk
                chunk //= 2
        return self.simpler(story, found)

    def simpler(self, story, found):
        """The same with fewer ports."""
        for at, step in enumerate(story):
            if not isinstance(step, Publish) or step.rules is None:
                continue
            for port in list(step.rules.ports):
                fewer = replace(step.rules, ports=[p for p in step.rules.ports if p is not port])
                shorter = story[:at] + [Publish(fewer, step.rebuilt)] + story[at + 1:]
                again = self.again(shorter, found)
                if again:
                    story, step, found = shorter, shorter[at], again
        return story, found

    def again(self, story, found):
        if not story or not isinstance(story[0], Publish):
            return None  # it would meet the rules of the story before
        again = self.play(story)
        return again if again and again.what == found.what else None


def judged(model, q, now):
    if q.program == SOCKET:
        remote, local, remote_port, local_port, proto = q.body
        return model.socket(proto, remote, local, remote_port, local_port, now)
    if q.program == EGRESS:
        return model.egress(q.body, q.on_lo, now)
    return model.wire(q.body, mac_kind(q.body, q.on_lo), q.on_lo, q.segments, now)


def is_stub(frame):
    """Less than an IP header where the kernel wants one before it runs a program."""
    return len(frame) < 14 + {b"\x08\0": 20, b"\x86\xdd": 40}.get(bytes(frame[12:14]), 0)


def differs(q, want, got):
    """In what, or empty."""
    if want.verdict != got.verdict:
        return "verdict"
    if list(want.counts) != got.counts:
        return "counters"
    if q.program == SOCKET:
        return ""
    return wrong(q.body, got.frame, want.answer, q.segments)
