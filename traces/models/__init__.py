from traces.models.message import Kind, Message
from traces.models.summary import SummaryBudget, SummaryLog, SummarySettings
from traces.models.trace import TitleSource, Trace, VisibilitySource
from traces.summary_state import (
    SummaryError,
    SummaryGate,
    SummaryOutcome,
    SummaryState,
    SummaryTrigger,
)

__all__ = [
    "Kind",
    "Message",
    "SummaryBudget",
    "SummaryError",
    "SummaryGate",
    "SummaryLog",
    "SummaryOutcome",
    "SummarySettings",
    "SummaryState",
    "SummaryTrigger",
    "TitleSource",
    "Trace",
    "VisibilitySource",
]
