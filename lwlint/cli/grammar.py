"""What may be written on the command line, told from the parser, for completion and the manual page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

FILES, FOLDERS = "files", "folders"


@dataclass(frozen=True)
class Argument:
    """An option or a positional argument. `names` are empty for the latter; `takes` is the word for its value, "" for none.

    `words` are the values that can be named beforehand; `paths` tells that files or folders are meant.
    """

    names: tuple[str, ...]
    takes: str
    help: str
    words: tuple[str, ...] = ()
    paths: str = ""
    many: bool = False


@dataclass(frozen=True)
class Command:
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
