"""lwlint: does a highly available OpenStack control plane keep to the Pacemaker lightweight architecture?

report = lwlint.check(["templates/"])
for finding in report.findings: ...
"""

from __future__ import annotations

TYPE_CHECKING = False  # not by `typing`, which the command imports when it has told the collector to rest, and `--version` never does
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Union

    from lwlint.core.finding import Report

    _Path = Union[str, PathLike[str]]


__version__ = "0.1.0"  # the one place: pyproject.toml reads it here
__all__ = ["__version__", "check"]


def check(
    paths: _Path | Iterable[_Path] = (".",),
    *,
    environments: _Path | Iterable[_Path] = (),
    release: str = "auto",
    kind: str | None = None,
    rules: _Path | Iterable[_Path] = (),
    select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
) -> Report:
    """Return what lwlint's rules, and those in the folders `rules`, say of the files and folders `paths`.

    Where several can be given, one by itself is as good: a text or a path is not taken apart.
    `environments` are Heat environments in the order of `-e`; `release` is `mitaka` ... `hibiscus` or `auto`;
    `kind` (`heat`, `cib`, `unit`, `quadlet`, `oslo`, `puppet`) overrides what the files tell of themselves; `select` and `ignore`
    take ids, codes or beginnings of codes. Bad input is a finding of the report, never an exception; raises
    `lwlint.core.finding.ConfigurationError` for arguments or rules that are wrong.
    """
    from lwlint.run import Request, confine, load_rules
    from lwlint.run import check as run

    request = Request(paths=_each(paths), environments=_each(environments), release=release, kind=kind)
    return run(confine(request), load_rules(_each(rules), _each(select), _each(ignore), examples=False))


def _each(given: _Path | Iterable[_Path]) -> tuple[str, ...]:
    """Return what was given, one or several, as texts; raises TypeError for what is neither text nor path, ConfigurationError for ``."""
    from os import PathLike, fspath

    several = (given,) if isinstance(given, (str, bytes, PathLike)) else given
    texts = tuple(fspath(one) for one in several)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{text!r}: must be text or a path of text")
        if not text:  # a variable with nothing in it: as a path it would stand for the current folder
            from lwlint.core.finding import ConfigurationError

            raise ConfigurationError("``: names nothing; the current folder is `.`")
    return texts
