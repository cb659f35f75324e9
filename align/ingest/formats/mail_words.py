"""What mail programs write around an answer, in the languages they speak."""

# ruff: noqa: RUF001 -- letters of many scripts, meant as they stand.

import re
from functools import cache

# How programs call the folders of sent mail, and those that are passed over; Gmail's labels too.
_SENT = (
    "sent|sent mail|sent items|sent messages|outbox|gesendet|gesendete elemente|gesendete objekte|"
    "gesendete nachrichten|envoyés|messages envoyés|éléments envoyés|enviados|elementos enviados|"
    "mensajes enviados|itens enviados|inviati|posta inviata|inviata|verzonden|verzonden items|"
    "verzonden berichten|skickat|skickade objekt|sendt|sendte elementer|lähetetyt|wysłane|"
    "elementy wysłane|odeslaná pošta|odeslané|отправленные|gönderilmiş postalar|gönderilmiş öğeler|"
    "σταλμένα|已发送|已发送邮件|寄件備份|送信済み|送信済みメール|보낸편지함|보낸 편지함"
)
_PASSED = (
    "spam|junk|junk e-mail|bulk mail|trash|bin|deleted|deleted items|deleted messages|drafts|draft|"
    "papierkorb|entwürfe|gelöschte elemente|corbeille|brouillons|courrier indésirable|papelera|"
    "borradores|correo no deseado|lixeira|rascunhos|cestino|bozze|posta indesiderata|prullenbak|"
    "concepten|ongewenste e-mail|papperskorg|papperskorgen|utkast|skräppost|søppelpost|papirkurv|"
    "kladder|roskaposti|roskakori|luonnokset|kosz|wersje robocze|koš|koncepty|корзина|спам|"
    "черновики|çöp kutusu|taslaklar|垃圾邮件|草稿|已删除|已删除邮件|垃圾桶|垃圾郵件|ゴミ箱|下書き|"
    "迷惑メール|휴지통|스팸함|임시보관함"
)
SENT_FOLDERS = frozenset(_SENT.split("|"))
PASSED_FOLDERS = frozenset(_PASSED.split("|"))

# "wrote", as it ends or divides "On Monday, Bob wrote:".
WROTE = re.compile(
    r"(?<![^\W\d_])(?:wrote|writes|schrieb|schreibt|a écrit|écrit|escribió|escribio|escribía|"
    r"ha scritto|scrive|schreef|escreveu|skrev|skrifaði|kirjoitti|napisał\(a\)|napisała?|"
    r"nadesłał|napsala?\(a\)|napsala?|napísala?|napisao|je napisala?|írta|a scris|yazdı|şunu yazdı|"
    r"написала?\(а\)|написала?|пишет|пише|έγραψε|đã viết|menulis|va escriure|skribis|rašė|rakstīja|"
    r"kirjutas|כתב/ה|כתבה?|كتبت?|写道|寫道|书写|のメッセージ|さんは書きました|"
    r"님이 작성하였습니다|님이 작성|작성)"
    r"(?![^\W\d_])"
)
# What such a line begins with, where it does not begin with a date or a name.
OPENER = re.compile(
    r"(?:on|am|le|el|il|op|em|den|dne|dnia|w dniu|a|în data|pe|pada|tarihinde|в|στις|vào|de|"
    r"mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|lör|sön|ons|"
    r"пн|вт|ср|чт|пт|сб|вс|ma|ti|ke|to|pe|la|su|בתאריך|في|από)\b|\d{1,4}[.\s/年-]",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"']{1,64}@[^\s<>()\[\]:;,\"']{1,200}")
# A time of day or a year: a line that names neither tells no moment.
MOMENT = re.compile(r"\d{1,2}[:.h]\d\d|(?<!\d)(?:19|20)\d\d(?!\d)|\d+年")

_ORIGINAL = (
    "original message|original appointment|ursprüngliche nachricht|originalnachricht|"
    "message d.origine|message original|mensaje original|messaggio originale|"
    "oorspronkelijk bericht|mensagem original|ursprungligt meddelande|originalmeddelande|"
    "opprinnelig melding|oprindelig meddelelse|alkuperäinen viesti|oryginalna wiadomość|"
    "wiadomość oryginalna|původní zpráva|pôvodná správa|исходное сообщение|orijinal mesaj|"
    "özgün ileti|eredeti üzenet|αρχικό μήνυμα|原始邮件|原始郵件|元のメッセージ|원본 메시지"
)
_FORWARDED = (
    "forwarded message|forwarded by|weitergeleitete nachricht|message transféré|mensaje reenviado|"
    "messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|mensagem reencaminhada|"
    "vidarebefordrat meddelande|videresendt melding|videresendt meddelelse|välitetty viesti|"
    "edelleenlähetetty viesti|przekazana wiadomość|treść przekazanej wiadomości|"
    "přeposlaná zpráva|пересылаемое сообщение|пересланное сообщение|iletilen mesaj|"
    "yönlendirilmiş ileti|továbbított üzenet|προωθημένο μήνυμα|转发的邮件|轉寄郵件|转发邮件信息|"
    "転送メッセージ|転送されたメッセージ|전달된 메시지"
)
_BEGIN_FORWARDED = (
    "begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)|"
    "début du message (?:transféré|réexpédié)|inicio del mensaje reenviado|"
    "inizio (?:del )?messaggio inoltrato|begin doorgestuurd bericht|"
    "início da mensagem (?:reencaminhada|encaminhada)|vidarebefordrat (?:brev|mejl)|"
    "videresendt (?:e-post|besked)|начало переадресованного сообщения|"
    "początek przekazywanej wiadomości|začátek přeposlané zprávy|"
    "下面是被转发的邮件|転送されたメッセージ"
)
ORIGINAL = re.compile(rf"[\s*]*[-_=]{{2,}}\s*(?:{_ORIGINAL})\s*[-_=]{{2,}}[\s*]*", re.IGNORECASE)
FORWARDED = re.compile(
    rf"[\s*]*[-_=]{{2,}}\s*(?:{_FORWARDED})\b[^\n]{{0,200}}|\s*(?:{_BEGIN_FORWARDED})\s*[:：]?\s*",
    re.IGNORECASE,
)
FORWARD_SUBJECT = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|i|enc|vs|vb|vl|pd|doorst|fs|továbbítás|ilt|yönlt|转发|轉寄|転送|пересл)\s*[:：]",
    re.IGNORECASE,
)
REPLY_SUBJECT = re.compile(
    r"\s*(?:(?:re|aw|antw|antwort|sv|vs|rif|r|odp|ref|res|rép|rv|wg|fwd?|tr|vb|i|ynt|yanıt|回复|答复|"
    r"回覆|返信|답장|отв|на|σχετ)(?:\s*\[\d+\]|\s*\(\d+\))?\s*[:：]\s*)+",
    re.IGNORECASE,
)

# The block that Outlook writes: its "From" first, then at least two of the others.
FROM = re.compile(
    r"[\s*>]*(?:from|von|de|da|van|från|fra|lähettäjä|od|feladó|kimden|gönderen|от|από|"
    r"发件人|寄件者|差出人|送信者|보낸 사람|de la)\s?\*?\s?[:：]\*?\s*(?P<who>.{1,300})",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"[\s*>]*(?:sent|to|cc|bcc|subject|date|reply-to|importance|attachments|gesendet|an|betreff|datum|"
    r"kopie|envoyé|date d.envoi|à|a|objet|enviado|enviada|enviado el|para|asunto|fecha|"
    r"assunto|data|inviato|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|kopia|sendt|til|emne|kopi|"
    r"lähetetty|vastaanottaja|aihe|päiväys|wysłano|wysłane|do|temat|dw|odesláno|komu|předmět|"
    r"odoslané|predmet|elküldve|címzett|tárgy|tarih|kime|konu|gönderilme|отправлено|дата|кому|"
    r"тема|копия|εστάλη|προς|θέμα|发送时间|收件人|主题|抄送|日期|寄件日期|收件者|主旨|送信日時|宛先|件名|日付|"
    r"보낸 날짜|받는 사람|제목|참조)\s?\*?\s?[:：]\*?(?:\s.{0,500}|)",
    re.IGNORECASE,
)

_SENT_FROM = (
    "sent (?:from|via|with|by) (?:my|the|outlook|yahoo|mail|proton|android|samsung|a|gmail|iphone)|"
    "get outlook for|sent with|von meinem|gesendet mit|gesendet über|holen sie sich outlook|"
    "envoyé (?:de|à partir de|avec|depuis)|obtenez outlook|télécharger outlook|"
    "enviado (?:desde|do|a partir|con|pelo)|obtener outlook|obter o outlook|"
    "inviato (?:da|dal|con)|scarica outlook|ottieni outlook|"
    "verzonden (?:vanaf|met|via)|verstuurd vanaf|outlook voor|"
    "skickat (?:från|med)|skaffa outlook|hämta outlook|sendt (?:fra|med)|hent outlook|"
    "lähetetty|hanki outlook|wysłan[eo] (?:z|za)|pobierz|odesláno (?:z|ze)|odoslané z|"
    "отправлено (?:с|из)|iphone.?umdan gönderildi|.{0,20}(?:ımdan|imden|dan|den) gönderildi|"
    "elküldve|στάλθηκε|发自我的|從我的|从我的|iphoneから送信|"
    ".{0,20}から送信|나의 .{0,20}에서 보냄|내 .{0,20}에서 보냄"
)


@cache
def sent_from() -> re.Pattern[str]:
    """Return what a phone's or a program's own line at the end of a mail begins with."""
    from mailparser_reply.constants import MAIL_LANGUAGES

    known = [words["sent_from"] for words in MAIL_LANGUAGES.values() if words.get("sent_from")]
    # Its shorter ones begin lines of people's own too.
    known = [each for each in known if len(each) > 8]
    return re.compile(rf"\W{{0,3}}(?:{'|'.join([*known, _SENT_FROM])}).{{0,80}}", re.IGNORECASE)


@cache
def wrote_lines() -> re.Pattern[str]:
    """Return what the lines before a quote look like to `mail-parser-reply`.

    Ask it of short texts only: its patterns take the square of a line's length.
    """
    from mailparser_reply.constants import MAIL_LANGUAGES

    known = [words["wrote_header"] for words in MAIL_LANGUAGES.values() if "wrote_header" in words]
    return re.compile("|".join(known), re.IGNORECASE)


COLONS = ":："
_NO_NAMES = (
    r"\b(?:a|ha|at|um|uhr|kl|am|pm|às|klo|o|godz|ч|г|le|el|on|via|via\s.*|the following)\b\.?"
    r"|[*_\"'“”«»„()\[\]]"
)
# What stands around a name in such a line.
NO_NAME = re.compile(_NO_NAMES, re.IGNORECASE)
