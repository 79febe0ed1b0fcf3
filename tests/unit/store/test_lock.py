import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mail2fax.store import StoreLocked
from mail2fax.store.lock import LockFile

HOLD = """
import sys, pathlib
from mail2fax.store.lock import LockFile
lock = LockFile.take(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_hears_who_holds_the_lock(tmp_path: Path) -> None:
    lock = LockFile.take(tmp_path / "lock")
    with pytest.raises(StoreLocked, match=rf"pid {os.getpid()}\b"):
        LockFile.take(tmp_path / "lock")
    lock.release()


def test_a_released_lock_can_be_taken_again_and_its_file_stays(tmp_path: Path) -> None:
    lock = LockFile.take(tmp_path / "lock")
    lock.release()
    lock.release()
    LockFile.take(tmp_path / "lock").release()
    assert (tmp_path / "lock").exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """The pid of the dead stays in the file; it is the kernel's lock that counts, not the file."""
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603 - our own command
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreLocked, match=rf"pid {holder.pid}\b"):
            LockFile.take(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    LockFile.take(path).release()
    assert path.read_text() == f"{os.getpid()}\n"


def test_no_child_inherits_the_lock(tmp_path: Path) -> None:
    """An orphaned child that held it would keep the next daemon from starting."""
    path = tmp_path / "lock"
    lock = LockFile.take(path)
    command = [sys.executable, "-c", "print('here', flush=True); input()"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        lock.release()
        LockFile.take(path).release()
        child.communicate(b"\n")
