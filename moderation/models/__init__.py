from moderation.models.appeal import Appeal, AppealState
from moderation.models.decision import Action, Decision
from moderation.models.notice import Notice, NoticeKind
from moderation.models.reason import ReasonTemplate
from moderation.models.report import Report, ReportKind, ReportStatus
from moderation.models.review import ItemKind, ItemNote, ItemState, ReviewItem
from moderation.models.scan import (
    UNFINISHED,
    Finding,
    Scan,
    ScannerName,
    ScanPriority,
    ScanStatus,
)
from moderation.models.virustotal import VirusTotalReport

__all__ = [
    "UNFINISHED",
    "Action",
    "Appeal",
    "AppealState",
    "Decision",
    "Finding",
    "ItemKind",
    "ItemNote",
    "ItemState",
    "Notice",
    "NoticeKind",
    "ReasonTemplate",
    "Report",
    "ReportKind",
    "ReportStatus",
    "ReviewItem",
    "Scan",
    "ScanPriority",
    "ScanStatus",
    "ScannerName",
    "VirusTotalReport",
]
