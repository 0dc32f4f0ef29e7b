"""The public face for packages that bring checks or kinds of input: what is here stays; all else may move.

A check is named in the entry-point group `lwlint.checks`, a `Kind` in the group `lwlint.inputs`.
"""

from lwlint.checks.parameters import (
    ClauseName,
    CommandLine,
    FactPath,
    OptionName,
    Project,
    Regex,
    ReleaseName,
    ServiceKind,
    ServiceName,
    UnitSetting,
)
from lwlint.core.check import Check, NoParams, Reads, Unknown, needs
from lwlint.core.config_reader import Document
from lwlint.core.facts import (
    ACTIVE_ACTIVE,
    ACTIVE_PASSIVE,
    CORE,
    INFRASTRUCTURE,
    RELEASES,
    Database,
    Fact,
    Facts,
    NotCollected,
    NotEvaluated,
    Release,
    Service,
    Unreadable,
)
from lwlint.core.finding import AddKey, AddOption, Command, ConfigurationError, DropIn, DropLines, Fix, Problem, Related, Replace, SetOption
from lwlint.core.kind import Comments, Kind, Material, decode_loosely, decode_utf8
from lwlint.core.source import Link, Source, Span, Text
from lwlint.inputs.containers.facts import HostContainer
from lwlint.inputs.heat.facts import (
    Container,
    DanglingReference,
    DuplicateKey,
    Environment,
    HieraKey,
    Role,
    RoleData,
    ServiceMapping,
    SoftwareConfig,
    Template,
)
from lwlint.inputs.oslo.facts import Option, OptionFiles, OptionSet
from lwlint.inputs.pacemaker.facts import (
    Attribute,
    AttributeSet,
    Cluster,
    ClusterProperty,
    ClusterStatus,
    Constraint,
    FencingLevel,
    Node,
    Operation,
    Resource,
    ResourceDefault,
    ResourceStatus,
    Tag,
)
from lwlint.inputs.pacemaker.model import Cib
from lwlint.inputs.puppet.facts import Manifest, ManifestClass, ManifestConstraint, ManifestDatabase, ManifestOption, ManifestResource
from lwlint.inputs.systemd.facts import DropInWithoutUnit, IgnoredLine, ShownUnit, Unit

__all__ = [  # noqa: RUF022  # by subject
    # checks
    "Check", "NoParams", "Reads", "Unknown", "needs", "Problem", "Related", "Command", "ConfigurationError",
    "Fix", "AddKey", "AddOption", "DropIn", "DropLines", "Replace", "SetOption",
    # parameters of checks, and their types
    "Document", "ClauseName", "CommandLine", "FactPath", "OptionName", "Project", "Regex", "ReleaseName", "ServiceKind", "ServiceName",
    "UnitSetting",
    # facts
    "Fact", "Facts", "Database", "Release", "Service", "RELEASES", "CORE", "ACTIVE_PASSIVE", "ACTIVE_ACTIVE", "INFRASTRUCTURE",
    "NotCollected", "NotEvaluated", "Unreadable",
    "HostContainer",
    "Container", "DanglingReference", "DuplicateKey", "Environment", "HieraKey", "Role", "RoleData", "ServiceMapping", "SoftwareConfig",
    "Template",
    "Option", "OptionFiles", "OptionSet",
    "Attribute", "AttributeSet",
    "Cib", "Cluster", "ClusterProperty", "ClusterStatus", "Constraint", "FencingLevel", "Node", "Operation", "Resource",
    "ResourceDefault", "ResourceStatus", "Tag",
    "Manifest", "ManifestClass", "ManifestConstraint", "ManifestDatabase", "ManifestOption", "ManifestResource",
    "DropInWithoutUnit", "IgnoredLine", "ShownUnit", "Unit",
    # kinds of input
    "Comments", "Kind", "Material", "decode_loosely", "decode_utf8", "Link", "Source", "Span", "Text",
]  # fmt: skip
