"""The commands that show what lwlint knows or sees, and judge nothing of the user's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Optional

from lwlint.cli import arguments
from lwlint.core.config_reader import near, near_or_all
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import tame
from lwlint.run import load_catalogue, load_rules, read_facts

if TYPE_CHECKING:
    import argparse

    from lwlint.core.catalogue import Catalogue
    from lwlint.core.facts import Service
    from lwlint.report.starters import Origin


CONFORMS = 0


def facts(options: argparse.Namespace) -> int:
    """`lwlint facts`: what the readers see, as JSON."""
    from lwlint.report.json import render_facts

    sys.stdout.write(render_facts(read_facts(arguments.request(options, arguments.settings(options)))))
    return CONFORMS


def rules(options: argparse.Namespace) -> int:
    """`lwlint rules`: the rules that would run."""
    from lwlint.report.explain import rules_json, rules_text

    found = arguments.rules(options, arguments.settings(options))
    sys.stdout.write(rules_json(found) if options.format == "json" else tame(rules_text(found)))
    return CONFORMS


def explain(options: argparse.Namespace) -> int:
    """`lwlint explain`: one rule or one clause."""
    from lwlint.policy.rules import load_claims, load_clauses, load_observed
    from lwlint.report.explain import claim_lines, explain_clause, explain_parameters, explain_rule

    rules, clauses = load_rules(options.rules), load_clauses()
    for rule in rules:
        if options.name in (rule.id, rule.code) or options.name.upper() == rule.code:
            if options.params:
                said = explain_parameters(rule)
            else:
                claims = claim_lines(load_claims(), load_observed(), rule.code)
                said = explain_rule(rule, clauses, claims, examples=options.examples)
            sys.stdout.write(tame(said))
            return CONFORMS
    for clause in clauses:
        if options.name == clause.id:
            sys.stdout.write(tame(explain_clause(clause, rules)))
            return CONFORMS
    known = [*(r.id for r in rules), *(r.code for r in rules), *(c.id for c in clauses)]
    raise ConfigurationError(f"`{options.name}`: unknown rule or clause{near(options.name, known)}")


def service_named(name: str) -> Service | None:
    """Return the service of the catalogue with this name, title, alias, unit or container; None if there is none."""
    bare = name[: -len(".service")] if name.endswith(".service") else name
    for service in load_catalogue().services:
        short = (alias.rpartition("::")[2] for alias in service.aliases)
        if bare in (service.name, service.title, *service.aliases, *short, *service.units, *service.containers):
            return service
    return None


def _find_called(name: str, known: Catalogue) -> Service | None:
    """Return the service that a unit or container of another distribution or deployer is; None where a pattern is all that it fits."""
    found = known.of_container(name) or known.of_unit(name)
    return found if found is not None and not found.is_by_pattern else None


def catalogue(name: str | None) -> int:
    """Print the catalogue, or one service of it, and return the exit code."""
    from lwlint.policy.rules import load_observed
    from lwlint.report.explain import one_service, service_lines, service_table

    whole = load_catalogue()
    services = whole.services
    if name is None:
        sys.stdout.write(service_table(services))
        return CONFORMS
    found = service_named(name) or _find_called(name, whole)
    if found is None:
        known = [word for s in services for word in (s.name, s.title)]
        raise ConfigurationError(f"`{name}`: unknown service{near(name, known)}")
    sys.stdout.write(one_service(found, service_lines(found, load_observed())))
    return CONFORMS


def config(options: argparse.Namespace) -> int:
    """`lwlint config`: the settings in effect and where each comes from, or the schema of the file."""
    if options.schema:
        from lwlint.report.json import schema

        sys.stdout.write(schema())
        return CONFORMS
    from lwlint.policy.settings import Settings
    from lwlint.report.explain import render_settings

    found = arguments.settings(options)
    if found is not None:
        from lwlint.policy.settings import configure

        trusted = options.trust or bool(options.config)
        configure(load_rules(found.rule_directories, examples=False, cache=arguments.cache(options), trusted=trusted), found)
    sys.stdout.write(tame(render_settings(found or Settings())))
    return CONFORMS


def init(options: argparse.Namespace) -> int:
    """`lwlint init`: print a starter configuration or a snippet; redirect it to where it belongs."""
    from lwlint.report.starters import SNIPPETS, snippet, starter

    if options.what != "config" and options.what not in SNIPPETS:
        known = ("config", *SNIPPETS)
        raise ConfigurationError(f"`{options.what}`: unknown starter{near_or_all(options.what, known)}")
    if options.write:
        return _write(options.what, options.source)
    if options.what in ("config", "zuul"):  # these install nothing
        sys.stdout.write(starter() if options.what == "config" else SNIPPETS["zuul"])
    else:
        sys.stdout.write(snippet(options.what, _origin(options.source)))
    return CONFORMS


def _origin(source: Optional[str]) -> Origin:
    """Return where lwlint can be had: what `--source` says, else where this lwlint was installed from.

    That is the repository that pip noted (PEP 610), or `origin` of the checkout that it was installed from or runs in.
    """
    import json
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    from lwlint.files.git import read_origin as origin_of
    from lwlint.report.starters import Origin, read_origin

    if source is not None:
        return read_origin(source)
    here = Path(__file__).resolve().parents[2]
    folders = [str(here)]
    try:
        noted = distribution("lwlint")
        told = json.loads(noted.read_text("direct_url.json") or "{}") if here == Path(str(noted.locate_file(""))).resolve() else {}
    except (PackageNotFoundError, OSError, ValueError):
        told = {}
    if "commit_id" in told.get("vcs_info", {}):
        return Origin(without_password(told["url"]), told["vcs_info"]["commit_id"])
    if str(told.get("url", "")).startswith("file://"):
        folders.append(unquote(urlsplit(told["url"]).path))
    for folder in folders:
        found = origin_of(folder)
        if found is not None:
            return read_origin("@".join((without_password(found[0]), found[1])))
    raise ConfigurationError(
        "it is not known where lwlint can be installed from; give `--source URL@REV`, a git repository and a tag or commit of it"
    )


def without_password(url: str) -> str:
    """Return an address without the user and password that `http` may have in it."""
    scheme, sep, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{sep}{host.rpartition('@')[2]}{slash}{path}" if scheme in ("http", "https") else url


def _write(what: str, source: Optional[str]) -> int:
    """Add the environment to the `tox.ini` of this folder, of which every other byte stays, or make the file."""
    from lwlint.files import atomic
    from lwlint.files.tree import CONFIGURATION, read_bounded
    from lwlint.report.starters import snippet, with_environment

    if what != "tox":
        raise ConfigurationError(f"`--write` goes with `tox`; redirect `lwlint init {what}` to where it belongs")
    try:
        text: Optional[str] = read_bounded("tox.ini", CONFIGURATION).decode("utf-8")
    except FileNotFoundError:
        text = None
    except UnicodeDecodeError as error:
        raise ConfigurationError("`tox.ini`: is not UTF-8") from error
    except OSError as error:
        raise ConfigurationError(f"`tox.ini`: cannot be read ({error.strerror})") from error
    environment = snippet("tox", _origin(source))
    changed = environment.partition("\n")[2] if text is None else with_environment(text, "tox.ini", environment)
    try:
        atomic.edit(os.path.realpath("tox.ini"), text.encode("utf-8") if text is not None else None, changed.encode("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"`tox.ini`: cannot be written ({error.strerror})") from error
    print("tox.ini: `tox -e lwlint` runs lwlint")
    return CONFORMS
