"""One daemon and one far end for all scenarios that fit beside each other, and the logs of a test that failed."""

import asyncio
from collections.abc import Generator

import pytest

from tests.acceptance.scenarios import Record, play
from tests.harness.logged import logs


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Everything that was sent, dialled, written down and answered in the one long run."""
    return asyncio.run(play(tmp_path_factory.mktemp("acceptance")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is read best beside what the processes said."""
    report = yield
    if report.failed:
        report.sections.extend((f"log of process {name}", text) for name, text in logs().items())
    return report
