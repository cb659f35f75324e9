"""What machines send people and people pass on: codes, parcels, bookings, newsletters."""

import re

_SHORTEST = 20
_LONGEST = 600
# No notice comes without one of these, and few other messages have them.
_DIGITS = re.compile(r"\d{4}")
_CODE = re.compile(
    r"\b(?:verification|security|confirmation|one-time|login|pass)[ -]?code\b"
    r"|\b(?:your|the|dein|ihr|votre|tu|su|il tuo|seu|je|uw) [\w-]*code (?:is|lautet|est|es|è|é)\b"
    r"|\b(?:your|dein|ihr|votre|tu|su) (?:code|código)\b\D{0,20}\d{4}|\b(?:otp|tan)\b\D{0,20}\d{4}"
    r"|\bcode de (?:vérification|confirmation)\b|\bcódigo de (?:verifica|confirma)"
    r"|\bcodice di (?:verifica|conferma)\b|\b(?:bestätigungs|verificatie|sicherheits)code\b",
    re.I,
)
_DELIVERY = re.compile(
    r"\b(?:your|ihre?|votre|su|il tuo|la tua|o seu|a sua|je|uw) (?:package|parcel|order|shipment"
    r"|delivery|booking|reservation|sendung|paket|bestellung|buchung|colis|commande|pedido|paquete"
    r"|envío|pacco|ordine|encomenda|pakket|bestelling)\b"
    r"|\btracking (?:number|id|no)\b|\bsendungs(?:nummer|verfolgung)\b|\bnuméro de suivi\b"
    r"|\bnúmero de (?:seguimiento|rastreio)\b|\bcodice di tracciamento\b|\btrack ?& ?trace\b",
    re.I,
)
_BULK = re.compile(r"\bunsubscribe\b|\breply stop to\b|\bdo not reply\b", re.I)


def is_notice(text: str) -> bool:
    """Tell whether a text is what machines send: it names a code, a parcel or a list to leave."""
    if not _SHORTEST <= len(text) <= _LONGEST:
        return False
    hinted = "://" in text or "nsubscribe" in text or "STOP to " in text or "not reply" in text
    if not hinted and not _DIGITS.search(text):
        return False
    return any(pattern.search(text) for pattern in (_CODE, _DELIVERY, _BULK))
