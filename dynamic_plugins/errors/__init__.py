"""What can go wrong, as one tree of types that carry facts.

::

    PluginError                            internal_error
    ├── InputError                                             what was asked for: ask otherwise, or ask the person
    │   ├── UnknownPluginError             unknown_plugin
    │   ├── AmbiguousNameError             ambiguous_name
    │   ├── NotInstalledError              not_installed
    │   ├── AlreadyActiveError             already_active
    │   ├── NeedsConfirmationError         needs_confirmation
    │   │   ├── AskedOnPageError           needs_confirmation
    │   │   ├── UnlistedError              needs_confirmation
    │   │   └── WithheldError              needs_confirmation
    │   ├── DeclinedError                  declined
    │   │   └── ReachDeclinedError         declined
    │   ├── NeedsConfigurationError        needs_configuration
    │   │   └── NeedsSignInError           needs_configuration
    │   ├── UntrustedSourceError           untrusted_source
    │   │   └── SourceNotAllowedError      untrusted_source
    │   ├── PermissionDeniedError          permission_denied   (an ActionError too)
    │   │   └── NotRepeatedError           permission_denied
    │   ├── NotAllowedError                permission_denied
    │   │   └── RevokedError               permission_denied
    │   ├── OverLimitError                 over_limit
    │   │   └── DiskLimitError             over_limit
    │   ├── ProgramError                   program_failed
    │   ├── BadArgumentsError              bad_arguments
    │   ├── SourceError                    bad_arguments       (registry.sources)
    │   │   └── SourceListError            state_unavailable   (registry.sources; a StateError too)
    │   ├── BadRequestError                bad_arguments       (embedded.request)
    │   ├── UsageError                     wrong_usage
    │   ├── PinnedError                    pinned
    │   ├── NoVersionBeforeError           no_version_before
    │   ├── UnknownProfileError            unknown_profile
    │   ├── ProjectFileError               bad_project_file
    │   ├── NotLockedError                 not_locked
    │   ├── UnknownTenantError             unknown_tenant
    │   ├── TenantsFileError               bad_tenants_file
    │   ├── NotActiveError                 action_failed       (an ActionError too)
    │   └── UnknownActionError             action_failed       (an ActionError too)
    ├── UnavailableError                                       this machine, or what it reaches: mend it, or try later
    │   ├── UnavailableHereError           unavailable_here
    │   ├── StateError                     state_unavailable
    │   ├── SecretStoreError               secrets_unavailable
    │   ├── SignInError                    sign_in_failed
    │   ├── RegistryUnavailableError       registry_unavailable
    │   │   ├── FetchError                 registry_unavailable (registry.http)
    │   │   │   └── UnfinishedError        registry_unavailable (registry.http)
    │   │   └── NotARegistryError          registry_unavailable
    │   ├── ModelError                     model_unavailable
    │   └── ClosingError                   closing
    ├── PluginFaultError                                       the plugin itself: no other one is concerned
    │   ├── InstallError                   install_failed
    │   ├── LoadError                      load_failed
    │   │   ├── ChangedFilesError          load_failed
    │   │   ├── ComponentClashError        load_failed
    │   │   ├── ContractError              load_failed
    │   │   ├── OtherVersionError          load_failed
    │   │   └── UnreachableError           load_failed
    │   ├── ActionError                    action_failed
    │   │   └── WorkerDiedError            action_failed
    │   │       └── CallNotBegunError      action_failed
    │   └── PluginTimeoutError             timeout
    └── StepError                          internal_error

A caller catches a group, or one class, or all with the root. ``code`` is what a program branches on; ``docs/errors.md``
has their list. The text depends on who reads it: ``str(error)`` and :meth:`PluginError.for_person` speak to a person at
a terminal and name commands, :meth:`PluginError.for_model` and :meth:`PluginError.to_dict` speak to a model and name
tools. Both say what happened, to which plugin, and what to do next.

Not in the tree: ``InputNeededError`` and ``ConsentNeededError`` of the integrations, which carry a question out to a
client and are no failures; ``UnseenChangesError``, by which an update goes back to ask; ``BadEntryError``, which
never leaves the registry's readers; ``UnsafeAddressError`` and its like, which never leave ``oauth/``;
``ActorGoneError``, ``ActorSilentError`` and ``ForgottenCallError``, which never leave ``workers/fleet/``;
``NetworkRefusedError`` of the recorded conversations, which has to look like a network that fails; and what runs in a
plugin's own process, where nothing of ours but the worker is installed.
"""

from __future__ import annotations

from dynamic_plugins.errors.consent_errors import (
    PERMISSION_LENGTH,
    AskedOnPageError,
    DeclinedError,
    NeedsConfigurationError,
    NeedsConfirmationError,
    NeedsSignInError,
    NotAllowedError,
    NotRepeatedError,
    PermissionDeniedError,
    PermissionKind,
    ReachDeclinedError,
    RevokedError,
    SourceNotAllowedError,
    UnlistedError,
    UntrustedSourceError,
    WithheldError,
    grant_command,
    permission_denied,
)
from dynamic_plugins.errors.error_root import (
    InputError,
    PluginError,
    PluginFaultError,
    StepError,
    UnavailableError,
    to_a_model,
)
from dynamic_plugins.errors.fault_errors import (
    ActionError,
    CallNotBegunError,
    ChangedFilesError,
    ComponentClashError,
    ContractError,
    InstallError,
    LoadError,
    OtherVersionError,
    PluginTimeoutError,
    UnreachableError,
    WorkerDiedError,
)
from dynamic_plugins.errors.machine_errors import (
    ClosingError,
    ModelError,
    NotARegistryError,
    RegistryUnavailableError,
    SecretStoreError,
    SignInError,
    StateError,
    UnavailableHereError,
)
from dynamic_plugins.errors.request_errors import (
    AlreadyActiveError,
    AmbiguousNameError,
    BadArgumentsError,
    DiskLimitError,
    NotActiveError,
    NotInstalledError,
    NotLockedError,
    NoVersionBeforeError,
    OverLimitError,
    PinnedError,
    ProgramError,
    ProjectFileError,
    TenantsFileError,
    UnknownActionError,
    UnknownPluginError,
    UnknownProfileError,
    UnknownTenantError,
    UsageError,
)

__all__ = [
    "PERMISSION_LENGTH",
    "ActionError",
    "AlreadyActiveError",
    "AmbiguousNameError",
    "AskedOnPageError",
    "BadArgumentsError",
    "CallNotBegunError",
    "ChangedFilesError",
    "ClosingError",
    "ComponentClashError",
    "ContractError",
    "DeclinedError",
    "DiskLimitError",
    "InputError",
    "InstallError",
    "LoadError",
    "ModelError",
    "NeedsConfigurationError",
    "NeedsConfirmationError",
    "NeedsSignInError",
    "NoVersionBeforeError",
    "NotARegistryError",
    "NotActiveError",
    "NotAllowedError",
    "NotInstalledError",
    "NotLockedError",
    "NotRepeatedError",
    "OtherVersionError",
    "OverLimitError",
    "PermissionDeniedError",
    "PermissionKind",
    "PinnedError",
    "PluginError",
    "PluginFaultError",
    "PluginTimeoutError",
    "ProgramError",
    "ProjectFileError",
    "ReachDeclinedError",
    "RegistryUnavailableError",
    "RevokedError",
    "SecretStoreError",
    "SignInError",
    "SourceNotAllowedError",
    "StateError",
    "StepError",
    "TenantsFileError",
    "UnavailableError",
    "UnavailableHereError",
    "UnknownActionError",
    "UnknownPluginError",
    "UnknownProfileError",
    "UnknownTenantError",
    "UnlistedError",
    "UnreachableError",
    "UntrustedSourceError",
    "UsageError",
    "WithheldError",
    "WorkerDiedError",
    "grant_command",
    "permission_denied",
    "to_a_model",
]
