"""A secret in a line of input is not shown, and nothing else of the line changes."""

from __future__ import annotations

import itertools
import random
import re
import sre_parse
import sys
from types import FrameType
from typing import Any

import pytest

from lwlint.core import secret, secret_names
from lwlint.core.secret import find_hidden, mask_lines, mask_secrets


def test_the_secret_behind_an_anchor_or_a_tag_is_known_by_itself() -> None:
    for line in ("AdminPassword: &p hunter22", "AdminPassword: !hunter22 x", "AdminPassword: !!str 'hunter22'"):
        assert "hunter22" in find_hidden(line, mask_secrets(line))


@pytest.mark.parametrize("line", ["  hunter22", " hunter22 and more", " - hunter22"])
def test_of_broken_yaml_what_stands_below_a_secret_and_is_no_key_is_hidden_wherever_it_begins(line: str) -> None:
    text = f"parameter_defaults:\n  AdminPassword: a\n{line}\n  X: shown\n"
    assert "hunter22" not in mask_lines(text, broken=True)
    assert "X: shown" in mask_lines(text, broken=True)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("connection=mysql+pymysql://nova:s3cret/@db/nova?x=1", "connection=mysql+pymysql://nova:*******@db/nova?x=1"),
        ("transport_url = rabbit://guest:pw@a:5672,guest:pw2@b", "transport_url = rabbit://guest:**@a:5672,guest:***@b"),
        ("admin_password = hunter2", "admin_password = *******"),
        ("nova::keystone::authtoken::password: hunter2", "nova::keystone::authtoken::password: *******"),
        ("  password => 'hunter2',", "  password => '*******',"),
        ('<nvpair id="a" name="passwd" value="hunter2"/>', '<nvpair id="a" name="passwd" value="*******"/>'),
        ("nova::db::mysql::password: {get_param: NovaPassword}", "nova::db::mysql::password: {get_param: NovaPassword}"),
        ('<nvpair value="hunter2" id="a" name="passwd"/>', '<nvpair value="*******" id="a" name="passwd"/>'),
        ("password = a,b'c d", "password = *******"),
        ("connection=mysql://nova:a@b/c@[::1]:3306/nova", "connection=mysql://nova:*****@[::1]:3306/nova"),
        ("url=mysql://n@db/n?password=hunter2&x=1", "url=mysql://n@db/n?password=***********"),
        ("x: `max_retries` is `password=a, b`, no integer", "x: `max_retries` is `password=****`, no integer"),
        ("x: beats `mysql://nova:pw@db/nova`", "x: beats `mysql://nova:**@db/nova`"),
        ("keystone_authtoken.x: it must be `y`", "keystone_authtoken.x: it must be `y`"),
        ("swift_store_key = hunter2", "swift_store_key = *******"),
        ("redis::masterauth: hunter2", "redis::masterauth: *******"),
        ("wsrep_sst_auth=root:hunter2", "wsrep_sst_auth=************"),
        ("Environment=LDAP_BINDPW=hunter2", "Environment=LDAP_BINDPW=*******"),
        ("ExecStartPre=/usr/bin/curl -s -u admin:hunter2 http://x", "ExecStartPre=/usr/bin/curl -s -u admin:******* http://x"),
        ("ExecStart=/usr/bin/podman run --user root:root x", "ExecStart=/usr/bin/podman run --user root:root x"),
        ("Secret=nova-db,type=env,target=DB", "Secret=nova-db,type=env,target=DB"),  # names one that podman keeps
        ("Secret=id=db,src=/etc/db", "Secret=id=db,src=/etc/db"),
        (
            "x=/usr/bin/podman run --secret db,uid=5 --secret=key,type=mount api",
            "x=/usr/bin/podman run --secret db,uid=5 --secret=key,type=mount api",
        ),
        ("Secret=hunter2", "Secret=*******"),
        ("secret = hunter2,type=x", "secret = **************"),
        ("Secret=db,type=env,password=hunter2", "Secret=****************************"),
        ("max_retries = -1", "max_retries = -1"),
        ("Restart=on-failure", "Restart=on-failure"),
    ],
)
def test_a_secret_is_masked_in_its_own_length(line: str, shown: str) -> None:
    assert mask_secrets(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "`keystone::cron::token_flush::maxdelay`: it is set twice in one mapping and the first value is dropped; it must be set once",
        "            keystone::cron::token_flush::destination: {get_param: KeystoneCronTokenFlushDestination}",
        "key keystone::token_provider::workers",
    ],
)
def test_a_part_of_a_name_of_puppet_is_no_value(line: str) -> None:
    assert mask_secrets(line) == line


PIECES = (
    "password",
    "pass",
    "PW",
    "=",
    ":",
    " ",
    "'",
    '"',
    "key",
    "api_key",
    "name='",
    "value=",
    "@",
    "://",
    "u:",
    ",",
    "basic ",
    "Bearer abcdefgh",
)
PIECES += (
    "A" * 45,
    "`",
    " is ",
    "mysql -p",
    "curl -u ",
    "a:b",
    "--",
    "Token",
    "<",
    ">",
    "keystone",
    "secret",
    "\u017fecret",
    "\u212aey",
    "psk",
    "x",
)


def test_a_line_that_is_passed_over_has_nothing_that_is_found_in_any_other() -> None:
    chance = random.Random(3)
    passed = 0
    for _ in range(20_000):
        line = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))
        if not secret._is_telling(line.lower()):
            passed += 1
            assert [
                *secret._in_pairs(line, ()),
                *secret._in_sentences(line),
                *secret._in_commands(line),
                *secret._in_lookups(line),
            ] == [], line
    assert passed > 2000


def test_every_name_that_is_declared_and_every_command_has_a_word_that_tells() -> None:
    programs = [f"{name.replace('*', '')} " for name in secret_names.COMMANDS]
    names = [*secret._DECLARED, *programs, *secret_names.STRONG, *secret_names.WEAK, "x_key"]
    assert [name for name in names if not secret._is_telling(name.lower())] == []


BLANK = " " * 50
SHAPES = (
    " ",
    "\t",
    "a",
    "=",
    ":",
    "::",
    ",",
    "'",
    '"',
    "`",
    "\\",
    "/",
    "@",
    "://",
    "-",
    "- ",
    "#",
    "<",
    "<a ",
    "[",
    "{",
    "(",
    "$",
    "%",
    "\x00",
    "a b ",
    "a=",
    "a: ",
    "password",
    "password=",
    "password=x ",
    "password: ",
    "password = [",
    "password => a( ",
    "password=[get_param ",
    "password=)",
    "password='",
    "`password` is `",
    "://u:",
    "://u:p@",
    ",u:",
    ",u:p@h",
    "u:p@h,",
    "://u:p@h,a:",
    "name='password' ",
    "value='x' ",
    "<nvpair name='pw' ",
    "mysql -p",
    "curl -u 'a ",
    "--password ",
    "hiera('token', ",
    'lookup("token", \'',
    "Bearer ",
    "basic a",
    "-----BEGIN",
    "A" * 45,
    "key\\",
    "token" + BLANK,
    "token" + BLANK + "=",
    BLANK + "=",
    "password\\\n",
    "password =\n ",
    "p:\n  - a\n",
    "<a\n",
    "://u:p@h'",
    "{password: x1, a: b}",
    "secret_",
    "a_secret_file ",
    "\u017fecret=",
    "x\n\ty\n",
    "-----BEGIN X-----\n",
    "'DEFAULT/admin_token': ensure => present, ",
)


class Work:
    """How much is done while it is entered: the lines of Python that run, and the characters that expressions and searches go over."""

    def __init__(self) -> None:
        self.steps = 0

    def __enter__(self) -> Work:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(("secret.py", "secret_signs.py")):
            return None
        self.steps += 1
        return self._trace


@pytest.mark.parametrize("front", ["", "x: "])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_grows_as_the_text_does(shape: str, front: str) -> None:
    steps = []
    for length in (800, 1_600):
        secret.is_secret.cache_clear()
        with Work() as work:
            secret.mask_lines(front + shape * (length // len(shape)))
            secret.mask_secrets(front + shape * (length // len(shape)))
        steps.append(work.steps)
    assert steps[1] <= 2.3 * steps[0] + 500


def test_no_expression_has_neighbours_that_take_the_same_characters_without_a_bound() -> None:
    compiled = {name: value for name, value in vars(secret).items() if hasattr(value, "fullmatch") and name.startswith("_")}
    assert len(compiled) > 15
    for name, one in compiled.items():
        assert _unbounded_neighbours(one.pattern) == [], name


def _unbounded_neighbours(expression: str) -> list[str]:
    """Return the pairs of repeats without a bound, side by side, of which both take some one character."""
    found = []

    def repeats(parts: Any) -> list[tuple[str, bool]]:
        flat: list[tuple[str, bool]] = []
        for kind, value in parts:
            kind = str(kind)
            if kind in ("MAX_REPEAT", "MIN_REPEAT"):
                inner = repeats(value[2])
                flat.append(("".join(text for text, _ in inner), value[1] > 2000))
                assert not (value[1] > 2000 and any(free for _, free in inner)), "a repeat in a repeat"
            elif kind == "SUBPATTERN":
                flat += repeats(value[3])
            elif kind == "BRANCH":
                flat.append(
                    ("".join(text for branch in value[1] for text, _ in repeats(branch)), any(f for b in value[1] for _, f in repeats(b)))
                )
            elif kind in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
                flat.append((_characters([(kind, value)]), False))
        for (one, free), (other, free_too) in itertools.pairwise(flat):
            if free and free_too and set(one) & set(other):
                found.append(f"{one[:20]} {other[:20]}")
        return flat

    repeats(re._parser.parse(expression) if hasattr(re, "_parser") else sre_parse.parse(expression))  # type: ignore[attr-defined]
    return found


def _characters(part: list[tuple[str, Any]]) -> str:
    kind, value = part[0]
    every = [chr(number) for number in range(128)]
    if kind == "ANY":
        return "".join(every)
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return "".join(c for c in every if ord(c) != value)
    classes = {"CATEGORY_SPACE": str.isspace, "CATEGORY_WORD": lambda c: c.isalnum() or c == "_", "CATEGORY_DIGIT": str.isdigit}
    taken, negated = set(), False
    for kind, item in value:
        if str(kind) == "NEGATE":
            negated = True
        elif str(kind) == "LITERAL":
            taken.add(chr(item))
        elif str(kind) == "RANGE":
            taken |= {chr(number) for number in range(item[0], item[1] + 1)}
        else:
            name = str(item)
            does = classes[name.replace("_NOT", "")]
            taken |= {c for c in every if does(c) != ("_NOT" in name)}
    return "".join(c for c in every if (c in taken) != negated)


def test_a_line_is_passed_over_only_where_a_look_at_it_changes_nothing() -> None:
    chance = random.Random(5)
    ends = ("\n", "\n", "\n  ", "\n    ", "\r\n", "\r", "\\\n", ",\n", "=>\n", "password:\n", "\n- ", "\n# ", "foo_name: ")
    more = ("-----BEGIN X KEY-----", "-----END X-----", "B" * 64, "<nvpair name='passwd' ", "value='x'/>", "é", "\x1c", "mysql://a:b@c")
    pieces = (*PIECES, *ends, *ends, *more)
    hidden = 0
    for _ in range(3_000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 30)))
        also, broken = chance.choice(((), ("foo_name",))), chance.random() < 0.5
        lines = secret._LINES.findall(text)
        whole = "".join(secret._mask_lines(lines, range(len(lines)), also, broken=broken))
        assert secret.mask_lines(text, also, broken=broken) == whole, text
        hidden += whole != text
    assert hidden > 1_000


def test_a_short_name_of_a_program_is_known_where_the_line_goes_on_behind_it() -> None:
    assert secret.mask_lines("7z\\\n  a x -pabcd1234\n") == "7z\\\n  a x -p********\n"


@pytest.mark.parametrize(
    "line",
    [
        "rabbit_password %",
        "  admin_token\t%",
        "DB_PASSWORD, %",
        "password %",
        "requirepass %",
        "#password %",
        "rabbit_password\uff1a%",
        "rabbit_password\u00a0= %",
        "rabbit_password = %",
        "export DB_PASS %",
    ],
)
def test_a_value_whose_sign_was_forgotten_or_is_another_character_is_hidden(line: str) -> None:
    shown = line.replace("%", "*" * 9)
    assert secret.mask_secrets(line.replace("%", "hunter2xy")) == shown
    assert secret.mask_lines(f"a = b\n{line.replace('%', 'hunter2xy')}\n") == f"a = b\n{shown}\n"


@pytest.mark.parametrize(
    "line",
    [
        "password is required here",
        "token expiration",
        "# rabbit_password is deprecated, and more",
        "passwd --stdin nova",
        "token_ttl 5",
        "password none",
        "wpa_passphrase ssid",
    ],
)
def test_words_behind_a_name_of_a_secret_are_shown_where_they_are_a_sentence_or_a_command(line: str) -> None:
    assert secret.mask_secrets(line) == line
