"""Where location constraints let resources run, node by node, as far as a CIB tells.

After lib/pacemaker/pcmk_sched_location.c of Pacemaker 2.1.5 and its scheduler on generated constraints. Attributes that are not among the
permanent ones of a node may be set in the status: what hangs on them is not known. Those that mark the nodes of a service
(`haproxy-role`) are permanent, where a CIB has any.
"""

from __future__ import annotations

from lwlint.facts.cib import Cib
from lwlint.facts.colocation import PROMOTED, role
from lwlint.facts.pacemaker import INFINITY, LOCATION, NODE_ATTRIBUTES, Constraint, Expression, Node, Rule, score

_MARKS = "-role"
_UNPROMOTED = ("slave", "unpromoted")


def barred(cib: Cib) -> dict[str, dict[str, Constraint]]:
    """Return the outermost resources that constraints keep from member nodes, and for each of these nodes which constraint does."""
    nodes = [node for node in cib.nodes if node.type == "member"]
    told = NODE_ATTRIBUTES not in cib.cluster.untold and any(name.endswith(_MARKS) for node in nodes for name in node.attributes)
    scored: dict[tuple[str, str], list[tuple[int | None, Constraint]]] = {}
    only: dict[str, Constraint] = {}
    allowed: dict[str, set[str]] = {}
    for constraint in cib.constraints:
        if constraint.type != LOCATION or not constraint.active:
            continue
        names = {name for member in constraint.members if not _in_a_role(member.role) for name in member.resources}
        here = [(node.name, number) for node in nodes for number in _scores(constraint, node, told)]
        for top in {cib.resources[name].top for name in names}:
            for node, number in here:
                scored.setdefault((top, node), []).append((number, constraint))
            if constraint.resource_discovery == "exclusive":
                allowed.setdefault(top, set()).update(node for node, _ in here)
                if top in names:  # of a group's member alone it means nothing
                    only.setdefault(top, constraint)
    found: dict[str, dict[str, Constraint]] = {}
    for (top, node), scores in scored.items():
        keeps = _keeps_away(scores)
        if keeps is not None:
            found.setdefault(top, {})[node] = keeps
    for top, constraint in only.items():
        bars = found.setdefault(top, {})
        bars.update((each.name, constraint) for each in nodes if each.name not in allowed[top] and each.name not in bars)
    return found


def _keeps_away(scores: list[tuple[int | None, Constraint]]) -> Constraint | None:
    """Return the constraint that keeps a resource from a node: one of -INFINITY, or the worst where they add up to less than 0."""
    known = [(number, constraint) for number, constraint in scores if number is not None]
    worst = min(known, key=lambda each: each[0], default=None)
    if worst is None or (worst[0] > -INFINITY and (len(known) < len(scores) or sum(number for number, _ in known) >= 0)):
        return None
    return worst[1]


def _in_a_role(written: str | None) -> bool:
    return role(written) in (*PROMOTED, *_UNPROMOTED)


def _scores(constraint: Constraint, node: Node, told: bool) -> list[int | None]:
    """Return the scores that a constraint gives a node; None for one that may be any, or may not apply."""
    if constraint.node is not None:
        return [score(constraint.score)] if constraint.node.value.lower() == node.name.lower() else []
    found: list[int | None] = []
    for rule in constraint.rules:
        answer = _holds(rule, node, told)
        if answer is None or (answer and (rule.score is None or _in_a_role(rule.role))):
            found.append(None)
        elif answer:
            found.append(score(rule.score))
    return found


def _holds(rule: Rule, node: Node, told: bool) -> bool | None:
    answers = [_holds(each, node, told) if isinstance(each, Rule) else _expression_holds(each, node, told) for each in rule.expressions]
    decisive = rule.boolean_op == "or"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _expression_holds(expression: Expression, node: Node, told: bool) -> bool | None:
    if expression.type == "date_expression":
        return expression.holds
    name = expression.attribute or ""
    if expression.type != "expression" or (name.startswith("#") and name not in ("#uname", "#id")):
        return None
    own = {"#uname": node.name, "#id": node.id}
    text = own.get(name) or (node.attributes[name].value if name in node.attributes else None)
    if text is None and not (told and name.endswith(_MARKS)):
        return None
    if expression.operation in ("defined", "not_defined"):
        return (text is not None) is (expression.operation == "defined")
    if expression.operation not in ("eq", "ne"):
        return None
    equal = text is not None and text.lower() == (expression.value or "").lower()
    return equal is (expression.operation == "eq")
