"""400 secrets at 120 kinds of places, as the projects declare them: none is in any output; and names of other things are all shown."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core import secret_names
from lwlint.core.finding import FAIL, Problem, Report, Verdict
from lwlint.core.secret import is_secret, mask_lines, mask_secrets
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.policy import baseline
from lwlint.policy.redaction import Redaction
from lwlint.report import FORMATS, How, deliver, outputs
from lwlint.run import Request, engine, load_rules, read_facts
from lwlint.run.engine import finding
from tests.audit.audit_cluster import CIB, NODES, host, packed, replaced
from tests.canaries import MARK, planted

FILES, PAIRS, PLANTED = planted()
FENCE = f'<primitive id="fence" class="stonith" type="x"><instance_attributes id="fa">{PAIRS}</instance_attributes></primitive>'


def files() -> dict[str, str]:
    return {**FILES, CIB: replaced("full-pacemaker", CIB, "<resources>", f"<resources>{FENCE}")}


def leaked(text: str) -> Counter[str]:
    """Return what the canaries in an output were planted as, and how many of each."""
    return Counter(PLANTED[name] for name in re.findall(rf"{MARK}\d+z", text))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in files().items():
        target = tmp_path / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return "".join(capsys.readouterr())


def test_there_are_as_many_as_are_promised() -> None:
    assert len(PLANTED) >= 400
    assert len(set(PLANTED.values())) >= 120
    assert (len(secret_names.OPTIONS) > 150, len(secret_names.PARAMETERS) > 110) == (True, True)


def sources() -> dict[str, Source]:
    tree = Memory({path: text.encode() for path, text in files().items()})
    found = read_facts(Request(tree=tree)).input.sources
    return {**found, "inspect": Source("inspect", FILES["sos_commands/podman/podman_inspect_nova_api"], "container")}


def test_no_source_is_shown_with_one_and_every_character_keeps_its_place() -> None:
    redaction = Redaction(sources())
    for source in sources().values():
        shown = redaction.text(source)
        assert leaked(shown) == Counter(), source.path
        assert [a for a, b in zip(shown, source.text) if a not in (b, "*")] == []
        assert len(shown) == len(source.text)
        assert [redaction.line(source, number + 1) for number in range(shown.count("\n"))] == shown.split("\n")[:-1]


@pytest.mark.parametrize("path", sorted(files()))
def test_by_the_look_of_the_lines_alone_few_are_seen(path: str) -> None:
    seen = leaked(mask_lines(files()[path]))
    assert sum(seen.values()) <= 45, seen  # flow mappings, references to characters, defaults, odd addresses: what only a reader tells


@pytest.fixture(scope="module")
def every_line() -> Report:
    """A report with a finding on every line of the input, whose message, subject and remedy quote the whole line."""
    found, rule = sources(), load_rules(select=["LW301"], examples=False)[0]
    redaction = Redaction(found)
    findings = []
    for source in found.values():
        starts = [*source.line_starts(), len(source.text)]
        for start, end in itertools.pairwise(starts):
            line = source.text[start:end].rstrip("\n")
            problem = Problem(source.span(start, start + len(line)), f"`{line}` is odd", f"option {line}", remedy=f"Change {line}.")
            findings.append(finding(rule, problem, found, redaction, {}))
    return Report(tuple(findings), (Verdict(rule.id, rule.code, FAIL),), found)


@pytest.mark.parametrize("name", FORMATS)
def test_no_form_of_a_report_that_quotes_every_line(name: str, every_line: Report) -> None:
    text = deliver(outputs([name]), every_line, load_rules(examples=False), How(False, True, "note", 1))
    assert leaked(text) == Counter()
    assert len(text) > 1000


def test_no_baseline_holds_one_or_a_digest_by_which_one_could_be_guessed(every_line: Report) -> None:
    text = baseline.record(every_line)
    assert leaked(text) == Counter()
    other = {path: re.sub(rf"{MARK}\d+z", lambda match: match[0][:-1] + "y", source.text) for path, source in every_line.sources.items()}
    changed = {path: Source(path, other[path], source.kind) for path, source in every_line.sources.items()}
    rule, redaction = load_rules(select=["LW301"], examples=False)[0], Redaction(changed)
    for old in every_line.findings:
        span = old.span
        line = changed[span.path].text[span.start : span.end]
        new = finding(rule, Problem(span, f"`{line}` is odd", f"option {line}", remedy=f"Change {line}."), changed, redaction, {})
        was = baseline.make_record(old, every_line, Redaction(every_line.sources))
        assert baseline.make_record(new, Report((new,), (), changed), redaction) == was, line
        assert new.fingerprint == old.fingerprint


@pytest.mark.parametrize(
    "command",
    [
        *(("check", "-v", "--format", name) for name in FORMATS),
        ("check", "--debug", "--timing"),
        ("fix", "--diff"),
        ("fix", "--diff", "--unsafe"),
        ("facts",),
        ("fix", "--unsafe"),
    ],
)
def test_no_output_of_a_command(command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--no-config"] if command[0] == "facts" else ["--no-config", "--no-cache"]
    main([*command, *options, "in"])
    said = output(capsys)
    assert leaked(said) == Counter()
    assert len(said) > 200


def test_no_cache_keeps_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        (folder / "in" / "environments" / f"e{number}.yaml").write_text(
            (folder / "in" / "environments" / "all.yaml").read_text() + f"# {number}\n"
        )
    texts = []
    for _ in range(2):
        main(["check", "--no-config", "--cache-dir", "kept", "-v", "in"])
        texts.append(output(capsys))
    assert texts[0] == texts[1]
    kept = sorted((folder / "kept").iterdir())
    assert {path.name.partition("-")[0] for path in kept} >= {"answer", "outlines"}
    assert sum((leaked(path.read_bytes().decode("latin-1")) for path in kept), Counter()) == Counter()


def test_no_baseline_of_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "--no-config", "--no-cache", "-o", "known", "in"]) == 0
    text = (folder / "known").read_text()
    assert (leaked(text + output(capsys)), len(text) > 1000) == (Counter(), True)
    (folder / "in" / "etc" / "nova" / "nova.conf").write_text("")
    main(["check", "--no-config", "--no-cache", "--baseline", "known", "in"])
    assert leaked(output(capsys)) == Counter()


@pytest.mark.parametrize("command", [("check",), ("check", "--format", "json"), ("audit",), ("audit", "--format", "json")])
def test_no_traceback(command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(content for path, content in files().items() if command[0] == "check" or path.startswith(("etc/", "usr/", "var/")))

    def run(*_: object) -> None:
        raise ValueError(f"could not read `{text}`")

    monkeypatch.setattr(engine, "_run", run)
    assert main(["--debug", *command, *(("--no-config", "--no-cache") if command[0] == "check" else ()), "in"]) == 2
    assert leaked(output(capsys)) == Counter()


@pytest.mark.parametrize(
    "form", [(), ("-v",), ("--debug",), ("--format", "json"), ("--format", "html"), ("--output", "answer", "-v"), ("--anonymize", "-v")]
)
def test_no_form_of_an_audit(form: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for node in NODES[:2]:
        Path(f"{node}.tar").write_bytes(packed(host("full-pacemaker", node, files()), node, "tar"))
    assert main(["audit", *(f"{node}.tar" for node in NODES[:2]), *form]) == 1
    texts = [output(capsys), *(path.read_text() for path in sorted(folder.glob("answer/*")))]
    assert leaked("".join(texts)) == Counter()
    assert len(texts) == (4 if "answer" in form else 1)


def test_no_message_on_a_file_that_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is cut off, or spoilt, somewhere on the line of a canary; what is said of it must not quote one."""
    for path, text in files().items():
        lines = text.split("\n")
        for number in range(0, len(lines), max(1, len(lines) // 7)):
            for spoilt, how in (
                (lines[number][: len(lines[number]) * 2 // 3], "cut"),
                (f"\x00{lines[number]} [*x", "spoilt"),
                (f"{lines[number]}'\"<%", "odd"),
            ):
                target = folder / "broken" / f"{how}{number}" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text("\n".join((*lines[:number], spoilt, *(lines[number + 1 :] if how != "cut" else ()))))
    main(["check", "--no-config", "--no-cache", "-v", "broken"])
    assert leaked(output(capsys)) == Counter()
    main(["facts", "--no-config", "broken"])
    assert leaked(output(capsys)) == Counter()


def words(text: str) -> list[str]:
    return text.split()


# names that contain `token`, `key`, `pass`, `secret`, ... and hold none
SHOWN = words(
    """
    keystone::authtoken::project_name keystone_authtoken nova::keystone::authtoken::auth_url keystone_authtoken/project_name
    key_manager keymgr keymgr_api_class passive active_passive compass bypass passenger keyring keyring_path keypair key_pair_name
    monkey keystone keystone_url keyboard key_name keys_dir tokens_dir token_provider token_expiration keystone::token_provider
    keystone::cron::token_flush::destination KeystoneTokenProvider keystone::token_expiration password_file passwd_file
    password_script password_hash_algorithm PasswordAuthentication password_min_length secret_store_plugin secrets_dir secretary
    token_cache_time revocation_cache_time hash_algorithms ssh_key_file private_key_path ssl_key_file key_file keyfile certfile
    key_size fernet_max_active_keys key_repository fernet_key_repository KeyringMode credentials_dir auth_type auth_url
    auth_strategy auth_plugin authorized author www_authenticate_uri PassEnvironment pass_through passthrough
    pci_passthrough_whitelist tokenizer secure cookie_domain session_cookie_secure cookie_secure hotkey turkey whiskey keepalive
    keepalived keep pwquality hashing hash_algorithm NeutronApiPasswordLength memcache_security_strategy communityname primary_key
    foreign_key token_format public_key routing_key cache_key sort_key keyring::path TokenProvider passwordless tokens_per_second
    key_prefix pass_hosts
    """
)


@pytest.mark.parametrize("name", SHOWN)
def test_a_name_that_holds_none_masks_neither_itself_nor_what_stands_beside_it(name: str) -> None:
    lines = [
        f"{name} = visible one",
        f"{name}: visible",
        f"  {name} => 'visible',",
        f"`{name}`: it is visible",
        f"`{name}` is `visible`",
        f'"{name}": "visible"',
    ]
    lines += [
        f"--{name} visible",
        f"{{{name}: visible, region: seen}}",
        f'<nvpair name="{name}" value="visible"/>',
        f"[{name}]",
        f"x = 1 # {name}",
        f"{name}=visible",
    ]
    lines += [f"{name}:\n  - visible\n  - other", f"{name} =\n  visible", f"`{name}` and `connection` are `visible`"]
    assert [line for line in lines if mask_lines(line) != line] == []
    assert not is_secret(name)


@pytest.mark.parametrize("name", SHOWN)
def test_beside_a_secret_such_a_name_is_shown(name: str) -> None:
    assert mask_lines(f"password = x1\n{name} = visible\n") == f"password = **\n{name} = visible\n"
    assert mask_lines(f"{{password: x1, {name}: visible}}") == f"{{password: **, {name}: visible}}"
    assert mask_secrets(f"Environment=OS_PASSWORD=x1 {name}=visible") == f"Environment=OS_PASSWORD=** {name}=visible"


def test_such_a_name_keeps_no_fix_out_of_a_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(SHOWN):
        if ":" not in name:
            Path(f"h{number}").mkdir()
            text = f"[{name}]\n{name} = x\n[database]\nconnection = mysql://db/nova\nmax_retries = 3\n{name} = y\n"
            Path(f"h{number}", "nova.conf").write_text(text)
    assert main(["fix", "--diff", "--no-config", "--no-cache", "."]) == 1
    said = capsys.readouterr()
    assert "holds a secret" not in said.err
    for name in SHOWN:
        assert (
            ":" in name
            or f" {name} = x\n [database]\n connection = mysql://db/nova\n-max_retries = 3\n+max_retries = -1\n {name} = y\n" in said.out
        )


def test_every_name_that_a_project_declares_is_one() -> None:
    declared = secret_names.OPTIONS | secret_names.PARAMETERS | (secret_names.AGENTS - {"key", "community"}) | secret_names.SERVERS
    assert [name for name in sorted(declared) if not is_secret(name)] == []
    for name in sorted(declared):
        assert mask_secrets(f"{name} = visible") == f"{name} = *******", name
        assert mask_secrets(f"{name.upper()}=visible") == f"{name.upper()}=*******", name
        assert mask_secrets(f"nova::{name}: visible") == f"nova::{name}: *******", name
