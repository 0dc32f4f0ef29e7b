"""A CIB in whatever encoding it declares is read as libxml2 reads it, or is one finding; the files beside it are judged."""

from __future__ import annotations

import encodings
import encodings.aliases
import json
import pkgutil
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.kind import UnknownEncoding
from lwlint.inputs.pacemaker import CIB

NAMES = sorted(
    {*encodings.aliases.aliases, *encodings.aliases.aliases.values(), *(module.name for module in pkgutil.iter_modules(encodings.__path__))}
    | {"UTF-8", "x", "a" * 5000, "a..b", "..", "__init__", "aliases", "a-", "nul", "0"}
)
BODIES = (b"abc", "\u00e9".encode(), b"\xff\xfe+", b"xn--\xff", b"+AGE-", b"\\u0041\\N{x}", b"\x80", b"\x1b$B")


def cib(name: str, body: bytes = b"a") -> bytes:
    return b'<?xml version="1.0" encoding="' + name.encode() + b'"?><cib a="' + body + b'"><configuration/></cib>'


def answer(data: bytes) -> str:
    """Return the text; "" where it is refused in one of the two ways that the reader of files knows."""
    try:
        return CIB.decode(data)
    except UnicodeDecodeError as error:
        return "" if error.start < len(data) else "no place in the data"
    except UnknownEncoding as error:
        return "" if "\n" not in str(error) else "not one line"


@pytest.mark.parametrize("body", BODIES)
def test_whatever_a_codec_does_the_text_is_read_or_refused(body: bytes) -> None:
    for name in NAMES:
        for spelled in (name, name.replace("_", "-"), name.upper()):
            for mark in (b"", b"\xef\xbb\xbf"):
                assert answer(mark + cib(spelled, body)).lstrip("\ufeff")[:5] in ("", "<?xml")


def test_what_only_python_calls_an_encoding_is_none() -> None:
    odd = ["undefined", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "charmap", "palmos", "mbcs", "oem", "utf-7"]
    odd += ["rot13", "uu_codec", "uu", "hex", "base64", "zlib", "bz2", "quopri", "x"]
    odd += ["437", "cp037", "utf-32", "utf-16le", "utf-16-be"]  # no name in XML; one in which the declaration would not be there
    assert [name for name in odd if answer(cib(name))] == []
    known = ["utf-8", "UTF-8", "us-ascii", "iso-8859-1", "ISO-8859-15", "windows-1252", "koi8-r", "Shift_JIS", "utf-16", "EUC-JP"]
    assert [name for name in known if answer(cib(name)) != cib(name).decode("ascii")] == []


def test_the_text_is_that_of_libxml2() -> None:
    etree = pytest.importorskip("lxml.etree")
    compared = 0
    for name in NAMES:
        for body in (b"abc", "\u00e9".encode()):
            for mark in (b"", b"\xef\xbb\xbf"):
                data = mark + cib(name.replace("_", "-"), body)
                text = answer(data)
                try:
                    real = etree.fromstring(data).get("a")
                except (etree.XMLSyntaxError, LookupError):
                    continue  # which names it knows depends on the machine's iconv
                if text:
                    compared += 1
                    assert text.partition('a="')[2].partition('"')[0] == real, name
    assert compared > 200


def test_one_such_file_is_one_finding_and_the_others_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = ("undefined", "punycode", "idna", "rot13", "uu_codec", "unicode_escape", "cp037")
    for name in odd:
        Path(name).mkdir()
        Path(name, "cib.xml").write_bytes(cib(name, b"xn--\xff\\"))
    Path("nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    assert main(["check", "--no-cache", "--no-config", "--format", "json", "."]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert sorted((f["code"], f["path"]) for f in found) == [
        ("LW301", "nova.conf"),
        *(("LW901", f"{name}/cib.xml") for name in sorted(odd)),
    ]
    assert main(["facts", "--no-config", "."]) == 0


def test_a_byte_that_is_not_of_the_encoding_is_named_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lwlint

    monkeypatch.chdir(tmp_path)
    Path("cib.xml").write_bytes(cib("us-ascii", b"\xc3\xa9"))
    assert [f.message for f in lwlint.check("cib.xml").findings] == ["cib.xml: byte 0xc3 is no `ascii`"]
