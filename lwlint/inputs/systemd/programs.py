"""Which programs a command line of a unit starts: behind shells, wrappers, init scripts, container tools and web servers.

Sources: systemd.service(5), "Command lines"; the units of RDO, Debian (`/etc/init.d/NAME systemd-start`), OpenStack-Ansible (uwsgi),
devstack (`uwsgi --procname-prefix`), kolla-ansible (`docker start -a NAME`), tripleo-ansible and edpm-ansible
(`podman start NAME`, `tripleo-start-podman-container NAME`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.inputs.systemd import settings as parser

_SHELLS = ("sh", "bash", "dash", "ksh", "ash")
# programs that start another one, and those of their flags that take a word of their own
_WRAPPERS = {
    "env": ("-u", "--unset", "-C", "--chdir"),
    "python": ("-W", "-X"),
    "python2": ("-W", "-X"),
    "python3": ("-W", "-X"),
    "sudo": ("-u", "--user", "-g", "--group", "-E"),
    "runuser": ("-u", "-g", "-s"),
    "setpriv": ("--reuid", "--regid"),
    "ionice": ("-c", "-n", "--class", "--classdata"),
    "nice": ("-n", "--adjustment"),
    "chrt": ("-p",),
    "taskset": ("-c", "--cpu-list"),
    "numactl": ("-i", "-m", "-N", "-C", "-p", "--interleave", "--membind", "--cpunodebind", "--physcpubind", "--preferred"),
    "timeout": ("-s", "--signal", "-k"),
    "stdbuf": ("-i", "-o", "-e"),
    "setsid": (),
    "nohup": (),
    "exec": (),
    "dumb-init": (),
    "tini": (),
    "catatonit": (),
    "kolla_start": (),
    "kolla_set_configs": (),
    "systemd-cat": ("-t", "-p"),
    "prlimit": (),
    "flock": (),
    "chroot": ("--userspec",),
    "nsenter": ("-t", "--target"),
    "systemd-inhibit": (),
    "strace": ("-e", "-o", "-p", "-s", "-u"),
    "privsep-helper": (),
    "gosu": (),
    "su-exec": (),
    "setuidgid": (),
    "chpst": ("-u", "-U", "-b", "-e", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-t"),
    "daemonize": ("-a", "-c", "-e", "-E", "-o", "-p", "-l", "-u"),
    "unshare": ("-S", "-G", "-R", "-w"),
    "systemd-run": ("-p", "--property", "-u", "--unit", "--slice", "-E", "--setenv", "--uid", "--gid", "-M"),
    "eatmydata": (),
    "catchsegv": (),
    "valgrind": (),
    "faketime": (),
    "cgexec": ("-g",),
    "runcon": ("-t", "-u", "-r", "-l"),
    "firejail": (),
    "opentelemetry-instrument": ("--traces_exporter", "--metrics_exporter", "--service_name"),
    "coverage": (),
    "trickle": ("-d", "-u"),
}
STARTERS = ("tripleo-start-podman-container", "edpm-start-podman-container")  # scripts that wait for others and `podman start` one
_NUMBERED = (
    "nice",
    "chrt",
    "taskset",
    "timeout",
    "flock",
    "chroot",
    "gosu",
    "su-exec",
    "setuidgid",
    "faketime",
    "coverage",
)  # whose first word that is no flag is not the program
ENGINES = ("podman", "docker", "nerdctl")
_WEB_SERVERS = ("uwsgi", "uwsgi_python3", "uwsgi-core", "gunicorn", "gunicorn3", "uvicorn", "hypercorn", "waitress-serve")
_STARTS = ("start", "run", "restart")
_RUN_FLAG = re.compile(r"--[\w-]+=|-[a-z]$|--(detach|rm|init|privileged|replace|read-only|tty|interactive|no-healthcheck|tls-verify)$")
_SEPARATOR = re.compile(r"&&|\|\||[;|&\n]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class Started(Struct, frozen=True):
    """What one command line starts.

    `program` is the program itself, without its folder; `words` its arguments. `runner` is the container tool or web server that it runs
    in, or empty. `names` are all names that may tell which service it is, the most telling first: programs, containers, images.
    `environment` is what the line itself gives the program (`env NAME=value`, `NAME=value` in a shell), in order.
    """

    program: str
    words: tuple[str, ...] = ()
    runner: str = ""
    names: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def words_of(line: str) -> list[str]:
    """Return the words of a command line of a unit, as systemd has them: quotes off, C escapes read; by blanks if a quote is not closed."""
    found = list(parser.words(line, unquote=True))
    return line.split() if None in found else [word for word in found if word is not None]


def words_in(line: str, unit: str) -> list[str]:
    """Return the words of an `ExecStart=` of `unit`, specifiers filled in: without its marks, and the name that `@` gives the program."""
    line = line.replace("\n", " ").lstrip(" ")
    marks = parser.marks_of(line)
    words = [parser.expand(word, unit) for word in words_of(line[len(marks) :])]
    if "@" in marks:
        del words[1:2]
    return words


def find_started(words: Sequence[str]) -> Started | None:
    """Return what a command line of these words starts, its wrappers taken off; None if it names nothing."""
    return _unwrap(words, 0)


def split(line: str) -> list[str]:
    """Return the words of a command line; a quote that is not closed makes it words by blanks."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def read_started(line: str) -> Started | None:
    """Return what an `ExecStart=` starts, its marks (`-@:+!`) and wrappers taken off; None if it names nothing."""
    words = split(line.lstrip("-@:+! ").replace("\n", " "))
    return _unwrap(words, 0)


def _base(word: str) -> str:
    name = word.rsplit("/", 1)[-1]
    return name[: -len(".py")] if name.endswith(".py") else name


def _unwrap(words: Sequence[str], depth: int) -> Started | None:
    given: list[str] = []
    found = _behind_wrappers(words, depth, given)
    if found is None or not given:
        return found
    return replace(found, environment=(*(pair for word in given for pair in _find_assignments(word)), *found.environment))


def _find_assignments(word: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of a word that assigns a variable."""
    if _ASSIGNMENT.match(word):
        name, _, value = word.partition("=")
        yield name, value


def _behind_wrappers(words: Sequence[str], depth: int, given: list[str]) -> Started | None:
    """Return what the words start; the assignments in front of it are added to `given`."""
    at = 0
    while at < len(words):
        word = words[at]
        name = _base(word)
        if not name or _ASSIGNMENT.match(word) or word.startswith("-"):
            given.append(word)
            at += 1
        elif name in _SHELLS or name == "su":
            return _in_shell(words[at + 1 :], depth)
        elif name == "start-stop-daemon":
            return _of_daemon(words[at + 1 :], depth)
        elif name == "ip" and list(words[at + 1 : at + 3]) in (["netns", "exec"], ["vrf", "exec"]):
            at += 4
        elif name == "snap" and words[at + 1 : at + 2] == ["run"]:
            named = next((word for word in words[at + 2 :] if not word.startswith("-")), "").rpartition(".")[2]
            return Started(named, (), names=(named,)) if named else None
        elif name in _WRAPPERS or re.fullmatch(r"python[\d.]+", name):
            behind = _behind(words, at, name)
            given += words[at:behind]
            at = behind
            if at < len(words) and words[at - 1] == "-m":
                return _module(words[at], tuple(words[at + 1 :]))
        elif name in ENGINES:
            return _in_container(name, words[at + 1 :])
        elif name in STARTERS:
            return _in_container("podman", ("start", *words[at + 1 :]))
        elif name in _WEB_SERVERS or name.startswith("uwsgi"):
            return _in_web_server(name, words[at + 1 :])
        else:
            return Started(name, tuple(words[at + 1 :]), names=(name,))
    return None


def _behind(words: Sequence[str], at: int, name: str) -> int:
    """Return where the command of a wrapper begins; right behind `-m`, where that names a module."""
    takes = _WRAPPERS.get(name, ())
    at += 1
    while at < len(words) and (words[at].startswith("-") or _ASSIGNMENT.match(words[at])):
        if words[at] == "-m" and name.startswith("python"):
            return at + 1
        at += 2 if words[at] in takes else 1
    if name in _NUMBERED and at + 1 < len(words) and (name != "nice" or words[at].isdecimal()):
        at += 1
    return at


def _in_shell(words: Sequence[str], depth: int) -> Started | None:
    """Return what the text behind `-c` starts: of its commands the last that is not one of the shell's own."""
    text = next((words[i + 1] for i, word in enumerate(words[:-1]) if re.fullmatch(r"-[a-z]*c", word)), None)
    if text is None:
        script = next((word for word in words if not word.startswith("-")), None)
        return None if script is None else Started(_base(script), (), names=(_base(script),))
    if depth > 3:
        return None
    found = None
    exported: list[tuple[str, str]] = []
    for part in _SEPARATOR.split(text):
        inner = split(part.strip())
        if inner and inner[0] == "export":
            exported += [pair for word in inner[1:] for pair in _find_assignments(word)]
        elif inner and _base(inner[0]) not in _SHELL_OWN:
            found = _unwrap(inner, depth + 1) or found
    return found if found is None or not exported else replace(found, environment=(*exported, *found.environment))


_SHELL_OWN = frozenset(
    (
        ".", "source", "set", "export", "cd", "umask", "ulimit", "test", "[", "[[", "true", ":", "echo", "sleep", "until", "while", "do",
        "done", "if", "then", "fi", "else", "mkdir", "chown", "install",
    )
)  # fmt: skip


def _of_daemon(words: Sequence[str], depth: int) -> Started | None:
    """Return what `start-stop-daemon` starts."""
    for i, word in enumerate(words[:-1]):
        if word in ("--exec", "-x", "--startas", "-a"):
            rest = list(words[words.index("--") + 1 :]) if "--" in words else []
            return _unwrap([words[i + 1], *rest], depth + 1)
        if word.startswith(("--exec=", "--startas=")):
            return _unwrap([word.partition("=")[2]], depth + 1)
    return None


def _module(module: str, words: tuple[str, ...]) -> Started:
    """Return the program of a Python module: `nova.cmd.conductor` is nova-conductor."""
    match = re.fullmatch(r"(?P<project>\w+)\.cmd\.(?:eventlet\.)?(?P<name>\w+)", module)
    name = f"{match['project']}-{match['name']}".replace("_", "-") if match else module.replace(".", "-").replace("_", "-")
    return Started(name, words, names=(name,))


def _in_container(engine: str, words: Sequence[str]) -> Started:
    """Return what a container tool starts: by the name of the container, then its image, then the command in it."""
    verbs = [word for word in words if word in _STARTS or word in ("exec", "stop", "rm", "compose", "pull", "create")]
    if not verbs or verbs[0] not in _STARTS:
        return Started(engine, (), engine)
    rest = list(words[list(words).index(verbs[0]) + 1 :])
    if verbs[0] != "run":
        names = [word for word in rest if not word.startswith("-")]
        return Started(names[-1] if names else engine, (), engine, tuple(names))
    found = [rest[i + 1] for i, word in enumerate(rest[:-1]) if word == "--name"]
    found += [word.partition("=")[2] for word in rest if word.startswith("--name=")]
    others = [word for i, word in enumerate(rest) if not word.startswith("-") and (not i or not _takes_word(rest[i - 1]))]
    images = [_image(word) for word in others[:1]]
    commands = [_base(word) for word in others[1:] if _base(word) not in _WRAPPERS]
    every = tuple(dict.fromkeys((*found, *images, *commands[:1])))
    return Started(every[0] if every else engine, (), engine, every)


def _takes_word(word: str) -> bool:
    return (word.startswith("-") and not _RUN_FLAG.match(word)) or bool(re.fullmatch(r"-[evuwhlpm]", word))


def _image(image: str) -> str:
    return image.partition("@")[0].rstrip("/").rpartition("/")[2].partition(":")[0]


def _in_web_server(name: str, words: Sequence[str]) -> Started:
    """Return the service in a web server: by the name of its processes, its file, or the module that it loads."""
    found: list[str] = []
    for flag, value in _flags(words):
        if flag in ("--procname-prefix", "--procname", "--name", "-n"):
            found.insert(0, value.strip())
        elif flag in ("--ini", "--yaml", "--json", "--xml", "--emperor", "--ini-paste"):
            found.append(re.sub(r"(-uwsgi)?\.(ini|yaml|json|xml)$", "", _base(value)))
        elif flag in ("--wsgi-file", "--file"):
            found.append(_base(value))
        elif flag in ("--module", "--wsgi", "-w"):
            found.append(_wsgi(value))
    found += [_wsgi(word) for word in words if ":" in word and not word.startswith("-") and "/" not in word]
    found += [re.sub(r"(-uwsgi)?\.ini$", "", _base(word)) for word in words if word.endswith(".ini") and not word.startswith("-")]
    found += [f"{word}-api" for word in found if word and "-" not in word]  # a project alone (`octavia.ini`): its API
    names = tuple(dict.fromkeys(word for word in found if word))
    return Started(names[0] if names else name, tuple(words), name, names)


def _wsgi(module: str) -> str:
    """Return the program whose WSGI module this is, as far as its name tells: `nova.wsgi.metadata:application` is nova-metadata-wsgi."""
    parts = module.partition(":")[0].split(".")
    if "wsgi" in parts and len(parts) > 2:
        named = {"osapi_compute": "api", "api": "api", "admin": "api", "public": "api"}
        return f"{parts[0]}-{named.get(parts[-1], parts[-1])}".replace("_", "-")
    return f"{parts[0]}-api"


def _flags(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if equals and word.startswith("-"):
            yield flag, value
        elif word.startswith("-") and i + 1 < len(words):
            yield word, words[i + 1]


_VARIABLE_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_BRACED = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_]\w*)\})")
_WORD = re.compile(r"\$([A-Za-z_]\w*)")
_IN_SHELL = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_SOURCED = re.compile(r"(?:^|[;&|\n])[ \t]*(?:\.|source)[ \t]+([^\s;&|]+)")


def assignments(value: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of one `Environment=`."""
    for word in words_of(value):
        match = _VARIABLE_ASSIGNMENT.fullmatch(word)
        if match:
            yield match["name"], match["value"]


_SHELL_LINE = re.compile(r"(?m)^(?:export[ \t]+)?([A-Za-z_]\w*)=(.*)$")


def read_script(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables after the assignments in the first column of a shell script, `variables` being set before."""
    known = dict(variables)
    for name, value in _SHELL_LINE.findall(text):
        words = split(value)
        known[name] = _IN_SHELL.sub(lambda match: known.get(match[1] or match[2], ""), words[0] if words else "")
    return known


_QUOTED = r"'[^']*'|\"(?:[^\"\\]|\\(?s:.))*\""
_ENTRY = re.compile(
    r"[ \t\r\n]*(?:[#;](?:[^\\\n]|\\(?s:.))*"
    rf"|(?P<name>[^=\n]*)(?:=(?P<quoted>(?:[ \t]*(?:{_QUOTED}))*)(?P<plain>(?:[^\\\n]|\\(?s:.))*))?)"
)
_PIECE = re.compile(_QUOTED)
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


def read_file(text: str) -> dict[str, str]:
    """Return the variables that an `EnvironmentFile=` sets, as systemd reads it.

    Quotes count at the beginning of a value, reach over several lines, and follow one another; a backslash joins lines.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ENTRY.match(text, at)
        if match is None:
            break
        name = (match["name"] or "").strip()
        if match["plain"] is not None and _VARIABLE.fullmatch(name):
            quoted = "".join(map(_unquote, _PIECE.findall(match["quoted"])))
            found[name] = quoted + re.sub(r"\\((?s:.))", lambda m: m[1].strip("\n"), match["plain"].strip())
        at = max(match.end(), at + 1)
    return found


def _unquote(piece: str) -> str:
    inner = piece[1:-1]
    return re.sub(r"\\(?:\n|([\"\\`$]))", lambda match: match[1] or "", inner) if piece[0] == '"' else inner


def _shell_texts(words: Sequence[str]) -> set[int]:
    """Return the indexes of the words that are texts of a shell, behind its `-c`."""
    found: set[int] = set()
    shell = False
    for i, word in enumerate(words[:-1]):
        shell = shell or _base(word) in (*_SHELLS, "su")
        if shell and re.fullmatch(r"-[a-z]*c", word):
            found.add(i + 1)
    return found


def names(words: list[str]) -> set[str]:
    """Return the variables that these words of a command line use, and those that a shell in it does."""
    found = set()
    texts = _shell_texts(words)
    for i, word in enumerate(words):
        if i in texts:
            found |= {match[1] or match[2] for match in _IN_SHELL.finditer(word.replace("$$", "$"))}
        whole = _WORD.fullmatch(word)
        if whole:
            found.add(whole[1])
        found |= {match["name"] for match in _BRACED.finditer(word) if match["name"]}
    return found


def find_sourced(words: list[str]) -> list[str]:
    """Return the files that a shell in these words of a command line reads its variables from."""
    return [path for i in sorted(_shell_texts(words)) for path in _SOURCED.findall(words[i])]


def expand(words: list[str], variables: Mapping[str, str]) -> list[str]:
    """Return the words of a command line with their variables replaced: by systemd, and in the text of a shell by that."""
    found: list[str] = []
    texts = _shell_texts(words)
    for i, word in enumerate(words):
        whole = _WORD.fullmatch(word)
        if whole:
            found += split(variables.get(whole[1], ""))
            continue
        word = _BRACED.sub(lambda match: "$" if match["escaped"] else variables.get(match["name"], ""), word)
        if i in texts:
            word = _IN_SHELL.sub(lambda match: variables.get(match[1] or match[2], match[0]), word)
        found.append(word)
    return found
