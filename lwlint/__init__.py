"""lwlint: does a highly available OpenStack control plane keep to the Pacemaker lightweight architecture?

report = lwlint.check(["templates/"])
for finding in report.findings: ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lwlint.core.finding import Report


__version__ = "0.1.0"
__all__ = ["__version__", "check"]


def check(
    paths: Sequence[str] = (".",),
    *,
    environments: Sequence[str] = (),
    release: str = "auto",
    kind: str | None = None,
    rules: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Report:
    """Return what lwlint's rules, and those in the folders `rules`, say of the files and folders `paths`.

    `environments` are Heat environments in the order of `-e`; `release` is `mitaka` ... `wallaby` or `auto`;
    `kind` (`heat`, `cib`, `unit`, `oslo`, `puppet`) overrides what the files tell of themselves; `select` and `ignore`
    take ids, codes or beginnings of codes. Bad input is a finding of the report, never an exception; raises
    `lwlint.finding.ConfigurationError` for arguments or rules that are wrong.
    """
    from lwlint.run import Request, confined, load_rules
    from lwlint.run import check as run

    request = Request(paths=tuple(map(str, paths)), environments=tuple(map(str, environments)), release=release, kind=kind)
    return run(confined(request), load_rules(rules, select, ignore, examples=False))
