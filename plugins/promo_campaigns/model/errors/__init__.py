"""Every error the product raises, in one tree.

    PromoError
    ├── ConfigurationError            a setting, connection or parameter is wrong
    │   ├── DatabaseNotFoundError     no DSN given and none to be found
    │   ├── CannotCarryError          a message does not fit its transport
    │   ├── SettingError              a setting of a workflow is wrong
    │   └── DefinitionError           a workflow, message, data source or audience file is wrong
    ├── DatabaseUnavailableError      the store does not answer
    ├── TemplateError                 a Velocity template
    │   ├── TemplateSyntaxError       cannot be compiled
    │   ├── TemplateRenderError       cannot be rendered for this contact
    │   └── LimitExceededError        asked for more steps, depth or output than it may have
    ├── FileError                     a file somebody wrote is wrong
    │   ├── DefinitionError           (as above)
    │   └── CodeFileError             a code file cannot be loaded
    │       ├── CodeFileRejectedError strict, and a row was rejected
    │       └── ContactFileError      a contact file cannot be loaded
    ├── UnknownCodeFileError          there is no such code file
    ├── ContactError                  a contact's values cannot be stored
    ├── StoreError                    the database refused a statement
    │   └── StoreUnavailableError     it does not answer now, or other writers were faster
    │       └── ContactHeldError      another transaction holds the row to be written
    ├── LedgerError
    │   ├── RunUnknownError           there is no such run
    │   ├── RunSpecChangedError       the occurrence was started with another definition
    │   ├── RunNotFinishedError       a run cannot be closed yet
    │   ├── RunClosedError            a closed run may not be run again
    │   ├── RunCancelledError         a person cancelled the run
    │   ├── RepeatedRunError          the same was opened minutes ago
    │   ├── RestoredRunError          it may have been sent before the store was restored
    │   ├── StartRefusedError         a preview found that Start will not open the run
    │   ├── NotApprovedError          a person is to approve the run first
    │   ├── HeldUpError               contacts can be worked on only later
    │   │   ├── LeaseHeldError        another worker holds them, or did until it was killed
    │   │   ├── QuietHoursError       they are in their quiet hours
    │   │   ├── FirstShareError       the run goes to a first share before them
    │   │   └── RunHaltedError        the run is paused, or all sending is stopped
    │   ├── InvariantBrokenError      the ledger contradicts itself
    │   ├── PoolShortageError         fewer codes in stock than contacts
    │   │   └── StockAwaitedError     and the run is to wait for more
    │   └── LedgerConflictError       what XCom says and what the ledger says differ
    ├── SendError                     a receiver could not be used as it is set up
    │   ├── CallRefusedError          a transport's call, for what may be the fault of one of its messages
    │   ├── ReceiverRefusesError      every call is refused, and no waiting helps
    │   └── ReceiverUnavailableError  worth trying again later
    ├── ServerError                   the embedded Postgres
    └── DemoError                     bin/demo

Messages say what happened, where, and what to do. They never hold an address, a token or an unmasked code.
"""

from promo_campaigns.model.errors.base import (
    DemoError,
    PromoError,
)
from promo_campaigns.model.errors.configuration import (
    CannotCarryError,
    ConfigurationError,
    DatabaseNotFoundError,
    SettingError,
)
from promo_campaigns.model.errors.files import (
    CodeFileError,
    CodeFileRejectedError,
    ContactError,
    ContactFileError,
    DefinitionError,
    FileError,
    UnknownCodeFileError,
)
from promo_campaigns.model.errors.ledger import (
    FirstShareError,
    HeldUpError,
    InvariantBrokenError,
    LeaseHeldError,
    LedgerConflictError,
    LedgerError,
    NotApprovedError,
    PoolShortageError,
    QuietHoursError,
    RepeatedRunError,
    RestoredRunError,
    RunCancelledError,
    RunClosedError,
    RunHaltedError,
    RunNotFinishedError,
    RunSpecChangedError,
    RunUnknownError,
    StartRefusedError,
    StockAwaitedError,
)
from promo_campaigns.model.errors.sending import (
    CallRefusedError,
    ReceiverRefusesError,
    ReceiverUnavailableError,
    SendError,
)
from promo_campaigns.model.errors.store import (
    ContactHeldError,
    DatabaseUnavailableError,
    ServerError,
    StoreError,
    StoreUnavailableError,
)
from promo_campaigns.model.errors.templates import (
    LimitExceededError,
    TemplateError,
    TemplateRenderError,
    TemplateSyntaxError,
)

__all__ = [
    "CallRefusedError",
    "CannotCarryError",
    "CodeFileError",
    "CodeFileRejectedError",
    "ConfigurationError",
    "ContactError",
    "ContactFileError",
    "ContactHeldError",
    "DatabaseNotFoundError",
    "DatabaseUnavailableError",
    "DefinitionError",
    "DemoError",
    "FileError",
    "FirstShareError",
    "HeldUpError",
    "InvariantBrokenError",
    "LeaseHeldError",
    "LedgerConflictError",
    "LedgerError",
    "LimitExceededError",
    "NotApprovedError",
    "PoolShortageError",
    "PromoError",
    "QuietHoursError",
    "ReceiverRefusesError",
    "ReceiverUnavailableError",
    "RepeatedRunError",
    "RestoredRunError",
    "RunCancelledError",
    "RunClosedError",
    "RunHaltedError",
    "RunNotFinishedError",
    "RunSpecChangedError",
    "RunUnknownError",
    "SendError",
    "ServerError",
    "SettingError",
    "StartRefusedError",
    "StockAwaitedError",
    "StoreError",
    "StoreUnavailableError",
    "TemplateError",
    "TemplateRenderError",
    "TemplateSyntaxError",
    "UnknownCodeFileError",
]
