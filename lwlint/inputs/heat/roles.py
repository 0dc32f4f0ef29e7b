"""The services of roles, in roles data and environments, and which of them a registry puts under Pacemaker."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence

from lwlint.core.catalogue import Catalogue
from lwlint.core.source import Span
from lwlint.inputs.heat.document import ENVIRONMENT, ROLES
from lwlint.inputs.heat.facts import RoleService
from lwlint.inputs.heat.outline import Listed
from lwlint.inputs.heat.parts import Noted
from lwlint.inputs.heat.registry import PACEMAKER, Judge, Registries, View
from lwlint.inputs.heat.tree import HeatTree, Read

_SERVICE = "os::tripleo::services::"
_CLUSTER = (f"{_SERVICE}pacemaker", f"{_SERVICE}pacemakerremote")
# the environments of tripleo-heat-templates that put the core under Pacemaker, up to train; later base registries do so themselves
_HIGH_AVAILABILITY = ("environments/docker-ha.yaml", "environments/puppet-pacemaker.yaml")


class Roles:
    """The registries by which the services of roles are judged: those that were given with `-e`, or all that their tree offers."""

    def __init__(
        self, tree: HeatTree, registries: Registries, chosen: Sequence[Read], given: Sequence[Read], judge: Judge, catalogue: Catalogue
    ) -> None:
        self._tree = tree
        self._registries = registries
        self._chosen = tuple(chosen)
        self._given = [file for file in given if file.form == ENVIRONMENT]
        self._judge = judge
        self._catalogue = catalogue
        self._candidates: dict[str, tuple[list[Read], Noted]] = {}
        self._known: dict[tuple[str, ...], View] = {}

    def may_have(self, file: Read) -> bool:
        """Return whether there may be services of roles in a file."""
        return file.form in (ROLES, ENVIRONMENT) and bool(file.outline.roles)

    def services(self, file: Read, registry: Callable[[str], View | None]) -> Iterator[RoleService]:
        """Yield every service in the roles of `file`, be it roles data or an environment; `registry` gives the one in force for a path."""
        if not self.may_have(file):
            return
        if self._chosen and file.form == ENVIRONMENT and file not in self._chosen:
            return  # it is not given, so that its parameters are nobody's
        for own in (file, *self._chosen):
            self._tree.note(own.source.path, own)
        later = self._chosen if file.form == ROLES else self._after(file)
        replaced = {role.name for other in later for role in other.outline.roles}
        views = list(self._views(file, registry))
        for role in file.outline.roles:
            if role.name not in replaced and any(alias.lower().startswith(_SERVICE) for alias, _ in role.services):
                yield from self._role(file, role, views)

    def _after(self, file: Read) -> tuple[Read, ...]:
        """Return the environments that were given behind one, whose lists of services stand instead of its own."""
        last = max((number for number, other in enumerate(self._chosen) if other is file), default=len(self._chosen))
        return self._chosen[last + 1 :]

    def _role(self, file: Read, role: Listed, views: list[tuple[View, str]]) -> Iterator[RoleService]:
        beside = any(alias.lower() in _CLUSTER for alias, _ in role.services)
        seen: dict[str, Span] = {}
        for alias, place in role.services:
            by, optional = self._under_pacemaker(alias, views)
            yield RoleService(
                name=alias,
                span=file.span(place),
                role=role.name,
                first=seen.get(alias),
                mapped=self._mapped(file, alias, views),
                beside=beside,
                under_pacemaker=by,
                optional=optional,
                whole=bool(views),
                service=self._catalogue.of_alias(alias),
                host=file.source.host,
            )
            seen.setdefault(alias, file.span(place))

    def _under_pacemaker(self, alias: str, views: list[tuple[View, str]]) -> tuple[str, bool]:
        """Return what maps the service to a template that puts it under Pacemaker, and whether that may be left out."""
        for view, optional in views:
            entry = view.mapping(alias)
            final = view.resolve(entry).final if entry is not None else ""
            if entry is not None and final and "::" not in final and self._judge.under_pacemaker(final):
                return optional or entry.file.source.path, bool(optional)
        return "", False

    def _views(self, file: Read, registry: Callable[[str], View | None]) -> Iterator[tuple[View, str]]:
        """Yield the registries for the roles of `file`, each with the environment that may or may not be used, if any."""
        path = file.source.path
        if self._chosen:
            merged = registry(path)
            if merged is not None:
                yield merged, ""
            return
        base = self._tree.base(path)
        own = (file,) if file.form == ENVIRONMENT else ()
        if base is None and not any(self._registries.of(one) for one in own):
            return
        yield self._view(base, own), ""
        if any(entry.alias == PACEMAKER for one in own for entry in self._registries.of(one)):
            return  # it says itself whether Pacemaker is on
        for other in self._available(path):
            if other is not file:
                yield self._view(base, (other, *own)), other.source.path

    def _view(self, base: Read | None, own: tuple[Read, ...]) -> View:
        """Return the registry of these environments: one for all roles data that none of them is."""
        key = (base.source.path if base is not None else "", *(file.source.path for file in own))
        if key not in self._known or self._tree.parts.noting:  # each file that it is made of is to be noted
            self._known[key] = View(self._tree, self._registries, base, own)
        return self._known[key]

    def _available(self, path: str) -> list[Read]:
        """Return the environments of the tree that put its core under Pacemaker and name no services of roles themselves."""
        root = self._tree.root(path)
        if root is None:
            return []
        if root not in self._candidates:
            self._candidates[root] = self._tree.parts.made(lambda: self._all_available(root))
        found, noted = self._candidates[root]
        self._tree.parts.add(noted)
        return found

    def _all_available(self, root: str) -> list[Read]:
        known = (self._tree.file(posixpath.join(root, name)) for name in _HIGH_AVAILABILITY)
        near = (file for file in self._given if self._tree.root(file.source.path) == root)
        every = {file.source.path: file for file in (*known, *near) if file is not None}
        return [file for file in every.values() if self._turns_on(file)]

    def _turns_on(self, file: Read) -> bool:
        """Return whether an environment turns Pacemaker on and puts a core service under it, in its own entries."""
        entries = self._registries.by_alias(file)  # which notes the file
        if file.outline.roles or not any(alias.lower() == PACEMAKER.lower() for alias in entries):
            return False
        view = View(self._tree, self._registries, self._tree.base(file.source.path), (file,))
        if view.pacemaker() is None:
            return False
        core = (alias for alias in entries if (service := self._catalogue.of_alias(alias)) is not None and service.is_core)
        return any((final := view.final(alias)) and "::" not in final and self._judge.under_pacemaker(final) for alias in core)

    def _mapped(self, file: Read, alias: str, views: list[tuple[View, str]]) -> bool | None:
        """Return whether anything maps the alias; None where not all that may do so was read."""
        if any(view.mapping(alias) is not None for view, _ in views):
            return True
        if any(alias in self._registries.by_alias(other) for other in self._given):
            return True
        base = self._tree.base(file.source.path)
        return False if base is not None and base.source.judged else None
