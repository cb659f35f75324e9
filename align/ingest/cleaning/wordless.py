"""Lines that stand for no words of anybody's: photos that were not exported, lines of the service.

Readers tell them by the export's own marks. What is taken here is what exports of older versions,
copies of copies and plain text leave: only lines that are nothing else.
"""

import re

_LONGEST = 160
# Direction marks, blanks of no width, and a variation selector after an emoji.
INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
    "\ufeff\ufe0f\xad \t\n"
)
_MEDIA = (
    "media image images photo photos picture pictures video videos audio sticker stickers gif gifs"
    " document documents file files attachment attachments voice message note contact card location"
    " live poll album animation medien bild bilder foto fotos sprachnachricht datei anhang dokument"
    " standort kontakt médias médias image vidéo fichier photo pièce jointe vocal localisation"
    " multimedia imagen imágenes archivo documento ubicación contacto nota de voz adjunto immagine"
    " immagini file vocale messaggio posizione contatto allegato mídia imagem figurinha arquivo"
    " ficheiro anexo afbeelding afbeeldingen bestand bijlage spraakbericht locatie contactpersoon"
)
_GONE = (
    "omitted attached removed unavailable ausgeschlossen weggelassen angehängt entfernt omis omise"
    " omises absent absente joint jointe omitido omitida omitidos omitidas adjunto oculta oculto"
    " omesso omessa omessi anexado anexada weggelaten bijgevoegd"
)
_FILLING = frozenset(("a", "ein", "eine", "un", "une", "una", "um", "uma", "een", "sent"))
_MEDIA_WORDS = frozenset(_MEDIA.split())
_GONE_WORDS = frozenset(_GONE.split())
_PLACEHOLDER_WORDS = _MEDIA_WORDS | _GONE_WORDS | _FILLING
_FILE = re.compile(
    r"[^\s/]+\.(?:jpe?g|png|gif|webp|heic|mp4|mov|avi|mkv|webm|3gp|opus|ogg|oga|m4a|mp3|wav|aac|"
    r"pdf|docx?|xlsx?|pptx?|vcf|zip|tgs)(?:\s*\([^()]{3,40}\))?",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]+")
_BRACKETS = {"<": ">", "[": "]", "(": ")"}
_SERVICE_LINES = frozenset({
    "this message was deleted", "you deleted this message", "this message has been deleted",
    "message deleted", "deleted message", "waiting for this message", "missed voice call",
    "missed video call", "missed call", "no answer", "call ended", "unsupported message",
    "this message is unavailable", "original message was deleted", "message unavailable",
    "diese nachricht wurde gelöscht", "du hast diese nachricht gelöscht", "gelöschte nachricht",
    "verpasster sprachanruf", "verpasster videoanruf", "verpasster anruf",
    "ce message a été supprimé", "vous avez supprimé ce message", "appel vocal manqué",
    "appel vidéo manqué", "appel manqué",
    "este mensaje fue eliminado", "se eliminó este mensaje", "eliminaste este mensaje",
    "llamada perdida", "llamada de voz perdida", "videollamada perdida",
    "questo messaggio è stato eliminato", "hai eliminato questo messaggio", "chiamata persa",
    "chiamata vocale persa", "videochiamata persa",
    "esta mensagem foi apagada", "você apagou esta mensagem", "mensagem apagada",
    "apagou esta mensagem", "chamada perdida", "chamada de voz perdida", "chamada de vídeo perdida",
    "dit bericht is verwijderd", "je hebt dit bericht verwijderd", "dit bericht werd verwijderd",
    "gemiste oproep", "gemiste spraakoproep", "gemiste video oproep",
})  # fmt: skip
_SERVICE_BEGINNINGS = (
    "messages and calls are end-to-end encrypted",
    "messages to this chat and calls are now secured",
    "messages you send to this group are now secured", "missed voice call at",
    "missed video call at", "your security code with", "disappearing messages were turned",
    "nachrichten und anrufe sind ende-zu-ende-verschlüsselt", "deine sicherheitsnummer für",
    "les messages et les appels sont chiffrés", "les messages et appels sont chiffrés",
    "los mensajes y las llamadas están cifrados", "i messaggi e le chiamate sono crittografati",
    "as mensagens e as chamadas são protegidas", "as mensagens e ligações são protegidas",
    "berichten en oproepen zijn end-to-end versleuteld",
    "berichten en gesprekken zijn end-to-end versleuteld",
)  # fmt: skip
_FORWARDS = (
    "forwarded message", "begin forwarded message", "forwarded from", "forwarded many times",
    "fwd:", "fw:", "original message-----", "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht", "weitergeleitet von", "wg:",
    "message transféré", "début du message transféré", "transféré de", "tr :",
    "mensaje reenviado", "reenviado de", "inicio del mensaje reenviado", "rv:",
    "messaggio inoltrato", "inoltrato da", "inizio messaggio inoltrato",
    "mensagem encaminhada", "encaminhada de", "encaminhado de", "início da mensagem encaminhada",
    "doorgestuurd bericht", "doorgestuurd van", "begin doorgestuurd bericht",
)  # fmt: skip
_SERVICE_STARTS = frozenset(line[:3] for line in (*_SERVICE_LINES, *_SERVICE_BEGINNINGS))
_FORWARD_STARTS = frozenset(line[:3] for line in _FORWARDS)
_STARTS = _SERVICE_STARTS | _FORWARD_STARTS
_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S|www\.\S|[\w.-]{1,80}\.[a-z]{2,24}/", re.I)
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def is_empty(text: str) -> bool:
    """Tell whether nothing can be seen of a text."""
    return not text or (text[0] in INVISIBLE and not text.strip(INVISIBLE))


def is_plainly_said(text: str) -> bool:
    """Tell at a glance that a text is no line of the service, no placeholder, forward or link.

    So are nearly all messages; of the others it tells nothing.
    """
    return (
        text[0].isalnum()
        and "/" not in text
        and "." not in text[:-3]
        and text[:3].casefold() not in _STARTS
        and text[text.rfind(" ") + 1 :].casefold().rstrip(".)") not in _GONE_WORDS
    )


def is_media_only(text: str) -> bool:
    """Tell whether a text is what an export writes for photos, voice messages and files."""
    if len(text) > _LONGEST or not _may_stand_for_media(text):
        return False
    return all(_stands_for_media(line.strip(INVISIBLE)) for line in text.split("\n") if line)


def is_system(text: str) -> bool:
    """Tell whether a text is a line of the service: a deleted message, a missed call, a notice."""
    if text[:3].casefold() not in _SERVICE_STARTS and text[0].isalnum():
        return False
    line = text[: _LONGEST + 1].casefold().strip(INVISIBLE + "<>[]*_.!…")
    return line in _SERVICE_LINES or line.startswith(_SERVICE_BEGINNINGS)


def is_forwarded(text: str) -> bool:
    """Tell whether a text says itself that it is somebody else's message, passed on."""
    if text[:3].casefold() not in _FORWARD_STARTS and text[0].isalnum():
        return False
    return text[:100].casefold().lstrip(INVISIBLE + "-—_*[(<>=").startswith(_FORWARDS)


def _may_stand_for_media(text: str) -> bool:
    # Nearly all messages are told by their first letter, their last word and their dots.
    return (
        not text[0].isalnum()
        or "." in text[:-3]
        or text[text.rfind(" ") + 1 :].casefold().rstrip(".)") in _GONE_WORDS
    )


def _stands_for_media(line: str) -> bool:
    if not line:
        return False
    closing = _BRACKETS.get(line[0])
    if closing is None or line[-1] != closing:
        if "." in line and _FILE.fullmatch(line):
            return True
        if line.rpartition(" ")[2].casefold().rstrip(".)") not in _GONE_WORDS:
            return False
    rest, files = _FILE.subn(" ", line)
    words = set(_WORD.findall(rest.casefold()))
    return (files > 0 or not words.isdisjoint(_MEDIA_WORDS)) and words <= _PLACEHOLDER_WORDS


def is_link_only(text: str) -> bool:
    """Tell whether a text is links and nothing said of them."""
    if "/" not in text and "www." not in text:
        return False
    links = 0
    for part in text.split():
        if _LINK.match(part.lstrip("<([\"'*•-")):
            links += 1
        elif _SAYS_SOMETHING.search(part):
            return False
    return links > 0
