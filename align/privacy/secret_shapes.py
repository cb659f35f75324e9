"""Find secrets: in URLs, by the shapes of keys that services give out, and by their labels."""

import re
from collections.abc import Iterator

from align.privacy.login_codes import CODE_RUNS, OTHER_SCRIPTS, find_login_codes
from align.privacy.names import runs
from align.privacy.spans import apart, covered

# How a key begins that its service can be told from.
PREFIX = re.compile(
    r"sk-(?:ant-|proj-)?|[spr]k_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|gl(?:pat|rt|ptt)-"
    r"|xox[a-z]-|xapp-|A(?:KIA|SIA|BIA|CCA)|AIza|ya29\.|GOCSPX-|hf_|npm_|pypi-|SG\.|key-|eyJ"
)
# A placeholder of ours, wherever it stands.
PLACEHOLDER = re.compile(rf"(?:{PREFIX.pattern})?EXAMPLE\d{{3}}(?!\w)")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----\s*(?P<secret>[^\x00]*?)\s*"
    r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|(?=\n\s*\n)(?!\n\s*\n[\w+/=]{20})|\Z)"
)
_IN_URL = re.compile(
    # https://name:password@host
    r"(?<=://)(?P<user>[^\s/?#\x00]+)@(?=[\w\[])"
    # hooks whose path is all that one needs to write there
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/(?P<slack>[\w/-]{20,})"
    r"|/api/webhooks/(?P<discord>\d{15,}/[\w-]{20,})"
    r"|api\.telegram\.org/(?:file/)?bot(?P<telegram>\d{6,}:[\w-]{20,})"
    # invitations: who has the link is in
    r"|(?<![\w.])(?:discord\.gg|(?:ptb\.|canary\.|www\.)?discord(?:app)?\.com/invite"
    r"|chat\.whatsapp\.com(?:/invite)?|(?:t|telegram)\.me/joinchat|line\.me/[rR]/ti/g2?"
    r"|join\.skype\.com|m\.me/j|signal\.group/#)"
    r"/?(?P<invite>(?=(?-i:[\w-]*[A-Z\d]))[\w-]{5,})"
    r"|(?<![\w.])(?:t|telegram)\.me/\+(?P<joining>[\w-]{12,})"
    r"|join\.slack\.com/t/[\w-]+/shared_invite/(?P<workspace>[\w~-]{10,})"
    r"|teams\.(?:microsoft|live)\.com/(?:meet|l/invite)/(?P<teams>\w{8,})",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"[?&#;](?:[\w.%-]*[-_.])?"
    r"(?:(?:access|auth|refresh|id|api|app|client|session|security|bearer|user|csrf)?"
    r"(?:token|key|secret|sig|signature|credential|auth|authorization|jwt|sid|j?sessionid"
    r"|phpsessid|session|otp|ticket|hash)=(?P<secret>[^\s&#\x00\"'<>()\[\]{}]{4,})"
    r"|(?:pass|passwd|password|passphrase|pwd|pw)=(?P<password>[^\s&#\x00\"'<>()\[\]{}]+)"
    r"|code=(?P<code>(?=[^\s&#]*\d)[^\s&#\x00\"'<>()\[\]{}]{10,}))",
    re.IGNORECASE,
)
# By their prefixes, as the services document them.
_KEY = re.compile(
    r"(?<![\w-])(?:"
    r"sk-(?:ant-|proj-|(?=[\w-]*\d|[A-Za-z]{20}))[\w-]{16,}"  # OpenAI, Anthropic, others
    r"|(?:sk|pk|rk)_(?:live|test)_\w{10,}|whsec_[\w+/=]{16,}"  # Stripe
    r"|gh[pousr]_\w{16,}|github_pat_\w{16,}|gl(?:pat|rt|ptt)-[\w.-]{16,}"
    r"|xox[abceoprs]-[\w-]{8,}|xapp-[\w-]{10,}|xoxe\.[\w.-]{10,}"  # Slack
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,20}"  # AWS
    r"|AIza[\w-]{20,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}|1//0[\w-]{20,}"  # Google
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|dop_v1_[0-9a-f]{20,}"
    r"|shp(?:at|ca|pa|ss)_[0-9a-f]{20,}|sq0(?:atp|csp)-[\w-]{20,}|r8_\w{20,}|gsk_\w{20,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}|lin_api_\w{20,}"
    r"|EAA[A-Za-z0-9]{40,}|PMAK-[\w-]{20,}|sbp_[0-9a-f]{20,}|tskey-[\w-]{16,}"
    r"|eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)*"  # JSON web tokens
    r"|\d{8,10}:A[\w-]{33,35}"  # a Telegram bot
    r"|[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}"  # a Discord bot
    r")(?![\w-])"
)
_BEARER = re.compile(r"\b(?:bearer|basic)\s+(?P<secret>[\w.~+/-]{16,}=*)", re.IGNORECASE)

_PASSWORDS = (
    r"(?:passw(?:ord|ort|d)|passwörter|passcode|passphrase|pwd|pw|kennwort|mot de passe|mdp"
    r"|contrase(?:ñ|n)a|palavra-passe|wachtwoord|lösenord|adgangskode|passord|salasana|hasło|heslo"
    r"|jelszó|пароль|şifre|密码|パスワード|비밀번호)"
)
# Words of which a sentence may have another meaning.
_PASSES = rf"(?:{_PASSWORDS}|pass|clave|senha|parol[ae])"
_KEYS = (
    r"(?:(?:api|access|secret|private|auth|client|encryption|licen[cs]e)[ _-]?(?:key|token|secret)"
    r"|secret|token|recovery (?:key|code)|backup code|seed phrase)"
)
# What stands before a label: `wifi password`, `DB_PASSWORD`, `"aws_secret_access_key"`.
_BEFORE = r"(?:(?<=[\W_])|^)"
_SAID = r"[\"']?\s*(?:[:=\uff1a]|:=|=>)\s*[\"']?"
# A line that is nothing but a label and the secret.
_LINE = re.compile(
    rf"^[^\S\n>*•-]*(?:[>*•-]\s*)?(?:[\w'-]+[^\S\n]+){{0,3}}(?:[\w.-]*[_.-])?{_PASSWORDS}{_SAID}"
    r"(?P<secret>[^\s\x00\"'](?:[^\n\x00]{0,78}[^\s\x00\"',;.])?)[\"',;.]*[^\S\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_WITHIN = re.compile(
    rf"{_BEFORE}{_PASSES}(?:{_SAID}|\s+(?:is|was|ist|lautet|est|es|è|é|är|er)\s*:?\s+[\"'`]?)"
    r"(?P<secret>[^\s\x00\"'`]+)",
    re.IGNORECASE,
)
_LABELLED_KEY = re.compile(
    rf"{_BEFORE}{_KEYS}(?:{_SAID}|\s+(?:is|ist|est|es)\s*:?\s+)"
    r"(?P<secret>(?=[^\s\x00\"'&]*\d|[A-Za-z]{24})[^\s\x00\"'<>&]{8,})",
    re.IGNORECASE,
)
_PIN = re.compile(
    r"\b(?:pin|puk|cvv|cvc|otp|passcode"
    r"|(?:2fa|security|verification|door|entry|gate|alarm|lock|unlock|safe)[ -]?code)"
    r"(?: code| number|-?nummer)?(?:\s*[:=]\s*|\s+(?:is|ist|est|es)\s+|\s+)(?P<secret>\d{3,8})"
    r"(?![\w.,:]*\d)",
    re.IGNORECASE,
)
# What a QR code of a network says; and a network, and what lets one in: eight letters at least.
_WIFI = re.compile(
    r"\bWIFI:(?:[TSHR]:[^;\n]*;)*P:(?P<qr>(?:\\.|[^;\\\n\x00])+)(?=;)"
    r"|(?<![^\W_])(?:wi-?fi|w-?lan)"
    r"(?:[ -]?(?:key|code|schlüssel|clave|clé|chiave|senha|pass\w*|pw)\b\s?)?"
    r"(?:\s?[:=]\s?|(?<=(?:ord|key|ort|.pw)\s)|\s?(?<=\s)(?:is|ist|est|es|è|é)\s)"
    r"(?:[^\s\x00]+[^\S\n]+){0,3}?[\"'`]?(?P<secret>(?!802\.|https?:)"
    r"(?=\S*[^\W\d_]|\d{12})(?=\S*(?:\d|[!$%&*+=_~]))[^\s\x00\"'`]{8,63})",
    re.IGNORECASE,
)
_OTHER_LABELS = re.compile(
    f"пароль|密码|パスワード|비밀번호|hasło|şifre|passwörter|{OTHER_SCRIPTS}", re.IGNORECASE
)
_CLOSING = ".,;:!?)]}>\"'`\u201d\u2019"


# The words of all labels above, as runs of ASCII letters.
_LABELS = CODE_RUNS | frozenset(
    b"password passwort passwd rter passcode passphrase pwd pw kennwort passe mdp contrase"
    b" contrasena palavra wachtwoord senord adgangskode passord salasana heslo jelsz pass code"
    b" clave senha parol parola parole key token secret phrase pin puk cvv cvc otp"
    b" bearer basic apikey accesskey secretkey privatekey authkey clientkey licensekey"
    b" licencekey encryptionkey apitoken accesstoken authtoken clienttoken apisecret"
    b" clientsecret accesssecret privatetoken secrettoken authsecret pinnummer wifi wlan fi"
    b" lan".split()
)


def has_label(text: str) -> bool:
    """Tell whether a text may name a secret: never wrong where it says no."""
    # Labels of other scripts have no run that could be looked up.
    return not _LABELS.isdisjoint(runs(text)) or (
        not text.isascii() and _OTHER_LABELS.search(text) is not None
    )


def find_secrets(text: str) -> list[tuple[int, int]]:
    """Return where secrets stand, in order: the secret alone, not what labels it."""
    spans: list[tuple[int, int]] = []
    # What a URL or a key's shape tells goes before what a label says of the word after it.
    for find in (_told_by_shape, _told_by_label):
        new = list(apart(find(text)))
        spans += new
        text = covered(text, new)
    return sorted(spans)


def _told_by_shape(text: str) -> Iterator[tuple[int, int]]:
    patterns = [_KEY]
    if "-----BEGIN" in text:
        patterns.append(_PRIVATE_KEY)
    if "/" in text:
        patterns.append(_IN_URL)
    if "=" in text:
        patterns.append(_PARAMETER)
    for pattern in patterns:
        for match in pattern.finditer(text):
            group = match.lastgroup or 0
            yield _trimmed(text, match.start(group), match.end(group))


def _told_by_label(text: str) -> Iterator[tuple[int, int]]:
    yield from find_login_codes(text)
    for pattern in (_BEARER, _LABELLED_KEY, _PIN, _WIFI):
        for match in pattern.finditer(text):
            yield _trimmed(text, *match.span(match.lastgroup or "secret"))
    for match in _LINE.finditer(text):
        # More than a passphrase's words is a sentence.
        if len(match["secret"].split()) <= 8 and "://" not in match["secret"]:
            yield match.span("secret")
    for match in _WITHIN.finditer(text):
        start, stop = _trimmed(text, *match.span("secret"))
        if _is_made_up(text[start:stop]) and "://" not in text[start:stop]:
            yield start, stop


def _trimmed(text: str, start: int, stop: int) -> tuple[int, int]:
    while stop > start and text[stop - 1] in _CLOSING:
        stop -= 1
    return start, stop


def _is_made_up(word: str) -> bool:
    """Tell a password in a sentence from the sentence's next word."""
    inner = word[1:]
    return len(word) >= 4 and (
        any(c.isdigit() or (not c.isalnum() and c not in "'\u2019-") for c in word)
        or (any(c.isupper() for c in inner) and any(c.islower() for c in word))
    )
