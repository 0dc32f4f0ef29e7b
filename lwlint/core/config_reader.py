"""YAML of lwlint's own (rules, catalogue, configuration) -> records, with located complaints."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union

import msgspec

from lwlint.core.finding import ConfigurationError
from lwlint.core.lazy import late_expressions, pattern

T = TypeVar("T")
_LONGEST = 80  # characters that a complaint quotes of a value
_LONG = pattern(rf"`([^`]{{{_LONGEST + 4},}})`")
_NOT_YAML = pattern(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # YAML 1.1, section 5.1
_CODE = pattern(r"[Ll][Ww]\w{1,5}")
Path = tuple[Union[str, int], ...]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is read from a document of the user's: a key that it does not know is an error."""


class Mismatch(Exception):
    """A value does not fit the type that it is read into; `path` leads to it from the top of the document."""

    def __init__(self, path: Path, message: str, *, key: bool = False) -> None:
        super().__init__(_LONG.sub(lambda match: f"`{shorten(match[1])}`", message))
        self.path = path
        self.key = key


def near(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean `x`?` for the word of `words` that is most like `word`, else an empty string.

    A hint that is only a guess misleads: two thirds of the letters alike are none, and of two codes all but one character has to be.
    """
    import difflib

    known = list(words)
    if _CODE.fullmatch(word):
        known = [each for each in known if _CODE.fullmatch(each)]
        found = difflib.get_close_matches(word.upper(), known, n=1, cutoff=0.8)
        return f"; did you mean `{found[0]}`?" if found else ""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    if not found:  # letters that changed places hide the rest of a word from it: `activ_eactive`
        alike = sorted((-difflib.SequenceMatcher(None, word, each).quick_ratio(), each) for each in known)
        found = [each for ratio, each in alike[:1] if ratio <= -0.85]
    if not found:
        found = [each for each in known if each.lower() == word.lower()]
    return f"; did you mean `{found[0]}`?" if found else ""


def near_or_all(word: str, words: Iterable[str]) -> str:
    """Return what `near` returns or, where no word is alike, `; lwlint has` and all of the few that there are."""
    known = list(words)
    return near(word, known) or f"; lwlint has {', '.join(known)}"


def load(text: str, path: str) -> Any:
    """Return the one YAML document in `text` as plain values.

    Raises ConfigurationError, with `path:line:column`, for what is not YAML and for a key that stands twice.
    """
    with late_expressions():
        import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _plain(node, loader, path, 0, [_MOST])
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        said = "a second document begins; a file holds one" if error.problem == "but found another document" else error.problem
        raise ConfigurationError(f"{place}: {said or error.context}") from error
    except yaml.YAMLError as error:
        raise _unreadable(error, text, path) from error
    except (RecursionError, MemoryError) as error:
        raise ConfigurationError(f"{path}: is too deep or too large to be read") from error
    finally:
        loader.dispose()


def _unreadable(error: Exception, text: str, path: str) -> ConfigurationError:
    """Return what is said of a character that YAML does not allow, with its place; of another error, what PyYAML says of it."""
    found = _NOT_YAML.search(text)
    if found is None:
        return ConfigurationError(f"{path}: {error}")
    line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
    return ConfigurationError(f"{path}:{line}:{column}: character U+{ord(found[0]):04X} is not allowed in YAML")


def _plain(node: Any, loader: Any, path: str, depth: int, left: list[int]) -> Any:
    """Return a composed node as plain values; one walk does what constructing and a search for doubled keys would take two for.

    `left` counts the values that are left to make, those of an alias each time that it is met.
    """
    left[0] -= 1
    if left[0] < 0:
        raise _complain(node, path, f"more than {_MOST} values, those of aliases counted each time")
    if node.id == "scalar":
        return _scalar(node, loader, path)
    if depth > _DEPTH:
        raise _complain(node, path, f"more than {_DEPTH} levels deep")
    if node.id == "sequence":
        return [_plain(item, loader, path, depth + 1, left) for item in node.value]
    plain: dict[Any, Any] = {}
    for key, value in node.value:
        if key.id != "scalar":
            raise _complain(key, path, "a key must be a scalar")
        if key.tag == "tag:yaml.org,2002:merge":
            raise _complain(key, path, "`<<`: keys are not merged here; write them out")
        name = _scalar(key, loader, path)
        if name in plain:
            raise _complain(key, path, f"key `{key.value}` is set twice")
        plain[name] = _plain(value, loader, path, depth + 1, left)
    return plain


def _scalar(node: Any, loader: Any, path: str) -> Any:
    """Return the value of a scalar; whatever its tag makes PyYAML raise is a complaint with its place."""
    if node.tag == "tag:yaml.org,2002:str":
        return node.value
    try:
        value = loader.construct_object(node)
        if isinstance(value, (list, dict, set)):  # `!!seq x`, of which PyYAML makes an empty one
            raise _complain(node, path, f"`{shorten(node.value)}`: is not a valid value for its tag")
        return value
    except ValueError as error:  # a thirteenth month, 6_ as a number
        said = "is too long for a number" if "integer string conversion" in str(error) else shorten(str(error))
        raise _complain(node, path, f"`{shorten(node.value)}`: {said} (quote it, if it is text)") from None
    except ConfigurationError:
        raise
    except Exception as error:
        import yaml

        if isinstance(error, yaml.YAMLError):
            raise
        raise _complain(node, path, f"`{shorten(node.value)}`: is not a valid value for its tag") from None


_DEPTH = 50
_MOST = 200_000  # values of one document


def shorten(text: str) -> str:
    """Return what a complaint quotes of a value: its beginning, without secrets."""
    from lwlint.core.secret import mask_secrets

    text = mask_secrets(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _complain(node: Any, path: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {message}")


def read(text: str, path: str, into: type[T]) -> T:
    """Return the YAML document `text` as an instance of the dataclass `into`.

    Raises ConfigurationError with `path:line:column` for an unknown key (with a near match), a missing
    one, and a value of the wrong type.
    """
    plain = load(text, path)
    try:
        found: T = build(plain, into)
    except Mismatch as mismatch:
        raise locate(mismatch, text, path) from None
    return found


def locate(mismatch: Mismatch, text: str, path: str) -> ConfigurationError:
    """Return `mismatch` as a ConfigurationError with its line and column in `text`."""
    import yaml

    node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for step in mismatch.path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            continue
        pairs: Any = node.value if isinstance(node, yaml.MappingNode) else []  # of which a key may be a number, too
        found = next(((k, v) for k, v in pairs if k.value == str(step)), None)
        if found is None:
            break
        node = found[0] if mismatch.key and step == mismatch.path[-1] else found[1]
    mark = node.start_mark if node is not None else None
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
    return ConfigurationError(f"{place}: {mismatch}")


def build(plain: Any, into: Any, path: Path = ()) -> Any:
    """Return plain values (as YAML or JSON give them) as the type `into`; raise Mismatch where they do not fit."""
    try:
        if not hasattr(into, "__dataclass_fields__"):
            return msgspec.convert(plain, into)
        _blame_keys(plain, into, path)  # of a record that another package made; its unknown keys would be passed over
        return msgspec.convert(plain, into)
    except msgspec.ValidationError as error:
        _blame(plain, into, path)
        raise Mismatch(path, str(error)) from None  # what `_blame` does not know of


def _blame(plain: Any, into: Any, path: Path) -> None:
    """Raise Mismatch for the first thing in `plain` that does not fit, with the way to it; return None if all of it does."""
    origin, inside = typing.get_origin(into), typing.get_args(into)
    if origin is Annotated:
        _blame(plain, inside[0], path)
        least = max((note.min_length or 0 for note in inside[1:] if isinstance(note, msgspec.Meta)), default=0)
        if plain in ([], {}) and least:
            raise Mismatch(path, f"{_show(plain)} with nothing in it: nothing would be judged")
    elif origin in _UNIONS:
        _blame_union(plain, inside, path)
    elif origin is typing.Literal:
        if plain not in inside:
            best = near(plain, map(str, inside)) if isinstance(plain, str) else ""
            raise Mismatch(path, f"{_show(plain)}: must be one of {', '.join(f'`{word}`' for word in inside)}{best}")
    elif origin is tuple:
        if not isinstance(plain, list):
            raise Mismatch(path, f"{_show(plain)}: must be a list")
        for i, item in enumerate(plain):
            _blame(item, inside[0], (*path, i))
    elif origin is not None and issubclass(origin, Mapping):
        _blame_keys(plain, None, path)
        for key, value in plain.items():
            _blame(key, inside[0], path)
            _blame(value, inside[1], (*path, key))
    elif fields_of(into) is not None:
        _blame_keys(plain, into, path)
        hints = dict(fields_of(into).values())  # type: ignore[union-attr]
        for key, value in plain.items():
            _blame(value, hints[key], (*path, key))
    elif into is float and isinstance(plain, int) and not isinstance(plain, bool):
        return
    elif into is not Any and (not isinstance(plain, into) or (isinstance(plain, bool) and into is not bool)):
        raise Mismatch(path, f"{_show(plain)}: must be {_WORDS.get(into, into.__name__)}")


_UNIONS = (Union, getattr(types, "UnionType", Union))
_WORDS = {str: "text (quote it)", int: "a whole number", float: "a number", bool: "`true` or `false`", type(None): "empty"}


def _show(plain: Any, path: Path = ("",)) -> str:
    """Return what a complaint calls a value; of one that is all there is in a file (`path` is empty) nothing is quoted."""
    if isinstance(plain, (dict, list)):
        return "a mapping" if isinstance(plain, dict) else "a list"
    if not path and plain is not None:
        return "a value by itself"
    try:
        return "empty" if plain is None else f"`{shorten(str(plain))}`"
    except ValueError:  # a number of thousands of digits
        return "a number"


def _blame_union(plain: Any, options: tuple[Any, ...], path: Path) -> None:
    last: Mismatch | None = None
    for option in options:
        if option is type(None):
            if plain is None:
                return None
            continue
        try:
            return _blame(plain, option, path)
        except Mismatch as mismatch:
            last = mismatch
    raise last or Mismatch(path, f"{_show(plain)}: does not fit")


def _blame_keys(plain: Any, into: Any, path: Path) -> None:
    """Raise Mismatch for what is no mapping, and for a key that the record `into` does not know or that it misses."""
    if not isinstance(plain, dict):
        raise Mismatch(path, f"{_show(plain, path)}: must be a mapping")
    if into is None:
        return
    keys = [key for key, _ in (fields_of(into) or {}).values()]
    for key in plain:
        if key not in keys:
            raise Mismatch((*path, key), f"`{shorten(str(key))}`: unknown key{near(shorten(str(key)), keys)}", key=True)
    for key in list_required(into):
        if key not in plain:
            raise Mismatch(path, f"`{key}` is missing")


def fields_of(kind: Any) -> Mapping[str, tuple[str, Any]] | None:
    """Return the fields of a record, each with its key in YAML and its type, vocabularies included; None for what is no record."""
    return _fields_of(kind)


@functools.cache
def _fields_of(kind: Any) -> Mapping[str, tuple[str, Any]] | None:
    if not isinstance(kind, type) or not (issubclass(kind, msgspec.Struct) or hasattr(kind, "__dataclass_fields__")):
        return None
    hints = typing.get_type_hints(kind, include_extras=True)
    names = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else tuple(kind.__dataclass_fields__)
    return {name: (name, hints[name]) for name in names}


def list_required(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a record that have no default."""
    if issubclass(kind, msgspec.Struct):
        return tuple(field.name for field in msgspec.structs.fields(kind) if field.required)
    import dataclasses  # of a record that another package made

    missing = dataclasses.MISSING
    return tuple(field.name for field in dataclasses.fields(kind) if field.default is missing and field.default_factory is missing)


def description_of(hint: Any) -> str:
    """Return what the type of a field says that the field is; empty where it says nothing."""
    notes = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    return next((note.description for note in notes if isinstance(note, msgspec.Meta) and note.description), "")
