"""Heat templates, environments, roles data and hieradata."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lwlint.core.facts import Fact
from lwlint.core.kind import Comments, Kind, Material, Piece, Recognised, decode_utf8
from lwlint.core.lazy import pattern
from lwlint.core.source import Source

_KEY = pattern(
    r"^[\ufeff]?(heat_template_version|HeatTemplateFormatVersion|resource_registry|parameter_defaults|parameters|parameter_merge_strategies"
    r"|event_sinks|encrypted_parameters|encrypted_param_names|resources|outputs|parameter_groups|topics|environments|[\"']?\w+::[\w:]+[\"']?)\s*:",
    re.MULTILINE,
)
_ROLE = pattern(r"^- name:.*\n(?:.*\n){0,80}?\s+ServicesDefault:", re.MULTILINE)
# what no file of Kubernetes, kustomize or Helm has, and what theirs have
_OF_HEAT = pattern(r"^[\ufeff]?(heat_template_version|HeatTemplateFormatVersion|resource_registry|parameter_defaults)\s*:", re.MULTILINE)
_KUBERNETES = pattern(r"^[\ufeff]?apiVersion\s*:", re.MULTILINE)
_HELM = pattern(
    r"\{\{-?\s*(?:[\w(\" ]*\.(?:Values|Release|Chart|Capabilities|Files)\b|(?:if|range|include|define|with|template)\s|end\s*-?\}\})"
)
_HIERADATA = pattern(r"(^|/)hieradata/")
_JSON_KEY = pattern(r"\"\w+::[\w:]+\"\s*:")
_SUFFIXES = (".yaml", ".yml", ".template", ".env")


def _may_hold(path: str) -> bool:
    return path.endswith(_SUFFIXES) or (path.endswith(".json") and _HIERADATA.search(path) is not None)


def _guess(head: str) -> bool:
    return _KEY.search(head) is not None or _ROLE.search(head) is not None


def _recognise(path: str, head: str, named: bool) -> Recognised:
    if path.endswith(".json"):
        start = head.lstrip("\ufeff \t\r\n")
        return start.startswith("{") and (named or _may_hold(path)) and _JSON_KEY.search(head) is not None
    if not path.endswith(_SUFFIXES):
        return False
    other = _of_another_tool(path, head)
    if other:
        return other
    return named or _guess(head) or "YAML, but no Heat template, environment, roles data or hieradata"


def _of_another_tool(path: str, head: str) -> str:
    """Return what a YAML file is of that has keys as Heat has them and is none of Heat's; empty for all else."""
    if _OF_HEAT.search(head):
        return ""
    if path.rsplit("/", 1)[-1] in ("kustomization.yaml", "kustomization.yml"):
        return "YAML of kustomize, no Heat template"
    if _HELM.search(head) and not path.endswith((".j2.yaml", ".j2.yml")):
        return "a template of Helm's, no Heat template"
    return "YAML of Kubernetes, no Heat template" if _KUBERNETES.search(head) else ""


def _facts(material: Material) -> Iterator[Fact]:
    sources = material.of("heat")
    if sources:
        from lwlint.inputs.heat.reader import heat_facts

        yield from heat_facts(
            sources, material.load, material.environments, material.catalogue, material.kept, material.jobs, material.exists
        )


def _secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    from lwlint.inputs.heat.document import read_secrets

    return read_secrets(source, names)


def _hidden_names(text: str) -> Iterator[str]:
    from lwlint.inputs.heat.document import hidden_names

    return hidden_names(text)


def _has_no_structure(source: Source) -> bool:
    from lwlint.inputs.heat.document import is_broken

    return is_broken(source)


def _blocks(source: Source) -> Iterator[Piece]:
    from lwlint.inputs.heat.document import read_blocks

    return read_blocks(source)


def _comment_may_stand(source: Source, at: int) -> bool:
    from lwlint.inputs.heat.document import comment_may_stand

    return comment_may_stand(source, at)


HEAT = Kind(
    name="heat",
    noun="Heat template",
    title="Heat templates",
    missing="no Heat template or environment was given",
    limit=4_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    guess=_guess,
    decode=decode_utf8,
    facts=_facts,
    language="yaml",
    hook=r"\.(ya?ml|template|env)$|(^|/)hieradata/([^/]+/)*[^/]+\.json$",
    comments=Comments("#", inline=True, stand=_comment_may_stand),
    blocks=_blocks,
    secrets=_secrets,
    hidden_names=_hidden_names,
    has_no_structure=_has_no_structure,
    on_hosts=False,
)
KINDS = (HEAT,)
