"""Declarations in random formatting are read back exactly: titles, attributes, values, and their places."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from lwlint.core.catalogue import Catalogue
from lwlint.core.source import Source
from lwlint.inputs.puppet.facts import ManifestResource
from lwlint.inputs.puppet.reader import manifest_facts
from tests.inputs.puppet.puppet_manifests import Writer

EXAMPLES = int(os.environ.get("LWLINT_EXAMPLES", "300"))
titles = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(lambda t: not t.startswith("::"))
values = st.one_of(st.just("true"), st.integers(-99, 99).map(str), titles)
attributes = st.dictionaries(st.sampled_from(["clone_params", "ensure", "op_params", "x"]), values, max_size=3)
declarations = st.lists(st.tuples(titles, attributes), min_size=1, max_size=4)
texts = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200).map(lambda data: data.decode("latin-1")),
    st.integers(0, 2**32).map(lambda seed: Writer(seed).damaged()),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(declarations, st.integers(0, 2**32), st.booleans())
def test_declarations_are_read_back_as_they_were_written(declared: list[tuple[str, dict[str, str]]], seed: int, loop: bool) -> None:
    writer = Writer(seed)
    parts = []
    for title, settings_ in declared:
        pairs = [f"{name}{writer.gap()}=>{writer.gap()}{writer.string(value)}" for name, value in settings_.items()]
        inside = ("," + writer.gap()).join(pairs)
        body = f"pacemaker::resource::service{writer.gap()}{{{writer.gap()}{{}} :{writer.gap()}{inside}{writer.gap()}}}"
        if loop:
            parts.append(f"[{writer.string(title)}].each |$t| {{" + body.replace("{}", "$t", 1) + "}")
        else:
            parts.append(body.replace("{}", writer.string(title), 1))
    text = writer.space().join(parts)
    facts = [f for f in manifest_facts([Source("x.pp", text, "puppet")], Catalogue(())) if f.kind != "manifest"]
    found = [f for f in facts if isinstance(f, ManifestResource)]
    assert len(facts) == len(found)
    assert [(f.name, {s.name: s.value for s in f.settings}) for f in found] == declared
    for fact in found:
        for one in fact.settings:
            assert text[one.span.start : one.span.end] == one.written
            assert text[one.key.start : one.key.end] == one.name
        assert text[fact.span.start] in "'\"$"


@settings(max_examples=EXAMPLES, deadline=None)
@given(texts)
def test_whatever_the_text_facts_lie_inside_it(text: str) -> None:
    for fact in manifest_facts([Source("x.pp", text, "puppet")], Catalogue(())):
        assert 0 <= fact.span.start <= fact.span.end <= len(text)
