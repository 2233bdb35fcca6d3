"""Work that time triggers: bounded, jittered loops that call use cases and hold no rule."""
