"""Secrets that are known by their own look: tokens of services, JSON web tokens, private keys.

Every pattern begins with its literal, so that a search runs at the speed of a search for a word,
and none can be quadratic: what follows the literal is either of bounded length, or one run of
characters that a failed try never reads twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_KEY_BLOCK: Final = 16_384
"""How far the END of a private key is looked for, in characters."""

_WORD: Final = "[A-Za-z0-9]"
_DASHED: Final = "[A-Za-z0-9_-]"


@dataclass(frozen=True)
class Shape:
    """One service's tokens: the texts they begin with, and what must follow.

    `loose` is what a prefilter asks of the raw bytes: a part of `rest` that JSON never escapes.
    `whole` are the characters that may not stand before a token; none where `rest` looks back.
    """

    rule: str
    starts: tuple[str, ...]
    rest: str
    loose: str
    whole: str = _WORD

    def pattern(self, start: str) -> re.Pattern[str]:
        literal = re.escape(start)
        if not self.whole:
            return re.compile(literal + self.rest)
        # `\n` spelled out before a token is the end of a line in quoted text, not a letter.
        edge = rf"(?:(?<!{self.whole}{literal})|(?<=\\[nrt]{literal}))"
        return re.compile(f"{literal}{edge}{self.rest}")

    def loose_pattern(self, start: str) -> re.Pattern[bytes]:
        return re.compile(f"{re.escape(start)}{self.loose}".encode())


def _run(
    rule: str, starts: str, at_least: int, of: str = _WORD, *, end: bool = False, to: str = ""
) -> Shape:
    """Return a shape whose rest is one run of at least so many characters, or so many to `to`."""
    length = f"{{{at_least},{to}}}" if not end else f"{{{at_least}}}"
    rest = f"{of}{length}+" + (f"(?!{_DASHED})" if end else "")
    return Shape(rule, tuple(starts.split()), rest, f"{of}{{{at_least}}}")


# A digit somewhere tells a token from a long name; the edge is as wide as the run, so that a run is
# looked through once.
_NUMBERED: Final = rf"(?={_DASHED}*[0-9])"

SHAPES: Final = (
    _run("aws.access-key", "AKIA ASIA ABIA ACCA", 16, "[A-Z0-9]", end=True),
    _run("github.token", "ghp_ gho_ ghu_ ghs_ ghr_", 36),
    _run("github.token", "github_pat_", 22, "[A-Za-z0-9_]"),
    _run("gitlab.token", "glpat- gldt- glrt- glptt- glcbt- glft- glimt- glsoat-", 20, _DASHED),
    _run("stripe.key", "sk_live_ sk_test_ rk_live_ rk_test_", 16),
    _run("stripe.webhook", "whsec_", 24, "[A-Za-z0-9+/=]"),
    _run("anthropic.key", "sk-ant-", 20, _DASHED),
    Shape(
        "openai.key",
        ("sk-",),
        rf"(?:[0-9a-f]{{32}}(?!{_DASHED})|{_NUMBERED}(?={_DASHED}*[A-Z]){_DASHED}{{20,}}+)",
        rf"{_DASHED}{{20}}",
        _DASHED,
    ),
    _run("openrouter.key", "sk-or-v1-", 32, "[0-9a-f]"),
    _run("google.api-key", "AIza", 35, _DASHED, end=True),
    _run("google.oauth", "ya29.", 30, _DASHED),
    _run("google.oauth", "GOCSPX-", 20, _DASHED),
    _run(
        "slack.token", "xoxa- xoxb- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs- xapp-", 10, "[A-Za-z0-9.-]"
    ),
    Shape(
        "slack.webhook",
        ("hooks.slack.com",),
        r"(?P<kept>/(?:services|workflows|triggers)/)[A-Za-z0-9/_-]{16,}+",
        r"\\?/",
    ),
    Shape(
        "discord.webhook",
        ("discord.com", "discordapp.com"),
        r"(?P<kept>/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{15,22}/)[A-Za-z0-9_-]{40,}+",
        r"\\?/api",
    ),
    Shape(
        "discord.bot",
        ("Bot ", 'login("', "login('"),
        rf"{_DASHED}{{23,30}}\.{_DASHED}{{6}}\.{_DASHED}{{27,}}+",
        rf"{_DASHED}{{23}}",
    ),
    Shape(
        "discord.bot",
        ('login(\\"',),
        rf"{_DASHED}{{23,30}}\.{_DASHED}{{6}}\.{_DASHED}{{27,}}+",
        rf"{_DASHED}{{23}}",
    ),
    _run("npm.token", "npm_", 36),
    _run("pypi.token", "pypi-AgE", 40, _DASHED),
    _run("huggingface.token", "hf_ api_org_", 30),
    _run("vercel.token", "vcp_ vci_ vca_ vcr_ vck_", 24),
    _run("supabase.key", "sbp_", 40, "[0-9a-f]"),
    _run("supabase.key", "sb_secret_", 20, _DASHED),
    Shape(
        "skillboard.token",
        ("trk_", "skb_", "sks_"),
        rf"{_NUMBERED}{_DASHED}{{16,}}+",
        rf"{_DASHED}{{16}}",
        _DASHED,
    ),
    Shape("sendgrid.key", ("SG.",), rf"{_DASHED}{{16,64}}\.{_DASHED}{{16,}}+", rf"{_DASHED}{{16}}"),
    _run(
        "twilio.key",
        " ".join(f"SK{digit}" for digit in "0123456789abcdef"),
        31,
        "[0-9a-f]",
        end=True,
    ),
    Shape(
        "telegram.bot",
        (":AA",),
        rf"(?<=[0-9]{{8}}:AA){_DASHED}{{33}}(?!{_DASHED})",
        f"{_DASHED}{{33}}",
        "",
    ),
    _run("digitalocean.token", "dop_v1_ doo_v1_ dor_v1_", 40, "[0-9a-f]"),
    _run("shopify.token", "shpat_ shpss_ shpca_ shppa_", 32, "[0-9a-fA-F]"),
    _run("linear.key", "lin_api_", 32),
    _run("notion.token", "ntn_", 40),
    _run("groq.key", "gsk_", 40),
    _run("xai.key", "xai-", 60),
    _run("replicate.token", "r8_", 37),
    _run("perplexity.key", "pplx-", 40),
    _run("sentry.token", "sntrys_ sntryu_", 40, "[A-Za-z0-9_+/=-]"),
    _run("grafana.token", "glsa_ glc_", 32, "[A-Za-z0-9_+/=]"),
    _run("posthog.key", "phx_", 40),
    _run("tailscale.key", "tskey-", 20, "[A-Za-z0-9-]"),
    _run("atlassian.token", "ATATT3", 60, "[A-Za-z0-9_=-]"),
    _run("age.key", "AGE-SECRET-KEY-1", 58, "[A-Z0-9]"),
    Shape(
        "jwt",
        ("eyJ",),
        rf"{_DASHED}{{10,}}+\.eyJ{_DASHED}{{8,}}+(?:\.{_DASHED}*+)?",
        rf"{_DASHED}{{10}}",
        _DASHED,
    ),
)

_PLACEHOLDER: Final = re.compile(r"(?i)example|xxxx|\*\*\*|\.\.\.|your|placeholder|redacted")
_FEWEST_CHARACTERS: Final = 6


def is_placeholder(token: str) -> bool:
    """Say whether a text in the shape of a token only shows the shape: `ghp_xxxx…`, `EXAMPLE`."""
    head = token[:256]
    return len(set(head)) < _FEWEST_CHARACTERS or _PLACEHOLDER.search(head) is not None


KEY_BLOCK_START: Final = "PRIVATE KEY"
KEY_BLOCK_LOOSE: Final = re.compile(rb"PRIVATE KEY(?: BLOCK)?-----")
_KEY_HEAD: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_TAIL: Final = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE: Final = re.compile(r"[A-Za-z0-9+/=]{16}")
# A key cut off: lines of base 64, behind line numbers, quotes or comment marks as they come.
_KEY_BODY: Final = re.compile(
    r"(?:[^A-Za-z0-9+/=]{0,16}(?:[0-9]{1,6}[^A-Za-z0-9+/=]{1,4})?[A-Za-z0-9+/]{16,}+={0,2})+"
    r"(?:[\s\\]{1,4}n?[A-Za-z0-9+/]{1,64}={0,2}(?=\s*\Z))?"
)
_KEY_HEADERS: Final = re.compile(
    r"(?:(?:\\[nr]|[\s>|#])*(?:Proc-Type|DEK-Info|Version|Comment|Hash): [^\r\n\\]{0,200}){0,5}"
)


def key_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield where private keys stand, from BEGIN to END, or to the last line of one cut off.

    A head without a key behind it, as code has it that looks for one, is none.
    """
    done = 0
    while (head := _KEY_HEAD.search(text, done)) is not None:
        done = head.end()
        # The next dashes end the search: of many heads without an end each reads its own part.
        dashes = text.find("-----", done, done + LONGEST_KEY_BLOCK)
        tail = _KEY_TAIL.match(text, dashes) if dashes >= 0 else None
        if tail is not None:
            if _KEY_LINE.search(text, done, dashes):
                done = tail.end()
                yield head.start(), done
            continue
        limit = dashes if dashes >= 0 else len(text)
        headers = _KEY_HEADERS.match(text, done, limit)
        begin = headers.end() if headers else done
        body = _KEY_BODY.match(text, begin, limit)
        if body is not None:
            done = body.end()
            yield head.start(), done
