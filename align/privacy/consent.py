"""What the owner agrees to before anything leaves: shown once, answered, and recorded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from align.errors import UserError
from align.owner import Owner
from align.privacy.egress_log import FILE, EgressLog, read
from align.store.ids import content_id
from align.text.printable import printable

YES = ("y", "yes")
PROVIDER = "Anthropic"
RULE = "https://support.claude.com/en/articles/12326764-can-i-use-my-outputs-to-train-an-ai-model"
RULE_READ = "November 2026"

# What leaves, and what never does, by purpose.
_LEAVES = {
    "judge": (
        "who {name} is, from owner.yaml: name, facts and rubric",
        "prompts and pairs of answers whose level is open",
        "of some of these pairs, which answer {name} chose",
    ),
    "questions": ("passages of documents whose level is open",),
}
_STAYS = (
    "writing that is train-only or sealed, and what repeats 8 or more words in a row of it",
    "pairs marked private, their rewrites and their notes",
    "chats and documents as they were read in, checkpoints, and the store itself",
)
_STAYS_TOO = {"judge": (), "questions": ("who {name} is, and anything that {name} chose",)}


@dataclass(frozen=True, slots=True)
class Consent:
    """What the owner agreed to."""

    host: str  # who may be sent something
    purpose: str  # what for
    terms: str  # hash of the lines that were shown


def terms(host: str, purpose: str, owner: Owner, *, redacted: bool = True) -> list[str]:
    """Return the lines that the owner is shown, and agrees to or not."""
    name = owner.name
    leaves = [line.format(name=name) for line in _LEAVES[purpose]]
    stays = [line.format(name=name) for line in (*_STAYS, *_STAYS_TOO[purpose])]
    lines = [
        f"Texts of {name} would leave this machine, to {host} ({PROVIDER}).",
        "What leaves:",
        *(f"  - {line}" for line in leaves),
        "What never leaves:",
        *(f"  - {line}" for line in stays),
        *_redaction(owner, redacted),
        f"Each request is noted in data/.../{FILE}: when, to whom, how much, what it cost; never",
        "the text. To see it: align egress",
        *_rule(purpose),
    ]
    return [printable(line) for line in lines]


def hash_of(lines: Sequence[str]) -> str:
    """Return the name of the terms: changed ones have another."""
    return content_id(*lines)


def given(egress_log: EgressLog, host: str, purpose: str, terms_hash: str) -> Consent | None:
    """Return the consent to these very terms from the egress log; None where there is none."""
    wanted = {"kind": "consent", "host": host, "purpose": purpose, "terms": terms_hash}
    for line in read(egress_log.owner_id):
        if all(line.get(name) == value for name, value in wanted.items()):
            return Consent(host, purpose, terms_hash)
    return None


def record(egress_log: EgressLog, host: str, purpose: str, terms_hash: str, *, how: str) -> Consent:
    """Note in the log that the owner agreed; `how` is `asked` or `yes-send`."""
    egress_log.consent(host=host, purpose=purpose, terms=terms_hash, how=how)
    return Consent(host, purpose, terms_hash)


def ask_consent(
    egress_log: EgressLog,
    host: str,
    purpose: str,
    lines: Sequence[str],
    *,
    ask: Callable[[str], str] | None,
    yes: bool = False,
    show: Callable[[str], None],
) -> Consent:
    """Return the owner's consent: the one on file, `yes`, or what they answer now.

    `ask` puts a question on the terminal and returns the answer; None where there is none.
    UserError: they did not agree, or nobody could be asked.
    """
    terms_hash = hash_of(lines)
    if consent := given(egress_log, host, purpose, terms_hash):
        return consent
    for line in lines:
        show(printable(line))
    if yes:
        return record(egress_log, host, purpose, terms_hash, how="yes-send")
    if ask is None:
        what = "nothing was sent: nobody is there to agree"
        raise UserError("consent", what, "Read the lines above, and add --yes-send if you agree")
    # Nothing but a plain yes is one: no default, and no stray key.
    if ask("Send this? Write yes or no").strip().casefold() not in YES:
        raise UserError("consent", "nothing was sent: you did not agree")
    return record(egress_log, host, purpose, terms_hash, how="asked")


def _redaction(owner: Owner, redacted: bool) -> list[str]:
    if not redacted:
        return ["Texts leave as they are: redaction is off."]
    # Not how many: one more name is no reason to ask again.
    names = "the names of owner.yaml" if owner.names else "no names, for owner.yaml lists none"
    return [
        "Before they leave, these are replaced: e-mail and IP addresses, phone, card and account",
        f"numbers, keys and passwords, and {names}. It goes by their form:",
        "what looks like none of these stays as it is, and so does what you tell in plain words.",
    ]


def _rule(purpose: str) -> list[str]:
    use = {"judge": "verdicts", "questions": "questions"}[purpose]
    return [
        f"{PROVIDER}'s support pages say that what its models write may not be used to train other",
        f"models without its written permission ({RULE},",
        f"read in {RULE_READ}). Whether to train on the {use} is your own decision, and you answer",
        "for it.",
    ]
