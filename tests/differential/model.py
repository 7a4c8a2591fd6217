# SPDX-License-Identifier: MIT
"""What the gate's programs shall say, after the documents and not after the programs.

include/portlic.h has the contract of rule sets, times and counters. A frame is read as the kernel's
stack would deliver it: Ethernet, tags that it strips, IPv4 with options, IPv6 with its chain; what
can't be read to the end is denied. State is who spoke first: flows, clients and marks.
"""

from dataclasses import dataclass, field

NEVER = 2**64 - 1
SECOND = 10**9

ENFORCE, AUDIT_MODE, OFF = range(3)
REFUSE, DROP = range(2)
BLOCK_NEW, BLOCK, REPORT = range(3)
ALLOWED, DENIED, AUDIT = range(3)
(UNLICENSED, NOT_YET_VALID, LAPSED, REVOKED, WITHDRAWN) = range(1, 6)
SOURCE, ORIGIN = 6, 7
(BROWNOUT, FRAGMENT, MALFORMED, PROTOCOL, STATE_LOST) = range(12, 17)
UNKNOWN, NODE, POD, EXTERNAL = 0, 4, 6, 7  # enum plic_origin, those that addresses have
ORIGINS = 0  # the source set that maps addresses to them

TCP, UDP, SCTP = 6, 17, 132
ICMP, IGMP, ICMPV6 = 1, 2, 58
HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, DESTINATION = 0, 43, 44, 60
CHAIN = (HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, DESTINATION)
HEADER_LEN = {TCP: 20, UDP: 8, SCTP: 12}
FIN, SYN, RST, ACK = 1, 2, 4, 16

# Bounds that the programs set themselves: beyond them the stack goes on, and so they must deny.
MAX_TAGS, MAX_CHAIN = 4, 8

ANY_REMOTE_NS, IDLE_NS, NAMED_NS, CLIENT_NS = 10 * SECOND, 3600 * SECOND, 60 * SECOND, 60 * SECOND
REFRESH_NS = SECOND  # a flow's time is written no more often
STRAY_FROM = 32768  # an unnamed TCP port from here on is taken for one of the pod's own, ended

TO_US, TO_ALL, TO_GROUP, TO_OTHERS = "host", "broadcast", "multicast", "otherhost"
ANY = (bytes(16), 0)  # in place of a remote end: anybody
MAPPED = bytes(10) + b"\xff\xff"
PASS, SHOT, ANSWER = -1, 2, 7  # TCX_NEXT, TC_ACT_SHOT, TC_ACT_REDIRECT


@dataclass
class Grant:
    from_ns: int = 0
    new_until_ns: int = NEVER
    cut_at_ns: int = NEVER
    step_ns: int = 0
    salt: int = 0
    lapse: int = BLOCK_NEW
    ended_reason: int = LAPSED
    origins: int = 0  # to whom: a mask, or
    sources: int = 0  # a source set; both 0: everybody

    def admits(self, now):
        return self.from_ns <= now < self.new_until_ns

    def quarters(self, now):
        """How many of the four quarters of its clients it still takes, while it admits."""
        left = self.new_until_ns - now
        for quarters in (1, 2, 3):
            if left <= quarters * self.step_ns:
                return quarters
        return 4


@dataclass
class Rule:
    mode: int = ENFORCE
    deny: int = REFUSE
    grants: list = field(default_factory=list)
    interim: object = None  # a Rule; LOST: a number that leads nowhere
    until_ns: int = 0
    origins: int = 0  # the policy's own, narrows all grants
    sources: int = 0
    via: bool = False  # ... at the socket and on lo alone

    def at(self, now):
        return self.interim if self.interim and now < self.until_ns else self


@dataclass
class Header:
    """For what has no ports."""
    mode: int = ENFORCE
    deny: int = REFUSE
    ip_open: frozenset = frozenset()
    interim: object = None
    until_ns: int = 0

    at = Rule.at


LOST = "lost"


@dataclass
class Port:
    proto: int
    first: int
    last: int
    slot: int
    rule: object  # a Rule, or LOST


@dataclass
class RuleSet:
    header: Header
    default: Rule
    ports: list
    lost_blocks: frozenset = frozenset()  # (proto, port // 64) that can't be read

    def find(self, proto, port):
        """(slot, rule): slot 0 is a port that isn't named; the rule may be LOST."""
        if (proto, port // 64) in self.lost_blocks:
            return 0, LOST
        for p in self.ports:
            if p.proto == proto and p.first <= port <= p.last:
                return p.slot, p.rule
        return 0, self.default


@dataclass
class Packet:
    """What was read of a frame. reason: why not further; passes: no business of the gate's."""
    l3: int
    passes: bool = False
    reason: int = 0
    proto: int = 0
    family: int = 0
    l4: int = 0
    sport: int = 0
    dport: int = 0
    flags: int = 0
    source: bytes = b""
    target: bytes = b""
    total: int = 0  # end of the IP datagram, from l3 on
    bare: bool = True  # neither a fragment nor behind extension headers
    ported: bool = False

    def way(self):
        return self.proto, self.source, self.target, self.sport, self.dport


def u16(frame, at):
    return frame[at] << 8 | frame[at + 1]


def read(frame, merged):
    """merged: it stands for several (GSO), and may be longer than its length field can say."""
    kind, at = u16(frame, 12), 14
    for _ in range(MAX_TAGS):
        if kind not in (0x8100, 0x88A8):
            break
        if at + 4 > len(frame):
            return Packet(14, reason=MALFORMED)  # no network header: bytes of all tags
        kind, at = u16(frame, at + 2), at + 4
    p = Packet(at)
    if kind == 0x0806:
        p.passes = True
    elif kind == 0x0800:
        read_ipv4(p, frame, merged)
    elif kind == 0x86DD:
        read_ipv6(p, frame, merged)
    else:
        p.reason = MALFORMED if kind in (0x8100, 0x88A8) else PROTOCOL
    return p


def read_ipv4(p, frame, merged):
    at, room = p.l3, len(frame) - p.l3
    p.family, p.reason = 4, MALFORMED
    if room < 20:
        return
    header, p.total = (frame[at] & 15) * 4, u16(frame, at + 2)
    if p.total == 0 and merged:
        p.total = room
    if frame[at] >> 4 != 4 or header < 20 or not header <= p.total <= room:
        return
    p.reason, p.proto, p.l4 = 0, frame[at + 9], at + header
    p.source, p.target = MAPPED + frame[at + 12:at + 16], MAPPED + frame[at + 16:at + 20]
    fragment = u16(frame, at + 6)
    if fragment & 0x1FFF:
        p.passes = True  # worth nothing without the first
        return
    p.bare = not fragment & 0x2000
    read_transport(p, frame, p.l3 + p.total - p.l4, bool(fragment & 0x2000))


def read_ipv6(p, frame, merged):
    at, room = p.l3, len(frame) - p.l3
    p.family, p.reason = 6, MALFORMED
    if room < 40:
        return
    payload, following = u16(frame, at + 4), frame[at + 6]
    p.total = 40 + payload
    if payload == 0 and (merged or following == HOP_BY_HOP):  # BIG TCP
        p.total = room
    if frame[at] >> 4 != 6 or p.total > room:
        return
    p.source, p.target = bytes(frame[at + 8:at + 24]), bytes(frame[at + 24:at + 40])
    off, first, headers = 40, False, 0
    while following in CHAIN and headers < MAX_CHAIN:
        p.proto, p.reason = following, FRAGMENT if first else MALFORMED
        if off + 8 > p.total:
            return
        following, words = frame[at + off], frame[at + off + 1]
        if p.proto == FRAGMENT_HEADER:
            fragment, words = u16(frame, at + off + 2), 0
            if fragment & 0xFFF8:
                p.proto, p.passes, p.reason = following, True, 0
                return
            first = first or bool(fragment & 1)
        off, headers, p.bare = off + 8 + words * 8, headers + 1, False
    p.proto, p.l4 = following, at + off
    p.reason = FRAGMENT if first else MALFORMED
    if following in CHAIN or off > p.total:
        return
    p.reason = 0
    read_transport(p, frame, p.total - off, first)


def read_transport(p, frame, room, first):
    need = HEADER_LEN.get(p.proto)
    if need is None:
        p.passes = p.proto in ((ICMP, IGMP) if p.family == 4 else (ICMPV6,))
        p.reason = 0 if p.passes else PROTOCOL
    elif room < need:
        p.reason = FRAGMENT if first else MALFORMED
    else:
        p.sport, p.dport, p.ported = u16(frame, p.l4), u16(frame, p.l4 + 2), True
        p.flags = frame[p.l4 + 13] if p.proto == TCP else 0


@dataclass
class Client:
    address: bytes
    origins: int  # the one that it is, or those that it may be


@dataclass
class Outcome:
    verdict: int  # of the program
    counts: tuple = ()  # (kind, slot, port, proto, reason, packets, bytes, connections, last)
    answer: str = ""  # "", "reset", "unreachable", "fin"


class Model:
    """
    quarters: tells of an address and a salt in which quarter of the clients it is, 0 to 3.
    sources: of a source set and an address, what the longest prefix says; None: there is none.
    """

    def __init__(self, quarters, sources):
        self.quarter, self.source = quarters, sources
        self.senders = {}  # (proto, source, target, sport, dport) -> mask of origins
        self.set = None
        self.flows, self.clients, self.marks = {}, {}, set()
        self.sockets = set()

    # Who is let in.

    def decide(self, rule, now, client=None, at_socket=False):
        """(verdict, reason) of a rule. client None: a segment of a connection that stands."""
        established = client is None
        admitting = [g for g in rule.grants if g.admits(now)]
        denied = {OFF: ALLOWED, ENFORCE: DENIED, AUDIT_MODE: AUDIT}[rule.mode]
        if admitting:
            refused = 0 if established else self.refusal(rule, admitting, client, at_socket, now)
            return (denied, refused) if refused else (ALLOWED, 0)
        begun = [g for g in rule.grants if g.from_ns <= now]
        reason = begun[0].ended_reason if begun else NOT_YET_VALID if rule.grants else UNLICENSED
        draining = [g for g in begun if now < g.cut_at_ns]
        if rule.mode != OFF and any(g.lapse == REPORT for g in draining):
            return AUDIT, reason
        if established and draining:
            return ALLOWED, 0
        return denied, reason

    def refusal(self, rule, admitting, client, at_socket, now):
        """Why none of them takes this client: what the last one says. 0: one does."""
        if (at_socket or not rule.via) and not self.admits(rule, client):
            return SOURCE if rule.sources else ORIGIN
        reason = 0
        for g in admitting:
            if g.quarters(now) < 4 and self.quarter(client.address, g.salt) >= g.quarters(now):
                reason = BROWNOUT
            elif not self.admits(g, client):
                reason = SOURCE if g.sources else ORIGIN
            else:
                return 0
        return reason

    def admits(self, who, client):
        """By a rule's or a grant's origins and sources."""
        if not who.origins and not who.sources:
            return True
        # Who may be several has to be welcome as each of them.
        if client.origins & ~who.origins == 0:
            return True
        return bool(who.sources and self.source(who.sources, client.address))

    def origin_of(self, address):
        listed = self.source(ORIGINS, address)
        return 1 << (EXTERNAL if listed is None else listed)

    def sender(self, p, on_lo):
        """On lo it is known by who sent, elsewhere by where it comes from."""
        if not on_lo:
            return Client(p.source, self.origin_of(p.source))
        return Client(p.source, self.senders.get(p.way(), 1 << UNKNOWN))

    def rule_of(self, proto, port, now):
        if self.set is None:
            return 0, LOST
        slot, rule = self.set.find(proto, port)
        if rule != LOST:
            rule = rule.at(now)
        return (0, LOST) if rule == LOST else (slot, rule)

    # Who spoke first.

    def own(self, proto, local, remote, remote_port, named, now):
        """Does the pod's own sending call for this?"""
        key = (proto, local, remote, remote_port)
        since = self.flows.get(key) if key[2:] != ANY else None
        if since is not None and now < since + (NAMED_NS if named else IDLE_NS):
            if not named:
                touch(self.flows, key, now)
            return True
        since = self.flows.get((proto, local, *ANY))
        return since is not None and now < since + ANY_REMOTE_NS

    # The programs.

    def wire(self, frame, kind, on_lo, segments, now):
        p = read(frame, bool(segments))
        if p.passes:
            return Outcome(PASS)
        size = (segments or 1, len(frame) - p.l3)
        if not p.ported:
            verdict, reason = self.portless(p, now)
            if verdict == ALLOWED:
                return Outcome(PASS)
            return Outcome(SHOT if verdict == DENIED else PASS,
                           denial(kind, verdict, 0, 0, p.proto, reason, *size, 0, now))
        slot, rule = self.rule_of(p.proto, p.dport, now)
        if rule == LOST:
            connections = size[0] if p.proto != TCP or opens(p) else 0
            return Outcome(SHOT, denial(kind, DENIED, 0, p.dport, p.proto, STATE_LOST, *size,
                                        connections, now))
        judged = self.tcp if p.proto == TCP else self.datagram
        verdict, reason, connection = judged(p, slot, rule, on_lo, now)
        if verdict is None:
            return Outcome(PASS)
        if verdict == ALLOWED:
            counted = slot and rule.mode != OFF and kind != TO_OTHERS
            return Outcome(PASS, ((ALLOWED, slot, 0, 0, 0, *size, int(connection), now),)
                           if counted else ())
        counts = denial(kind, verdict, slot, p.dport, p.proto, reason, *size,
                        size[0] if connection else 0, now)
        if verdict == AUDIT:
            return Outcome(PASS, counts)
        if rule.deny != REFUSE or not answerable(p, kind):
            return Outcome(SHOT, counts)
        if p.proto == UDP:
            return Outcome(ANSWER, counts, "unreachable")
        if on_lo and p.family == 4 and opens(p):
            return Outcome(PASS, counts, "fin")
        return Outcome(ANSWER, counts, "reset")

    def portless(self, p, now):
        header = self.set.header.at(now) if self.set else LOST
        if header == LOST:
            return DENIED, STATE_LOST
        if header.mode == OFF or p.reason == PROTOCOL and p.family and p.proto in header.ip_open:
            return ALLOWED, 0
        return AUDIT if header.mode == AUDIT_MODE else DENIED, p.reason

    def tcp(self, p, slot, rule, on_lo, now):
        """(verdict, reason, is it counted as a connection); verdict None: passes uncounted."""
        if not slot and not opens(p):
            return None, 0, False
        client = self.sender(p, on_lo) if opens(p) else None
        verdict, reason = self.decide(rule, now, client, on_lo)
        mark = (p.source, p.target, p.sport, p.dport)
        if opens(p):
            if verdict != DENIED:
                self.marks.discard(mark)
            return verdict, reason, verdict != ALLOWED
        if mark in self.marks:
            return None, 0, False
        return verdict, reason, False

    def datagram(self, p, slot, rule, on_lo, now):
        who = (p.proto, p.dport, p.source, p.sport)
        if not slot and self.own(*who, False, now):
            return None, 0, False
        verdict, reason = self.decide(rule, now, self.sender(p, on_lo), on_lo)
        if verdict != ALLOWED:
            if slot and self.own(*who, True, now):
                return None, 0, False
            if not slot and p.proto == UDP and who not in self.clients and \
                    (p.source, p.target, p.sport, p.dport) in self.sockets:
                return None, 0, False
        if verdict == DENIED:
            return verdict, reason, True
        fresh = touch(self.clients, who, now)
        return verdict, reason, fresh or verdict == AUDIT

    def egress(self, frame, on_lo, now):
        p = read(frame, False)
        if self.set and p.ported and (p.proto != TCP or opens(p)):
            slot, rule = self.set.find(p.proto, p.sport)
            if rule != LOST:
                there, its_rule = self.set.find(p.proto, p.dport)
                if on_lo and there and its_rule != LOST:
                    self.senders[p.way()] = 1 << UNKNOWN  # no cgroup that anybody knows
                if slot == 0 and p.proto != TCP:
                    self.sent(p, bool(frame[0] & 1), now)
        return Outcome(PASS)

    def sent(self, p, group, now):
        who = (p.proto, p.sport, p.target, p.dport)
        if group or to_group(p):
            touch(self.flows, who[:2] + ANY, now)
            return
        since, spoke = self.flows.get(who), self.clients.get(who)
        goes_on = since is not None and now < since + IDLE_NS
        if goes_on or spoke is None or now >= spoke + CLIENT_NS:
            touch(self.flows, who, now)

    def socket(self, proto, remote, local, remote_port, local_port, now):
        """The verdict is SK_PASS 1 or SK_DROP 0."""
        slot, rule = self.rule_of(proto, local_port, now)
        verdict, reason = DENIED, STATE_LOST
        if rule != LOST:
            origins = self.senders.get((proto, remote, local, remote_port, local_port))
            if origins is None:
                origins = 1 << UNKNOWN if on_loopback(remote) else self.origin_of(remote)
            verdict, reason = self.decide(rule, now, Client(remote, origins), True)
        if verdict != DENIED:
            return Outcome(1)
        if proto == UDP and self.own(proto, local_port, remote, remote_port, bool(slot), now):
            return Outcome(1)
        if proto == TCP and not slot and local_port >= STRAY_FROM:
            return Outcome(0)
        return Outcome(0, denial(TO_US, DENIED, slot, local_port, proto, reason, 1, 0, 1, now))


def touch(table, key, now):
    """True: it was not there."""
    fresh = key not in table
    if fresh or now > table[key] + REFRESH_NS:
        table[key] = now
    return fresh


def opens(p):
    """Of all segments only SYN without ACK opens a connection."""
    return p.flags & (SYN | ACK) == SYN


def denial(kind, verdict, slot, port, proto, reason, packets, size, connections, now):
    if kind == TO_OTHERS:  # another one's, that the link brought here too
        return ()
    return ((verdict, slot, 0 if slot else port, proto, reason, packets, size, connections, now),)


def on_loopback(address):
    if address[:12] == MAPPED:
        return address[12] == 127
    return address == bytes(15) + b"\x01"


def to_group(p):
    if p.family == 4:
        return 224 <= p.target[12] < 240 or p.target[12:] == b"\xff" * 4
    return p.target[0] == 0xFF  # an IPv4 address in IPv6 clothes is none


def answerable(p, kind):
    """A refusal is for one sender who can take it: not for groups, resets, parts of a datagram."""
    if kind != TO_US or not p.bare or p.proto == SCTP or p.flags & RST:
        return False
    if p.family == 4:
        return 0 < p.source[12] < 224 and p.target[12] < 224
    return any(p.source) and p.source[0] != 0xFF and p.target[0] != 0xFF
