"""Named tuples that cost little until they are used: `typing.NamedTuple` takes 0.15 ms for each class, and a run has thirty of them.

To a type checker `NamedTuple` is that of `typing`. The classes are as `collections.namedtuple` makes them; what creates a record is
compiled when the first one is created.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from lwlint.core.record import annotated

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple


try:
    from _collections import _tuplegetter as _getter  # type: ignore[import-not-found]
except ImportError:  # as in `collections`

    def _getter(index: int, doc: str) -> Any:
        return property(itemgetter(index), doc=doc)


class _Maker(type):
    """Makes what derives from `NamedTuple` a plain subclass of tuple."""

    def __new__(maker, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
        if not bases:
            return type.__new__(maker, name, bases, space)
        if len(bases) > 1:
            raise TypeError(f"{name}: a named tuple derives from nothing else")
        return _with_fields(type.__new__(type, name, (tuple,), {**space, "__slots__": ()}))


def _with_fields(cls: Any) -> Any:
    names = tuple(annotated(cls))
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    if names[len(names) - len(defaults) :] != tuple(defaults):
        raise TypeError(f"{cls.__qualname__}: a field without default after one that has one")
    for index, name in enumerate(names):
        setattr(cls, name, _getter(index, f"Alias for field number {index}"))

    def first(_cls: Any, *values: Any, **named: Any) -> Any:
        made: Any = _new(names, tuple(defaults.values()))
        made.__qualname__ = f"{cls.__qualname__}.__new__"
        cls.__new__ = made
        return made(_cls, *values, **named)

    cls.__new__ = first
    cls._fields = names
    setattr(cls, "__match_args__", names)  # noqa: B010
    cls._field_defaults = defaults
    cls._make = classmethod(tuple.__new__)
    for name, method in {"_replace": _replace, "_asdict": _asdict, "__repr__": _repr, "__getnewargs__": _values}.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _new(names: tuple[str, ...], defaults: tuple[Any, ...]) -> Any:
    """Return `__new__` for these fields, the last of which have `defaults`."""
    arguments = "".join(f"{name}, " for name in names)
    made = eval(f"lambda _cls, {arguments}: _new(_cls, ({arguments}))", {"_new": tuple.__new__, "__builtins__": {}})  # nosec B307 -- names of fields, of our own classes
    made.__defaults__ = defaults
    made.__name__ = "__new__"
    return made


def _replace(self: Any, **changes: Any) -> Any:
    found = tuple.__new__(type(self), map(changes.pop, self._fields, self))
    if changes:
        raise TypeError(f"Got unexpected field names: {list(changes)!r}")
    return found


def _asdict(self: Any) -> dict[str, Any]:
    return dict(zip(self._fields, self))


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in zip(self._fields, self))})"


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(self)


if not TYPE_CHECKING:

    class NamedTuple(metaclass=_Maker):
        """As `typing.NamedTuple`."""
