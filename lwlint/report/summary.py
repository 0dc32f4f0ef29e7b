"""The one line that every run ends with."""

from __future__ import annotations

from collections import Counter

from lwlint.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, Report


def summary(report: Report) -> str:
    """Return `12 pass, 1 fail, 3 not evaluated (no CIB was given), 2 allowed`, counted in rules and findings."""
    parts = [f"{report.count(PASS)} pass", f"{report.count(FAIL)} fail"]
    reasons = Counter(v.because for v in report.verdicts if v.outcome == NOT_EVALUATED)
    said = "; ".join(reason for reason, _ in reasons.most_common()[:3]) + ("; ..." if len(reasons) > 3 else "")
    parts.append(f"{report.count(NOT_EVALUATED)} not evaluated" + (f" ({said})" if said else ""))
    if report.count(BROKEN):
        parts.append(f"{report.count(BROKEN)} BROKEN ({', '.join(v.rule for v in report.verdicts if v.outcome == BROKEN)})")
    parts.append(f"{report.allowed} allowed")
    return ", ".join(parts)
