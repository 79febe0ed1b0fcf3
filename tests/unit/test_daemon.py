"""The small helpers of the daemon and of what it stands in."""

import asyncio
from pathlib import Path

import pytest

from mail2fax import daemon, foundation


def test_a_data_directory_that_cannot_be_made_is_told_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(foundation.CannotStart, match=r"Not a directory.*gateway\.data_dir"):
        foundation.directory(tmp_path / "file" / "data")


async def test_of_several_waits_the_first_that_is_over_ends_the_others() -> None:
    never = asyncio.Event()
    left: list[str] = []

    async def waits_for_ever() -> None:
        try:
            await never.wait()
        finally:
            left.append("ended")

    await daemon._first(waits_for_ever(), asyncio.sleep(0))
    assert left == ["ended"]
