from skills.models.listing import SkillListing, SkillSearch
from skills.models.skill import (
    Badge,
    ModerationStatus,
    Skill,
    SkillAlias,
    SkillBadge,
    SkillTag,
)
from skills.models.version import (
    Blob,
    ScanState,
    SkillFile,
    SkillVersion,
    VersionFingerprint,
    VersionSource,
)

__all__ = [
    "Badge",
    "Blob",
    "ModerationStatus",
    "ScanState",
    "Skill",
    "SkillAlias",
    "SkillBadge",
    "SkillFile",
    "SkillListing",
    "SkillSearch",
    "SkillTag",
    "SkillVersion",
    "VersionFingerprint",
    "VersionSource",
]
