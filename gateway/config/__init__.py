"""Configuration: every setting with its unit, its bounds and what it means, in one place.

A wrong setting of a program that moves money must stop its start, not its first payment. So every
variable `GATEWAY_*` is known, typed and bounded, the relations between them are one table, and
whatever breaks a rule is said in one sentence that names the variable and what is allowed.

    settings     Settings: the variables, and the relations between them
    core         those of the gateway itself
    channels     those of each channel
    fields       how a variable is written down
    environment  load_settings: from environment variables to Settings, or ConfigError
    address      Address: where a listener stands
    values       what the variables may hold, in words for people
    listing      the settings as text: a table for the README, and what is in force
"""

from gateway.config.address import Address
from gateway.config.environment import ConfigError, load_settings
from gateway.config.fields import variable
from gateway.config.listing import settings_listing, settings_table
from gateway.config.settings import Settings

__all__ = [
    "Address",
    "ConfigError",
    "Settings",
    "load_settings",
    "settings_listing",
    "settings_table",
    "variable",
]
