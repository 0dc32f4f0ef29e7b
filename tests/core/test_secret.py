"""A secret in a line of input is not shown, and nothing else of the line changes."""

from __future__ import annotations

import random

import pytest

from lwlint.core import secret
from lwlint.core.secret import masked


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
        ("max_retries = -1", "max_retries = -1"),
        ("Restart=on-failure", "Restart=on-failure"),
    ],
)
def test_a_secret_is_masked_in_its_own_length(line: str, shown: str) -> None:
    assert masked(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "`keystone::cron::token_flush::maxdelay`: it is set twice in one mapping and the first value is dropped; it must be set once",
        "            keystone::cron::token_flush::destination: {get_param: KeystoneCronTokenFlushDestination}",
        "key keystone::token_provider::workers",
    ],
)
def test_a_part_of_a_name_of_puppet_is_no_value(line: str) -> None:
    assert masked(line) == line


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


def test_a_line_that_is_passed_over_has_nothing_that_any_expression_finds() -> None:
    chance = random.Random(3)
    everywhere = [secret._STRING, secret._TITLE, secret._WITHIN, secret._PAIR, secret._TURNED, secret._LINE, secret._QUOTED, secret._IS]
    everywhere += [secret._KEY, secret._SCHEME, secret._ARGUMENT]
    passed = 0
    for _ in range(20_000):
        line = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))
        if not secret._is_telling(line.lower()):
            passed += 1
            assert [one for one in everywhere if one.search(line)] == [], line
    assert passed > 2000
