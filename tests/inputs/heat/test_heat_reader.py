"""Heat files as text: places, Jinja, and what cannot be read."""

from __future__ import annotations

import gc
import random
from typing import Optional

import pytest
import yaml

from lwlint.core.facts import NotEvaluated, Unreadable
from lwlint.core.finding import Verdict
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.heat import document
from lwlint.inputs.heat.document import HeatFile, Refused, Scalar, mask, plain, read, walk
from lwlint.inputs.heat.facts import DuplicateKey, GetFile, HieraKey, Role
from lwlint.inputs.heat.outline import Outline, Parameters, outline
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import facts, findings, rules, template


def refused(text: str) -> tuple[str, int]:
    with pytest.raises(Refused) as caught:
        read(text)
    return caught.value.message, caught.value.start


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_count_characters_past_a_byte_order_mark_and_any_line_break(mark: str, line_break: str) -> None:
    text = mark + 'emoji: "😀"\né: b\nlast: &x  !!str  c\n'.replace("\n", line_break)
    scalars = [node for node in walk(read(text).root) if isinstance(node, Scalar)]
    assert [text[node.start : node.end] for node in scalars] == ["emoji", '"😀"', "é", "b", "last", "c"]


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("a: [", "while parsing a flow node did not find expected node content", 4),
        ("a:\tb\n\tc: d", "while scanning a plain scalar found a tab character that violates indentation", 5),
        ("é: \x00", "character 0x00: control characters are not allowed", 3),
        ("a: *x", "alias `*x` has no anchor", 3),
        ("a: !vault b", "tag `!vault` is not known to Heat", 3),
        ("{{ a }}: b", "a key that is a list or a mapping", 1),
        ("a: b\n---\nc: d", "a second document begins here; Heat reads files of one", 5),
        ("a: 1\n<<: b", "`<<` must be given a mapping or a list of mappings", 9),
        ("a: \ud800", "half of a surrogate pair is not a character", 3),
    ],
)
def test_what_pyyaml_refuses_is_told_with_its_place(text: str, message: str, start: int) -> None:
    assert refused(text) == (message, start)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "".join(" " * i + "a:\n" for i in range(3000))])
def test_deep_nesting_is_refused_at_its_limit(text: str) -> None:
    assert refused(text)[0] == "nested deeper than 200 levels"


def test_nodes_without_number_are_refused_at_the_first_one_too_many() -> None:
    text = "- 1\n" * 1_000_100
    message, at = refused(text)
    assert message == "more than 1000000 nodes, with every alias written out"
    assert 3_999_000 < at < 4_000_000
    assert text[at : at + 1] == "1"


def written(chance: random.Random, names: list[str], depth: int = 0) -> str:
    """Return a node in flow style, with anchors and with aliases of those that came before."""
    kind = chance.randrange(4) if 0 < depth < 5 else 0 if depth == 0 else 3
    name = f"a{chance.getrandbits(40)}"
    anchor = f"&{name} " if chance.random() < 0.4 else ""
    if kind == 2 and names:
        return f"*{chance.choice(names)} "
    if kind > 1:
        return f"{anchor}x"
    items = [written(chance, names, depth + 1) for _ in range(chance.randint(0, 6))]
    text = f"[{', '.join(items)}]" if kind == 0 else f"{{{', '.join(f'k{i}: {item}' for i, item in enumerate(items))}}}"
    if anchor:
        names.append(name)
    return anchor + text


def counted(text: str, limit: int) -> Optional[int]:
    """Return where the first event stands that is beyond the limit, with each alias taken for as many as what it names has."""
    size, stack, sizes = 0, [], {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        size += 1 + (sizes.get(event.anchor, 0) if isinstance(event, yaml.AliasEvent) else 0)
        if size > limit:
            return event.start_mark.index
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append((event.anchor, size))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = stack.pop()
            sizes[anchor] = size - before
    return None


def test_nodes_are_counted_as_events_and_aliases_say(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, met = random.Random(11), 0
    for _ in range(1500):
        text, limit = f"[{written(chance, [])}]", chance.randint(8, 60)
        monkeypatch.setattr(document, "EXPANDED_LIMIT", limit)
        expected = counted(text, limit)
        try:
            read(text)
            told = None
        except Refused as error:
            told = error.start if "more than" in error.message else -1
        assert told == expected, (text, limit)
        met += expected is not None
    assert met > 200


def test_aliases_are_read_as_one_node_and_a_bomb_of_them_is_refused() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    root = read("\n".join(lines[:10])).root
    assert [node.value for node in walk(root) if isinstance(node, Scalar)] == ["a0", "x", "x", *(f"a{i}" for i in range(1, 10))]
    files = {"a.yaml": "resource_registry: &r\n  OS::TripleO::Services::X: y\n" + "\n".join(lines)}
    assert findings(files, "LW901") == ["LW901 a.yaml:20"]


def test_a_scalar_begins_behind_its_anchor_its_tag_and_the_comments_after_them() -> None:
    text = "- &a # here\n  # and here\n  b\n- &c !!str\n- d\n"
    assert [(node.start, node.end) for node in walk(read(text).root) if isinstance(node, Scalar)] == [(27, 28), (39, 39), (42, 43)]


def test_an_empty_file_is_an_empty_document() -> None:
    assert [plain(read(text).root) for text in ("", "\n", "# comment\n", "---\n", "\ufeff")] == [None] * 5
    assert findings({"a.yaml": "", "b.yaml": "# resource_registry:\n"}, "LW901") == []


def test_the_value_that_is_dropped_and_the_one_that_is_kept_are_both_known() -> None:
    text = "resource_registry:\n  OS::A: b.yaml\n  'OS::A': c.yaml\n"
    (duplicate,) = facts({"a.yaml": text}, "duplicate_key")
    assert isinstance(duplicate, DuplicateKey)
    assert (text[slice(*duplicate.dropped[1:])], text[slice(*duplicate.span[1:])], duplicate.differs) == ("OS::A", "'OS::A'", True)
    assert facts({"a.yaml": "resource_registry:\n  1: b\n  '1': c\n"}, "duplicate_key") == []


def test_11_braces_in_plain_yaml_are_text_and_hide_nothing() -> None:
    config = "glance::api::database_connection: x\nbarbican::api::enabled: \"{{ 'a' if b else 'c' }} {% if d %}e{% endif %}\""
    assert findings({"glance-api.yaml": template(config)}, "LW404") == ["LW404 glance-api.yaml:6"]
    assert findings({"a.yaml": "resource_registry:\n  {{ x }}: y\n"}, "LW901") == ["LW901 a.yaml:2"]


def test_jinja_is_masked_by_as_many_characters() -> None:
    text = "a: {{ b }}\n{%- for x in\n y %}\n  {# é\n #}{{x.name}}Config: {% raw %}{{ kept }}{% endraw %}\n"
    masked = mask(text)
    assert masked.text == "a: xxxxxxx\n            \n     \n      \n   xxxxxxxxxxConfig:          {{ kept }}            \n"
    assert (len(masked.text), masked.statements, masked.expressions) == (len(text), ((11, 29),), ((3, 10), (40, 50)))


def test_choices_of_jinja_go_from_the_outermost_if_to_its_end() -> None:
    whole, last = "{% if a %}\n{%- if b -%}b{% endif %}\n{% elif c %}{% else %}\n{% endif %}", "{%+ if g %}h"
    text = f"{whole}\n{{% for d in e if f %}}{{% endfor %}}{{% endif %}}\n{last}"
    assert [text[start:end] for start, end in mask(text).choices] == [whole, last]
    assert mask("{% raw %}{% if a %}{% endraw %}{# {% if b %} #}c").choices == ()


@pytest.mark.parametrize(
    "retries",
    [
        "{{ retries }}",
        "'{{ retries|default(-1) }}'",
        "{% if ha %}-1{% else %}5{% endif %}",
        "-1{% if less %}0{% endif %}",
        "{if: [ha, -1, {{ retries }}]}",
        "{get_param: Retries}",
    ],
)
def test_a_value_that_jinja_writes_is_not_known(retries: str) -> None:
    text = template(f"cinder::db::database_connection: mysql://h\ncinder::db::database_max_retries: {retries}")
    text = text.replace("outputs:", "parameters:\n  Retries: {type: number, default: {{ retries }} }\noutputs:", 1)
    report = check(Request(tree=Memory({"a.j2.yaml": text})), [rule for rule in rules() if rule.code == "LW404"])
    assert (report.findings, [verdict.outcome for verdict in report.verdicts]) == ((), ["not evaluated"])


def test_a_setting_in_a_choice_of_jinja_may_not_be_set() -> None:
    retries = "cinder::db::database_max_retries"
    for choice in (
        f"{{% if ha %}}\n{retries}: -1\n{{% endif %}}",
        f"{{% if ha %}}\n{retries}: -1\n{{% else %}}\n{retries}: 5\n{{% endif %}}",
    ):
        text = template(f"cinder::db::database_connection: mysql://h\n{choice}")
        report = check(Request(tree=Memory({"a.j2.yaml": text})), [rule for rule in rules() if rule.code == "LW404"])
        assert (report.findings, [verdict.outcome for verdict in report.verdicts]) == ((), ["not evaluated"])
    text = template(f"cinder::db::database_connection: mysql://h\n{{# {retries}: -1 #}}\n{{% for a in b %}}\n{retries}: 5\n{{% endfor %}}")
    assert findings({"a.j2.yaml": text}, "LW404") == ["LW404 a.j2.yaml:6"]


def test_parameters_that_jinja_writes_into_an_environment_are_not_known() -> None:
    text = template("cinder::db::database_connection: mysql://h\ncinder::db::database_max_retries: {get_param: Retries}")
    text = text.replace("outputs:", "parameters:\n  Retries: {type: number, default: -1}\noutputs:", 1)
    for value, outcome in (("{{ retries }}", "not evaluated"), ("10", "fail"), ("-1", "pass")):
        files = {"cinder.yaml": text, "env.j2.yaml": f"parameter_defaults:\n  Retries: {value}\n"}
        chosen = [rule for rule in rules() if rule.code == "LW404"]
        (verdict,) = check(Request(environments=("env.j2.yaml",), tree=Memory(files)), chosen).verdicts
        assert verdict.outcome == outcome


def test_a_template_whose_path_jinja_writes_is_not_known() -> None:
    files = {
        "env.j2.yaml": "resource_registry:\n  OS::TripleO::Services::Pacemaker: pacemaker.yaml\n"
        "  OS::TripleO::Services::MySQL: {{ place }}/mysql.yaml\n",
        "pacemaker.yaml": "heat_template_version: pike\n",
        "overcloud-resource-registry-puppet.yaml": "resource_registry: {}\n",
    }
    report = check(Request(environments=("env.j2.yaml",), tree=Memory(files)), [rule for rule in rules() if rule.code == "LW402"])
    assert (report.findings, [verdict.outcome for verdict in report.verdicts]) == ((), ["not evaluated"])


def test_what_jinja_says_of_a_container_is_not_known() -> None:
    head = "heat_template_version: pike\noutputs:\n  role_data:\n    value:\n      docker_config:\n        step_3:\n"
    head += "          a:\n            image: i\n"
    chosen = [rule for rule in rules() if rule.code == "LW406"]
    for words, outcome in (
        ("restart: {{ policy }}", "not evaluated"),
        ("detach: {{ waits }}", "not evaluated"),
        ("command: {{ command }}", "not evaluated"),
        ("{% if ha %}\n            restart: always\n{% endif %}", "not evaluated"),
        ("net: {{ net }}", "fail"),
        ("net: {{ net }}\n            restart: always", "pass"),
    ):
        (verdict,) = check(Request(tree=Memory({"a.j2.yaml": f"{head}            {words}\n"})), chosen).verdicts
        assert verdict.outcome == outcome, words
    chosen_whole = head.replace("          a:", "{% if ha %}\n          a:") + "            restart: always\n{% endif %}\n"
    (verdict,) = check(Request(tree=Memory({"a.j2.yaml": chosen_whole})), chosen).verdicts
    assert verdict.outcome == "pass"


def test_places_in_a_jinja_file_are_those_of_the_file() -> None:
    files = {
        "env.j2.yaml": "resource_registry:\n{% for role in roles %}\n  OS::TripleO::{{role.name}}: x.yaml\n{% endfor %}\n"
        "  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n",
        "puppet/services/pacemaker/nova-api.yaml": "heat_template_version: pike\n",
    }
    assert findings(files, "LW401") == ["LW401 env.j2.yaml:5"]


def test_jinja_that_cannot_be_seen_through_is_not_evaluated_and_no_error() -> None:
    text = "heat_template_version: pike\nresources:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n"
    reading = document.read_file(Source("role.j2.yaml", text, "heat"))
    assert (type(reading), getattr(reading, "because", "")) == (NotEvaluated, "Jinja")
    report = check(Request(tree=Memory({"role.j2.yaml": text})), [rule for rule in rules() if rule.code in ("LW403", "LW901")])
    assert report.findings == ()
    assert report.verdicts == (
        Verdict("pacemaker-template-outside-the-core", "LW403", "not evaluated", "Jinja in `role.j2.yaml`"),
        Verdict("unreadable-input", "LW901", "pass", ""),
    )
    assert isinstance(document.read_file(Source("role.yaml", text, "heat")), Unreadable)


def test_a_base_registry_that_cannot_be_seen_through_is_the_root_of_its_tree_all_the_same() -> None:
    target = "/usr/share/openstack-tripleo-heat-templates/puppet/a.yaml"
    files = {
        "tree/overcloud-resource-registry-puppet.j2.yaml": "resource_registry:\n  {{ a }}: [\n",
        "tree/environments/a.yaml": f"resource_registry:\n  OS::TripleO::Services::A: ../b.yaml\n  OS::TripleO::Services::B: {target}\n",
    }
    assert findings(files) == ["LW409 tree/environments/a.yaml:2", "LW409 tree/environments/a.yaml:3"]
    report = check(Request(paths=("tree/overcloud-resource-registry-puppet.j2.yaml",), tree=Memory(files)), rules())
    assert {verdict.because for verdict in report.verdicts if verdict.rule in ("dangling-template", "duplicate-key")} == {
        "Jinja in `tree/overcloud-resource-registry-puppet.j2.yaml`"
    }


def test_a_jinja_file_without_jinja_that_is_wrong_is_an_error() -> None:
    assert isinstance(document.read_file(Source("a.j2.yaml", "a: [", "heat")), Unreadable)


def test_a_file_that_no_rule_looks_into_is_still_told_when_it_is_no_yaml() -> None:
    assert findings({"parameters.yaml": "parameter_merge_strategies:\n  a: [b\n"}, "LW901") == ["LW901 parameters.yaml:3"]


def test_forms_are_told_apart_by_their_keys() -> None:
    texts = {
        "template": "heat_template_version: 2016-04-08\n",
        "environment": "parameter_defaults: {}\n",
        "roles": "- name: Controller\n",
        "other": "nova::debug: true\n",
    }
    read_files = {form: document.read_file(Source("a.yaml", text, "heat")) for form, text in texts.items()}
    assert {form: file.form for form, file in read_files.items() if isinstance(file, HeatFile)} == {form: form for form in texts}


def test_files_that_templates_read_are_named_from_the_run() -> None:
    text = "heat_template_version: pike\nresources:\n  C:\n    type: OS::Heat::SoftwareConfig\n    properties:\n"
    text += "      config: {list_join: ['', [{get_file: manifests/a.pp}, {get_file: ../b.pp}, {get_file: 'http://example.com/c.pp'}]]}\n"
    found = [fact for fact in facts({"puppet/x.yaml": text}, "get_file") if isinstance(fact, GetFile)]
    assert [(fact.name, fact.target) for fact in found] == [("puppet/manifests/a.pp", "manifests/a.pp"), ("b.pp", "../b.pp")]


def test_hieradata_and_merge_keys_give_settings_too() -> None:
    text = "nova::debug: true\nnova::a: &m {nova::b: 1}\n"
    merged = template("<<: &base {heat::db::database_max_retries: -1}\nheat::database_connection: x")
    found = [fact for fact in facts({"hieradata/common.yaml": text, "t.yaml": merged}, "hiera_key") if isinstance(fact, HieraKey)]
    assert [(key.name, key.values, key.place) for key in found] == [
        ("nova::debug", ("true",), "hieradata"),
        ("nova::a", None, "hieradata"),
        ("heat::db::database_max_retries", ("-1",), "config_settings"),
        ("heat::database_connection", ("x",), "config_settings"),
    ]
    assert findings({"t.yaml": merged}) == []


def test_the_conditions_of_a_setting_are_kept() -> None:
    config = "map_merge:\n  - if:\n      - c\n      - {heat::db::database_max_retries: -1}\n      - {}\n  - heat::database_connection: x"
    keys = [fact for fact in facts({"a.yaml": template(config)}, "hiera_key") if isinstance(fact, HieraKey)]
    assert [(key.name, key.branch) for key in keys] == [("heat::db::database_max_retries", ("c=1",)), ("heat::database_connection", ())]
    assert findings({"a.yaml": template(config)}, "LW404") == ["LW404 a.yaml:11"]
    both = config.replace("      - {}", "      - {heat::db::database_max_retries: '-1'}")
    assert findings({"a.yaml": template(both)}, "LW404") == []


def test_roles_and_the_files_of_a_capabilities_map_are_seen() -> None:
    roles = "- name: Controller\n  ServicesDefault: [OS::TripleO::Services::NovaApi, OS::TripleO::Services::Redis]\n- name: Empty\n"
    (role,) = facts({"roles_data.yaml": roles}, "role")
    assert isinstance(role, Role)
    assert (role.name, role.services) == ("Controller", ("OS::TripleO::Services::NovaApi", "OS::TripleO::Services::Redis"))
    topics = "topics:\n  - title: Base\n    environment_groups:\n      - environments:\n"
    topics += "".join(f"          - file: environments/{name}.yaml\n" for name in ("here", "gone"))
    files = {"capabilities-map.yaml": topics, "environments/here.yaml": "parameter_defaults: {}\n"}
    assert findings(files) == ["LW414 capabilities-map.yaml:6"]


@pytest.mark.parametrize(
    ("text", "code", "outcome"),
    [
        ("heat_template_version: pike\nresources:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW401", "pass"),
        ("heat_template_version: pike\nresources:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW404", "pass"),
        ("resource_registry:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW401", "not evaluated"),
        ("resource_registry:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW404", "pass"),
        ("parameter_defaults:\n  ExtraConfig:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW404", "not evaluated"),
        ("heat_template_version: pike\nresources:\n{% if a %}\n  a: {{b}}: c\n  - d\n{% endif %}\n", "LW410", "not evaluated"),
    ],
)
def test_jinja_that_cannot_be_seen_through_hides_only_what_it_may_be_about(text: str, code: str, outcome: str) -> None:
    files = {
        "network/role.role.j2.yaml": text,
        "env.yaml": "resource_registry:\n  OS::TripleO::Services::NovaApi: OS::Heat::None\n",
        "a.yaml": template("nova::db::database_max_retries: -1"),
    }
    (verdict,) = check(Request(tree=Memory(files)), [rule for rule in rules() if rule.code == code]).verdicts
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("maker", "target", "told"),
    [
        ("network/ports/port.network.j2.yaml", "network/ports/internal_api.yaml", False),
        ("network/ports/port_from_pool_v6.network.j2.yaml", "network/ports/internal_api_from_pool_v6.yaml", False),
        ("network/ports/port_from_pool.network.j2.yaml", "network/ports/internal_api.yaml", True),
        ("network/ports/deployed_port.network.j2.yaml", "network/ports/deployed_storage_mgmt.yaml", False),
        ("network/ports/deployed_port.network.j2.yaml", "network/ports/external.yaml", True),
        ("network/network_v6.network.j2.yaml", "network/external_v6.yaml", False),
        ("network/network_v6.network.j2.yaml", "network/external.yaml", True),
        ("network/config/bond/role.role.j2.yaml", "network/config/bond/controller.yaml", False),
        ("puppet/role.role.j2.yaml", "puppet/controller-role.yaml", False),
        ("puppet/role.role.j2.yaml", "puppet/controller.yaml", True),
        ("puppet/config.role.j2.yaml", "puppet/controller-config.yaml", False),
        ("puppet/config.role.j2.yaml", "puppet/controller-role.yaml", True),
    ],
)
def test_what_jinja_makes_for_each_role_or_network_exists_by_the_name_that_it_gets(maker: str, target: str, told: bool) -> None:
    files = {
        "overcloud-resource-registry-puppet.yaml": "resource_registry: {}\n",
        "site.yaml": f"resource_registry:\n  OS::TripleO::Some::Thing: {target}\n",
        maker: "heat_template_version: queens\n",
    }
    assert findings(files, "LW414") == ["LW414 site.yaml:2"] * told


CHOICE = """resource_registry:
  OS::TripleO::Services::Keystone: a.yaml
parameter_defaults:
  Tags:
    {%% if vlan %%}
    %s
    {%%- else %%}
    %s
    {%%- endif %%}
"""


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        ("- a={{ vlan }}", "[]", True),
        ("[]", "- a={{ vlan }}", True),
        ("a: 1", "{}", True),
        ("- a", "[b]", False),  # which would be left out
        ("- a", "b: 1", False),
    ],
)
def test_an_empty_value_instead_of_others_does_not_hide_a_file_of_jinja(first: str, second: str, seen: bool) -> None:
    text = CHOICE % (first, second)
    found = document.read_file(Source("env.j2.yaml", text, "heat"))
    assert isinstance(found, HeatFile) == seen
    assert isinstance(document.read_file(Source("env.yaml", text, "heat")), Unreadable)  # nobody renders it


PLAN = """version: 1.0
name: overcloud
template: overcloud.yaml
environments:
- path: overcloud-resource-registry-puppet.yaml
- path: environments/docker-ha.yaml
- path: environments/dokcer.yaml
"""


@pytest.mark.parametrize("more", ["", "parameter_defaults: {A: b}\n"])
@pytest.mark.parametrize("path", ["plan-environment.yaml", "plan-samples/plan-environment.yaml"])
def test_an_environment_that_a_plan_names_must_be_in_its_tree(path: str, more: str) -> None:
    tree = {
        "overcloud-resource-registry-puppet.j2.yaml": "resource_registry: {}\n",
        "environments/docker-ha.yaml": "parameter_defaults: {A: b}\n",
    }
    report = check(Request(tree=Memory({**tree, path: PLAN + more})), [rule for rule in rules() if rule.code == "LW414"])
    assert [(one.message, one.severity) for one in report.findings] == [
        (
            "`environments`: template `environments/dokcer.yaml` does not exist (`environments/dokcer.yaml`); it must be one of the tree",
            "warning",
        )
    ]
    assert findings({path: PLAN + more}, "LW414") == []  # its tree is not here
    assert findings({**tree, path: PLAN.replace("template:", "templates:") + more}, "LW414") == []  # that is no plan


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: {get_attr:[B, c]}\n", {"a": {"get_attr": ["B", "c"]}}),
        ("\ufeffa: {b:{c: d}}\n", {"a": {"b": {"c": "d"}}}),
        ("a: |\n  \tif x\n", {"a": "\tif x\n"}),
        ("a: {b:[c]}\nd: [e\n", None),
        (f"a: {{b:[c]}}\n{'#' * 300_000}\n", None),  # so long a text is not read twice
    ],
)
def test_heat_reads_what_one_of_its_two_parsers_reads(text: str, value: Optional[dict[str, object]]) -> None:
    if value is None:
        with pytest.raises(Refused, match="found unexpected"):
            read(text)
        return
    found = read(text)
    assert plain(found.root) == value
    shown = {node.value: text[node.start : node.end] for node in walk(found.root) if isinstance(node, Scalar) and "\t" not in node.value}
    assert shown == {name: name for name in shown}


def test_nothing_of_a_template_is_left_in_circles() -> None:
    """Those would stay until the collector looks for them, which it does not while files are read."""
    text = (
        "heat_template_version: rocky\nparameters:\n  A: {type: json, default: {b: 1}}\nconditions:\n  c: {equals: [{get_param: A}, x]}\n"
    )
    text += "outputs:\n  role_data:\n    value:\n      config_settings:\n        a::b: {if: [c, {get_param: [A, b]}, {get_param: A}]}\n"
    source = Source("a.yaml", text, "heat")
    assert isinstance(outline(source, Parameters()), Outline)
    again = Source("b.yaml", text, "heat")
    gc.collect()
    gc.disable()
    try:
        outline(again, Parameters())
        assert gc.collect() == 0
    finally:
        gc.enable()
