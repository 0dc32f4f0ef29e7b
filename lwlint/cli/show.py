"""The commands that show what lwlint knows or sees, and judge nothing of the user's.

What a shell completes is among them, as a file that it keeps, so that lwlint is not run at each key; and the manual page.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Optional

from msgspec import Struct

from lwlint import __version__
from lwlint.cli import arguments
from lwlint.core.config_reader import near, near_or_all
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import tame
from lwlint.run import load_catalogue, load_rules, read_facts

if TYPE_CHECKING:
    from lwlint.core.catalogue import Catalogue
    from lwlint.core.facts import Service
    from lwlint.report.starters import Origin


CONFORMS = 0


def facts(options: argparse.Namespace) -> int:
    """`lwlint facts`: what the readers see, as JSON."""
    from lwlint.report.json import render_facts

    sys.stdout.write(render_facts(read_facts(arguments.request(options, arguments.settings(options)))))
    return CONFORMS


def rules(options: argparse.Namespace) -> int:
    """`lwlint rules`: the rules that would run."""
    from lwlint.report.explain import rules_json, rules_text

    found = arguments.rules(options, arguments.settings(options))
    sys.stdout.write(rules_json(found) if options.format == "json" else tame(rules_text(found)))
    return CONFORMS


def explain(options: argparse.Namespace) -> int:
    """`lwlint explain`: one rule or one clause."""
    from lwlint.policy.rules import load_claims, load_clauses, load_observed
    from lwlint.report.explain import claim_lines, explain_clause, explain_parameters, explain_rule

    rules, clauses = load_rules(options.rules), load_clauses()
    for rule in rules:
        if options.name in (rule.id, rule.code) or options.name.upper() == rule.code:
            if options.params:
                said = explain_parameters(rule)
            else:
                claims = claim_lines(load_claims(), load_observed(), rule.code)
                said = explain_rule(rule, clauses, claims, examples=options.examples)
            sys.stdout.write(tame(said))
            return CONFORMS
    for clause in clauses:
        if options.name == clause.id:
            sys.stdout.write(tame(explain_clause(clause, rules)))
            return CONFORMS
    known = [*(r.id for r in rules), *(r.code for r in rules), *(c.id for c in clauses)]
    raise ConfigurationError(f"`{options.name}`: unknown rule or clause{near(options.name, known)}")


def service_named(name: str) -> Service | None:
    """Return the service of the catalogue with this name, title, alias, unit or container; None if there is none."""
    bare = name[: -len(".service")] if name.endswith(".service") else name
    for service in load_catalogue().services:
        short = (alias.rpartition("::")[2] for alias in service.aliases)
        if bare in (service.name, service.title, *service.aliases, *short, *service.units, *service.containers):
            return service
    return None


def _find_called(name: str, known: Catalogue) -> Service | None:
    """Return the service that a unit or container of another distribution or deployer is; None where a pattern is all that it fits."""
    found = known.of_container(name) or known.of_unit(name)
    return found if found is not None and not found.is_by_pattern else None


def catalogue(name: str | None) -> int:
    """Print the catalogue, or one service of it, and return the exit code."""
    from lwlint.policy.rules import load_observed
    from lwlint.report.explain import one_service, service_lines, service_table

    whole = load_catalogue()
    services = whole.services
    if name is None:
        sys.stdout.write(service_table(services))
        return CONFORMS
    found = service_named(name) or _find_called(name, whole)
    if found is None:
        known = [word for s in services for word in (s.name, s.title)]
        raise ConfigurationError(f"`{name}`: unknown service{near(name, known)}")
    sys.stdout.write(one_service(found, service_lines(found, load_observed())))
    return CONFORMS


def config(options: argparse.Namespace) -> int:
    """`lwlint config`: the settings in effect and where each comes from, or the schema of the file."""
    if options.schema:
        from lwlint.report.json import schema

        sys.stdout.write(schema())
        return CONFORMS
    from lwlint.policy.settings import Settings
    from lwlint.report.explain import render_settings

    found = arguments.settings(options)
    if found is not None:
        from lwlint.policy.settings import configure

        trusted = options.trust or bool(options.config)
        configure(load_rules(found.rule_directories, examples=False, cache=arguments.cache(options), trusted=trusted), found)
    sys.stdout.write(tame(render_settings(found or Settings())))
    return CONFORMS


def init(options: argparse.Namespace) -> int:
    """`lwlint init`: print a starter configuration or a snippet; redirect it to where it belongs."""
    from lwlint.report.starters import SNIPPETS, snippet, starter

    if options.what != "config" and options.what not in SNIPPETS:
        known = ("config", *SNIPPETS)
        raise ConfigurationError(f"`{options.what}`: unknown starter{near_or_all(options.what, known)}")
    if options.write:
        return _write(options.what, options.source)
    if options.what in ("config", "zuul"):  # these install nothing
        sys.stdout.write(starter() if options.what == "config" else SNIPPETS["zuul"])
    else:
        sys.stdout.write(snippet(options.what, _origin(options.source)))
    return CONFORMS


def _origin(source: Optional[str]) -> Origin:
    """Return where lwlint can be had: what `--source` says, else where this lwlint was installed from.

    That is the repository that pip noted (PEP 610), or `origin` of the checkout that it was installed from or runs in.
    """
    import json
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    from lwlint.files.git import read_origin as origin_of
    from lwlint.report.starters import Origin, read_origin

    if source is not None:
        return read_origin(source)
    here = Path(__file__).resolve().parents[2]
    folders = [str(here)]
    try:
        noted = distribution("lwlint")
        told = json.loads(noted.read_text("direct_url.json") or "{}") if here == Path(str(noted.locate_file(""))).resolve() else {}
    except (PackageNotFoundError, OSError, ValueError):
        told = {}
    if "commit_id" in told.get("vcs_info", {}):
        return Origin(without_password(told["url"]), told["vcs_info"]["commit_id"])
    if str(told.get("url", "")).startswith("file://"):
        folders.append(unquote(urlsplit(told["url"]).path))
    for folder in folders:
        found = origin_of(folder)
        if found is not None:
            return read_origin("@".join((without_password(found[0]), found[1])))
    raise ConfigurationError(
        "it is not known where lwlint can be installed from; give `--source URL@REV`, a git repository and a tag or commit of it"
    )


def without_password(url: str) -> str:
    """Return an address without the user and password that `http` may have in it."""
    scheme, sep, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{sep}{host.rpartition('@')[2]}{slash}{path}" if scheme in ("http", "https") else url


def _write(what: str, source: Optional[str]) -> int:
    """Add the environment to the `tox.ini` of this folder, of which every other byte stays, or make the file."""
    from lwlint.files import atomic
    from lwlint.files.tree import CONFIGURATION, read_bounded
    from lwlint.report.starters import snippet, with_environment

    if what != "tox":
        raise ConfigurationError(f"`--write` goes with `tox`; redirect `lwlint init {what}` to where it belongs")
    try:
        text: Optional[str] = read_bounded("tox.ini", CONFIGURATION).decode("utf-8")
    except FileNotFoundError:
        text = None
    except UnicodeDecodeError as error:
        raise ConfigurationError("`tox.ini`: is not UTF-8") from error
    except OSError as error:
        raise ConfigurationError(f"`tox.ini`: cannot be read ({error.strerror})") from error
    environment = snippet("tox", _origin(source))
    changed = environment.partition("\n")[2] if text is None else with_environment(text, "tox.ini", environment)
    try:
        atomic.edit(os.path.realpath("tox.ini"), text.encode("utf-8") if text is not None else None, changed.encode("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"`tox.ini`: cannot be written ({error.strerror})") from error
    print("tox.ini: `tox -e lwlint` runs lwlint")
    return CONFORMS


FILES, FOLDERS = "files", "folders"


class Argument(Struct, frozen=True):
    """An option or a positional argument. `names` are empty for the latter; `takes` is the word for its value, "" for none.

    `words` are the values that can be named beforehand; `paths` tells that files or folders are meant.
    """

    names: tuple[str, ...]
    takes: str
    help: str
    words: tuple[str, ...] = ()
    paths: str = ""
    many: bool = False


class Command(Struct, frozen=True):
    """A command with its arguments; the command without a name is lwlint itself."""

    name: str
    help: str
    arguments: tuple[Argument, ...]
    usage: str

    @property
    def options(self) -> tuple[Argument, ...]:
        """The arguments that have names."""
        return tuple(argument for argument in self.arguments if argument.names)

    @property
    def positional(self) -> tuple[Argument, ...]:
        """The arguments that go by their place."""
        return tuple(argument for argument in self.arguments if not argument.names)


def commands(parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]) -> tuple[Command, ...]:
    """Return lwlint itself and then each command of `parser`; `words` are what can be written for a metavar."""
    found = [_command("", parser.description or "", parser, words)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found += [_command(name, helps.get(name, ""), command, words) for name, command in action.choices.items()]
    return tuple(found)


def _command(name: str, help_: str, parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]) -> Command:
    usage = " ".join(parser.format_usage().partition("usage: ")[2].split())
    return Command(name, help_, tuple(_arguments(parser, words)), usage)


def _arguments(parser: argparse.ArgumentParser, words: Mapping[str, Sequence[str]]) -> Iterator[Argument]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        takes = "" if action.nargs == 0 else metavar
        choices = tuple(str(choice) for choice in action.choices or ())
        paths = FOLDERS if metavar == "DIR" else FILES if metavar in ("FILE", "PATH", "TARGET") else ""
        named = choices or tuple(words.get(f"{action.dest} {metavar}", ()) or words.get(metavar, ()))
        many = action.nargs in ("*", "+")
        yield Argument(tuple(action.option_strings), takes if named or takes else "", action.help or "", named, paths, many)


def completion(options: argparse.Namespace) -> int:
    """`lwlint completion`: print the completion for one shell."""
    sys.stdout.write("\n".join(SHELLS[options.shell](commands(arguments.parser(), list_words()))) + "\n")
    return CONFORMS


def list_words() -> Mapping[str, Sequence[str]]:
    """Return the words that can stand for a metavar."""
    from lwlint.core.facts import RELEASES
    from lwlint.inputs import KINDS
    from lwlint.policy.rules import load_clauses
    from lwlint.report import FORMATS
    from lwlint.report.starters import SNIPPETS
    from lwlint.run import load_rules

    rules = [word for rule in load_rules(examples=False) for word in (rule.id, rule.code)]
    return {
        "RULE": rules,
        "RULE|CLAUSE": [*rules, *(clause.id for clause in load_clauses())],
        "NAME[=FILE]": list(FORMATS),
        "release NAME": ["auto", *RELEASES],
        "KIND": list(KINDS.names),
        "WHAT": ["config", *SNIPPETS],
    }


def _bash(found: Sequence[Command]) -> Iterator[str]:
    names = " ".join(command.name for command in found[1:])
    yield "# bash completion for lwlint; made by `lwlint completion bash`"
    yield "_lwlint() {"
    yield '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i'
    yield '  if [[ $word == = ]]; then word=""; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi  # `--option=value`'
    yield "  for ((i = 1; i < COMP_CWORD; i++)); do"
    yield f'    case " {names} " in *" ${{COMP_WORDS[i]}} "*) command=${{COMP_WORDS[i]}}; break ;; esac'
    yield "  done"
    yield "  COMPREPLY=()"
    yield "  case $command in"
    for command in found:
        yield f"  {command.name or chr(34) * 2})"
        yield "    case $before in"
        for option in command.options:
            if option.takes:
                yield f"      {'|'.join(option.names)}) {_bash_values(option)}; return ;;"
        yield "    esac"
        listed = " ".join(name for option in command.options for name in option.names)
        yield f'    if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "{listed}" -- "$word")); return; fi'
        if not command.name:
            yield f'    COMPREPLY=($(compgen -W "{names}" -- "$word")) ;;'
        else:
            yield "    " + "; ".join([_bash_values(argument) for argument in command.positional] or [":"]) + " ;;"
    yield "  esac"
    yield "}"
    yield "complete -o filenames -F _lwlint lwlint"


def _bash_values(argument: Argument) -> str:
    if argument.words:
        return "local IFS=$' \\t\\n'; " + f'COMPREPLY+=($(compgen -W "{" ".join(argument.words)}" -- "$word"))'
    if argument.paths:  # which may have blanks in them
        return "local IFS=$'\\n'; " + f'COMPREPLY+=($(compgen {"-d" if argument.paths == FOLDERS else "-f"} -- "$word"))'
    return ":"


def _zsh(found: Sequence[Command]) -> Iterator[str]:
    yield "#compdef lwlint"
    yield "# zsh completion for lwlint; made by `lwlint completion zsh`"
    yield "_lwlint() {"
    yield "  local context state line"
    yield "  local -a commands"
    yield "  commands=("
    yield from (f"    {_quote(command.name + ':' + command.help)}" for command in found[1:])
    yield "  )"
    yield "  _arguments -C " + " ".join(_zsh_arguments(found[0])) + " '1:command:->command' '*::argument:->argument'"
    yield "  case $state in"
    yield "  command) _describe command commands ;;"
    yield "  argument)"
    yield "    case $words[1] in"
    for command in found[1:]:
        yield f"    {command.name}) _arguments {' '.join(_zsh_arguments(command))} ;;"
    yield "    esac ;;"
    yield "  esac"
    yield "}"
    yield 'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _lwlint "$@"; else compdef _lwlint lwlint; fi'


def _zsh_arguments(command: Command) -> Iterator[str]:
    for option in command.options:
        said = option.help.replace("[", "(").replace("]", ")").replace(":", " -")
        value = f":{option.takes.replace(':', ' ')}:{_zsh_values(option)}" if option.takes else ""
        for name in option.names:
            yield _quote(f"*{name}{'=' if value and name.startswith('--') else ''}[{said}]{value}")
    for i, argument in enumerate(command.positional, 1):
        place = "*" if argument.many else str(i)
        yield _quote(f"{place}:{argument.takes.replace(':', ' ')}:{_zsh_values(argument)}")


def _zsh_values(argument: Argument) -> str:
    if argument.words:
        return f"({' '.join(argument.words)})"
    return {"": " ", FOLDERS: "_files -/"}.get(argument.paths, "_files")


def _fish(found: Sequence[Command]) -> Iterator[str]:
    yield "# fish completion for lwlint; made by `lwlint completion fish`"
    yield "complete -c lwlint -f"
    for command in found[1:]:
        yield f"complete -c lwlint -n __fish_use_subcommand -a {command.name} -d {_quote(command.help, fish=True)}"
    for command in found:
        when = f"'__fish_seen_subcommand_from {command.name}'" if command.name else "__fish_use_subcommand"
        for option in command.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            yield f"complete -c lwlint -n {when} {names}{_fish_values(option)} -d {_quote(option.help, fish=True)}"
        for argument in command.positional if command.name else ():
            if _fish_values(argument):
                yield f"complete -c lwlint -n {when}{_fish_values(argument).replace(' -r', '').replace(' -x', '')}"


def _fish_values(argument: Argument) -> str:
    if argument.words:
        return f" -x -a {_quote(' '.join(argument.words), fish=True)}"
    if argument.paths == FOLDERS:
        return " -x -a '(__fish_complete_directories)'"
    return " -r -F" if argument.paths else " -x" if argument.takes else ""


def _quote(text: str, *, fish: bool = False) -> str:
    """Return `text` as one word of the shell."""
    if fish:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: Mapping[str, Callable[[Sequence[Command]], Iterator[str]]] = MappingProxyType({"bash": _bash, "zsh": _zsh, "fish": _fish})


_EXIT = (
    ("0", "nothing at or above --fail-on was found"),
    ("1", "something was, or an example does not hold"),
    ("2", "the run itself is not to be trusted: an argument, a rule or the configuration is wrong, or a check is broken"),
)
_FILES = (
    (
        ".lwlint.yaml",
        "the configuration, from the current folder upwards; or [tool.lwlint] of pyproject.toml, or [lwlint] of tox.ini or setup.cfg",
    ),
    (".gitignore", "what git ignores is left out when a folder is read"),
)


def manual(options: argparse.Namespace) -> int:
    """`lwlint manual`: print the manual page, for `man -l -`."""
    sys.stdout.write("\n".join(page(commands(arguments.parser(), {}))) + "\n")
    return CONFORMS


def page(found: tuple[Command, ...]) -> Iterator[str]:
    """Yield the lines of the page, in the man macros."""
    top, *rest = found
    yield f'.TH LWLINT 1 "" "lwlint {__version__}" "User Commands"'
    yield from (".SH NAME", "lwlint \\- policy linter for highly available OpenStack controllers")
    yield from (".SH SYNOPSIS", f".B lwlint\n{_text(top.usage.partition(' ')[2])}")
    yield from (".SH DESCRIPTION", _text(top.help))
    yield "It reads Heat templates, Puppet manifests, Pacemaker CIBs, systemd units and option files as the programs themselves read them."
    yield ".SH OPTIONS"
    for argument in top.arguments:
        yield from _argument(argument)
    yield ".SH COMMANDS"
    for command in rest:
        yield from (f".SS {_text(command.usage)}", _text(command.help[:1].upper() + command.help[1:]) + ".")
        for argument in command.arguments:
            if "--help" not in argument.names and "--debug" not in argument.names:  # stand under OPTIONS
                yield from _argument(argument)
    yield from _pairs("EXIT STATUS", _EXIT)
    yield from _pairs("FILES", _FILES)
    yield from (".SH SEE ALSO", ".BR pcs (8),", ".BR cibadmin (8),", ".BR systemd.service (5)")


def _argument(argument: Argument) -> Iterator[str]:
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in argument.names)
    takes = f"\\fI{_text(argument.takes)}\\fR" if argument.takes else ""
    words = f" ({', '.join(argument.words)})" if argument.words else ""
    yield from (".TP", " ".join(part for part in (names, takes) if part), _text(argument.help + words))


def _pairs(title: str, pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for name, said in pairs:
        yield from (".TP", f".B {_text(name)}", _text(said))


def _text(text: str) -> str:
    """Return `text` so that troff takes no character of it for itself."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq").replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith(".") else text
