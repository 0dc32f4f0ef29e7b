"""Addresses in any text: IPv4, IPv6 and MAC addresses, in every spelling that reports have, each with one replacement.

Replacements are of the ranges for documentation (RFC 5737, RFC 3849, RFC 7042), of which none is used that the input itself has;
where there are more addresses than those ranges hold, of the range for benchmarks (RFC 2544) and of locally administered MACs.
"""

from __future__ import annotations

import ipaddress
import re
from itertools import chain, count

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
        text = _REVERSED.sub(self._reversed, text)
        text = _ESCAPED.sub(lambda m: self._respelled(m[0], re.sub("%3[Aa]", ":", m[0]), "%3A"), text)
        text = _COLONS.sub(self._colons, text)
        text = _DOTS.sub(self._dots, text)
        text = _V4.sub(lambda m: self._for(m[0]), text)
        return _DASHED.sub(self._dashed, text)

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
        return self._respelled(found, address, ".") if (whole or ".." in found) and (named or known) else found

    def _respelled(self, shown: str, address: str, colon: str) -> str:
        hidden = self._for(address)
        return shown if hidden == address else hidden.replace(":", colon)

    def _reversed(self, match: re.Match[str]) -> str:
        digits = match[1].replace(".", "")[::-1]
        hidden = self._for(":".join(digits[i : i + 4] for i in range(0, 32, 4)))
        return ".".join(reversed(ipaddress.ip_address(hidden).exploded.replace(":", ""))) + ".ip6.arpa"

    def _dashed(self, match: re.Match[str]) -> str:
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
