"""Names of models as people write them: `claude-sonnet-4-5-20250929` is “Claude Sonnet 4.5”."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 80

_DATE: Final = re.compile(r"-(?:20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|latest)")
_CLAUDE: Final = re.compile(
    r"claude-(?P<family>opus|sonnet|haiku)-(?P<major>[0-9]{1,2})(?:-(?P<minor>[0-9]{1,2}))?"
)
_OLD_CLAUDE: Final = re.compile(
    r"claude-(?P<major>[0-9]{1,2})(?:-(?P<minor>[0-9]{1,2}))?-(?P<family>opus|sonnet|haiku)"
)
_GPT: Final = re.compile(
    r"gpt-(?P<version>[0-9]{1,2}(?:\.[0-9]{1,2})?o?)(?P<rest>(?:-[a-z]+){0,3})"
)
_GEMINI: Final = re.compile(
    r"gemini-(?P<version>[0-9]{1,2}(?:\.[0-9]{1,2})?)(?P<rest>(?:-[a-z]+){0,3})"
)


def model_name(model: str) -> str:
    """Return the name under which people know the model; one that is not known stays as it is."""
    if len(model) > LONGEST:
        return model
    bare = model.removesuffix("[1m]")
    date = _DATE.search(bare)
    if date is not None and date.end() == len(bare):
        bare = bare[: date.start()]
    if (claude := _CLAUDE.fullmatch(bare) or _OLD_CLAUDE.fullmatch(bare)) is not None:
        version = ".".join(filter(None, (claude["major"], claude["minor"])))
        return f"Claude {claude['family'].capitalize()} {version}"
    if (gpt := _GPT.fullmatch(bare)) is not None:
        return f"GPT-{gpt['version']}{_words(gpt['rest'])}"
    if (gemini := _GEMINI.fullmatch(bare)) is not None:
        return f"Gemini {gemini['version']}{_words(gemini['rest'])}"
    return model


def _words(rest: str) -> str:
    return rest.replace("-", " ").title()
