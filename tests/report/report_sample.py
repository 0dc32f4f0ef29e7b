"""One small report that has every feature a format must cope with, and the way to compare with its golden file."""

from __future__ import annotations

import json
import os
import re

from msgspec.structs import replace

from lwlint import __version__
from lwlint.core.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, Finding, Related, Report, Verdict
from lwlint.core.source import Source, Span
from lwlint.policy.rules import Rule
from tests.shared import HERE

CIB = Source(
    "controller-0/var/lib/pacemaker/cib/cib.xml",
    '<cib>\r\n <primitive id="növa-𝄞-api"\r\n  class="systemd"/>\r\n</cib>\r\n',
    "cib",
    host="controller-0",
    root="controller-0/",
)
TEMPLATE = Source("env/größe, 100%: a|b.yaml", "\ufeffresources:\n  a: {type: 'OS::x'}\n  b: |\n    é\n    f\nend: 1\n", "heat")
EMPTY = Source("etc/nova/nova.conf", "", "oslo")
CONTEXT = Source("common/services.yaml", "outputs: {}\n", "heat", judged=False)
LOST = "controller-0/etc/lost\udcff\n.conf"  # no source: a finding without a line; its name is no UTF-8

REMEDY = "Take it out of Pacemaker:\n  `pcs resource delete NAME`\nthen enable its unit"


def rule(code: str, name: str, severity: str = "error", **fields: str) -> Rule:
    """Return a rule with the parts that reports show."""
    parts = {"title": f"Title of `{name}`", "why": f"Why {name} <matters> | & more\n", "remedy": f"{REMEDY}\n", "clause": "few-constraints"}
    return Rule(id=name, code=code, severity=severity, check="none", examples=(), **{**parts, **fields})  # type: ignore[arg-type]


RULES = (
    rule("LW101", "service-outside-the-core"),
    rule("LW105", "constraint-outside-the-core", "warning"),
    rule("LW203", "restart-that-gives-up", "note"),
    rule("LW301", "finite-database-retries"),
    rule("LW404", "broken-rule"),
    rule("LW901", "unreadable-input", clause="readable-input"),
)


def span(source: Source, piece: str) -> Span:
    """Return where `piece` stands first in the source."""
    start = source.text.index(piece)
    return source.span(start, start + len(piece))


def finding(code: str, place: Span, message: str, **fields: object) -> Finding:
    """Return a finding of the rule with that code."""
    of = next(r for r in RULES if r.code == code)
    plain = Finding(of.code, of.id, of.severity, of.clause, place, message, REMEDY, f"fp-{code}")
    return replace(plain, **fields)  # type: ignore[arg-type]


FINDINGS = (
    finding(
        "LW101",
        span(CIB, "növa-𝄞-api"),
        "növa-𝄞-api: `a|b` is `<b>[x](y)</b>`; it must be under *systemd* & _not_ here",
        subject="resource növa-𝄞-api",
        host="controller-0",
        related=(Related(span(TEMPLATE, "'OS::x'"), "comes from `OS::x` | here"), Related(Span("gone.yaml", 3, 4), "and from here")),
    ),
    finding(
        "LW101",
        span(CIB, '<primitive id="növa-𝄞-api"\r\n  class="systemd"'),
        "= over\x1b[31m two lines, 100%: \x00 and a lone ` tick",
        subject="resource x",
        host="controller-0",
    ),
    finding("LW105", span(TEMPLATE, "é\n    f"), "allowed here", allowed="the vendor, 50%: asks | for <it>", subject="constraint c"),
    finding("LW105", span(TEMPLATE, "OS"), "the same twice", subject="constraint d"),
    finding("LW105", span(TEMPLATE, "x"), "the same twice", subject="constraint d", severity="error"),
    finding("LW105", span(TEMPLATE, "end"), "a note", subject="constraint e", severity="note", remedy="Nothing\nmuch"),
    finding("LW901", EMPTY.span(0, 0), "nova.conf: is empty", fingerprint="fp-LW901-empty"),
    finding("LW901", Span(LOST, 5, 9), "lost: cannot be\nread", host="controller-0"),
)
REPORT = Report(
    findings=FINDINGS,
    verdicts=(
        Verdict("service-outside-the-core", "LW101", FAIL),
        Verdict("constraint-outside-the-core", "LW105", FAIL, "env/x.yaml:3: Jinja"),
        Verdict("restart-that-gives-up", "LW203", PASS),
        Verdict("finite-database-retries", "LW301", NOT_EVALUATED, "no `nova.conf` | was given"),
        Verdict("broken-rule", "LW404", BROKEN, "ZeroDivisionError: <no>\x07"),
        Verdict("unreadable-input", "LW901", FAIL),
    ),
    sources={source.path: source for source in (CIB, TEMPLATE, EMPTY, CONTEXT)},
    skipped=(("notes.txt", "nothing of ours"),),
    release="newton",
    release_because="`haproxy` in cib.xml",
)
CLEAN = Report(findings=(), verdicts=(Verdict("service-outside-the-core", "LW101", PASS),))
TURNED = replace(
    REPORT,
    findings=FINDINGS[::-1],
    verdicts=REPORT.verdicts[::-1],
    sources=dict(reversed(list(REPORT.sources.items()))),
)


def without_passes(text: str) -> str:
    """Return an audit's answer (text, JSON, or HTML an element a line) without passing verdicts and counts of rules.

    So a rule that is added changes the golden files of those clusters in which it finds something, and no other.
    """
    if not text.startswith("{"):
        text = re.sub(r"\d+ pass\b", "N pass", re.sub(r"\b\d+ rules\b", "N rules", text))
        return re.sub(r'<tr><th scope="row">[^<]*</th><td class="pass">pass</td><td></td></tr>\n', "", text)
    answer = json.loads(text)
    for cluster in answer["clusters"]:
        for host in cluster["hosts"]:
            host["verdicts"] = [verdict for verdict in host["verdicts"] if verdict["outcome"] != "pass"]
            for cell in host["clauses"].values():
                cell.update(evaluated="N", rules="N")
    answer["summary"].update({"pass": "N", "text": re.sub(r"\d+ pass\b", "N pass", answer["summary"]["text"])})
    return json.dumps(answer, indent=1, ensure_ascii=False) + "\n"


def assert_golden(text: str, name: str) -> None:
    """Compare with `tests/golden/NAME`; with `LWLINT_WRITE_GOLDEN=1` write it instead, to be read before it is kept."""
    path = HERE / "tests" / "golden" / name
    text = text.replace(f'"{__version__}"', '"VERSION"')
    if os.environ.get("LWLINT_WRITE_GOLDEN"):
        path.write_bytes(text.encode("utf-8"))
    assert text == path.read_bytes().decode("utf-8")
