"""Facts about where the resources of a cluster run, by what its status showed at one time."""

from __future__ import annotations

from typing import ClassVar

from lwlint.facts.service import Service
from lwlint.record import dataclass
from lwlint.source import Span, Text


@dataclass(frozen=True)
class ClusterStatus:
    """One status of a whole cluster. `name` is what showed it (`pcs status`, `crm_mon`, `CIB`); `span` its beginning."""

    kind: ClassVar[str] = "cluster_status"
    name: str
    span: Span
    host: str = ""


@dataclass(frozen=True)
class ResourceStatus:
    """Where instances of one resource are. `name` is the resource's id without the number of the instance; of a bundle's, the bundle's.

    `top` is the outermost resource around it, or itself. `role` is Started, Promoted, Unpromoted, Stopped or what the cluster is doing
    (Starting, ...); `nodes` are those where it is, none where it is stopped. `failed` tells that the cluster shows it as failed there.
    """

    kind: ClassVar[str] = "resource_status"
    name: str
    span: Span
    top: str
    role: str
    nodes: tuple[Text, ...] = ()
    agent: str | None = None
    failed: bool = False
    host: str = ""
    service: Service | None = None

    @property
    def runs(self) -> bool:
        """Whether it runs where it is, as far as the cluster knows."""
        return self.role in ("Started", "Promoted", "Unpromoted") and not self.failed

    @property
    def settled(self) -> bool:
        """Whether the cluster is not about to change it."""
        return self.role in ("Started", "Promoted", "Unpromoted", "Stopped")
