"""The shapes of input that a stranger may send: files of each kind, trees of them, and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cib_shapes import SHAPES as OF_CIBS
from bench.report_shapes import SHAPES as OF_REPORTS
from bench.shape import GALERA, PRIMITIVE, REPORT, TOP, UNIT, Member, Shape, archive, cib, each, file, lines, many, report_with

_ORDER = '<rsc_order id="o@" first="galera" then="openstack-r@"/>'
_COLOCATION = '<rsc_colocation id="k@" rsc="openstack-r@" with-rsc="galera"/>'
_LOCATION = '<rsc_location id="l@" rsc="galera" node="c0" score="-INFINITY"/>'


def _interval(size: int) -> str:
    operation = f'<op id="o" name="monitor" interval="{" " * size}="/>'
    return cib(f'<primitive id="galera" class="ocf" provider="heartbeat" type="galera"><operations>{operation}</operations></primitive>')


_FOLDER = f"{TOP}etc/systemd/system"


def _report(*more: Callable[[int, int], Member], first: tuple[Member, ...] = ()) -> Callable[[int], Iterator[Member]]:
    """Return what yields a report with as many more members of each kind; each is asked with its number and how many there are."""

    def members(size: int) -> Iterator[Member]:
        yield from (*REPORT, *first)
        yield from (one(i, size) for i in range(size) for one in more)

    return members


_unit_chain = _report(
    lambda i, n: (f"{_FOLDER}/openstack-a{i + 1}.service", f"openstack-a{i}.service", True),
    first=((f"{_FOLDER}/openstack-a0.service", "[Service]\nExecStart=/x\n", False),),
)
_folder_chain = _report(lambda i, n: (f"{_FOLDER}/a{i + 1}.service.d/", f"a{i}.service.d", True))
_circle = _report(lambda i, n: (f"{_FOLDER}/openstack-a{i}.service", f"openstack-a{(i + 1) % n}.service", True))
# links to folders that hold links to folders: each step doubles the paths that there are
_ladder = _report(*(lambda i, n, name=name: (f"{TOP}etc/l{i}/{name}", f"../l{i + 1}", True) for name in "ab"))
_wants = _report(lambda i, n: (f"{_FOLDER}/t{i}.target.wants/{UNIT}", f"/usr/lib/systemd/system/{UNIT}", True))
_units = _report(lambda i, n: (f"{_FOLDER}/openstack-s{i}.service", "[Service]\nExecStart=/x\n", False))


_CONTAINER = '{{"Name": "c{}", "Config": {{"Env": ["A=1"], "Cmd": ["x"]}}}}'


_INSPECTED = "sos_commands/podman/podman_inspect_nova_api"


def _hosts(size: int) -> Iterator[Member]:
    for i in range(size):
        for name, text, link in REPORT:
            yield name.replace("c0", f"c{i}"), text.replace("c0", f"c{i}"), link


def _ignoring(pattern: Callable[[int], str], *, length: int = 200) -> Callable[[Path, int], list[str]]:
    def make(folder: Path, size: int) -> list[str]:
        (folder / ".git").mkdir()
        (folder / ".gitignore").write_text(pattern(size), "utf-8")
        (folder / ("a" * length + ".service")).write_text("[Service]\nExecStart=/x\n", "utf-8")
        return ["check", "--no-cache", "."]

    return make


def _configured(config: Callable[[int], str], text: Callable[[int], str], name: str = UNIT) -> Callable[[Path, int], list[str]]:
    def make(folder: Path, size: int) -> list[str]:
        (folder / ".lwlint.yaml").write_text(config(size), "utf-8")
        (folder / name).write_text(text(size), "utf-8")
        return ["check", "--no-cache", "."]

    return make


def _bad_unit(size: int) -> str:
    return "[Service]\nExecStart=/x\n" + "A=1\n" * size


def _template(body: str) -> str:
    return f"heat_template_version: pike\nresources:\n  a:\n    type: OS::Heat::Value\n    properties:\n      value:\n{body}"


def _merge(size: int) -> str:
    items = "".join(f"          - if: [c{i}, {{nova::db::database_max_retries: {i}}}, {{}}]\n" for i in range(size))
    return (
        "heat_template_version: pike\nconditions:\n"
        + each("  c@: true\n", size)
        + "outputs:\n  role_data:\n    value:\n      service_name: nova_api\n      config_settings:\n        map_merge:\n"
        + items
    )


def _bombs(size: int) -> str:
    return "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, size))


def _nested(size: int) -> str:
    return "parameter_defaults:\n  a: " + "[" * size + "]" * size + "\n"


def _of_the_type(folder: Path, size: int) -> list[str]:
    many("etc/systemd/system/service.d/@.conf", "[Service]\nRestart=no\n")(folder, size)
    return many("etc/systemd/system/openstack-s@.service", "[Service]\nExecStart=/x\n")(folder, size)


PP = "class {{ 'nova::db': database_max_retries => {} }}\n"
SHAPES = (
    Shape("unit: bad lines, text", 240_000, file(UNIT, _bad_unit)),
    Shape("unit: bad lines, JSON", 240_000, file(UNIT, _bad_unit, "--format", "json")),
    Shape("unit: bad lines, SARIF", 60_000, file(UNIT, _bad_unit, "--format", "sarif")),
    Shape("unit: bad lines, JUnit", 60_000, file(UNIT, _bad_unit, "--format", "junit")),
    Shape("unit: bad lines, Markdown", 60_000, file(UNIT, _bad_unit, "--format", "markdown")),
    Shape("unit: bad lines, GitHub", 60_000, file(UNIT, _bad_unit, "--format", "github")),
    Shape("unit: bad lines, GitLab", 60_000, file(UNIT, _bad_unit, "--format", "gitlab")),
    Shape("unit: bad lines, CSV", 60_000, file(UNIT, _bad_unit, "--format", "csv")),
    Shape("unit: sections", 40_000, file(UNIT, lines("", "[Service]\nRestart=no\n"))),
    Shape("unit: settings of one key", 50_000, file(UNIT, lines("[Service]\n", "ExecStart=/x @\n"))),
    Shape("unit: environment", 40_000, file(UNIT, lines("[Service]\nExecStart=/x\n", "Environment=A@=1\n"))),
    Shape("unit: one line of words", 60_000, file(UNIT, lines("[Unit]\nAfter=", "a@.service ", "\n[Service]\nExecStart=/x\n"))),
    Shape("unit: one line that goes on", 100_000, file(UNIT, lines("[Service]\nExecStart=/x", " \\\n a@"))),
    Shape("unit: one line of blanks", 900_000, file(UNIT, lambda n: "[Service]\nExecStart=/x" + " " * n + "y\n")),
    Shape("unit: times in one value", 90_000, file(UNIT, lines("[Service]\nExecStart=/x\nRestartSec=", "1s "))),
    Shape("unit: drop-ins", 16_000, many(f"etc/systemd/system/{UNIT}.d/@.conf", "[Service]\nRestart=no\n")),
    Shape("unit: drop-ins of the type", 1_600, _of_the_type),
    Shape("units", 4_000, many("etc/systemd/system/openstack-s@.service", "[Unit]\nRequires=mariadb.service\n[Service]\nExecStart=/x\n")),
    Shape("unit: allow comments", 4_000, file(UNIT, lines("[Service]\nExecStart=/x\n", "# lwlint: allow LW207 -- x\nA=@\n"))),
    Shape("CIB: resources in one line", 4_000, file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n)))),
    Shape("CIB: resources in one line, JSON", 4_000, file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n)), "--format", "json")),
    Shape("CIB: resources in one line, SARIF", 4_000, file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n)), "--format", "sarif")),
    Shape("CIB: one value", 900_000, file("cib.xml", lambda n: cib(GALERA.replace("galera", "a" * n, 1)))),
    Shape("CIB: resources with orders", 4_000, file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n), each(_ORDER, n)))),
    Shape("CIB: colocations", 4_000, file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n), each(_COLOCATION, n)))),
    Shape("CIB: locations of one resource", 4_000, file("cib.xml", lambda n: cib(GALERA, each(_LOCATION + "\n", n)))),
    Shape(
        "CIB: chain of orders",
        8_000,
        file(
            "cib.xml",
            lambda n: cib(
                GALERA + each(PRIMITIVE, n + 1),
                "".join(f'<rsc_order id="o{i}" first="openstack-r{i}" then="openstack-r{i + 1}"/>\n' for i in range(n)),
            ),
        ),
    ),
    Shape(
        "CIB: constraints that dangle",
        8_000,
        file("cib.xml", lambda n: cib(GALERA, each('<rsc_order id="o@" first="x@" then="y@"/>', n))),
    ),
    Shape(
        "CIB: a set of resources",
        20_000,
        file(
            "cib.xml",
            lambda n: cib(
                GALERA, '<rsc_order id="o"><resource_set id="s">' + each('<resource_ref id="x@"/>', n) + "</resource_set></rsc_order>"
            ),
        ),
    ),
    Shape(
        "CIB: nvpairs of one resource",
        20_000,
        file(
            "cib.xml",
            lambda n: cib(
                '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"><meta_attributes id="m">'
                + each('<nvpair id="n@" name="is-managed" value="false"/>', n)
                + "</meta_attributes></primitive>"
            ),
        ),
    ),
    Shape("CIB: blanks in an interval", 400_000, file("cib.xml", _interval)),
    Shape("CIB: depth", 100_000, file("cib.xml", lambda n: cib("<group>" * n + "</group>" * n))),
    Shape(
        "CIB: allow comments",
        2_000,
        file("cib.xml", lambda n: cib("\n" + each("<!-- lwlint: allow LW101 because x -->\n" + PRIMITIVE + "\n", n))),
    ),
    Shape(
        "CIB: comments in one line",
        20_000,
        file("cib.xml", lambda n: cib(each("<!-- lwlint: allow LW101 because x -->" + PRIMITIVE, n // 10))),
    ),
    Shape("environment: one line", 900_000, file("e.yaml", lambda n: "parameter_defaults:\n  a: 1\n  a: " + "b " * (n // 2) + "\n")),
    Shape(
        "environment: one quoted line", 900_000, file("e.yaml", lambda n: "parameter_defaults:\n  a: 1\n  a: '" + "b:" * (n // 2) + "'\n")
    ),
    Shape(
        "manifest: one line",
        900_000,
        file("a.pp", lambda n: "class { 'nova::db': database_max_retries => 3 } # " + "a: " * (n // 3) + "\n"),
    ),
    Shape(
        "environment: doubled keys in one line",
        8_000,
        file("e.yaml", lambda n: "parameter_defaults: {" + each("a@: 1, a@: 2, ", n) + "}\n"),
    ),
    Shape("environment: one key", 490_000, file("e.yaml", lambda n: "parameter_defaults:\n" + "  a: 1\n" * n)),
    Shape(
        "environment: chain of aliases",
        4_000,
        file(
            "e.yaml",
            lambda n: (
                "resource_registry:\n" + "".join(f"  OS::TripleO::Services::S{i}: OS::TripleO::Services::S{i + 1}\n" for i in range(n))
            ),
        ),
    ),
    Shape(
        "environment: aliases of one anchor",
        60_000,
        file("e.yaml", lambda n: "parameter_defaults:\n  a: &a {b: [1, 2]}\n" + each("  c@: *a\n", n)),
    ),
    Shape(
        "environment: merge keys",
        8_000,
        file("e.yaml", lambda n: "parameter_defaults:\n  a: &a0 {b: 1}\n" + each("  c@: {<<: *a0, d: 2}\n", n)),
    ),
    Shape(
        "environment: aliases of aliases",
        4_000,
        file("e.yaml", lambda n: "parameter_defaults:\n" + "".join("  " + line + "\n" for line in _bombs(n).splitlines())),
    ),
    Shape("environment: depth", 40_000, file("e.yaml", _nested)),
    Shape(
        "environment: mappings in one another",
        1_000,
        file("e.yaml", lambda n: "parameter_defaults:\n" + "".join(" " * (i + 1) + f"a{i}:\n" for i in range(n))),
    ),
    Shape(
        "environment: allow comments",
        2_000,
        file("e.yaml", lambda n: "parameter_defaults:\n" + each("  # lwlint: allow LW404 -- x\n  a@: 1\n  a@: 2\n", n)),
    ),
    Shape(
        "environments",
        1_000,
        many("environments/e@.yaml", "resource_registry:\n  OS::TripleO::Services::S@: ../x.yaml\nparameter_defaults:\n  A: 1\n"),
    ),
    Shape(
        "environments with settings",
        6_000,
        many("environments/e@.yaml", "parameter_defaults:\n  ExtraConfig:\n    nova::db::database_max_retries: 3\n"),
    ),
    Shape("hieradata of a tree", 6_000, many("puppet/hieradata/h@.yaml", "nova::db::database_max_retries: 3\n")),
    Shape(
        "manifests of controllers",
        6_000,
        many("puppet/manifests/overcloud_controller@.pp", "class { 'nova::db': database_max_retries => 3 }\n"),
    ),
    Shape("template: map_merge by conditions", 4_000, file("t.yaml", _merge)),
    Shape(
        "template: str_replace parameters",
        10_000,
        file(
            "t.yaml",
            lambda n: _template(
                "        str_replace:\n          template: x\n          params:\n" + each("            p@: {get_param: P@}\n", n)
            ),
        ),
    ),
    Shape(
        "template: statements of Jinja",
        16_000,
        file(
            "t.j2.yaml",
            lambda n: (
                "heat_template_version: pike\nresources:\n"
                + each("{% for role in roles %}\n  a@:\n    type: OS::Heat::None\n{% endfor %}\n", n)
            ),
        ),
    ),
    Shape(
        "template: settings between statements of Jinja",
        8_000,
        file(
            "t.j2.yaml",
            lambda n: (
                "heat_template_version: pike\noutputs:\n  role_data:\n    value:\n      service_name: x\n      config_settings:\n"
                + each('        nova::k@: "{{x@}}"\n{% if y %}\n        nova::l@: 1\n{% endif %}\n', n)
            ),
        ),
    ),
    Shape(
        "template: expressions of Jinja in one line",
        20_000,
        file("t.j2.yaml", lambda n: "heat_template_version: pike\ndescription: " + each("{{x@}} ", n) + "\n"),
    ),
    Shape(
        "manifest: allow comments", 2_000, file("a.pp", lambda n: "".join("# lwlint: allow LW421 -- x\n" + PP.format(i) for i in range(n)))
    ),
    Shape(
        "manifest: connections that options set",
        4_000,
        file("a.pp", lines("", "cinder_config { 'database/connection': value => 'mysql://c@d/@' }\n")),
    ),
    Shape(
        "manifest: constraints",
        4_000,
        file(
            "a.pp",
            lines(
                "", "pacemaker::constraint::base { 'c@': constraint_type => 'order', first_resource => 'a@', second_resource => 'b@' }\n"
            ),
        ),
    ),
    Shape("manifest: resources", 2_000, file("a.pp", lines("", "pacemaker::resource::service { 'openstack-nova-api@': }\n"))),
    Shape(
        "manifest: addresses in one group",
        2_000,
        file(
            "a.pp",
            lambda n: (
                "cs_primitive { 'h': primitive_class => 'systemd', primitive_type => 'haproxy' }\n"
                + "".join(f"cs_primitive {{ 'v{i}': primitive_class => 'ocf', primitive_type => 'IPaddr2' }}\n" for i in range(n))
                + f"cs_group {{ 'g': primitives => {['h', *(f'v{i}' for i in range(n))]} }}\n"
            ),
        ),
    ),
    Shape(
        "manifest: clones",
        2_000,
        file("a.pp", lines("", "cs_primitive { 'p@': primitive_type => 'x' }\ncs_clone { 'c@': primitive => 'p@' }\n")),
    ),
    Shape("manifest: variables", 2_000, file("a.pp", lines("", "$a@ = 'x'\nclass { 'nova::db': database_max_retries => $a@ }\n"))),
    Shape(
        "manifest: variables by variables",
        8_000,
        file(
            "a.pp",
            lambda n: (
                "$a0 = 1\n"
                + "".join(f"$a{i} = $a{i - 1}\n" for i in range(1, n))
                + f"class {{ 'nova::db': database_max_retries => $a{n - 1} }}\n"
            ),
        ),
    ),
    Shape("manifest: depth", 40_000, file("a.pp", lambda n: "$a = " + "[" * n + "]" * n + "\n")),
    Shape(
        "manifest: blocks without an end",
        80_000,
        file("a.pp", lambda n: ("if $x {\n" * 50 + "!!! => ,\n" + "}\n" * 49) * (n // 100)),
    ),
    Shape("manifest: heredocs", 8_000, file("a.pp", lines("", "$a@ = @(END)\n  x\n  END\n".replace("= @(", "= \x40("), ""))),
    Shape("option file: sections", 40_000, file("etc/nova/nova.conf", lines("", "[database]\nmax_retries = @\n"))),
    Shape("option file: one option", 100_000, file("etc/nova/nova.conf", lines("[database]\n", "max_retries = @\n"))),
    Shape("option file: lines of one value", 100_000, file("etc/nova/nova.conf", lines("[database]\nconnection = mysql://a\n", " b@\n"))),
    Shape("option file: references", 40_000, file("etc/nova/nova.conf", lines("[DEFAULT]\nx = 1\n", "o@ = $x\n"))),
    Shape(
        "option file: chain of references",
        8_000,
        file(
            "etc/nova/nova.conf", lambda n: "[database]\nmax_retries = $a0\n[DEFAULT]\n" + "".join(f"a{i} = $a{i + 1}\n" for i in range(n))
        ),
    ),
    Shape("option file: one line", 900_000, file("etc/nova/nova.conf", lambda n: "[database]\nmax_retries = " + "a" * n + "\n")),
    Shape(
        "option file: pairs with secrets in one line",
        60_000,
        file("etc/nova/nova.conf", lines("[database]\nmax_retries = 3\n[x]\nsay = ", "password=a ", "\n")),
    ),
    Shape("option files", 2_000, many("etc/nova/nova.conf.d/@.conf", "[database]\nmax_retries = @\n")),
    Shape(
        "option file: addresses in one line",
        40_000,
        file(
            "etc/nova/nova.conf",
            lambda n: "[database]\nmax_retries = 10\nconnection = " + each("mysql://u:p@@h,".replace("@@", "\x40"), n) + "\n",
        ),
    ),
    Shape("archive: containers in one line", 8_000, report_with(_INSPECTED, lambda n: f"[{', '.join(map(_CONTAINER.format, range(n)))}]")),
    Shape(
        "archive: depth of a container", 40_000, report_with(_INSPECTED, lambda n: '[{"Name": "c", "Config": ' + "[" * n + "]" * n + "}]")
    ),
    Shape(".gitignore: stars in one pattern", 40_000, _ignoring(lambda n: "*a" * n + "b\n")),
    Shape(".gitignore: doubled stars", 40_000, _ignoring(lambda n: "**/" * n + "*b\n")),
    Shape(".gitignore: classes", 40_000, _ignoring(lambda n: "[ab]*" * n + "c\n")),
    Shape(".gitignore: stars between slashes", 40_000, _ignoring(lambda n: "*/" * n + "c\n")),
    Shape(".gitignore: brackets that do not end", 400_000, _ignoring(lambda n: "[" * n + "\n")),
    Shape(".gitignore: blanks at the end", 400_000, _ignoring(lambda n: "a" + " " * n + "b\n")),
    Shape(".gitignore: backslashes", 400_000, _ignoring(lambda n: "a" + "\\" * n + " \n")),
    Shape(".gitignore: lines", 20_000, _ignoring(lambda n: each("*a@\n", n))),
    Shape("files under a .gitignore", 4_000, many("d@/a@.service", "[Service]\nExecStart=/x\n")),
    Shape(
        "configuration: allow entries",
        1_000,
        _configured(lambda n: "allow:\n" + each("- rule: LW207\n  because: x\n  fact: y@\n", n), lambda n: _bad_unit(1)),
    ),
    Shape("configuration: aliases of aliases", 4_000, _configured(lambda n: _bombs(n), lambda n: _bad_unit(1)), refused=True),
    Shape(
        "configuration: paths", 4_000, _configured(lambda n: "paths:\n  exclude:\n" + each("  - '*a*a*a@'\n", n), lambda n: _bad_unit(1))
    ),
    Shape("archive: links to links", 4_000, archive(_unit_chain)),
    Shape("archive: links whose names end with a slash", 8_000, archive(_folder_chain)),
    Shape("archive: links in a circle", 4_000, archive(_circle)),
    Shape("archive: links to folders of links", 4_000, archive(_ladder)),
    Shape("archive: links to one unit", 8_000, archive(_wants)),
    Shape("archive: units", 2_000, archive(_units)),
    Shape("archive: hosts", 200, archive(_hosts)),
    *OF_CIBS,
    *OF_REPORTS,
)
