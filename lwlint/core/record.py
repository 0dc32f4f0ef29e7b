"""Dataclasses that cost nothing until they are used: the ones of the standard library, made when they are first needed.

The standard library compiles six functions for every frozen dataclass when its module is imported, and imports `inspect` to do
so: for the sixty classes of a run on one file that is a third of the whole run (docs/adr/0009-start-up.md). To a type checker
`dataclass`, `field` and `replace` are those of `dataclasses`; `fields`, `is_dataclass` and `replace` of that module know these
classes too. What they do not do is said at once, with a TypeError: inheritance of fields, and options other than `frozen`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace


T = TypeVar("T")
_FEW = 4  # records of a class that are created before what creates them is compiled


class _Missing:
    """The default of a field that has none."""


class _Field:
    """What `field` was told of one field."""

    def __init__(self, **told: Any) -> None:
        self.told = told


class _Shape:
    """The fields of one class, and what is made of them when it is first needed."""

    def __init__(self, cls: type, frozen: bool) -> None:
        annotations = annotated(cls)
        self.cls = cls
        self.frozen = frozen
        self.few = _FEW
        self.names = tuple(name for name, kind in annotations.items() if not str(kind).startswith(("ClassVar", "typing.ClassVar")))
        self.types = {name: annotations[name] for name in self.names}
        self.defaults: dict[str, Any] = {}
        self.factories: dict[str, Callable[[], Any]] = {}
        self.told: dict[str, dict[str, Any]] = {}
        for name in self.names:
            self._default(name, cls.__dict__.get(name, _Missing))
        self.values: Callable[[Any], Any] = attrgetter(*self.names) if self.names else lambda record: ()

    def _default(self, name: str, default: Any) -> None:
        if isinstance(default, _Field):
            self.told[name] = default.told
            delattr(self.cls, name)
            if "default_factory" in default.told:
                self.factories[name] = default.told["default_factory"]
                return
            default = default.told.get("default", _Missing)
            if default is not _Missing:
                setattr(self.cls, name, default)
        if isinstance(default, (list, dict, set)):
            raise TypeError(f"{self.cls.__qualname__}.{name}: a mutable default; give a `default_factory`")
        if default is not _Missing:
            self.defaults[name] = default
        elif self.defaults or self.factories:
            raise TypeError(f"{self.cls.__qualname__}.{name}: a field without default after one that has one")

    def bound(self, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any] | None:
        """Return the fields of one of the first records of a class, for which compiling costs more; None where it is to be compiled."""
        self.few -= 1
        if self.few < 0 or len(values) > len(self.names) or hasattr(self.cls, "__post_init__"):
            return None
        found = dict(zip(self.names, values))
        if not named.keys().isdisjoint(found):
            return None
        found.update(named)
        for name in self.names:
            if name not in found:
                if name in self.factories:
                    found[name] = self.factories[name]()
                elif name in self.defaults:
                    found[name] = self.defaults[name]
                else:
                    return None
        return {name: found[name] for name in self.names} if len(found) == len(self.names) else None

    def init(self) -> Callable[..., None]:
        """Return `__init__`, compiled."""
        space: dict[str, Any] = {"_set": object.__setattr__, "_missing": _Missing}
        arguments, lines = ["self"], []
        for name in self.names:
            value = name
            if name in self.factories:
                space[f"_make_{name}"] = self.factories[name]
                arguments.append(f"{name}=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            elif name in self.defaults:
                space[f"_default_{name}"] = self.defaults[name]
                arguments.append(f"{name}=_default_{name}")
            else:
                arguments.append(name)
            lines.append(f" _set(self, '{name}', {value})" if self.frozen else f" self.{name} = {value}")
        if hasattr(self.cls, "__post_init__"):
            lines.append(" self.__post_init__()")
        exec(f"def __init__({', '.join(arguments)}):\n" + ("\n".join(lines) or " pass"), space)  # nosec B102 -- names of fields, of our own classes
        made: Callable[..., None] = space["__init__"]
        made.__qualname__ = f"{self.cls.__qualname__}.__init__"
        return made

    def twin(self) -> type:
        """Return a dataclass of the standard library with the same fields."""
        import dataclasses

        content: dict[str, Any] = {"__annotations__": self.types, "__module__": self.cls.__module__, **self.defaults}
        content.update((name, dataclasses.field(**told)) for name, told in self.told.items())
        return dataclasses.dataclass(frozen=self.frozen)(type(self.cls.__name__, (), content))


def annotated(cls: type) -> dict[str, Any]:
    """Return the annotations of the class itself, not of one that it derives from, as `inspect` would without being imported."""
    found = vars(cls).get("__annotations__")
    if found is None and vars(cls).get("__annotate_func__") is not None:  # Python 3.14
        found = cls.__annotations__
    return found or {}


class _Lazy:
    """A class attribute that `dataclasses` looks for, taken from the twin."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, record: Any, cls: Any) -> Any:
        shape = cls.__record__
        found = getattr(shape.twin(), self._name)
        setattr(shape.cls, self._name, found)
        return found


def _repr(self: Any) -> str:
    shape = self.__record__
    shown = (name for name in shape.names if shape.told.get(name, {}).get("repr", True))
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = self.__record__.values
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(self.__record__.values(self))


def _refuse_set(self: Any, name: str, value: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _made(cls: Any, frozen: bool) -> Any:
    if any(hasattr(base, "__dataclass_fields__") for base in cls.__bases__):
        raise TypeError(f"{cls.__qualname__} derives from a dataclass; fields are not inherited here")
    shape = _Shape(cls, frozen)

    def first(self: Any, *values: Any, **named: Any) -> None:
        found = shape.bound(values, named)
        if found is None:
            cls.__init__ = init = shape.init()
            init(self, *values, **named)
        else:
            vars(self).update(found)

    given = cls.__dict__
    cls.__record__ = shape
    setattr(cls, "__match_args__", shape.names)  # noqa: B010
    cls.__dataclass_fields__ = _Lazy("__dataclass_fields__")
    cls.__dataclass_params__ = _Lazy("__dataclass_params__")
    methods: dict[str, Any] = {"__init__": first, "__repr__": _repr, "__eq__": _eq}
    if frozen:
        methods.update(__setattr__=_refuse_set, __delattr__=_refuse_delete)
    for name, method in methods.items():
        if name not in given:
            setattr(cls, name, method)
    if given.get("__hash__") is None:
        cls.__hash__ = _hash if frozen else None
    return cls


def restored(cls: type[T], values: Sequence[Any]) -> T:
    """Return the record that has these values in the order of its fields, at a fifth of the price of creating one.

    Raises TypeError where their number is not that of the fields.
    """
    names = cls.__record__.names  # type: ignore[attr-defined]
    if len(values) != len(names):
        raise TypeError(f"{cls.__qualname__} has {len(names)} fields, not {len(values)}")
    made = object.__new__(cls)
    vars(made).update(zip(names, values))
    return made


def is_dataclass(kind: Any) -> bool:
    """As `dataclasses.is_dataclass`, of classes."""
    return isinstance(kind, type) and ("__record__" in kind.__dict__ or "__dataclass_fields__" in kind.__dict__)


def described(cls: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the fields of any dataclass, and those of them that have no default."""
    shape = cls.__dict__.get("__record__")
    if shape is not None:
        return shape.names, tuple(name for name in shape.names if name not in shape.defaults and name not in shape.factories)
    from dataclasses import MISSING, fields

    found = [f for f in fields(cls) if f.init]
    return tuple(f.name for f in found), tuple(f.name for f in found if f.default is MISSING and f.default_factory is MISSING)


if not TYPE_CHECKING:

    def dataclass(cls=None, *, frozen=False):
        """As `dataclasses.dataclass`."""
        return _made(cls, frozen) if cls is not None else lambda cls: _made(cls, frozen)

    def field(**told):
        """As `dataclasses.field`."""
        if not told.keys() <= {"default", "default_factory", "repr", "metadata"}:
            raise TypeError(f"`field` knows nothing of {', '.join(sorted(told))}")
        return _Field(**told)

    def replace(record, **changes):
        """As `dataclasses.replace`."""
        shape = getattr(record, "__record__", None)
        if shape is None:
            import dataclasses

            return dataclasses.replace(record, **changes)
        values = shape.values(record)
        named = dict(zip(shape.names, values if len(shape.names) > 1 else (values,)))
        return record.__class__(**{**named, **changes})
