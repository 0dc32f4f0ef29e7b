"""The settings that systemd knows, by section.

Source: `systemd --dump-configuration-items` of systemd 252, and the NEWS of later releases up to 258 for the keys
that they add. A key that a release does not know yet is ignored by it, with a warning in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from lwlint.core.lazy import pattern

_CONDITIONS = """
    ACPower Architecture CPUFeature CPUPressure CPUs Capability ControlGroupController Credential DirectoryNotEmpty Environment
    FileIsExecutable FileNotEmpty Firmware FirstBoot Group Host IOPressure KernelCommandLine KernelVersion Memory MemoryPressure
    NeedsUpdate OSRelease PathExists PathExistsGlob PathIsDirectory PathIsEncrypted PathIsMountPoint PathIsReadWrite
    PathIsSymbolicLink Security User Virtualization
    Version
"""

_UNIT = """
    After AllowIsolate Before BindTo BindsTo CollectMode Conflicts DefaultDependencies Description Documentation FailureAction
    FailureActionExitStatus IgnoreOnIsolate IgnoreOnSnapshot JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument
    JobTimeoutSec JoinsNamespaceOf OnFailure OnFailureIsolate OnFailureJobMode OnSuccess OnSuccessJobMode PartOf
    PropagateReloadFrom PropagateReloadTo PropagatesReloadTo PropagatesStopTo RebootArgument RefuseManualStart RefuseManualStop
    ReloadPropagatedFrom Requires RequiresMountsFor RequiresOverridable Requisite RequisiteOverridable SourcePath StartLimitAction
    StartLimitBurst StartLimitInterval StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded SuccessAction
    SuccessActionExitStatus Upholds Wants SurviveFinalKillSignal
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


def instantiated(template: str, instance: str) -> str:
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


def shortened(name: str) -> str | None:
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
    system; the others stay as they are."""
    if "%" not in text:
        return text
    instance = instance_of(unit) or ""
    prefix = prefix_of(unit)
    known = {
        "n": unit,
        "N": unit.rpartition(".")[0],
        "p": prefix,
        "P": _unescaped_name(prefix),
        "i": instance,
        "I": _unescaped_name(instance),
        "j": prefix.rpartition("-")[2],
        "J": _unescaped_name(prefix.rpartition("-")[2]),
        "f": "/" + _unescaped_name(instance or prefix).lstrip("/"),
        **_OF_SYSTEM,
    }
    return re.sub("%(.)", lambda match: known.get(match[1], match[0]), text)


def _unescaped_name(text: str) -> str:
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
        total += int(match["whole"].lstrip("0") or 0) * unit + _fraction(match["fraction"], unit)
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


def unsigned(text: str) -> int | None:
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
            if match and (unescaped := _unescaped(match[0])) is not None:
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


def _unescaped(escape: str) -> str | None:
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
    number = unsigned(word)
    if number is not None:
        return str(number) if number <= 255 else None
    name = word[3:] if word.startswith("SIG") else word
    real_time = re.fullmatch(r"RTMIN(\+\d+)?|RTMAX(-\d+)?", name)
    return name if name in _SIGNALS.split() or real_time else None


_BLANKS = " \t\n\r"


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
        if text[at] == ";" and (at + 1 == len(text) or text[at + 1] in _BLANKS):
            return at + 1
        found = first_word(text, at)
        if found is None:
            return None
        at = found[1] if found[1] >= 0 else len(text)
    return at


def _program_refused(program: str) -> str:
    if not program:
        return "it names no program"
    if re.search("[\x00-\x1f\x7f\"'\\\\]", program):
        return f"`{program}` has a character that no program may have"
    if program.endswith("/"):
        return f"`{program}` is a folder"
    if not program.startswith("/") and ("/" in program or program in (".", "..")):
        return f"`{program}` is neither an absolute path nor a plain name"
    return ""
