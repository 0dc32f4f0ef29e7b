"""The shapes of CIBs: what one resource, group, constraint, set or node is bound to, many times over."""

from __future__ import annotations

from collections.abc import Callable

from bench.shape import GALERA, PRIMITIVE, Shape, cib, each, file

_CORE = PRIMITIVE.replace("@", "0") + '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy"/></clone>' + GALERA
_HAPROXY = '<primitive id="haproxy" class="systemd" type="haproxy"/>'
_HAPROXIES = _HAPROXY.replace('"haproxy"', '"haproxy@"', 1)
_ADDRESS = '<primitive id="ip@" class="ocf" provider="heartbeat" type="IPaddr2"/>'
_OTHER = '<primitive id="r@" class="ocf" provider="heartbeat" type="Dummy"/>'
_COMPUTE = (
    '<node id="2" type="remote" uname="c1"><instance_attributes id="x"><nvpair id="y" name="osprole" value="compute"/>'
    "</instance_attributes></node>"
)


def _with(id: str, other: str, score: str = "INFINITY") -> str:
    return f'<rsc_colocation id="k{id}{score}" rsc="{id}" with-rsc="{other}" score="{score}"/>'


def _chain(size: int, name: str, *, back: bool = False, score: str = "INFINITY") -> str:
    ends = ((i + 1, i) if back else (i, i + 1) for i in range(size))
    return "".join(_with(f"{name}{one}", f"{name}{other}", score) for one, other in ends)


def _set(kind: str, references: str, *, attributes: str = "") -> str:
    return f'<{kind} id="k" score="INFINITY"><resource_set id="s"{attributes}>{references}</resource_set></{kind}>'


def _tagged(constraint: str) -> Callable[[int], str]:
    return lambda n: cib(
        _CORE + each(_OTHER, n), each(constraint, n), more="<tags><tag id='t'>" + each("<obj_ref id='r@'/>", n) + "</tag></tags>"
    )


def _shape(name: str, size: int, text: Callable[[int], str]) -> Shape:
    return Shape(f"CIB: {name}", size, file("cib.xml", text))


_NAMED = '<resource_ref id="ip@"/>'
SHAPES = (
    _shape("addresses", 4_000, lambda n: cib(_CORE + each(_ADDRESS, n))),
    _shape("addresses in one group", 4_000, lambda n: cib(f'{_CORE}<group id="g">{each(_ADDRESS, n)}</group>')),
    _shape("addresses in HAProxy's group", 4_000, lambda n: cib(f'{PRIMITIVE}<group id="g">{_HAPROXY}{each(_ADDRESS, n)}</group>')),
    _shape("addresses in another's group", 4_000, lambda n: cib(f'{_CORE}<group id="g">{_OTHER}{each(_ADDRESS, n)}</group>')),
    _shape("addresses bound to HAProxy", 4_000, lambda n: cib(_CORE + each(_ADDRESS, n), each(_with("ip@", "haproxy-clone"), n))),
    _shape("addresses loosely bound", 4_000, lambda n: cib(_CORE + each(_ADDRESS, n), each(_with("ip@", "haproxy-clone", "10"), n))),
    _shape("chain of addresses", 4_000, lambda n: cib(_CORE + each(_ADDRESS, n + 1), _chain(n, "ip"))),
    _shape("chain of addresses, backwards", 4_000, lambda n: cib(_CORE + each(_ADDRESS, n + 1), _chain(n, "ip", back=True))),
    _shape(
        "chain of addresses to another's",
        4_000,
        lambda n: cib(_CORE + _OTHER + each(_ADDRESS, n + 1), _chain(n, "ip") + _with(f"ip{n}", "r@")),
    ),
    _shape(
        "circles of addresses",
        2_000,
        lambda n: cib(_CORE + each(_ADDRESS, n + 1), _chain(n, "ip") + _chain(n, "ip", back=True, score="10")),
    ),
    _shape(
        "circles of one group",
        2_000,
        lambda n: cib(
            f'{_CORE}<group id="g">{each(_ADDRESS, n)}</group>{each(_OTHER, n)}',
            each(_with("ip@", "r@", "10") + _with("r@", f"ip{n - 1}", "10"), n) + _with("haproxy-clone", "g"),
        ),
    ),
    _shape(
        "a circle of groups",
        2_000,
        lambda n: cib(
            _CORE + each(f'<group id="g@">{_OTHER}{_ADDRESS}</group>', n),
            "".join(_with(f"g{(i + 1) % n}", f"ip{i}", "10") for i in range(n)) + _with("haproxy-clone", "g0"),
        ),
    ),
    _shape(
        "addresses each with another's",
        2_000,
        lambda n: cib(_CORE + each(_ADDRESS, n) + each(_OTHER, n), each(_with("ip@", "r@"), n)),
    ),
    _shape(
        "a colocation of addresses",
        4_000,
        lambda n: cib(_CORE + each(_ADDRESS, n), _set("rsc_colocation", each(_NAMED, n) + '<resource_ref id="haproxy-clone"/>')),
    ),
    _shape(
        "an order of addresses",
        4_000,
        lambda n: cib(_CORE + each(_ADDRESS, n), _set("rsc_order", each(_NAMED, n) + '<resource_ref id="haproxy-clone"/>')),
    ),
    _shape("HAProxies", 4_000, lambda n: cib(PRIMITIVE + each(_HAPROXIES, n) + _ADDRESS)),
    _shape(
        "HAProxies, each with an address",
        2_000,
        lambda n: cib(PRIMITIVE + each(_HAPROXIES + _ADDRESS, n), each(_with("ip@", "haproxy@"), n)),
    ),
    _shape(
        "groups, each bound",
        2_000,
        lambda n: cib(_CORE + each(f'<group id="g@">{_ADDRESS}</group>', n), each(_with("g@", "haproxy-clone"), n)),
    ),
    _shape(
        "colocations of one group",
        2_000,
        lambda n: cib(
            f'{_CORE}<group id="g">{each(_ADDRESS, n)}</group>', "".join(_with("g", "haproxy-clone", str(i + 1)) for i in range(n))
        ),
    ),
    _shape("chain of colocations", 8_000, lambda n: cib(_CORE + each(_OTHER, n + 1), _chain(n, "r"))),
    _shape(
        "chain of colocations kept away",
        4_000,
        lambda n: cib(
            _CORE + each(_OTHER, n + 1),
            _chain(n, "r")
            + f'<rsc_location id="l" rsc="r{n}"><rule id="u" score="-INFINITY"><expression id="e" attribute="osprole" operation="ne"'
            ' value="compute"/></rule></rsc_location>',
            nodes=_COMPUTE,
        ),
    ),
    _shape("an order of others", 8_000, lambda n: cib(_CORE + each(_OTHER, n), _set("rsc_order", each('<resource_ref id="r@"/>', n)))),
    _shape(
        "addresses in one order",
        8_000,
        lambda n: cib(
            _CORE + each(_ADDRESS, n),
            '<rsc_order id="k" kind="Optional"><resource_set id="s">'
            + each('<resource_ref id="ip@"/>', n)
            + '</resource_set><resource_set id="t"><resource_ref id="haproxy-clone"/></resource_set></rsc_order>',
        ),
    ),
    _shape(
        "sets of one order",
        8_000,
        lambda n: cib(
            _CORE + each(_OTHER, n),
            "<rsc_order id='k'>" + each("<resource_set id='s@'><resource_ref id='r@'/></resource_set>", n) + "</rsc_order>",
        ),
    ),
    _shape(
        "tags",
        8_000,
        lambda n: cib(
            _CORE,
            each('<rsc_order id="o@" first="t@" then="haproxy-clone"/>', n),
            more="<tags>" + each("<tag id='t@'/>", n) + "</tags>",
        ),
    ),
    _shape("orders of one tag", 4_000, _tagged('<rsc_order id="o@" first="t" then="haproxy-clone"/>')),
    _shape("locations of one tag", 4_000, _tagged('<rsc_location id="o@" rsc="t" node="c0" score="-INFINITY"/>')),
    _shape(
        "locations by pattern",
        4_000,
        lambda n: cib(_CORE + each(_OTHER, n), each('<rsc_location id="o@" rsc-pattern="r@.*" node="c0" score="-INFINITY"/>', n)),
    ),
    _shape(
        "rules and nodes",
        2_000,
        lambda n: cib(
            _CORE + each(_OTHER, n),
            each(
                '<rsc_location id="l@" rsc="r@"><rule id="u@" score="-INFINITY"><expression id="e@" attribute="a" operation="ne"'
                ' value="b"/></rule></rsc_location>',
                n,
            ),
            nodes=each('<node id="n@" uname="n@"/>', n),
        ),
    ),
    _shape(
        "a rule in itself",
        400_000,
        lambda n: cib(
            _CORE,
            '<rsc_location id="l" rsc="galera"><rule id="u" score="1"><rule id-ref="u"/><rule id-ref="u"/></rule></rsc_location>' + " " * n,
        ),
    ),
    _shape(
        "defaults and resources",
        4_000,
        lambda n: cib(
            _CORE + each(_OTHER, n),
            more="<rsc_defaults><meta_attributes id='m'>"
            + each("<nvpair id='q@' name='a@' value='1'/>", n)
            + "</meta_attributes></rsc_defaults>",
        ),
    ),
    _shape(
        "attributes and members of one group",
        4_000,
        lambda n: cib(
            f'{_CORE}<group id="g"><meta_attributes id="m">'
            + each("<nvpair id='q@' name='a@' value='1'/>", n)
            + f"</meta_attributes>{each(_OTHER, n)}</group>"
        ),
    ),
    _shape(
        "fencing levels",
        8_000,
        lambda n: cib(
            _CORE,
            more="<fencing-topology>" + each("<fencing-level id='f@' target='c0' index='@' devices='st,x@'/>", n) + "</fencing-topology>",
        ),
    ),
    _shape("tickets", 8_000, lambda n: cib(_CORE + each(_OTHER, n), each('<rsc_ticket id="t@" rsc="r@" ticket="T@"/>', n))),
    _shape(
        "rights",
        8_000,
        lambda n: cib(
            _CORE, more="<acls>" + each("<acl_role id='a@'><acl_permission id='p@' kind='read' xpath='/cib'/></acl_role>", n) + "</acls>"
        ),
    ),
)
