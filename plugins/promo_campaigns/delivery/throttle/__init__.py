"""How fast and whether a receiver is called: rate limiter, circuit breaker, concurrency; shared by all workers."""

__all__ = ["breaker_store", "rate_limit", "rate_limit_store"]
