"""What we say before a fax has come to its end. To correct a sentence, look here."""

from collections.abc import Mapping
from dataclasses import dataclass

from mail2fax.model.job import ReplyKind
from mail2fax.reply.words.catalogue import Language


@dataclass(frozen=True, slots=True)
class NewsWords:
    """`headline` stands in the subject. `{to}` is the number, the other `{names}` are facts of the news."""

    headline: str
    opening: str


NEWS: Mapping[Language, Mapping[ReplyKind, NewsWords]] = {
    Language.ENGLISH: {
        ReplyKind.ACCEPTED: NewsWords(
            "accepted",
            "Your fax{to} was accepted. Its place in the queue is {place}, and it should be through in about {minutes} "
            "min. You will be told how it ended.",
        ),
        ReplyKind.DELAYED: NewsWords(
            "delayed",
            "Your fax{to} could not be delivered yet. {reason} It is called again at {next}, and tried until {until} "
            "at the latest. You will be told how it ended; you need not send it again.",
        ),
    },
    Language.RUSSIAN: {
        ReplyKind.ACCEPTED: NewsWords(
            "принят",
            "Ваш факс{to} принят. Его место в очереди — {place}, он должен уйти примерно через {minutes} мин. Чем это "
            "закончится, мы сообщим.",
        ),
        ReplyKind.DELAYED: NewsWords(
            "задерживается",
            "Ваш факс{to} пока не удалось доставить. {reason} Следующий звонок — {next}, попытки длятся не дольше "
            "чем до {until}. Чем это закончится, мы сообщим; отправлять факс ещё раз не нужно.",
        ),
    },
}
