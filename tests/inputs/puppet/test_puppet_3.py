"""What Puppet 3 refuses in a manifest: by its grammar (3.8.7), in the trees of puppet-tripleo that it deployed."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source
from lwlint.inputs.puppet.reader import manifest_facts
from lwlint.run import load_catalogue

COMMA = "Puppet 3, which deploys releases up to ocata, refuses a comma after the last argument of a function whose value is used"


def refused(*files: tuple[str, str]) -> list[tuple[str, int, str]]:
    sources = [Source(path, text, "puppet") for path, text in files]
    return [(f.name, f.span.start, f.message) for f in manifest_facts(sources, load_catalogue()) if isinstance(f, Unreadable)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("$a = merge($b, $c,)", 17),
        ("$a = merge($b,\n  f($c,),\n)", 21),
        ("if defined(Class['x'],) { }", 21),
        ("class { '::x': a => pick($b, 1,) }", 30),
    ],
)
def test_puppet_3_refuses_a_comma_behind_the_last_argument_of_a_value(text: str, at: int) -> None:
    profile = ("m/manifests/profile/pacemaker/haproxy.pp", "include ::x")
    found = refused(profile, ("m/manifests/x.pp", text))
    assert ("m/manifests/x.pp", at, COMMA) in found
    assert {message for _, _, message in found} == {COMMA}
    bundle = ("m/manifests/profile/pacemaker/haproxy_bundle.pp", "include ::x")
    assert refused(profile, bundle, ("m/manifests/x.pp", text)) == refused(("m/manifests/x.pp", text)) == []


@pytest.mark.parametrize(
    "text", ["notice('a',)", "ensure_packages(['a'],)", "$a = ['b',]", "f($a)", "class x($a, $b,) { }", "x { 'y': a => 1, }"]
)
def test_it_takes_one_everywhere_else(text: str) -> None:
    assert refused(("m/manifests/profile/pacemaker/haproxy.pp", text)) == []
