"""The peers that integration tests of several rooms meet: each fixture is the path of a program."""

import pytest

from tests.harness.peers import need


@pytest.fixture(scope="session")
def sipp() -> str:
    """SIPp, which plays the far end of a SIP call by a scenario (Debian: sip-tester)."""
    return need("sipp")


@pytest.fixture(scope="session")
def tshark() -> str:
    """Wireshark's decoder (Debian: tshark)."""
    return need("tshark")
