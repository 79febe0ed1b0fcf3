"""`mail2fax run`: the gateway, until it is told to stop."""

import asyncio

from mail2fax import daemon
from mail2fax.cli.options import ConfigOption, fail, read_config


def run(config: ConfigOption = None) -> None:
    """Run the gateway in the foreground; SIGTERM or ctrl-C stops it when the calls under way are done.

    A second SIGTERM or ctrl-C hangs them up.
    """
    settings = read_config(config)
    try:
        asyncio.run(daemon.run(settings))
    except daemon.CannotStart as error:
        fail(str(error))
