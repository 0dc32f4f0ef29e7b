"""lwlint: does a highly available OpenStack control plane keep to the Pacemaker lightweight architecture?

report = lwlint.check(["templates/"])
for finding in report.findings: ...

`fix` mends what can be mended for certain, `lwlint.audit` judges hosts and their clusters, and `lwlint.plugin` is for packages with
checks, or kinds of input, of their own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not by `typing`, which the command imports when it has told the collector to rest, and `--version` never does
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Union

    from lwlint.core.finding import ConfigurationError, Finding, Report
    from lwlint.run import Request
    from lwlint.run.fix import Outcome

    AnyPath = Union[str, PathLike[str]]


__version__ = "0.1.0"  # the one place: pyproject.toml reads it here
__all__ = ["ConfigurationError", "Finding", "Report", "__version__", "check", "fix"]


def __getattr__(name: str) -> object:
    """Return one of the classes of this face, whose module is imported when one is asked for."""
    if name not in ("ConfigurationError", "Finding", "Report"):
        raise AttributeError(f"module `lwlint` has no attribute `{name}`")
    from lwlint.core import finding

    return getattr(finding, name)


def check(
    paths: AnyPath | Iterable[AnyPath] = (".",),
    *,
    environments: AnyPath | Iterable[AnyPath] = (),
    release: str = "auto",
    kind: str | None = None,
    rules: AnyPath | Iterable[AnyPath] = (),
    select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
) -> Report:
    """Return what lwlint's rules, and those in the folders `rules`, say of the files and folders `paths`.

    Where several can be given, one by itself is as good: a text or a path is not taken apart.
    `environments` are Heat environments in the order of `-e`; `release` is `mitaka` ... `hibiscus` or `auto`;
    `kind` (`heat`, `cib`, `unit`, `quadlet`, `oslo`, `puppet`) overrides what the files tell of themselves; `select` and `ignore`
    take ids, codes or beginnings of codes. Bad input is a finding of the report, never an exception; raises
    `ConfigurationError` for arguments or rules that are wrong.
    """
    from lwlint.run import check as run
    from lwlint.run import load_rules

    request = _ask(paths, environments, release, kind)
    return run(request, load_rules(list_texts(rules), list_texts(select), list_texts(ignore), examples=False))


def fix(
    paths: AnyPath | Iterable[AnyPath] = (".",),
    *,
    environments: AnyPath | Iterable[AnyPath] = (),
    release: str = "auto",
    kind: str | None = None,
    rules: AnyPath | Iterable[AnyPath] = (),
    select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
    unsafe: bool = False,
    write: bool = False,
) -> Outcome:
    """Return what the fixes for the findings come to: each file's bytes before and after, what is fixed, and what is left and why.

    The arguments are those of `check`. Fixes that may change more than the finding are applied if they are asked for as `unsafe`.
    The files are written, all of them or none, only if `write` says so; raises `ConfigurationError` where that is not possible.
    """
    from lwlint.run import fix as mend
    from lwlint.run import load_rules

    request = _ask(paths, environments, release, kind)
    outcome = mend.fix(request, load_rules(list_texts(rules), list_texts(select), list_texts(ignore), examples=False), unsafe=unsafe)
    if write:
        mend.write(outcome)
    return outcome


def _ask(paths: AnyPath | Iterable[AnyPath], environments: AnyPath | Iterable[AnyPath], release: str, kind: str | None) -> Request:
    from lwlint.run import Request, confine

    return confine(Request(paths=list_texts(paths), environments=list_texts(environments), release=release, kind=kind))


def list_texts(given: AnyPath | Iterable[AnyPath]) -> tuple[str, ...]:
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
