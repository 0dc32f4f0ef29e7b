"""Option sets as checks look at them: the files of one program, and the options that are effective in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lwlint.facts import Facts
from lwlint.facts.oslo import ENVIRONMENT, Option, OptionFiles
from lwlint.facts.oslo_values import Name
from lwlint.facts.service import RELEASES, Release
from lwlint.record import dataclass

LATER = "later"  # a release after all that lwlint knows by name


@dataclass(frozen=True)
class OptionSet:
    """One option set: its files, and its effective options by section and name."""

    files: OptionFiles
    options: Mapping[Name, Option]

    def chosen(self, names: Iterable[Name]) -> Option | None:
        """Return the option that wins among the `names` of one option: the current one first, then old ones as declared.

        Within a file the earlier name wins, whatever the order of the lines; a later file beats an earlier one
        even with an old name. Old names are not looked up in the environment.
        """
        found: Option | None = None
        best = -1
        for i, name in enumerate(names):
            option = self.options.get(name)
            if option is None or (i > 0 and option.origin == ENVIRONMENT):
                continue
            layer = self._layer(option)
            if layer > best:
                found, best = option, layer
        return found

    def _layer(self, option: Option) -> int:
        files = self.files.files
        return len(files) if option.origin == ENVIRONMENT else len(files) - 1 - files[::-1].index(option.file)


def option_sets(facts: Facts) -> list[OptionSet]:
    """Return all option sets, in the order of their files."""
    members: dict[str, dict[Name, Option]] = {}
    for option in facts.of(Option):
        for name in option.sets:
            members.setdefault(name, {})[(option.section, option.option)] = option
    return [OptionSet(files, members.get(files.name, {})) for files in facts.of(OptionFiles)]


def applies(release: Release, since: str | None, until: str | None) -> bool:
    """Return whether `release` may lie between `since` and `until` (both included); one that is not known may be any."""
    if release.name is None:
        return True
    number = RELEASES.index(release.name)
    if since is not None and (since == LATER or number < RELEASES.index(since)):
        return False
    return until is None or until == LATER or number <= RELEASES.index(until)
