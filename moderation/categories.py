"""Why something was decided, in words for everybody: what the public log and its rules name."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
ABOUT_PATH: Final = "/about/moderation/"

# Keys are the classes of findings, and what is no finding. What else a decision bears is "other".
CATEGORIES: Final = {
    "credential-theft": (
        "Credential theft",
        "Reads keys, passwords or tokens that the skill has no use for.",
    ),
    "decoded-payload": (
        "Decoded payload",
        "Decodes a hidden text and runs what comes out of it.",
    ),
    "encoded-payload": (
        "Encoded payload",
        "Holds a command or a program in a spelling that nobody can read.",
    ),
    "exfiltration": ("Exfiltration", "Sends data of its users to somebody else."),
    "exposed-secret": ("Exposed secret", "Holds a key or a password of its author."),
    "fake-prerequisite": (
        "Fake prerequisite",
        "Has people install something from a place that nobody can check.",
    ),
    "hidden-text": ("Hidden text", "Holds text that a person cannot see and a model reads."),
    "known-malware": ("Known malware", "Holds a file that many virus scanners know as malware."),
    "antivirus-alarm": ("Antivirus alarm", "Holds a file that some virus scanners object to."),
    "look-alike": ("Look-alike", "Can be taken for the skill of somebody else."),
    "paste-site": ("Paste site", "Takes instructions or code from a page that anybody can change."),
    "persistence": ("Persistence", "Settles on the machine, to run again without being asked."),
    "prompt-injection": (
        "Prompt injection",
        "Gives agents orders that go against the people they work for.",
    ),
    "protected-archive": ("Protected archive", "Hides files behind a password."),
    "remote-code": ("Remote code", "Fetches a program and runs it at once."),
    "reverse-shell": ("Reverse shell", "Opens the machine to somebody far away."),
    "unexpected-file": ("Unexpected file", "Holds a program or an archive among its texts."),
    "unfinished": ("Not examined", "Holds a file that no scan could read to its end."),
    "wallet-theft": ("Wallet theft", "Goes for wallets, or for the words that restore them."),
    "reports": ("Reports", "Several people reported it."),
    "quality": ("Quality", "Says too little for anybody to use it."),
    OTHER: ("Other", "A reason that is none of these; the author was told which."),
}


def known(category: str) -> str:
    """Return the key of a category that may be shown; "" for none at all."""
    return category if category in CATEGORIES or not category else OTHER


def label(category: str) -> str:
    """Return what a category is called; "" for none."""
    return CATEGORIES[known(category)][0] if category else ""


def url(category: str) -> str:
    """Return where a category is explained; "" for none."""
    return f"{ABOUT_PATH}#reason-{known(category)}" if category else ""
