"""Secrets in what is shown: which names hold one, and a line or a message without any.

All that is masked keeps its length, so that columns stay true. A secret is known by the name of the key that holds it, by an address or
a command that it is part of, or by its form. Every look at a line takes time in proportion to its length: nothing is looked for behind
each character anew, and no expression has two neighbours that take the same characters.

Texts of several lines hold more: secrets that only the lines around tell, and those that are known and stand anywhere else too.
"""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator

from lwlint.core import secret_names as commands
from lwlint.core.lazy import pattern
from lwlint.core.secret_names import ABOUT, AGENTS, KEYS, NONE, OPTIONS, PARAMETERS, REFERENCES, SERVERS, STRONG, WEAK
from lwlint.core.secret_signs import first_name, may_hold, may_name, places

_DECLARED = frozenset(name.lower().replace("-", "_") for name in (*OPTIONS, *PARAMETERS, *AGENTS, *SERVERS))
_STRONG_ENDS = ("password", "passwd", "passphrase", "secret", "bindpw", "rootpw", "userpw", "adminpw", "dbpw", "credential", "credentials")
_TOKEN_ENDS = ("token", "pass", "pwd", "passwords", "secrets")
_KEY_ENDS = (
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "sharedkey",
    "masterkey",
    "encryptionkey",
    "signingkey",
    "storekey",
    "authkey",
)
_ALONE = ("pass", "pw", "pwd", "psk", "kek")  # of these words too much is made: `pass_through`
_ABOUT_KEY = ABOUT | frozenset(("manager", "mgr", "pair", "pairs", "ring", "rings", "space", "store"))
# all that is looked for below has one of these in it, in small letters
TELLING = (
    "pass", "pw", "kek", "psk", "auth", "secret", "token", "cred", "cookie", "community", "basic", "bearer", "key", "otp", "hmac",
    "hash", "login", "mysql", "curl", "redis-cli", "ipmitool", "snmp", "ldap", "mongo", "smbclient", "skopeo", "cqlsh", "openssl",
    "etcdctl", "fence_", "rabbitmq", "ceph", "zabbix", "mariadb", "xtrabackup", "mariabackup", "swift", "podman",
    "buildah", "influx", "flashblade", "hexadecimal", "adminemail", "dogtag", "multiconfig", "rhsmvars", "sslcert", "homedir",
    "nameserver", ",p=", "jwt", "stdin", "cryptsetup", "%3d", *commands.telling(),
)  # fmt: skip
LIMIT = 200  # characters of a name
FEW = 50  # names that are each looked for by itself
_VALUE_AFTER = 1000  # characters in which the value of a titled resource follows
_FAR = 2000  # characters in which a list or a call ends; what does not is taken to the end of the line, or no further
LEAST_BLOB = 40
LEAST = 4  # characters of a secret that is looked for wherever it stands

# a name and a value without the sign between them, or with one that is taken for it
_WITHOUT_SIGN = pattern(
    r"(?P<comment>[\s#;]*)(?:export |set )?(?P<name>[A-Za-z][\w.-]{0,199})(?![\w.-])(?:[,;\uff1a\uff1d]\s{0,20}|\s{1,200})"
    r"(?P<value>[^\s=:].*)"
)
_TELLS = ("is", "was", "are", "has", "in", "of", "for", "must", "may", "will", "should", "can", "and", "or", "to")  # no value begins so
_CAMEL = pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIGN = pattern(r"=>|=|:")
_NAME_WORD = pattern(r"[^\s:='\"{}\[\],<>]+")
_NAME_TURNED = pattern(r"[\w:./-]+")
_SETTING = pattern(r"[\w/=]{1,120}=(?=--?[A-Za-z])")  # of a unit or quadlet, in front of the first option: `PodmanArgs=--creds NAME:X`
_OF_SHELL = pattern(r"\s-[a-z]{0,5}c\s{1,20}$")  # what stands in front of the text of a shell
_COMMAND_LINE = pattern(r"\s*(?:Exec[A-Z]?[A-Za-z]{0,20}|PodmanArgs|GlobalArgs|HealthCmd)\s{0,20}=")  # whose words end at a blank
# what podman calls a secret by, which it keeps elsewhere: `Secret=NAME,type=env` of a quadlet, `--secret NAME,target=X` of a command
_KEPT_ELSEWHERE = pattern(
    r"(?:(?<=\bSecret=)|(?<=--secret[ =]))(?:id=)?\w[\w.-]{0,252}(?:,(?:type|target|uid|gid|mode|env|src|source)=[^\s,'\"=:@]{0,250}){1,8}"
)
_END_OF_ARGUMENT = pattern(r"(?<!\\)[ \t]")
_ACCOUNTS = ("user", "username", "login", "owner", "group")  # in front of `=`, behind which no program is named
_PUPPET_ATTRIBUTE = pattern(r"\w{1,60}\s{0,20}=>")
_PUPPET_VALUE = pattern(r"\bvalue\s{0,20}=>\s{0,20}")
_CALL = pattern(r"[A-Za-z_][\w:.]{0,60}\(")
NOTHING = frozenset(("true", "false", "null", "none", "~", "yes", "no", "undef", "unset", "nil", "{}", "[]", "on", "off"))
_BLOCK = pattern(r"[|>][+-]?\d?[+-]?[ \t]*(?:#.*)?$")
_END_OF_VALUE = pattern(r"['\"`\n,}]|[ \t](?=[\w./:-]{1,60}=|--?[A-Za-z])")  # of one without quotes: a sign, or the next pair or option
_START = pattern(r"[\s#;]*(?:- )?(?:export |set |setenv )?[\"']?$")
KEPT = ("get_param", "get_attr", "get_resource", "get_file")
_SAYS = pattern(r" (?:is|was|has|holds|names|becomes|beats)\b")
_SCHEME = pattern(r"\b((?:Basic|Bearer)\s{1,20})([\w.~+/=-]{8,})", re.IGNORECASE)
BLOB = pattern(r"^(\s*)([A-Za-z0-9+/]{40,90}={0,2})(\s*)$")  # a line of a key in PEM
_LOOKUP = pattern(r"\b(?:hiera|hiera_array|hiera_hash|lookup)\(\s{0,20}([\"'])([\w:.-]{1,200})\1")
_BRACKET = pattern(r"[\[\]{}]")
_FLOW_SCALAR = pattern(r"[^\[\]{},\s:'\"]+")
_STRING = pattern(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WORD = pattern(r"\S+")
_FURTHER_STRING = pattern(r"[ \t]{1,200}['\"]([^'\"]+)")
_FURTHER_HOST = pattern(
    r",(?=[^:/@\s'\",`]{0,100}:[^@\s'\",`]{1,200}@)|(?:^|[\s'\"])(?=[^:/@\s'\",`]{1,100}:[^@\s'\",`]{1,200}@(?:tcp|unix|udp)?\()"
)
_NAME_OF_TOKEN = pattern(r"(?:^|[^\w-])token\s{0,20}[:=]\s{0,20}$")
# what is said to a command that reads a secret from its standard input: `echo X | passwd --stdin nova`
_PIPED = pattern(
    r"\b(?:echo|printf)\s{1,20}(?P<secret>[^\s|][^|]{0,200}?)\s{0,20}\|"
    r"[^|]{0,200}?(?:--(?:password-)?stdin\b|\s-p(?=[\s'\"]|$)|chpasswd\b|cryptsetup\b)"
)
_COOKIE = pattern(r"-setcookie\s{1,20}['\"]?(?P<secret>[^\s'\"]+)")  # of Erlang
_ODBC = pattern(r"(?:\b|%3B)(?:pwd|password)%3D(?P<secret>[^%&;\s'\"]+)", re.IGNORECASE)  # in an address
_END_OF_QUOTED = pattern(r"[^\s'\"]+")


@functools.lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Return whether an option, a parameter or a variable of this name holds a secret: `password`, `nova::db::password`, `api_key`."""
    if not may_name(key):
        return False
    name = key.strip("\"' -$")
    last = name.replace("::", "/").replace(".", "/").rpartition("/")[2].strip(":")
    plain = last.lower().replace("-", "_")
    if plain in _DECLARED:
        return True
    if plain in REFERENCES:
        return False
    words = [word.lower() for word in _CAMEL.findall(last)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or plain == "authtoken":
        return False
    joined = "_".join(words)
    if joined in _DECLARED:
        return True
    head = words[-1]
    if head in STRONG or head in WEAK or head.endswith(_STRONG_ENDS) or (head.endswith(_TOKEN_ENDS) and head not in NONE):
        return True
    if head in ("key", "keys") and len(words) > 1:
        return words[-2] in KEYS or words[-2] in STRONG or words[-2].endswith(_STRONG_ENDS)
    if head in ("key", "community") and last != key:
        return True
    if head.removesuffix("s").endswith(_KEY_ENDS):
        return True
    if head in ABOUT or (head in _ABOUT_KEY and "key" in words):
        return False
    if len(words) > 1 and (words[-2], head) in (
        ("sst", "auth"),
        ("stats", "auth"),
        ("redis", "auth"),
        ("basic", "auth"),
        ("otp", "seed"),
        ("totp", "seed"),
    ):
        return True
    return any((word in STRONG and word not in _ALONE) or word.endswith(_STRONG_ENDS) for word in words[:-1])


def stars(value: str) -> str:
    """Return asterisks in the place of a value; what is empty, and a reference to another key, stays."""
    return value if value.startswith(("$", "%{", "<%")) else re.sub(r"[^\n]", "*", value)


def mask_secrets(line: str, also: Collection[str] = ()) -> str:
    """Return a line of input, or a message, with every secret as asterisks of the secret's own length, so that columns stay true.

    `also` are names that hold one here, though not everywhere.
    """
    holds = may_hold(line) or (also and names_any(line, also))
    if not holds and len(line) < LEAST_BLOB:
        return line
    found = [match.span(2) for match in BLOB.finditer(line)] if len(line) < LIMIT and is_long_word(line) else []
    if holds:
        found += [span for span in _find(line, also) if not _is_kept_elsewhere(line, *span)]
    return put_stars(line, found)


def _is_kept_elsewhere(line: str, start: int, end: int) -> bool:
    """Return whether what stands there names a secret of podman's and is none itself; a bare name (`Secret=NAME`) may be one."""
    match = _KEPT_ELSEWHERE.match(line, start) if line[start - 1 : start] in ("=", " ") else None
    return match is not None and match.end() >= end


def is_long_word(line: str) -> bool:
    """Return whether a line is a word by itself, long enough to be a line of a key in PEM."""
    return len(line) >= LEAST_BLOB and len(line.split(None, 1)) == 1


def _find(line: str, also: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield what is secret in a line, but for a key by its form."""
    small = line.lower()
    if "@" in small or "://" in small:
        yield from _in_addresses(line)
    if not _is_telling(small) and not (also and names_any(line, also)):
        return
    yield from _in_pairs(line, also)
    yield from _without_sign(line)
    if "`" in line:
        yield from _in_sentences(line)
    if " " in line or "\t" in line or "p=" in line:
        yield from _in_commands(line)
    if "|" in line:
        yield from (match.span("secret") for match in _PIPED.finditer(line))
    if "-setcookie" in line:
        yield from (match.span("secret") for match in _COOKIE.finditer(line))
    if "%3d" in small:
        yield from (match.span("secret") for match in _ODBC.finditer(line))
    if "basic" in small or "bearer" in small:
        yield from (match.span(2) for match in _SCHEME.finditer(line))
    if "hiera" in small or "lookup" in small:
        yield from _in_lookups(line)


def names_any(line: str, names: Collection[str]) -> bool:
    """Return whether a line may name one of the names: it has the name as a word, or a part of one that is no plain word."""
    if len(names) <= FEW:
        return any(name in line for name in names)
    return any(word in names for word in _NAME_WORD.findall(line))


def _is_telling(small: str) -> bool:
    for word in TELLING:
        if word in small:
            return True
    return not small.isascii()  # `\u017f` is an `s` to an expression that ignores the case


def put_stars(line: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the line with asterisks at the spans; what is a line break stays one."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        start = max(start, at)
        if end > start:
            piece = line[start:end]
            pieces += [line[at:start], "*" * len(piece) if "\n" not in piece else re.sub(r"[^\n]", "*", piece)]
            at = end
    return "".join((*pieces, line[at:])) if pieces else line


def _in_addresses(line: str) -> Iterator[tuple[int, int]]:
    """Yield the passwords of addresses: from the colon behind the user to the last `@` in front of the next host, or of the end."""
    at = 0
    while True:
        scheme = line.find("://", at)
        if scheme < 0:
            break
        start = scheme + 3
        following = line.find("://", start)
        limit = following if following >= 0 else len(line)
        tick = line.find("`", start, limit)
        limit = tick if tick >= 0 else limit
        word = _end_of_word(line, start, limit)
        if line.find("@", start, word) >= 0:
            yield from _in_hosts(line, start, word)
        else:
            yield from (
                _in_odd_address(line, start, limit) if line.find("@", start, limit) >= 0 else _in_cut_address(line, scheme, word, limit)
            )
        at = start
    if "://" not in line and ":" in line and ("," in line or "(" in line):  # further hosts of a list, and what libraries for Go take
        done = 0  # the hosts of a list are taken with the first of them
        for host in _FURTHER_HOST.finditer(line):
            if host.end() >= done:
                done = _end_of_word(line, host.end(), len(line))
                yield from _in_hosts(line, host.end(), done)


def _end_of_word(line: str, start: int, limit: int) -> int:
    match = re.compile(r"[\s'\"]").search(line, start, limit)
    return match.start() if match else limit


def _end_of_argument(line: str, start: int, limit: int) -> int:
    match = _END_OF_ARGUMENT.search(line, start, limit)
    return match.start() if match else limit


def _in_hosts(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the passwords of `user:password@host,user:password@host`."""
    while start < end:
        last = line.find("@", start, end)
        if last < 0:
            return
        colon = line.find(":", start, last)
        first_of = min((place for place in (line.find(c, start, last) for c in "/,") if place >= 0), default=end)
        if colon < 0 or (first_of < colon and line[first_of] == "/"):
            if colon < 0 and last - start >= 20 and line[max(0, start - 8) : start].lower().endswith(("http://", "https://")):
                yield start, last  # a token in the place of a user
            comma = line.find(",", last, end)
            start = comma + 1 if comma >= 0 else end
            continue
        if first_of < colon:  # hosts without a user first
            start = first_of + 1
            continue
        comma = line.find(",", last, end)
        while comma >= 0 and not _begins_host(line, comma + 1, end):
            comma = line.find(",", comma + 1, end)
        limit = comma if comma >= 0 else end
        last = line.rfind("@", start, limit)
        port = re.compile(r"\d+(?=,)").match(line, colon + 1, last)
        if port:
            start = port.end() + 1
            continue
        yield colon + 1, last
        start = limit + 1


def _begins_host(line: str, start: int, end: int) -> bool:
    user = re.compile(r"[^:/@\s'\",]{0,100}:").match(line, start, end)
    return user is not None and line.find("@", user.end(), end) >= 0 and line.find("@", start, user.end()) < 0


def _in_odd_address(line: str, start: int, limit: int) -> Iterator[tuple[int, int]]:
    """Yield the password of an address that has quotes or blanks in it."""
    user = re.compile(r"[^:/@\s'\",]{0,100}:(?!\d+(?:[/\s'\",?]|$))").match(line, start, limit)
    last = line.rfind("@", start, min(limit, start + 500))
    if user and last > user.end():
        yield user.end(), last


def _in_cut_address(line: str, scheme: int, word: int, limit: int) -> Iterator[tuple[int, int]]:
    """Yield the password, or the beginning of it, of an address that is cut off before its host: at the end of the line, and no port."""
    user = re.compile(r"[\w.+-]{0,100}:(?![\d$%{<*]|[A-Z_]+$)").match(line, scheme + 3, word)
    if (
        user
        and word == limit
        and user.end() < word
        and line.find("/", user.end(), word) < 0
        and not line.endswith(("http", "https"), 0, scheme)
    ):
        yield user.end(), word


def _in_pairs(line: str, also: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the values of keys that hold a secret, however key and value are written."""
    done = ticks = ticked = 0  # up to where all is masked; backticks, and up to where they are counted
    pair: dict[str, tuple[str, int, int]] = {}  # `name` and `value` of an element or a mapping
    since = 0
    has_arrow = "=>" in line
    for sign in _SIGN.finditer(line):
        at = sign.start()
        if at < done or line.startswith("::", at) or (sign[0] == ":" and at and line[at - 1] == ":") or line.startswith("://", at):
            continue
        name, begin = _name_before(line, at)
        if not name:
            continue
        bare = name.strip("-$").lower()
        if bare in ("name", "value"):
            if any(line.find(c, since, at) >= 0 for c in "<>{}"):
                pair = {}
            since = at
            quoted = _find_quoted(line, sign.end())
            if quoted:
                pair[bare] = (line[slice(*quoted)], *quoted)
            if len(pair) == 2 and (is_secret(pair["name"][0]) or pair["name"][0].lower() in ("key", "community")):
                yield pair["value"][1:]
                pair = {}
            continue
        if not (is_secret(name) or name in also) or (name.startswith("/") and sign[0] == ":"):
            continue
        start = sign.end()
        while start < len(line) and line[start] in " \t":
            start += 1
        if bare in ("key", "community") and not (sign[0] == "=" and _START.match(line[max(0, begin - LIMIT) : begin])):
            continue
        ticks, ticked = ticks + line.count("`", ticked, begin), begin
        if has_arrow and sign[0] == ":" and _PUPPET_ATTRIBUTE.match(line, start):
            value = _PUPPET_VALUE.search(line, at, at + _VALUE_AFTER)
            start = value.end() if value else start
        for span in _values(line, begin, start, sign[0], within_ticks=ticks % 2 == 1):
            yield span
            done = max(done, span[1])  # of a list or mapping, with what refers to something in it


def _without_sign(line: str) -> Iterator[tuple[int, int]]:
    """Yield the value of a line whose sign was forgotten (`rabbit_password hunter2`): one word, or more behind a name of several."""
    match = _WITHOUT_SIGN.match(line) if is_secret(first_name(line)) else None
    if match is None or not is_secret(match["name"]) or commands.of_program(match["name"].lower()):
        return
    if "_" not in match["name"] and not match["name"].lower().endswith((*_STRONG_ENDS, "pass")):
        return  # a word of a sentence
    words = match["value"].split()
    several = "_" in match["name"] and words[0] not in _TELLS and not match["comment"].strip()
    if (len(words) == 1 or several) and words[0].lower() not in NOTHING and words[0][0] not in "<>{}[]()|&`":
        start = match.start("value")
        yield start, start + len(match["value"].rstrip())


def _name_before(line: str, at: int) -> tuple[str, int]:
    """Return the name in front of a sign, and where it begins; an empty one if there is none."""
    end = at
    while end and line[end - 1].isspace() and line[end - 1] not in "\r\n":  # a blank that does not break too, as pages have it
        end -= 1
    end -= end and line[end - 1] in "\"'"
    low = max(0, end - LIMIT)
    match = _NAME_TURNED.match(line[low:end][::-1])
    begin = end - match.end() if match else end
    return line[begin:end], begin


def _find_quoted(line: str, at: int) -> tuple[int, int] | None:
    """Return the place of what stands in quotes at `at`, behind blanks."""
    while at < len(line) and line[at] in " \t\r\n":
        at += 1
    if at >= len(line):
        return None
    if line[at] not in "\"'":
        word = _WORD.match(line, at, at + LIMIT * 5)
        return (at, at + len(word[0].rstrip(",/>}"))) if word else None
    end = line.find(line[at], at + 1)
    return (at + 1, end if end >= 0 else len(line))


def _values(line: str, begin: int, start: int, sign: str, *, within_ticks: bool) -> Iterator[tuple[int, int]]:
    """Yield what is secret of the value at `start`, whose key stands at `begin`."""
    if start >= len(line):
        return
    first = line[start]
    opening = line[begin - 1] if begin else ""
    whole = sign != "=>" and _START.match(line[max(0, begin - 60) : begin]) is not None
    if opening and opening in "\"'" and line.find(opening, begin, start) < 0:  # `"KEY=value"`
        end = _end_of_string(line, start, opening)
        if first not in "\"'" and _OF_SHELL.search(line, max(0, begin - 30), begin - 1):
            end = _end_of_argument(line, start, end)
        yield start, end
    elif within_ticks:
        end = line.find("`", start)
        yield start, end if end >= 0 else len(line)
    elif first in "\"'":
        end = _end_of_string(line, start + 1, first, escaped=sign == "=>")
        yield start + 1, end
        if sign == "=>":
            further = _FURTHER_STRING.match(line, end + 1)  # no comma between: Puppet refuses it, and says so
            if further:
                yield further.span(1)
        elif end + 1 < len(line) and line[end + 1] not in " \t,;)]}>/`&|\r\n":
            yield end + 1, len(line.rstrip()) if whole else _end_of_word(line, end + 1, len(line))
    elif line.startswith(("%{", "<%", "{{"), start) or (first == "$" and (sign == "=>" or line.startswith(("${", "$::"), start))):
        return
    elif first in "[{":
        yield from _in_brackets(line, start)
    elif _CALL.match(line, start):
        end = line.find(")", start, start + _FAR)
        strings = [string.span() for string in _STRING.finditer(line, start, end + 1 if end >= 0 else start + _FAR)]
        yield from ((low + 1, high - 1) for low, high in strings)
        if not strings and whole:
            yield start, len(line.rstrip())
    elif _BLOCK.match(line, start):
        return
    else:
        yield from _find_unquoted(line, start, whole, option=line.startswith("--", begin) and not whole)


def _find_unquoted(line: str, start: int, whole: bool, *, option: bool = False) -> Iterator[tuple[int, int]]:
    if whole:
        end = len(line.rstrip())
    else:
        if line[start] in "]),`":
            return
        stop = _END_OF_VALUE.search(line, start)  # in one, so that no more is looked at than the value has
        end = stop.start() if stop else len(line.rstrip())
        end = _end_of_word(line, start, end) if option else end
        if _COMMAND_LINE.match(line):
            end = _end_of_argument(line, start, end)
    text = line[start:end]
    word = text.lower().rstrip(",;").strip()
    if word in NOTHING or (len(word) < 7 and word.isdigit() and _NAME_OF_TOKEN.search(line, max(0, start - 60), start)):
        return  # corosync's `token: 10000` is a time
    yield start, end


def _end_of_string(line: str, start: int, quote: str, *, escaped: bool = False) -> int:
    """Return where the string ends whose inside begins at `start`; the line's end if it does not.

    A backslash escapes a double quote; where it is `escaped`, as in Puppet, a single one as well.
    """
    at = start
    while True:
        end = line.find(quote, at)
        if end < 0:
            return len(line)
        slashes = end
        while slashes > start and line[slashes - 1] == "\\":
            slashes -= 1
        if (end - slashes) % 2 == 1 and (quote == '"' or escaped):
            at = end + 1
        elif line.startswith(quote, end + 1) and quote == "'":
            at = end + 2
        else:
            return end


def _in_brackets(line: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the scalars of a list or mapping in one line, but for what refers to a parameter."""
    depth, end = 0, len(line)
    for bracket in _BRACKET.finditer(line, start, start + _FAR):
        depth += 1 if bracket[0] in "[{" else -1
        if not depth:
            end = bracket.end()
            break
    referred = False
    for scalar in _FLOW_SCALAR.finditer(line, start, end):
        if scalar[0] in KEPT or referred:
            referred = scalar[0] in KEPT
        else:
            yield scalar.span()
    yield end, end  # all up to here is looked at


def _in_sentences(line: str) -> Iterator[tuple[int, int]]:
    """Yield the value in a message such as "`admin_token` is `hunter2`"."""
    parts = line.split("`")
    at = 0
    for number, part in enumerate(parts):
        if number % 2 == 1 and number + 2 < len(parts) and len(parts[number + 1]) < 60 and _SAYS.match(parts[number + 1]):
            words = part.split()
            if words and is_secret(words[-1].strip("[]")):
                start = at + len(part) + 1 + len(parts[number + 1]) + 1
                yield start, start + len(parts[number + 2])
        at += len(part) + 1


def _in_commands(line: str) -> Iterator[tuple[int, int]]:
    """Yield what commands are given as secrets: `--password X`, `mysql -pX`, `curl -u NAME:X`, `rabbitmqctl add_user NAME X`."""
    taken: dict[str, commands.How] = {}
    waiting = ""  # how the next word is taken
    skip = 0  # words until one that is a secret
    last: list[tuple[int, int]] = []  # the last word, where that is one
    wanted = over = False  # whether the last word is one; whether the command ends with this word
    done = 0
    for match in _WORD.finditer(line):
        if match.start() < done:
            continue
        core = match[0].strip("[](),\"'`")
        at = match.start() + match[0].find(core) if core else match.start()
        if over or core in _BETWEEN:
            yield from last
            taken, waiting, skip, wanted, last = {}, "", 0, False, []
        over = match[0].endswith((";", ")", ".", "`", "`:", "`,"))  # it ends with this word: a list, or a sentence
        if core in _BETWEEN:
            continue
        setting = _SETTING.match(core) if "=-" in core else None
        if setting is not None:
            core, at = core[setting.end() :], at + setting.end()
        if skip:
            skip -= 1
            if not skip:
                yield (span := _argument(line, match.start(), at))
                done = span[1]
            continue
        if waiting == commands.NAMED and core in commands.VALUES:
            continue
        if waiting:
            how, waiting = waiting, waiting if waiting == commands.ALL else ""
            if how in (commands.PAIR, commands.COMMA):
                yield from _of_pair(line, match.start(), at, how)
                continue
            if not core.startswith("-") or how in (commands.NEXT, commands.ALL):
                yield (span := _argument(line, match.start(), at))
                done = span[1]
                continue
        if wanted:
            span = _argument(line, match.start(), at)
            last, done = [] if core.startswith("-") else [span], span[1]
            continue
        if core in taken and not core.startswith("-"):
            waiting, skip, wanted = _how(taken[core])
            continue
        if "p=" in core:
            yield from _of_percona(line, at, match.end())
        if not core.startswith(("-", "/")) or (core.startswith("/") and not any(core.startswith(option) for option in taken if option)):
            itself = taken.get(commands.ITSELF)
            if itself == commands.COMMA and not core.startswith(("/", "@")):
                yield from _of_pair(line, match.start(), at, commands.COMMA)
            elif itself == commands.NAMED and is_secret(core):
                waiting = commands.NAMED
                continue
            base = core[-LIMIT:].replace("=", "/").rpartition("/")[2].lower().strip("'\"")
            key, equal, _ = core.partition("=")
            options = commands.of_program(base) if not equal or not key.lower().endswith(_ACCOUNTS) else {}
            if options:
                taken = {**taken, **options}
                if isinstance(options.get(commands.ITSELF), int):
                    _, skip, _ = _how(options[commands.ITSELF])
            continue
        for option, how_of in taken.items():
            if option == commands.CLUSTER and re.fullmatch(r"-\w{0,20}b\w{0,20}", core):
                wanted = True
            elif not option or not isinstance(how_of, str):
                continue
            elif core == option and how_of != commands.OWN:
                waiting = how_of
            elif core.startswith(option) and (how_of == commands.OWN or not option.startswith("--")) and len(core) > len(option):
                rest = core[len(option) :]
                begin = at + len(option) + rest.startswith("=")
                pair = how_of in (commands.PAIR, commands.COMMA)
                yield from _of_pair(line, begin, begin, how_of) if pair else [(span := _argument(line, begin, begin))]
                done = begin if pair else span[1]
            elif option.startswith("--") and core.startswith(f"{option}="):
                begin = at + len(option) + 1
                pair = how_of in (commands.PAIR, commands.COMMA)
                yield from _of_pair(line, begin, begin, how_of) if pair else [(span := _argument(line, begin, begin))]
                done = begin if pair else span[1]
        if not waiting and "=" not in core and is_secret(core):
            waiting = commands.WORD
        elif not waiting and core.endswith("-auth"):
            waiting = commands.PAIR  # `--proxy-auth NAME:X`
    yield from last


_BETWEEN = ("|", ";", "&&", "||", ">", ">>", "<", "2>", "2>&1", "&")  # what stands behind the words of a command


def _how(how: commands.How) -> tuple[str, int, bool]:
    """Return how the next word is taken, how many words behind a secret is, and whether it is the last word."""
    if isinstance(how, int):
        return "", how, False
    return ("", 0, True) if how == commands.LAST else (how, 0, False)


def _of_percona(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the password of what Percona's tools take for an address: `h=db,u=nova,p=X`."""
    word = _END_OF_QUOTED.match(line, start, end)
    parts = word[0].split(",") if word else []
    if any(part.startswith(("h=", "u=", "S=", "D=")) for part in parts):
        for part in parts:
            if part.startswith("p="):
                yield start + 2, start + len(part)
            start += len(part) + 1


def _argument(line: str, start: int, core: int) -> tuple[int, int]:
    """Return the place of an argument: inside of its quotes, or the word without what is around it."""
    for place in (start, core):
        if line[place : place + 1] in ("'", '"') and line[place : place + 1]:
            return place + 1, _end_of_string(line, place + 1, line[place])
    if core > start and line[core - 1] in "\"'":
        return core, _end_of_string(line, core, line[core - 1])
    word = _WORD.match(line, core)
    return core, core + len(word[0].rstrip("\"'`,)]")) if word else core


def _of_pair(line: str, start: int, core: int, how: str) -> Iterator[tuple[int, int]]:
    """Yield what is behind the name in an argument: behind a colon or per cent, or else a comma or slash."""
    low, high = _argument(line, start, core)
    colon = next((place for place in (line.find(c, low, high) for c in (":%" if how == commands.PAIR else ",/")) if place >= 0), -1)
    if colon >= 0:
        yield colon + 1, high


def _in_lookups(line: str) -> Iterator[tuple[int, int]]:
    """Yield the defaults of lookups of Puppet: `hiera('admin_token', 'hunter2')`."""
    done = 0
    for call in _LOOKUP.finditer(line):
        if is_secret(call[2]) and call.start() >= done:
            end = line.find(")", call.end(), call.end() + _FAR)
            done = end if end >= 0 else call.end() + _FAR
            yield from ((string.start() + 1, string.end() - 1) for string in _STRING.finditer(line, call.end(), done))


_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
_PEM = pattern(r"-----BEGIN [A-Z0-9 ]{0,40}-----")
_PEM_END = pattern(r"-----END ")
_NO_WORD = dict.fromkeys(map(ord, ":='\"{}[],<>"), " ")  # what stands between words that may be names, as in `secret._NAME_WORD`
_LEADING = " \t\ufeff\xa0" + "".join(map(chr, (*range(9), 11, 12, *range(14, 32))))
_LINES = pattern(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")


def conceal(value: str) -> str:
    """Return the value of a key that holds a secret as asterisks, but for a number, a truth, a reference, and what an address needs."""
    if value.lower() in NOTHING or re.fullmatch(r"[+-]?\d{1,5}|\s*", value):
        return value
    hidden = mask_value(value)
    return hidden if hidden != value and "://" in value else stars(value)


def mask_lines(text: str, also: Collection[str] = (), *, broken: bool = False) -> str:
    """Return a text of several lines with every secret as asterisks, also where only the lines around tell that there is one.

    These are further lines of an option, a block scalar, a list below its key, a command, an element, or a key in PEM. A line break
    stays what and where it is. `also` are names that hold a secret in this text, though not everywhere. Of YAML that is
    `broken`, so that no reader tells more, all below such a name is hidden, but for what tells something about it.
    """
    also = _find_named(text, also)
    lines = _lines(text)
    return "".join(_mask_lines(lines, _suspects(lines, text, also), also, broken=broken))


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their breaks, which are `\\n`, `\\r\\n` and `\\r`; `splitlines` knows more of them."""
    if text.isascii() and not any(other in text for other in "\x0b\x0c\x1c\x1d\x1e"):
        return text.splitlines(keepends=True)
    return _LINES.findall(text)


def _find_named(text: str, names: Collection[str]) -> frozenset[str]:
    """Return those of the names that stand in a text, none if each of them holds a secret anywhere. Of many the words are looked for."""
    odd = _choose_odd(frozenset(names))
    if len(odd) <= FEW and not any(name in text for name in odd):
        return frozenset()
    if len(names) > FEW:
        return frozenset(text.translate(_NO_WORD).split()).intersection(names)
    return frozenset(name for name in names if name and name in text)


@functools.lru_cache(maxsize=8)
def _choose_odd(names: frozenset[str]) -> tuple[str, ...]:
    """Return those of the names that hold no secret elsewhere."""
    return tuple(name for name in names if name and not is_secret(name))


def _suspects(lines: list[str], text: str, names: frozenset[str]) -> set[int]:
    """Return the lines that may hold a secret, or begin something that does; each of the others says nothing by itself.

    `text` is that of the lines, and `names` are names that hold a secret in it.
    """
    starts = [0, *itertools.accumulate(map(len, lines))]
    found = {bisect_right(starts, at) - 1 for at in places(text)}
    found.update(number for number, line in enumerate(lines) if len(line) >= LEAST_BLOB and " " not in line.strip() and BLOB.match(line))
    if not text.isascii():
        found.update(number for number, line in enumerate(lines) if not line.isascii())
    odd = _choose_odd(names)
    if len(odd) > FEW:
        many = frozenset(odd)
        found.update(number for number, line in enumerate(lines) if names_any(line, many))
    for name in odd if len(odd) <= FEW else ():
        at = text.find(name)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            found.add(number)
            at = text.find(name, starts[number + 1])
    return found


def _mask_lines(lines: list[str], suspects: Collection[int], also: Collection[str], *, broken: bool) -> Iterator[str]:
    """Yield the lines in logical ones: each is masked by itself, and as the part of what it goes on with that it is."""
    opened: tuple[int, bool, bool] | None = None  # indentation of the key that holds a secret, whether `=` follows it, whether a value does
    pem = False
    group: list[tuple[str, str]] = []  # a line, and what of it belongs to the logical one
    order = sorted(suspects)
    number = 0
    while number < len(lines):
        if number not in suspects and opened is None and not pem and not group:
            following = bisect_left(order, number)
            until = order[following] if following < len(order) else len(lines)
            yield "".join(lines[number:until])
            number = until
            continue
        line = lines[number]
        number += 1
        text = line.rstrip("\r\n")
        if pem or "-----BEGIN" in text:
            yield from _mask_joined(group, also)
            group = []
            hidden, pem = _pem(text, pem)
            yield mask_secrets(hidden, also) + line[len(text) :]
            continue
        stripped = text.lstrip(_LEADING)
        indent = len(text) - len(stripped)
        if not stripped or stripped[0] in "#;":
            if group and not group[-1][1].endswith(" "):
                yield from _mask_joined(group, also)
                group = []
            if group:
                group.append((line, ""))
            else:
                yield mask_secrets(text, also) + line[len(text) :]
            continue
        if not group and opened is not None and _is_below(opened, indent, stripped):
            yield text[:indent] + "*" * len(stripped.rstrip()) + text[len(text.rstrip()) :] + line[len(text) :]
            continue
        outdented = 0 < indent <= (opened[0] if opened is not None else 0) and _colon(stripped.removeprefix("- ")) < 0
        if broken and not group and opened is not None and (indent > opened[0] or outdented):
            hidden = _deep(stripped)
            yield text[:indent] + hidden + line[len(text) :]
            continue
        if not group:
            opened = _find_opening(text, indent, also) or (opened if opened is not None and indent > opened[0] else None)
            if opened is None and text.rstrip()[-1:] not in "\\,>=" and "<" not in text:
                yield mask_secrets(text, also) + line[len(text) :]
                continue
        end = text.rstrip()[-2:]
        goes_on = text.endswith("\\") or end == "=>" or _is_open(group, text)
        goes_on = goes_on or (end[-1:] in (",", "=") and ("@" in text or "://" in text or bool(group)))
        part = text[:-1] if text.endswith("\\") else text
        group.append((line, f"{part} " if goes_on and end[-1:] not in (",", "=") else part))
        if not goes_on:
            yield from _mask_joined(group, also)
            group = []
    yield from _mask_joined(group, also)


def _pem(text: str, pem: bool) -> tuple[str, bool]:
    """Return a line in or around a key in PEM without the key, and whether the key goes on behind it."""
    begin = None if pem else _PEM.search(text)
    start = 0 if pem else begin.end() if begin else len(text)
    end = _PEM_END.search(text, start)
    stop = end.start() if end else len(text)
    inside = re.sub(r"[^\s'\",\[\]\\]", "*", text[start:stop])
    return text[:start] + inside + text[stop:], (pem or begin is not None) and end is None


def _is_below(opened: tuple[int, bool, bool], indent: int, stripped: str) -> bool:
    """Return whether a line is part of the value of the secret's key above it."""
    above, equals, has_value = opened
    if indent > above:
        return equals or has_value or _colon(stripped.removeprefix("- ")) < 0
    return indent == above and not equals and not has_value and stripped.startswith("- ") and _colon(stripped[2:]) < 0


def _colon(text: str) -> int:
    """Return where the colon of a mapping's key is, -1 if there is none."""
    match = re.compile(r"[\w:.'\"/-]{1,200}?:(?=\s|$)").match(text)
    return match.end() - 1 if match else -1


def _deep(stripped: str) -> str:
    """Return an entry below the key that holds a secret, in YAML that is broken, without its value."""
    key = _colon(stripped.removeprefix("- "))
    at = key + (2 if stripped.startswith("- ") else 0) + 1
    name = stripped[:at].strip("- '\":")
    if name in KEPT or name in _DESCRIBING:
        return mask_secrets(stripped)
    return stripped[:at] + re.sub(r"[^\s\[\]{},]", "*", stripped[at:])


def _find_opening(text: str, indent: int, also: Collection[str]) -> tuple[int, bool, bool] | None:
    """Return what a key leaves open for the lines below it, if it holds a secret."""
    place = indent + (2 if text.startswith("- ", indent) else 0)
    head = re.compile(r"[\"']?([\w:./-]{1,200}?)[\"']?[ \t]{0,200}(=(?!>)|(?<!:):(?![:>]))").match(text, place)
    if head is None or not (is_secret(head[1]) or head[1] in also):
        return None
    value = text[head.end() :].strip()
    if value.startswith(("{", "[")) or (value and value[0] in "'\"" and value.endswith(value[0]) and len(value) > 1):
        return None
    return indent, head[2] == "=", bool(value)


def _is_open(group: list[tuple[str, str]], text: str) -> bool:
    """Return whether an element of XML that began in these lines has not ended."""
    if "<" not in text and not (group and group[-1][1].endswith(" ")):
        return False
    last = text.rfind("<")
    if last < 0:
        return ">" not in text and any("<" in part for _, part in group[:1])
    return text.find(">", last) < 0 and re.match(r"[A-Za-z_][\w.:-]*(?:\s|$)", text[last + 1 : last + LIMIT]) is not None


def _mask_joined(group: list[tuple[str, str]], also: Collection[str]) -> Iterator[str]:
    """Yield the lines of a logical one with what it and they by themselves show to be secrets."""
    if len(group) == 1:
        line = group[0][0]
        text = line.rstrip("\r\n")
        yield mask_secrets(text, also) + line[len(text) :]
        return
    parts = [part if not number else part.lstrip(_LEADING) for number, (_, part) in enumerate(group)]
    whole, at = mask_secrets("".join(parts), also), 0
    for part, (line, uncut) in zip(parts, group):
        text = line.rstrip("\r\n")
        lead = len(uncut) - len(part)
        hidden = text[:lead] + whole[at : at + len(part)][: len(text) - lead]
        yield _only(hidden + text[len(hidden) :], mask_secrets(text, also)) + line[len(text) :]
        at += len(part)


def _only(one: str, other: str) -> str:
    """Return the text with what either of them masks."""
    return "".join("*" if "*" in (a, b) else b for a, b in zip(one, other)) if one != other else one


def mask_value(value: str) -> str:
    """Return a value, whose lines may be parts of one address, with every secret as asterisks."""
    if "\n" not in value:
        return mask_secrets(value)
    hidden = iter(mask_secrets(value.replace("\n", "")))
    return _only("".join(c if c == "\n" else next(hidden) for c in value), mask_lines(value))


def find_hidden(text: str, shown: str) -> set[str]:
    """Return the secrets of a text of which `shown` is what may be shown: each piece in one line that is masked, if it has some length."""
    found = set()
    if text != shown:
        for run in re.finditer(r"\*{4,}", shown):
            piece = text[run.start() : run.end()].strip()
            if piece.strip("*"):
                found |= {piece, piece.lstrip("*&!'\""), piece.strip("*&!'\" ,")}
                if piece[0] in "&!" and " " in piece:  # an anchor or a tag, and the value behind it
                    anchor, _, value = piece.partition(" ")
                    found |= {anchor.lstrip("&!"), value.strip("'\" ")}
    return {one for one in found if len(one) >= LEAST}


def secrets(text: str) -> set[str]:
    """Return the secrets in a text, those of some length, to be found again where nothing tells them to be ones."""
    return find_hidden(text, mask_lines(text))


class Known:
    """Secrets that are known, to be found again wherever they stand, in time that does not grow with their number."""

    def __init__(self, known: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for one in sorted(set(known), key=lambda secret: (-len(secret), secret)):
            if len(one) >= LEAST:
                self._by_start.setdefault(one[:LEAST], []).append(one)

    def hide(self, text: str) -> str:
        """Return the text with each of the secrets as asterisks."""
        if not self._by_start:
            return text
        at, spans = 0, []
        while at <= len(text) - LEAST:
            one = next((one for one in self._by_start.get(text[at : at + LEAST], ()) if text.startswith(one, at)), "")
            if one:
                spans.append((at, at + len(one)))
            at += len(one) or 1
        return put_stars(text, spans)


def without(text: str, known: Iterable[str]) -> str:
    """Return `text` with each of the `known` secrets as asterisks, and masked as a text."""
    return mask_lines(Known(known).hide(text))
