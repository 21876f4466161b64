"""Which handles are too much alike: one key for what a hurried reader takes for one name.

The key exists twice, for a text and for a column with its index; a test compares them.
"""

from __future__ import annotations

from django.db.models import CharField, Func, Value
from django.db.models.functions import Replace

_OTHERS = "[^a-z0-9]"
_FROM, _TO = "01l", "oii"


def look_of(handle: str) -> str:
    """Return the same key for handles that look alike: `ada-l0vel` and `adalovei`."""
    letters = "".join(letter for letter in handle if letter.isascii() and letter.isalnum())
    return letters.translate(str.maketrans(_FROM, _TO)).replace("rn", "m")


def look_column(name: str) -> Func:
    """Return the same key as an expression over a column of handles."""
    text = CharField()
    bare = Func(
        name, Value(_OTHERS), Value(""), Value("g"), function="regexp_replace", output_field=text
    )
    same = Func(bare, Value(_FROM), Value(_TO), function="translate", output_field=text)
    return Replace(same, Value("rn"), Value("m"), output_field=text)
