"""Secrets that programs are given as arguments: each is hidden, however it is written, and nothing else of the line is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lwlint.core import secret, secret_names
from lwlint.core.secret_names import ALL, CLUSTER, COMMA, COMMANDS, ITSELF, LAST, NAMED, NEXT, OWN, PAIR, WORD
from tests.core.secret_lines import GIVEN, SHOWN

SECRET = "Tr0ub4dor-3"


def test_there_are_many_programs() -> None:
    assert len(COMMANDS) >= 100
    assert len(GIVEN) >= 140


@pytest.mark.parametrize("line", GIVEN)
def test_the_secret_alone_is_hidden(line: str) -> None:
    assert secret.mask_secrets(line.replace("%", SECRET)) == line.replace("%", "*" * len(SECRET))


@pytest.mark.parametrize("line", SHOWN)
def test_what_holds_no_secret_is_shown(line: str) -> None:
    assert secret.mask_secrets(line) == line


def written(option: str, how: secret_names.How) -> Iterator[str]:
    """Yield how a secret is written behind a program, by the table."""
    if isinstance(how, int):
        yield " ".join((*([option] if option else []), *("x" * (how - 1)), "%"))
    elif option == CLUSTER:
        yield from ("-b x y %", "-cb x y '%'", "-nb y %")
    elif how == NAMED:
        yield from ("x password %", "x admin_token '%'")
    elif option == ITSELF:
        yield "x/%"
    elif how == LAST:
        yield f"{option} -x y %"
    elif how == ALL:
        yield f"{option} % %"
    elif how == OWN:
        yield from (f"{option}%", f"{option}'%' x", f"x {option}%")
    elif how in (PAIR, COMMA):
        sign = ":" if how == PAIR else ","
        yield from (f"{option} x{sign}% y", f"{option} 'x{sign}%' y")
    elif option.startswith("/"):
        yield from (f"{option}%", f"/x:y {option}'%'")
    else:
        yield from (f"{option} % x", f"{option} '%' x", f"-x y {option} %")
        if how == NEXT and option.startswith("--"):
            yield f"{option}=% x"
        elif how == NEXT and option.startswith("-"):
            yield f"{option}% x"
        assert how in (NEXT, WORD)


LINES = [
    f"{path}{program.replace('*', '')} {words}"
    for program, options in COMMANDS.items()
    for option, how in options.items()
    for words in written(option, how)
    for path in ("", "/usr/bin/")
]


def test_every_entry_of_the_table_hides() -> None:
    assert len(LINES) > 800
    shown = [line for line in LINES if SECRET in secret.mask_secrets(line.replace("%", SECRET))]
    assert shown == []


def test_a_program_ends_where_the_next_one_begins() -> None:
    for between in (" && ", " | ", " ; ", " > "):
        line = f"htpasswd -nb nova {SECRET}{between}docker run -p 8080:80 x"
        assert secret.mask_secrets(line) == line.replace(SECRET, "*" * len(SECRET))
