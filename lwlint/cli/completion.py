"""`lwlint completion SHELL`: what the shell may offer, as a file for it to keep; it is not asked of lwlint at each key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from lwlint.cli.grammar import FOLDERS, Argument, Command, commands

CONFORMS = 0


def completion(options: argparse.Namespace) -> int:
    """`lwlint completion`: print the completion for one shell."""
    from lwlint.cli.arguments import parser

    sys.stdout.write("\n".join(SHELLS[options.shell](commands(parser(), known()))) + "\n")
    return CONFORMS


def known() -> Mapping[str, Sequence[str]]:
    """Return the words that can stand for a metavar."""
    from lwlint.facts.service import RELEASES
    from lwlint.kinds import KINDS
    from lwlint.report.formats import FORMATS
    from lwlint.report.starters import SNIPPETS
    from lwlint.rules import load_clauses
    from lwlint.run import load_rules

    rules = [word for rule in load_rules(examples=False) for word in (rule.id, rule.code)]
    return {
        "RULE": rules,
        "RULE|CLAUSE": [*rules, *(clause.id for clause in load_clauses())],
        "NAME[=FILE]": list(FORMATS),
        "release NAME": ["auto", *RELEASES],
        "KIND": list(KINDS),
        "WHAT": ["config", *SNIPPETS],
    }


def _bash(found: Sequence[Command]) -> Iterator[str]:
    names = " ".join(command.name for command in found[1:])
    yield "# bash completion for lwlint; made by `lwlint completion bash`"
    yield "_lwlint() {"
    yield '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i'
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
        return f'COMPREPLY+=($(compgen -W "{" ".join(argument.words)}" -- "$word"))'
    if argument.paths:
        return f'COMPREPLY+=($(compgen {"-d" if argument.paths == FOLDERS else "-f"} -- "$word"))'
    return ":"


def _zsh(found: Sequence[Command]) -> Iterator[str]:
    yield "#compdef lwlint"
    yield "# zsh completion for lwlint; made by `lwlint completion zsh`"
    yield "_lwlint() {"
    yield "  local context state line"
    yield "  local -a commands"
    yield "  commands=("
    yield from (f"    {_quoted(command.name + ':' + command.help)}" for command in found[1:])
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
        yield from (_quoted(f"*{name}[{said}]{value}") for name in option.names)
    for i, argument in enumerate(command.positional, 1):
        place = "*" if argument.many else str(i)
        yield _quoted(f"{place}:{argument.takes.replace(':', ' ')}:{_zsh_values(argument)}")


def _zsh_values(argument: Argument) -> str:
    if argument.words:
        return f"({' '.join(argument.words)})"
    return {"": " ", FOLDERS: "_files -/"}.get(argument.paths, "_files")


def _fish(found: Sequence[Command]) -> Iterator[str]:
    yield "# fish completion for lwlint; made by `lwlint completion fish`"
    yield "complete -c lwlint -f"
    for command in found[1:]:
        yield f"complete -c lwlint -n __fish_use_subcommand -a {command.name} -d {_quoted(command.help, fish=True)}"
    for command in found:
        when = f"'__fish_seen_subcommand_from {command.name}'" if command.name else "__fish_use_subcommand"
        for option in command.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            yield f"complete -c lwlint -n {when} {names}{_fish_values(option)} -d {_quoted(option.help, fish=True)}"
        for argument in command.positional if command.name else ():
            if _fish_values(argument):
                yield f"complete -c lwlint -n {when}{_fish_values(argument).replace(' -r', '').replace(' -x', '')}"


def _fish_values(argument: Argument) -> str:
    if argument.words:
        return f" -x -a {_quoted(' '.join(argument.words), fish=True)}"
    if argument.paths == FOLDERS:
        return " -x -a '(__fish_complete_directories)'"
    return " -r -F" if argument.paths else " -x" if argument.takes else ""


def _quoted(text: str, *, fish: bool = False) -> str:
    """Return `text` as one word of the shell."""
    if fish:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: Mapping[str, Callable[[Sequence[Command]], Iterator[str]]] = MappingProxyType({"bash": _bash, "zsh": _zsh, "fish": _fish})
