"""What dead engine processes have left."""

import os
from pathlib import Path

from mail2fax.engine.records import KEPT, keep_records


def test_what_a_dead_process_has_left_is_put_aside_under_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    assert keep_records(str(folder), None) == []
    assert folder.is_dir()
    (folder / "out-1.t30").write_bytes(b"1")
    (folder / "in-2.t30").write_bytes(b"2")
    (folder / "other.txt").write_bytes(b"3")
    assert keep_records(str(folder), 4711) == ["died-4711-in-2.t30", "died-4711-out-1.t30"]
    assert keep_records(str(folder), 4712) == [], "what was kept is not kept again"
    assert (folder / "other.txt").exists()


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        path = tmp_path / f"died-1-out-{number}.t30"
        path.write_bytes(b"x")
        os.utime(path, (number, number))
    keep_records(str(tmp_path), None)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"died-1-out-{number}.t30" for number in range(3, KEPT + 3)}
