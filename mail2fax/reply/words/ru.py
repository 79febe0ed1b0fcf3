"""Что мы говорим по-русски. (What we say in Russian.)"""

from itertools import combinations

from mail2fax.model.call import Media
from mail2fax.model.document import ACCEPTABLE, listed
from mail2fax.model.job import JobState
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import RefusalCode
from mail2fax.reply.words.catalogue import Labels, Language, StateWording, Wording, Words
from mail2fax.reply.words.diagnoses import DIAGNOSES

_LABELS = Labels(
    fax="Факс",
    to=" на номер {number}",
    what_you_can_do="Что можно сделать:",
    write_again="Напишите новое письмо с такой темой и снова приложите {accepted}:",
    instead_of="Речь о письме от {sender}: оно отправлено автоматически, и на него самого мы не отвечаем.",
    number="Номер",
    forwarded="{ordered} переадресован на {number}, туда мы и позвонили",
    pages="Страницы",
    confirmed="подтверждено {confirmed} из {pages}",
    pages_in_call="{pages}: звонок {time}",
    not_faxed="Не вошло",
    and_more="и ещё {count}",
    receiver="Получатель",
    calls_itself="{name} (так называет себя его аппарат)",
    quality="Качество",
    with_correction="{rate} бит/с с коррекцией ошибок",
    without_correction="{rate} бит/с без коррекции ошибок",
    calls="Звонки",
    earlier="более ранних: {count}",
    duplicate="повтор факса {job}",
    sent_before="Вы уже отправляли этот факс; второй раз мы никому не звонили.",
    preview="предпросмотр",
    only_shown="Это была проверка, и мы никому не звонили.",
    no_result="прерван: результат неизвестен",
    minutes="мин",
    seconds="с",
    received="{job}, получено {time}",
    sender="Отправитель",
    unknown="неизвестно",
)

_STATES = {
    JobState.SENT: StateWording("доставлен", "Ваш факс{to} доставлен."),
    JobState.FAILED: StateWording("не доставлен", "Ваш факс{to} не удалось доставить."),
    JobState.REJECTED: StateWording("отклонён", "Ваш факс не отправлен, мы никому не звонили."),
    JobState.CANCELLED: StateWording("отменён", "Ваш факс{to} отменён."),
    JobState.UNCONFIRMED: StateWording("не подтверждён", "Мы не знаем, дошёл ли ваш факс{to}."),
}

_MEDIA = {
    Media.NONE: "без передачи данных",
    Media.T38: "T.38",
    Media.G711: "звук (G.711)",
    Media.G711_FALLBACK: "звук (G.711), в T.38 отказано",
}

_OUTCOMES = {
    OutcomeKind.DELIVERED: Wording("Получатель подтвердил все страницы.", ""),
    OutcomeKind.BUSY: Wording("Линия была занята.", "Проверьте номер или отправьте письмо позже ещё раз."),
    OutcomeKind.NO_ANSWER: Wording(
        "На звонок никто не ответил.", "Проверьте номер или отправьте письмо позже ещё раз."
    ),
    OutcomeKind.CONGESTION: Wording(
        "Телефонная сеть была перегружена или неисправна, или не отвечал наш оператор связи.",
        "Отправьте письмо позже ещё раз.",
    ),
    OutcomeKind.WRONG_NUMBER: Wording(
        "Этот номер не существует или недоступен.", "Проверьте номер и отправьте новое письмо."
    ),
    OutcomeKind.FORWARDED: Wording(
        "Номер переадресован на другой.", "Отправьте письмо ещё раз или напишите на другой номер."
    ),
    OutcomeKind.REJECTED: Wording(
        "Звонок отклонён получателем или оператором связи.",
        "Проверьте номер; если он верен, обратитесь к получателю или к своему администратору.",
    ),
    OutcomeKind.NO_FAX: Wording(
        "На звонок ответили, но факсимильный аппарат не отозвался.",
        "Проверьте, что это номер факса и что аппарат включён.",
    ),
    OutcomeKind.INCOMPATIBLE: Wording(
        "Аппарат получателя не может принять этот факс.", "Спросите получателя, исправен ли аппарат."
    ),
    OutcomeKind.LINE_QUALITY: Wording(
        "Качество линии слишком плохое, чтобы передать факс.", "Отправьте письмо позже ещё раз."
    ),
    OutcomeKind.PROTOCOL: Wording(
        "Факсимильные аппараты не поняли друг друга.",
        "Отправьте письмо ещё раз; если снова не получится, сообщите администратору.",
    ),
    OutcomeKind.HUNG_UP: Wording(
        "Связь прервалась раньше, чем факс был передан полностью.", "Отправьте письмо ещё раз."
    ),
    OutcomeKind.TRUNK: Wording(
        "Наше соединение с оператором связи не работало.",
        "Сообщите администратору, затем отправьте письмо ещё раз.",
    ),
    OutcomeKind.UNCONFIRMED: Wording(
        "Все страницы переданы, но последнее подтверждение получателя не пришло: возможно, факс дошёл.",
        "Спросите получателя. Если факс не дошёл, напишите новое письмо. Сами мы больше не позвоним.",
    ),
    OutcomeKind.INTERRUPTED: Wording(
        "Звонок прерван из-за сбоя на нашей стороне: возможно, факс дошёл целиком или частично.",
        "Спросите получателя. Если факс не дошёл, напишите новое письмо. Сами мы больше не позвоним.",
    ),
    OutcomeKind.STOPPED: Wording(
        "Мы повесили трубку до ответа, потому что шлюз остановили.", "Отправьте письмо ещё раз."
    ),
    OutcomeKind.CANCELLED: Wording("Его отозвали до отправки.", ""),
    OutcomeKind.EXPIRED: Wording(
        "Факс не удалось отправить за отведённое время.", "Отправьте письмо ещё раз или сообщите администратору."
    ),
    OutcomeKind.FAULT: Wording("Отправить факс помешал сбой на нашей стороне.", "Сообщите администратору."),
}

_REFUSALS = {
    RefusalCode.SENDER_NOT_UNDERSTOOD: Wording(
        "В поле «От» вашего письма должен быть ровно один адрес: {problem}.",
        "Отправьте письмо ещё раз с одного обычного почтового адреса.",
    ),
    RefusalCode.SENDER_NOT_ALLOWED: Wording(
        "Адресу {sender} не разрешено отправлять отсюда факсы.", "Попросите администратора разрешить этот адрес."
    ),
    RefusalCode.SENDER_NOT_PROVEN: Wording(
        "Ничто не подтверждает, что это письмо отправлено с адреса {sender}.",
        "Войдите под учётной записью, которой разрешён этот адрес, или обратитесь к администратору.",
    ),
    RefusalCode.MAIL_NOT_UNDERSTOOD: Wording(
        "Ваше письмо не удалось прочитать: {problem}.",
        "Напишите новое письмо: в теме номер факса, во вложении один {accepted}.",
    ),
    RefusalCode.MAIL_LOOPED: Wording(
        "Это одно из наших собственных писем: оно вернулось к нам.",
        "Напишите новое письмо, а не перенаправляйте наше.",
    ),
    RefusalCode.MAIL_TOO_OLD: Wording(
        "Ваше письмо пролежало больше {hours} ч, прежде чем мы его нашли: возможно, факс уже не нужен.",
        "Если он нужен, напишите новое письмо.",
    ),
    RefusalCode.MAIL_TOO_LARGE: Wording(
        "Ваше письмо больше {megabytes} МБ.",
        "Отправьте меньше страниц или страницы меньшего объёма, в нескольких письмах.",
    ),
    RefusalCode.MAIL_ENCRYPTED: Wording(
        "Ваше письмо зашифровано; прочитать его нам нечем.", "Отправьте его без шифрования."
    ),
    RefusalCode.MAIL_SIGNED_OPAQUELY: Wording(
        "Ваше письмо целиком упаковано в подпись и здесь не читается.",
        "Отправьте его без подписи или с открытой подписью. В Outlook это «Отправлять подписанные сообщения открытым "
        "текстом».",
    ),
    RefusalCode.MAIL_WINMAIL: Wording(
        "Ваше вложение упаковано в winmail.dat: так Outlook отправляет письма в формате RTF.",
        "Выберите формат письма HTML или обычный текст и приложите {accepted} заново.",
    ),
    RefusalCode.MAIL_FORWARDED: Wording(
        "К вашему письму приложен не {accepted}, а другое письмо. В пересланные письма мы не заглядываем.",
        "Сохраните {accepted} из того письма и приложите его к новому.",
    ),
    RefusalCode.MAIL_QUARANTINED: Wording(
        "Ваше письмо дважды не удалось разобрать. Оно сохранено, администратору сообщено.",
        "Приложите {accepted} к новому письму, по возможности из другой программы.",
    ),
    RefusalCode.NUMBER_MISSING: Wording(
        "В теме вашего письма нет номера факса.",
        "Напишите в теме только номер, например +375 29 155 44 99.",
    ),
    RefusalCode.NUMBER_NOT_UNDERSTOOD: Wording(
        "Тема «{subject}» — это не один номер факса.",
        "Напишите в теме только номер или пометьте его: +375 29 155 44 99 или факс: 8 029 155 44 99.",
    ),
    RefusalCode.NUMBER_AMBIGUOUS: Wording(
        "Номер «{subject}» можно прочитать двояко: как {first} и как {second}.",
        "Напишите его в международном виде, с плюсом: {first} или {second}.",
    ),
    RefusalCode.NUMBER_SEVERAL: Wording(
        "В теме больше одного номера факса: {numbers}.", "Отправьте отдельное письмо на каждый номер."
    ),
    RefusalCode.NUMBER_INVALID: Wording(
        "Телефонного номера «{subject}» не существует.",
        "Проверьте номер и напишите его в международном виде, например +375 29 155 44 99.",
    ),
    RefusalCode.NUMBER_LOCAL: Wording(
        "«{subject}» — местный номер, а код города здесь не настроен.",
        "Напишите номер с кодом города или в международном виде, с плюсом.",
    ),
    RefusalCode.NUMBER_NOT_ALLOWED: Wording(
        "Отправлять отсюда факсы на номер {number} не разрешено ({reason}).",
        "Проверьте номер или попросите администратора разрешить его.",
    ),
    RefusalCode.ADDRESS_CONTRADICTED: Wording(
        "Ваше письмо отправлено на адрес факса {number}, а в теме стоит другой номер: «{subject}». "
        "Какой из них нужен, мы не угадываем.",
        "Укажите номер только в одном месте: если он стоит в адресе, тема может быть любой.",
    ),
    RefusalCode.ADDRESS_NOT_UNDERSTOOD: Wording(
        "Адрес факса «{address}» непонятен: {problem}.",
        "Напишите номер так: FAX=+375291554499@... или fax+375291554499@..., подадрес — после /T33S=.",
    ),
    RefusalCode.ADDRESS_SEVERAL: Wording(
        "Ваше письмо отправлено на несколько номеров факса: {numbers}.", "Отправьте отдельное письмо на каждый номер."
    ),
    RefusalCode.ATTACHMENT_MISSING: Wording(
        "К вашему письму не приложен {accepted}.",
        "Приложите документ одним файлом {accepted} ({endings}) и отправьте письмо ещё раз.",
    ),
    RefusalCode.ATTACHMENT_SEVERAL: Wording(
        "К вашему письму приложено больше одного {accepted}: {names}.",
        "Отправьте отдельное письмо с каждым документом или объедините их в один {accepted}.",
    ),
    RefusalCode.ATTACHMENT_BROKEN: Wording(
        "Вложение {name} повреждено: {problem}.", "Приложите файл заново и отправьте новое письмо."
    ),
    RefusalCode.ATTACHMENT_FOREIGN: Wording(
        "Кроме {accepted} приложен другой документ: {names}. Мы не отправляем по факсу только половину присланного.",
        "Отправьте один {accepted}, без других вложений.",
    ),
    RefusalCode.DOCUMENT_UNREADABLE: Wording(
        "{name} не читается: {problem}.", "Сохраните документ как {accepted} заново и отправьте новое письмо."
    ),
    RefusalCode.DOCUMENT_DAMAGED: Wording(
        "Страница {page} файла {name} повреждена: {problem}.",
        "Сохраните или отсканируйте документ заново и отправьте новое письмо.",
    ),
    RefusalCode.DOCUMENT_TOO_LARGE: Wording(
        "{name} слишком велик для факса: {problem}.", "Отправьте меньше страниц или страницы меньшего размера."
    ),
    RefusalCode.RENDERING_FAILED: Wording(
        "{name} не удалось превратить в страницы факса: {problem}.",
        "Сохраните документ как простой чёрно-белый {accepted} и отправьте его ещё раз.",
    ),
    RefusalCode.DUPLICATE: Wording(
        "Это повтор факса {job}: то же письмо с тем же документом, на тот же номер.",
        "Если нужен один факс — ничего. Чтобы отправить его ещё раз, напишите новое письмо.",
    ),
    RefusalCode.PREVIEW: Wording(
        "Ваш факс выглядел бы как в приложении (на картинке — только первая страница). Страниц: {pages}, время "
        "передачи: около {seconds} с.",
        "Чтобы отправить его, напишите письмо ещё раз с номером факса в теме, без слова TEST.",
    ),
}

_ABOUT_MAILS = {
    "its header is longer than {} KB": "его заголовок длиннее {} КБ",
    "its header has a carriage return within a line": "внутри строки заголовка стоит возврат каретки",
    "its header has more than {} fields": "в его заголовке больше {} полей",
    "its header begins with a continuation line": "его заголовок начинается со строки продолжения",
    "its header has a line that is no header field": "в его заголовке есть строка, которая не является полем",
    "one of its header fields is longer than {} KB": "одно из полей заголовка длиннее {} КБ",
    "it has more than one {} field": "в нём больше одного поля {}",
    "its structure cannot be understood": "его строение не удалось понять",
    "it has too many lines": "в нём слишком много строк",
    "it has too many parts": "в нём слишком много частей",
    "its header is too long": "его заголовок слишком длинный",
    "the headers of its parts are too long": "заголовки его частей слишком длинные",
    "its parts are nested too deeply": "его части вложены слишком глубоко",
    "its parts cannot be told apart": "его части невозможно отделить друг от друга",
    "it has more than {} parts": "в нём больше {} частей",
}

_ABOUT_SENDERS = {
    "there is none": "его нет",
    "there is more than one From line": "таких полей несколько",
    "it holds control characters": "в нём есть управляющие символы",
    "a quotation mark or bracket in it is never closed": "в нём не закрыта кавычка или скобка",
    "its angle brackets do not hold exactly one address": "в угловых скобках не ровно один адрес",
    "its display name holds an address or a list": "в имени отправителя стоит адрес или список",
    "it holds no address": "в нём нет адреса",
    "it holds more than one address": "в нём больше одного адреса",
    "the part before the @ is not a plain name": "часть перед @ — не обычное имя",
    "the part behind the @ is not a domain name": "часть после @ — не имя домена",
    "the address is too long": "адрес слишком длинный",
}

_ABOUT_ADDRESSES = {
    "its number must be international, with a + in front": "номер должен быть международным, с плюсом впереди",
    "tones and pauses cannot be dialled": "тональные знаки и паузы набрать нельзя",
    "there is no number in it": "в нём нет номера",
    "its sub-address must be 1 to {} digits": "подадрес — это от 1 до {} цифр",
    "nothing but one sub-address (T33S) may follow the number": "после номера может стоять только один подадрес (T33S)",
}

_ABOUT_NUMBERS = {
    "it is an emergency number": "это номер экстренной службы",
    "a rule forbids it": "это запрещено правилом",
    "a {} number needs a rule that names it": "номер такого вида ({}) должен быть прямо назван в правиле",
    "no rule allows it": "ни одно правило этого не разрешает",
    "it is not among the numbers of your domain": "он не входит в номера вашего домена",
    "no trunk may carry it": "ни один транк не может его провести",
    "only numbers of {} are allowed": "разрешены только номера страны {}",
    "shared-cost": "с разделением оплаты",
    "premium-rate": "платная услуга",
    "satellite": "спутниковая связь",
    "personal": "персональный",
    "pager": "пейджер",
    "voicemail": "голосовая почта",
    "unknown": "неизвестно",
}

_ABOUT_DOCUMENTS = {
    "(without a name)": "(без имени)",
    "its base64 text is damaged": "его текст base64 повреждён",
    "its contents are not those of a {}": "его содержимое — не {}",
    "it is empty": "оно пустое",
    "its contents are damaged": "его содержимое повреждено",
    "it is not a TIFF, or only part of one": "это не TIFF или лишь его часть",
    "page {} is in a form that is not supported ({})": "страница {} записана в неподдерживаемом виде ({})",
    "its colours, PhotometricInterpretation {}": "её цвета, PhotometricInterpretation {}",
    "its inks are not those of CMYK": "её краски — не CMYK",
    "complex numbers": "комплексные числа",
    "{} samples a pixel": "{} значений на точку",
    "{} bits a sample": "{} бит на значение",
    "{} bits a sample, with a sign": "{} бит на значение, со знаком",
    "colours by number, and no list of them": "цвета по номерам, но без их списка",
    "more than one picture in a page": "несколько изображений на одной странице",
    "PDFs cannot be read here": "PDF здесь не читаются",
    "it is only part of a PDF: its end is missing": "это лишь часть PDF: конца нет",
    "it has lost pages: its list of pages is broken": "в нём потеряны страницы: их список испорчен",
    "there is nothing on its pages, or it cannot be read": "на его страницах ничего нет, или они не читаются",
    "page {} uses a font that is not in the file: print it to PDF with its fonts": (
        "страница {} использует шрифт, которого нет в файле: напечатайте её в PDF вместе со шрифтами"
    ),
    "page {} has a line on it that only some programs show: print it to PDF": (
        "на странице {} есть линия, которую показывают не все программы: напечатайте её в PDF"
    ),
    "it is protected by a password": "он защищён паролем",
    "it is not a PDF, or a broken one": "это не PDF, или он испорчен",
    "it is not a {}, or only part of one": "это не {} или лишь его часть",
    "it cannot be read": "она не читается",
    "it cannot be drawn": "её не удаётся нарисовать",
    "it is a form that only Adobe's programs can show: print it to PDF": (
        "это форма, которую показывают только программы Adobe: напечатайте её в PDF"
    ),
    "it is a folder of files, and shows none of them: attach what is in it": (
        "это папка с файлами, и сами они в ней не видны: приложите то, что в ней"
    ),
    "part of its text or drawing is missing or garbled": "часть текста или рисунка отсутствует или испорчена",
    "one of its fonts is missing or garbled": "один из её шрифтов отсутствует или испорчен",
    "its compression": "её сжатие",
    "its colours": "её цвета",
    "colours of different depths": "цвета разной глубины",
    "JPEG of another kind": "JPEG другого вида",
    "it has no size": "у неё нет размера",
    "its description cannot be read": "её описание не читается",
    "part of its picture is missing or garbled": "часть изображения отсутствует или испорчена",
    "its picture cannot be unpacked": "изображение не распаковывается",
    "its picture is not of the size that it says": "размер изображения не совпадает с указанным",
    "it has more than {} pages": "в нём больше {} страниц",
    "it has more than {} pages, thumbnails and masks": "в нём больше {} страниц, миниатюр и масок",
    "it has no page": "в нём нет ни одной страницы",
    "its pages have more than {} million pixels together": "в его страницах вместе больше {} млн точек",
    "page {} has {} x {} pixels": "страница {} содержит {} x {} точек",
    "page {} is longer than three pages of A4": "страница {} длиннее трёх листов A4",
    "its description alone is too large": "слишком велико уже его описание",
    "its fax would have more than {} MB": "его факс занял бы больше {} МБ",
    "it would need too much memory": "для него нужно слишком много памяти",
    "it takes too long to read": "его чтение длится слишком долго",
    "our reader stumbled over it ({})": "наша программа чтения не справилась с ним ({})",
    "our reader was misled by it": "он ввёл нашу программу чтения в заблуждение",
    "our reader crashed over it": "наша программа чтения на нём аварийно завершилась",
}

_KINDS = {
    listed(kinds): listed(kinds, "или")
    for size in range(2, len(ACCEPTABLE) + 1)
    for kinds in combinations(ACCEPTABLE, size)
}

_ABOUT_CALLS = {
    "we were stopped in mid call": "нас остановили во время звонка",
    "a fault in the gateway ended the call": "звонок прервал сбой на нашей стороне",
}

_ORDERS = {
    RefusalCode.NUMBER_MISSING: "В поле recipient нет номера факса.",
    RefusalCode.NUMBER_NOT_UNDERSTOOD: "В поле recipient «{subject}» — это не один номер факса.",
    RefusalCode.NUMBER_SEVERAL: "В поле recipient больше одного номера факса: {numbers}.",
}

RUSSIAN = Words(
    Language.RUSSIAN,
    _LABELS,
    _STATES,
    _OUTCOMES,
    DIAGNOSES[Language.RUSSIAN],
    _REFUSALS,
    _MEDIA,
    _ORDERS,
    {
        **_ABOUT_MAILS,
        **_ABOUT_SENDERS,
        **_ABOUT_ADDRESSES,
        **_ABOUT_NUMBERS,
        **_ABOUT_DOCUMENTS,
        **_KINDS,
        **_ABOUT_CALLS,
    },
)
