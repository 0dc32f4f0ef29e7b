"""Types of parameters: words that must be of a vocabulary, expressions, messages with places to fill in.

A parameter is declared with one of these types, and its value is compared with the vocabulary when the rule is read: a word that means
nothing is an error with its place, so that a policy never shrinks in silence. To the checks the values are plain text.

What one field alone cannot tell (an attribute must be one of the kind of fact that another field names) the record says itself, in a
method `misfits` that yields a `Mismatch` for each thing that does not fit, with its path from the record.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from lwlint.core import lazy
from lwlint.core.catalogue import known_projects, known_services
from lwlint.core.config_reader import Mismatch, Path, fields_of, near
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, LATER, RELEASES, OneOf
from lwlint.core.source import Span, Text

if TYPE_CHECKING:
    from string import Formatter


class Word:
    """A word of a vocabulary; `words` returns it, `what` is how a complaint names one."""

    def __init__(self, what: str, words: Callable[[], Iterable[str]]) -> None:
        self.what = what
        self.words = words

    def complaint(self, value: str) -> str | None:
        """Return what is wrong with the value; None if nothing is."""
        words = list(self.words())
        return None if value in words else f"`{value}`: unknown {self.what}{near(value, words)}"


class Shape:
    """Text of a certain form: `read` raises ValueError, with the reason, for anything else."""

    def __init__(self, what: str, read: Callable[[str], object]) -> None:
        self.what = what
        self.read = read

    def complaint(self, value: str) -> str | None:
        """Return what is wrong with the value; None if nothing is."""
        try:
            self.read(value)
        except ValueError as error:
            return f"`{value}`: {error}"
        return None


class Places:
    """A message in which `{name}` stands for something; the names are those given."""

    what = "message"

    def __init__(self, *names: str) -> None:
        self.names = names

    def complaint(self, value: str) -> str | None:
        """Return what is wrong with the value; None if nothing is."""
        known = " or ".join(f"`{{{name}}}`" for name in self.names)
        try:
            found = [(name, form, conversion) for _, name, form, conversion in _formatter().parse(value) if name is not None]
        except ValueError as error:
            return f"`{value}`: {error}; a brace that is meant as one is written twice"
        for name, form, conversion in found:
            if name not in self.names or form or conversion:
                return f"`{value}`: unknown placeholder `{{{name}}}`{near(name, self.names) or f'; there is {known}'}"
        return None


@functools.cache
def _formatter() -> Formatter:
    with lazy.late_expressions():  # `string` compiles one for its templates
        from string import Formatter
    return Formatter()


@functools.cache
def parts_of(template: str) -> tuple[tuple[str, str], ...]:
    """Return a message as pairs of text and the placeholder (`service.title`) behind it, empty for none.

    Raises ValueError for another form.
    """
    found = []
    for text, name, form, conversion in _formatter().parse(template):
        if form or conversion:
            raise ValueError(f"`{{{name}}}` stands for a text as it is, without `:` or `!`")
        if name == "":
            raise ValueError("a brace that is meant as one is written twice")
        found.append((text, name or ""))
    return tuple(found)


def wrong_placeholders(kind: type, template: str, path: Path) -> Iterator[Mismatch]:
    """Yield what does not fit in a message in which attributes of facts of a kind stand (`{service.title}`)."""
    try:
        names = [name for _, name in parts_of(template) if name]
    except ValueError as error:
        yield Mismatch(path, f"`{template}`: {error}")
        return
    for name in names:
        try:
            hint = attribute(kind, name)
        except ValueError as error:
            yield Mismatch(path, f"`{template}`: `{{{name}}}`: {error}")
            continue
        if str not in list(_options(hint)):
            yield Mismatch(path, f"`{template}`: `{{{name}}}` is no text")


def wrong_place(kind: type, dotted: str, path: Path, *, any_type: bool = False) -> Iterator[Mismatch]:
    """Yield a complaint for what is no attribute of facts of a kind, or none that is a place."""
    try:
        hint = attribute(kind, dotted)
    except ValueError as error:
        yield Mismatch(path, f"`{dotted}`: {error}")
        return
    if not any_type and not any(each in (Span, Text) or typing.get_args(each)[:1] == (Text,) for each in _options(hint)):
        yield Mismatch(path, f"`{dotted}`: is no place in an input")


def nothing_in(record: object, *names: str) -> Iterator[Mismatch]:
    """Yield a complaint where all lists with these names are empty, so that the rule would judge nothing."""
    if not any(getattr(record, name) for name in names):
        said = " or ".join(filter(None, (", ".join(f"`{name}`" for name in names[:-1]), f"`{names[-1]}`")))
        yield Mismatch((names[0],), f"nothing is in {said}: nothing would be judged")


def wrong_bounds(at_least: float | None, at_most: float | None) -> Iterator[Mismatch]:
    """Yield a complaint for bounds that no number is within, at the one that is to blame."""
    for name, bound in (("at_least", at_least), ("at_most", at_most)):
        if bound is not None and bound != bound:  # `.nan`
            yield Mismatch((name,), f"`{bound}`: is no number that a value can be compared with")
    if at_least is not None and at_most is not None and at_least > at_most:
        yield Mismatch(("at_most",), f"`{at_most:g}`: is less than `at_least` (`{at_least:g}`), so that no value fits")


def wrong_groups(expression: str, template: str, path: Path) -> Iterator[Mismatch]:
    """Yield a complaint for a template (`\\1::db`) that refers to groups which the expression does not have."""
    import re

    try:
        found = lazy.compile_linear(expression)
    except ValueError:
        return  # told by the expression itself
    try:
        re.compile(f"(?:{expression})|").fullmatch("").expand(template)  # type: ignore[union-attr]
    except (re.error, IndexError) as error:
        yield Mismatch(path, f"`{template}`: does not fit `{expression}`, which has {found.groups} groups: {error}")


def _option(text: str) -> None:
    section, slash, option = text.rpartition("/")
    if not (section.strip() and slash and option.strip()):
        raise ValueError("must be `section/option`, as `database/max_retries`")


def _hiera_key(text: str) -> None:
    module, colons, name = text.partition("::")
    if not (module and colons and name) or any(letter.isspace() for letter in text):
        raise ValueError("must be a hiera key, as `nova::db::database_max_retries`")


# drivers of oslo.messaging, and schemes of the URLs of databases and of coordination
_DRIVERS = (
    *("amqp", "amqps", "fake", "http", "https", "kafka", "kombu", "pika", "qpid", "rabbit", "zmq"),
    *("mariadb", "mongodb", "mssql", "mysql", "postgres", "postgresql", "redis", "rediss", "sqlite"),
    *("consul", "etcd", "etcd3", "file", "memcached", "zookeeper"),
)


def _driver(text: str) -> None:
    """Any scheme may be one, but for one that is nearly a known one."""
    import re

    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+._-]*", text):
        raise ValueError("must be the scheme of a URL, as `rabbit`")
    dialect = text.partition("+")[0]  # `mysql+pymysql`
    if dialect not in _DRIVERS and (meant := near(dialect, _DRIVERS)):
        raise ValueError(f"unknown driver{meant}")


def _line(text: str) -> None:
    """Commands name the fact that they fix as `NAME`."""
    import re

    braced = re.search(r"(?i)(?<!\$)\{(\w*name)\}", text)
    if braced is not None:
        raise ValueError(f"unknown placeholder `{braced[0]}`; did you mean `NAME`?")
    for word in re.findall(r"\b[A-Z]{3,}\b", text):
        if word != "NAME" and near(word, ("NAME",)):
            raise ValueError(f"unknown placeholder `{word}`; did you mean `NAME`?")


def _sections() -> Mapping[str, frozenset[str]]:
    from lwlint.inputs.systemd.settings import INSTALL_KEYS, SERVICE_KEYS, UNIT_KEYS

    return {"Unit": UNIT_KEYS, "Service": SERVICE_KEYS, "Install": INSTALL_KEYS}


def _directives() -> Iterable[str]:
    return frozenset().union(*_sections().values())


def _setting(text: str) -> None:
    section, dot, key = text.partition(".")
    if not dot:
        raise ValueError("must be `Section.Key`, as `Service.Restart`")
    sections = _sections()
    if section not in sections:
        raise ValueError(f"unknown section{near(section, sections) or '; there are `Unit`, `Service` and `Install`'}")
    if key not in sections[section]:
        raise ValueError(f"unknown setting of systemd{near(text, [f'{section}.{known}' for known in sections[section]])}")


def _setting_in_force(text: str) -> None:
    from lwlint.inputs.systemd.settings import RENAMED

    _setting(text)
    if text in RENAMED:
        raise ValueError(f"is known by its name of today; did you mean `{RENAMED[text]}`?")


def _ignored_setting(text: str) -> None:
    """A line that systemd ignores may name a setting of another section."""
    section, dot, key = text.partition(".")
    if section not in _sections() or not dot:
        _setting(text)
    elif key not in _directives():
        raise ValueError(f"unknown setting of systemd{near(key, _directives())}")


def _clauses() -> Iterable[str]:
    from lwlint.core.catalogue import known_clauses

    return known_clauses()


def _about() -> Iterable[str]:
    from lwlint.inputs.heat.facts import ABOUT

    return ABOUT


KINDS = (CORE, ACTIVE_PASSIVE, ACTIVE_ACTIVE, INFRASTRUCTURE)

ServiceName = Annotated[str, Word("service", lambda: known_services())]
ServiceKind = Annotated[str, Word("kind of service", lambda: KINDS)]
ReleaseName = Annotated[str, Word("release", lambda: (*RELEASES, LATER))]
KnownRelease = Annotated[str, Word("release", lambda: RELEASES)]
Project = Annotated[str, Word("project", lambda: known_projects())]
ClauseName = Annotated[str, Word("clause", _clauses)]
Directive = Annotated[str, Word("setting of systemd", _directives)]
UnitSetting = Annotated[str, Shape("setting of systemd", _setting_in_force)]
WrittenSetting = Annotated[str, Shape("setting of systemd", _setting)]
IgnoredSetting = Annotated[str, Shape("setting of systemd", _ignored_setting)]
HieraName = Annotated[str, Shape("hiera key", _hiera_key)]
Driver = Annotated[str, Shape("driver", _driver)]
OptionName = Annotated[str, Shape("option", _option)]
Regex = Annotated[str, Shape("regular expression", lazy.compile_linear)]
CommandLine = Annotated[str, Shape("command", _line)]
AboutService = Annotated[str, Places("service")]
HeatWord = Annotated[str, Word("word of a template", lambda: _about())]
FactKind = Annotated[str, Word("kind of fact", lambda: fact_classes())]
FactPath = Annotated[str, "attribute of a fact"]  # compared by the record that knows the kind of fact, as is a message
FactMessage = Annotated[str, "message with attributes of a fact in it"]


@functools.cache
def fact_classes() -> Mapping[str, type]:
    """Return the classes of all facts by the words that rules know them by."""
    from lwlint.core.facts import ANY_INPUT
    from lwlint.inputs import KINDS as INPUTS

    every: tuple[Any, ...] = (*ANY_INPUT, *(each for kind in INPUTS for each in kind.gives()))
    return {each.kind: each for each in every}


def compare(value: Any, hint: Any, path: Path = ()) -> Iterator[Mismatch]:
    """Yield what does not fit the vocabularies of `hint`, the type that `value` was read into, with its path from the top."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return
    if origin is Annotated:
        yield from compare(value, inside[0], path)
        for each in inside[1:]:
            complaint = each.complaint(value) if isinstance(each, (Word, Shape, Places)) and isinstance(value, str) else None
            if complaint is not None:
                yield Mismatch(path, complaint)
    elif origin is Union or isinstance(hint, getattr(types, "UnionType", ())):
        for option in inside:
            if _is_of(value, option):
                yield from compare(value, option, path)
                return
    elif isinstance(value, (tuple, list)) and inside:
        for i, each in enumerate(value):
            yield from compare(each, inside[0], (*path, i))
    elif isinstance(value, Mapping) and len(inside) == 2:
        for key, each in value.items():
            yield from (Mismatch((*path, key), str(wrong), key=True) for wrong in compare(key, inside[0]))
            yield from compare(each, inside[1], (*path, key))
    elif (fields := fields_of(type(value))) is not None:
        for name, (key, kind) in fields.items():
            yield from compare(getattr(value, name), kind, (*path, key))
        for wrong in value.misfits() if hasattr(value, "misfits") else ():
            yield Mismatch((*path, *wrong.path), str(wrong), key=wrong.key)


def _is_of(value: Any, option: Any) -> bool:
    if typing.get_origin(option) is Annotated:
        option = typing.get_args(option)[0]
    origin = typing.get_origin(option) or option
    if origin is Literal:
        return value in typing.get_args(option)
    return isinstance(origin, type) and isinstance(value, origin)


@functools.cache
def _attributes(kind: type) -> Mapping[str, Any]:
    """Return the attributes of a record, its fields and properties, each with its type."""
    found = {name: hint for name, (_, hint) in (fields_of(kind) or {}).items()}
    for name, value in vars(kind).items():
        if isinstance(value, (property, functools.cached_property)) and not name.startswith("_"):
            function = value.fget if isinstance(value, property) else value.func
            found[name] = typing.get_type_hints(function, include_extras=True)["return"]
    return found


def attribute(kind: type, dotted: str) -> Any:
    """Return the type of an attribute of a fact (`service.kind`); raise ValueError, with the near one, for one that it never has."""
    hint: Any = kind
    done = ""
    for name in dotted.split("."):
        inner = next((each for each in _options(hint) if isinstance(each, type) and fields_of(each) is not None), None)
        known = _attributes(inner) if inner is not None else {}
        if name not in known:
            where = f"`{done[:-1]}` of a {_word(kind)}" if done else f"a {_word(kind)}"
            best = near(f"{done}{name}", [f"{done}{each}" for each in known])
            raise ValueError(f"unknown attribute of {where}{best or ('' if known else ', which has none')}")
        hint, done = known[name], f"{done}{name}."
    return hint


def _word(kind: Any) -> str:
    return str(getattr(kind, "kind", kind.__name__)).replace("_", " ")


def _options(hint: Any) -> Iterator[Any]:
    """Yield the types that a value of `hint` may have."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        yield from _options(typing.get_args(hint)[0])
    elif origin is Union or isinstance(hint, getattr(types, "UnionType", ())):
        for each in typing.get_args(hint):
            yield from _options(each)
    else:
        yield hint


def words_of(hint: Any) -> tuple[str, ...] | None:
    """Return the words that an attribute of this type may have; None where it may have any."""
    if typing.get_origin(hint) is Annotated:
        for each in typing.get_args(hint)[1:]:
            if isinstance(each, OneOf):
                return each.words
    for option in _options(hint):
        if typing.get_origin(option) is Literal:
            return typing.get_args(option)
    return None


def wrong_wanted(kind: type, wanted: Mapping[str, Any], path: Path, *, empty: bool = False) -> Iterator[Mismatch]:
    """Yield what does not fit in attributes of facts of a kind and the values that are looked for.

    A list with nothing in it, which no fact fits, is taken where it may be `empty`: where it leaves out nothing.
    """
    for dotted, values in wanted.items():
        try:
            hint = attribute(kind, dotted)
        except ValueError as error:
            yield Mismatch((*path, dotted), f"`{dotted}`: {error}", key=True)
            continue
        if values == () and not empty:
            yield Mismatch((*path, dotted), "a list with nothing in it: nothing would be judged")
        for i, value in enumerate(values) if isinstance(values, tuple) else [(None, values)]:
            said = wrong_value(hint, dotted, value)
            if said:
                yield Mismatch((*path, dotted) if i is None else (*path, dotted, i), said)


def wrong_value(hint: Any, name: str, value: Any) -> str | None:
    """Return why an attribute of this type never has the value; None if it may have it."""
    kinds = [each for each in _options(hint) if each is not type(None)]
    if bool in kinds and not isinstance(value, bool):
        return f"`{value}`: `{name}` is `true` or `false`"
    if bool not in kinds and isinstance(value, bool):
        return f"`{str(value).lower()}`: `{name}` is not a switch (quote it if it is text)"
    if isinstance(value, bool):
        return None
    if name.rpartition(".")[2] == "name" and "service." in name:
        return Word("service", known_services).complaint(value)
    words = words_of(hint)
    if str not in kinds and words is None:
        return f"`{value}`: `{name}` is neither text nor a switch, so that no value fits"
    if words is not None and value not in words:
        return f"`{value}`: `{name}` is never that{_instead(value, words)}"
    if words is None and name.rpartition(".")[2] == "name" and any(sign in value for sign in "*?"):
        return f"`{value}`: `{name}` is compared as it is, and `*` and `?` stand for themselves"
    return None


def _instead(value: str, words: Iterable[str]) -> str:
    """Return the word that is most like the value, else all of them."""
    return near(value, words) or "; it is one of " + ", ".join(f"`{word}`" for word in words if word)


def is_time_span(setting: str) -> bool:
    """Return whether a setting of systemd (`Service.RestartSec`) is a time span."""
    from lwlint.inputs.systemd.settings import SERVICE_KEYS, UNIT_KEYS

    key = setting.rpartition(".")[2]
    return key.endswith("Sec") and key in (*UNIT_KEYS, *SERVICE_KEYS)


def wrong_number(setting: str, hint: Any) -> str | None:
    """Return why a setting, or an attribute of the type `hint` (None: it is a setting of systemd), has no least or greatest value."""
    from lwlint.inputs.systemd.settings import CHOICES, RENAMED

    if hint is None:
        words = tuple(CHOICES.get(RENAMED.get(setting, setting), "").split())
    else:
        words = ("true", "false") if bool in list(_options(hint)) else words_of(hint) or ()
    return None if not words else f"`{setting}` is never a number; it is one of {', '.join(f'`{word}`' for word in words if word)}"


def wrong_setting_value(setting: str, value: str) -> str | None:
    """Return why systemd would not take a value for a setting (`Service.Restart`); None if it may."""
    from lwlint.inputs.systemd.settings import CHOICES, RENAMED, time_span

    setting = RENAMED.get(setting, setting)
    choices = CHOICES[setting].split() if setting in CHOICES else None
    if choices is not None and value not in choices:
        return f"`{value}`: `{setting}` is never that{_instead(value, choices)}"
    if is_time_span(setting) and time_span(value) is None:
        return f"`{value}`: `{setting}` is a time span, as `90s`"
    return None
