"""An answer without names of hosts, domains and clusters, and without addresses: the same one has the same replacement everywhere."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lwlint.audit.addresses import Addresses
from lwlint.audit.answer import Audit
from lwlint.audit.fold import LONGEST, LONGEST_MESSAGE
from lwlint.audit.names import Names
from lwlint.rules import Rule

# fields that hold words of lwlint's own, numbers and times; every other text is searched for names
_KEPT = frozenset(("rules", "code", "rule", "severity", "clause", "kind", "title", "outcome", "release", "sos", "captured"))
_HOSTS = frozenset(("host", "hosts", "cib_of", "absent", "nodes"))  # fields that hold a name and nothing else


class Anonymous:
    """What is known of the names and addresses in the input of one audit, and what stands for each."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        own = [text for rule in rules for text in (rule.id, rule.title, rule.why, rule.remedy)]
        self._own = frozenset(own)
        words = {word.lower() for text in own for word in re.findall(r"[A-Za-z]+", text)}
        self.names = Names(words | {word.lower() for text in own for word in re.findall(r"[A-Za-z][\w-]*\.[\w.-]*\w", text)})
        self.addresses = Addresses()

    def learn(self, text: str) -> None:
        """Know what stands in `text`, a whole file of the input or anything of the answer."""
        self.names.learn(text)
        self.addresses.learn(text)

    def hidden(self, answer: Audit) -> Audit:
        """Return the answer with every name and address replaced."""
        for cluster in answer.clusters:
            self.names.cluster(cluster.name)
            for name in cluster.nodes:
                self.names.host(name)
        for text in _texts(answer):
            self.learn(text)
        self.names.settle()
        hidden: Audit = self._record(answer)
        return hidden

    def text(self, text: str) -> str:
        """Return `text` with every name and address replaced, unless it is one of lwlint's own, as a rule's remedy."""
        if len(text) in (LONGEST, LONGEST_MESSAGE):
            text = re.sub(r"[^\s'\"`,;/@]*$", "", text)  # it was cut there, and half a name is not known again
        return text if text in self._own else self.names.hide(self.addresses.hide(text))

    def _record(self, record: Any) -> Any:
        changes = {}
        for field in dataclasses.fields(record):
            value = getattr(record, field.name)
            if field.name not in _KEPT:
                whole = field.name in _HOSTS or (field.name == "name" and not hasattr(record, "kind"))
                changes[field.name] = self._value(value, self._whole if whole else self.text)
        return dataclasses.replace(record, **changes)

    def _whole(self, name: str) -> str:
        return self.names.whole(self.addresses.hide(name))

    def _value(self, value: Any, hide: Callable[[str], str]) -> Any:
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, tuple):
            return tuple(self._value(one, hide) for one in value)
        if isinstance(value, Rule) or not dataclasses.is_dataclass(value):
            return value
        return self._record(value)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in an answer that may hold names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Rule):
        for field in dataclasses.fields(value):
            if field.name not in _KEPT:
                yield from _texts(getattr(value, field.name))
