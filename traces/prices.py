"""What a call of a model costs. Prices are those bundled with genai-prices; no network."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import NamedTuple

MICROS = 1_000_000


class Price(NamedTuple):
    """Millionths of a US dollar for a million tokens, so tokens times price is a pico-dollar."""

    input: int
    output: int

    def of(self, input_tokens: int, output_tokens: int) -> int:
        """Return the cost in millionths of a US dollar, rounded up."""
        exact = Decimal(input_tokens * self.input + output_tokens * self.output) / MICROS
        return int(exact.to_integral_value(ROUND_CEILING))


DEMO_MODEL = "demo-model"
"""The model of `traces/demo/model_server.py`: it costs nothing, and is priced like a small one."""
_DEMO_PRICE = Price(150_000, 600_000)


@cache
def find_price(model: str) -> Price | None:
    """Return the price of an OpenAI model; None where none is known.

    A dated model, such as `gpt-4o-mini-2024-07-18`, has its family's price. Where a price has
    steps by length, the first one holds: a summary's text is bounded to a few thousand tokens.
    """
    if model == DEMO_MODEL:
        return _DEMO_PRICE
    # Half a second and a table of all models, which only who summarises needs.
    from genai_prices import Usage, calc_price

    def of(**usage: int) -> int:
        price = calc_price(Usage(**usage), model_ref=model, provider_id="openai").total_price
        return int((price * MICROS).to_integral_value(ROUND_CEILING))

    try:
        # Of a thousand tokens, and multiplied: a million would fall into the step of long texts.
        return Price(of(input_tokens=1_000) * 1_000, of(output_tokens=1_000) * 1_000)
    except LookupError:
        return None
