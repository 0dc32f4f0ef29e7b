"""The settings that systemd knows, by section.

Source: `systemd --dump-configuration-items` of systemd 252, and the NEWS of later releases up to 258 for the keys
that they add. A key that a release does not know yet is ignored by it, with a warning in the journal.
"""

from __future__ import annotations

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
