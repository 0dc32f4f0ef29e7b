"""Heat templates, environments, roles data and hieradata."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Optional

from lwlint.core.facts import RELEASES, Release
from lwlint.core.kind import Comments, Kind, Recognised, decode_utf8, made_by
from lwlint.core.lazy import classes, function, pattern
from lwlint.core.source import Source
from lwlint.files.tree import FILE, FOLDER, Tree, walk

_KEY = pattern(
    r"^[\ufeff]?[\"']?(heat_template_version|HeatTemplateFormatVersion|resource_registry|parameter_defaults|parameters"
    r"|parameter_merge_strategies|event_sinks|encrypted_parameters|encrypted_param_names|resources|outputs|parameter_groups|topics"
    r"|environments|\w+::[\w:]+)[\"']?\s*:",
    re.MULTILINE,
)
_BRACES = pattern(r"[\ufeff]?(?:\s|#[^\n]*\n|---)*\{(?![%{#])")  # a document in braces, as in JSON; none of Jinja's
_KEY_IN_BRACES = pattern(r"[{,]\s*[\"']?(?:heat_template_version|resource_registry|parameter_defaults|\w+::[\w:]+)[\"']?\s*:")
_ROLE = pattern(r"^-(?:[ \t]+ServicesDefault:|(?:[ \t].*)?\n(?:.*\n){0,80}?[ \t]+ServicesDefault:)", re.MULTILINE)
# what no file of Kubernetes, kustomize or Helm has, and what theirs have
_OF_HEAT = pattern(r"^[\ufeff]?(heat_template_version|HeatTemplateFormatVersion|resource_registry|parameter_defaults)\s*:", re.MULTILINE)
_KUBERNETES = pattern(r"^[\ufeff]?apiVersion\s*:", re.MULTILINE)
_HELM = pattern(
    r"\{\{-?\s*(?:[\w(\" ]*\.(?:Values|Release|Chart|Capabilities|Files)\b|(?:if|range|include|define|with|template)\s|end\s*-?\}\})"
)
_HIERADATA = pattern(r"(^|/)hieradata/")
_JSON_KEY = pattern(r"\"\w+::[\w:]+\"\s*:")
_JSON_ENVIRONMENT = pattern(r"\"(?:resource_registry|parameter_defaults|parameters)\"\s*:\s*\{")
_DOCUMENT = "lwlint.inputs.heat.document"
_SECRETS = "lwlint.inputs.heat.secrets"
_SUFFIXES = (".yaml", ".yml", ".template", ".env")


def _may_hold(path: str) -> bool:
    return path.endswith(_SUFFIXES) or (path.endswith(".json") and _HIERADATA.search(path) is not None)


def _guess(head: str) -> bool:
    if _KEY.search(head) is not None or ("ServicesDefault:" in head and _ROLE.search(head) is not None):
        return True
    return _BRACES.match(head) is not None and _KEY_IN_BRACES.search(head) is not None


def _recognise(path: str, head: str, named: bool) -> Recognised:
    if path.endswith(".json"):
        start = head.lstrip("\ufeff \t\r\n")
        known = _JSON_KEY.search(head) is not None or (named and _JSON_ENVIRONMENT.search(head) is not None)
        return start.startswith("{") and (named or _may_hold(path)) and known
    if not path.endswith(_SUFFIXES):
        return False
    other = _of_another_tool(path, head)
    if other:
        return other
    return named or _guess(head) or "YAML, but no Heat template, environment, roles data or hieradata"


def _of_another_tool(path: str, head: str) -> str:
    """Return what a YAML file is of that has keys as Heat has them and is none of Heat's; empty for all else."""
    if head.startswith("heat_template_version:"):
        return ""
    if path.rsplit("/", 1)[-1] in ("kustomization.yaml", "kustomization.yml"):
        found = "YAML of kustomize, no Heat template"
    elif "{{" in head and not path.endswith((".j2.yaml", ".j2.yml")) and _HELM.search(head):
        found = "a template of Helm's, no Heat template"
    elif "apiVersion" in head and _KUBERNETES.search(head):
        found = "YAML of Kubernetes, no Heat template"
    else:
        return ""
    return "" if _OF_HEAT.search(head) else found


# A path of a tree of tripleo-heat-templates and the first release that has it, newest first; in front what is in such a path, one of it.
_LAYOUT = (
    (
        "zed",
        ("deployment/",),
        pattern(r"(^|/)deployment/(cephadm/ceph-ingress|etcd/etcd-container-ansible|cinder/cinder-backend-nfs-puppet)\.yaml$"),
    ),
    ("wallaby", ("deployment/",), pattern(r"(^|/)deployment/(cephadm|frr)/")),
    ("victoria", ("deployment/",), pattern(r"(^|/)deployment/(tls/undercloud-remove-novajoin|deprecated/mistral/mistral-base)\.yaml$")),
    ("ussuri", ("deployment/",), pattern(r"(^|/)deployment/nova/nova-(api)?db-client-puppet\.yaml$")),
    ("train", ("common/hiera", "deployment/"), pattern(r"(^|/)(common/hiera-steps-tasks\.yaml$|deployment/(placement|certs)/)")),
    ("stein", ("deployment/",), pattern(r"(^|/)deployment/[\w-]+/[\w-]+-(puppet|ansible)(\.j2)?\.yaml$")),
    ("rocky", ("/rpc-rabbitmq",), pattern(r"(^|/)(docker|puppet)/services/(pacemaker|messaging)/rpc-rabbitmq\.yaml$")),
    ("queens", ("/ceph-nfs.yaml", "/services/logging/"), pattern(r"(^|/)docker/services/(ceph-ansible/ceph-nfs\.yaml$|logging/)")),
    ("pike", ("docker/services/",), pattern(r"(^|/)docker/services/(containers-common\.yaml$|pacemaker/|database/|[\w-]+-api\.yaml$)")),
    ("newton", ("puppet/services/",), pattern(r"(^|/)puppet/services/")),
    ("mitaka", ("puppet/manifests/",), pattern(r"(^|/)puppet/manifests/overcloud_controller_pacemaker\.pp$")),
)
# the folders of a tree in which all of these paths lie, with what is above them; `deployment` has one for each service
_TELLING_FOLDERS = frozenset(
    (
        *("common", "deployment", "docker", "docker/services", *(f"docker/services/{name}" for name in ("ceph-ansible", "database"))),
        *(f"docker/services/{name}" for name in ("logging", "messaging", "pacemaker")),
        *("puppet", "puppet/manifests", "puppet/services", "puppet/services/messaging", "puppet/services/pacemaker"),
    )
)
_VERSION = pattern(r"^heat_template_version:[ \t]*['\"]?([\w-]+)", re.MULTILINE)
_HEAD = 4000
BASES = ("overcloud-resource-registry-puppet.j2.yaml", "overcloud-resource-registry-puppet.yaml")  # the base registries


def _release_of(given: Sequence[Source]) -> Optional[Release]:
    """Return the release that a tree of templates and manifests is of."""
    sources = [source for source in given if source.kind in ("heat", "puppet")]
    layout = _layout_of([source.path for source in sources])
    roots = {posixpath.dirname(path) for path in (s.path for s in sources) if path.endswith(BASES) and posixpath.basename(path) in BASES}
    read = [source for source in sources if source.text]
    versions = _versions(source for source in read if posixpath.dirname(source.path) in roots) or _versions(read)
    named = [(count, name) for name, count in versions.items() if name in RELEASES]
    count, version = max(named, default=(0, ""))
    if layout is not None and (not version or RELEASES.index(layout[0]) >= RELEASES.index(version)):
        return Release(layout[0], f"a tree of templates that has `{layout[1]}`")
    if version:
        return Release(version, f"`heat_template_version: {version}` in {count} of {sum(versions.values())} templates")
    return None


def _layout_of(paths: Sequence[str]) -> Optional[tuple[str, str]]:
    """Return the newest release of which there is a path, and that path."""
    whole = "\n".join(paths)  # tells of most releases at once that there is none
    for name, parts, known in _LAYOUT:
        if any(part in whole for part in parts):
            found = next((path for path in paths if (parts[0] in path or parts[-1] in path) and known.search(path)), None)
            if found is not None:
                return name, found
    return None


def _versions(sources: Iterable[Source]) -> Counter[str]:
    """Return how many templates have which version. Those beside a base registry tell for all of their tree, which has up to 500 more."""
    return Counter(m.group(1) for source in sources for m in [_VERSION.search(source.text, 0, _HEAD)] if m)


def root_of_templates(path: str, tree: Tree) -> Optional[str]:
    """Return the folder of the tree of templates that `path` belongs to: the nearest one with a base registry, itself if it is a folder."""
    folder = path if tree.real_kind(path) == FOLDER else posixpath.dirname(path)
    folder = "" if folder == "." else folder
    while not any(tree.real_kind(posixpath.join(folder, name)) == FILE for name in BASES):
        if folder in ("", "/", "..") or folder.endswith("/.."):
            return None
        folder = posixpath.dirname(folder)
    return folder or "."


def rest_of_trees(paths: Iterable[str], tree: Tree, refusal: Callable[[str, str], Optional[str]]) -> Iterator[Source]:
    """Yield the rest of the trees of templates that were named in part only, as far as it tells their release.

    Those are the templates beside the base registry, by how they begin, and the paths in the folders that only some releases have or,
    where the first have no version, all templates. `paths` are what was named; `refusal` says why a file below a folder is left out. So
    a part is judged by the release of the whole.
    """
    roots = {path: root_of_templates(path, tree) for path in paths}
    for root in sorted({root for path, root in roots.items() if root is not None and root != path}):
        start = 0 if root == "." else len(root.rstrip("/")) + 1
        found = _find_files(root, tree, refusal, lambda folder, start=start: _may_tell(folder[start:]))  # type: ignore[misc]
        beside = {path: _beginning(path, tree) for path in found if "/" not in path[start:]}
        tell = bool(_versions(beside.values()))
        for path in found if tell else _find_files(root, tree, refusal):
            yield beside.get(path) or (Source(path, "", _kind_of(path)) if tell else _beginning(path, tree))


def _may_tell(folder: str) -> bool:
    """Return whether a path that tells the release may lie in a folder of a tree."""
    return folder in _TELLING_FOLDERS or folder.startswith("deployment/")


def _find_files(
    root: str, tree: Tree, refusal: Callable[[str, str], Optional[str]], enters: Optional[Callable[[str], bool]] = None
) -> list[str]:
    """Return the templates and manifests of a tree that are not left out, of those folders that `enters` says."""
    paths = (path for path, _ in walk(tree, root, lambda path, error: None, enters=enters))
    return [path for path in paths if path.endswith((".yaml", ".pp")) and refusal(path, root) is None]


def _beginning(path: str, tree: Tree) -> Source:
    try:
        head = tree.read(path, _HEAD).decode("utf-8", "replace")
    except OSError:
        head = ""
    return Source(path, head, _kind_of(path))


def _kind_of(path: str) -> str:
    return "puppet" if path.endswith(".pp") else "heat"


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
    facts=made_by(
        "lwlint.inputs.heat.reader:heat_facts",
        "heat",
        given=lambda m: (m.load, m.environments, m.catalogue, m.kept, m.jobs, m.exists, m.release),
    ),
    gives=classes(
        "lwlint.inputs.heat.facts",
        "Environment",
        "ServiceMapping",
        "Template",
        "RoleData",
        "HieraKey",
        "Container",
        "GetFile",
        "SoftwareConfig",
        "DuplicateKey",
        "DanglingReference",
        "StrayFunction",
        "Role",
        "RoleService",
    ),
    release=_release_of,
    in_tree=True,
    language="yaml",
    hook=r"\.(ya?ml|template|env)$|(^|/)hieradata/([^/]+/)*[^/]+\.json$",
    comments=Comments("#", inline=True, stand=function(_DOCUMENT + ":comment_may_stand")),
    blocks=function(_DOCUMENT + ":read_blocks"),
    secrets=function(_SECRETS + ":read_secrets"),
    hidden_names=function(_SECRETS + ":hidden_names"),
    has_no_structure=function(_SECRETS + ":is_broken"),
    on_hosts=False,
)
KINDS = (HEAT,)
