"""Bad input gives a located finding or a clear refusal: never a traceback, a hang, or memory without end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import PEAK
from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules

MEMORY = 500 * 1024  # kilobytes
SECONDS = 60

HEAT = b"heat_template_version: pike\nresources: {}\n"
CIB = b'<cib validate-with="pacemaker-2.10" epoch="1" num_updates="0" admin_epoch="0"><configuration>'
DEEP = 100_000
BOMB = b"".join(b"  k%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12))
ENTITIES = b"".join(b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10) for i in range(1, 10))

# file -> content, each of which has to be named in a finding of LW901
REFUSED = {
    "nul.yaml": HEAT + b"a: \x00b\n",
    "latin-1.yaml": HEAT + "description: caf\xe9\n".encode("latin-1"),
    "utf-16.yaml": HEAT.decode().encode("utf-16"),
    "deep-flow.yaml": HEAT + b"a: " + b"[" * DEEP + b"]" * DEEP + b"\n",
    "deep-block.yaml": HEAT + b"a:\n" + b"".join(b" " * (i + 1) + b"a:\n" for i in range(1500)),
    "deep-dash.yaml": HEAT + b"a:\n" + b"- " * DEEP + b"x\n",
    "cycle.yaml": HEAT + b"outputs: &a\n  role_data: {value: *a}\n",
    "bomb.yaml": HEAT + b"parameters:\n  k0: &a0 [x, x]\n" + BOMB,
    "truncated.yaml": HEAT + b'description: "it ends in the midd',
    "tab.yaml": HEAT + b"outputs:\n\trole_data: {}\n",
    "nul/cib.xml": CIB + b"\x00</configuration></cib>",
    "latin-1/cib.xml": CIB + b"<!-- \xe9 --></configuration></cib>",
    "deep/cib.xml": CIB + b"<a>" * DEEP + b"</a>" * DEEP + b"</configuration></cib>",
    "laughs/cib.xml": b'<?xml version="1.0"?><!DOCTYPE cib [<!ENTITY e0 "ha">'
    + ENTITIES
    + b"]>"
    + CIB
    + b"<a>&e9;</a></configuration></cib>",
    "external/cib.xml": b'<?xml version="1.0"?><!DOCTYPE cib [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    + CIB
    + b"<a>&x;</a></configuration></cib>",
    "truncated/cib.xml": CIB + b'<resources><primitive id="galera" class="ocf"',
    "empty/cib.xml": b"",
    "nul/etc/nova/nova.conf": b"[database]\nmax_retries\x00 = 1\nnonsense\n",
    "latin-1/etc/nova/nova.conf": "[database]\n# caf\xe9\n".encode("latin-1"),
    "utf-16/etc/nova/nova.conf": "[database]\nmax_retries = 1\n".encode("utf-16"),
    "bom/etc/nova/nova.conf": b"\xef\xbb\xbf[database]\nmax_retries = 1\n",
    "headless/etc/nova/nova.conf": b"max_retries = 1\n[database]\n",
    "usr/lib/systemd/system/latin-1.service": "[Unit]\nDescription=caf\xe9\n[Service]\nExecStart=/bin/true\n".encode("latin-1"),
    "nul.pp": b"include ::nova\n$a = \x00\n",
    "latin-1.pp": "include ::nova # caf\xe9\n".encode("latin-1"),
    "deep.pp": b"$a = " + b"[" * DEEP + b"]" * DEEP + b"\n",
    "truncated.pp": b"class { '::nova': database_connection => 'mysql",
}
# read, as the real programs do: nothing to complain of
ACCEPTED = {
    "bom.yaml": b"\xef\xbb\xbf" + HEAT,
    "crlf.yaml": HEAT.replace(b"\n", b"\r\n"),
    "bom/cib.xml": b"\xef\xbb\xbf" + CIB + b"</configuration></cib>",
    "crlf/cib.xml": CIB + b"\r\n</configuration>\r\n</cib>\r\n",
    "utf-16/cib.xml": (b'<?xml version="1.0" encoding="UTF-16"?>' + CIB + b"</configuration></cib>").decode().encode("utf-16"),
    "crlf/etc/nova/nova.conf": b"[database]\r\nmax_retries = -1\r\n",
    "empty/etc/nova/nova.conf": b"",
    "usr/lib/systemd/system/nova.service": b"\xef\xbb\xbf[Service]\r\nExecStart=/bin/true\r\nRestart=always\r\n",
    "usr/lib/systemd/system/nul.service": b"[Service]\nExecStart=/bin/true\n# \x00\n",
}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run(folder: Path, *arguments: str) -> tuple[int, str, str, int]:
    """Return exit code, output, errors, and the most memory in kilobytes of one run in `folder`."""
    out, err, told = folder / "out", folder / "err", folder / "kilobytes"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        code = subprocess.call(
            [*PEAK, str(told), "timeout", str(SECONDS), sys.executable, "-m", "lwlint", "check", *arguments, "--format", "json"],
            cwd=folder,
            stdout=stdout,
            stderr=stderr,
        )
    texts = out.read_text("utf-8"), err.read_text("utf-8")
    memory = int(told.read_text("utf-8"))
    for path in (out, err, told):
        path.unlink()
    return code, *texts, memory


def unreadable(out: str) -> dict[str, tuple[int, int]]:
    return {f["path"]: (f["line"], f["column"]) for f in json.loads(out)["findings"] if f["code"] == "LW901"}


def test_every_malformed_file_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, {**REFUSED, **ACCEPTED})
    code, out, err, memory = run(tmp_path, ".")
    assert (code, "Traceback" in err) == (1, False)
    assert sorted(unreadable(out)) == sorted(REFUSED)
    assert memory < MEMORY


def test_a_complaint_names_the_place_where_it_goes_wrong(tmp_path: Path) -> None:
    write(tmp_path, REFUSED)
    found = unreadable(run(tmp_path, ".")[1])
    expected = {
        "nul.yaml": (3, 4),
        "latin-1.yaml": (3, 17),
        "utf-16.yaml": (1, 1),
        "headless/etc/nova/nova.conf": (1, 1),
        "bom/etc/nova/nova.conf": (1, 1),
        "nul/etc/nova/nova.conf": (3, 1),
        "latin-1/etc/nova/nova.conf": (2, 6),
        "latin-1.pp": (1, 21),
        "external/cib.xml": (1, 22),
        "laughs/cib.xml": (1, 22),
    }
    assert {name: found.get(name) for name in expected} == expected


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    write(tmp_path, {"good.yaml": HEAT, "folder.yaml/inner.yaml": HEAT})
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    code, out, err, _ = run(tmp_path, ".")
    assert (code, err) == (1, "")
    assert sorted(unreadable(out)) == ["loop.yaml", "pipe.yaml"]  # a link outside a host that leads nowhere is skipped


@pytest.mark.parametrize("name", ["pipe.yaml", "folder.yaml", "dangling.yaml"])
def test_such_a_path_given_by_name_is_a_finding_or_a_clear_refusal(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    code, out, err, _ = run(tmp_path, name)
    assert "Traceback" not in err
    assert code == 2 if name == "folder.yaml" else (code, sorted(unreadable(out))) == (1, [name])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, {"secret.yaml": HEAT})
    (tmp_path / "secret.yaml").chmod(0)
    assert sorted(unreadable(run(tmp_path, ".")[1])) == ["secret.yaml"]


def test_100_megabytes_are_refused_within_the_memory_limit(tmp_path: Path) -> None:
    files = {
        "big.yaml": HEAT,
        "cib.xml": CIB,
        "etc/nova/nova.conf": b"[database]\n",
        "big.pp": b"",
        "usr/lib/systemd/system/big.service": b"",
    }
    write(tmp_path, files)
    for name in files:
        with (tmp_path / name).open("ab") as file:
            file.truncate(100 * 1024 * 1024)
    code, out, _, memory = run(tmp_path, ".")
    assert (code, sorted(unreadable(out))) == (1, sorted(files))
    assert memory < MEMORY


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "head", "body", "tail"),
    [
        ("dense.yaml", HEAT + b"a: [", b"a, ", b"a]\n"),
        ("dense.yaml", HEAT + b"a:\n", b"- a\n", b""),
        ("cib.xml", CIB + b"<resources>", b"<a/>", b"</resources></configuration></cib>"),
        ("etc/nova/nova.conf", b"[database]\n", b"a=1\n", b""),
        ("dense.pp", b"$a = [", b"1,", b"1]\n"),
        ("usr/lib/systemd/system/dense.service", b"[Service]\n", b"A=1\n", b""),
    ],
)
def test_the_largest_file_that_is_read_keeps_within_the_memory_limit(
    name: str, head: bytes, body: bytes, tail: bytes, tmp_path: Path
) -> None:

    from lwlint.inputs import KINDS

    kind, _ = KINDS.of(name, (head + body).decode())
    assert kind is not None
    count = (kind.limit - len(head) - len(tail)) // len(body)
    write(tmp_path, {name: head + body * count + tail})
    code, _, err, memory = run(tmp_path, ".")
    assert (code in (0, 1), "Traceback" in err) == (True, False)
    assert memory < MEMORY


class Locked(Memory):
    """Files of which some cannot be read, as the disk has them for who is not root."""

    def read(self, path: str, most: int = -1) -> bytes:
        if "secret" in path:
            raise PermissionError(13, "Permission denied", path)
        return super().read(path, most)

    def names(self, path: str) -> list[str]:
        if path == "locked":
            raise PermissionError(13, "Permission denied", path)
        return super().names(path)


def test_what_may_not_be_read_is_a_finding_and_the_rest_is_judged() -> None:
    files = {"secret.yaml": "", "locked/a.yaml": "", "good.yaml": HEAT.decode(), "etc/nova/secret.conf": "[database]\n"}
    report = check(Request(tree=Locked(files)), load_rules(select=["LW901"]))
    assert [(f.span.path, f.message) for f in report.findings] == [
        ("etc/nova/secret.conf", "etc/nova/secret.conf: file cannot be read (Permission denied)"),
        ("locked", "locked: folder cannot be read (Permission denied)"),
        ("secret.yaml", "secret.yaml: file cannot be read (Permission denied)"),
    ]
