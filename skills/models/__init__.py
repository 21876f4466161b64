from skills.models.comment import (
    CommentDecision,
    CommentReport,
    ReportKind,
    ReportStatus,
    SkillComment,
)
from skills.models.embedding import SkillEmbedding
from skills.models.gate import QualityGate, ReservedSlug
from skills.models.hold import HoldKind, SkillHold
from skills.models.leaderboard import Board, Leaderboard, LeaderboardEntry, Window
from skills.models.listing import SkillListing, SkillSearch
from skills.models.skill import (
    Badge,
    ModerationStatus,
    Skill,
    SkillAlias,
    SkillBadge,
    SkillTag,
)
from skills.models.stats import (
    CategoryTotal,
    DownloadMark,
    EventKind,
    ListedChange,
    SiteTotals,
    SkillDailyStat,
    SkillHourlyStat,
    SkillInstall,
    SkillStar,
    SkillTotal,
    StatEvent,
)
from skills.models.transfer import SkillTransfer, TransferState
from skills.models.upload import UploadTicket
from skills.models.version import (
    HOLDING,
    Blob,
    Decided,
    ScanState,
    SkillFile,
    SkillVersion,
    VersionFingerprint,
    VersionSource,
)

__all__ = [
    "HOLDING",
    "Badge",
    "Blob",
    "Board",
    "CategoryTotal",
    "CommentDecision",
    "CommentReport",
    "Decided",
    "DownloadMark",
    "EventKind",
    "HoldKind",
    "Leaderboard",
    "LeaderboardEntry",
    "ListedChange",
    "ModerationStatus",
    "QualityGate",
    "ReportKind",
    "ReportStatus",
    "ReservedSlug",
    "ScanState",
    "SiteTotals",
    "Skill",
    "SkillAlias",
    "SkillBadge",
    "SkillComment",
    "SkillDailyStat",
    "SkillEmbedding",
    "SkillFile",
    "SkillHold",
    "SkillHourlyStat",
    "SkillInstall",
    "SkillListing",
    "SkillSearch",
    "SkillStar",
    "SkillTag",
    "SkillTotal",
    "SkillTransfer",
    "SkillVersion",
    "StatEvent",
    "TransferState",
    "UploadTicket",
    "VersionFingerprint",
    "VersionSource",
    "Window",
]
