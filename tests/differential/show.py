# SPDX-License-Identifier: MIT
"""A story and what is wrong with it, for people. Times are seconds from the story's own moment."""

from model import LOST, NEVER
from scenario import Ask, Publish

PROGRAMS = ("wire", "egress", "socket")


def moment(ns, base):
    if ns == NEVER:
        return "never"
    return f"{(ns - base) / 1e9:+.9f}s" if ns > 10**9 else str(ns)


def show_grant(g, base):
    return f"grant {moment(g.from_ns, base)} .. {moment(g.new_until_ns, base)}, " \
        f"cut {moment(g.cut_at_ns, base)}, step {g.step_ns} salt {g.salt:#x} lapse {g.lapse} " \
        f"reason {g.ended_reason}{show_from(g)}"


def show_from(who):
    """Of a rule or a grant, for whom it is."""
    text = " via" if getattr(who, "via", False) else ""
    if getattr(who, "origins", 0) or getattr(who, "sources", 0):
        text += f" from origins {who.origins:#x} or sources {who.sources:#x}"
    return text


def show_rule(rule, base, indent="    "):
    """Of a rule or a header: lines."""
    if rule == LOST:
        return [indent + LOST]
    lines = [f"{indent}mode {rule.mode} deny {rule.deny}{show_from(rule)}"]
    lines += [f"{indent}{show_grant(g, base)}" for g in getattr(rule, "grants", ())]
    if getattr(rule, "ip_open", ()):
        lines.append(f"{indent}open {sorted(rule.ip_open)}")
    if rule.interim:
        lines.append(f"{indent}before {moment(rule.until_ns, base)}")
        lines += show_rule(rule.interim, base, indent + "  ")
    return lines


def show_set(publish, base):
    rules = publish.rules
    if rules is None:
        return ["no rule set"]
    lines = ["rule set" + (", written by ruleset.c" if publish.rebuilt else ""), "  header"]
    lines += show_rule(rules.header, base) + ["  default"] + show_rule(rules.default, base)
    for p in rules.ports:
        lines += [f"  protocol {p.proto} ports {p.first}-{p.last} slot {p.slot}"]
        lines += show_rule(p.rule, base)
    return lines + ([f"  lost {sorted(rules.lost_blocks)}"] if rules.lost_blocks else [])


def show_step(step, base):
    if isinstance(step, Publish):
        return show_set(step, base)
    if not isinstance(step, Ask):
        return [repr(step)]
    q = step.question
    body = repr(q.body) if isinstance(q.body, tuple) else bytes(q.body).hex()
    return [f"at {moment(q.now, base)} {PROGRAMS[q.program]}{' lo' if q.on_lo else ''}"
            f"{f' segments {q.segments}' if q.segments else ''} {body}"]


def show_all(story, found, base):
    lines = [f"differ: {found.what}; base {base}"]
    for step in story:
        lines += show_step(step, base)
    return "\n".join(lines + [f"judged at {moment(found.now, base)}", f"model    {found.want}",
                              f"programs {found.got}"])
