"""What an answer costs: tokens times price, with what was cached at its own rate."""

from refold.eventlog.settings import Price
from refold.eventlog.usage import Usage

_MILLION = 1_000_000


def cost_usd(usage: Usage, price: Price | None) -> float | None:
    """Return the cost in USD, or None when the price is unknown: never zero for want of knowing."""
    if price is None:
        return None
    cached = price.prompt if price.cached is None else price.cached
    written = price.prompt if price.cache_written is None else price.cache_written
    fresh = max(0, usage.prompt - usage.cached - usage.cache_written)
    return (
        fresh * price.prompt
        + usage.cached * cached
        + usage.cache_written * written
        + usage.completion * price.completion
    ) / _MILLION
