"""What an audit is of: archives, folders, file systems and single CIBs, opened; and the hosts in each."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Union

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.archives import Told, Unread, is_url, leads_out, loose, packed_cib, read_archives, read_url, shown, starts_xml
from lwlint.audit.report_files import WANTED, Selected
from lwlint.audit.report_layout import CIB, CLUSTER_STATUS, COROSYNC, CRM_REPORT, Capture, Evidence, Missing, capture, captures, names
from lwlint.audit.supportconfig import as_sos, with_supportconfigs
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.source import Span
from lwlint.files.archive import Archive
from lwlint.files.tree import Boundary, Disk, Memory, Overlay, Tree
from lwlint.inputs import pacemaker
from lwlint.inputs.pacemaker.crm import is_crm_config
from lwlint.inputs.pacemaker.pcs import is_pcs_config
from lwlint.inputs.pacemaker.supportconfig import is_supportconfig

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
        output, said, because = _read(process.stdout.fileno(), process.stderr.fileno(), seconds, most)  # type: ignore[union-attr]
        if not because:
            because = _ended(lambda: process.wait(seconds), said)
        return (b"", because) if because else (output, "")
    finally:
        _end(process.pid, bool(because))
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _ended(wait: Callable[[], int], said: bytes) -> str:
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


def _read(out: int, err: int, seconds: float, most: int) -> tuple[bytes, bytes, str]:
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

    def shown(self, inside: str) -> str:
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
    return Target(path, ROOT, tree, (found,)) if found.evidence else Target(path, ROOT, tree, (), tuple(_denied(path)))


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
        yield Target(path, FOLDER, tree, found, () if found else (*_denied(path), *more), trace)
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
        import traceback

        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        return (), trace, (Unreadable("", Span("", 0, 0), f"was not looked into, by a defect of lwlint: {type(error).__name__}"),)


def _denied(path: str) -> Iterator[Unreadable]:
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
        unpacked = packed_cib(path, pacemaker.CIB.limit)
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
    path = shown(url)
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
        for evidence in one.of(CIB):
            root = posixpath.dirname(evidence.path) + "/"
            conf = [other for kind in (COROSYNC, CLUSTER_STATUS) for other in one.of(kind) if other.path.startswith(root)]
            yield replace(one, root=root, host=posixpath.basename(root[:-1]), evidence=(evidence, *conf), missing=())
