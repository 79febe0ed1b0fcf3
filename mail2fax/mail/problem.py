"""Why a mail, or a line of it, cannot be read: a value, in words that finish a sentence for the sender."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, without capital and full stop ("it has two From lines"). Never holds text from the mail."""

    words: str

    def __str__(self) -> str:
        return self.words
