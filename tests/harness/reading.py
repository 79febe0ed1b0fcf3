"""What tesseract reads on a page, and how much of it is right."""

import subprocess
import tempfile

from PIL import Image

TESSERACT = "/usr/bin/tesseract"


def read_text(page: Image.Image, language: str, within_s: float = 120) -> str:
    """The text on a fax page, by tesseract on one core; raises `subprocess.TimeoutExpired`."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.save(file.name, compress_level=1)
        done = subprocess.run(  # noqa: S603 - a program of the tests, and a page of theirs
            [TESSERACT, file.name, "-", "-l", language, "--psm", "6", "--dpi", "204"],
            capture_output=True,
            check=True,
            env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin:/usr/local/bin"},
            timeout=within_s,
        )
    return done.stdout.decode()


def accuracy(truth: str, found: str) -> float:
    """The share of the characters that are right: 1 less the edits that are needed for each, never below 0."""
    wanted, seen = " ".join(truth.split()), " ".join(found.split())
    return max(0.0, 1 - edits(wanted, seen) / max(1, len(wanted)))


def words_kept(truth: str, found: str) -> float:
    """The share of the words of `truth`, with three characters or more, that are in `found`, ruled lines aside."""
    seen = set(found.replace("|", " ").replace("[", " ").replace("]", " ").split())
    words = [word for word in truth.split() if len(word) >= 3]
    return sum(word in seen for word in words) / max(1, len(words))


def edits(first: str, second: str) -> int:
    """The Levenshtein distance, by Myers' bit vectors (J. ACM 46, 1999): a column of the matrix is one integer."""
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for at, char in enumerate(first):
        places[char] = places.get(char, 0) | 1 << at
    mask, last = (1 << len(first)) - 1, 1 << len(first) - 1
    plus, minus, score = mask, 0, len(first)
    for char in second:
        equal = places.get(char, 0)
        diagonal = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | ~(diagonal | plus), plus & diagonal
        score += bool(up & last) - bool(down & last)
        up, down = up << 1 | 1, down << 1
        plus, minus = (down | ~(diagonal | up)) & mask, up & diagonal & mask
    return score
