"""Addresses are replaced in every spelling that reports have, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from lwlint.audit.anonymous import Addresses


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("10.0.0.1 010.000.000.001 10.0.0.1:3306 10.0.0.1/24 10.0.0.1.", "192.0.2.1 192.0.2.1 192.0.2.1:3306 192.0.2.1/24 192.0.2.1."),
        ("ip-10.0.0.1-clone ip-10-0-0-1 10.0.0.2", "ip-192.0.2.1-clone ip-192-0-2-1 192.0.2.2"),
        ("127.0.0.1 127.8.9.1 0.0.0.0 255.255.255.0 ::1 ::", "127.0.0.1 127.8.9.1 0.0.0.0 255.255.255.0 ::1 ::"),
        ("fd00::a FD00:0:0:0:0:0:0:A fd00:0000::000a [fd00::a]:80", "2001:db8::1 2001:db8::1 2001:db8::1 [2001:db8::1]:80"),
        ("fd00::a: why, fd00::a:etc/nova, fd00::/64", "2001:db8::1: why, 2001:db8::1:etc/nova, 2001:db8::2/64"),
        ("ip-fd00..a ip-fd00.0.0.0.0.0.0.a fd00%3A%3Aa", "ip-2001.db8..1 ip-2001.db8..1 2001%3Adb8%3A%3A1"),
        ("::ffff:10.0.0.1 ::FFFF:a00:1 10.0.0.1", "::ffff:192.0.2.1 ::ffff:192.0.2.1 192.0.2.1"),
        ("fe80::1%eth0 64:ff9b::10.0.0.1", "2001:db8::1%eth0 2001:db8::2"),
        ("a." + "0." * 23 + "0.0.0.0.0.d.f.x", "a." + "0." * 23 + "0.0.0.0.0.d.f.x"),
        ("a." + "0." * 29 + "d.f.ip6.arpa", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"),
        ("52:54:00:AA:00:01 52-54-00-aa-00-01 5254.00aa.0001", "00:00:5e:00:53:00 00-00-5e-00-53-00 0000.5e00.5300"),
        ("52:54:00:aa:00:01 enx525400aa0001 525400aa0001", "00:00:5e:00:53:00 enx00005e005300 00005e005300"),
        ("enx525400aa0001 525400aa0002", "enx00005e005300 525400aa0002"),
        ("00:00:00:00:00:00 ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff"),
        ("192.0.2.1 10.0.0.1", "192.0.2.2 192.0.2.3"),
    ],
)
def test_an_address_is_replaced_as_it_is_spelled(text: str, hidden: str) -> None:
    addresses = Addresses()
    addresses.learn(text)
    assert addresses.hide(text) == hidden
    assert addresses.hide(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "nova::db::mysql::password ocf::heartbeat:galera <module>::db::database_max_retries",
        "etc/cinder/cinder.conf:6:1 at 04:05:06 on 2016-11-23 04:05:06",
        "Pacemaker 1.1.15, sos 4.12.0, el7_3.2, 1.2.3.4.5, 300.1.1.1",
        "1..3 a..b ... ../x deadbeef 8b2f60b0-6d0f-4b2e-9c1e-3f5a525400aa",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    addresses = Addresses()
    addresses.learn(text)
    assert addresses.hide(text) == text


def test_more_addresses_than_documentation_has_still_differ() -> None:
    text = " ".join(f"10.1.{n >> 8}.{n & 255}" for n in range(1, 2000))
    addresses = Addresses()
    addresses.learn(text)
    hidden = addresses.hide(text).split()
    assert len(set(hidden)) == 1999
    assert not any(address.startswith("10.") for address in hidden)
