"""What we say to the admin: what is the matter, and where to look. To correct a sentence, look here."""

from collections.abc import Mapping

from mail2fax.model.alarm import AlarmCause
from mail2fax.reply.words.catalogue import Language, Wording

_ENGLISH = {
    AlarmCause.TRUNK_DOWN: Wording(
        "The trunk {trunk} does not carry our calls. What was heard of it last: {said}.",
        "Check the way to the trunk and its state. Faxes go over another trunk where there is one; else they wait, and "
        "are tried again by themselves as long as [retry] allows.",
    ),
    AlarmCause.LOGIN_FAILING: Wording(
        "The trunk {trunk} refuses our log-in, or forbids our calls: {said}.",
        "Check user and password of that trunk, and the account. Faxes that are refused so wait, and are tried again "
        "by themselves; one whose number alone is forbidden has failed.",
    ),
    AlarmCause.CALLER_BLOCKED: Wording(
        "A call of ours was blocked as unwanted: {said}.",
        "Ask the provider why our number is blocked.",
    ),
    AlarmCause.DOCUMENT_BROKEN: Wording(
        "A document that the gateway had prepared itself could not be sent: {said}.",
        "See mail2fax show, keep the mail, and tell whoever maintains mail2fax.",
    ),
    AlarmCause.OUTBOX_AGEING: Wording(
        "A status mail, or a fax that came in, has waited for {minutes} minutes and cannot be mailed: {error}.",
        "Check the mail server of [reply]. Nothing is lost; mails are tried again.",
    ),
    AlarmCause.REPLY_GIVEN_UP: Wording(
        "The status mail about job {job}, to {to}, is given up: {error}.",
        "Tell the sender what became of the fax: see mail2fax show {job}. Others may have come to the same.",
    ),
    AlarmCause.QUEUE_AGEING: Wording(
        "Job {job} has been {state} for {minutes} minutes.",
        "See mail2fax show {job} and the log; when all lines are busy for long, trunk.lines may be too few.",
    ),
    AlarmCause.DISK_LOW: Wording(
        "The disk is nearly full: {free_mb} MB are free, and {reserve_mb} MB are the reserve. No mail is taken, and no "
        "fax prepared, until there is room.",
        "Make room, or set shorter times in [retention].",
    ),
    AlarmCause.ENGINE_RESTARTING: Wording(
        "The process that carries the calls has died ({deaths} times since the gateway was started). Calls under way "
        "were cut; a new process is started by itself.",
        'See "engine died" in the log, and tell whoever maintains mail2fax.',
    ),
    AlarmCause.MAILBOX_CLOSED: Wording(
        "The mailbox {mailbox} refuses our log-in: {said}.",
        "Check user and password of that mailbox in [mailbox], then: systemctl reload mail2fax. Until then it is tried "
        "every quarter of an hour, so that the account is not locked.",
    ),
    AlarmCause.MAILBOX_LOST: Wording(
        "The mailbox {mailbox} has not worked for {minutes} minutes: {said}.",
        "Check the mail server and its folders: mail2fax doctor. Mails wait there, and it is tried again by itself.",
    ),
    AlarmCause.MAILBOX_OLD: Wording(
        "The mailbox {mailbox} holds {count} mails that are older than {hours} hours. None of them is faxed, and "
        "nobody is written to.",
        "Look at them, and move them out of the folder: they stay where they are. New mails are faxed as ever.",
    ),
    AlarmCause.MAIL_STUCK: Wording(
        "A mail in the mailbox {mailbox} could not be taken, {times} times: {said}.",
        "Look at the mail {mail} there and at the log. It stays where it is, and is tried again every hour.",
    ),
    AlarmCause.FAX_NOT_MAILED: Wording(
        "The fax {fax} that came in could not be mailed to {to}, and is given up: {error}.",
        "It is kept at {path}. Check deliver_to of its terminal or domain, then: mail2fax resend {fax} --to ADDRESS.",
    ),
    AlarmCause.FAX_NOT_ENDED: Wording(
        "The fax {fax} came in and is over, and that cannot be written down: {error}. Until then nobody is mailed it.",
        "See to the disk and the folder of {path}. It is tried again by itself every few seconds.",
    ),
    AlarmCause.FAX_DAMAGED: Wording(
        "Of the fax {fax} that came in, {confirmed} pages were confirmed to its sender, and {pages} are whole on disk.",
        "Check the disk. What there is of the file is kept as {path}. The reader of the fax is told to ask for it "
        "again; tell somebody, if its terminal has none (deliver_to).",
    ),
    AlarmCause.MAIL_QUARANTINED: Wording(
        "A mail could not be taken apart: twice, whoever tried it crashed or was held up too long. It became job "
        "{job}, which was refused, and the mail is kept as {file}.",
        "Look at it with care: it may be an attack. If it is an ordinary mail, send it to whoever maintains mail2fax. "
        "Delete the file then; nobody else does.",
    ),
    AlarmCause.NOBODY_TO_TELL: Wording(
        "Job {job}, a mail from {sender}, has ended as {state}, and nobody may be told: it was sent automatically.",
        "See mail2fax show {job}. With reply.notify set, its reader is told of such faxes.",
    ),
}

_RUSSIAN = {
    AlarmCause.TRUNK_DOWN: Wording(
        "Транк {trunk} не проводит наши звонки. Последнее, что о нём известно: {said}.",
        "Проверьте связь с транком и его состояние. Если есть другой транк, факсы идут через него; если нет, ждут и "
        "повторяются сами, пока позволяет [retry].",
    ),
    AlarmCause.LOGIN_FAILING: Wording(
        "Транк {trunk} отвергает наш вход или запрещает наши звонки: {said}.",
        "Проверьте user и password этого транка и учётную запись. Такие факсы ждут и повторяются сами; не отправлен "
        "лишь тот, чей номер запрещён сам по себе.",
    ),
    AlarmCause.CALLER_BLOCKED: Wording(
        "Наш звонок заблокирован как нежелательный: {said}.",
        "Спросите оператора связи, почему наш номер заблокирован.",
    ),
    AlarmCause.DOCUMENT_BROKEN: Wording(
        "Документ, подготовленный самим шлюзом, не удалось отправить: {said}.",
        "Смотрите mail2fax show, сохраните письмо и сообщите тем, кто сопровождает mail2fax.",
    ),
    AlarmCause.OUTBOX_AGEING: Wording(
        "Письмо о результате или принятый факс ждёт отправки уже {minutes} мин. Причина: {error}.",
        "Проверьте почтовый сервер из [reply]. Ничего не потеряно, письма отправляются повторно.",
    ),
    AlarmCause.REPLY_GIVEN_UP: Wording(
        "Письмо о результате задания {job} для {to} не доставлено и больше не отправляется: {error}.",
        "Сообщите отправителю, что стало с факсом: смотрите mail2fax show {job}. Возможно, так же и с другими.",
    ),
    AlarmCause.QUEUE_AGEING: Wording(
        "Задание {job} стоит в состоянии {state} уже {minutes} мин.",
        "Смотрите mail2fax show {job} и журнал; если линии подолгу заняты, может не хватать trunk.lines.",
    ),
    AlarmCause.DISK_LOW: Wording(
        "Диск почти полон: свободно {free_mb} МБ при запасе {reserve_mb} МБ. Пока нет места, письма не принимаются и "
        "факсы не готовятся.",
        "Освободите место или сократите сроки в [retention].",
    ),
    AlarmCause.ENGINE_RESTARTING: Wording(
        "Процесс, который ведёт звонки, аварийно завершился (с запуска шлюза — {deaths} раз). Шедшие звонки оборваны; "
        "новый процесс запускается сам.",
        "Смотрите «engine died» в журнале и сообщите тем, кто сопровождает mail2fax.",
    ),
    AlarmCause.MAILBOX_CLOSED: Wording(
        "Почтовый ящик {mailbox} отвергает наш вход: {said}.",
        "Проверьте user и password этого ящика в [mailbox], затем: systemctl reload mail2fax. До тех пор попытка "
        "делается раз в четверть часа, чтобы учётную запись не заблокировали.",
    ),
    AlarmCause.MAILBOX_LOST: Wording(
        "Почтовый ящик {mailbox} не работает уже {minutes} мин: {said}.",
        "Проверьте почтовый сервер и папки: mail2fax doctor. Письма ждут там, попытки повторяются сами.",
    ),
    AlarmCause.MAILBOX_OLD: Wording(
        "В почтовом ящике {mailbox} писем старше {hours} ч: {count}. Они не отправлены факсом, и никому не написано.",
        "Просмотрите их и уберите из папки: сами они останутся на месте. Новые письма идут как обычно.",
    ),
    AlarmCause.MAIL_STUCK: Wording(
        "Письмо в почтовом ящике {mailbox} не удалось принять, попыток: {times}. Причина: {said}.",
        "Посмотрите там письмо {mail} и журнал. Оно остаётся на месте, попытка повторяется каждый час.",
    ),
    AlarmCause.FAX_NOT_MAILED: Wording(
        "Принятый факс {fax} не удалось отправить письмом для {to}, попытки прекращены: {error}.",
        "Он лежит в {path}. Проверьте deliver_to его терминала или домена, затем: mail2fax resend {fax} --to АДРЕС.",
    ),
    AlarmCause.FAX_NOT_ENDED: Wording(
        "Факс {fax} принят, но записать это не удаётся: {error}. До тех пор он никому не отправляется.",
        "Проверьте диск и папку файла {path}. Попытки повторяются сами каждые несколько секунд.",
    ),
    AlarmCause.FAX_DAMAGED: Wording(
        "В принятом факсе {fax} отправителю подтверждено страниц: {confirmed}, а целых на диске: {pages}.",
        "Проверьте диск. Файл, если он был, сохранён как есть: {path}. Получателю факса сказано попросить о повторе; "
        "сообщите ему сами, если он не задан (deliver_to).",
    ),
    AlarmCause.MAIL_QUARANTINED: Wording(
        "Письмо не удалось разобрать: дважды тот, кто его разбирал, упал или не уложился во время. Оно стало заданием "
        "{job}, в котором отказано, а само письмо лежит в {file}.",
        "Смотрите его осторожно: это может быть атака. Если письмо обычное, пошлите его тем, кто поддерживает "
        "mail2fax. Потом удалите файл; сам он не удаляется.",
    ),
    AlarmCause.NOBODY_TO_TELL: Wording(
        "Задание {job}, письмо от {sender}, закончилось в состоянии {state}, и сообщить об этом некому: письмо "
        "отправлено автоматически.",
        "Смотрите mail2fax show {job}. Если задать reply.notify, о таких факсах узнает его читатель.",
    ),
}

ALARMS: Mapping[Language, Mapping[AlarmCause, Wording]] = {Language.ENGLISH: _ENGLISH, Language.RUSSIAN: _RUSSIAN}
