"""What a run cost, for `lwlint check --timing`."""

from __future__ import annotations

from lwlint.costs import Costs


def render(costs: Costs, whole: float) -> str:
    """Return a line for each reader and each rule, dearest first, with its share of the `whole` (seconds), and what is left."""
    lines = [f"{'ms':>9}  {'share':>6}  part"]
    for part in ("reader", "rule"):
        spent = sorted(((seconds, name) for (kind, name), seconds in costs.spent.items() if kind == part), reverse=True)
        lines += [_line(seconds, whole, f"{part} {name}") for seconds, name in spent]
    rest = whole - sum(costs.spent.values())
    return "\n".join([*lines, _line(rest, whole, "all else: loading lwlint and its rules, the report"), _line(whole, whole, "the run"), ""])


def _line(seconds: float, whole: float, what: str) -> str:
    return f"{seconds * 1000:9.1f}  {seconds / whole if whole else 0:6.1%}  {what}"
