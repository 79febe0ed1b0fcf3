"""The programs of others that the tests meet, and what becomes of a test when one is missing.

Nobody has to install SIPp to work on a mail template: on a person's machine a missing program is a skip that names
it. In CI (`CI=true`) it is a failure, so that a test which never runs cannot pass for one that holds.
"""

import os
import shutil
from typing import NoReturn

import pytest


def need(program: str) -> str:
    """The path of `program`; without it the test, or whatever fixture asks, is skipped, in CI failed."""
    path = shutil.which(program)
    if path is None:
        lacking(f"{program} is not installed")
    return path


def lacking(what: str) -> NoReturn:
    """Ends the test: something that it needs of this machine is not there. `what` says so, and is shown."""
    reason = f"{what}: make setup-peers installs what the tests need"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
