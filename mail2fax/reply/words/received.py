"""What the mail with an incoming fax says. To correct a sentence, look here."""

from collections.abc import Mapping
from dataclasses import dataclass

from mail2fax.reply.words.catalogue import Language


@dataclass(frozen=True, slots=True)
class ReceivedWords:
    """`{names}` are filled in. `pages` counts pages in a way that fits every number."""

    subject: str
    subject_partial: str
    subject_unreadable: str
    opening: str
    opening_partial: str
    opening_missing: str
    """Told of pages that came damaged; `{which}` is their numbers in the fax."""
    opening_cut: str
    """The same of a fax whose end is missing, too."""
    unreadable: str
    """Told of pages that we have confirmed and do not have."""
    as_it_is: str
    too_large: str
    caller: str
    sender: str
    called: str
    pages: str
    quality: str
    time: str
    unknown: str
    with_correction: str
    without_correction: str
    bad_rows: str
    resolutions: Mapping[str, str]
    """What the panels of fax machines call them, by dots per inch."""
    dots: str
    """Any other."""


RECEIVED: Mapping[Language, ReceivedWords] = {
    Language.ENGLISH: ReceivedWords(
        subject="[Fax] from {who}, pages: {pages}, {time}",
        subject_partial="[Fax] INCOMPLETE from {who}, pages: {pages}, {time}",
        subject_unreadable="[Fax] CANNOT BE READ, from {who}, {time}",
        opening="A fax has come in. Every page was received and confirmed.",
        opening_partial="A fax has come in, but not whole: the call ended before its last page was confirmed, or a "
        "page could not be read. Ask its sender to send it again.",
        opening_missing="A fax has come in, but not whole: page {which} came damaged and was not sent again. Ask its "
        "sender to send it again.",
        opening_cut="A fax has come in, but not whole: page {which} came damaged and was not sent again, and the call "
        "ended before its last page was confirmed. Ask its sender to send it again.",
        unreadable="A fax has come in, and its sender was told that all is well; but page {which} cannot be read. Ask "
        "the sender to send it again. The administrator knows, and what there is of the file is kept.",
        as_it_is="The file is attached as it is.",
        too_large="Its file is too large for a mail and is not attached: ask whoever runs the gateway for fax {fax}.",
        caller="Caller",
        sender="Sender",
        called="Called",
        pages="Pages",
        quality="Quality",
        time="Received",
        unknown="unknown",
        with_correction="{rate} bit/s with error correction",
        without_correction="{rate} bit/s without error correction",
        bad_rows="rows that could not be read: {rows}",
        resolutions={"204x98": "standard", "204x196": "fine", "204x391": "super fine", "408x391": "ultra fine"},
        dots="{dots} dots per inch",
    ),
    Language.RUSSIAN: ReceivedWords(
        subject="[Факс] от {who}, страниц: {pages}, {time}",
        subject_partial="[Факс] НЕ ПОЛНОСТЬЮ, от {who}, страниц: {pages}, {time}",
        subject_unreadable="[Факс] НЕ ЧИТАЕТСЯ, от {who}, {time}",
        opening="Принят факс. Все страницы приняты и подтверждены.",
        opening_partial="Факс принят не полностью: звонок оборвался раньше, чем была подтверждена последняя страница, "
        "или страницу не удалось прочитать. Попросите отправителя повторить факс.",
        opening_missing="Факс принят не полностью: страница {which} пришла повреждённой и не была передана ещё раз. "
        "Попросите отправителя повторить факс.",
        opening_cut="Факс принят не полностью: страница {which} пришла повреждённой и не была передана ещё раз, и "
        "звонок оборвался раньше, чем была подтверждена последняя страница. Попросите отправителя повторить факс.",
        unreadable="Принят факс, и отправителю подтверждено, что всё в порядке, но прочитать его нельзя, страница "
        "{which}. Попросите отправителя повторить факс. Администратор знает, а файл, если он есть, сохранён.",
        as_it_is="Файл приложен как есть.",
        too_large="Его файл слишком велик для письма и не приложен: спросите у администратора шлюза факс {fax}.",
        caller="Звонивший",
        sender="Отправитель",
        called="Номер",
        pages="Страниц",
        quality="Качество",
        time="Принят",
        unknown="неизвестен",
        with_correction="{rate} бит/с с исправлением ошибок",
        without_correction="{rate} бит/с без исправления ошибок",
        bad_rows="нечитаемых строк: {rows}",
        resolutions={"204x98": "обычное", "204x196": "высокое", "204x391": "сверхвысокое", "408x391": "наивысшее"},
        dots="{dots} точек на дюйм",
    ),
}
