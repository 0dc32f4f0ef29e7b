"""What is a secret by the word of those who made it: names that projects declare to hold one, and arguments of programs that are given one.

The lists of names are what the projects' own source says, not a guess from the look of a name; that is `lwlint.core.secret`'s. To bring
them up to date, read the sources again as each list tells.

Programs are as their manuals have them: which option or word tells a secret, and how it is written. A `*` in a name stands for any
characters; what a path leads to is meant, `/usr/bin/mysql` as well as `mysql`.
"""

from __future__ import annotations

import functools
from typing import Union


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OPTIONS = _names(
    """
    access_key access_token admin_a_password admin_b_password admin_password admin_token aiq_password alt_password api_key
    apic_password application_credential_secret approle_secret_id as13000_nas_password auditor_a_password auditor_b_password
    auth_encryption_key aws_secret backup_aes_cbc_key backup_s3_sse_customer_key backup_s3_store_access_key
    backup_s3_store_secret_key backup_swift_key backup_tsm_password blockbridge_auth_password blockbridge_auth_token
    ca_private_key_passphrase ceph_secret cephfs_ganesha_server_password chap_password cinder_store_application_credential_secret
    cinder_store_password cisco_fc_fabric_password client_secret connection_password container_registry_password coprhd_password
    coprhd_scaleio_rest_server_password crd_password creator_a_2_password creator_a_password creator_b_password dell_nas_password
    dns_passkey eapi_password emc_nas_password eqlx_chap_password fc_fabric_password fixed_key flashblade_api
    glusterfs_ganesha_server_password glusterfs_server_password gpfs_ssh_password gpfs_user_password ha_vrrp_auth_password
    hdfs_ssh_pw hds_hnas_password hds_hnas_ssh_private_key heartbeat_key hitachi_auth_password hitachi_hnas_password
    hitachi_hnas_ssh_private_key hitachi_horcm_password hitachi_hsp_password hitachi_mirror_auth_password
    hitachi_mirror_rest_password host_password hp3par_password hp3par_san_password hpe3par_cifs_admin_access_password
    hpe3par_password hpe3par_san_password hpealletra_password hpelefthand_password hplefthand_password http_basic_password
    image_server_password infinibox_password influxdb_password infortrend_nas_password instorage_nas_password
    invalid_password_hash_secret_key jobboard_backend_password jobboard_redis_sentinel_password kek ldap_dns_password
    macrosan_nas_password macrosan_replication_password macrosan_sdas_password maprfs_ssh_pw memcache_password memcache_secret_key
    message_encryption_key metadata_encryption_key metadata_proxy_shared_secret metadata_shared_secret metro_san_password
    nas_password nec_ismcli_password netapp_password netapp_sa_password neutron_admin_password nexenta_password
    nexenta_rest_password nova_admin_password nova_proxy_admin_pass nss_password nsx_password nvsd_passwd oauth2_client_secret
    observer_a_password observer_b_password os_password os_privileged_user_password passcode password podm_password
    primary_l3_host_password qnap_nas_password qpid_password quobyte_api_password rabbit_password rbd_iscsi_api_password
    readonly_user_password readonly_user_priv_password redis_password remote_image_user_password s3_secret_access_key
    s3_store_access_key s3_store_secret_key san_password secondary_san_password secret_key server_certs_key_passphrase
    service_admin_password service_instance_password service_password spdk_rpc_password ssl_key_password stack_domain_admin_password
    swift_key swift_preauthtoken swift_store_application_credential_secret swift_store_key swift_temp_url_key synology_one_time_pass
    synology_password tegile_nas_password telemetry_secret tenant_admin_password tintri_server_password token
    trustee_domain_admin_password va_pwd vast_api_token vast_mgmt_password vmstore_password vmware_host_password
    vmware_server_password zadara_access_key zadara_password zaqar_password zfs_ssh_user_password zfssa_auth_password
    zfssa_initiator_password zfssa_target_password
    """
)
"""Options of oslo.config and of drivers that are registered with `secret=True`, in the newest state and in releases since newton of
aodh, barbican, castellan, ceilometer, cinder, congress, designate, glance, glance_store, gnocchi, heat, ironic, ironic-inspector,
keystone, keystoneauth, keystonemiddleware, magnum, manila, masakari, mistral, murano, networking-bigswitch, neutron, nova, octavia,
oslo.cache, oslo.db, oslo.messaging, panko, sahara, senlin, tacker, trove, vitrage, watcher, zaqar, zun."""

OPTIONS_HERE = _names(
    """
    admin_tenant_name admin_user approle_role_id code dns_username hitachi_group_request login netapp_ca_certificate_file
    netapp_certificate_file netapp_private_key_file nova_proxy_admin_tenant_id nova_proxy_admin_tenant_name nova_proxy_admin_user
    root_token_id s3_access_key_id server_auth serverauth swift_store_application_credential_id swift_store_config_file
    swift_store_user
    """
)
"""More of them, whose names mean other things elsewhere: a secret in option files only."""

ADDRESSES = _names(
    """
    alarm_connection asyncio_connection asyncio_slave_connection backend_argument backend_url backup_gcs_proxy_url connection
    coordination_url database_connection db_connection event_connection messaging_urls metering_connection options
    persistence_connection redis_url replication_device slave_connection sql_connection transport_url uri url
    """
)
"""More of them, of which only the user's password is a secret: what address a service connects to is what rules are about."""

PARAMETERS = _names(
    """
    AdminEmail AdminPassword AdminToken AodhPassword BarbicanDogtagStoreNSSPassword BarbicanDogtagStorePEMPath
    BarbicanKmipStorePassword BarbicanPassword BarbicanPkcs11CryptoLogin BarbicanSimpleCryptoKek CeilometerMeteringSecret
    CeilometerPassword CephAdminKey CephClientKey CephDashboardAdminPassword CephExternalMultiConfig CephExtraKeys
    CephGrafanaAdminPassword CephManilaClientKey CephMdsKey CephMonKey CephRgwKey CinderDellEMCUnitySanPassword
    CinderDellEMCVNXSanPassword CinderDellEMCXTREMIOIscsiSanPassword CinderDellPsSanPassword CinderDellScSanPassword
    CinderDellScSecondarySanPassword CinderEqlxSanPassword CinderHPELeftHandISCSIPassword CinderNetappPassword
    CinderNetappSaPassword CinderPassword CinderPowerFlexSanPassword CinderPowerStoreSanPassword CinderPowermaxSanPassword
    CinderScSanPassword CinderScSecondarySanPassword CinderScaleIOSanPassword CinderVxFlexOSSanPassword CinderXtremioSanPassword
    CollectdAmqpPassword CollectdGnocchiKeystonePassword CollectdPassword CongressPassword ContainerImageRegistryCredentials
    ContrailControlRNDCSecret DesignatePassword DesignateRndcKey Ec2ApiPassword EtcdInitialClusterToken FreeIPAOTP GlancePassword
    GnocchiPassword GnocchiStorageS3AccessSecret HAProxyStatsPassword HashSuffix HeatAuthEncryptionKey HeatPassword
    HeatStackDomainAdminPassword HorizonSecret IronicPassword KeystoneLDAPBackendConfigs KeystoneSSLCertificateKey
    KeystoneSigningKey LibvirtTLSPassword ManilaPassword MetricsQdrPassword MistralPassword MlnxSDNPassword MonitoringRabbitPassword
    MysqlClustercheckPassword MysqlRootPassword NetworkUCSMPassword NeutronFujitsuCfabPassword NeutronFujitsuFosswPassword
    NeutronMetadataProxySharedSecret NeutronPassword NodeRootPassword NotifyPassword NovaPassword NovajoinPassword
    OctaviaCaKeyPassphrase OctaviaHeartbeatKey OctaviaPassword OctaviaServerCertsKeyPassphrase OpenDaylightPassword
    OpenDaylightTLSKeystorePassword PLUMgridL2GatewayPassword PLUMgridPassword PacemakerRemoteAuthkey PankoPassword PcsdPassword
    PlacementPassword PowerSSHPrivateKey RabbitCookie RabbitPassword RedisPassword RhsmVars RpcPassword SSLCertificate SSLKey
    SaharaPassword SnmpdReadonlyUserPassword StandaloneHomeDir SwiftHashPrefix SwiftHashSuffix SwiftPassword TackerPassword
    UndercloudHomeDir UndercloudNameserver VTSPassword ZaqarPassword
    """
)
"""Parameters of tripleo-heat-templates with `hidden: true`, on every branch and last tag from liberty to master."""

AGENTS = _names(
    """
    access_key admin_password api_token apikey auth_passwd check_passwd community cookie db_passwd erlang_cookie hexadecimal_kg
    ilo_password incoming_password key key_value masterauth monitor_password monpassword passwd password replication_passwd
    requirepass secret secret_key snmp_priv_passwd test_pass test_passwd token
    """
)
"""Parameters of fence agents (ClusterLabs/fence-agents, `tests/data/metadata`, and cluster-glue's plugins) and of resource agents
(ClusterLabs/resource-agents, the metadata of each) that hold a password, a key or what is as good as one."""

SERVERS = _names(
    """
    basic_auth
    erlang_cookie hash_path_prefix hash_path_suffix ldap_bindpw masterauth mysql_pwd rabbit_cookie rabbitmq_erlang_cookie redis_auth
    rediscli_auth requirepass rocommunity rwcommunity secret_id snmp_community sst_auth stats_auth swift_hash_path_prefix
    swift_hash_path_suffix swift_hash_suffix wsrep_sst_auth
    """
)
"""Settings of what OpenStack runs on: RabbitMQ, Redis, MariaDB with Galera, HAProxy, Swift's hash (swift.conf(5)), Ceph's keys, SNMP,
Vault."""

# The words that names are made of, in small letters.

STRONG = _names(
    """
    credential credentials creds kek pass passcode passphrase passphrases passwd passwds password passwords psk pw pwd secret
    secrets token tokens
    """
)
"""They make a secret of a name that they end, and of one that goes on with any word but one of `ABOUT`."""

WEAK = _names(
    """
    authkey authkeys bearer cookie hmac jwt otp passkey sshkey
    """
)
"""They make a secret of a name that they end."""

KEYS = _names(
    """
    access account admin aes api auth aws azure bootstrap ca cbc ceph cert certificate cipher client cookie crypto customer db
    decrypt decryption deploy dsa ec2 ecdsa encrypt encryption extra fernet fixed gcs hash heartbeat hmac host ipsec join jwt kms license
    manila master mds mon mysql oauth password pem preauth preshared private psk publicprivate rabbit rabbitmq redis registration
    rgw rndc rsa s3 sa sas secret server session shared signature signing ssh ssl store swift symmetric tls tsig unseal validator vapid
    webhook wep wpa wrapping x509
    """
)
"""In front of `key`, they make a secret of a name that this ends."""

ABOUT = _names(
    """
    address age algo algorithm algorithms allow allowed attempts audience auth authentication authenticator backend bind cache
    caching change changed changes checksum class cmd command complexity count counts created cron days delay description
    destination digest dir directory disabled domain domains driver drivers duration enable enabled endpoint engine ensure ensured
    env environment error expiration expire expired expires expiry file filename files fingerprint flush folder format group hashing
    header headers hint history host hosts hour httponly id ident identifier ids ignore index insecure interval issuer iterations
    label len length level lifetime list location log logging login manager mapping max maxdelay maximum message method methods min
    minimum minute mode model module month monthday name names owner path paths pattern permissions perms plugin plugins policies
    policy port processes project projects prompt provider providers query quote quoting ref reference refs regex regexp region
    repository require required reset retries revocation revoke role roles rotation rounds rule rules samesite samesitelax schema
    scheme script scripts second seconds section secure service services size source state status store stores strength support supported
    supports tenant time timeout title ttl type types unique updated uri url urls usage user username users uuid uuids version
    versions weekday workers
    """
)
"""At the end of a name, they make of it something about the secret, or where it is, and not the secret."""

NONE = _names(
    """
    authtoken byepass bypass compass encompass multipass overpass surpass trespass underpass
    """
)
"""They end as words of secrets do, and are none."""

REFERENCES = _names(
    """
    importcredential loadcredential loadcredentialencrypted
    """
)
"""Settings of systemd whose last word is that of a secret, and which have the names and paths of secrets alone."""


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
    "crm_attribute": {ITSELF: NAMED},
    "crm_resource": {ITSELF: NAMED},
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
VALUES = ("-v", "--value", "-V", "--attr-value", "--parameter-value", "--update")  # stands between the name of a secret and the secret


_LONGEST = 40  # characters of the name of a program


@functools.lru_cache(maxsize=1)
def _by_letter() -> dict[str, list[tuple[str, str, str, dict[str, How]]]]:
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
    for head, star, tail, how in _by_letter().get(name[:1], ()):
        if (name.startswith(head) and name.endswith(tail)) if star else name == head:
            found.update(how)
    return found


def telling() -> tuple[str, ...]:
    """Return words of which one is in each line that has one of the programs in it; a short name with the blank behind it."""
    names = (name.partition("*")[0] for name in COMMANDS)
    return tuple(dict.fromkeys(name if len(name) > 4 or name.endswith(("-", "_")) else f"{name} " for name in names))
