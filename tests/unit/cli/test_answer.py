"""`mail2fax answer` says what is wrong before it opens anything."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command


@pytest.mark.parametrize("listen", ["5070", "127.0.0.1", "127.0.0.1:", ":5070", "127.0.0.1:sip"])
def test_an_address_without_host_or_port_is_refused(mail2fax: Command, tmp_path: Path, listen: str) -> None:
    result = mail2fax("answer", "--listen", listen, "--out", tmp_path / "received")
    assert result.exit_code == 1
    assert f"--listen wants HOST:PORT, such as 127.0.0.1:5070, not '{listen}'" in result.stderr
    assert not (tmp_path / "received").exists()


@pytest.mark.parametrize("listen", ["127.0.0.1:65536", "127.0.0.1:٣"])
def test_a_port_that_is_none_is_refused(mail2fax: Command, tmp_path: Path, listen: str) -> None:
    """Trap: other digits than ASCII are digits to Python, and ports end at 65535."""
    result = mail2fax("answer", "--listen", listen, "--out", tmp_path / "received")
    assert result.exit_code == 1
    assert "--listen wants HOST:PORT" in result.stderr
