"""`lwlint manual`: the manual page, made from the parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from lwlint import __version__
from lwlint.cli.grammar import Argument, Command, commands

CONFORMS = 0
_EXIT = (
    ("0", "nothing at or above --fail-on was found"),
    ("1", "something was, or an example does not hold"),
    ("2", "the run itself is not to be trusted: an argument, a rule or the configuration is wrong, or a check is broken"),
)
_FILES = (
    (".lwlint.yaml", "the configuration, from the current folder upwards; or the table tool.lwlint of pyproject.toml"),
    (".gitignore", "what git ignores is left out when a folder is read"),
)


def manual(options: argparse.Namespace) -> int:
    """`lwlint manual`: print the manual page, for `man -l -`."""
    from lwlint.cli.arguments import parser

    sys.stdout.write("\n".join(page(commands(parser(), {}))) + "\n")
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
