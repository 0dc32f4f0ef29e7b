"""The arguments of every command. What a command does is imported when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

from lwlint import __version__
from lwlint.core.config_reader import near
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import safe
from lwlint.core.lazy import pattern
from lwlint.files.cache import Cache, default_folder
from lwlint.run import Request, confine, load_rules

if TYPE_CHECKING:
    import argparse
    import datetime

    from lwlint.policy.rules import Rule
    from lwlint.policy.settings import Settings


def parse(given: Sequence[str]) -> Any:
    """Return the options that were `given`, among them `command`; help and what is wrong is said, and ends the process."""
    first = given[0] if given else ""
    top = parser(first)
    if given and not first.startswith("-") and first not in _COMMANDS:
        top.exit(2, f"lwlint: `{safe(first)}`: unknown command{near(first, _COMMANDS) or '; `lwlint --help` lists them'}\n")
    for word in given[: list(given).index("--")] if "--" in given else given:
        option, _, value = word.partition("=")
        if value == "--" and option.startswith("--"):  # argparse takes it away, and the option with it
            top.exit(2, f"lwlint: `{safe(option)}`: names nothing; a file with the name `--` is `./--`\n")
    options, rest = top.parse_known_args(_end_options(given))
    several = next((name for name in _SEVERAL if hasattr(options, name)), None)
    if rest and several is not None and not any(each.startswith("-") for each in rest):
        setattr(options, several, [*getattr(options, several), *rest])  # argparse takes only those that stand together
    elif rest:
        word = next((each for each in rest if each.startswith("-")), rest[0]).partition("=")[0]
        known = sorted(set(_OPTION.findall(_help_of(top, options.command))))
        what = "option" if word.startswith("-") else "argument"
        hint = near(word, known) if word.startswith("--") else ""
        top.exit(2, f"lwlint: `{safe(word)}`: unknown {what}{hint or f'; `lwlint {options.command} --help` lists them'}\n")
    return options


_SEVERAL = ("paths", "targets")  # what a command takes any number of, also with options in between


def _help_of(top: argparse.ArgumentParser, command: str) -> str:
    import argparse

    every = (action.choices for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return "".join(choices[command].format_usage() for choices in every)


_OPTION = pattern(r"--[a-z][a-z-]*")
_HOOKS = ("check", "fix")
_HOOK = "--hook"


def _end_options(given: Sequence[str]) -> Sequence[str]:
    """Return the arguments of a command that a hook may run, in which nothing from the first path on is an option any more.

    A hook is given names of files, and a stranger may have chosen them. What is an option and a file in one ends the process.
    """
    start = next((i for i, word in enumerate(given) if not word.startswith("-")), len(given))
    if start == len(given) or given[start] not in _HOOKS:
        return given
    takes_value = _values(_COMMANDS[given[start]][1])
    hooked, at = False, start + 1
    while at < len(given):
        word = given[at]
        if word == "--" or not word.startswith("-") or word == "-":
            break
        hooked = hooked or (len(word) > 4 and _HOOK.startswith(word))
        at += 2 if takes_value(word) else 1
    if not hooked:
        return given
    for word in given[:at]:
        if word.startswith("-") and os.path.lexists(word):
            parser().error(f"{word!a}: is an option, and a file has that name; put `--` in front of the files")
    return [*given[:at], "--", *given[at:]] if at < len(given) and given[at] != "--" else given


def _values(add: Callable[[Any], None]) -> Callable[[str], bool]:
    """Return what tells of an option, in full or its beginning, whether the argument behind it is its value; `add` adds the options."""
    options: dict[str, bool] = {}

    class Table:
        def add_argument(self, *names: str, action: str = "store", nargs: Any = None, **how: Any) -> None:
            options.update((name, action in ("store", "append") and nargs is None) for name in names)

    add(Table())

    def takes(word: str) -> bool:
        if word in options or not word.startswith("--"):
            return options.get(word, False)
        return any(value for name, value in options.items() if name.startswith(word))

    return takes


_NAMING = (  # what would do nothing, unsaid, or something else, with nothing in it
    "against", "baseline", "cache_dir", "check", "cluster", "config", "environment", "fail", "into", "keep", "kind", "list", "log", "on",
    "output", "release", "root", "rules", "schemas", "select", "since", "source", "stdin_filename",
)  # fmt: skip
_NOWHERE = "``: a path with nothing in it; the current folder is `.`"


def run(options: Any) -> int:
    """Run the command of `options` and return its exit code."""
    modules = {
        "check": "judge",
        "baseline": "judge",
        "allow": "author",
        "audit": "audit",
        "fleet": "fleet",
        "services": "operate",
        "plan": "operate",
        "what-if": "operate",
        "lab": "operate",
        "graph": "operate",
        "describe": "operate",
        "fix": "judge",
        "new-rule": "author",
        "server": "server",
        "test": "author",
        "completion": "show",
        "manual": "show",
    }
    for name in _NAMING:
        given = getattr(options, name, None)
        every = given if isinstance(given, list) else [given]
        if "" in every or (name == "select" and given and not split(given)):
            raise ConfigurationError(f"`--{name.replace('_', '-')}`: names nothing")
    if getattr(options, "folder", None) == "":
        raise ConfigurationError(_NOWHERE)
    module = modules.get(options.command, "show")
    code: int = getattr(import_module(f"lwlint.cli.{module}"), options.command.replace("-", "_"))(options)
    return code


def parser(first: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line; what it parses is for `run`.

    Where the `first` argument names a command the others are left out, which takes a third of the time.
    """
    import argparse
    from functools import partial

    class Once(argparse.Action):
        """Takes the last value of an option. Of two formats or baselines, which may both be meant, neither is passed over."""

        given: Any

        def __call__(self, parser: Any, options: Any, value: Any, name: str | None = None) -> None:
            if self.dest in ("format", "baseline") and hasattr(self, "given") and value != self.given:
                said = ", ".join(f"`{safe(str(each))}`" for each in (self.given, value))
                raise ConfigurationError(f"`{self.option_strings[-1]}`: takes one value, and has two: {said}")
            self.given = value
            setattr(options, self.dest, value)

    class Parser(argparse.ArgumentParser):
        """A parser that raises OSError for help that cannot be printed, which argparse passes over."""

        def _print_message(self, message: str, file: Any = None) -> None:
            if (stream := file or sys.stderr) is not None:
                stream.write(message)

    look = partial(argparse.HelpFormatter, width=terminal_width() - 2)
    top = Parser(prog="lwlint", description="Does this deployment keep to the Pacemaker lightweight architecture?", formatter_class=look)
    top.add_argument("--version", action="version", version=f"lwlint {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of a defect")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="lwlint")
    for name in (first,) if first in _COMMANDS else _COMMANDS:
        help_, add = _COMMANDS[name]
        command = commands.add_parser(name, help=help_, formatter_class=look)
        command.register("action", None, Once)
        add(command)
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of a defect")
    return top


def terminal_width() -> int:
    """Return how many cells a line of the terminal has; argparse would ask this for every argument, and import `shutil` for it."""
    columns = os.environ.get("COLUMNS", "")
    try:
        return int(columns) if columns.isdecimal() and int(columns) else os.get_terminal_size(1).columns or 80
    except (OSError, ValueError):
        return 80


def shows_colour(out: TextIO) -> bool:
    """Return whether a stream is a terminal that shows colours, and the user has not asked every program for none (no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _check(command: argparse.ArgumentParser) -> None:
    _input(command)
    _rules(command)
    _configuration(command)
    command.add_argument(
        "--format", action="append", default=[], metavar="NAME[=FILE]",
        help="text (default), json, sarif, junit, github, github-summary, github-review, gerrit, gitlab, checkstyle, markdown, csv; "
        "several, in files but for one",
    )  # fmt: skip
    command.add_argument("--fail-on", choices=("note", "warning", "error"), help="least severity that fails (default: warning)")
    _strict(command)
    command.add_argument("--allow-empty", action="store_true", help="where there is nothing to judge, say so and exit with 0")
    command.add_argument("--since", metavar="REV", help="report only what the changes since this revision of git brought")
    command.add_argument("--staged", action="store_true", help="report only what the changes in git's index bring")
    command.add_argument(
        "--hook",
        action="store_true",
        help="for pre-commit: what the commit brings, anywhere; files that are named and not staged: all of them",
    )
    command.add_argument(
        "--all", action="store_true", help="list every finding; with `--since` and `--staged` all of that state, not only what is new"
    )
    command.add_argument(
        "--limit", type=_limit, metavar="N", help="list N findings as text, the severest (default: 50 on a terminal, else all)"
    )
    command.add_argument("--baseline", metavar="FILE", help="report only what is not in this baseline; the known findings are allowed")
    command.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour (default: on a terminal, without `NO_COLOR`)"
    )
    command.add_argument(
        "-j", "--jobs", type=_jobs, default=0, metavar="N", help="read templates in N processes (default: 0, as many as make it faster)"
    )
    command.add_argument("--timing", action="store_true", help="show on standard error what each reader and each rule cost, in CPU time")
    command.add_argument("-v", "--verbose", action="store_true", help="also show what was skipped and why, every verdict, allowed findings")


def _jobs(text: str) -> int:
    """Return the number in `text`; argparse tells of a ValueError."""
    if not text.isascii() or not text.isdigit():
        import argparse

        raise argparse.ArgumentTypeError(f"`{text}` is not a number of processes")
    return int(text)


def _limit(text: str) -> int:
    """Return the number in `text`; argparse tells of a ValueError."""
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        import argparse

        raise argparse.ArgumentTypeError(f"`{text}` is not a number of findings")
    return int(text)


_DIGITS = 9


def _baseline(command: argparse.ArgumentParser) -> None:
    _input(command)
    _rules(command)
    _configuration(command)
    command.add_argument("--output", "-o", metavar="FILE", required=True, help="the baseline to write, or to prune")
    command.add_argument("--prune", action="store_true", help="take what is gone out of the baseline, and add nothing")


def _audit(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "targets", nargs="*", metavar="TARGET", help="sosreports (folders or archives of any packing), archives of these, CIBs"
    )
    command.add_argument("--root", action="append", default=[], metavar="DIR", help="a host's file system")
    command.add_argument("--live", action="store_true", help="this machine, as `--root /`; nothing is run or written")
    command.add_argument("--run", action="store_true", help="with `--live`: run `cibadmin -Q` and `systemctl show`, which only read")
    command.add_argument(
        "--release", metavar="NAME", help="`mitaka` ... `hibiscus`, or by number (`2025.1`); `auto` goes by evidence (default)"
    )
    _schemas(command)
    _rules(command)
    command.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="archives read at a time, each in a process of its own (default: one per core)"
    )
    command.add_argument(
        "--format",
        choices=("text", "json", "html", "ticket"),
        default="text",
        help="form of the answer (default: text); `ticket`: ten lines",
    )
    command.add_argument("--against", metavar="FILE", help="say what is new and what is gone since this answer of `--format json`")
    command.add_argument("--trust", action="store_true", help="follow links out of a folder, which is then not a stranger's")
    command.add_argument("--anonymize", action="store_true", help="replace names of hosts, domains and clusters, and all addresses")
    command.add_argument("--output", "-o", metavar="DIR", help="write audit.txt, .json and .html there, and print the last line only")
    command.add_argument(
        "--fail-on", choices=("note", "warning", "error"), default="warning", help="least severity that fails (default: warning)"
    )
    command.add_argument("--strict", action="store_true", help="a rule that is not evaluated on a host fails the audit too")
    command.add_argument("-v", "--verbose", action="store_true", help="also show the evidence, every verdict, and what was passed over")


def _fleet(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="WHAT", choices=("run", "report", "diff", "export"), help="run, report, diff or export")
    command.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="run: archives, folders and patterns, here or at URLs; else: the STORE that was run into",
    )
    run = command.add_argument_group("run")
    run.add_argument("--into", metavar="STORE", help="the folder or URL that readings, answers and tables are kept in")
    run.add_argument(
        "--list", action="append", default=[], metavar="FILE", help="a list of further targets, one a line; `-`: standard input"
    )
    run.add_argument("--on", metavar="WHERE", default="local", help="`local` (default), `dask://HOST:PORT`, an entry point, MODULE:NAME")
    run.add_argument("--workers", type=int, metavar="N", help="processes of `local` (default: one per core), or of a cluster that scales")
    run.add_argument(
        "--together",
        choices=("cluster", "folder"),
        default="cluster",
        help="what is judged together (default: a cluster, wherever it lies)",
    )
    run.add_argument("--seconds", type=float, default=900, metavar="N", help="what one archive or cluster may take (default: 900)")
    run.add_argument("--memory", type=int, default=1024, metavar="N", help="megabytes that one archive or cluster may take (default: 1024)")
    run.add_argument("--release", metavar="NAME", help="`mitaka` ... `hibiscus`; `auto` goes by evidence (default)")
    _schemas(run)
    _rules(run)
    run.add_argument("--anonymize", action="store_true", help="replace names of hosts, domains and clusters, and all addresses")
    run.add_argument("--log", metavar="FILE", help="write there what became of each archive and cluster, as lines of JSON")
    run.add_argument(
        "--fail-on", choices=("note", "warning", "error"), default="warning", help="least severity that fails (default: warning)"
    )
    run.add_argument("--strict", action="store_true", help="a rule that is not evaluated on a host fails the run too")
    told = command.add_argument_group("report, diff and export")
    told.add_argument("--output", "-o", metavar="FILE", help="write there instead of standard output")
    told.add_argument("--since", metavar="DATE", help="diff: against the last run of this day, or before it")
    told.add_argument("--cluster", metavar="ID", help="report: the page of one cluster, as `lwlint audit --format html` has it")
    form = told.add_mutually_exclusive_group()
    form.add_argument("--csv", dest="form", action="store_const", const="csv", help="export: a table")
    form.add_argument("--json", dest="form", action="store_const", const="json", help="export: a table, a line of JSON for each row")
    form.add_argument("--prometheus", dest="form", action="store_const", const="prometheus", help="export: figures for Prometheus")
    told.add_argument(
        "--table",
        choices=("archives", "clusters", "findings", "hosts", "verdicts"),
        default="clusters",
        help="export: which (default: clusters)",
    )


def _plan(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="a CIB (`cibadmin -Q`), or reports of the hosts of one cluster; with `--templates`: a tree of Heat templates (default: `.`)",
    )
    command.add_argument("--root", action="append", default=[], metavar="DIR", help="a host's file system")
    command.add_argument("--live", action="store_true", help="this machine, as `--root /`; nothing is changed")
    command.add_argument("--run", action="store_true", help="with `--live`: run `cibadmin -Q` and `systemctl show`, which only read")
    command.add_argument("--keep", action="append", default=[], metavar="ID", help="a resource that stays under Pacemaker; several")
    how = command.add_mutually_exclusive_group()
    how.add_argument("--by-service", dest="at_once", action="store_false", help="one project after the other (default)")
    how.add_argument("--at-once", dest="at_once", action="store_true", help="all services in one change")
    command.add_argument(
        "--release", metavar="NAME", help="`mitaka` ... `hibiscus`, or by number (`2025.1`); `auto` goes by evidence (default)"
    )
    command.add_argument(
        "--format",
        choices=("text", "json", "html", "sh", "ansible"),
        default="text",
        help="form of the plan (default: text); `sh` is a script, `ansible` a playbook that runs it",
    )
    command.add_argument(
        "--check", metavar="RESULT", help="afterwards: what is not as it was planned; RESULT is the plan of `--format json`"
    )
    command.add_argument("--trust", action="store_true", help="follow links out of a folder, which is then not a stranger's")
    templates = command.add_argument_group("Heat templates")
    templates.add_argument(
        "--templates", action="store_true", help="plan for a deployment by templates: print one more environment, to be given last"
    )
    templates.add_argument(
        "-e", "--environment", action="append", default=[], metavar="FILE", help="a Heat environment; several, in their order"
    )
    templates.add_argument("--output", "-o", metavar="FILE", help="write the environment there, and print what it fixes and what is left")
    alone: dict[str, Any] = {"config": None, "no_config": False, "cache_dir": None, "no_cache": False, "kind": None, "stdin_filename": None}
    command.set_defaults(at_once=False, select=[], ignore=[], rules=[], **alone)


def _fix(command: argparse.ArgumentParser) -> None:
    _input(command)
    _rules(command)
    _configuration(command)
    command.add_argument("--diff", action="store_true", help="show what would be changed, as a unified diff, and change nothing")
    command.add_argument(
        "--show-secrets", action="store_true", help="with `--diff`: show lines that hold passwords and keys too, as they are"
    )
    command.add_argument("--hook", action="store_true", help="for pre-commit: fix what the commit brings, as `check --hook` reports it")
    command.add_argument("--unsafe", action="store_true", help="apply fixes too that may change more than what is blamed")
    command.add_argument("--fail-on", choices=("note", "warning", "error"), help="least severity that fails (default: warning)")
    _strict(command)


def _strict(command: argparse.ArgumentParser) -> None:
    command.add_argument("--strict", action="store_true", default=None, help="a rule that is not evaluated fails the run too")
    command.add_argument("--no-strict", action="store_false", dest="strict", help="it does not, whatever the configuration says (default)")


def _facts(command: argparse.ArgumentParser) -> None:
    _input(command)
    _configuration(command)


def _list(command: argparse.ArgumentParser) -> None:
    _rules(command)
    _configuration(command)
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the list (default: text)")


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="RULE|CLAUSE")
    command.add_argument("--rules", action="append", default=[], metavar="DIR", help="rules of your own, besides lwlint's")
    more = command.add_mutually_exclusive_group()
    more.add_argument("--params", action="store_true", help="show the parameters of the rule: type, default and meaning of each")
    more.add_argument("--examples", action="store_true", help="show all examples of the rule: what it finds, and what it does not")


def _test(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="DIR", nargs="?", help="the folder with the rules (default: lwlint's own)")
    command.add_argument("--update", action="store_true", help="write what the bad examples find into their rules, as `finds`")
    command.add_argument("--coverage", action="store_true", help="show which branches of its check each example reaches, which none does")
    command.add_argument("--timing", action="store_true", help="show on standard error what each reader and each rule cost, in CPU time")


def _allow(command: argparse.ArgumentParser) -> None:
    command.add_argument("rule", metavar="RULE", help="the id or code of the rule")
    command.add_argument("place", metavar="PLACE", help="a file, a folder, `FILE:LINE[:COLUMN]` for a finding there, or a pattern of git's")
    command.add_argument("--because", metavar="TEXT", required=True, help="the reason, which every report shows")
    command.add_argument("--until", metavar="DATE", help="the last day on which it holds, as `2030-12-31`")
    command.add_argument("--config", metavar="FILE", help="the configuration to edit (default: the nearest `.lwlint.yaml`, upwards)")
    command.add_argument("--diff", action="store_true", help="show what would be changed, as a unified diff, and change nothing")


def _new_rule(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the name of the rule, after the defect: `unit-not-restarted`")
    command.add_argument("folder", metavar="DIR", nargs="?", help="the folder that it is written to (default: it is printed)")
    command.add_argument(
        "--area", choices=("pacemaker", "systemd", "retry", "heat"), default="systemd", help="what it is about (default: systemd)"
    )


def _services(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "target", metavar="TARGET", nargs="?", help="a report, archive, folder or CIB: who runs what there (default: the catalogue)"
    )
    command.add_argument("name", metavar="NAME", nargs="?", help="one service, by any of its names, or all of a project (`nova`)")
    _hosts_of(command)
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the answer (default: text)")
    command.add_argument("-v", "--verbose", action="store_true", help="with a target and without a name: all of every service")


def _what_if(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", metavar="TARGET", help="a report, archive, folder or CIB of a cluster")
    command.add_argument(
        "--fail", action="append", default=[], metavar="WHAT",
        help="`node:NAME`, `resource:NAME[@NODE]`, or `all` nodes and services of the core (default); several",
    )  # fmt: skip
    command.add_argument("--twice", action="store_true", help="also what a second failure comes to, after each of them")
    _hosts_of(command)
    command.add_argument(
        "--format", choices=("text", "json", "html", "testplan"), default="text", help="form of the answer (default: text)"
    )


def _lab(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what", choices=("plan", "judge"), help="`plan`: the failure tests for a cluster; `judge`: compare what was seen of them"
    )
    command.add_argument("target", metavar="TARGET", help="a report, archive or folder; for `judge` the plan with what was seen filled in")
    _hosts_of(command)
    command.add_argument("--format", choices=("text", "json"), default="text", help="form of the plan (default: text)")


def _graph(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", metavar="TARGET", nargs="?", default=".", help="a report, archive, folder or CIB (default: `.`)")
    command.add_argument("--before-after", action="store_true", help="also what the specification leaves of it")
    command.add_argument("--after", action="store_true", help="only what the specification leaves of it")
    _hosts_of(command)
    command.add_argument("--format", choices=("svg", "dot", "mermaid", "html"), default="svg", help="form of the picture (default: svg)")


def _describe(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", metavar="TARGET", nargs="+", help="reports, archives, folders and CIBs")
    command.add_argument(
        "--no-failures", dest="failures", action="store_false", help="do not ask Pacemaker what failures come to, which takes some seconds"
    )
    _hosts_of(command)
    command.add_argument("--format", choices=("markdown", "html"), default="markdown", help="form of the page (default: markdown)")


def _hosts_of(command: argparse.ArgumentParser) -> None:
    """Add what every command has that reads the hosts of an audit."""
    command.add_argument(
        "--release", metavar="NAME", help="`mitaka` ... `hibiscus`, or by number (`2025.1`); `auto` goes by evidence (default)"
    )
    command.add_argument("--trust", action="store_true", help="follow links out of a folder, which is then not a stranger's")
    command.add_argument("--anonymize", action="store_true", help="replace names of hosts, domains and clusters, and all addresses")


def _config(command: argparse.ArgumentParser) -> None:
    _configuration(command)
    command.add_argument("--schema", action="store_true", help="print the JSON schema of the configuration instead")


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what",
        nargs="?",
        metavar="WHAT",
        default="config",
        help="config (default: a starter `.lwlint.yaml`), pre-commit, github, gitlab, tox, zuul",
    )
    command.add_argument(
        "--source",
        metavar="URL@REV",
        help="the git repository and revision that a snippet installs lwlint from (default: where this lwlint is from)",
    )
    command.add_argument("--write", action="store_true", help="with `tox`: add it to the `tox.ini` of this folder")


def _server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-e", "--environment", action="append", default=[], metavar="FILE", help="a Heat environment; several, in their order"
    )
    command.add_argument(
        "--release", metavar="NAME", help="`mitaka` ... `hibiscus`, or by number (`2025.1`); `auto` goes by evidence (default)"
    )
    _schemas(command)
    _rules(command)
    _configuration(command)


def _completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="the shell that it is for")


def _input(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; `-` is standard input (default: `.`)")
    command.add_argument(
        "-e", "--environment", action="append", default=[], metavar="FILE", help="a Heat environment; several, in their order"
    )
    command.add_argument(
        "--release", metavar="NAME", help="`mitaka` ... `hibiscus`, or by number (`2025.1`); `auto` goes by evidence (default)"
    )
    command.add_argument("--kind", metavar="KIND", help="read every file as `heat`, `cib`, `unit`, `quadlet`, `oslo` or `puppet`")
    _schemas(command)
    command.add_argument("--stdin-filename", metavar="PATH", help="the path that `-` stands for")


def _schemas(command: argparse._ActionsContainer) -> None:
    command.add_argument("--schemas", metavar="DIR", help="validate CIBs with the schemas of Pacemaker in DIR (`/usr/share/pacemaker`)")


def _rules(command: argparse._ActionsContainer) -> None:
    command.add_argument("--select", action="append", default=[], metavar="RULE", help="run only these: ids, codes, beginnings of codes")
    command.add_argument("--ignore", action="append", default=[], metavar="RULE", help="leave these out")
    command.add_argument("--rules", action="append", default=[], metavar="DIR", help="rules of your own, besides lwlint's")


def _configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", help="the configuration (default: the nearest `.lwlint.yaml`, upwards)")
    command.add_argument("--no-config", action="store_true", help="go by no configuration file")
    command.add_argument(
        "--trust", action="store_true", help="follow links, and what a configuration names, out of the tree, which is then not a stranger's"
    )
    command.add_argument("--cache-dir", metavar="DIR", help="keep there what makes the next run faster (default: where XDG has it)")
    command.add_argument("--no-cache", action="store_true", help="keep nothing, and go by nothing that was kept")


_COMMANDS = {
    "check": ("judge files and folders", _check),
    "audit": ("judge reports of hosts, archives and whole clusters", _audit),
    "fleet": ("judge thousands of clusters with Dask, and tell what changed", _fleet),
    "plan": ("plan the way from the full to the lightweight architecture", _plan),
    "fix": ("fix in place what can safely be fixed", _fix),
    "facts": ("print what the readers see, as JSON", _facts),
    "rules": ("list the rules", _list),
    "explain": ("explain a rule or a clause of the specification", _explain),
    "test": ("run the examples of the rules in a folder", _test),
    "new-rule": ("write a rule with examples, to begin with", _new_rule),
    "services": ("show what lwlint knows of services, and how each is managed", _services),
    "what-if": ("tell what happens when a node or a service of a cluster fails, by the installed Pacemaker", _what_if),
    "lab": ("print the failure tests for a cloud, and judge what was seen of them", _lab),
    "graph": ("draw the orders and colocations of a cluster, and what the specification leaves of them", _graph),
    "describe": ("write the page on a cloud: what runs where and why, what failures come to, the commands", _describe),
    "allow": ("write an exception into the configuration, with its reason", _allow),
    "baseline": ("record the findings of today, or prune such a record", _baseline),
    "config": ("print the settings in effect, and where each comes from", _config),
    "init": ("print a starter configuration, or a snippet for a place that lwlint runs in", _init),
    "server": ("answer an editor, in the Language Server Protocol, on standard input and output", _server),
    "completion": ("print what a shell needs to complete lwlint's arguments", _completion),
    "manual": ("print the manual page, for `man -l -`", lambda command: None),
}


def settings(options: argparse.Namespace, others: Mapping[str, bytes | None] | None = None) -> Settings | None:
    """Return the settings of the configuration that is named or nearest; None if there is none.

    `others` are the bytes of files that are to be taken instead of what is on the disk, None for one that is not there.
    """
    from lwlint.policy.location import Disk, nearest

    disk = Disk(others)

    if options.no_config:
        if options.config:
            raise ConfigurationError("`--config` and `--no-config` exclude each other")
        return None
    path = options.config or nearest(trusted=options.trust, disk=disk)
    if path is None or (others and not disk.is_there(path)):
        return None
    from lwlint.policy.settings import load

    return load(path, trusted=bool(options.config) or options.trust, disk=disk)


def complete(options: argparse.Namespace, found: Settings | None) -> None:
    """Give the options that the command line does not say the values of the configuration, or their defaults."""
    options.baseline_is_named = bool(getattr(options, "baseline", None))
    if found is not None:
        for name in ("fail_on", "strict", "baseline"):
            if getattr(options, name, None) is None:
                setattr(options, name, getattr(found, name))
        if not getattr(options, "format", None) and found.format is not None:
            options.format = [found.format]
        if getattr(options, "limit", None) is None and not getattr(options, "all", False):
            options.limit = found.limit
    options.fail_on = options.fail_on or "warning"
    options.strict = bool(options.strict)


def rules(options: argparse.Namespace, found: Settings | None) -> list[Rule]:
    """Return the rules that the arguments and the settings choose."""
    select, ignore = split(options.select), split(options.ignore)
    if found is None:
        return load_rules(options.rules, select, ignore, examples=False, cache=cache(options), trusted=options.trust)
    from lwlint.policy.settings import configure

    folders = (*found.rule_directories, *options.rules)
    every = load_rules(folders, examples=False, cache=cache(options), trusted=options.trust or bool(options.config))
    return configure(every, found, select, ignore)


def cache(options: argparse.Namespace) -> Cache:
    """Return what is kept between runs: in `--cache-dir`, else where XDG has it; nothing with `--no-cache` or without a home."""
    if options.no_cache:
        if options.cache_dir:
            raise ConfigurationError("`--cache-dir` and `--no-cache` exclude each other")
        return Cache()
    if options.cache_dir:
        from lwlint.files.atomic import refusal

        why = refusal(options.cache_dir.rstrip("/") or options.cache_dir)
        if why:
            raise ConfigurationError(f"`--cache-dir {options.cache_dir}`: {why}")
        if os.path.exists(options.cache_dir) and not os.path.isdir(options.cache_dir):
            raise ConfigurationError(f"`--cache-dir {options.cache_dir}`: is no folder")
        return Cache(options.cache_dir)
    return Cache(default_folder())


def request(options: argparse.Namespace, found: Settings | None) -> Request:
    """Return the input that the arguments name."""
    if "" in options.paths:
        raise ConfigurationError(_NOWHERE)
    if getattr(options, "hook", False):  # whose names are of files, that of `-` too
        options.paths = ["./-" if path == "-" else path for path in options.paths]
    paths = tuple(path for path in options.paths if path != "-")
    text = _standard_input() if "-" in options.paths else None
    if not paths and text is None and not options.environment:
        paths = (".",)
    if options.stdin_filename and text is None:
        raise ConfigurationError("`--stdin-filename` goes with `-`")
    asked = Request(
        paths=tuple(_relative(path) for path in paths),
        environments=tuple(map(_relative, options.environment or (found.environments if found is not None else ()))),
        release=options.release or (found.release if found is not None else "auto"),
        kind=options.kind,
        met=getattr(options, "hook", False),
        text=text,
        text_path=_relative(options.stdin_filename or "stdin"),
        settings=found,
        gitignore=True,
        rule_folders=(*(found.rule_directories if found is not None else ()), *getattr(options, "rules", ())),
        today=today() if found is not None else None,
        cache=cache(options),
        jobs=getattr(options, "jobs", 0),
        schemas=schemas_of(options),
    )
    return asked if options.trust else confine(asked)


def _standard_input() -> bytes:
    if sys.stdin is None:  # closed, as by `<&-`
        raise ConfigurationError("`-`: the standard input is closed")
    from lwlint.inputs import KINDS

    try:
        return sys.stdin.buffer.read(KINDS.most + 1)  # more than any file may have is not kept
    except OSError as error:
        raise ConfigurationError(f"`-`: the standard input cannot be read ({error.strerror})") from error


def schemas_of(options: argparse.Namespace) -> str:
    """Return the folder with Pacemaker's schemas that is named, empty for none; raise ConfigurationError where it has none."""
    folder: str | None = getattr(options, "schemas", None)
    if folder is not None and not os.path.isfile(os.path.join(folder, "pacemaker-1.0.rng")):
        said = "no schemas of Pacemaker there (no `pacemaker-1.0.rng`)" if os.path.isdir(folder) else "no such folder"
        raise ConfigurationError(f"`{folder}`: {said}")
    return folder or ""


def split(values: Sequence[str]) -> list[str]:
    """Return the names in the values of an argument that may be given several times, with commas in each."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def today() -> datetime.date:
    """Return the day that exceptions hold until or not."""
    import datetime

    return datetime.date.today()


def _relative(path: str) -> str:
    """Return `path` relative to the current directory, as it is shown: one way that leads up and down again is that of the file itself."""
    try:
        return os.path.relpath(path) if os.path.isabs(path) or path.startswith("..") else path
    except ValueError:  # another drive
        return path
