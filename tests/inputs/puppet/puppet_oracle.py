"""Asks Puppet's own parser, where it is installed, and puts our parser's answer into the same words."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lwlint.inputs.puppet import syntax as tree
from lwlint.inputs.puppet.syntax import parse

Seen = list[tuple[str, int, str]]
ORACLE = Path(__file__).with_name("oracle_puppet.rb")
_KINDS = {
    tree.Resource: "Resource", tree.Attribute: "Attribute", tree.Changed: "Changed", tree.Collector: "Collector", tree.Variable: "Variable",
    tree.Call: "Call", tree.Branches: "Branches", tree.Selector: "Selector", tree.Listed: "Listed", tree.Hashed: "Hashed",
    tree.Definition: "Definition", tree.Quoted: "Quoted",
}  # fmt: skip


def command() -> list[str]:
    """Return how to start Ruby with Puppet in its path (`LWLINT_PUPPET` or plain `ruby`); skip the test, saying so, without it."""
    ruby = shlex.split(os.environ.get("LWLINT_PUPPET", "ruby"))
    if not shutil.which(ruby[0]) or subprocess.run([*ruby, "-e", "require 'puppet'"], capture_output=True, check=False).returncode:
        pytest.skip("ORACLE IS MISSING: Ruby with Puppet (apt-get install puppet-agent, or set LWLINT_PUPPET)")
    return ruby


class Answer(NamedTuple):
    """What Puppet sees in a text, offsets in characters; `refused` by its grammar; `valid` where validation passes too."""

    seen: Seen
    refused: bool
    valid: bool


def puppet_sees(texts: list[str]) -> list[Answer | None]:
    """Return Puppet's answer for each of `texts`; None where it stumbles."""
    run = subprocess.run([*command(), str(ORACLE)], input=json.dumps(texts), capture_output=True, text=True, check=True)
    return [
        None if answer["seen"] is False else Answer(_in_characters(text, answer["seen"] or []), answer["seen"] is None, answer["valid"])
        for text, answer in zip(texts, json.loads(run.stdout))
    ]


def _in_characters(text: str, seen: list[tuple[str, int, int, str]]) -> Seen:
    data = b"" if text.isascii() else text.encode()
    return _alike(text, [(kind, len(data[:start].decode(errors="ignore")) if data else start, name) for kind, start, _, name in seen])


def _alike(text: str, seen: Seen) -> Seen:
    """Put both answers into one form: no leading colons; neither a call on a value nor a piece of a double quoted string without place."""
    alike = []
    for kind, start, name in seen:
        if kind == "Definition" and text.startswith("node", start):
            continue  # Puppet's answer leaves nodes out
        if kind in ("Body", "Assignment") or (kind == "Branches" and text.startswith("elsif", start)) or (kind == "Quoted" and not name):
            continue
        if kind == "Quoted" or (kind == "Call" and text[start : start + len(name)] != name):
            start = -1
        name = name.rpartition("::")[2] if kind == "Definition" else name.removeprefix("::") if kind == "Variable" else name
        alike.append((kind, start, name))
    return sorted(alike)


def we_see(text: str) -> Seen | None:
    """Return what our parser sees in `text`, in the words of the oracle; None where it found a mistake."""
    manifest = parse(text)
    return None if manifest.broken else _alike(text, list(_seen(manifest)))


def _seen(manifest: tree.Manifest) -> Iterator[tuple[str, int, str]]:
    for node in tree.walk(manifest.statements):
        kind, start, name = _KINDS.get(type(node), ""), node.start, ""
        if isinstance(node, tree.Changed) and isinstance(node.of, tree.Collector):
            continue  # Puppet has one node for a collector with its attributes
        if isinstance(node, (tree.Attribute, tree.Call)):
            name = node.name.value
        elif isinstance(node, (tree.Definition, tree.Variable)):
            name = node.name
        elif isinstance(node, tree.Quoted):
            name = node.value
        if kind:
            yield kind, start, name
