"""What the calls of an engine process that died were told, kept for whoever looks into its death.

Each terminal writes down what it hears (`embedded/spandsp/recorder.c`) and removes that file at its end. What is left
when the process is gone was on the phone when it died, and one of these files holds what killed it.
"""

from pathlib import Path

KEPT = 20
"""So many files are kept, the newest: at most 8 MB each."""
_SUFFIX, _KEPT_PREFIX = ".t30", "died-"


def keep_records(folder: str, pid: int | None) -> list[str]:
    """Puts aside what the process `pid` has left in `folder` (made if it is not there); the names, newest first.

    `pid` None: of a process that nobody knows any more. Raises `OSError`.
    """
    place = Path(folder)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = sorted(path for path in place.glob(f"*{_SUFFIX}") if not path.name.startswith(_KEPT_PREFIX))
    kept = [path.rename(place / f"{_KEPT_PREFIX}{pid or 'unknown'}-{path.name}") for path in found]
    every = sorted(place.glob(f"{_KEPT_PREFIX}*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    for path in every[:-KEPT]:
        path.unlink(missing_ok=True)
    return [path.name for path in kept]
