# SPDX-License-Identifier: MIT
"""A random story: rule sets that follow one another, who is connected, and packets at moments."""

from dataclasses import dataclass

from judge import EGRESS, SOCKET, WIRE, Question
from model import (ANY_REMOTE_NS, AUDIT_MODE, BLOCK, BLOCK_NEW, DROP, ENFORCE, IDLE_NS, LAPSED,
                   LOST, NAMED_NS, NEVER, OFF, REFRESH_NS, REFUSE, REPORT, REVOKED, SCTP, SECOND,
                   TCP, UDP, WITHDRAWN, Grant, Header, Port, Rule, RuleSet)
from packets import ODD, PEERS, PODS, Frames, family
from sources import NAMES as SETS

HOUR = 3600 * SECOND
SALTS = (0, 1, 0x9E3779B9, 0xFFFFFFFF)
REMOTE_PORTS = (53, 443, 40000, 65535, 0)
SENDERS = (1, 1 << 1, 1 << 2, 0b110, 1 << 3, 1 << 4)  # masks of enum plic_origin
MASKS = (1, 0b10, 0b110, 0b1000, 0b10000, 0b1000000, 0b10000000, 0b11010000, 0b11111110)
NOBODY = (bytes(16), 0)  # also the key of `any remote`
OWN_PORTS = (45000, 45001, 32767, 32768)


@dataclass
class Publish:
    rules: object  # a RuleSet; None: there is none
    rebuilt: bool  # written by the agent's code, and not by the test's


@dataclass
class Connect:
    tuples: list


@dataclass
class Record:
    flows: dict
    clients: dict
    marks: list
    senders: dict


@dataclass
class Ask:
    question: Question


class Author:
    """base_ns: the moment around which it all happens. slots: how many a gate has."""

    def __init__(self, rng, base_ns, slots, lookups):
        self.rng, self.base, self.slots, self.lookups = rng, base_ns, slots, lookups
        self.frames = Frames(rng)
        # What the agent writes has one end of all interims and no number that leads nowhere.
        self.rebuilt, self.until = self.one_in(3), None
        self.moments = [base_ns + rng.randrange(-2 * HOUR, 2 * HOUR) for _ in range(6)]
        if self.rebuilt and self.one_in(2):
            self.until = rng.choice(self.moments)

    def one_in(self, n):
        return self.rng.random() * n < 1

    def story(self):
        rules = self.rules()
        self.cast(rules)
        steps = [Publish(rules, self.rebuilt), Record(*self.memories())]
        for _ in range(self.rng.choice((1, 2, 2, 3))):
            if self.one_in(3):
                steps.append(Connect(self.sockets()))
            steps += [Ask(q) for q in self.questions()]
            rules = self.revised(rules)
            self.edges += edges(rules)
            steps.append(Publish(rules, self.rebuilt))
        return steps[:-1]

    # Rule sets.

    def grant(self):
        rng = self.rng
        g = Grant(from_ns=0 if self.one_in(2) else rng.choice(self.moments))
        if not self.one_in(4):
            g.new_until_ns = max(g.from_ns, rng.choice(self.moments))
        g.cut_at_ns = min(NEVER, g.new_until_ns + rng.choice((0, 1, 300 * SECOND, HOUR, NEVER)))
        g.lapse = rng.choice((BLOCK_NEW, BLOCK_NEW, BLOCK, REPORT))
        g.ended_reason = rng.choice((LAPSED, LAPSED, REVOKED, WITHDRAWN))
        if g.new_until_ns != NEVER and self.one_in(2):
            g.step_ns, g.salt = rng.choice((1, SECOND, 20 * 60 * SECOND)), rng.choice(SALTS)
        self.narrow(g, 6)
        return g

    def narrow(self, thing, n):
        """To some clients, one in n times."""
        if self.one_in(n):
            thing.origins = self.rng.choice((0, 0, *MASKS))
            thing.sources = self.rng.choice((0, *SETS)) if thing.origins else self.rng.choice(SETS)

    def mode(self):
        return self.rng.choice((ENFORCE,) * 5 + (AUDIT_MODE, OFF))

    def rule(self, interim=True):
        rng = self.rng
        grants = [self.grant() for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3, 4)))]
        grants.sort(key=lambda g: (g.new_until_ns, g.cut_at_ns), reverse=True)
        rule = Rule(self.mode(), rng.choice((REFUSE, REFUSE, DROP)), grants)
        self.narrow(rule, 5)
        rule.via = bool(rule.origins or rule.sources) and self.one_in(3)
        self.stand_in(rule, interim and self.one_in(5), self.rule)
        return rule

    def stand_in(self, thing, wanted, make):
        """An interim."""
        if not wanted or self.rebuilt and not self.until:
            return
        thing.interim = LOST if not self.rebuilt and self.one_in(20) else make(False)
        thing.until_ns = self.until or self.rng.choice(self.moments)

    def header(self, interim=True):
        h = Header(self.mode(), self.rng.choice((REFUSE, DROP)),
                   frozenset(self.rng.sample(range(256), self.rng.choice((0, 1, 20, 100)))))
        self.stand_in(h, interim and (self.until or self.one_in(4)), self.header)
        return h

    def default(self, interim=True):
        rule = Rule(self.mode(), self.rng.choice((REFUSE, DROP)))
        if interim and (self.until or not self.rebuilt and self.one_in(5)):
            rule.interim = self.default(False)
            rule.until_ns = self.until or self.rng.choice(self.moments)
        return rule

    def span(self):
        """First and last port of an entry."""
        rng, first = self.rng, self.rng.choice((1, 53, 64, 8080, 8191, 8192, 32767, 65535))
        if self.one_in(2):
            first = rng.randrange(1, 65536)
        n = rng.choice((1, 1, 1, 2, 63, 64, 65, 128, 1000, 20000))
        return first, min(65535, first + n - 1)

    def rules(self):
        rng, ports = self.rng, []
        rules = [self.rule() for _ in range(rng.randrange(1, 5))]
        for _ in range(rng.choice((1, 2, 4, 8, 8))):
            first, last = self.span()
            proto = rng.choice((TCP, TCP, UDP, UDP, SCTP))
            if any(p.proto == proto and first <= p.last and p.first <= last for p in ports):
                continue
            rule = LOST if not self.rebuilt and self.one_in(40) else rng.choice(rules)
            ports.append(Port(proto, first, last, rng.randrange(1, self.slots), rule))
        lost = frozenset((p.proto, p.first // 64) for p in ports
                         if not self.rebuilt and self.one_in(40))
        return RuleSet(self.header(), self.default(), ports, lost)

    def revised(self, rules):
        """What comes after a set: the same, one without some ports, another, none."""
        if rules is None or self.one_in(4):
            return self.rules()
        if self.one_in(12):
            return None
        kept = [p for p in rules.ports if not self.one_in(4)]
        for p in kept:
            if self.one_in(4) and p.rule != LOST:
                kept[kept.index(p)] = Port(p.proto, p.first, p.last, p.slot, self.rule())
        return RuleSet(rules.header, rules.default, kept, rules.lost_blocks)

    # Who speaks.

    def cast(self, rules):
        """The few that speak most, to meet again: (proto, peer, pod, peer's port, port)."""
        rng, ports = self.rng, []
        own = [(p, at) for p in (UDP, UDP, SCTP, TCP) for at in OWN_PORTS[:2]]
        for p in rules.ports:
            ports += [(p.proto, at) for at in (p.first, p.last, rng.randint(p.first, p.last))] * 2
            ports += [(p.proto, at) for at in (p.first - 1, p.last + 1) if 0 <= at <= 65535]
        self.edges, self.pairs = edges(rules), []
        for _ in range(8):
            proto, port = rng.choice(own if self.one_in(4) else ports or own)
            peer = rng.choice(PEERS)
            self.pairs.append((proto, peer, rng.choice(PODS[family(peer)]),
                               rng.choice(REMOTE_PORTS[:4]), port))

    def pair(self):
        rng = self.rng
        proto, peer, pod, remote, local = rng.choice(self.pairs)
        if self.one_in(8):
            peer = rng.choice(PEERS + ODD)
        if self.one_in(20):
            peer, remote = NOBODY
        if family(peer) != family(pod) or self.one_in(12):
            pod = rng.choice(PODS[family(peer)] + ODD)
        if self.one_in(10):
            remote = rng.choice(REMOTE_PORTS)
        if self.one_in(16):
            local = rng.choice(OWN_PORTS + (0, 65535, rng.randrange(65536)))
        return proto, peer, pod, remote, local

    def sockets(self):
        """Connected ones of lo's own addresses, which need no route."""
        found = {}
        for _, peer, pod, remote, local in self.pairs:
            if peer[-1] in (1, 3) and peer in (PEERS[3], PEERS[7]) and local and remote:
                found[local] = (peer, PODS[family(peer)][2], remote, local)
        return list(found.values())

    def memories(self):
        """Flows, clients, marks and who sent on lo, of before."""
        flows, clients, marks, senders = {}, {}, [], {}
        for proto, peer, pod, remote, local in self.pairs:
            since = self.moment() or self.base
            if self.one_in(2):
                senders[proto, peer, pod, remote, local] = self.rng.choice(SENDERS)
            if proto == TCP:
                marks += [(peer, pod, remote, local)] * self.one_in(2)
            elif self.one_in(4):
                flows[proto, local, peer, remote] = since
            elif self.one_in(4):
                clients[proto, local, peer, remote] = since
        return flows, clients, marks, senders

    # When.

    def moment(self):
        """0: let the clock say."""
        rng = self.rng
        if self.one_in(50):
            return 0
        if self.one_in(4):
            return self.base + rng.randrange(-2 * HOUR, 2 * HOUR)
        if self.edges and self.one_in(2):
            at = rng.choice(self.edges)
        else:
            at = rng.choice(self.moments) + rng.choice(
                (0, 1, REFRESH_NS, ANY_REMOTE_NS, NAMED_NS, IDLE_NS))
        return at + rng.choice((-1, 0, 0, 1))

    def questions(self):
        """Time goes forward, mostly; what happens at one moment is asked about at the next ones."""
        rng, out = self.rng, []
        times = [self.moment() for _ in range(rng.randrange(1, 7))]
        if not self.one_in(6):
            times.sort()
        for at in times:
            self.moments[rng.randrange(len(self.moments))] = at or self.base
            for _ in range(rng.choice((2, 8, 16))):
                out.append(self.question(at))
        return out

    def question(self, now):
        rng = self.rng
        proto, peer, pod, remote, local = self.pair()
        what, on_lo = rng.random(), self.one_in(4)
        if self.lookups and what < 0.1 and proto != SCTP and family(peer) == family(pod):
            return Question(now, SOCKET, (peer, pod, remote, local, proto))
        if what < 0.25:
            frame = self.frames.frame(proto, pod, peer, local, remote, on_lo)
            return Question(now, EGRESS, self.maybe_spoilt(frame, 8), on_lo)
        if what < 0.3:
            frame = self.frames.other(on_lo)
        else:
            frame = self.frames.frame(proto, peer, pod, remote, local, on_lo)
        segments = rng.choice((1, 2, 44)) if not on_lo and self.one_in(12) else 0
        return Question(now, WIRE, self.maybe_spoilt(frame, 4), on_lo, segments)

    def maybe_spoilt(self, frame, n):
        return self.frames.spoil(frame) if self.one_in(n) else frame


def edges(rules):
    """The moments at which a set's rules change their mind."""
    found = set()
    for rule in [rules.header, rules.default] + [p.rule for p in rules.ports] if rules else ():
        for r in (rule, getattr(rule, "interim", None)):
            found.add(getattr(r, "until_ns", 0))
            for g in getattr(r, "grants", ()):
                found.update((g.from_ns, g.new_until_ns, g.cut_at_ns))
                found.update(g.new_until_ns - n * g.step_ns for n in (1, 2, 3))
    return sorted(t for t in found if SECOND < t < NEVER // 2)
