"""Group commit: what many callers want written at the same time becomes one transaction."""
