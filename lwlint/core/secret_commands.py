"""Programs that are given a secret as an argument, as their manuals have it: which option or word tells it, and how it is written.

A `*` in a name stands for any characters; what a path leads to is meant, `/usr/bin/mysql` as well as `mysql`.
"""

from __future__ import annotations

import functools
from typing import Union

NEXT = "next"  # the word behind, or what is attached: `-p X`, `-pX`, `--key=X`
OWN = "own"  # only what is attached: `-pX`
PAIR = "pair"  # the word behind, or what is attached, from its first colon or per cent on: `-u NAME:X`
COMMA = "comma"  # the same from its first comma or slash on: `lftp -u NAME,X`
ALL = "all"  # each word behind, to the end of the command
WORD = "word"  # the word behind, if it is no option
LAST = "last"  # the last word of the command
NAMED = "named"  # each word that is the name of a secret makes the next one a secret: `crudini --set FILE DEFAULT password X`
# a number: so many words behind

How = Union[str, int]
ITSELF = ""  # in the place of an option: of the words behind the program
CLUSTER = "-b*"  # flags with a `b` among them: `htpasswd -nb NAME X`

COMMANDS: dict[str, dict[str, How]] = {
    # databases and what looks at them
    "mysql*": {"-p": OWN, "password": 1},  # nosec B105
    "mariadb*": {"-p": OWN, "password": 1},  # nosec B105
    "mariabackup*": {"-p": OWN},
    "xtrabackup*": {"-p": OWN},
    "mydumper": {"-p": NEXT},
    "myloader": {"-p": NEXT},
    "mycli*": {"-p": NEXT},
    "clustercheck*": {ITSELF: 2},
    "check_mysql*": {"-p": NEXT},
    "check_pgsql": {"-p": NEXT},
    "redis-cli*": {"-a": NEXT, "AUTH": ALL, "auth": ALL},
    "redis-benchmark": {"-a": NEXT},
    "mongo*": {"-p": NEXT},
    "cqlsh*": {"-p": NEXT},
    "nodetool": {"-pw": NEXT},
    "influx*": {"-password": NEXT},
    "sqlcmd": {"-P": NEXT},
    "bcp": {"-P": NEXT},
    "tsql": {"-P": NEXT},
    "sqlplus*": {ITSELF: COMMA},
    "db2": {"using": NEXT, "USING": NEXT},
    "vsql": {"-w": NEXT},
    "etcdctl*": {"--user": PAIR, "-u": PAIR, "add": PAIR, ITSELF: NAMED},
    "consul": {ITSELF: NAMED},
    # the broker
    "rabbitmq*": {"add_user": 2, "change_password": 2, "authenticate_user": 2, "set_cookie": 1},  # nosec B105
    "rabbitmqadmin*": {"-p": NEXT},
    "mosquitto_pub": {"-P": NEXT},
    "mosquitto_sub": {"-P": NEXT},
    "mosquitto_passwd": {CLUSTER: LAST},
    # power, fences and networks
    "ipmitool*": {"-P": NEXT, "-k": NEXT, "-y": NEXT, "password": 2},  # nosec B105
    "ipmi-*": {"-p": NEXT, "-k": NEXT},
    "ipmipower": {"-p": NEXT, "-k": NEXT},
    "ipmiconsole": {"-p": NEXT, "-k": NEXT},
    "racadm*": {"-p": NEXT},
    "ilorest": {"-p": NEXT},
    "redfishtool*": {"-p": NEXT},
    "fence_*": {"-p": NEXT, "-c": NEXT, "-P": NEXT},
    "snmp*": {"-c": NEXT, "-A": NEXT, "-X": NEXT},
    "check_snmp": {"-C": NEXT, "-A": NEXT, "-X": NEXT},
    "nmcli": {ITSELF: NAMED},
    "wpa_passphrase": {ITSELF: 2},
    "radtest": {ITSELF: 2},
    "iscsiadm": {ITSELF: NAMED},
    # directories and domains
    "ldap*": {"-w": NEXT, "-s": NEXT, "-a": NEXT},
    "slappasswd": {"-s": NEXT},
    "check_ldap": {"-P": NEXT},
    "ds-*": {"-w": NEXT},
    "dsconf": {"-w": NEXT},
    "dsidm": {"-w": NEXT},
    "kinit": {"-w": NEXT},
    "ipa": {"-p": NEXT},
    "ipa-client*": {"-w": NEXT},
    "ipa-server-install": {"-p": NEXT, "-a": NEXT},
    "ipa-replica-*": {"-p": NEXT, "-w": NEXT},
    "ipa-getkeytab": {"-w": NEXT},
    "ipa-join": {"-w": NEXT},
    "ipa-*-install": {"-w": NEXT},
    "ipa-adtrust-install": {"-a": NEXT},
    "smbclient*": {"-U": PAIR},
    "rpcclient": {"-U": PAIR},
    "wbinfo": {"-a": PAIR},
    "winexe": {"-U": PAIR},
    "net": {"-U": PAIR},
    "pki": {"-c": NEXT, "-w": NEXT},
    # remote shells and screens
    "sshpass*": {"-p": NEXT},
    "plink": {"-pw": NEXT},
    "pscp": {"-pw": NEXT},
    "ssh-keygen": {"-N": NEXT, "-P": NEXT},
    "xfreerdp*": {"/p:": NEXT, "/password:": NEXT, "/gp:": NEXT},
    "wlfreerdp*": {"/p:": NEXT, "/password:": NEXT, "/gp:": NEXT},
    "rdesktop": {"-p": NEXT},
    "erl*": {"-setcookie": NEXT},
    # the web
    "curl*": {"-u": PAIR, "--user": PAIR, "-U": PAIR, "--proxy-user": PAIR},
    "http": {"-a": PAIR, "--auth": PAIR},
    "https": {"-a": PAIR, "--auth": PAIR},
    "xh": {"-a": PAIR, "--auth": PAIR},
    "check_http": {"-a": PAIR, "-b": PAIR},
    "htpasswd": {CLUSTER: LAST},
    "lftp": {"-u": COMMA},
    "swaks": {"-ap": NEXT},
    "doveadm": {"-p": NEXT},
    "testsaslauthd": {"-p": NEXT},
    # clouds, containers and what installs them
    "swift*": {"-K": NEXT},
    "openstack": {"--payload": NEXT},
    "barbican": {"--payload": NEXT, "-p": NEXT},
    "skopeo*": {"--creds": PAIR, "--src-creds": PAIR, "--dest-creds": PAIR},
    "podman*": {"--creds": PAIR},
    "buildah*": {"--creds": PAIR},
    "login*": {"-p": NEXT},  # of docker, podman, skopeo, helm, oc, az
    "auth*": {"-p": NEXT},  # `pcs host auth`, `pcs cluster auth`
    "ceph*": {"--key": NEXT, "--add-key": NEXT},
    "rados": {"--key": NEXT},
    "rbd": {"--key": NEXT},
    "vault": {"login": WORD, "unseal": WORD},
    "aws": {ITSELF: NAMED},
    "virsh": {"set-user-password": 3, "secret-set-value": 2, "--base64": NEXT},
    "ansible-vault": {"encrypt_string": WORD},
    "crudini": {ITSELF: NAMED},
    "openstack-config": {ITSELF: NAMED},
    "zabbix*": {"--psk": NEXT},
    "hammer": {"-p": NEXT},
    "knife": {"-P": NEXT},
    # keys, archives and accounts
    "openssl*": {"-passin": NEXT, "-passout": NEXT, "-k": NEXT, "-K": NEXT, "passwd": LAST},
    "pk12util": {"-W": NEXT, "-K": NEXT},
    "certtool": {"--password": NEXT},
    "useradd": {"-p": NEXT},
    "usermod": {"-p": NEXT},
    "groupmod": {"-p": NEXT},
    "7z": {"-p": OWN},
    "7za": {"-p": OWN},
    "7zr": {"-p": OWN},
    "rar": {"-p": OWN, "-hp": OWN},
    "unrar": {"-p": OWN},
    "zip": {"-P": NEXT},
    "unzip": {"-P": NEXT},
    "rclone": {"obscure": WORD},
}
VALUES = ("-v", "--value", "-V", "--attr-value")  # stands between the name of a secret and the secret


_LONGEST = 40  # characters of the name of a program


@functools.lru_cache(maxsize=1)
def _names() -> dict[str, list[tuple[str, str, str, dict[str, How]]]]:
    """Return by their first letter the names in front of and behind a star, those that tell more behind those that tell less."""
    found: dict[str, list[tuple[str, str, str, dict[str, How]]]] = {}
    told = [(*name.partition("*"), how) for name, how in COMMANDS.items()]
    for each in sorted(told, key=lambda each: (not each[1], each[2] != "", len(each[0]))):
        found.setdefault(each[0][0], []).append(each)
    return found


@functools.lru_cache(maxsize=4096)
def of_program(name: str) -> dict[str, How]:
    """Return what tells secrets among the arguments of a program, by its name in small letters; empty for one that is given none."""
    found: dict[str, How] = {}
    if len(name) > _LONGEST:
        return found
    for head, star, tail, how in _names().get(name[:1], ()):
        if (name.startswith(head) and name.endswith(tail)) if star else name == head:
            found.update(how)
    return found


def telling() -> tuple[str, ...]:
    """Return words of which one is in each line that has one of the programs in it; a short name with the blank behind it."""
    names = (name.partition("*")[0] for name in COMMANDS)
    return tuple(dict.fromkeys(name if len(name) > 4 or name.endswith(("-", "_")) else f"{name} " for name in names))
