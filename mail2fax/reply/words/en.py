"""What we say in English."""

from mail2fax.model.call import Media
from mail2fax.model.job import JobState
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import RefusalCode
from mail2fax.reply.words.catalogue import Labels, Language, StateWording, Wording, Words
from mail2fax.reply.words.diagnoses import DIAGNOSES

_LABELS = Labels(
    fax="Fax",
    to=" to {number}",
    what_you_can_do="What you can do:",
    write_again="Write a new mail with this subject, and attach the {accepted} again:",
    instead_of="This is about a mail from {sender}, which was sent automatically and is therefore not answered itself.",
    number="Number",
    forwarded="{ordered} is forwarded to {number}, which was called instead",
    pages="Pages",
    confirmed="{confirmed} of {pages} confirmed",
    pages_in_call="{pages}: in the call of {time}",
    not_faxed="Left out",
    and_more="and {count} more",
    receiver="Receiver",
    calls_itself="{name} (as its machine calls itself)",
    quality="Quality",
    with_correction="{rate} bit/s with error correction",
    without_correction="{rate} bit/s without error correction",
    calls="Calls",
    earlier="{count} earlier ones",
    duplicate="duplicate of job {job}",
    sent_before="You have sent this fax before; nobody was called for it again.",
    preview="preview",
    only_shown="This was a test, and nobody was called.",
    no_result="interrupted: the result is not known",
    minutes="min",
    seconds="s",
    received="{job}, received {time}",
    sender="Sender",
    unknown="unknown",
)

_STATES = {
    JobState.SENT: StateWording("delivered", "Your fax{to} was delivered."),
    JobState.FAILED: StateWording("not delivered", "Your fax{to} could not be delivered."),
    JobState.REJECTED: StateWording("refused", "Your fax was not sent, and nobody was called."),
    JobState.CANCELLED: StateWording("cancelled", "Your fax{to} was cancelled."),
    JobState.UNCONFIRMED: StateWording("not confirmed", "We do not know whether your fax{to} arrived."),
}

_MEDIA = {
    Media.NONE: "no media",
    Media.T38: "T.38",
    Media.G711: "audio (G.711)",
    Media.G711_FALLBACK: "audio (G.711), T.38 was refused",
}

_OUTCOMES = {
    OutcomeKind.DELIVERED: Wording("All pages were confirmed by the receiver.", ""),
    OutcomeKind.BUSY: Wording("The line was busy.", "Check the number, or send the mail again later."),
    OutcomeKind.NO_ANSWER: Wording("Nobody answered the call.", "Check the number, or send the mail again later."),
    OutcomeKind.CONGESTION: Wording(
        "The telephone network was overloaded or disturbed, or our provider did not answer.",
        "Send the mail again later.",
    ),
    OutcomeKind.WRONG_NUMBER: Wording(
        "This number does not exist or cannot be reached.", "Check the number and send a new mail."
    ),
    OutcomeKind.FORWARDED: Wording(
        "The number is forwarded to another one.", "Send the mail again, or write to the other number."
    ),
    OutcomeKind.REJECTED: Wording(
        "The call was rejected by the receiver or the telephone provider.",
        "Check the number; if it is right, ask the receiver or your administrator.",
    ),
    OutcomeKind.NO_FAX: Wording(
        "The call was answered, but no fax machine replied.",
        "Check that the number is a fax number and that the machine is switched on.",
    ),
    OutcomeKind.INCOMPATIBLE: Wording(
        "The receiver's machine cannot take this fax.", "Ask the receiver whether the machine is in order."
    ),
    OutcomeKind.LINE_QUALITY: Wording("The line was too poor to send the fax.", "Send the mail again later."),
    OutcomeKind.PROTOCOL: Wording(
        "The fax machines did not understand each other.",
        "Send the mail again; if it fails again, tell your administrator.",
    ),
    OutcomeKind.HUNG_UP: Wording("The connection was cut before the fax was complete.", "Send the mail again."),
    OutcomeKind.TRUNK: Wording(
        "Our connection to the telephone provider did not work.", "Tell your administrator; then send the mail again."
    ),
    OutcomeKind.UNCONFIRMED: Wording(
        "Every page was sent, but the receiver's last confirmation never came: the fax may have arrived.",
        "Ask the receiver. If it did not arrive, write a new mail. It is not dialled again by itself.",
    ),
    OutcomeKind.INTERRUPTED: Wording(
        "The call was interrupted by a fault on our side: the fax may have arrived, whole or in part.",
        "Ask the receiver. If it did not arrive, write a new mail. It is not dialled again by itself.",
    ),
    OutcomeKind.STOPPED: Wording(
        "We hung up before the call was answered, because the gateway was stopped.", "Send the mail again."
    ),
    OutcomeKind.CANCELLED: Wording("It was withdrawn before it was sent.", ""),
    OutcomeKind.EXPIRED: Wording(
        "The fax could not be sent in the time allowed for it.", "Send the mail again, or tell your administrator."
    ),
    OutcomeKind.FAULT: Wording("A fault on our side kept the fax from being sent.", "Tell your administrator."),
}

_REFUSALS = {
    RefusalCode.SENDER_NOT_UNDERSTOOD: Wording(
        "The From line of your mail is not exactly one address: {problem}.",
        "Send it again from a single, ordinary mail address.",
    ),
    RefusalCode.SENDER_NOT_ALLOWED: Wording(
        "{sender} may not send faxes here.", "Ask your administrator to allow this address."
    ),
    RefusalCode.SENDER_NOT_PROVEN: Wording(
        "Nothing shows that this mail is from {sender}.",
        "Log in with an account that may send from this address, or ask your administrator.",
    ),
    RefusalCode.MAIL_NOT_UNDERSTOOD: Wording(
        "Your mail could not be read: {problem}.",
        "Write a new mail with the fax number as subject and one {accepted} attached.",
    ),
    RefusalCode.MAIL_LOOPED: Wording(
        "This mail is one of our own status mails: it came back to us.",
        "Write a new mail; do not redirect a status mail.",
    ),
    RefusalCode.MAIL_TOO_OLD: Wording(
        "Your mail had waited for more than {hours} hours before we found it, so its fax may not be wanted any more.",
        "If it is, write a new mail.",
    ),
    RefusalCode.MAIL_TOO_LARGE: Wording(
        "Your mail is larger than {megabytes} MB.", "Send fewer or smaller pages, in several mails."
    ),
    RefusalCode.MAIL_ENCRYPTED: Wording(
        "Your mail is encrypted; we have no key to read it.", "Send it without encryption."
    ),
    RefusalCode.MAIL_SIGNED_OPAQUELY: Wording(
        "Your mail is wrapped up in its own signature, and cannot be read here.",
        'Send it without a signature, or with a clear one. In Outlook: tick "Send clear text signed message".',
    ),
    RefusalCode.MAIL_WINMAIL: Wording(
        "Your attachment is wrapped up in a winmail.dat, which Outlook makes of mails in rich text.",
        "Set the format of your mail to HTML or plain text, and attach the {accepted} again.",
    ),
    RefusalCode.MAIL_FORWARDED: Wording(
        "No {accepted} is attached to your mail, only another mail. We do not look into forwarded mails.",
        "Save the {accepted} from that mail, and attach it to a new one.",
    ),
    RefusalCode.MAIL_QUARANTINED: Wording(
        "Your mail could not be taken apart: it was tried twice. It is kept, and your administrator is told.",
        "Attach the {accepted} to a new mail, written with another program if you can.",
    ),
    RefusalCode.NUMBER_MISSING: Wording(
        "The subject of your mail holds no fax number.",
        "Write the number alone into the subject, for example +375 29 155 44 99.",
    ),
    RefusalCode.NUMBER_NOT_UNDERSTOOD: Wording(
        'The subject "{subject}" is not one fax number.',
        "Write the number alone into the subject, or mark it: +375 29 155 44 99, or fax: 8 029 155 44 99.",
    ),
    RefusalCode.NUMBER_AMBIGUOUS: Wording(
        'The number "{subject}" can be read in two ways: as {first} and as {second}.',
        "Write it in international form with a + in front: {first} or {second}.",
    ),
    RefusalCode.NUMBER_SEVERAL: Wording(
        "The subject holds more than one fax number: {numbers}.", "Write one mail for each number."
    ),
    RefusalCode.NUMBER_INVALID: Wording(
        '"{subject}" is not a telephone number that exists.',
        "Check the number and write it in international form, for example +375 29 155 44 99.",
    ),
    RefusalCode.NUMBER_LOCAL: Wording(
        '"{subject}" is a local number, and no area code is configured here.',
        "Write the number with its area code, or in international form with a + in front.",
    ),
    RefusalCode.NUMBER_NOT_ALLOWED: Wording(
        "Faxes to {number} are not allowed here ({reason}).", "Check the number, or ask your administrator to allow it."
    ),
    RefusalCode.ADDRESS_CONTRADICTED: Wording(
        'Your mail went to the fax address of {number}, but its subject is another number: "{subject}". '
        "We do not guess which was meant.",
        "Write the number in one of the two places only: beside a number in the address the subject may be any text.",
    ),
    RefusalCode.ADDRESS_NOT_UNDERSTOOD: Wording(
        'The fax address "{address}" is not understood: {problem}.',
        "Write the number as in FAX=+375291554499@... or fax+375291554499@..., with /T33S= for a sub-address.",
    ),
    RefusalCode.ADDRESS_SEVERAL: Wording(
        "Your mail went to more than one fax number: {numbers}.", "Write one mail for each number."
    ),
    RefusalCode.ATTACHMENT_MISSING: Wording(
        "No {accepted} is attached to your mail.",
        "Attach the document as one {accepted} file ({endings}) and send the mail again.",
    ),
    RefusalCode.ATTACHMENT_SEVERAL: Wording(
        "More than one {accepted} is attached to your mail: {names}.",
        "Send one mail for each document, or join them to one {accepted}.",
    ),
    RefusalCode.ATTACHMENT_BROKEN: Wording(
        "The attachment {name} is broken: {problem}.", "Attach the file again and send a new mail."
    ),
    RefusalCode.ATTACHMENT_FOREIGN: Wording(
        "Beside the {accepted} another document is attached: {names}. We do not fax half of what you sent.",
        "Send the {accepted} alone.",
    ),
    RefusalCode.DOCUMENT_UNREADABLE: Wording(
        "{name} cannot be read: {problem}.", "Save the document again as {accepted} and send a new mail."
    ),
    RefusalCode.DOCUMENT_DAMAGED: Wording(
        "Page {page} of {name} is damaged: {problem}.", "Save or scan the document again and send a new mail."
    ),
    RefusalCode.DOCUMENT_TOO_LARGE: Wording(
        "{name} is too large to be faxed: {problem}.", "Send fewer or smaller pages."
    ),
    RefusalCode.RENDERING_FAILED: Wording(
        "{name} could not be turned into fax pages: {problem}.",
        "Save the document as a plain black and white {accepted} and send it again.",
    ),
    RefusalCode.DUPLICATE: Wording(
        "This is a duplicate of job {job}: the same mail with the same document, to the same number.",
        "Nothing, if you meant one fax. To send it once more, write a new mail.",
    ),
    RefusalCode.PREVIEW: Wording(
        "Your fax would look as attached (a picture shows its first page only): pages {pages}, on the phone about "
        "{seconds} seconds.",
        "To send it, write the mail again with the fax number as its subject, without TEST.",
    ),
}

_ORDERS = {
    RefusalCode.NUMBER_MISSING: "The recipient holds no fax number.",
    RefusalCode.NUMBER_NOT_UNDERSTOOD: 'The recipient "{subject}" is not one fax number.',
    RefusalCode.NUMBER_SEVERAL: "The recipient holds more than one fax number: {numbers}.",
}

ENGLISH = Words(Language.ENGLISH, _LABELS, _STATES, _OUTCOMES, DIAGNOSES[Language.ENGLISH], _REFUSALS, _MEDIA, _ORDERS)
