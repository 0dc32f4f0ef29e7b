"""Rules: one YAML file each, read, checked and bound to a check."""

# Annotations are types here and not texts, which msgspec would compile one by one whenever the compiled rules are read.
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from msgspec import field
from msgspec.structs import replace

from lwlint import checks
from lwlint.checks import Declared
from lwlint.core.catalogue import own_folder as own_folder
from lwlint.core.check import AnyCheck, Reads
from lwlint.core.config_reader import Document, Mismatch, build, locate, near, read
from lwlint.core.facts import RELEASES
from lwlint.core.finding import ConfigurationError
from lwlint.files.tree import CONFIGURATION, Boundary, read_bounded

if TYPE_CHECKING:
    from pathlib import Path

    from lwlint.core.observed import Claim, Observed


NO_RULES = ("services.yaml", "clauses.yaml", "options.yaml", "observed.yaml", "claims.yaml")


class Example(Document, frozen=True):
    """A piece of input that a rule is shown with: `good` finds nothing, `bad` finds exactly what `finds` lists."""

    files: Mapping[str, Union[str, Mapping[str, str]]]
    good: Optional[str] = None
    bad: Optional[str] = None
    finds: tuple[str, ...] = ()
    release: Optional[str] = None
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = (".",)

    @property
    def title(self) -> str:
        """What the example shows, in a sentence."""
        return self.good or self.bad or ""


class Clause(Document, frozen=True):
    """One requirement of the specification (`rules/clauses.yaml`, explained in `docs/spec.md`)."""

    id: str
    title: str
    requirement: str
    upstream: str = ""
    level: str = "must"
    inputs: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""
    served_by: Optional[str] = None


class Rule(Document, frozen=True, dict=True):
    """Policy: what a check, with these parameters, means for one clause. `source` is the YAML that it was read from."""

    id: str
    code: str
    title: str
    severity: Literal["error", "warning", "note"]
    clause: str
    why: str
    remedy: str
    check: str
    examples: tuple[Example, ...]
    params: Any = None

    @cached_property
    def bound(self) -> AnyCheck:
        """The check that the rule names."""
        return checks.find(self.check, self.__dict__.get("module", ""))

    @cached_property
    def declared(self) -> Declared:
        """What its check says of itself; known without an import of the check where the rule is a compiled one."""
        try:
            return checks.declare(self.bound, self.parameters, self.__dict__.get("module", ""))
        except Exception:  # the rule is broken, and the run tells why
            return Declared("", Reads())

    def knowing(self, declared: Declared, restored: Callable[[], Any]) -> "Rule":
        """Return the rule itself, told what its check says of itself, and what makes its `parameters` (None: nothing but its `params`)."""
        self.__dict__.update(declared=declared, module=declared.module, restored=restored)
        return self

    def with_params(self, params: Mapping[str, Any]) -> "Rule":
        """Return the rule with other parameters; where the module of its check is known, that is not looked for again."""
        changed = replace(self, params=params)
        changed.__dict__["module"] = self.__dict__.get("module", "")
        return changed

    def with_severity(self, severity: Literal["error", "warning", "note"]) -> "Rule":
        """Return the rule with another severity."""
        changed = replace(self, severity=severity)
        changed.__dict__.update({name: value for name, value in self.__dict__.items() if name in ("declared", "module", "restored")})
        return changed

    @cached_property
    def parameters(self) -> Any:
        """The rule's `params`, as the record that its check declares. Raises Mismatch."""
        restored = self.__dict__["restored"]() if "restored" in self.__dict__ else None
        return restored if restored is not None else build(self.params or {}, self.bound.params, ("params",))

    def compare(self) -> None:
        """Compare the parameters and the clause with their vocabularies; raise Mismatch for the first that does not fit."""
        from lwlint.checks.parameters import ClauseName, compare

        for wrong in (*compare(self.clause, ClauseName, ("clause",)), *compare(self.parameters, self.bound.params, ("params",))):
            raise wrong


def load_rule(text: str, path: str, *, examples: bool = True) -> Rule:
    """Return the rule in the YAML `text`.

    Without `examples`, which are most of the text, they are not read, nor are the rule's parameters compared with
    its check before it runs: enough to judge by lwlint's own rules, whose tests do both.
    Raises ConfigurationError with `path:line:column` for anything that does not fit.
    """
    if not examples:
        return read(text.partition("\nexamples:")[0] + "\nexamples: []\n", path, Rule)
    rule = read(text, path, Rule)
    try:
        stem = posixpath.splitext(posixpath.basename(path))[0]
        if rule.id != stem:
            raise Mismatch(("id",), f"`{rule.id}`: must be the name of its file, `{stem}`")
        if not re.fullmatch(r"[A-Z]{2,4}\d{3,4}", rule.code):
            raise Mismatch(("code",), f"`{rule.code}`: must be letters and a number, as `LW101`")
        if rule.check not in checks.modules() and rule.check not in checks.names():
            raise Mismatch(("check",), f"`{rule.check}`: unknown check{near(rule.check, checks.names())}")
        rule.compare()
        _check_examples(rule)
    except Mismatch as mismatch:
        raise locate(mismatch, text, path) from None
    return rule


def _check_examples(rule: Rule) -> None:
    for i, example in enumerate(rule.examples):
        if (example.good is None) == (example.bad is None):
            raise Mismatch(("examples", i), "an example is either `good` or `bad`")
        if (example.bad is None) != (not example.finds):
            raise Mismatch(("examples", i), "a bad example says what it `finds`, a good one finds nothing")
        if example.release is not None and example.release not in RELEASES:
            raise Mismatch(("examples", i, "release"), f"`{example.release}`: unknown release{near(example.release, RELEASES)}")
    for kind in ("good", "bad"):
        if not any(getattr(example, kind) for example in rule.examples):
            raise Mismatch(("examples",), f"a rule has at least one {kind} example")


_MOST_FILES = 20_000  # that are looked at in a folder with rules


def load_folder(folder: "Path", shown: str, *, examples: bool = True, within: Boundary | None = None) -> list[Rule]:
    """Return the rules below `folder`, sorted by code; `shown` is how to name the folder in complaints.

    `examples` as for `load_rule`. No link leads to a rule outside of `within`, and none to a folder is followed.

    Raises ConfigurationError for a rule that does not load, a folder without rules, and a code or id that stands twice.
    """
    paths = _rule_files(folder, shown)
    if not paths:
        raise ConfigurationError(f"`{shown}`: no rules there (no `*.yaml`)")
    loaded = []
    for path in paths:
        try:
            text = read_bounded(str(path), CONFIGURATION, within).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            raise ConfigurationError(f"{shown}/{path.relative_to(folder).as_posix()}: cannot be read (it is not UTF-8)") from None
        except OSError as error:
            raise ConfigurationError(f"{shown}/{path.relative_to(folder).as_posix()}: cannot be read ({error.strerror})") from error
        loaded.append(load_rule(text, f"{shown}/{path.relative_to(folder).as_posix()}", examples=examples))
    return unique(loaded)


def _rule_files(folder: "Path", shown: str) -> "list[Path]":
    def unlisted(error: OSError) -> None:  # rules that nobody has seen are none that pass
        below = os.path.relpath(error.filename, folder)
        where = shown if below == os.curdir else f"{shown}/{below}"
        raise ConfigurationError(f"`{where}`: cannot be listed ({error.strerror})") from error

    found, looked_at = [], 0
    for above, folders, names in os.walk(folder, onerror=unlisted):
        folders[:] = sorted(name for name in folders if name != ".git")
        looked_at += len(folders) + len(names)
        if looked_at > _MOST_FILES:
            raise ConfigurationError(f"`{shown}`: has more than {_MOST_FILES} files; name the folder that has the rules")
        for name in sorted(names):
            if name.endswith(".yaml"):
                found += [folder.__class__(above, name)] if name not in NO_RULES else []
            elif name.lower().endswith((".yaml", ".yml")) and not name.startswith("."):  # what was meant as a rule, and would not run
                below = posixpath.relpath(os.path.join(above, name).replace(os.sep, "/"), folder.as_posix())
                raise ConfigurationError(f"`{shown}/{below}`: is not read; name it `{posixpath.splitext(name)[0]}.yaml`")
    return sorted(found)


def unique(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules sorted by code; raise ConfigurationError if two share an id or a code."""
    rules = sorted(rules, key=lambda rule: rule.code)
    by_name: dict[str, Rule] = {}
    for rule in rules:
        for name in (rule.id, rule.code):
            if name in by_name:
                raise ConfigurationError(f"`{name}` names two rules: `{by_name[name].id}` and `{rule.id}`")
            by_name[name] = rule
    return rules


class _Clauses(Document, frozen=True):
    clauses: tuple[Clause, ...]


def load_clauses() -> tuple[Clause, ...]:
    """Return the clauses of the specification, in its order."""
    with open(posixpath.join(own_folder(), "clauses.yaml"), encoding="utf-8") as file:
        return read(file.read(), "rules/clauses.yaml", _Clauses).clauses


def load_observed() -> "Observed":
    """Return what was observed of real programs and of systemd."""
    from lwlint.core import observed

    with open(posixpath.join(own_folder(), observed.FILE), encoding="utf-8") as file:
        return observed.load(file.read(), f"rules/{observed.FILE}")


def load_claims() -> "tuple[Claim, ...]":
    """Return what the rules claim of programs and of systemd."""
    from lwlint.core import observed

    with open(posixpath.join(own_folder(), "claims.yaml"), encoding="utf-8") as file:
        return observed.load_claims(file.read(), "rules/claims.yaml")


def choose(rules: Iterable[Rule], select: Iterable[str], ignore: Iterable[str]) -> list[Rule]:
    """Return the rules that `select` names (all if it is empty) less those that `ignore` names.

    A name is an id, a code, or the beginning of codes (`LW2`). Raises ConfigurationError for a name of nothing
    and for an empty selection.
    """
    rules = list(rules)
    select, ignore = list(dict.fromkeys(select)), list(dict.fromkeys(ignore))
    for name in (*select, *ignore):
        if not any(is_named(rule, name) for rule in rules):
            known = [word for rule in rules for word in (rule.id, rule.code)]
            raise ConfigurationError(f"`{name}`: unknown rule{near(name, known)}")
    chosen = [r for r in rules if (not select or any(is_named(r, n) for n in select)) and not any(is_named(r, n) for n in ignore)]
    if not chosen:
        raise ConfigurationError("no rule is left to run: each that is selected is ignored too")
    return chosen


def is_named(rule: Rule, name: str) -> bool:
    """Return whether `name` is the rule's id, its code, or a beginning of its code."""
    return name == rule.id or (
        bool(name) and rule.code.startswith(name.upper()) and name[:1].isalpha() and name.upper()[:2] == rule.code[:2]
    )
