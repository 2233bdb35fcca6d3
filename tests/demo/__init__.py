"""The story that `make demo` tells with real processes."""
