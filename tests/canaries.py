"""Secrets planted at every kind of place that a secret has: made from what the projects declare, and from how each kind of input writes it.

A canary is a secret that is nowhere else. `planted()` returns the files of a tree with one at each place, and every canary with what it was
planted as.
"""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.core import secret_names
from tests.core.secret_lines import GIVEN

MARK = "cnry"


class Planter:
    """Makes canaries, each another one, and knows what each was planted as."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, place: str, text: str, *, odd: str = "") -> str:
        """Return the text with a new canary in the place of each `%`; `odd` are characters that stand in the middle of each."""
        pieces = text.split("%")
        made = [pieces[0]]
        for piece in pieces[1:]:
            name = f"{MARK}{len(self.planted)}z"
            self.planted[name] = place
            made += [f"{name[:4]}{name[4:]}" if not odd else f"{name}{odd}{name}", piece]
        return "".join(made)


OPTION_FORMS = {
    "name = value": "{n} = %\n",
    "name=value": "{n}=%\n",
    "name: value": "{n}: %\n",
    "in quotes": "{n} = '%'\n",
    "in double quotes, and a word behind": '{n} = "%"%\n',
    "with blanks, commas and quotes": "{n} = % %,'% \"%\n",
    "over two lines": "{n} = %\n  %\n",
    "over two lines, with a comment between": "{n} =\n# a comment\n  %\n",
    "over two lines, with tabs": "{n} =\n\t%\n\t%\n",
    "in a comment": "# {n} = %\n",
    "much indented sign": "{n}" + " " * 300 + "= %\n",
    "with a percent sign first": "{n} = &%\n",
}
REFUSED = ("over two lines, with a comment between",)  # by oslo.config
ADDRESS_FORMS = {
    "plain": "mysql+pymysql://u:%@db/nova",
    "with a query": "mysql://u:%@db/nova?charset=utf8",
    "in the query": "mysql://u@db/nova?password=%",
    "in the query, second": "mysql://db/nova?charset=utf8&passwd=%",
    "of a list": "rabbit://u:%@a:5672,u:%@b:5672/v",
    "of a list with a port first": "rabbit://a:5672,u:%@b:5672/v",
    "without a user": "redis://:%@db:6379/0",
    "in brackets": "mysql://u:%@[::1]:3306/nova",
    "of sentinel": "redis://:%@a:26379?sentinel=x&password=%",
    "of libpq": "host=db user=u password=% dbname=d",
    "of Go": "u:%@tcp(db:3306)/nova",
}
# what is no address as it is written, under names of options that hold one
ODD_ADDRESSES = {
    "without a scheme": "u:%@db/nova",
    "with one slash": "mysql:/u:%@db/nova",
    "with an odd sign": "mysql://u;%@db/nova",
    "of Oracle": "oracle://u/%@db/nova",
    "over two lines": "mysql://u:\n  %@db/nova",
}
ODD = ("/", "@", "%", "#", "?", ":", "&", "$", "//", "@@", "/@/")
YAML_FORMS = {
    "plain": "{i}{n}: %\n",
    "in quotes": "{i}{n}: '%'\n",
    "in double quotes": '{i}{n}: "%"\n',
    "a quoted key": "{i}'{n}': %\n",
    "with blanks": "{i}{n}: % and %\n",
    "block": "{i}{n}: |\n{i}  %\n{i}    %\n\n{i}  %\n",
    "folded": "{i}{n}: >-\n{i}  %\n{i}  %\n",
    "over two lines": "{i}{n}: %\n{i}  %\n",
    "in quotes over two lines": '{i}{n}: "%\n{i}  %"\n',
    "list": "{i}{n}:\n{i}  - %\n{i}  - '%'\n",
    "list at its key": "{i}{n}:\n{i}- %\n{i}- %\n",
    "flow list": "{i}{n}: [%, '%']\n",
    "flow mapping": "{i}{n}: {{one: %, 'two': \"%\"}}\n",
    "mapping": "{i}{n}:\n{i}  one: %\n{i}  two: '%'\n",
    "deep mapping": "{i}{n}:\n{i}  one:\n{i}    - two: %\n",
    "anchor": "{i}{n}: &a{a} %\n",
    "tag": "{i}{n}: !!str %\n",
    "twice": "{i}{n}: %\n{i}{n}: %\n",
    "joined": "{i}{n}: {{list_join: ['', [%, {{get_param: X}}]]}}\n",
}
COMMANDS = (
    "/usr/bin/mysql -u root -p% x",
    "/usr/bin/mysql -u root -p'% %' x",
    '/usr/bin/mysqladmin -p"%" ping',
    "/usr/bin/mysqladmin --password '%' ping",
    "/usr/bin/mysqldump --password=% x",
    "/usr/bin/mariadb -p% x",
    "/usr/bin/redis-cli -a % ping",
    "/usr/bin/redis-cli -h db -a '%' ping",
    "/usr/bin/sshpass -p % ssh x",
    "/usr/bin/sshpass -p'%' ssh x",
    "/usr/bin/ipmitool -I lanplus -P % chassis",
    "/usr/sbin/rabbitmqctl add_user nova %",
    "/usr/sbin/rabbitmqctl change_password nova '%'",
    "/usr/sbin/rabbitmqctl -n x authenticate_user nova %",
    "/usr/bin/curl -s -u admin:% http://x",
    "/usr/bin/curl -uadmin:% http://x",
    "/usr/bin/curl --user 'admin:%' http://x",
    '/usr/bin/curl -H "Authorization: Bearer %aaaaaaaa" http://x',
    "/usr/bin/curl -H 'X-Auth-Token: %' http://x",
    "/usr/bin/curl http://admin:%@x/",
    "/usr/bin/openstack --os-password % token issue",
    "/usr/bin/nova-api --os-password=% --x",
    "/usr/bin/keystone-manage bootstrap --bootstrap-password % --x",
    "/usr/bin/ldapsearch -D x -w % y",
    "/usr/bin/podman login -u x -p % y",
    "/usr/bin/skopeo copy --src-creds x:% y",
    "/usr/bin/snmpget -v2c -c % x",
    "/sbin/fence_ipmilan -a x -l y -p % -o off",
    "/sbin/fence_ipmilan --password=% -o off",
    "/usr/sbin/pcs cluster auth c0 -u hacluster -p %",
    "/usr/bin/mongo -u x -p % y",
    "/usr/bin/etcdctl --user root:% get x",
    "/bin/sh -c 'PGPASSWORD=% psql x'",
    '/bin/sh -c "mysql -u root -p% x"',
    "/usr/bin/swift --os-auth-token % list",
    "/usr/bin/env OS_TOKEN=% nova-api",
    "/usr/bin/podman run -e OS_PASSWORD=% -e 'REDIS_AUTH=%' x",
    "/usr/bin/openssl rsa -passin pass:% x",
    "/usr/bin/ceph --key % status",
    "/usr/bin/wget --password % x",
    "/usr/bin/x --admin-token \\\n  %",
    "/usr/bin/redis-cli -h db AUTH %",
    "/usr/bin/clustercheck clustercheckuser % 0 /var/log/x",
    "/bin/sh -c 'echo % | mysql -u root -p' and many more words that make the line a longer one",
    "/bin/sh -c 'echo % %|passwd --stdin nova' and many more words that make the line a longer one",
    "/usr/bin/pt-heartbeat --check h=db,u=n,p=%,D=x",
    "/usr/bin/nc --proxy-auth nova:% db 3306",
    "/usr/bin/http --auth nova:% x",
    "/usr/bin/mycli -u x -p % y",
    "/usr/bin/ssh -o ProxyCommand='sshpass -p % x' y",
    "/usr/sbin/ipa-client-install -p x -w % y",
    "/usr/bin/erl -sname x -setcookie % -y",
    *(f"/usr/bin/{line}" for line in GIVEN),
)
ENVIRONMENT = (
    "OS_PASSWORD=%",
    '"OS_PASSWORD=% %"',
    "'OS_TOKEN=% %'",
    "RABBIT_COOKIE=% REDIS_AUTH=%",
    "MYSQL_PWD=%",
    "PGPASSWORD=%",
    "LDAP_BINDPW=%",
    "AWS_SECRET_ACCESS_KEY=%",
    "OS_DATABASE__CONNECTION=mysql://u:%@db/n",
    '"A=b" \\\n  "OS_SECRET=%"',
    "KEYSTONE_ADMIN_TOKEN=%",
    "API_KEY=%",
    "BASIC_AUTH=u:%",
    "JWT=%",
    "SECRET_ID=%",
    "OTP_SEED=%",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-setcookie %'",
)
PUPPET_FORMS = {
    "string": "  {n} => '%',\n",
    "double quotes": '  {n} => "%,%",\n',
    "sensitive": "  {n} => Sensitive('%'),\n",
    "sensitive of double quotes": '  {n} => Sensitive.new("%"),\n',
    "on the next line": "  {n} =>\n    '%',\n",
    "array": "  {n} => ['%', \"%\"],\n",
    "lookup": "  x => hiera('{n}', '%'),\n",
    "selector": "  {n} => $x ? {{ 'a' => '%', default => \"%\" }},\n",
    "selector over lines": "  {n} => $x ? {{\n    'a' => '%',\n    default => '%',\n  }},\n",
    "call over lines": "  {n} => join([\n    '%',\n    \"%\",\n  ], '-'),\n",
    "hash over lines": "  {n} => {{\n    'a' => '%',\n  }},\n",
    "heredoc": "  {n} => @(EOT),\n    %\n    | EOT\n",
    "interpolated": '  {n} => "${{x}}%",\n',
    "escaped quote": "  {n} => 'it\\'s %',\n",
    "second string": "  {n} => 'x' '%',\n",
    "typed lookup": '  x => lookup("nova::{n}", String, \'first\', "%"),\n',
}
PAIR_FORMS = {
    "name first": '<nvpair id="{i}" name="{n}" value="%"/>',
    "value first": "<nvpair value='%' id='{i}' name='{n}'/>",
    "blanks around the signs": '<nvpair id="{i}" name = "{n}" value = "%"/>',
    "over lines": '<nvpair\n  id="{i}"\n  name="{n}"\n  value="%"/>',
    "value first, over lines": '<nvpair\n  value="%"\n  id="{i}"\n  name="{n}"/>',
    "other quotes within": '<nvpair id="{i}" name=\'{n}\' value="%\'%"/>',
}
PEM = "-----BEGIN RSA PRIVATE KEY-----\n{i}MIIEow%IBAAKCAQEA{a}\n{i}%==\n{i}-----END RSA PRIVATE KEY-----\n"


def _of(names: frozenset[str], every: int) -> list[str]:
    return sorted(names)[::every]


def _options(plant: Planter, *, refused: bool = False) -> Iterator[str]:
    yield "[DEFAULT]\n"
    forms = [(label, text) for label, text in OPTION_FORMS.items() if refused == (label in REFUSED)]
    names = sorted(secret_names.OPTIONS | secret_names.OPTIONS_HERE)
    for number, name in enumerate(names[:: 11 if refused else 1]):
        label, text = forms[number % len(forms)]
        yield plant(f"option, {label}", text.replace("{n}", name))
    if refused:
        return
    for label, text in ADDRESS_FORMS.items():
        yield plant(f"address, {label}", f"transport_url = {text}\n") if "," in label else ""
        yield plant(f"address, {label}", f"x_url = {text}\n")
    for name, (label, text) in zip(sorted(secret_names.ADDRESSES - {"options"}), ODD_ADDRESSES.items()):
        yield plant(f"address, {label}", f"{name} = {text}\n")
    for odd in ODD:
        yield plant(f"address, password with {odd}", "backend_url = mysql://u:%@db/nova\n", odd=odd)
        yield plant(f"option, value with {odd}", "rabbit_password = %\n", odd=odd)
    yield plant("address, over lines", "notify_url = rabbit://u:%@a:5672,\n  u:%@b:5672/\n")
    yield "[database]\nmax_retries = 3\n" + plant(
        "address, judged", "connection = mysql://u:%/%@db/nova\nslave_connection = mysql://u:%@db/x?password=%\n"
    )
    yield plant("option, judged", "max_retries = password=%\n")


def _yaml(plant: Planter) -> Iterator[str]:
    yield "parameter_defaults:\n"
    forms = list(YAML_FORMS.items())
    for number, name in enumerate(sorted(secret_names.PARAMETERS)):
        label, text = forms[number % len(forms)]
        yield plant(f"parameter, {label}", text.format(n=name, i="  ", a=number))
        if number % 5 == 0:
            yield plant("parameter, twice", YAML_FORMS["twice"].format(n=name + "Password", i="  "))
    yield plant("parameter, key in PEM", "  SomeSSLKey: |\n    " + PEM.format(i="    ", a="a" * 40))
    yield plant("parameter, of a list of pairs", "  SomeEnv:\n  - name: OS_PASSWORD\n    value: %\n")
    yield "  ControllerExtraConfig:\n"
    for number, name in enumerate(_of(secret_names.OPTIONS, 5)):
        label, text = forms[number % len(forms)]
        yield plant(f"hieradata, {label}", text.format(n=f"nova::some::{name}", i="    ", a=f"h{number}"))
    yield plant("hieradata, Ceph", "    ceph::keyring::key: %\n    ceph::keyring::key: %\n")
    yield plant("hieradata, address", "    nova::database_connection: mysql://u:%@db/nova\n    nova::db::database_max_retries: 10\n")
    yield plant("hieradata, address with a slash", "    cinder::database_connection: 'mysql://u:%/%@db/nova'\n")
    yield plant("hieradata, hidden by a template", "  CustomThing: %\n  CustomThing: %\n")


TEMPLATE = """\
heat_template_version: pike
parameters:
  NovaPassword:
    type: string
    hidden: true
    default: %
    default: %
  CustomThing: {type: string, hidden: true, default: %}
  Twice:
    default: '%'
    hidden: 'True'
outputs:
  role_data:
    value:
      service_name: nova
      config_settings:
        nova::db::database_connection: {get_param: NovaPassword}
        nova::thing: {get_param: CustomThing}
        nova::keystone::authtoken::password: %
      docker_config:
        step_4:
          nova_api:
            image: x
            command: ['mysql', '-u', 'root', '-p%']
            environment:
              - OS_PASSWORD=%
              - 'REDIS_AUTH=%'
          nova_conductor:
            image: x
            command: /usr/bin/nova-conductor --db-password %
            environment:
              OS_PASSWORD: %
              RABBIT_COOKIE: '%'
"""


def _unit(plant: Planter) -> Iterator[str]:
    yield "[Unit]\nRequires=mariadb.service\n[Service]\n"
    for text in ENVIRONMENT:
        yield plant(f"environment, {text}", f"Environment={text}\n")
    for text in COMMANDS:
        yield plant(f"command, {text}", f"ExecStartPre={text}\n")
    yield plant("unit, credential", "SetCredential=x:%\nSetCredential=nova-password:%\n")
    yield plant("unit, judged", "ExecStart=/usr/bin/nova-api --db mysql://u:%@db/n --password='%'\nRestart=no password=%\n")


def _puppet(plant: Planter) -> Iterator[str]:
    yield "class { '::nova::db':\n  database_max_retries => 10,\n" + plant(
        "class, address", "  database_connection => 'mysql://u:%@db/nova',\n"
    )
    names = _of(secret_names.OPTIONS, 9)
    for number, (label, text) in enumerate(PUPPET_FORMS.items()):
        for name in (names[number], "password"):
            yield plant(f"class, {label}", text.replace("{n}", name))
    yield "}\n"
    yield plant("class, resource of an option", "nova_config { 'DEFAULT/admin_password': value => '%' }\n$nova::db::password = '%'\n")
    yield plant("class, resource of an option", "nova_config { 'DEFAULT/admin_token': ensure => present, value => \"%\" }\n")


def pairs(plant: Planter) -> str:
    """Return the `nvpair` elements with secrets: of every parameter of agents, in every form."""
    found = []
    for number, name in enumerate(sorted(secret_names.AGENTS)):
        label, text = list(PAIR_FORMS.items())[number % len(PAIR_FORMS)]
        found.append(plant(f"CIB, {label}", text.format(n=name, i=f"cnr{number}")))
    found.append(plant("CIB, options of a command", '<nvpair id="cnrx" name="options" value="--x --password %"/>'))
    found.append(plant("CIB, name by reference", '<nvpair id="cnry" name="&#112;asswd" value="%"/>'))
    found.append(plant("CIB, address", '<nvpair id="cnrw" name="additional_parameters" value="redis://:%@db"/>'))
    return "\n".join(found)


INSPECT = """\
[{"Name": "nova_api", "Config": {"Env": ["OS_PASSWORD=%,%", "DB=mysql://n:%@db/n", "TOKEN=%"], "Cmd": ["mysql", "-p%", "--password", "%"],
 "Labels": {"config_data": "{'environment': {'NOVA_PASSWORD': '%'}, 'image': 'x'}"}}, "HostConfig": {}, "password": "%"}]
"""


def planted() -> tuple[dict[str, str], str, dict[str, str]]:
    """Return the files of a tree by path, the `nvpair` elements for its CIB, and what each canary was planted as."""
    plant = Planter()
    files = {
        "etc/nova/nova.conf": "".join(_options(plant)),
        "etc/nova/refused.conf": "".join(_options(plant, refused=True)),
        "environments/all.yaml": "".join(_yaml(plant)),
        "templates/nova-api.yaml": plant("template", TEMPLATE),
        "usr/lib/systemd/system/openstack-nova-api.service": "".join(_unit(plant)),
        "manifests/nova.pp": "".join(_puppet(plant)),
        "sos_commands/podman/podman_inspect_nova_api": plant("container", INSPECT),
    }
    return files, pairs(plant), plant.planted


if __name__ == "__main__":
    print(f"{len(planted()[2])} secrets at {len(set(planted()[2].values()))} kinds of places")
