"""What the office remembers, in life order.

Facts are rows: a claim is decided when a Decision exists. A `stage` column is a cache of the
last fact, changed only by `move` (compare-and-set) in the same transaction. Money is whole fen.
`ADD_ONLY` names the tables whose rows the database itself never lets change.

The tables stand in `tables/`, a file per banner; everybody imports them from here.
"""

from huigong.tables.audit import AuditEvent
from huigong.tables.base import Base, JsonField, KeyField, PlanField, Sealed, begins
from huigong.tables.claims import Claim, ClaimEvent, Decision, Document, Payout, PayoutBatch, Stay
from huigong.tables.cover import (
    DraftEdition,
    Edition,
    Enrollment,
    Roster,
    RosterEvent,
    RosterJob,
    RosterRow,
    Scheme,
)
from huigong.tables.listings import (
    Attraction,
    Departure,
    Listing,
    Measure,
    Notice,
    Program,
    Route,
    Station,
    Stop,
)
from huigong.tables.money import (
    AccountName,
    Due,
    DueStanding,
    Income,
    IncomeReversal,
    Journal,
    Payment,
    PaymentReversal,
    Posting,
    Receipt,
    ReceiptVoid,
    Refund,
    RefundReversal,
    Reminder,
    Statement,
    StatementLayout,
    StatementLine,
    TopUp,
    Transfer,
    TransferItem,
    TransferReversal,
    Undoing,
)
from huigong.tables.moves import (
    AgeProof,
    ColumnMeaning,
    Leaving,
    Opening,
    OperatorAnswer,
    OperatorLayout,
    Relocation,
    Reorganization,
    StaffCount,
)
from huigong.tables.people import (
    Employment,
    FormKey,
    Grant,
    IdCorrection,
    Level,
    Member,
    OneTimeLink,
    Organization,
    Role,
    Session,
    UnitApplication,
    User,
)

__all__ = [
    "ADD_ONLY",
    "TABLES",
    "AccountName",
    "AgeProof",
    "Attraction",
    "AuditEvent",
    "Base",
    "Claim",
    "ClaimEvent",
    "ColumnMeaning",
    "Decision",
    "Departure",
    "Document",
    "DraftEdition",
    "Due",
    "DueStanding",
    "Edition",
    "Employment",
    "Enrollment",
    "FormKey",
    "Grant",
    "IdCorrection",
    "Income",
    "IncomeReversal",
    "Journal",
    "JsonField",
    "KeyField",
    "Leaving",
    "Level",
    "Listing",
    "Measure",
    "Member",
    "Notice",
    "OneTimeLink",
    "Opening",
    "OperatorAnswer",
    "OperatorLayout",
    "Organization",
    "Payment",
    "PaymentReversal",
    "Payout",
    "PayoutBatch",
    "PlanField",
    "Posting",
    "Program",
    "Receipt",
    "ReceiptVoid",
    "Refund",
    "RefundReversal",
    "Relocation",
    "Reminder",
    "Reorganization",
    "Role",
    "Roster",
    "RosterEvent",
    "RosterJob",
    "RosterRow",
    "Route",
    "Scheme",
    "Sealed",
    "Session",
    "StaffCount",
    "Statement",
    "StatementLayout",
    "StatementLine",
    "Station",
    "Stay",
    "Stop",
    "TopUp",
    "Transfer",
    "TransferItem",
    "TransferReversal",
    "Undoing",
    "UnitApplication",
    "User",
    "begins",
]

TABLES = [
    model
    for model in globals().values()
    if isinstance(model, type)
    and issubclass(model, Base)
    and model not in (Base, Sealed, Listing, Undoing)
]
ADD_ONLY = [
    model._meta.table_name
    for model in (
        Leaving,
        Reorganization,
        Due,
        Payment,
        PaymentReversal,
        Income,
        IncomeReversal,
        Refund,
        RefundReversal,
        Receipt,
        ReceiptVoid,
        Transfer,
        TransferItem,
        TransferReversal,
        Reminder,
        Journal,
        Posting,
        ClaimEvent,
        Decision,
        AuditEvent,
    )
]
