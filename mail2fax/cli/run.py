"""`mail2fax run`: the gateway, until it is told to stop."""

import asyncio

from mail2fax import daemon
from mail2fax.cli.options import ConfigOption, config_file, fail, read_config
from mail2fax.config import load
from mail2fax.foundation import CannotStart


def run(config: ConfigOption = None) -> None:
    """Run the gateway in the foreground; SIGTERM or ctrl-C stops it when the calls under way are done.

    A second SIGTERM or ctrl-C hangs them up. SIGHUP takes a changed configuration and opens the log file anew.
    """
    settings = read_config(config, secrets=True)
    path = config_file(config)
    try:
        asyncio.run(daemon.run(settings, lambda: load(path)))
    except CannotStart as error:
        fail(str(error))
