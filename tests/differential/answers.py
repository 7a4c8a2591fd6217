# SPDX-License-Identifier: MIT
"""Is a frame the refusal of another, as RFC 9293, 792 and 4443 have it?"""

from model import ACK, FIN, RST, SYN, TCP, read, u16


def checksum(*parts):
    total = 0
    for part in parts:
        part = bytes(part) + b"\0" * (len(part) & 1)
        total += sum(u16(part, i) for i in range(0, len(part), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def wrong(asked, got, answer, segments):
    """What is wrong with the answer; empty: nothing."""
    if not answer:
        return "the frame was changed" if got else ""
    if not got:
        return "the frame is as it was"
    p = read(asked, bool(segments))
    if answer == "fin":
        flags = got[p.l4 + 13]
        changed = (p.l4 + 12, p.l4 + 13, p.l4 + 16, p.l4 + 17)
        same = all(a == b for i, (a, b) in enumerate(zip(asked, got)) if i not in changed)
        good = flags == FIN and same and len(got) == len(asked) and got[p.l4 + 12] >> 4 == \
            asked[p.l4 + 12] >> 4
        return "" if good else "not the same segment as a lone FIN"
    return addressed(p, asked, got) or (reset if answer == "reset" else unreachable)(p, asked, got)


def addressed(p, asked, got):
    """Goes back where it came from."""
    body = len(got) - p.l4
    if got[:6] != asked[6:12] or got[6:12] != asked[:6] or got[12:p.l3] != asked[12:p.l3]:
        return "link header"
    if p.family == 4:
        if got[p.l3 + 12:p.l3 + 20] != p.target[12:] + p.source[12:]:
            return "addresses"
        if got[p.l3] != asked[p.l3] or u16(got, p.l3 + 2) != p.l4 - p.l3 + body:
            return "lengths"
        return "" if checksum(got[p.l3:p.l4]) == 0xFFFF else "IP checksum"
    if got[p.l3 + 8:p.l3 + 40] != p.target + p.source:
        return "addresses"
    return "" if got[p.l3] >> 4 == 6 and u16(got, p.l3 + 4) == body else "lengths"


def pseudo(p, proto, length):
    addresses = p.source + p.target
    if p.family == 4:
        addresses = p.source[12:] + p.target[12:]
    return addresses + bytes((0, proto)) + length.to_bytes(2, "big")


def reset(p, asked, got):
    segment = got[p.l4:]
    number = int.from_bytes(asked[p.l4 + 4:p.l4 + 8], "big")
    ack = int.from_bytes(asked[p.l4 + 8:p.l4 + 12], "big")
    payload = p.l3 + p.total - p.l4 - (asked[p.l4 + 12] >> 4) * 4
    after = number + bool(p.flags & SYN) + bool(p.flags & FIN) + payload & 0xFFFFFFFF
    want = (ack, 0, RST) if p.flags & ACK else (0, after, RST | ACK)
    found = (int.from_bytes(segment[4:8], "big"), int.from_bytes(segment[8:12], "big"), segment[13])
    if len(segment) != 20 or segment[12] != 0x50 or segment[:4] != \
            asked[p.l4 + 2:p.l4 + 4] + asked[p.l4:p.l4 + 2]:
        return "not a bare segment the other way"
    if found != want:
        return f"seq, ack, flags {found}, want {want}"
    return "" if checksum(pseudo(p, TCP, 20), segment) == 0xFFFF else "TCP checksum"


def unreachable(p, asked, got):
    message = got[p.l4:]
    quote = asked[p.l3:p.l4 + 8]
    kind, proto = ((3, 3), 1) if p.family == 4 else ((1, 4), 58)
    if got[p.l3 + (9 if p.family == 4 else 6)] != proto or tuple(message[:2]) != kind:
        return "not port unreachable"
    if message[8:8 + len(quote)] != quote or any(message[8 + len(quote):]):
        return "quote"
    parts = (message,) if p.family == 4 else (pseudo(p, proto, len(message)), message)
    return "" if checksum(*parts) == 0xFFFF else "checksum"
