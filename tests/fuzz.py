"""All readers and the command line, fed with what nobody wrote: `python -m tests.fuzz --minutes 5`.

An input is an example of a rule, or a seed that once found something, changed at random: bytes, lines and pieces of others. What comes of
it must be findings and verdicts: no exception, no broken rule, no file that a defect kept from being read, and no more than `LONGEST`
seconds of CPU. What fails is written to `tests/seeds/`, which the tests run again, for good.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from lwlint.cli import main as command
from lwlint.cli.arguments import parse
from lwlint.core import lazy
from lwlint.core.finding import BROKEN, ConfigurationError, Report
from lwlint.files.gitignore import patterns, verdict
from lwlint.files.tree import Memory
from lwlint.policy import baseline, settings
from lwlint.policy.rules import Rule, load_rule
from lwlint.run import Request, check, load_rules

SEEDS = Path(__file__).parent / "seeds"
LONGEST = 20.0  # seconds of CPU for one input
_SIZE = 20_000  # bytes of an input, at most
_ODD = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\r", b"\t", b"'", b'"', b"{", b"[" * 60, b"&a ", b"*a", b"<<: *a\n",
    b"!!bool ", b"!!binary ", b"!!timestamp ", b"? ", b"- ", b": ", b"{{ x }}", b"{% if x %}", b"%(x)s", b"$x", b"\\\n", b"]]>", b"<!--",
    b"&#0;", b"&lt;", b"<!DOCTYPE x>", b"9" * 5000, b"2001-13-45", b"-1", b".inf", b"1e999", b"\n[DEFAULT]\n", b"\n[Service]\n",
    b"\n# lwlint: allow LW301 -- x\n", b"=", b"::", b"##[x]",
]  # fmt: skip


def inputs() -> dict[str, list[tuple[str, bytes]]]:
    """Return what the fuzz begins with, by kind: the files of all examples, and the seeds."""
    found: dict[str, list[tuple[str, bytes]]] = {"files": [], "configuration": [], "rule": [], "baseline": [], "pattern": [], "command": []}
    for rule in load_rules():
        for example in rule.examples:
            found["files"] += [(path, text.encode()) for path, text in example.files.items() if isinstance(text, str)]
    for path in sorted((Path(__file__).parent.parent / "rules").glob("*/*.yaml"))[:20]:
        found["rule"].append((path.name, path.read_bytes()))
    found["configuration"] += [
        (".lwlint.yaml", b"extends: templates\nselect: [LW4]\nallow:\n- {rule: LW301, path: a/*, because: x, until: 2030-01-01}\n"),
        ("pyproject.toml", b"[tool.lwlint]\nselect = ['LW4']\n[tool.lwlint.paths]\nexclude = ['a/**']\n"),
    ]
    found["baseline"].append(
        ("known", b'{"lwlint baseline": 1}\n{"code": "LW301", "path": "a", "subject": "b", "context": "", "message": "c"}\n')
    )
    found["pattern"] += [("p", b"/a/**/b*[!x-z]?\\ \n!*.yaml\n"), ("e", b"(?:a|b)*[c-e]+(?i:x)?\\d{2,3}")]
    found["command"] += [
        ("c", b"check\0--hook\0--select\0LW4\0a.yaml"),
        ("c", b"fix\0--diff\0a.yaml"),
        ("c", b"facts\0-e\0a.yaml\0."),
        ("c", b"audit\0."),
    ]
    for path in sorted(SEEDS.glob("*/*")):
        kind, name = path.parent.name, path.name.partition("~")[2].replace("~", "/")
        found[kind].append((name, path.read_bytes()))
    return found


def changed(data: bytes, others: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    """Return `data` with some changes of its bytes and lines."""
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 1, 4, 40)))
        other = chance.choice(others)[1]
        start = chance.randrange(len(other) + 1)
        put = chance.choice((b"", chance.choice(_ODD), other[start : start + chance.choice((3, 30, 300))], bytes([chance.randrange(256)])))
        way = chance.randrange(4)
        if way == 0:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            data = b"\n".join(lines)
        elif way == 1:
            data = data[:at] + data[at:end] * chance.choice((2, 3, 50)) + data[end:]
        else:
            data = data[:at] + put + data[end:]
    return data[:_SIZE]


def try_files(name: str, data: bytes, rules: list[Rule]) -> None:
    trusted(check(Request(paths=(name,), tree=Memory({name: data})), rules))
    trusted(check(Request(paths=(".",), tree=Memory({name: data}), hosts=True), rules))


def trusted(report: Report) -> None:
    """Raise AssertionError for a report that is not to be trusted."""
    assert not report.count(BROKEN), report.tracebacks
    assert not report.unread, report.tracebacks


def try_configuration(name: str, data: bytes, rules: list[Rule]) -> None:
    with contextlib.suppress(ConfigurationError):
        settings.merge([settings.layer(data.decode("utf-8", "replace"), name)])


def try_rule(name: str, data: bytes, rules: list[Rule]) -> None:
    with contextlib.suppress(ConfigurationError):
        rule = load_rule(data.decode("utf-8", "replace"), name)
        trusted(check(Request(tree=Memory({"etc/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/x\n"})), [rule]))


def try_baseline(name: str, data: bytes, rules: list[Rule]) -> None:
    with contextlib.suppress(ConfigurationError):
        baseline.write(baseline.read(data.decode("utf-8", "replace"), name))


def try_pattern(name: str, data: bytes, rules: list[Rule]) -> None:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(lazy.Refused):
        lazy.fullmatch(text, "aab cxyz09" * 50)
    lines = tuple(line[:12] for line in text.splitlines()[:20])  # long ones are the matcher's own affair
    verdict(patterns(*lines), "a/b/c.yaml", folder=False)


def is_elsewhere(word: str) -> bool:
    """Tell whether a word could name what lies outside the empty folder: what the machine holds is no input of the fuzz."""
    return "/" in word or ".." in word or "~" in word or word.startswith(("--live", "--run"))


def try_command(name: str, data: bytes, rules: list[Rule]) -> None:
    words = [os.fsdecode(word) for word in data.split(b"\0")][:12]
    with contextlib.suppress(SystemExit):
        parse(words)
        if (
            words
            and words[0] in ("check", "fix", "facts", "audit", "rules", "config", "explain")
            and not any(is_elsewhere(word) for word in words)
        ):
            assert command([*words[:1], *(["--no-cache"] if words[0] in ("check", "fix", "facts") else []), *words[1:]]) in (0, 1, 2)


TRIES: dict[str, Callable[[str, bytes, list[Rule]], None]] = {
    "files": try_files, "configuration": try_configuration, "rule": try_rule,
    "baseline": try_baseline, "pattern": try_pattern, "command": try_command,
}  # fmt: skip


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Work in an empty folder, with nothing printed."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        os.chdir(folder)
        Path("a.yaml").write_text("parameter_defaults: {a: 1}\n")
        try:
            yield
        finally:
            os.chdir(before)
            assert "this is a defect of lwlint" not in out.getvalue(), out.getvalue()[:500]


@contextlib.contextmanager
def ended_after(seconds: int) -> Iterator[None]:
    """End what hangs, with TimeoutError."""

    def end(*_: object) -> None:
        raise TimeoutError(f"no end within {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tried(kind: str, name: str, data: bytes, rules: list[Rule]) -> str:
    """Return what is wrong with what comes of one input, in words; empty if nothing is."""
    start = time.process_time()
    try:
        with apart(), ended_after(int(6 * LONGEST)):
            TRIES[kind](name, data, rules)
    except Exception:
        return traceback.format_exc()
    taken = time.process_time() - start
    return f"took {taken:.1f} s" if taken > LONGEST else ""


def main(minutes: float, seed: int) -> int:
    chance, rules, found = random.Random(seed), load_rules(examples=False), inputs()
    print(f"seed {seed}, {minutes:g} minutes, {sum(map(len, found.values()))} inputs to begin with", flush=True)
    counts: Counter[str] = Counter()
    failures: set[str] = set()
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        kind = chance.choices(list(TRIES), weights=(10, 3, 2, 1, 2, 1))[0]
        name, data = chance.choice(found[kind])
        data = changed(data, found[kind], chance)
        counts[kind] += 1
        wrong = tried(kind, name, data, rules)
        last = wrong.strip().splitlines()[-1] if wrong else ""
        if wrong and last not in failures:
            failures.add(last)
            folder = SEEDS / kind
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{seed}-{sum(counts.values())}~{name.replace('/', '~')}").write_bytes(data)
            print(f"{kind} {name}: {wrong}", flush=True)
    print(f"{sum(counts.values())} inputs ({', '.join(f'{n} {kind}' for kind, n in sorted(counts.items()))}), {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    given = options.parse_args()
    sys.exit(main(given.minutes, given.seed))
