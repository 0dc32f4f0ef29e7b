"""The facts of one CIB together, for the checks that look at a cluster as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.facts import Facts
from lwlint.facts.pacemaker import BUNDLE, GROUP, PRIMITIVE, Cluster, ClusterProperty, Constraint, Node, Resource, Tag
from lwlint.facts.service import Service
from lwlint.record import dataclass, field

# Any two of these make a controller: each alone is found in other clusters too.
_TELLING = ("rabbitmq", "galera", "haproxy")
_TRIPLEO = "tripleo_cluster"


@dataclass
class Cib:
    """One CIB: its cluster, and its resources by id."""

    cluster: Cluster
    resources: dict[str, Resource] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    properties: dict[str, ClusterProperty] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)

    def leaves(self) -> Iterator[Resource]:
        """Yield what runs something: primitives, and bundles that hold none."""
        for resource in self.resources.values():
            if resource.form == PRIMITIVE or (resource.form == BUNDLE and not resource.children):
                yield resource

    def top(self, resource: Resource) -> Resource:
        """Return the outermost resource around `resource`, or itself."""
        return self.resources[resource.top]

    def service(self, leaf: Resource) -> Service | None:
        """Return the service of a primitive, or else of the bundle or clone around it."""
        return leaf.service or self.top(leaf).service

    def running(self, service: str) -> list[Resource]:
        """Return the leaves that run the service with this name of the catalogue."""
        return [leaf for leaf in self.leaves() if (found := self.service(leaf)) is not None and found.name == service]

    def inside(self, name: str) -> list[Resource]:
        """Return the leaves in the resource with the id `name`: itself if it is one."""
        resource = self.resources[name]
        if resource.form == PRIMITIVE or not resource.children:
            return [resource] if resource.form != GROUP else []
        return [leaf for child in resource.children for leaf in self.inside(child)]

    @property
    def openstack(self) -> bool:
        """Whether this is the cluster of OpenStack controllers, and not one for something else."""
        services = {service.name: service for leaf in self.leaves() if (service := self.service(leaf)) is not None}
        if self.cluster.name == _TRIPLEO or any(service.openstack for service in services.values()):
            return True
        return sum(name in services for name in _TELLING) > 1

    @property
    def only_controllers(self) -> bool:
        """Whether this is a cluster of controllers, or runs nothing that a controller would not."""
        return self.openstack or all(self.service(leaf) is not None for leaf in self.leaves())


def cibs(facts: Facts) -> list[Cib]:
    """Return every CIB among the facts."""
    found = {cluster.span.path: Cib(cluster) for cluster in facts.of(Cluster)}
    for resource in facts.of(Resource):
        found[resource.span.path].resources.setdefault(resource.name, resource)
    for constraint in facts.of(Constraint):
        found[constraint.span.path].constraints.append(constraint)
    for prop in facts.of(ClusterProperty):
        found[prop.span.path].properties[prop.name] = prop
    for node in facts.of(Node):
        found[node.span.path].nodes.append(node)
    for tag in facts.of(Tag):
        found[tag.span.path].tags.append(tag)
    return list(found.values())
