"""The command: arguments in, text out, an exit code. The only module that prints or exits.

Exit codes: 0 conforms; 1 findings at or above `--fail-on`; 2 the run itself is not to be trusted.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lwlint import __version__

if TYPE_CHECKING:
    from lwlint.finding import Report

CONFORMS, FINDINGS, NOT_TRUSTED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit code."""
    options = _parser().parse_args(arguments)
    from lwlint.finding import ConfigurationError

    _tolerant_output()
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except ConfigurationError as error:
        print(f"lwlint: {error}", file=sys.stderr)
        return NOT_TRUSTED
    except BrokenPipeError:
        sys.stderr.close()
        return NOT_TRUSTED
    except KeyboardInterrupt:
        print("lwlint: interrupted", file=sys.stderr)
        return NOT_TRUSTED
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        print(f"lwlint: this is a defect of lwlint: {type(error).__name__}: {error} (`--debug` shows where)", file=sys.stderr)
        return NOT_TRUSTED
    return code


def _tolerant_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lwlint", description="Does this deployment keep to the Pacemaker lightweight architecture?")
    parser.add_argument("--version", action="version", version=f"lwlint {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a defect")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    check = commands.add_parser("check", help="judge files and folders")
    _add_input(check)
    _add_rules(check)
    check.add_argument("--format", choices=("text", "json"), default="text", help="form of the report (default: text)")
    check.add_argument(
        "--fail-on", choices=("note", "warning", "error"), default="warning", help="least severity that fails (default: warning)"
    )
    check.add_argument("--strict", action="store_true", help="a rule that is not evaluated fails the run too")
    check.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour (default: on a terminal)")
    check.add_argument("-v", "--verbose", action="store_true", help="also show what was skipped and why, every verdict, allowed findings")
    check.set_defaults(run=_check)

    facts = commands.add_parser("facts", help="print what the readers see, as JSON")
    _add_input(facts)
    facts.set_defaults(run=_facts)

    rules = commands.add_parser("rules", help="list the rules")
    _add_rules(rules)
    rules.add_argument("--format", choices=("text", "json"), default="text", help="form of the list (default: text)")
    rules.set_defaults(run=_rules)

    explain = commands.add_parser("explain", help="explain a rule or a clause of the specification")
    explain.add_argument("name", metavar="RULE|CLAUSE")
    explain.add_argument("--rules", action="append", default=[], metavar="DIR", help="rules of your own, besides lwlint's")
    explain.set_defaults(run=_explain)

    test = commands.add_parser("test", help="run the examples of the rules in a folder")
    test.add_argument("folder", metavar="DIR")
    test.set_defaults(run=_test)

    services = commands.add_parser("services", help="show what lwlint knows of services, and how each is managed")
    services.add_argument("name", metavar="NAME", nargs="?")
    services.set_defaults(run=_services)
    for command in (check, facts, rules, explain, test, services):
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of a defect")
    return parser


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; `-` is standard input (default: `.`)")
    parser.add_argument(
        "-e", "--environment", action="append", default=[], metavar="FILE", help="a Heat environment; several, in their order"
    )
    parser.add_argument("--release", default="auto", metavar="NAME", help="`mitaka` ... `wallaby`; `auto` goes by evidence (default)")
    parser.add_argument("--kind", metavar="KIND", help="read every file as `heat`, `cib`, `unit`, `oslo` or `puppet`")
    parser.add_argument("--stdin-filename", default="", metavar="PATH", help="the path that `-` stands for")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--select", action="append", default=[], metavar="RULE", help="run only these: ids, codes, beginnings of codes")
    parser.add_argument("--ignore", action="append", default=[], metavar="RULE", help="leave these out")
    parser.add_argument("--rules", action="append", default=[], metavar="DIR", help="rules of your own, besides lwlint's")


def _split(values: Sequence[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _request(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from lwlint.finding import ConfigurationError
    from lwlint.run import Request

    paths = tuple(path for path in options.paths if path != "-")
    text = sys.stdin.buffer.read() if "-" in options.paths else None
    if not paths and text is None and not options.environment:
        paths = (".",)
    if options.stdin_filename and text is None:
        raise ConfigurationError("`--stdin-filename` goes with `-`")
    return Request(
        paths=tuple(_relative(path) for path in paths),
        environments=tuple(_relative(path) for path in options.environment),
        release=options.release,
        kind=options.kind,
        text=text,
        text_path=_relative(options.stdin_filename or "stdin"),
    )


def _relative(path: str) -> str:
    """Return `path` relative to the current directory, as it is shown."""
    import os

    try:
        return os.path.relpath(path) if os.path.isabs(path) else path
    except ValueError:  # another drive
        return path


def _check(options: argparse.Namespace) -> int:
    from lwlint.run import check, load_rules

    rules = load_rules(options.rules, _split(options.select), _split(options.ignore), examples=False)
    report = check(_request(options), rules)
    if options.format == "json":
        from lwlint.report.json import render as render_json

        sys.stdout.write(render_json(report))
    else:
        from lwlint.report.text import render

        colour = options.color == "always" or (options.color == "auto" and sys.stdout.isatty())
        sys.stdout.write(render(report, colour=colour, verbose=options.verbose))
    return _exit_code(report, options)


def _exit_code(report: Report, options: argparse.Namespace) -> int:
    from lwlint.finding import BROKEN, NOT_EVALUATED

    if report.count(BROKEN):
        for text in report.tracebacks if options.debug else ():
            print(text, file=sys.stderr)
        print("lwlint: a rule is broken, which is a defect of lwlint; the answer is not complete", file=sys.stderr)
        return NOT_TRUSTED
    if not any(source.judged for source in report.sources.values()):
        import os

        print(f"lwlint: nothing to judge: {len(report.skipped)} files are none of lwlint's (`-v` says why)", file=sys.stderr)
        folders = not options.paths or any(os.path.isdir(path) for path in options.paths)
        return NOT_TRUSTED if folders else CONFORMS
    if report.failing(options.fail_on) or (options.strict and report.count(NOT_EVALUATED)):
        return FINDINGS
    return CONFORMS


def _facts(options: argparse.Namespace) -> int:
    from lwlint.report.facts import render
    from lwlint.run import read_facts

    sys.stdout.write(render(read_facts(_request(options))))
    return CONFORMS


def _rules(options: argparse.Namespace) -> int:
    from lwlint.report.rules import rules_json, rules_text
    from lwlint.run import load_rules

    rules = load_rules(options.rules, _split(options.select), _split(options.ignore))
    sys.stdout.write(rules_json(rules) if options.format == "json" else rules_text(rules))
    return CONFORMS


def _explain(options: argparse.Namespace) -> int:
    from lwlint.finding import ConfigurationError
    from lwlint.read import near
    from lwlint.report.rules import explain_clause, explain_rule
    from lwlint.rules import load_clauses
    from lwlint.run import load_rules

    rules, clauses = load_rules(options.rules), load_clauses()
    for rule in rules:
        if options.name in (rule.id, rule.code) or options.name.upper() == rule.code:
            sys.stdout.write(explain_rule(rule, clauses))
            return CONFORMS
    for clause in clauses:
        if options.name == clause.id:
            sys.stdout.write(explain_clause(clause, rules))
            return CONFORMS
    known = [*(r.id for r in rules), *(r.code for r in rules), *(c.id for c in clauses)]
    raise ConfigurationError(f"`{options.name}`: unknown rule or clause{near(options.name, known)}")


def _test(options: argparse.Namespace) -> int:
    from pathlib import Path

    from lwlint.examples import run_example
    from lwlint.finding import ConfigurationError
    from lwlint.rules import load_folder
    from lwlint.run import load_rules

    if not Path(options.folder).is_dir():
        raise ConfigurationError(f"`{options.folder}`: no such folder")
    own = tuple(load_rules())
    failed = run = 0
    for rule in load_folder(Path(options.folder), options.folder.rstrip("/")):
        others = own if rule.check == "allow-without-effect" else ()
        for example in rule.examples:
            outcome = run_example(rule, example, tuple(r for r in others if r.id != rule.id))
            run += 1
            if outcome.passed:
                continue
            failed += 1
            print(f"{rule.code} {rule.id}: {example.title}")
            for mark, lines in (("- ", outcome.expected), ("+ ", outcome.found)):
                for line in lines:
                    print(f"  {mark}{line}")
            if outcome.broken:
                print(f"  broken: {outcome.broken}")
    print(f"{run - failed} examples hold, {failed} do not")
    return FINDINGS if failed else CONFORMS


def _services(options: argparse.Namespace) -> int:
    from lwlint.finding import ConfigurationError
    from lwlint.read import near
    from lwlint.report.services import one_service, service_table
    from lwlint.run import load_catalogue

    services = load_catalogue().services
    if options.name is None:
        sys.stdout.write(service_table(services))
        return CONFORMS
    for service in services:
        short = (alias.rpartition("::")[2] for alias in service.aliases)
        if options.name.removesuffix(".service") in (
            service.name,
            service.title,
            *service.aliases,
            *short,
            *service.units,
            *service.containers,
        ):
            sys.stdout.write(one_service(service))
            return CONFORMS
    known = [word for s in services for word in (s.name, s.title)]
    raise ConfigurationError(f"`{options.name}`: unknown service{near(options.name, known)}")


if __name__ == "__main__":
    sys.exit(main())
