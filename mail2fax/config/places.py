"""Where a gateway of this configuration keeps its things: what another process needs to find them."""

from pathlib import Path

from mail2fax.config.root import Config

DATABASE = "mail2fax.db"
CONTROL_SOCKET = "control.sock"
DOMAINS = "domains"


def database(config: Config) -> Path:
    """Where the jobs are kept."""
    return config.gateway.data_dir / DATABASE


def control_socket(config: Config) -> Path:
    """Where the running gateway takes orders from the command line."""
    return Path(config.gateway.run_dir or config.gateway.data_dir) / CONTROL_SOCKET


def domains(config: Config) -> Path:
    """Where the files of the tenants are."""
    return config.gateway.data_dir / DOMAINS
