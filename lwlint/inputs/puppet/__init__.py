"""Puppet manifests."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.core.facts import Fact
from lwlint.core.kind import Comments, Kind, Material, Recognised, decode_utf8
from lwlint.core.lazy import classes, function

_SUFFIX = ".pp"


def _may_hold(path: str) -> bool:
    return path.endswith(_SUFFIX)


def _recognise(path: str, head: str, named: bool) -> Recognised:
    return path.endswith(_SUFFIX)


def _facts(material: Material) -> Iterator[Fact]:
    for fact in material.facts:  # what templates include
        if fact.kind == "get_file" and _may_hold(fact.name) and material.sources[fact.span.path].judged:
            material.load(fact.name, judged=True)
    sources = material.of("puppet")
    if sources:
        from lwlint.inputs.puppet.reader import manifest_facts

        yield from manifest_facts(sources, material.catalogue)


PUPPET = Kind(
    name="puppet",
    in_tree=True,
    noun="Puppet manifest",
    title="Puppet manifests",
    missing="no Puppet manifest was given",
    limit=1_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    decode=decode_utf8,
    facts=_facts,
    gives=classes(
        "lwlint.inputs.puppet.facts",
        "Manifest",
        "ManifestResource",
        "ManifestConstraint",
        "ManifestClass",
        "ManifestOption",
        "ManifestDatabase",
    ),
    language="puppet",
    hook=r"\.pp$",
    comments=Comments("#", inline=True, stand=function("lwlint.inputs.puppet.tokens:comment_may_stand")),
    blocks=function("lwlint.inputs.puppet.syntax:read_blocks"),
    secrets=function("lwlint.inputs.puppet.tokens:read_secrets"),
    on_hosts=False,
)
KINDS = (PUPPET,)
