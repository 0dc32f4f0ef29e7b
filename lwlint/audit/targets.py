"""What an audit is of: archives, folders, file systems and single CIBs, opened; and the hosts in each.

What is at a URL is read as a stream through fsspec, which only such a target imports: nothing is stored on the way. What may be opened
is what the user named and nothing else: no URL in a URL (`simplecache::...` writes to the disk), no redirection.
"""

from __future__ import annotations

import importlib
import os
import posixpath
import re
import traceback
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, NamedTuple, Union, cast

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.report_layout import (
    CIB,
    CLUSTER_STATUS,
    COROSYNC,
    CRM_REPORT,
    WANTED,
    Capture,
    Evidence,
    Missing,
    Selected,
    as_sos,
    capture,
    captures,
    names,
    with_supportconfigs,
)
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Span
from lwlint.files.archive import Archive, read_archive
from lwlint.files.archive import unpack as formats
from lwlint.files.archive.unpack import Readable
from lwlint.files.processes import Lost, Pool, cores, possible, room
from lwlint.files.tree import Boundary, Disk, Memory, Overlay, Tree
from lwlint.inputs import pacemaker
from lwlint.inputs.pacemaker.crm import is_crm_config, is_supportconfig
from lwlint.inputs.pacemaker.pcs import is_pcs_config

FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
SECONDS = 30.0
MOST = 64_000_000  # bytes of output
_SAID = 300  # characters of what a command says of its failure
_CRM_SHOW = re.compile(r"(?:[^\n]{0,80}[#$>] (?:sudo )?crm [^\n]*\n)?(?:node|primitive) ")  # with the command, as it was typed
_CIBADMIN = ("cibadmin", "-Q")
_SYSTEMCTL = ("systemctl", "show", "--all", "--no-pager", "--", "*.service")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "/sos_commands/pacemaker/cibadmin_-Q": _CIBADMIN,
    "/sos_commands/systemd/systemctl_show_service_--all": _SYSTEMCTL,
}
_DEEPEST = 3  # folders below the one that was named, in which archives are looked for
_OF_A_CASE = re.compile(r"sos[_-]?(?:report|collector)|(?:crm|hb)_report", re.IGNORECASE)
_MAY_BE_CIB = re.compile(r"cib|\.xml\.|^pe-", re.IGNORECASE)
_PACKED = MappingProxyType({formats.BZIP2: "bz2", formats.GZIP: "gzip"})
_OTHER = re.compile(r"\.(?:zip|7z|rar)$", re.IGNORECASE)  # not opened, and said so


class Asked(NamedTuple):
    """What the commands printed, by the path at which a report has it, and which of them did not do their work, and why."""

    files: dict[str, bytes]
    missing: tuple[Missing, ...]


def ask(folders: Sequence[str] = FOLDERS, seconds: float = SECONDS, most: int = MOST) -> Asked:
    """Run both commands, of the programs in `folders`, and return what they printed."""
    files: dict[str, bytes] = {}
    missing = []
    for path, command in COMMANDS.items():
        program = next((found for folder in folders if os.access(found := os.path.join(folder, command[0]), os.X_OK)), None)
        output, because = _output((program, *command[1:]), seconds, most) if program is not None else (b"", "")
        if because or not output:
            expected = (because or "a word of it",)
            looked_for = expected if program is not None else tuple(os.path.join(folder, command[0]) for folder in folders)
            missing.append(Missing(f"output of `{' '.join(command)}`", looked_for))
        else:
            files[path] = output
    return Asked(files, tuple(missing))


def _output(command: Sequence[str], seconds: float, most: int) -> tuple[bytes, str]:
    """Return what a command printed, and what was expected of it in vain; empty where it did its work."""
    import subprocess

    environment = {"PATH": ":".join(FOLDERS), "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        process = subprocess.Popen(  # nosec B603 -- two fixed commands, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        return b"", f"a program that can be run ({error.strerror})"
    because = "an end"
    try:
        output, said, because = _outputs(process.stdout.fileno(), process.stderr.fileno(), seconds, most)  # type: ignore[union-attr]
        if not because:
            because = _describe_end(lambda: process.wait(seconds), said)
        return (b"", because) if because else (output, "")
    finally:
        _end(process.pid, bool(because))
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _describe_end(wait: Callable[[], int], said: bytes) -> str:
    from subprocess import TimeoutExpired

    try:
        code = wait()
    except TimeoutExpired:
        return "an end, but it only closed its output"
    if not code:
        return ""
    words = " ".join(said.decode("utf-8", "replace").split())[:_SAID]
    return f"exit code 0, but it was {code}" + (f" ({words})" if words else "")


def _end(process: int, wanted: bool) -> None:
    """End a command that is still at work, and what it has started."""
    if wanted:
        import contextlib
        import signal

        with contextlib.suppress(OSError):
            os.killpg(process, signal.SIGKILL)


def _outputs(out: int, err: int, seconds: float, most: int) -> tuple[bytes, bytes, str]:
    """Return what comes through two pipes until both are closed, and why it was not read to the end; empty where it was."""
    import select
    import time

    until = time.monotonic() + seconds
    parts: dict[int, list[bytes]] = {out: [], err: []}
    size, open_ = 0, {out, err}
    while open_:
        ready = select.select(list(open_), [], [], max(0.0, until - time.monotonic()))[0]
        if not ready:
            return b"", b"", f"an end within {seconds:g} seconds"
        for pipe in ready:
            piece = os.read(pipe, 1 << 16)
            if not piece:
                open_.discard(pipe)
            elif pipe == out or sum(map(len, parts[err])) < _SAID:
                parts[pipe].append(piece)
            size += len(piece)
            if size > most:
                return b"", b"", f"no more than {most} bytes"
    return b"".join(parts[out]), b"".join(parts[err]), ""


ARCHIVE, FOLDER, ROOT, LONE_CIB = "archive", "folder", "root", "CIB"
_MANY_FILES, _ONE_FILE = (ARCHIVE,), (LONE_CIB,)


class Target(Struct, frozen=True):
    """One thing that the user named, with the hosts found in it, and what was wrong on the way.

    `path` is as the user named it. Paths of `tree`, `captures` and `troubles` are those inside an archive, or those on the disk.
    """

    path: str
    kind: str
    tree: Tree
    captures: tuple[Capture, ...] = ()
    troubles: tuple[Unreadable, ...] = ()
    trace: str = field(default="")

    def show(self, inside: str) -> str:
        """Return how to show a path of the target's tree."""
        if self.is_archive:
            return f"{self.path}!{inside}" if inside else self.path
        return self.path if self.kind in _ONE_FILE else inside or self.path

    @property
    def is_archive(self) -> bool:
        """Whether it is one file with many in it."""
        return self.kind in _MANY_FILES


def targets(
    paths: Sequence[str],
    roots: Sequence[str],
    told: Told = lambda path, done, size, seen: None,
    jobs: int | None = 1,
    asked: Asked | None = None,
    *,
    trusted: bool = False,
) -> list[Target]:
    """Return what is at the `paths` (reports, archives, CIBs, folders of these, URLs) and the file systems at `roots`, each once, sorted.

    `asked` is what commands on this machine said, which stands in the file system at `/`. `told` is told of progress, and `jobs`
    archives are read at a time (None: as many as fit). Links in a folder lead out of it only if it is
    `trusted`. Raises ConfigurationError for a path that does not exist.
    """
    urls = [path for path in dict.fromkeys(paths) if is_url(path) and not os.path.exists(path)]
    paths = [path for path in paths if path not in urls]
    for path in (*paths, *roots):
        try:
            os.stat(path)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            raise ConfigurationError(
                f"`{path}`: {f'cannot be looked at ({error.strerror})' if denied else 'no such file or folder'}"
            ) from None
        if not (os.path.isdir(path) or os.path.isfile(path)):
            raise ConfigurationError(f"`{path}`: is not a regular file (a pipe, socket or device); it is not opened")
    found: list[Union[Target, str]] = [_root(root, asked if root == "/" else None) for root in dict.fromkeys(roots)]
    for path in dict.fromkeys(posixpath.normpath(path.replace(os.sep, "/")) for path in paths):
        found += _folder(path, None if trusted else Boundary((path,))) if os.path.isdir(path) else [_file(path)]
    archives = sorted({one for one in found if isinstance(one, str)})
    read = [_archive(path, archive) for path, archive in zip(archives, read_archives(archives, told, jobs))]
    read += [_url(url, told) for url in urls]
    return sorted([*(one for one in found if isinstance(one, Target)), *read], key=lambda target: (target.path, target.kind))


def _root(path: str, asked: Asked | None) -> Target:
    if not os.path.isdir(path):
        raise ConfigurationError(f"`{path}`: is not a folder")
    tree: Tree = Selected(Disk(), path, WANTED)
    if asked is not None:
        tree = Overlay(tree, asked.files)
    found = capture(tree, path.rstrip("/") + "/")
    if asked is not None:
        found = replace(found, missing=(*asked.missing, *found.missing))
    return Target(path, ROOT, tree, (found,)) if found.evidence else Target(path, ROOT, tree, (), tuple(_list_denied(path)))


def _folder(path: str, boundary: Boundary | None, above: frozenset[str] = frozenset()) -> Iterator[Union[Target, str]]:
    """Yield the reports in a folder, and what lies beside them: archives, CIBs by themselves, and links to folders elsewhere.

    `above` are the real paths of the folders that are being looked into, which a link may lead back to.
    """
    above |= {os.path.realpath(path)}
    top = "" if path == "." else path
    tree = with_supportconfigs(Selected(Disk(), path, WANTED), top)
    found, trace, more = _captures(tree, top)
    beside = list(loose(path, frozenset(posixpath.normpath(one.root or ".") for one in found), boundary))
    if found or not beside:
        yield Target(path, FOLDER, tree, found, () if found else (*_list_denied(path), *more), trace)
    for name in beside:
        if leads_out(name, boundary):
            trouble = Unreadable(
                "", Span("", 0, 0), "link leads out of the folder that was named, and is not followed; `--trust` follows it"
            )
            yield Target(name, FOLDER, Memory({}), (), (trouble,))
        elif not os.path.isdir(name):
            yield _file(name)
        elif os.path.realpath(name) not in above:
            yield from (one for one in _folder(name, boundary, above) if isinstance(one, str) or one.captures)


def _captures(tree: Tree, path: str = "") -> tuple[tuple[Capture, ...], str, tuple[Unreadable, ...]]:
    """Return the hosts in a tree; of one over which looking for them fails, by a defect of lwlint, the traceback, and what to say."""
    try:
        return tuple(_hosts(captures(tree, path))), "", ()
    except Exception as error:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        return (), trace, (Unreadable("", Span("", 0, 0), f"was not looked into, by a defect of lwlint: {type(error).__name__}"),)


def _list_denied(path: str) -> Iterator[Unreadable]:
    """Yield what may not be listed of a folder in which nothing was found: that folder, and those in it."""
    for below in (path, *(posixpath.join(path, name) for name in names(Disk(), path))):
        try:
            if os.path.isdir(below):
                os.listdir(below)
        except OSError as error:
            yield Unreadable(below, Span(below, 0, 0), f"folder cannot be read ({error.strerror})")


def _file(path: str) -> Union[Target, str]:
    """Return the CIB at `path`; the path itself where there is something else, which must be an archive."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
        if starts_xml(head):
            return _cib(path)
        begins = head.decode("utf-8", "replace")
        if pacemaker.PCS_CONFIG.guess(begins) or is_pcs_config(begins) or _CRM_SHOW.match(begins):
            return _lone_text(path)
        if is_supportconfig(begins):
            return _supportconfig(path)
        unpacked = read_packed_cib(path, pacemaker.CIB.limit)
        return _lone_cib(path, unpacked) if unpacked else path
    except OSError:
        return path  # whoever reads it says so


def _archive(path: str, archive: Union[Archive, Unread]) -> Target:
    if isinstance(archive, Unread):
        trouble = Unreadable("", Span("", 0, 0), archive.because)
        return Target(path, ARCHIVE, Memory({}), (), (trouble,), archive.trace)
    troubles = tuple(replace(one, name="", span=Span("", 0, 0)) if one.span.path == path else one for one in archive.troubles)
    tree = with_supportconfigs(archive.tree, "")
    found, trace, more = _captures(tree)
    return Target(path, ARCHIVE, tree, found, (*troubles, *more), trace)


def _url(url: str, told: Told) -> Target:
    """Return what is at a URL; it is read in this process, as a library with threads of its own cannot be forked."""
    path = show_url(url)
    found = read_url(url, lambda read, size, seen: told(path, read, size, seen))
    return _lone_cib(path, found) if isinstance(found, bytes) else _archive(path, found)


def _cib(path: str) -> Target:
    with open(path, "rb") as file:
        return _lone_cib(path, file.read(pacemaker.CIB.limit + 1))


def _lone_text(path: str) -> Target:
    """Return the print of `pcs config` or `crm configure show` at `path`, as it would lie in a report."""
    with open(path, "rb") as file:
        data = file.read(pacemaker.CIB.limit + 1)
    inside = "sos_commands/pacemaker/" + ("crm_configure_show" if is_crm_config(data.decode("utf-8", "replace")) else "pcs_config")
    found = Capture("", LONE_CIB, posixpath.basename(path), evidence=(Evidence(CIB, inside, weaker=True),))
    return Target(path, LONE_CIB, Memory({inside: data}), (found,))


def _supportconfig(path: str) -> Target:
    """Return what `ha.txt` of SUSE's supportconfig holds, as a report of sos would have it."""
    with open(path, "rb") as file:
        files = as_sos(file.read(pacemaker.CIB.limit + 1))
    found = replace(capture(Memory(files), ""), host=posixpath.basename(path), missing=())
    return Target(path, LONE_CIB, Memory(files), (found,) if found.evidence else ())


def _lone_cib(path: str, data: bytes) -> Target:
    name = posixpath.basename(path)
    found = Capture("", LONE_CIB, name, evidence=(Evidence(CIB, "cib.xml"),))
    return Target(path, LONE_CIB, Memory({"cib.xml": data}), (found,))


def _hosts(found: Sequence[Capture]) -> Iterator[Capture]:
    """Yield the captures, a cluster's own report as one for each node that it is of."""
    for one in found:
        if one.form != CRM_REPORT:
            yield one
            continue
        nodes = [posixpath.dirname(evidence.path) + "/" for evidence in one.of(CIB, CLUSTER_STATUS)]
        for root in dict.fromkeys(nodes):
            there = [each for kind in (CIB, COROSYNC, CLUSTER_STATUS) for each in one.of(kind) if each.path.startswith(root)]
            lacking = () if there[0] in one.of(CIB) else (Missing(CIB, ("cib.xml.live", "cib.xml")),)
            yield replace(one, root=root, host=posixpath.basename(root[:-1]), evidence=tuple(there), missing=lacking)


def leads_out(path: str, boundary: Boundary | None) -> bool:
    """Return whether `path` is a link that leads out of the folder that was named; with no boundary none does."""
    return boundary is not None and os.path.islink(path) and not boundary.holds(path)


def loose(folder: str, reports: Collection[str], boundary: Boundary | None = None, depth: int = 0) -> Iterator[str]:
    """Yield the paths of archives and CIBs in the folder, or a few folders below it, and not in one of the `reports`.

    A link in the folder that leads to a folder elsewhere is yielded too. Of what leads out of the `boundary` nothing is opened.
    """
    if folder in reports:
        return
    for name in names(Disk(), folder):
        path = posixpath.normpath(posixpath.join(folder, name))
        if leads_out(path, boundary) and os.path.isfile(path):
            if formats.is_inner(name) or _OF_A_CASE.search(name) or _MAY_BE_CIB.search(name):
                yield path
        elif os.path.isfile(path):
            if formats.is_inner(name) or _is_either(path, name):
                yield path
        elif not os.path.isdir(path) or formats.HOST.search(name):
            continue
        elif os.path.islink(path):
            if not depth and not _is_within(path, folder) and not _is_within(folder, path):
                yield path
        elif depth < _DEEPEST:
            yield from loose(path, reports, boundary, depth + 1)


def _is_within(path: str, folder: str) -> bool:
    real = os.path.realpath(folder)
    return (os.path.realpath(path) + "/").startswith(real.rstrip("/") + "/")


def _is_either(path: str, name: str) -> bool:
    """Return whether a file is an archive or a CIB by what it begins with. What any archive may hold must be called a report, too."""
    try:
        with open(path, "rb") as file:
            head = file.read(formats.HEAD)
    except OSError:
        return _OF_A_CASE.search(name) is not None  # whoever reads it says so
    if starts_xml(head):
        return b"<cib" in head
    if head[257:262] == b"ustar":
        return True
    known = bool(formats.of(head) or formats.refusal(head))
    return known and bool(_OF_A_CASE.search(name) or _OTHER.search(name))


def read_packed_cib(path: str, most: int) -> bytes:
    """Return a CIB that lies packed at `path`, as Pacemaker keeps them (`pe-input-7.bz2`), `most` bytes of it; empty for anything else."""
    try:
        with open(path, "rb") as file:
            packing = formats.of(file.read(formats.HEAD))
        module = _PACKED.get(packing or "") if _MAY_BE_CIB.search(posixpath.basename(path)) else None
        if module is None:
            return b""
        with importlib.import_module(module).open(path, "rb") as unpacked:
            data: bytes = unpacked.read(formats.HEAD)
            return data + unpacked.read(most) if starts_xml(data) and b"<cib" in data else b""
    except (OSError, EOFError, ValueError, ImportError, zlib.error):
        return b""  # whoever opens it as an archive says what is wrong with it


def starts_xml(head: bytes) -> bool:
    """Return whether a file that begins so is XML, and no archive."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


Told = Callable[[str, int, int, int], None]
"""Is told of a file, how many bytes of it were read, how many it has, and how many members were seen."""


class Unread(NamedTuple):
    """An archive of which nothing was read; `because` says why, as a predicate. `trace` is that of a defect of lwlint."""

    because: str
    trace: str = ""


def read_archives(paths: Sequence[str], told: Told, jobs: int | None = 1) -> Iterator[Union[Archive, Unread]]:
    """Yield what is in each archive, in the order of `paths`, or why it was not read.

    `jobs` is how many are read at a time, each in a process of its own; None: as many as there are cores, and memory is free for.
    One by itself is then read in this process.
    """
    sizes = [_size(path) for path in paths]
    for path, size in zip(paths, sizes):
        told(path, 0, size, 0)
    at_once = min(len(paths), cores(), room()) if jobs is None else min(len(paths), jobs)
    threads = cores() >= 2 * max(1, at_once)  # a core that nothing else is for
    if (jobs or at_once) < 2 or not paths or not possible():
        for path, size in zip(paths, sizes):
            yield _read(path, lambda read, seen, path=path, size=size: told(path, read, size, seen), threads)  # type: ignore[misc]
            told(path, size, size, 0)
        return

    order = sorted(range(len(paths)), key=lambda i: -sizes[i])  # the longest first, so that none is left alone at the end

    def tell(number: int, read: int, seen: int) -> None:
        told(paths[order[number]], read, sizes[order[number]], seen)

    done: dict[int, Union[Archive, Unread]] = {}
    with Pool(lambda number, tell_: _read(paths[order[number]], tell_, threads), len(paths), at_once, tell) as found:
        for i, one in zip(order, found):
            done[i] = Unread(f"was not read: {one.because}") if isinstance(one, Lost) else one
            told(paths[i], sizes[i], sizes[i], 0)
    yield from (done[i] for i in range(len(paths)))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _read(path: str, told: Callable[[int, int], None], threads: bool) -> Union[Archive, Unread]:
    try:
        return read_archive(lambda: _open_unbuffered(path), path, WANTED, told=told, threads=threads)
    except OSError as error:
        return Unread(f"file cannot be read ({error.strerror or error})")
    except MemoryError:
        return Unread("was not read: there was not enough memory for it")
    except Exception as error:  # the other archives are judged all the same
        return Unread(f"was not read, by a defect of lwlint: {type(error).__name__}: {error}", traceback.format_exc())


def _open_unbuffered(path: str) -> BinaryIO:
    return cast("BinaryIO", open(path, "rb", buffering=0))


_URL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]{0,40})://")
_QUERY = re.compile(r"(://[^\s'\"?#]{0,2000})[?#][^\s'\"]*")
_PIECE = 4 << 20  # bytes that are asked for at a time, where the protocol has no stream
_STREAMS = ("http", "https")


def is_url(target: str) -> bool:
    """Return whether a target is named by a URL, or by several in one."""
    return _URL.search(target.rpartition("::")[2]) is not None


def show_url(url: str) -> str:
    """Return a URL without what may be a credential: the password, and all behind `?` or `#`."""
    plain, mark, _ = re.sub(r"#.*$", "", url, flags=re.DOTALL).partition("?")
    return mask_secrets(plain) + ("?***" if mark else "")


def read_url(url: str, told: Callable[[int, int, int], None]) -> Union[Archive, bytes, Unread]:
    """Return what is in the archive at `url`, the bytes of a CIB, or why there is neither.

    `told` is told how many bytes were read, how many there are (0: unknown), and how many members were seen. Raises
    ConfigurationError where what the URL needs is not installed.
    """
    size = 0
    try:
        with _open(url) as file:
            head = file.read(512)
            size = file.size
            if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
                return _all(file, head)
        return read_archive(lambda: _open(url), show_url(url), WANTED, told=lambda read, seen: told(read, size, seen))
    except OSError as error:
        return Unread(error.strerror or str(error))


class _Remote(AbstractContextManager["Readable"]):
    """A file of fsspec: whatever its library raises is an OSError with words that may be shown."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url
        self.size = int(getattr(file, "size", 0) or 0)

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except Exception as error:
            raise OSError(5, _because(error, self._url)) from None
        return data

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def __enter__(self) -> _Remote:
        return self


def _all(file: _Remote, head: bytes) -> bytes:
    parts = [head]
    while (piece := file.read(1 << 20)) and sum(map(len, parts)) <= pacemaker.CIB.limit:
        parts.append(piece)
    return b"".join(parts)


def _open(url: str) -> _Remote:
    match = _URL.match(url)
    if match is None or "::" in url.partition("://")[0]:
        raise ConfigurationError(f"`{show_url(url)}`: URLs within URLs are not opened; name the one of the archive")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ConfigurationError(f"`{show_url(url)}`: URLs need `pip install 'lwlint[remote]'`") from None
    protocol = match["protocol"].lower()
    streams = protocol in _STREAMS
    try:
        system, path = url_to_fs(url, **({"allow_redirects": False} if streams else {}))
        file = system.open(path, "rb", block_size=0 if streams else _PIECE)
    except ImportError as error:
        because = " ".join(str(error).split())
        raise ConfigurationError(f"`{show_url(url)}`: `{protocol}` needs `pip install 'lwlint[remote]'` ({because})") from None
    except ValueError as error:
        if "rotocol not known" in str(error):
            raise ConfigurationError(f"`{show_url(url)}`: unknown protocol `{protocol}`") from None
        raise OSError(5, _because(error, url)) from None
    except Exception as error:
        raise OSError(5, _because(error, url)) from None
    status = getattr(getattr(file, "r", None), "status", 0)
    if 300 <= status < 400:
        to = show_url(str(file.r.headers.get("Location", "")))
        file.close()
        raise OSError(5, f"leads elsewhere ({status}, to `{to}`), and only what was named is opened")
    return _Remote(file, url)


def _because(error: Exception, url: str) -> str:
    """Return what went wrong, as a predicate; the words of a library are shown without the URL, which may hold a credential."""
    cause = error.__cause__ or error.__context__
    status = getattr(error, "status", getattr(cause, "status", 0))
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and status != 404:
        return _because(cause, url)  # fsspec takes whatever a server says for an absent file
    if isinstance(error, FileNotFoundError) or status == 404:
        return "was not found"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name the archives in it"
    if isinstance(error, PermissionError) or status in (401, 403):
        return "may not be read (no permission)"
    words = mask_secrets(_QUERY.sub(r"\1?***", " ".join(str(error).replace(url, show_url(url)).split())))[:300]
    return f"cannot be read ({type(error).__name__}{': ' if words else ''}{words})"
