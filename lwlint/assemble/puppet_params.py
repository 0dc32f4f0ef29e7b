"""The unit names that Puppet modules keep in `MODULE::params`, which manifests of TripleO refer to.

Source: `manifests/params.pp` of the modules of OpenStack (mitaka to queens, RedHat), and of puppetlabs' apache, memcached, mongodb, mysql,
rabbitmq and redis.
"""

from __future__ import annotations

import re
from types import MappingProxyType

_OPENSTACK = frozenset({
    "aodh", "barbican", "ceilometer", "cinder", "congress", "designate", "ec2api", "glance", "gnocchi", "heat", "ironic", "keystone",
    "magnum", "manila", "mistral", "murano", "nova", "octavia", "panko", "sahara", "swift", "tacker", "trove", "zaqar",
})  # fmt: skip
_ODD = MappingProxyType({
    "apache::params::service_name": "httpd",
    "apache::params::apache_name": "httpd",
    "ceilometer::params::agent_central_service_name": "openstack-ceilometer-central",
    "ceilometer::params::agent_compute_service_name": "openstack-ceilometer-compute",
    "ceilometer::params::agent_notification_service_name": "openstack-ceilometer-notification",
    "ceilometer::params::agent_polling_service_name": "openstack-ceilometer-polling",
    "haproxy::params::service_name": "haproxy",
    "horizon::params::http_service": "httpd",
    "memcached::params::service_name": "memcached",
    "mongodb::params::service_name": "mongod",
    "mysql::params::server_service_name": "mariadb",
    "neutron::params::ovs_agent_service": "neutron-openvswitch-agent",
    "neutron::params::ovs_cleanup_service": "neutron-ovs-cleanup",
    "nova::params::vncproxy_service_name": "openstack-nova-novncproxy",
    "nova::params::spicehtml5proxy_service_name": "openstack-nova-spicehtml5proxy",
    "rabbitmq::params::service_name": "rabbitmq-server",
    "redis::params::service_name": "redis",
    "swift::params::proxy_service_name": "openstack-swift-proxy",
})  # fmt: skip
_REGULAR = re.compile(r"(?P<module>\w+)::params::(?:(?P<part>\w+?)_)?service(?:_name)?")


def unit_name(variable: str) -> str | None:
    """Return the unit that the variable `MODULE::params::...` of a module names; None for any other variable."""
    if variable in _ODD:
        return _ODD[variable]
    match = _REGULAR.fullmatch(variable)
    if match is None:
        return None
    module, part = match["module"], (match["part"] or "").replace("_", "-")
    if module == "neutron":
        return f"neutron-{part}" if part else None
    if module not in _OPENSTACK:
        return None
    return f"openstack-{module}-{part}" if part else f"openstack-{module}"
