"""What a kind of input is: one record says everything that the house must know of it.

A kind is added by a folder below `lwlint/inputs/` and a row in its `KINDS`, or by a package with an entry point in the group
`lwlint.inputs`. Nothing else asks a source for its kind by name.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

from msgspec import Struct

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact, Release
from lwlint.core.finding import ConfigurationError
from lwlint.core.lazy import function, pattern
from lwlint.core.source import Link, Source

LINK, UNREADABLE = "link", "unreadable"  # kinds of source that are no kind of input: a link itself, a file that could not be read
TEXT = "text"  # and a file read beside others, that nothing judges
# a line that begins with a tag, a section or key in one, or a value that is one; not JSON in a value, nor `--format '{{...}}'` of a command
_TEMPLATE_LINE = pattern(
    r"^[ \t]*(?:\{\{|\{%|\{#|<%)|^[ \t]*\[[^\]\n]*(?:\{\{|<%)|^[ \t]*[\w.-]+[ \t]*[=:][ \t]*(?:\{(?:\{|%-?[ \t]*\w)|<%)", re.MULTILINE
)
TEMPLATE = "a template (Jinja, Helm, mustache, ERB), of which no option file or unit is made yet"
ENTRY_POINTS = "lwlint.inputs"
Piece = tuple[int, int]  # the offsets of the first character of a block and behind the last one
Recognised = Union[bool, str]  # whether a file is of a kind; a text says why it is of no kind at all


def is_template(head: str) -> bool:
    """Return whether a text of sections and keys is a template of another tool, of which such a file is yet to be made."""
    return _TEMPLATE_LINE.search(head) is not None


def is_markup(head: str) -> bool:
    """Return whether a text begins as XML does; `<%` is a tag of ERB, with which no XML begins."""
    start = head.lstrip("\ufeff \t\r\n")
    return start.startswith("<") and not start.startswith("<%")


class UnknownEncoding(LookupError):
    """The encoding that a file declares is none that its real program reads it by; the message is fit to be shown."""


class Comments(Struct, frozen=True):
    """How comments are written: `marks` open one, each a single character, or `<!--` where the kind is XML.

    An `inline` comment may follow a value on its line; where it is not, all behind a value belongs to the value. Blanks may stand
    in front of a comment that is `indented`. `stand` says whether a mark at an offset of a source opens one, where marks do not tell.
    """

    marks: str
    inline: bool = False
    indented: bool = True
    stand: Optional[Callable[[Source, int], bool]] = None


class Material(Struct, frozen=True):
    """What one run hands to each kind of input: everything that was found, and what facts may be made with.

    `sources` are all of the run by their paths, `facts` those of the kinds that come before. `load` reads a further file, to be judged or
    as context only; it returns None where there is none; `exists` only tells whether there is one. `environments` are the paths of Heat
    environments in their order; `hosts` tells that the sources are of hosts of one cluster. `schemas` is a folder with Pacemaker's
    schemas, to validate CIBs with. `kept` is what a kind keeps between runs, and `jobs` how many processes may read.
    """

    sources: Mapping[str, Source]
    links: Sequence[Link]
    facts: Sequence[Fact]
    catalogue: Catalogue
    release: Release
    load: Callable[..., Optional[Source]]
    exists: Callable[[str], bool]
    environments: tuple[str, ...] = ()
    hosts: bool = False
    schemas: str = ""
    kept: Any = None
    jobs: int = 1

    def of(self, *kinds: str) -> list[Source]:
        """Return the sources of these kinds, in their order."""
        return [source for source in self.sources.values() if source.kind in kinds]


Facts = Callable[[Material], Iterable[Fact]]
Telling = Callable[[Sequence[Source]], Optional[Release]]


def no_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield nothing: what is a secret is left to the look of the lines."""
    return iter(())


def no_blocks(source: Source) -> Iterator[Piece]:
    """Yield nothing: text of this kind has no blocks."""
    return iter(())


def made_by(target: str, *kinds: str, given: Callable[[Material], tuple[Any, ...]] = lambda material: ()) -> Facts:
    """Return what makes the facts of some kinds of sources: the function `target` (`MODULE:NAME`), of the sources and what is `given`.

    Where there are no such sources, its module is not imported.
    """
    call = function(target)

    def make(material: Material) -> Iterable[Fact]:
        sources = material.of(*kinds)
        return call(sources, *given(material)) if sources else ()

    return make


def told_by(target: str, *kinds: str) -> Telling:
    """Return what tells the release of sources of some kinds: the function `target` (`MODULE:NAME`), where there are any."""
    call = function(target)

    def tell(sources: Sequence[Source]) -> Optional[Release]:
        found = [source for source in sources if source.kind in kinds]
        return call(found) if found else None

    return tell


class Kind(Struct, frozen=True):
    """One kind of input.

    name        the word for it in `--kind`, in `lwlint facts` and in a source
    noun        what a file of it is called, in the singular: `systemd unit`
    title       what they are called in pages: `systemd units`
    missing     why a rule about it is not evaluated where there is none: `no systemd unit was given`
    limit       the most bytes of a file, so that reading one takes less than 500 MB
    may_hold    whether a file at a path is worth opening in a folder that the user gave as a whole
    recognise   whether a file is of this kind, by its path, the beginning of its text, and whether the user named it
    guess       whether a file that the user named is, by the beginning of its text alone, where no kind knows its path
    decode      bytes -> text, as the real program does it; raises UnicodeDecodeError, whose `start` is the place in the bytes, where that
                fails, and UnknownEncoding for a declared encoding that it does not know or that cannot be true
    facts       what is configured, from all that a run found
    gives       the classes of these facts, for rules about a kind of fact
    release     the release that judged sources tell; None where they tell none
    in_tree     whether a file is a part of a tree of templates, which tells the release where its own text does not
    language    the language of the text, as SARIF names it; empty where it has none
    hook        a regular expression for the paths of which a pre-commit hook is told: all that `may_hold` takes, and few others
    comments    how a comment is written, for `lwlint: allow`; None where there are none
    blocks      the blocks of a source (a section, an element, an entry, a statement), for `lwlint: allow` above one
    whole       where a block begins with this character, what a file lacks as a whole is in each such block, too
    secrets     the places of the scalars of a source that are secrets, given the names that some source says are hidden
    secret_names  keys that hold a secret in this kind, beside those that do everywhere
    hidden_names  the names that a text says are hidden; None where the kind has no such thing
    has_no_structure  whether a source is broken, so that its lines alone tell what is a secret
    on_hosts    whether its files lie in the file system of a host: `root` of their sources is then where that begins
    link        whether a link at a path means something to this kind by itself (an alias, a mask)
    copied      whether the hosts of a cluster have copies of one such file
    printed     whether it is what a command printed into a report, which only an audit reads
    stands_for  the kind whose facts it gives as well, from weaker evidence
    """

    name: str
    noun: str
    title: str
    missing: str
    limit: int
    may_hold: Callable[[str], bool]
    recognise: Callable[[str, str, bool], Recognised]
    decode: Callable[[bytes], str]
    facts: Facts
    gives: Callable[[], tuple[type[Fact], ...]] = lambda: ()
    release: Telling = lambda sources: None
    in_tree: bool = False
    guess: Callable[[str], bool] = lambda head: False
    language: str = ""
    hook: str = ""
    comments: Comments | None = None
    blocks: Callable[[Source], Iterator[Piece]] = no_blocks
    whole: str = ""
    secrets: Callable[[Source, Collection[str]], Iterator[Piece]] = no_secrets
    secret_names: tuple[str, ...] = ()
    hidden_names: Callable[[str], Iterable[str]] | None = None
    has_no_structure: Callable[[Source], bool] = lambda source: False
    on_hosts: bool = True
    link: Callable[[str], bool] = lambda path: False
    copied: bool = False
    printed: bool = False
    stands_for: str = ""


class Kinds:
    """All kinds of a run, in the order in which their facts are made."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._by_name = {kind.name: kind for kind in kinds}
        self._files = tuple(kind for kind in self._by_name.values() if not kind.printed)
        self._printed = tuple(kind for kind in self._by_name.values() if kind.printed)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Kind:
        return self._by_name[name]

    def get(self, name: str) -> Kind | None:
        """Return the kind called `name`; None for a link, a file that could not be read, and a word that is no kind."""
        return self._by_name.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the kinds that files are of."""
        return tuple(kind.name for kind in self._files)

    @property
    def most(self) -> int:
        """The most bytes that a file of any kind may have."""
        return max(kind.limit for kind in self)

    @property
    def nothing(self) -> str:
        """Why a file is of no kind."""
        nouns = [kind.noun for kind in self._files]
        return f"no {', '.join(nouns[:-1])} or {nouns[-1]}"

    def of(self, path: str, head: str, *, named: bool = False) -> tuple[Kind | None, str]:
        """Return the kind of the file at `path` whose text (or its beginning) is `head`, and why it is of none.

        A file that the user `named` is taken by its path where the content does not tell, or by its content where the path does not;
        one that was met in a folder is then left out.
        """
        markup = is_markup(head)
        for kind in self._printed if named else ():
            if kind.guess(head):
                return kind, ""
        for kind in self._files:
            if markup and kind.language != "xml":
                continue
            found = kind.recognise(path, head, named)
            if found is True:
                return kind, ""
            if found:
                return None, str(found)
        guessed = next((kind for kind in self._files if kind.guess(head)), None) if named and not markup else None
        return guessed, "" if guessed is not None else self.nothing

    def may_hold(self, path: str) -> bool:
        """Return whether a file at `path` is worth opening in a folder that the user gave as a whole."""
        return any(kind.may_hold(path) for kind in self._files)

    @property
    def hook(self) -> str:
        """A regular expression for the paths of which a pre-commit hook is told."""
        return "|".join(kind.hook for kind in self._files)

    def has_meaning(self, path: str) -> bool:
        """Return whether a link at `path` means something by itself."""
        return any(kind.link(path) for kind in self._files)

    def find_printed(self, path: str) -> Kind | None:
        """Return the kind of what a command printed into a report at `path`; None where it is no such file."""
        return next((kind for kind in self._printed if kind.may_hold(path)), None)

    def in_tree(self, source: Source) -> bool:
        """Return whether a source is a part of a tree of templates."""
        kind = self.get(source.kind)
        return kind is not None and kind.in_tree

    def release(self, sources: Iterable[Source]) -> Release:
        """Return the release that the judged ones of the sources are of, and because of what; `Release(None)` when nothing tells it.

        The kinds are asked in their order: templates tell it best, then a CIB, then units. Where the evidence only sets a lower bound, that
        is the answer, and `because` says so.
        """
        judged = [source for source in sources if source.judged]
        found = (kind.release(judged) for kind in self._by_name.values())
        return next((one for one in found if one is not None), Release(None, "nothing that was given shows the release"))

    def missing(self, wanted: Sequence[str], given: Collection[str]) -> str:
        """Return why nothing can be said where none of the `wanted` kinds is among those that are `given`; empty where one is."""
        return "" if not wanted or any(name in given for name in wanted) else self._by_name[wanted[0]].missing

    def that_gives(self, fact: str) -> Kind | None:
        """Return the kind of input that gives facts called so; None for facts that any may give."""
        return next((kind for kind in self._by_name.values() if fact in {each.kind for each in kind.gives()}), None)

    def list_given(self, source: Source) -> set[str]:
        """Return the names of the kinds that a source is evidence of."""
        kind = self.get(source.kind)
        if kind is not None:
            return {kind.name, kind.stands_for} - {""}
        return {kind.name for kind in self._files if kind.link(source.path)} if source.kind in (LINK,) else {source.kind}

    def list_given_by(self, sources: Iterable[Source]) -> set[str]:
        """Return the names of the kinds that any of the sources is evidence of: of one kind one source tells, and each link for itself."""
        apart = {source.path if source.kind in (LINK,) else source.kind: source for source in sources}
        return {name for source in apart.values() for name in self.list_given(source)}


def decode_utf8(data: bytes) -> str:
    """Return the text of UTF-8; raises UnicodeDecodeError for other bytes."""
    return data.decode("utf-8")


def decode_loosely(data: bytes) -> str:
    """Return the text of UTF-8, with U+FFFD in place of other bytes."""
    return data.decode("utf-8", "replace")


def load(point: Any) -> Any:
    """Return what an entry point of an installed package names; raise ConfigurationError, with the reason, if it cannot be loaded."""
    try:
        return point.load()
    except Exception as error:  # whatever the package's own module raises
        said = " ".join(str(error).split())
        raise ConfigurationError(
            f"`{point.name}`: entry point `{point.value}` cannot be loaded ({type(error).__name__}: {said})"
        ) from error
