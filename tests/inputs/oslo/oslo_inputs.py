"""Nasty option files, made of fragments by a seeded generator."""

from __future__ import annotations

import random

SECTIONS = (
    "[database]",
    "[DATABASE]",
    "[Database]",
    "[DEFAULT]",
    "[default]",
    "[ database ]",
    "[a]]",
    "[[b]",
    "[é]",
    "[ ]",
    "[sql]",
    "[\x00]",
)
BROKEN = ("[]", "[x", "[database] # x", "=v", ":", "word", "  = v", "\ufeff[a]", "\xa0", "\f", "]", "[database];", "é")
KEYS = ("max_retries", "Max_Retries", "max-retries", "sql_max_retries", "a b", "é", "\x0ckey", "\xa0k", "key;", "n", "'q'", "[k", "k]")
BETWEEN = ("=", ":", " = ", "\t:\t", " =: ", "==", ":=", "=\xa0", " =", "\x1c=", ": ")
VALUES = (
    "-1", "'-1'", '"-1"', "'", "''", '"a', "a'", "'a\"", "v # c", "v ; c", "a=b", "http://h:1/", "", "  ", "${x}", "$$", "%s", "\x1c",
    "\u2028y", "z\x85", "\x0b", "\"' '\"", "[x]", "#", "\\", "' -1 '", "\ufeff", "é\x00",
)  # fmt: skip
CONTINUED = (" more", "\tmore", "  # no comment", "  [section]", " k = v", "  'q'", " \xa0x", "\t\x0c", "   ;", " \u3000z\u3000")
COMMENTS = ("# c", "#", "; c = d", ";", "#[x]", "#\tk=v\x0c")
BREAKS = ("\n",) * 12 + (
    "\r\n",
    "\r\n",
    "\r",
    "\n\n",
    " \n",
    "\t\r\n",
    "\n \t\n",
    "\x0c\n",
    "\r\r\n",
    "\n\r",
    "\n\x85\n",
    "\n\x1d\n",
    "\n\xa0\n",
)
NO_BREAKS = ("\u2028", "\x85", "\x0b", "\x0c", "")
JUNK = " \t\n\r=:[]#;'\"ab\x0c\x85\xa0\u2028\\$"


def option_file(random: random.Random) -> str:
    """Return the text of one file: mostly lines that a person could write, some that are wrong, some noise."""
    if random.random() < 0.05:
        return "".join(random.choice(JUNK) for _ in range(random.randrange(30)))
    wrong = random.choice((0.0, 0.0, 0.02, 0.1))
    lines = ["\ufeff"] if random.random() < 0.01 else []
    if random.random() < 0.95:
        lines += [random.choice(COMMENTS) + "\n" if random.random() < 0.2 else "", random.choice(SECTIONS), random.choice(BREAKS)]
    for _ in range(random.randrange(10)):
        lines.append(_line(random, wrong))
        lines.append(random.choice(NO_BREAKS) if random.random() < 0.02 else random.choice(BREAKS))
    return "".join(lines[:-1] if random.random() < 0.3 else lines)


def _line(random: random.Random, wrong: float) -> str:
    sort = random.random()
    if sort < wrong:
        return random.choice(BROKEN)
    if sort < 0.2:
        return random.choice(SECTIONS)
    if sort < 0.3:
        return random.choice(COMMENTS)
    assignment = random.choice(KEYS) + random.choice(BETWEEN) + random.choice(VALUES)
    if sort < 0.55:
        more = (random.choice(("\n", "\r\n", "\r", " \n")) + random.choice(CONTINUED) for _ in range(random.randrange(1, 4)))
        return assignment + "".join(more)
    if sort < 0.55 + wrong:
        return random.choice((" ", "\t", "\xa0", "\x0c")) + assignment
    return assignment


NAMES = (
    "max_retries",
    "sql_max_retries",
    "db_max_retries",
    "connection",
    "retry_interval",
    "items",
    "switch",
    "Max_Retries",
    "max-retries",
)
PLACES = ("[database]", "[DATABASE]", "[DEFAULT]", "[default]", "[api_database]", "[ database ]", "[sql]")
SET = (
    "-1",
    "10",
    "0",
    "",
    "'-1'",
    "-1 # x",
    "010",
    "1_0",
    "0x10",
    "-1.0",
    "true",
    "Off",
    "1",
    "$n",
    "${database.retry_interval}",
    "$retry_interval",
    "$$",
    "+5",
)


def layered_files(random: random.Random) -> list[str]:
    """Return the texts of one to four files that are read one over the other."""
    texts = []
    for _ in range(random.randrange(1, 5)):
        lines = []
        for _ in range(random.randrange(0, 4)):
            lines.append(random.choice(PLACES))
            for name in random.choices(NAMES, k=random.randrange(4)):
                lines.append(f"{name} = {random.choice(SET[:3] if name == 'retry_interval' else SET)}")
        texts.append("\n".join(lines) + "\n")
    return texts
