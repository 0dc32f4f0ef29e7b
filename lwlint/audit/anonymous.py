"""Names of hosts, domains and clusters in any text, each with one replacement: `controller-1` -> `host-1`.

A name that could be nothing else is replaced wherever it stands. One that is also a word (a host called `db` or `controller`)
is replaced where only a host can be meant: in an address, after a key such as `bind_host`, in the name of a sosreport.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.answer import LONGEST, LONGEST_MESSAGE, Audit
from lwlint.core.facts import Service
from lwlint.policy.rules import Rule

_V4 = re.compile(r"(?<!\d)(?<!\d\.)((?:0*\d{1,3}\.){3}0*\d{1,3})(?!\d)(?!\.\d)")
_DASHED = re.compile(r"(?<![A-Za-z0-9])(?P<front>ip[-_])?(?P<v4>\d{1,3}(?P<sep>[-_])\d{1,3}(?P=sep)\d{1,3}(?P=sep)\d{1,3})(?![A-Za-z0-9])")
_MAC = re.compile(r"(?<![0-9A-Fa-f:])(?P<mac>[0-9A-Fa-f]{2}(?P<sep>[:-])(?:[0-9A-Fa-f]{2}(?P=sep)){4,}[0-9A-Fa-f]{2})(?!:?[0-9A-Fa-f])")
_CISCO = re.compile(r"(?<![0-9A-Fa-f.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Fa-f.])")
_BARE = re.compile(r"(?<![0-9A-Fa-f-])(?P<mac>[0-9A-Fa-f]{12})(?![0-9A-Fa-f])")
# with colons, with dots in their place as in TripleO's `ip-fd00.fd00..10`, and with colons as in the query of an address
_COLONS = re.compile(r"(?<![A-Za-z0-9:])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]+(?:(?<=\d)(?:\.\d{1,3}){3})?(?![A-Za-z0-9]|\.\d)")
_DOTS = re.compile(r"(?<![A-Za-z0-9.])[0-9A-Fa-f]{1,4}(?:\.{1,2}[0-9A-Fa-f]{1,4}){1,7}(?![A-Za-z0-9.])")
_ESCAPED = re.compile(r"(?<![A-Za-z0-9])(?:[0-9A-Fa-f]{0,4}%3[Aa]){2,7}[0-9A-Fa-f]{0,4}(?![A-Za-z0-9])")
_REVERSED = re.compile(r"(?<![\w.])((?:[0-9A-Fa-f]\.){32})ip6\.arpa", re.IGNORECASE)
_V4_RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")


class Addresses:
    """The addresses that were learned, and what stands for each."""

    def __init__(self) -> None:
        self._own: set[str] = set()  # addresses of the input, which replace nothing
        self._macs: set[str] = set()
        self._stand_in: dict[str, str] = {}
        self._given: set[str] = set()
        self._v4 = chain.from_iterable(ipaddress.ip_network(net).hosts() for net in _V4_RANGES)
        self._v6 = (ipaddress.IPv6Address("2001:db8::") + number for number in count(1))
        self._mac = chain(
            (f"00:00:5e:00:53:{n:02x}" for n in range(256)),
            (f"02:00:5e:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}" for n in range(1 << 24)),
        )

    def learn(self, text: str) -> None:
        """Remember the addresses in `text`, so that none of them is used as a replacement."""
        self._own.update(found for match in _V4.finditer(text) if (found := _plain(match[0])))
        self._own.update(found for match in _COLONS.finditer(text) if (found := _plain(match[0][: _end(match[0])])))
        for match in _MAC.finditer(text):
            self._macs.add(_hex(match["mac"]))
        for match in _CISCO.finditer(text):
            self._macs.add(_hex(match[0]))

    def hide(self, text: str) -> str:
        """Return `text` with each address replaced, in the spelling in which it stands; loopback, unspecified and masks stay."""
        text = _MAC.sub(lambda m: self._as_mac(m["mac"]), text)
        text = _CISCO.sub(lambda m: self._as_mac(m[0]), text)
        text = _BARE.sub(self._bare, text)
        text = _REVERSED.sub(self._reverse, text)
        text = _ESCAPED.sub(lambda m: self._respell(m[0], re.sub("%3[Aa]", ":", m[0]), "%3A"), text)
        text = _COLONS.sub(self._colons, text)
        text = _DOTS.sub(self._dots, text)
        text = _V4.sub(lambda m: self._for(m[0]), text)
        return _DASHED.sub(self._replace_dashed, text)

    def _for(self, shown: str) -> str:
        """Return what stands for an address; the address itself where it stays, or is none."""
        plain = _plain(shown)
        if not plain or plain in self._given or _stays(plain):
            return shown
        mapped = ipaddress.IPv6Address(plain).ipv4_mapped if ":" in plain else None
        if mapped is not None:
            return f"::ffff:{self._for(str(mapped))}"
        if plain not in self._stand_in:
            free = self._v4 if ":" not in plain else self._v6
            self._stand_in[plain] = next(str(one) for one in free if str(one) not in self._own)
            self._given.add(self._stand_in[plain])
        return self._stand_in[plain]

    def _as_mac(self, shown: str) -> str:
        plain = _hex(shown)
        if plain in self._given or not plain.strip("0") or not plain.strip("f"):
            return shown
        if plain not in self._stand_in:
            self._stand_in[plain] = next(_hex(one) for one in self._mac if _hex(one) not in self._macs)
            self._given.add(self._stand_in[plain])
        found = self._stand_in[plain]
        if "." in shown:
            return ".".join(found[i : i + 4] for i in (0, 4, 8))
        return found if not re.search("[:-]", shown) else shown[2].join(found[i : i + 2] for i in range(0, 12, 2))

    def _bare(self, match: re.Match[str]) -> str:
        known = match["mac"].lower() in self._macs or match.string[: match.start()].endswith("enx")
        return self._as_mac(match["mac"]) if known else match["mac"]

    def _colons(self, match: re.Match[str]) -> str:
        """Replace an address that a colon, or a number after one, may follow: `fd00::1: why`, `path:3:7` is none."""
        end = _end(match[0])
        return self._for(match[0][:end]) + match[0][end:]

    def _dots(self, match: re.Match[str]) -> str:
        """Replace an address with dots for colons; without a letter and a gap it is a number of some version."""
        found = match[0]
        whole = found.count(".") == 7 and ".." not in found
        named = match.string[: match.start()].endswith(("ip-", "ip_"))
        address = found.replace(".", ":")
        known = re.search("[A-Fa-f]", found) and (found.count(".") > 2 or _plain(address) in self._own)
        return self._respell(found, address, ".") if (whole or ".." in found) and (named or known) else found

    def _respell(self, shown: str, address: str, colon: str) -> str:
        hidden = self._for(address)
        return shown if hidden == address else hidden.replace(":", colon)

    def _reverse(self, match: re.Match[str]) -> str:
        digits = match[1].replace(".", "")[::-1]
        hidden = self._for(":".join(digits[i : i + 4] for i in range(0, 32, 4)))
        return ".".join(reversed(ipaddress.ip_address(hidden).exploded.replace(":", ""))) + ".ip6.arpa"

    def _replace_dashed(self, match: re.Match[str]) -> str:
        sep = match["sep"]
        plain = _plain(match["v4"].replace(sep, "."))
        if not plain or not (match["front"] or plain in self._stand_in or plain in self._own):
            return match[0]
        return (match["front"] or "") + self._for(plain).replace(".", sep)


def _plain(shown: str) -> str:
    """Return the one spelling of an address; empty for what is none."""
    try:
        if ":" in shown:
            return str(ipaddress.IPv6Address(shown))
        return str(ipaddress.IPv4Address(".".join(str(int(part)) for part in shown.split("."))))
    except ValueError:
        return ""


def _stays(plain: str) -> bool:
    address = ipaddress.ip_address(plain)
    return address.is_loopback or address.is_unspecified or (address.version == 4 and plain.startswith("255."))


def _hex(mac: str) -> str:
    return re.sub("[:.-]", "", mac).lower()[-12:]


def _end(found: str) -> int:
    """Return where an address ends that colons may follow; 0 for what is none, as `::db::` in the name of a Puppet class."""
    end = len(found) - (found.endswith(":") and not found.endswith("::"))
    lone = re.fullmatch(r"::[A-Fa-f]*", found[:end])
    return end if _plain(found[:end]) and not lone else 0


_NAME = r"[A-Za-z0-9](?:[\w-]|\.(?=[\w]))*"
_AUTHORITY = re.compile(r"(?P<front>(?<!file)://)(?P<all>[^/\s'\"`?#<>]+)")
_AT = re.compile(r"(?P<front>\b(?:rabbit\w*|root|heat-admin|tripleo-admin)@)(?P<all>[\w.-]+)")
_KEY = (
    r"(?:\w+[_-])?(?:hosts?|hostname|host_name|host_list|host_map|hostlist|servers?|nodes?|node_?name|nodelist|uname|address(?:es)?|addr|ips?|ipaddr"
    r"|listen|sentinels?|fqdn|dhcp_domain|dns_domain|cluster[_-]name|cluster_address|ring\d_addr|bindnetaddr)"
)
_SET = re.compile(
    rf"(?P<front>^(?![^\n]*`)[ \t\r\f\v#;]*(?:[\w:]+::)?{_KEY}\s*[=:]\s*)(?P<all>[^\s'\"{{\[%$<>][^'\"\n<>`]*)",
    re.MULTILINE | re.IGNORECASE,
)
_ARGUMENT = re.compile(rf"(?P<front>--{_KEY}[= ])(?P<all>[^\s'\"`;<>]+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?P<front>\b(?:uname|node|host|ring\d_addr)=[\"'])(?P<all>[^\"'<>\n]+)")
_PAIR = re.compile(rf"(?P<front>name=[\"']{_KEY}[\"'][^<>]{{0,1000}}?value=[\"'])(?P<all>[^\"'<>\n]+)", re.IGNORECASE)
_TURNED = re.compile(rf"(?P<front>value=[\"'])(?P<all>[^\"'<>\n]+)(?=[\"'][^<>]{{0,1000}}?name=[\"']{_KEY}[\"'])", re.IGNORECASE)
_REPORT = re.compile(
    r"(?P<front>sosreport-)(?P<all>[A-Za-z0-9][\w.-]{0,200}?)(?=(?:[.-]\d{4}-\d{2}-\d{2}|[.-]\d{6,}|-[a-z]{7}\b|\.tar|\.t[gxb]z|[/!]|$))"
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


# fields that hold words of lwlint's own, numbers and times; every other text is searched for names
_KEPT = frozenset(("rules", "code", "rule", "severity", "clause", "kind", "title", "outcome", "release", "sos", "captured"))
_HOSTS = frozenset(("host", "hosts", "cib_of", "absent", "nodes", "offline"))  # fields that hold a name and nothing else


Record = TypeVar("Record", bound=Struct)


class Anonymous:
    """What is known of the names and addresses in the input of one audit, and what stands for each."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        own = [text for rule in rules for text in (rule.id, rule.title, rule.why, rule.remedy)]
        self._own = frozenset(own)
        words = {word.lower() for text in own for word in re.findall(r"[A-Za-z]+", text)}
        self.names = Names(words | {word.lower() for text in own for word in re.findall(r"[A-Za-z][\w-]{0,200}\.[\w.-]{0,200}\w", text)})
        self.addresses = Addresses()

    def learn(self, text: str) -> None:
        """Know what stands in `text`, a whole file of the input or anything of the answer."""
        self.names.learn(text)
        self.addresses.learn(text)

    def hide(self, answer: Audit) -> Audit:
        """Return the answer with every name and address replaced."""
        for cluster in answer.clusters:
            self.names.cluster(cluster.name)
            for name in cluster.nodes:
                self.names.host(name)
        for text in _texts(answer):
            self.learn(text)
        self.names.settle()
        return self.hide_record(answer)

    def hide_record(self, record: Record) -> Record:
        """Return a record with every name and address replaced, as in the answer that was hidden before."""
        hidden: Record = self._record(record)
        return hidden

    def text(self, text: str) -> str:
        """Return `text` with every name and address replaced, unless it is one of lwlint's own, as a rule's remedy."""
        if len(text) in (LONGEST, LONGEST_MESSAGE):
            text = re.sub(r"[^\s'\"`,;/@]*$", "", text)  # it was cut there, and half a name is not known again
        return text if text in self._own else self.names.hide(self.addresses.hide(text))

    def _record(self, record: Any) -> Any:
        changes = {}
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if name not in _KEPT:
                whole = name in _HOSTS or (name == "name" and not hasattr(record, "kind"))
                changes[name] = self._value(value, self._whole if whole else self.text)
        return replace(record, **changes)

    def _whole(self, name: str) -> str:
        return self.names.whole(self.addresses.hide(name))

    def _value(self, value: Any, hide: Callable[[str], str]) -> Any:
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, tuple):
            return tuple(self._value(one, hide) for one in value)
        if isinstance(value, Rule) or not isinstance(value, Struct):
            return value
        return self._record(value)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in an answer that may hold names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, Struct) and not isinstance(value, Rule):
        for name in value.__struct_fields__:
            if name not in _KEPT:
                yield from _texts(getattr(value, name))
