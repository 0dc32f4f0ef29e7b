"""A unit file and its drop-ins -> the settings in force, with what each one beats, and the lines that do nothing.

The text is read by systemd's own grammar, that of systemd 252 (systemd.syntax(7), and what `systemd --test` does with the rest); it has
not changed since 219 but for `.include`, which went in 246. Sources of the rest: systemd.unit(5), systemd.service(5); systemd 252 in test
mode and booted.

What older ones do not do yet is told by the NEWS of each (`SINCE`).

The settings that systemd knows, by section, and the types of their values: `systemd --dump-configuration-items` of systemd 252, that
of 262, and the NEWS of those between. A key that a release does not know yet is ignored by it, with a warning in the journal.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from msgspec import Struct, field

from lwlint.core.kind import Piece
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.systemd.facts import BAD_SETTING, ERROR, Setting, Version

_CONDITIONS = """
    ACPower Architecture CPUFeature CPUPressure CPUs Capability ControlGroupController Credential DirectoryNotEmpty Environment
    FileIsExecutable FileNotEmpty Firmware FirstBoot Group Host IOPressure KernelCommandLine KernelVersion Memory MemoryPressure
    NeedsUpdate OSRelease PathExists PathExistsGlob PathIsDirectory PathIsEncrypted PathIsMountPoint PathIsReadWrite
    PathIsSymbolicLink Security User Virtualization
    Version Fraction KernelModuleLoaded MachineTag PathIsSocket
"""

_UNIT = """
    After AllowIsolate Before BindTo BindsTo CollectMode Conflicts DefaultDependencies Description Documentation FailureAction
    FailureActionExitStatus IgnoreOnIsolate IgnoreOnSnapshot JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument
    JobTimeoutSec JoinsNamespaceOf OnFailure OnFailureIsolate OnFailureJobMode OnSuccess OnSuccessJobMode PartOf
    PropagateReloadFrom PropagateReloadTo PropagatesReloadTo PropagatesStopTo RebootArgument RefuseManualStart RefuseManualStop
    ReloadPropagatedFrom Requires RequiresMountsFor RequiresOverridable Requisite RequisiteOverridable SourcePath StartLimitAction
    StartLimitBurst StartLimitInterval StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded SuccessAction
    SuccessActionExitStatus Upholds Wants SurviveFinalKillSignal WantsMountsFor
"""

_SERVICE = """
    AllowedCPUs AllowedMemoryNodes AmbientCapabilities AppArmorProfile BPFProgram BindPaths BindReadOnlyPaths BlockIOAccounting
    BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight BlockIOWriteBandwidth BusName CPUAccounting CPUAffinity CPUQuota
    CPUQuotaPeriodSec CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUShares CPUWeight CacheDirectory
    CacheDirectoryMode CapabilityBoundingSet ConfigurationDirectory ConfigurationDirectoryMode CoredumpFilter DefaultMemoryLow
    DefaultMemoryMin Delegate DeviceAllow DevicePolicy DisableControllers DynamicUser Environment EnvironmentFile ExecCondition
    ExecPaths ExecReload ExecSearchPath ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost ExitType ExtensionDirectories
    ExtensionImages FailureAction FileDescriptorStoreMax FinalKillSignal Group GuessMainPID IOAccounting IODeviceLatencyTargetSec
    IODeviceWeight IOReadBandwidthMax IOReadIOPSMax IOSchedulingClass IOSchedulingPriority IOWeight IOWriteBandwidthMax
    IOWriteIOPSMax IPAccounting IPAddressAllow IPAddressDeny IPCNamespacePath IPEgressFilterPath IPIngressFilterPath IgnoreSIGPIPE
    InaccessibleDirectories InaccessiblePaths KeyringMode KillMode KillSignal LimitAS LimitCORE LimitCPU LimitDATA LimitFSIZE
    LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING
    LimitSTACK LoadCredential LoadCredentialEncrypted LockPersonality LogExtraFields LogLevelMax LogNamespace LogRateLimitBurst
    LogRateLimitIntervalSec LogsDirectory LogsDirectoryMode ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit
    ManagedOOMPreference ManagedOOMSwap MemoryAccounting MemoryDenyWriteExecute MemoryHigh MemoryLimit MemoryLow MemoryMax
    MemoryMin MemorySwapMax MountAPIVFS MountFlags MountImages NUMAMask NUMAPolicy NetworkNamespacePath Nice NoExecPaths
    NoNewPrivileges NonBlocking NotifyAccess OOMPolicy OOMScoreAdjust PAMName PIDFile PassEnvironment PermissionsStartOnly
    Personality PrivateDevices PrivateIPC PrivateMounts PrivateNetwork PrivateTmp PrivateUsers ProcSubset ProtectClock ProtectHome
    ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyDirectories
    ReadOnlyPaths ReadWriteDirectories ReadWritePaths RebootArgument ReloadSignal RemainAfterExit RemoveIPC Restart
    RestartForceExitStatus RestartKillSignal RestartMode RestartPreventExitStatus RestartSec RestrictAddressFamilies
    RestrictFileSystems RestrictNamespaces RestrictNetworkInterfaces RestrictRealtime RestrictSUIDSGID RootDirectory
    RootDirectoryStartOnly RootHash RootHashSignature RootImage RootImageOptions RootVerity RuntimeDirectory RuntimeDirectoryMode
    RuntimeDirectoryPreserve RuntimeMaxSec RuntimeRandomizedExtraSec SELinuxContext SecureBits SendSIGHUP SendSIGKILL
    SetCredential SetCredentialEncrypted Slice SmackProcessLabel SocketBindAllow SocketBindDeny Sockets StandardError
    StandardInput StandardInputData StandardInputText StandardOutput StartLimitAction StartLimitBurst StartLimitInterval
    StartupAllowedCPUs StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight StartupIOWeight
    StateDirectory StateDirectoryMode SuccessExitStatus SupplementaryGroups SyslogFacility SyslogIdentifier SyslogLevel
    SyslogLevelPrefix SystemCallArchitectures SystemCallErrorNumber SystemCallFilter SystemCallLog TTYColumns TTYPath TTYReset
    TTYRows TTYVHangup TTYVTDisallocate TasksAccounting TasksMax TemporaryFileSystem TimeoutAbortSec TimeoutCleanSec TimeoutSec
    TimeoutStartFailureMode TimeoutStartSec TimeoutStopFailureMode TimeoutStopSec TimerSlackNSec Type UMask USBFunctionDescriptors
    USBFunctionStrings UnsetEnvironment User UtmpIdentifier UtmpMode WatchdogSec WatchdogSignal WorkingDirectory
"""

_ADDED_SINCE_252 = """
    BPFDelegateAttachments BPFDelegateCommands BPFDelegateMaps BPFDelegatePrograms BindLogSockets BusPolicy Capabilities
    CoredumpReceive DebugInvocation DefaultStartupMemoryLow DelegateNamespaces DelegateSubgroup ExecReloadPost
    ExtensionImagePolicy FileDescriptorStorePreserve ImportCredential ManagedOOMMemoryPressureDurationSec MemoryKSM
    MemoryPressureThresholdSec MemoryPressureWatch MemoryZSwapMax MemoryZSwapWriteback MountImagePolicy NFTSet OpenFile
    PassFileDescriptorsToExec PrivateBPF PrivatePIDs ProtectControlGroups RefreshOnReload RestartMaxDelaySec RestartSteps
    RootEphemeral RootImagePolicy SetLoginEnvironment StartupMemoryHigh StartupMemoryLow StartupMemoryMax StartupMemorySwapMax
    StartupMemoryZSwapMax SysVStartPriority UserNamespacePath
    BindNetworkInterface CPUPressureThresholdSec CPUPressureWatch CPUSetPartition CacheDirectoryAccounting CacheDirectoryQuota
    IOPressureThresholdSec IOPressureWatch LUOSession LogFilterPatterns LogsDirectoryAccounting LogsDirectoryQuota MemoryTHP OOMRules
    RestartRandomizedDelaySec RootMStack StateDirectoryAccounting StateDirectoryQuota
"""

INSTALL_KEYS = frozenset(("Alias", "WantedBy", "RequiredBy", "UpheldBy", "Also", "DefaultInstance"))
CONDITIONS = frozenset(f"{kind}{name}" for kind in ("Condition", "Assert") for name in _CONDITIONS.split())
UNIT_KEYS = CONDITIONS | frozenset(_UNIT.split())
SERVICE_KEYS = frozenset((*_SERVICE.split(), *_ADDED_SINCE_252.split()))

# old name -> the one under which a setting is in force today
RENAMED = {
    "Unit.StartLimitInterval": "Unit.StartLimitIntervalSec",
    "Service.StartLimitInterval": "Unit.StartLimitIntervalSec",
    "Service.StartLimitBurst": "Unit.StartLimitBurst",
    "Service.StartLimitAction": "Unit.StartLimitAction",
    "Service.FailureAction": "Unit.FailureAction",
    "Service.RebootArgument": "Unit.RebootArgument",
    "Unit.BindTo": "Unit.BindsTo",
    "Unit.RequiresOverridable": "Unit.Requires",
    "Unit.RequisiteOverridable": "Unit.Requisite",
}

# the versions from which on systemd knows a setting that a rule asks for, as it is written, and a word of one; and does other things
SINCE = {
    **dict.fromkeys(("Unit.StartLimitInterval", "Unit.StartLimitBurst", "Unit.StartLimitAction", "Service.RuntimeMaxSec"), 229),
    "Unit.StartLimitIntervalSec": 230,
    **dict.fromkeys(("Unit.SuccessAction", "Unit.FailureAction"), 236),
    **dict.fromkeys(("Service.ExecCondition", "Service.TimeoutAbortSec"), 243),
    **dict.fromkeys(("Service.TimeoutStartFailureMode", "Service.TimeoutStopFailureMode"), 246),
    **dict.fromkeys(("Unit.Upholds", "Unit.OnSuccess", "Unit.StopPropagatedFrom", "Unit.PropagatesStopTo"), 249),
    "Service.ExitType": 250,
    "Service.RestartMode": 254,  # `RestartSteps=` and `RestartMaxDelaySec=` are kept, for LW203 tells of them
}
_WORDS_SINCE = {("Service.Type", "exec"): 240, ("Service.Type", "notify-reload"): 253}
_MARKS_SINCE = {"+": 231, "!": 235, ":": 242}  # in front of a command line
_STATUS_NAMES = 243  # in lists of exit statuses, which had numbers and signals before
WRONG_COMMANDS_REFUSED = 234
PREFIXES_SHORTENED = PLAIN_PROGRAMS = 239
DROP_INS_INSTALL = 236
ONESHOT_RESTARTED = TYPES_HAVE_DROP_INS = 244
ONESHOT, TYPES_DROP_INS, EXEC, NOTIFY_RELOAD = "oneshot", "drop-ins of types", "Service.Type=exec", "Service.Type=notify-reload"
INCLUDE_GONE = 246
UPHOLDS_KNOWN = 249
UPHOLDS_READ = STEPS_READ = 254

_EL = r"rhel|centos|rocky|almalinux|ol|scientific"
_SUSE = r"sles|sled|opensuse-leap|sle_hpc"
# The systemd of distributions, by ID and VERSION_ID of /etc/os-release: the least and the most. Sources: of EL the tags of its own
# repositories (systemd-rhel7, -rhel8, -rhel9, -rhel10 of redhat-plumbers), where 9 and 10 without a minor version are CentOS Stream; of
# Debian the indexes of its packages, with backports; of Ubuntu its packages. EL 7 up to 7.1 had 208.
_DISTRIBUTIONS: tuple[tuple[str, str, str, int, int], ...] = (
    (_EL, r"7\.[01]", "EL 7", 208, 208), (_EL, "7", "EL 7", 208, 219), (_EL, r"7\..*", "EL 7", 219, 219),
    (_EL, r"8(\..*)?", "EL 8", 239, 239),
    (_EL, r"9\.[01]", "EL 9", 250, 250), (_EL, r"9\..*", "EL 9", 252, 252), (_EL, "9", "EL 9", 249, 252),
    (_EL, r"10\..*", "EL 10", 257, 257), (_EL, "10", "EL 10", 256, 257),
    *(("ubuntu", re.escape(name), f"Ubuntu {name}", number, number) for name, number in (
        ("16.04", 229), ("18.04", 237), ("20.04", 245), ("22.04", 249), ("24.04", 255), ("26.04", 259))),
    *(("debian", name, f"Debian {name}", least, most) for name, least, most in (
        ("8", 215, 230), ("9", 232, 241), ("10", 241, 247), ("11", 247, 252), ("12", 252, 254), ("13", 257, 260))),
    (_SUSE, r"12(\.1)?", "SUSE 12", 210, 210), (_SUSE, r"12\.\d", "SUSE 12", 228, 228),
    (_SUSE, r"15(\.[0-2])?", "SUSE 15", 234, 234), (_SUSE, r"15\.3", "SUSE 15.3", 246, 246),
    (_SUSE, r"15\.[45]", "SUSE 15", 249, 249), (_SUSE, r"15\.[67]", "SUSE 15", 254, 254),
)  # fmt: skip
# what EL took into its systemd from later ones, by the package that first had it (239-15, 239-32, 239-59, 239-61; 252-21, 252-74)
_OF_EL8 = (EXEC, "Service.ExecCondition", TYPES_DROP_INS, ONESHOT)
_OF_EL9 = (NOTIFY_RELOAD, "Service.RestartMode")
# by VERSION_ID: what it surely has of these, and what it may have
_TAKEN: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"8\.0", (), ()), (r"8\.[12]", _OF_EL8[:1], ()), (r"8\.[3-6]", _OF_EL8[:2], ()), (r"8\..*", _OF_EL8, ()), ("8", (), _OF_EL8),
    (r"9\.[0-3]", (), ()), (r"9\.[4-8]", _OF_EL9[:1], ()), (r"9\..*", _OF_EL9[:1], _OF_EL9[1:]), ("9", (), _OF_EL9),
)  # fmt: skip
# the latest systemd of any distribution on which a release was run
_MOST_IN = {
    "liberty": 229, "mitaka": 229, "newton": 232, "ocata": 232, "pike": 234, "queens": 237, "rocky": 241, "stein": 241, "train": 242,
    "ussuri": 245, "victoria": 247, "wallaby": 252, "xena": 252, "yoga": 252, "zed": 252, "antelope": 252, "bobcat": 253,
}  # fmt: skip
_OS_FIELD = pattern(r"""^[ \t]*(?:DISTRIB_)?(ID|VERSION_ID|RELEASE)=["']?([^"'\s]*)""", re.MULTILINE)
_DEBIAN_VERSION = pattern(r"(\d+)\.\d+\s*")  # of Ubuntu it is a word: `bookworm/sid`
_REDHAT_RELEASE = pattern(r"^(?:Red Hat Enterprise|CentOS|Rocky|AlmaLinux|Oracle).* release (\d+(?:\.\d+)?)")


def version_of_system(text: str) -> Version | None:
    """Return the systemd of the distribution that `/etc/os-release` names, or where that is a link to what is not there `redhat-release`,
    `lsb-release` of Ubuntu or `debian_version`; None where it tells none."""
    found = dict(_OS_FIELD.findall(text))
    old, debian = _REDHAT_RELEASE.match(text), _DEBIAN_VERSION.fullmatch(text)
    name, number = found.get("ID", "").lower(), found.get("VERSION_ID") or found.get("RELEASE", "")
    if old is not None or debian is not None:
        name, number = ("rhel", old[1]) if old is not None else ("debian", debian[1] if debian is not None else "")
    for ids, numbers, called, least, most in _DISTRIBUTIONS:
        if re.fullmatch(ids, name) and re.fullmatch(numbers, number):
            taken, perhaps = next((found[1:] for found in _TAKEN if ids == _EL and re.fullmatch(found[0], number)), ((), ()))
            because = f"{called} has {most}" + (" at most" if least != most else "")
            return Version(least, most, because, taken, perhaps, of_host=True)
    return None


def describe_taken(what: str) -> str:
    """Return in words what a distribution took into its systemd from a later one."""
    said = {ONESHOT: "restarts of oneshot units", TYPES_DROP_INS: "`service.d`"}
    return said.get(what) or f"`{what.partition('.')[2]}`"


def version_in_release(release: str) -> Version:
    """Return the systemd that hosts of a release of OpenStack may have."""
    most = _MOST_IN.get(release)
    return Version() if most is None else Version(0, most, f"hosts of {release} have {most} at most")


# the words that a setting may be
CHOICES = {
    "Service.Type": "simple exec forking oneshot dbus notify notify-reload idle",
    "Service.Restart": "no on-success on-failure on-abnormal on-watchdog on-abort always",
    "Service.RestartMode": "normal direct debug",
    "Service.ExitType": "main cgroup",
    "Service.KillMode": "control-group process mixed none",
    "Service.NotifyAccess": "none main exec all",
    "Unit.StartLimitAction": "none reboot reboot-force reboot-immediate poweroff poweroff-force poweroff-immediate exit exit-force"
    " soft-reboot soft-reboot-force kexec kexec-force halt halt-force halt-immediate",
    "Unit.CollectMode": "inactive inactive-or-failed",
}
CHOICES["Unit.FailureAction"] = CHOICES["Unit.SuccessAction"] = CHOICES["Unit.StartLimitAction"]


TYPES = ("service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope")
_NAME = pattern(r"(?P<prefix>[A-Za-z0-9:\-_.\\]+)(?P<instance>@[A-Za-z0-9:\-_.\\@]*)?\.(?P<type>" + "|".join(TYPES) + r")")
_MAY_ALIAS = ("service", "socket", "target", "device", "timer", "path")
LONGEST = 255


def is_unit(name: str) -> bool:
    """Return whether `name` is the name of a unit: plain, template or instance."""
    return len(name) <= LONGEST and _split(name) is not None


def _split(name: str) -> tuple[str, str | None, str] | None:
    match = _NAME.fullmatch(name)
    if not match:
        return None
    instance = match["instance"]
    return match["prefix"], None if instance is None else instance[1:], match["type"]


def type_of(name: str) -> str:
    """Return the type of a unit, `service` for `a.service`."""
    return name.rpartition(".")[2]


def instance_of(name: str) -> str | None:
    """Return the instance in the name: None for a plain unit, an empty string for a template."""
    parts = _split(name)
    return parts[1] if parts else None


def prefix_of(name: str) -> str:
    """Return what stands in front of the `@`, or of the type where there is none."""
    parts = _split(name)
    return parts[0] if parts else name


def is_template(name: str) -> bool:
    """Return whether `name` is a template, as `a@.service`."""
    return instance_of(name) == ""


def template_of(name: str) -> str:
    """Return the template of an instance: `a@.service` for `a@b.service`."""
    return f"{prefix_of(name)}@.{type_of(name)}"


def instantiate(template: str, instance: str) -> str:
    """Return the instance `instance` of `template`."""
    return f"{prefix_of(template)}@{instance}.{type_of(template)}"


def may_alias(name: str, target: str) -> bool:
    """Return whether a link called `name` to a unit file called `target` makes an alias, as systemd sees it."""
    if not (is_unit(name) and is_unit(target)) or name == target or type_of(name) != type_of(target) or type_of(name) not in _MAY_ALIAS:
        return False
    ours, theirs = instance_of(name), instance_of(target)
    if ours and theirs:
        return ours == theirs
    return (ours is None) == (theirs is None) and not (ours == "" and theirs)


def shorten(name: str) -> str | None:
    """Return the name whose drop-ins `name` takes next: `a-b-.service` for `a-b-c.service`, None when there is none."""
    prefix = prefix_of(name)
    stem = prefix[:-1] if prefix.endswith("-") else prefix
    cut = stem.rfind("-")
    if cut <= 0:
        return None
    instance = instance_of(name)
    return stem[: cut + 1] + (f"@{instance}" if instance else "") + "." + type_of(name)


# specifiers that are the same for each unit of a system; what the host, its systemd or its users tell is not among them
_OF_SYSTEM = {
    "C": "/var/cache", "E": "/etc", "G": "0", "L": "/var/log", "S": "/var/lib", "U": "0", "g": "root", "h": "/root", "t": "/run",
    "u": "root", "%": "%",
}  # fmt: skip


def expand(text: str, unit: str) -> str:
    """Return `text` with the specifiers filled in that the unit's name tells, and those that are the same for each unit of a
    system; the others stay as they are, and of a template those that its instances have each their own."""
    if "%" not in text:
        return text
    instance = instance_of(unit)
    prefix = prefix_of(unit)
    known = {
        "p": prefix,
        "P": _unescape_name(prefix),
        "j": prefix.rpartition("-")[2],
        "J": _unescape_name(prefix.rpartition("-")[2]),
        **_OF_SYSTEM,
    }
    if instance != "":
        known["n"], known["N"] = unit, unit.rpartition(".")[0]
        known["i"], known["I"] = instance or "", _unescape_name(instance or "")
        known["f"] = "/" + _unescape_name(instance or prefix).lstrip("/")
    return re.sub("%(.)", lambda match: known.get(match[1], match[0]), text)


def _unescape_name(text: str) -> str:
    text = re.sub(r"-", "/", text)
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)


INFINITY = 2**64 - 1  # microseconds; systemd's own word for "never"
_SECOND = 1_000_000
_UNITS = {
    "seconds": _SECOND, "second": _SECOND, "sec": _SECOND, "s": _SECOND,
    "minutes": 60 * _SECOND, "minute": 60 * _SECOND, "min": 60 * _SECOND,
    "months": 2629800 * _SECOND, "month": 2629800 * _SECOND, "M": 2629800 * _SECOND,
    "msec": 1000, "ms": 1000, "m": 60 * _SECOND,
    "hours": 3600 * _SECOND, "hour": 3600 * _SECOND, "hr": 3600 * _SECOND, "h": 3600 * _SECOND,
    "days": 86400 * _SECOND, "day": 86400 * _SECOND, "d": 86400 * _SECOND,
    "weeks": 604800 * _SECOND, "week": 604800 * _SECOND, "w": 604800 * _SECOND,
    "years": 31557600 * _SECOND, "year": 31557600 * _SECOND, "y": 31557600 * _SECOND,
    "usec": 1, "us": 1, "\u00b5s": 1, "\u03bcs": 1,
}  # fmt: skip
_PART = pattern(r"\s*\+?(?P<whole>\d*)(?P<fraction>\.\d*)?(?P<unit>[ \t\n\r]*(?:" + "|".join(_UNITS) + r"))?", re.ASCII)
_BLANK = " \t\n\r"
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))  # those of Go
_DIGITS, _MOST_DIGITS = 20, 32  # more than any number that fits: decimal ones, those in any notation


def time_span(text: str) -> int | None:
    """Return a time span in microseconds (`INFINITY` for `infinity`); a bare number is seconds."""
    text = text.strip(_BLANK)
    if text == "infinity":
        return INFINITY
    total, at = 0, 0
    while at < len(text):
        match = _PART.match(text, at)
        if not match or match.end() == at or (match["fraction"] == "." or not (match["whole"] or match["fraction"])):
            return None
        if len(match["whole"].lstrip("0")) > _DIGITS:
            return None
        unit = _UNITS[match["unit"].strip(_BLANK)] if match["unit"] else _SECOND
        if not match["unit"] and match.end() < len(text) and text[match.end()] not in _BLANK:
            return None
        whole = int(match["whole"].lstrip("0") or 0)
        if whole >= min(2**63, INFINITY // unit):
            return None
        total += whole * unit + _fraction(match["fraction"], unit)
        if total >= INFINITY:
            return None
        at = match.end()
        while at < len(text) and text[at] in _BLANK:
            at += 1
    return total if text else None


def _fraction(digits: str | None, unit: int) -> int:
    total = 0
    for digit in (digits or ".")[1:]:
        unit //= 10
        total += int(digit) * unit
    return total


def timeout(text: str) -> int | None:
    """Return a time span as timeouts take it: 0 means never."""
    span = time_span(text)
    return INFINITY if span == 0 else span


def boolean(text: str) -> bool | None:
    """Return what a boolean says."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    return False if word in ("0", "no", "n", "false", "f", "off") else None


def read_unsigned(text: str) -> int | None:
    """Return a number from 0 to 2^32-1, decimal, `0x` hexadecimal, `0o` or `0` octal, `0b` binary."""
    text = text.lstrip(_BLANK)
    match = re.fullmatch(r"([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0o[0-7]+|0[0-7]*|[1-9][0-9]*)", text)
    if not match:
        return None
    sign, digits = match.groups()
    if sign and digits[:2].lower() in ("0b", "0o"):
        return None
    if re.fullmatch(r"0[0-7]+", digits):
        digits = "0o" + digits[1:]
    if len(digits.lstrip("0xXbBo")) > _MOST_DIGITS:
        return None
    value = int(digits, 0)
    return None if value >= 2**32 or (sign == "-" and value) else value


_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'", "s": " "}
_ESCAPE = pattern(r"[abfnrtv\\\"'s]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}")


def first_word(text: str, at: int, *, unquote: bool = True) -> tuple[str, int] | None:
    """Return the first word of `text` from `at` on and the offset behind it and its blanks; None if a quote stays open.

    At the end of the text the word is empty and the offset -1. With `unquote`, quotes are taken off and C escapes are
    read, an unknown escape stays as it is; without, a backslash only makes the next character plain.
    """
    while at < len(text) and text[at] in _BLANK:
        at += 1
    if at >= len(text):
        return "", -1
    word, quote = [], ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            match = _ESCAPE.match(text, at + 1) if unquote else None
            if match and (unescaped := _unescape(match[0])) is not None:
                word.append(unescaped)
                at = match.end()
                continue
            if at + 1 >= len(text) and (quote or not unquote):
                return None
            word.append(text[at : at + 2] if unquote else text[at + 1 : at + 2])
            at += 2
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and unquote and char in "\"'":
            quote = char
        elif not quote and char in _BLANK:
            break
        else:
            word.append(char)
        at += 1
    if quote:
        return None
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return "".join(word), at


def _unescape(escape: str) -> str | None:
    if escape in _ESCAPES:
        return _ESCAPES[escape]
    code = int(escape, 8) if escape.isdigit() else int(escape[1:], 16)
    if not code or code > (255 if escape.isdigit() else 0x10FFFF) or 0xD800 <= code < 0xE000:
        return None
    return chr(code)


def words(text: str, *, unquote: bool = False) -> Iterator[str | None]:
    """Yield the words of a list; None, and no more, where a quote stays open."""
    at = 0
    while at >= 0:
        found = first_word(text, at, unquote=unquote)
        if found is None:
            yield None
            return
        word, at = found
        if at >= 0:
            yield word


_SIGNALS = """
    HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF
    WINCH IO PWR SYS
"""
_EXIT_NAMES = """
    SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED NOTRUNNING USAGE DATAERR NOINPUT NOUSER NOHOST
    UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM CONFIG CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST
    SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM
    STDERR PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY CHOWN
    SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF EXCEPTION
"""


def exit_status(word: str) -> str | None:
    """Return an exit status or a signal by its number or its name without `SIG`, as `systemctl show` prints it."""
    if word in _EXIT_NAMES.split():
        return word
    number = read_unsigned(word)
    if number is not None:
        return str(number) if number <= 255 else None
    name = word[3:] if word.startswith("SIG") else word
    real_time = re.fullmatch(r"RTMIN(\+0*([12]?\d|30))?|RTMAX(-0*([12]?\d|30))?", name, re.ASCII)
    return name if name in _SIGNALS.split() or real_time else None


class Commands(Struct, frozen=True):
    """The commands of one `Exec...=` line. `fatal` tells why systemd refuses the whole unit for it."""

    programs: tuple[str, ...] = ()
    fatal: str = ""
    ignored: str = ""


def commands(text: str) -> Commands:
    """Return the programs that one `ExecStart=` (or relative) runs, parted by ` ; `."""
    programs: list[str] = []
    at = 0
    while 0 <= at < len(text):
        found = first_word(text, at)
        if found is None:
            return Commands(tuple(programs), ignored="a quote is not closed")
        word, at = found
        if word == ";" or at < 0:
            continue
        prefix = marks_of(word)
        program, ignorable = word[len(prefix) :], "-" in prefix
        why = _program_refused(program)
        end = _arguments(text, at)
        if not why and end is None:
            why = "a quote is not closed"
        if not why and "@" in prefix and not _first_argument(text, at, end):
            why = "it has no name for the program, which must follow where `@` is in front of it"
        if why:
            return Commands(tuple(programs), ignored=why) if ignorable else Commands(tuple(programs), fatal=why)
        programs.append(program)
        at = end if end is not None else -1
    return Commands(tuple(programs))


def marks_of(text: str) -> str:
    """Return the marks in front of a command line (`-@:+!`)."""
    match = re.match(r"[-@:+!]*", text)
    return match[0] if match is not None else ""


# letters that are a specifier in no systemd up to 258; one up to 252 refuses a command line that has them
_NO_SPECIFIER = pattern(r"%(?:%|(?P<unknown>[ekxzFKOQXZ0-9]))")


def unknown_specifier(text: str) -> str | None:
    """Return what looks like a specifier in a command line and is none (`%F` of `date +%F`), for which systemd refuses the unit."""
    return next((match[0] for match in _NO_SPECIFIER.finditer(text) if match["unknown"]), None)


def _arguments(text: str, at: int) -> int | None:
    """Return the offset behind the arguments that start at `at`; None if a quote is not closed."""
    while at < len(text):
        if text[at] == ";" and (at + 1 == len(text) or text[at + 1] in _BLANK):
            return at + 1
        found = first_word(text, at)
        if found is None:
            return None
        at = found[1] if found[1] >= 0 else len(text)
    return at


def _first_argument(text: str, at: int, end: int | None) -> str:
    """Return the first of the arguments from `at` to `end`, by systemd's rules of quotes; empty if there is none, or it is empty."""
    found = first_word(text[:end], at) if 0 <= at < len(text) else None
    return "" if found is None or text[at : at + 2].rstrip(_BLANK) == ";" else found[0]


def _program_refused(program: str) -> str:
    if not program:
        return "it names no program"
    if re.search("[\x00-\x1f\x7f\"'\\\\]", program):
        return f"`{program}` has a character that no program may have"
    if program.endswith("/"):
        return f"`{program}` is a folder"
    if _size(program) > _LONGEST_PATH or any(_size(part) > _LONGEST_NAME for part in program.split("/")):
        return "its path is too long"
    if not program.startswith(("/", "%")) and ("/" in program or program in (".", "..")):
        return f"`{program}` is neither an absolute path nor a plain name"
    return ""


LONGEST_LINE = 1024 * 1024  # bytes; systemd refuses a file with a longer one, or a longer joined one
_LINE = re.compile(r"([^\n\r\0]*)((?:\n\r?|\r\n?)\0?|\0|\Z)")
_WORD = re.compile(rf"[^{_BLANK}]+")
_UNSAFE = re.compile("[\x01-\x1f\x7f\"'\\\\]")
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_NOT_UTF8 = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")


class Assignment(Struct, frozen=True):
    """One `key=value`, in the section `section` (empty: before any section header).

    `words` are the words of a value that goes on over several lines, each where it stands; empty for any other value.
    """

    section: str
    key: Text
    value: Text
    words: tuple[Text, ...] = ()


class Stray(Struct, frozen=True):
    """A line that assigns nothing, and why; `section` is the one it stands in."""

    section: str
    text: Text
    because: str


class UnitText(Struct, frozen=True):
    """One unit file or drop-in as systemd reads it, before it knows what the keys mean.

    `lines` holds assignments and strays in file order. `stop` is where systemd gives up the file, with the reason:
    what stands above it counts, what stands below is never read.
    """

    path: str
    empty: bool
    sections: tuple[Text, ...] = ()
    lines: tuple[Assignment | Stray, ...] = ()
    stop: Stray | None = None


class _Logical(Struct, frozen=True):
    """A line with its continuations joined; its part at offset `at[i]` of `text` stands at `starts[i]` of the source."""

    text: str
    at: tuple[int, ...]
    starts: tuple[int, ...]
    too_long: bool = False

    def offset(self, index: int) -> int:
        """Return the offset in the source of the character at `index`."""
        part = bisect_right(self.at, index) - 1
        return self.starts[part] + index - self.at[part]

    def piece(self, source: Source, start: int, end: int, blanks: str = _BLANK) -> Text:
        """Return the characters from `start` to `end` of the joined line, without the blanks around them, as Text."""
        word = self.text[start:end]
        start += len(word) - len(word.lstrip(blanks))
        word = word.strip(blanks)
        first = self.offset(start)
        return Text(word, source.span(first, self.offset(start + len(word) - 1) + 1 if word else first))


def read(source: Source) -> UnitText:
    """Return the sections and assignments of `source`; never raises, whatever the text is."""
    section = ""
    sections: list[Text] = []
    lines: list[Assignment | Stray] = []
    for logical in _logical_lines(source.text):
        line = logical.piece(source, 0, len(logical.text))
        reason = _refusal(line.value, logical.too_long)
        if reason:
            return UnitText(source.path, not source.text, tuple(sections), tuple(lines), Stray(section, line, reason))
        if line.value.startswith("["):
            section = line.value[1:-1]
            sections.append(Text(section, line.span))
        elif line.value:
            lines.append(_assignment(source, logical, line, section))
    return UnitText(source.path, not source.text, tuple(sections), tuple(lines))


def read_quadlet(source: Source) -> UnitText:
    """Return the sections and assignments of a quadlet, as podman joins and parts its lines; never raises, whatever the text is.

    It joins parts without a blank between them, over empty lines too, whatever stands behind the backslash. What it cannot read is a
    stray; `stop` is the first line that systemd would not read in the unit that is made. Source: podman's
    `pkg/systemd/parser/unitfile.go`, and its generator.
    """
    section = ""
    sections: list[Text] = []
    lines: list[Assignment | Stray] = []
    stop: Stray | None = None
    for logical in _lines_of_quadlet(source.text):
        line = logical.piece(source, 0, len(logical.text), _SPACES)
        if line.value[:1] in ("", "#", ";"):
            continue
        if line.value[0] == "[" and line.value.find("]") == len(line.value) - 1:
            section = line.value[1:-1]
            sections.append(Text(section, line.span))
            continue
        if line.value[0] == "[" and "=" not in line.value:
            lines.append(Stray(section, line, f"section header `{line.value}` does not end in `]`"))
            continue
        lines.append(_assignment(source, logical, line, section, _SPACES[:6]))  # which it looks for by bytes here
        if stop is None and _NOT_UTF8.search(line.value):
            stop = Stray(section, line, "line is not UTF-8")
    return UnitText(source.path, not source.text, tuple(sections), tuple(lines), stop)


def _lines_of_quadlet(text: str) -> Iterator[_Logical]:
    """Yield the lines of a quadlet, joined; podman loses one that is still to go on where the file ends in an empty one or a comment."""
    parts: list[str] = []
    starts: list[int] = []
    start, last = 0, len(text.removesuffix("\n"))
    while start <= last:
        end = text.find("\n", start, last)
        end = last if end < 0 else end
        line = text[start:end].rstrip(_SPACES)
        begin = start + len(line) - len(line.lstrip(_SPACES))
        line = line.lstrip(_SPACES)
        if line[:1] not in ("", "#", ";"):
            goes_on = line.endswith("\\")
            parts.append(line[:-1] if goes_on else line)
            starts.append(begin)
            if not goes_on or end == last:
                yield _join(parts, starts)
            if not goes_on or not parts[0]:
                parts, starts = [], []
        start = end + 1


def _assignment(source: Source, logical: _Logical, line: Text, section: str, blanks: str = _BLANK) -> Assignment | Stray:
    equals = logical.text.find("=")
    if equals < 0:
        return Stray(section, line, "it has no `=`")
    key = logical.piece(source, 0, equals, blanks)
    if not key.value:
        return Stray(section, line, "it has no key in front of `=`")
    words = [logical.piece(source, *word.span()) for word in _WORD.finditer(logical.text, equals + 1)] if len(logical.starts) > 1 else ()
    return Assignment(section, key, logical.piece(source, equals + 1, len(logical.text), blanks), tuple(words))


def _refusal(line: str, too_long: bool) -> str:
    """Return why systemd stops reading at this line, or an empty string."""
    if too_long:
        return "line is longer than 1 MiB"
    if _NOT_UTF8.search(line):
        return "line is not UTF-8"
    if line.startswith("["):
        if not line.endswith("]") or len(line) < 2:
            return f"section header `{line}` does not end in `]`"
        if _UNSAFE.search(line[1:-1]):
            return f"section header `{line}` has a character that is not allowed in one"
    return ""


def _physical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each line with its offset; a NUL ends a line too, and `\\n\\r` is one line break."""
    bom_seen = False
    for match in _LINE.finditer(text):
        line, start = match.group(1), match.start()
        if start == len(text):
            return
        if not bom_seen and line.startswith("\ufeff"):
            bom_seen = True
            line, start = line[1:], start + 1
        yield line, start


def _logical_lines(text: str) -> Iterator[_Logical]:
    parts: list[str] = []
    starts: list[int] = []
    size = 0
    for line, start in _physical_lines(text):
        if line.lstrip(_BLANK)[:1] in ("#", ";") and text[start - 1 : start] != "\ufeff":
            continue
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        parts.append(line[:-1] + " " if continued else line)
        starts.append(start)
        length = len(line.encode("utf-8", "surrogateescape"))
        size += length
        if length >= LONGEST_LINE or size > LONGEST_LINE:
            yield _join([parts[0][:80]], starts[:1], too_long=True)
            return
        if not continued:
            yield _join(parts, starts)
            parts, starts, size = [], [], 0
    if parts:
        yield _join(parts, starts)


def _join(parts: list[str], starts: list[int], *, too_long: bool = False) -> _Logical:
    at = accumulate((len(part) for part in parts[:-1]), initial=0)
    return _Logical("".join(parts), tuple(at), tuple(starts), too_long)


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the assignments and the sections of a unit or drop-in."""
    yield from _blocks(source, read(source))


def read_blocks_of_quadlet(source: Source) -> Iterator[Piece]:
    """Yield the assignments and the sections of a quadlet, or a drop-in of one."""
    yield from _blocks(source, read_quadlet(source))


def _blocks(source: Source, settings: UnitText) -> Iterator[Piece]:
    heads = [section.span.start for section in settings.sections]
    yield from ((line.key.span.start, line.value.span.end) for line in settings.lines if isinstance(line, Assignment))
    yield from zip(heads, [*heads[1:], len(source.text) + 1])


KEYS = {"Unit": UNIT_KEYS, "Service": SERVICE_KEYS, "Install": INSTALL_KEYS}
_DEPENDENCY_KEYS = """
    Requires Requisite Wants BindsTo PartOf Upholds Conflicts Before After OnFailure OnSuccess PropagatesReloadTo PropagatesStopTo
    ReloadPropagatedFrom StopPropagatedFrom JoinsNamespaceOf
"""
_SERVICE_LISTS = """
    Environment EnvironmentFile PassEnvironment UnsetEnvironment SupplementaryGroups ReadWritePaths ReadOnlyPaths InaccessiblePaths
    Sockets SystemCallFilter
"""
DEPENDENCIES = frozenset(f"Unit.{key}" for key in _DEPENDENCY_KEYS.split())
_STATUS_LISTS = frozenset(("Service.RestartPreventExitStatus", "Service.RestartForceExitStatus", "Service.SuccessExitStatus"))
_COMMANDS = frozenset(f"Service.Exec{key}" for key in ("Condition", "StartPre", "Start", "StartPost", "Reload", "Stop", "StopPost"))
_OTHER_LISTS = frozenset(
    (
        *(f"Unit.{key}" for key in (*CONDITIONS, "Documentation", "RequiresMountsFor", "WantsMountsFor")),
        *(f"Install.{key}" for key in ("Alias", "WantedBy", "RequiredBy", "UpheldBy", "Also")),
        *(f"Service.{key}" for key in _SERVICE_LISTS.split()),
    )
)
_CONDITIONS_ON_PATHS = """
    PathExists PathExistsGlob PathIsDirectory PathIsSymbolicLink PathIsMountPoint PathIsReadWrite PathIsEncrypted DirectoryNotEmpty
    FileNotEmpty FileIsExecutable NeedsUpdate PathIsSocket
"""
_PATHS = frozenset(
    ("Service.EnvironmentFile", *(f"Unit.{kind}{name}" for kind in ("Condition", "Assert") for name in _CONDITIONS_ON_PATHS.split()))
)
_MARKS_OF_PATHS = {"Unit": re.compile(r"\|?!?"), "Service": re.compile("-?")}
LISTS = DEPENDENCIES | _STATUS_LISTS | _COMMANDS | _OTHER_LISTS
_EMPTIED = ("Service.PIDFile", "Service.KillMode")  # an empty value takes these back; most others keep what they have


def _service_name(text: str) -> bool | None:
    parts = text.split(".")
    good = len(text) <= 255 and len(parts) > 1 and all(p and p.replace("_", "a").replace("-", "a").isalnum() and p.isascii() for p in parts)
    return True if good and not any(part[0].isdigit() for part in parts) else None


_CHECKED: dict[str, tuple[Callable[[str], object], str]] = {
    **{f"Service.{key}": (boolean, "a boolean") for key in ("RemainAfterExit", "GuessMainPID", "SendSIGKILL", "SendSIGHUP")},
    **{f"Unit.{key}": (boolean, "a boolean") for key in ("DefaultDependencies", "RefuseManualStart", "RefuseManualStop")},
    "Service.RestartSec": (time_span, "a time span"),
    "Service.RestartMaxDelaySec": (time_span, "a time span"),
    "Service.RestartSteps": (read_unsigned, "a whole number"),
    "Unit.StartLimitIntervalSec": (time_span, "a time span"),
    "Unit.StartLimitBurst": (read_unsigned, "a whole number"),
    "Service.TimeoutStartSec": (timeout, "a time span"),
    "Service.TimeoutStopSec": (timeout, "a time span"),
    "Service.BusName": (_service_name, "a D-Bus name"),
}


_NUMBER = re.compile(r"-[0-9]*|[0-9]+")
_NOBODY = (0xFFFF, 0xFFFFFFFF)  # which are (uid_t) -1, as 16 and as 32 bits


def _no_user(name: str) -> str:
    """Return why systemd takes a name for no user and no group; empty where it may be one."""
    if _NUMBER.fullmatch(name):
        good = not name.startswith("-") and len(name) <= _DIGITS and int(name) < 2**32 and int(name) not in _NOBODY
        return "" if good and (name == "0" or name[0] != "0") else "it is no user's or group's number"
    if name in ("", ".", "..") or re.search("[\x00-\x1f\x7f:/]", name):
        return "it cannot be the name of a user or group"
    return ""


_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _no_path(path: str) -> str:
    """Return why systemd takes no such path; empty where it does."""
    if path and not path.startswith(("/", "%")):  # what a specifier stands for that is not known here may be one
        return "it is not an absolute path"
    if ".." in path.split("/"):
        return "the path goes through `..`"
    return "the path is too long" if _size(path) > _LONGEST_PATH or any(_size(part) > _LONGEST_NAME for part in path.split("/")) else ""


def _no_pid_file(path: str) -> str:
    return _no_path(path if path.startswith("/") else f"/run/{path}")


def _explain_ignored_path(value: str, unit: str) -> str:
    """Return why systemd drops a path, as a condition or a list has one; empty where it takes it."""
    specifier = unknown_specifier(value)
    if specifier is not None:
        return f"systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)"
    path = expand(value, unit)
    return _no_path(path) if path else "it is not an absolute path"


def _no_users(names: str) -> str:
    return next(filter(None, (_no_user(word) for word in words(names) if word is not None)), "") if names else _no_user("")


def _no_working_directory(path: str) -> str:
    return "" if path.startswith("-") or path == "~" else _no_path(path) if path else "it is empty"


def _no_boolean(text: str) -> str:
    return "" if boolean(text) is not None else "it is not a boolean"


def _any(_: str) -> str:
    return ""


# the settings for whose value systemd refuses the whole unit; systemd 252 in test mode was asked about every setting that it knows
_REFUSED_FOR: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("Service.User", "Service.Group"), _no_user),
    "Service.SupplementaryGroups": _no_users,
    "Service.WorkingDirectory": _no_working_directory,
    **dict.fromkeys(("Service.RootDirectory", "Service.RootImage", "Service.RootVerity"), _no_path),
    "Service.DynamicUser": _no_boolean,
    **dict.fromkeys(("Service.AppArmorProfile", "Service.SELinuxContext", "Service.SmackProcessLabel"), _any),
}


def _explain_refusal(name: str, value: str, unit: str) -> str:
    """Return why systemd refuses a unit that has this setting; empty where it does not."""
    check = _REFUSED_FOR.get(name)
    if check is None or (not value and name != "Service.DynamicUser"):
        return ""
    specifier = unknown_specifier(value) if check is not _no_boolean else None
    if specifier is not None and not (value.startswith("-") and check in (_any, _no_working_directory)):
        return f"systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)"
    return check(expand(value, unit))


class Ignored(Struct, frozen=True):
    """An assignment, or another line, that does nothing, and why."""

    name: str
    span: Span
    value: str
    because: str


class Settings(Struct):
    """The settings of one unit while its files are read in order; `read` adds one file.

    `state` is the load state of a unit that is refused. `open` has what depends on the systemd of the host: the version that brought it,
    and by what name a distribution may have taken it.
    """

    unit: str
    state: str = BAD_SETTING
    systemd: Version = Version()
    settings: dict[str, Setting] = field(default_factory=dict)
    lists: dict[str, list[Setting]] = field(default_factory=dict)
    dropped: dict[str, list[Setting]] = field(default_factory=dict)
    _beaten: dict[str, list[Setting]] = field(default_factory=dict)
    programs: dict[str, list[tuple[str, Span]]] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)
    open: dict[tuple[int, str], None] = field(default_factory=dict)

    def lacks(self, since: int, what: str = "") -> bool:
        """Return whether the host surely has no systemd with what came with `since`; where that is open, it is noted in `open`."""
        if self.systemd.is_open(since, what):
            self.open[since, what] = None
        return self.systemd.lacks(since, what)

    def read(self, text: UnitText) -> tuple[str, Span] | None:
        """Apply one file; return the reason and place if it makes systemd refuse the unit (`ExecStart=` of nothing runnable)."""
        found = self._apply(text)
        return None if found is None else (found[0], found[1].value.span)

    def read_drop_in(self, text: UnitText) -> None:
        """Apply one drop-in, of which systemd reads nothing behind a line for which it would refuse a unit file."""
        found = self._apply(text, is_drop_in=True)
        if found is not None:
            why, line = found
            self._drop(
                line.section, line.key, line.value.value, f"{why.partition('`: ')[2] or why}, and systemd reads this file no further"
            )

    def _apply(self, text: UnitText, *, is_drop_in: bool = False) -> tuple[str, Assignment] | None:
        kind = type_of(self.unit)
        own = {"service": "Service"}.get(kind, kind.capitalize())
        for line in text.lines:
            if line.section not in ("Unit", "Install", own):
                self._ignore_section(line, own)
            elif isinstance(line, Stray):
                self._drop(line.section, line.text, line.text.value, line.because)
            elif is_drop_in and line.section == "Install" and self.lacks(DROP_INS_INSTALL):
                because = f"systemd before {DROP_INS_INSTALL} reads no `[Install]` in a drop-in ({self.systemd.because})"
                self._drop(line.section, line.key, line.value.value, because)
            elif line.section in KEYS:
                fatal = self._assign(line)
                if fatal:
                    return fatal, line
        return None

    def _ignore_section(self, line: Assignment | Stray, own: str) -> None:
        if isinstance(line, Stray) or line.section.startswith("X-"):
            return
        if not line.section:
            self._drop("", line.key, line.value.value, "it comes before any section")
            return
        section = next((s for s in ("Unit", "Install", own) if s.lower() == line.section.strip().lower()), "")
        meant = f" (`[{section}]` is)" if section else ""
        self._drop(line.section, line.key, line.value.value, f"`[{line.section}]` is no section of a {type_of(self.unit)}{meant}")

    def _drop(self, section: str, key: Text, value: str, because: str) -> None:
        name = f"{section}.{key.value}" if section else key.value
        self.ignored.append(Ignored(name, key.span, value, because))

    def _assign(self, line: Assignment) -> str:
        known = KEYS[line.section]
        key = line.key.value
        if key not in known:
            if not key.startswith("X-"):
                self._drop(line.section, line.key, line.value.value, _unknown_key(line.section, key))
            return ""
        name = f"{line.section}.{key}"
        if self.lacks(SINCE.get(name, 0), name):
            self._drop(line.section, line.key, line.value.value, self._too_new(SINCE[name]))
            return ""
        name = RENAMED.get(name, name)
        if name == "Service.TimeoutSec":
            return self._set("Service.TimeoutStartSec", line) or self._set("Service.TimeoutStopSec", line)
        if name in _COMMANDS:
            return self._add_command(name, line)
        why = _explain_refusal(name, line.value.value, self.unit)
        if why:
            return f"`{line.key.value}={line.value.value}`: {why}"
        if name == "Service.PIDFile" and unknown_specifier(line.value.value) is None:
            why = _no_pid_file(expand(line.value.value, self.unit))
            if why and _size(line.value.value) <= _LONGEST_PATH:
                self.state = ERROR
                return f"`{line.key.value}={line.value.value}`: {why}"
        if name in LISTS:
            self._add(name, line)
            return ""
        return self._set(name, line)

    def _too_new(self, since: int) -> str:
        return f"it came with systemd {since} ({self.systemd.because})"

    def _set(self, name: str, line: Assignment) -> str:
        value = line.value.value
        because = ""
        if name in _EMPTIED and not value:
            self.settings.pop(name, None)
            self._beaten.pop(name, None)
            return ""
        if name in CHOICES:
            choices = CHOICES[name].split()
            because = "" if value in choices else f"it is none of {', '.join(f'`{choice}`' for choice in choices)}"
            since = _WORDS_SINCE.get((name, value), 0)
            if self.lacks(since, f"{name}={value}"):
                self._drop(line.section, line.key, value, self._too_new(since))
                return ""
        elif name in _CHECKED:
            check, what = _CHECKED[name]
            given = expand(value, self.unit) if name == "Service.BusName" else value  # which alone of these may have specifiers
            is_open = name == "Service.BusName" and "%" in given
            because = "" if is_open or check(given) is not None else f"it is not {what}"
        if because:
            self._drop(line.section, line.key, value, _bad_value(value, because))
            return ""
        if name == "Service.PIDFile" or (name == "Service.WorkingDirectory" and value.startswith("-") and value != "-~"):
            because = _explain_ignored_path(value.removeprefix("-") if name == "Service.WorkingDirectory" else f"/{value}", self.unit)
            if because:
                self._drop(line.section, line.key, value, because)
                return ""
        if name in self.settings:
            self._beaten.setdefault(name, []).append(self.settings[name])
        self.settings[name] = Setting(value, line.value.span, line.key)
        return ""

    def _add_command(self, name: str, line: Assignment) -> str:
        if not line.value.value:
            self.programs.pop(name, None)
            self._add(name, line)
            return ""
        specifier = unknown_specifier(line.value.value)
        if specifier is not None and "-" not in marks_of(line.value.value):
            return f"`{line.key.value}={line.value.value}`: systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)"
        if specifier is not None:
            self._drop(line.section, line.key, line.value.value, f"systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)")
            return ""
        found = commands(expand(line.value.value, self.unit))
        too_new = self._find_too_new(line.value.value, found)
        if too_new:
            found = Commands(fatal=too_new)
        if found.fatal and self.lacks(WRONG_COMMANDS_REFUSED):
            found = Commands(found.programs, ignored=found.fatal)  # the line alone is lost
        self.programs.setdefault(name, []).extend((program, line.value.span) for program in found.programs)
        if found.programs:
            self._add(name, line)
        if found.ignored:
            self._drop(line.section, line.key, line.value.value, found.ignored)
        return f"`{line.key.value}={line.value.value}`: {found.fatal}" if found.fatal else ""

    def _find_too_new(self, line: str, found: Commands) -> str:
        """Return why an old systemd takes no such command line: for a mark in front of it, or a program without its folder."""
        for mark in marks_of(line):
            if self.lacks(_MARKS_SINCE.get(mark, 0)):
                return f"the mark `{mark}` came with systemd {_MARKS_SINCE[mark]} ({self.systemd.because})"
        plain = next((program for program in found.programs if not program.startswith(("/", "%"))), None)
        if plain is not None and self.lacks(PLAIN_PROGRAMS):
            return f"`{plain}` is no absolute path, which systemd before {PLAIN_PROGRAMS} asks for ({self.systemd.because})"
        return ""

    def _add(self, name: str, line: Assignment) -> None:
        value = line.value.value
        entries = self.lists.setdefault(name, [])
        if not value:
            if name not in DEPENDENCIES:
                self.dropped.setdefault(name, []).extend(entries)
                entries.clear()
            elif entries:
                self._drop(line.section, line.key, "", "an empty value does not take a dependency away")
            return
        if name in _STATUS_LISTS:
            given = [word for word in words(value) if word]
            bad = [word for word in given if exit_status(word) is None]
            names = [word for word in given if word in _EXIT_NAMES.split()]
            new = names if names and self.lacks(_STATUS_NAMES) else []
            if bad:
                self._drop(line.section, line.key, value, f"`{bad[0]}` is neither an exit status nor a signal")
            elif new:
                self._drop(line.section, line.key, value, f"the name `{new[0]}` came with systemd {_STATUS_NAMES} ({self.systemd.because})")
            value = " ".join(word for word in given if word not in (*bad, *new))
        elif name in DEPENDENCIES:
            entries += self._units_named(line)
            return
        elif name in _PATHS:
            because = _explain_ignored_path(_MARKS_OF_PATHS[name.partition(".")[0]].sub("", value, count=1), self.unit)
            if because:
                self._drop(line.section, line.key, value, _bad_value(value, because))
                return
        elif name in ("Unit.RequiresMountsFor", "Unit.WantsMountsFor"):
            value = self._paths_in(line)
        if value:
            entries.append(Setting(value, line.value.span, line.key))

    def _paths_in(self, line: Assignment) -> str:
        """Return a list of paths without those that systemd drops."""
        kept = []
        for path in words(line.value.value, unquote=True):
            because = "a quote is not closed" if path is None else _explain_ignored_path(path, self.unit)
            if because:
                self._drop(line.section, line.key, line.value.value if path is None else path, because)
            elif path:
                kept.append(path)
        return " ".join(kept)

    def _units_named(self, line: Assignment) -> Iterator[Setting]:
        """Yield an entry for each unit that a dependency names; systemd drops words that are no names (`mariadb`, or one in quotes)."""
        for part in line.words or (line.value,):
            exact = part.span.end - part.span.start == len(part.value)
            for match in _WORD.finditer(part.value):
                name = expand(match[0], self.unit)
                if "%" not in name and not is_unit(name):
                    whole = f"{name}.service"
                    meant = f" (`{whole}` is)" if is_unit(whole) else ""
                    self._drop(line.section, line.key, match[0], f"`{name}` is not the name of a unit{meant}")
                    continue
                name = fill(name, self.unit)
                start = part.span.start + match.start()
                yield Setting(name, part.span._replace(start=start, end=start + len(match[0])) if exact else part.span, line.key)

    def done(self) -> tuple[dict[str, Setting], dict[str, tuple[Setting, ...]]]:
        """Return the settings in force by `Section.Key`, and the entries of those that are lists."""
        settings = dict(self.settings)
        for name, beaten in self._beaten.items():
            last = settings[name]
            settings[name] = Setting(last.value, last.span, last.key, tuple(beaten))
        for name, entries in self.lists.items():
            if entries:
                joined = " ".join(entry.value for entry in entries)
                settings[name] = Setting(joined, entries[-1].span, entries[-1].key, tuple(self.dropped.get(name, ())))
        return settings, {name: tuple(entries) for name, entries in self.lists.items() if entries}


def fill(name: str, unit: str) -> str:
    """Return the name of what a unit depends on: of a template it is the instance of that of the unit itself, or of its name."""
    return instantiate(name, instance_of(unit) or prefix_of(unit)) if is_template(name) and not is_template(unit) else name


def _unknown_key(section: str, key: str) -> str:
    for other, keys in KEYS.items():
        if key in keys and other != section:
            return f"`{key}` belongs in `[{other}]`"
    near = next((k for k in KEYS[section] if k.lower() == key.lower().replace("_", "")), None)
    return f"systemd knows no `{key}` (`{near}` it does)" if near else f"systemd knows no `{key}` in `[{section}]`"


def _bad_value(value: str, because: str) -> str:
    if not value:
        return "an empty value sets nothing here"
    if value[:1] in "\"'":
        return "quotes count as part of the value"
    if " #" in value or " ;" in value:
        return "a comment behind a value counts as part of it"
    return because
