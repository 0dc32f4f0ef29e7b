"""A secret in a line of input is not shown, and nothing else of the line changes."""

from __future__ import annotations

import pytest

from lwlint.secret import masked


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
        ("max_retries = -1", "max_retries = -1"),
        ("Restart=on-failure", "Restart=on-failure"),
    ],
)
def test_a_secret_is_masked_in_its_own_length(line: str, shown: str) -> None:
    assert masked(line) == shown
