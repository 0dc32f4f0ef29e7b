"""The document of a small file is read once for all that ask for it, and no more of them are kept than there is room for."""

from __future__ import annotations

from lwlint.core.source import Source
from lwlint.inputs.heat import document


def test_a_small_file_is_read_once_and_a_long_one_each_time() -> None:
    small, long = (Source("t.yaml", "a: 1\n" + "# more\n" * times, "heat") for times in (1, document._SMALL))
    assert document.read_file(small) is document.read_file(small)
    assert document.read_file(long) is not document.read_file(long)


def test_what_was_kept_first_goes_first() -> None:
    first, second, third = (Source(f"{name}.yaml", "key: value\n", "heat") for name in "abc")
    documents = document.Documents(room=25)
    of_first, of_second = documents.read(first), documents.read(second)
    assert documents.read(first) is of_first
    documents.read(third)
    assert documents.read(second) is of_second
    assert documents.read(first) is not of_first


def test_a_refusal_is_kept_too() -> None:
    source = Source("t.yaml", "a: [\n", "heat")
    assert document.read_file(source) is document.read_file(source)
