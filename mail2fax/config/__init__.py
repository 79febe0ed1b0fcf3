"""The configuration: one frozen model per section, in the order of `config.example.toml`.

It is read from a TOML file and from the environment (`MAIL2FAX_SMTP__PORT=2525` sets `smtp.port` and wins over
the file). A key that is not known, or a value that is not right, is a `ConfigError` that names the key, its line
or its environment variable, and what would be right.
"""

from mail2fax.config.errors import ConfigError
from mail2fax.config.root import CONFIG_VARIABLE, ENV_DELIMITER, ENV_PREFIX, Config, load

__all__ = ["CONFIG_VARIABLE", "ENV_DELIMITER", "ENV_PREFIX", "Config", "ConfigError", "load"]
