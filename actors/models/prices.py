"""What models cost: a small table of well-known ones, which the user's configuration extends."""

import re
from collections.abc import Mapping

from refold.eventlog.settings import Price


def _openai(prompt: float, completion: float, cached: float, written: float | None = None) -> Price:
    return Price(prompt, completion, cached=cached, cache_written=written)


def _anthropic(prompt: float, completion: float, cached: float | None = None) -> Price:
    """Return a price whose cache is read at a tenth of a prompt's, and written at a quarter more."""
    return Price(
        prompt, completion, cached=prompt / 10 if cached is None else cached, cache_written=prompt * 1.25
    )


PRICES: Mapping[str, Price] = {
    # The providers' standard rates, without what they add for very long prompts. A model whose price
    # jumps within the length of an ordinary session is left out: unknown is better than wrong.
    "openai/gpt-6.2-sol": _openai(2.0, 10.0, 0.1, 2.5),
    "openai/gpt-6.1-sol": _openai(2.0, 10.0, 0.1, 2.5),
    "openai/gpt-6.1-terra": _openai(1.0, 5.0, 0.05, 1.25),
    "openai/gpt-6-astra": _openai(10.0, 50.0, 1.0),
    "openai/gpt-6-sol": _openai(2.0, 10.0, 0.2, 2.5),
    "openai/gpt-6-luna": _openai(0.1, 0.5, 0.01, 0.125),
    "openai/gpt-5.6-sol": _openai(4.0, 20.0, 0.4),
    "openai/gpt-5.6-terra": _openai(2.0, 12.0, 0.2),
    "openai/gpt-5.6-luna": _openai(0.2, 1.2, 0.02),
    "openai/gpt-5.5": _openai(5.0, 30.0, 0.5),
    "openai/gpt-5.4": _openai(2.5, 15.0, 0.25),
    "openai/gpt-5.4-mini": _openai(0.75, 4.5, 0.075),
    "openai/gpt-5.2": _openai(1.75, 14.0, 0.175),
    "openai/gpt-5.1": _openai(1.25, 10.0, 0.125),
    "openai/gpt-5": _openai(1.25, 10.0, 0.125),
    "openai/gpt-5-mini": _openai(0.25, 2.0, 0.025),
    "openai/gpt-5-nano": _openai(0.05, 0.4, 0.005),
    "openai/gpt-4.1": _openai(2.0, 8.0, 0.5),
    "openai/gpt-4.1-mini": _openai(0.4, 1.6, 0.1),
    "openai/gpt-4.1-nano": _openai(0.1, 0.4, 0.025),
    "openai/gpt-4o": _openai(2.5, 10.0, 1.25),
    "openai/gpt-4o-mini": _openai(0.15, 0.6, 0.075),
    "openai/o3": _openai(2.0, 8.0, 0.5),
    "openai/o3-mini": _openai(1.1, 4.4, 0.55),
    "openai/o4-mini": _openai(1.1, 4.4, 0.275),
    "anthropic/claude-fable-5-1": _anthropic(10.0, 50.0, 0.25),
    "anthropic/claude-fable-5": _anthropic(10.0, 50.0),
    "anthropic/claude-opus-5-5": _anthropic(4.0, 20.0, 0.2),
    "anthropic/claude-opus-5": _anthropic(5.0, 25.0),
    "anthropic/claude-opus-4-8": _anthropic(5.0, 25.0),
    "anthropic/claude-opus-4-7": _anthropic(5.0, 25.0),
    "anthropic/claude-opus-4-6": _anthropic(5.0, 25.0),
    "anthropic/claude-opus-4-5": _anthropic(5.0, 25.0),
    "anthropic/claude-sonnet-5-5": _anthropic(2.0, 10.0, 0.1),
    "anthropic/claude-sonnet-5": _anthropic(2.0, 10.0),
    "anthropic/claude-sonnet-4-6": _anthropic(3.0, 15.0),
    "anthropic/claude-sonnet-4-5": _anthropic(3.0, 15.0),
    "anthropic/claude-haiku-4-5": _anthropic(1.0, 5.0),
}

_DATED = re.compile(r"[-@](latest|\d{8}|\d{4}-\d{2}-\d{2})$")


def price_of(model: str) -> Price | None:
    """Return what `model` costs, or None if nobody said.

    A date or `latest` at the end of a name is a release of the model, at the model's price.
    """
    return own_price(model, PRICES)


def own_price(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Return what `model` costs by this table, for instance the user's own; None if it does not say."""
    return prices.get(model) or prices.get(_DATED.sub("", model))
