"""All that we say to people, one file for each language. To correct a sentence, look here."""

from mail2fax.reply.words.catalogue import Labels, Language, StateWording, Wording, Words
from mail2fax.reply.words.en import ENGLISH
from mail2fax.reply.words.ru import RUSSIAN

__all__ = ["ENGLISH", "RUSSIAN", "Labels", "Language", "StateWording", "Wording", "Words", "words_in"]


def words_in(language: Language) -> Words:
    """The catalogue of a language."""
    return {Language.ENGLISH: ENGLISH, Language.RUSSIAN: RUSSIAN}[language]
