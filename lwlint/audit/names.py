"""Names of hosts, domains and clusters in any text, each with one replacement: `controller-1` -> `host-1`.

A name that could be nothing else is replaced wherever it stands. One that is also a word (a host called `db` or `controller`)
is replaced where only a host can be meant: in an address, after a key such as `bind_host`, in the name of a sosreport.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count

from lwlint.facts.service import Service

_NAME = r"[A-Za-z0-9](?:[\w-]|\.(?=[\w]))*"
_AUTHORITY = re.compile(r"(?P<front>(?<!file)://)(?P<all>[^/\s'\"`?#<>]+)")
_AT = re.compile(r"(?P<front>\b(?:rabbit\w*|root|heat-admin|tripleo-admin)@)(?P<all>[\w.-]+)")
_KEY = (
    r"(?:\w+[_-])?(?:hosts?|hostname|host_name|host_list|host_map|hostlist|servers?|nodes?|node_?name|nodelist|uname|address(?:es)?|addr|ips?|ipaddr"
    r"|listen|sentinels?|fqdn|dhcp_domain|dns_domain|cluster[_-]name|cluster_address|ring\d_addr|bindnetaddr)"
)
_SET = re.compile(
    rf"(?P<front>^(?![^\n]*`)[\s#;]*(?:[\w:]+::)?{_KEY}\s*[=:]\s*)(?P<all>[^\s'\"{{\[%$<>][^'\"\n<>`]*)",
    re.MULTILINE | re.IGNORECASE,
)
_ARGUMENT = re.compile(rf"(?P<front>--{_KEY}[= ])(?P<all>[^\s'\"`;<>]+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?P<front>\b(?:uname|node|host|ring\d_addr)=[\"'])(?P<all>[^\"'<>\n]+)")
_PAIR = re.compile(rf"(?P<front>name=[\"']{_KEY}[\"'][^<>]*?value=[\"'])(?P<all>[^\"'<>\n]+)", re.IGNORECASE)
_TURNED = re.compile(rf"(?P<front>value=[\"'])(?P<all>[^\"'<>\n]+)(?=[\"'][^<>]*?name=[\"']{_KEY}[\"'])", re.IGNORECASE)
_REPORT = re.compile(
    r"(?P<front>sosreport-)(?P<all>[A-Za-z0-9][\w.-]*?)(?=(?:[.-]\d{4}-\d{2}-\d{2}|[.-]\d{6,}|-[a-z]{7}\b|\.tar|\.t[gxb]z|[/!]|$))"
)
_PLACES = (_AUTHORITY, _AT, _SET, _ARGUMENT, _ATTRIBUTE, _PAIR, _TURNED, _REPORT)
_PART = re.compile(rf"(?P<front>^|[,;:=@\s|]|%40)(?P<name>{_NAME})(?=$|[,;:=\s|/])")
_DOTTED = re.compile(r"(?<![\w.-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9](?![\w-]|\.\w)")
_TOP = frozenset((
    "com", "net", "org", "edu", "gov", "mil", "int", "arpa", "local", "localdomain", "lan", "internal", "intranet", "corp",
    "novalocal", "openstacklocal", "example", "invalid", "cloud", "io", "biz", "tech", "eu", "de", "uk", "fr", "nl", "se", "cz", "ch",
    "at", "be", "dk", "fi", "no", "ru", "cn", "jp", "kr", "br", "au", "ca", "us", "za", "es", "pt", "gr", "hu", "ro", "ie", "tr",
    "ua", "il", "sg", "hk", "tw", "nz", "mx", "ar", "cl",
))  # fmt: skip
_FILES = frozenset((
    "py", "sh", "so", "pl", "pm", "md", "rs", "gz", "xz", "bz", "cc", "ps", "pp", "cf", "rb", "js", "ko", "rc", "db", "id", "it",
    "is", "in",
))  # fmt: skip
_ALONE = frozenset((
    "localhost", "localdomain", "localhost4", "localhost6", "ip6-localhost", "rc.local",
))  # fmt: skip
_BELOW_HOSTS = frozenset(
    (
        "local",
        "localdomain",
        "lan",
        "novalocal",
        "openstacklocal",
        "internal",
    )
)  # fmt: skip; domains without a dot
_WORDS = frozenset((
    "true", "false", "none", "null", "default", "auto", "any", "all", "yes", "no", "on", "off", "local", "host", "hosts", "node",
    "server", "cluster", "domain", "example", "debian", "hacluster", "controller", "controllers", "compute", "computes", "overcloud",
    "undercloud", "ubuntu", "centos", "redhat", "tripleo",
))  # fmt: skip


class Names:
    """The names that were learned, and what stands for each. `words` are those of lwlint's own, which are no hosts' names."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = _WORDS | frozenset(words)
        self._services: set[str] = set()
        self._hosts: dict[str, None] = {}  # by name, as the order numbers them
        self._clusters: dict[str, None] = {}
        self._seen: set[str] = set()  # learned from texts
        self._domains: set[str] = set()
        self._alias: dict[str, str] = {}
        self._everywhere: re.Pattern[str] | None = None
        self._forms: dict[str, str] = {}

    def services(self, services: Iterable[Service]) -> None:
        """Know the names of services, units, containers and resources, which are words: `http://nova-api:8774` makes no host of a unit."""
        for one in services:
            called = (one.name, *one.units, *one.containers, *one.resource_ids, *one.full_ha_ids, *one.bundle_ids)
            forms = {form for name in called for form in (name, name.removeprefix("openstack-"), *_forms(name.removeprefix("openstack-")))}
            self._services |= {form.replace("_", "-") for form in forms} | forms

    def host(self, name: str) -> None:
        """Know `name` as a host's, with or without its domain."""
        short, _, domain = name.lower().partition(".")
        if name and not re.fullmatch(r"[\d.]+", name) and ":" not in name:
            self._hosts.setdefault(short)
            if domain:
                self._seen.add(name.lower())
                self._domains.add(domain)

    def cluster(self, name: str) -> None:
        """Know `name` as a cluster's."""
        if name:
            self._clusters.setdefault(name)

    def learn(self, text: str) -> None:
        """Remember the names that stand in `text` where only a host can be meant, and those with a domain."""
        self._seen.update(name for pattern in _PLACES for match in pattern.finditer(text) for name in _names(match["all"]))
        self._seen.update(match[0].lower() for match in _DOTTED.finditer(text) if self._is_domain(match[0].lower()))

    def _is_domain(self, name: str) -> bool:
        if name in self._words or name.split(".")[0] == "localhost" or name in _ALONE:
            return False
        last = name.rpartition(".")[2]
        return last in _TOP or (len(last) == 2 and name.count(".") > 1 and last not in _FILES)

    def settle(self) -> None:
        """Give each name that was learned its replacement; none is a name of the input."""
        taken = {*self._hosts, *self._clusters, *self._seen}
        hosts = (alias for n in count(1) if (alias := f"host-{n}") not in taken)
        domains = (alias for n in count(1) if (alias := f"domain-{n}.example") not in taken)
        clusters = (alias for n in count(1) if (alias := f"cluster-{n}") not in taken)
        for name in self._clusters:
            if name.lower() not in self._hosts:
                self._alias[name.lower()] = next(clusters)
        seen = sorted(name for name in self._seen - {*_ALONE, *self._hosts, *self._alias} if name not in self._words or "." in name)
        self._domains |= {_split(name)[1] for name in seen if "." in name}
        for domain in sorted(self._domains - {"", *_ALONE}):
            self._alias[domain] = next(domains)
        for short in (*self._hosts, *(short for name in seen if name not in self._domains and (short := _split(name)[0]))):
            if short not in self._alias:
                self._alias[short] = next(hosts)
        for name in seen:
            short, domain = _split(name)
            if "." in name and name not in self._alias:
                self._alias[name] = f"{self._alias[short]}.{self._alias.get(domain, domain)}"
        known = {*self._hosts, *self._domains, *(name.lower() for name in self._clusters)}
        everywhere = [name for name in self._alias if self._is_plain(name, known)]
        self._forms = {form: self._alias[name] for name in everywhere for form in _forms(name)}
        self._forms.update((name, self._alias[name]) for name in everywhere)
        found = "|".join(re.escape(name) for name in sorted(self._forms, key=lambda name: (-len(name), name)))
        self._everywhere = re.compile(rf"(?<![A-Za-z0-9])(?:{found})(?![A-Za-z0-9])", re.IGNORECASE) if found else None

    def _is_plain(self, name: str, known: Iterable[str]) -> bool:
        """Return whether `name` can be nothing but a host's, domain's or cluster's, so that it is replaced everywhere."""
        if name in self._words or len(name) < 2 or name.isdigit() or (name in self._services and name not in self._hosts):
            return False
        return bool(re.search(r"[\d.-]", name)) or (name in known and len(name) > 2)

    def whole(self, text: str) -> str:
        """Return what stands for `text`, which is a host's or a cluster's name and nothing else."""
        alias = self._alias.get(text.lower())
        if alias is None and (numbered := re.fullmatch(r"(.+)(\(\d+\))", text)):
            return self.whole(numbered[1]) + numbered[2]
        return self.hide(text) if alias is None else alias

    def hide(self, text: str) -> str:
        """Return `text` with each name that was learned replaced."""
        for pattern in _PLACES:
            text = pattern.sub(lambda m: m["front"] + _PART.sub(self._part, m["all"]), text)
        return text if self._everywhere is None else self._everywhere.sub(lambda m: self._forms[m[0].lower()], text)

    def _part(self, match: re.Match[str]) -> str:
        name = match["name"]
        return match["front"] + (name if _is_other(match) else self._alias.get(name.lower(), name))


def _names(text: str) -> Iterator[str]:
    """Yield the names in the value of a key, or in the authority of an address: `user:***@a:3306,b:3306`."""
    for match in _PART.finditer(text):
        name = match["name"].lower()
        if not _is_other(match) and not re.fullmatch(r"[\d.]+|[0-9a-f]+", name) and name not in _ALONE:
            yield name


def _is_other(match: re.Match[str]) -> bool:
    """Return whether a part is the user of an address, or its scheme: `nova` of `nova:***@a:3306,b`, `gcomm` of `gcomm://a,b`."""
    rest = match.string[match.end() :]
    return rest.startswith("://") or "@" in re.split("[,;]", rest)[0]


def _split(name: str) -> tuple[str, str]:
    """Return a name's first label and the rest: (`controller-1`, `example.com`); of a domain with two labels the first is empty."""
    short, _, domain = name.partition(".")
    if domain and "." not in domain and domain in _TOP and domain not in _BELOW_HOSTS:
        return "", name
    return short, domain


def _forms(name: str) -> Iterator[str]:
    """Yield a name as ids spell it, which may have neither `.` nor `-`."""
    yield name.replace("-", "_")
    yield name.replace(".", "_").replace("-", "_")
    yield name.replace(".", "-")
