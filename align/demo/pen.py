"""Write clauses down as one voice would: choose words, join, decorate, punctuate."""

import random
import re
from dataclasses import dataclass

from align.demo import lexicon as lex
from align.demo.kinds import ROLES, VARIED
from align.demo.topics import Topic
from align.demo.voice import Voice

_SLOT = re.compile(r"\{(\w+)\}")
_FAVOURITE_FIRST = 0.65
_MAX_JOINED = 3
_DROPS = ("I am ", "I have ", "it is ", "I ", "it ")
_NEVER_DROPPED = re.compile(r"I (?:can|could|had) |it (?:all|can) ")
# "the long and short of it is" keeps its verb.
_CONTRACTED = re.compile(
    r"(?<!of )\b(" + "|".join(lex.CONTRACTIONS) + r")(?= [a-z])", re.IGNORECASE
)
_AMERICAN = re.compile(r"\b(" + "|".join(lex.AMERICAN) + r")\b")


@dataclass(frozen=True)
class Clause:
    """Hold a clause without capital and full stop, and how it may be used."""

    text: str
    order: bool
    contrast: bool


class Pen:
    """Write one text of one voice about one topic, without saying anything twice."""

    def __init__(self, voice: Voice, topic: Topic, rng: random.Random) -> None:
        """Settle what holds for a whole text: spelling, case and what has been used."""
        self.voice, self.topic, self.rng = voice, topic, rng
        self.british = rng.random() < voice.levels["british"]
        self.lower = rng.random() < voice.levels["lower"]
        self.used: set[str] = set()
        self.named = False
        self.addressed = not self.chance("address")

    def chance(self, habit: str) -> bool:
        """Say whether a habit shows this time."""
        return self.rng.random() < self.voice.levels[habit]

    def fresh(self, ways: tuple[str, ...]) -> str | None:
        """Choose one of the voice's own ways that this paragraph has not had yet."""
        left = tuple(way for way in ways if way not in self.used)
        if not left:
            return None
        chosen = self.own(left)
        self.used.add(chosen)
        return chosen

    def own(self, ways: tuple[str, ...]) -> str:
        """Choose among the voice's own ways, the first most often."""
        if len(ways) == 1 or self.rng.random() < _FAVOURITE_FIRST:
            return ways[0]
        return self.rng.choice(ways[1:])

    def word(self, slot: str) -> str:
        """Choose a word of the lexicon."""
        plain, _ = lex.SYNONYMS[slot]
        favourite = self.voice.words.get(slot)
        if favourite is not None and self.chance("favour"):
            return favourite
        return self.rng.choice(plain)

    def _judgement(self, slot: str) -> str:
        good = slot == "vnice"
        if self.chance("understate"):
            return self.rng.choice(lex.PHRASES["understated" if good else "understated_bad"])
        adjective = self.word("nice" if good else "awful")
        return f"{self.word('very')} {adjective}" if self.chance("intensify") else adjective

    def _phrase(self, slot: str) -> str:
        ways = self.topic.phrases[slot]
        fresh = [way for way in ways if way not in self.used] or list(ways)
        chosen = self.rng.choice(fresh)
        self.used.add(chosen)
        self.named = True
        return chosen

    def slot(self, slot: str) -> str:
        """Return what stands in for a slot of a template."""
        if slot in ("name", "do", "did", "doing"):
            self.named = True
            return str(getattr(self.topic, slot))
        if slot in self.topic.phrases:
            return self._phrase(slot)
        if slot in ("vnice", "vbad"):
            return self._judgement(slot)
        pools = {"person": "people", "when": "when", "ago": "ago"}
        return self.rng.choice(lex.PHRASES[pools[slot]]) if slot in pools else self.word(slot)

    def _exhausted(self, template: str) -> bool:
        slots = VARIED & set(_SLOT.findall(template))
        return any(set(self.topic.phrases[s]) <= self.used for s in slots)

    def clause(self, role: str) -> Clause | None:
        """Return a clause for a role, or None where all that could be said has been."""
        ways = [way for way in ROLES[role] if way not in self.used and not self._exhausted(way)]
        if not ways:
            return None
        template = self.rng.choice(ways)
        self.used.add(template)
        bare = template.lstrip("!~")
        text = _SLOT.sub(lambda match: self.slot(match.group(1)), bare)
        return Clause(text, template[0] == "!", template[0] == "~")

    def _hedged(self, clause: Clause) -> str:
        text = clause.text
        if clause.order or " think " in text or not self.chance("hedge"):
            return text
        hedge = self.fresh(self.voice.ways["hedges"])
        return f"{hedge} {text}" if hedge else text

    def _dropped(self, text: str) -> str:
        if _NEVER_DROPPED.match(text) or not self.chance("drop"):
            return text
        for head in _DROPS:
            if text.startswith(head):
                return text[len(head) :]
        return text

    def _join(self, left: str, clause: Clause) -> str:
        joiner = self.own(self.voice.ways["joiners"])
        right = self._hedged(clause)
        if clause.contrast and joiner in ("and", "comma"):
            return f"{left}, {self.word('but')} {right}"
        return left + lex.JOINERS[joiner] + right

    def _decorated(self, text: str, statement: bool) -> str:
        """Add at most one thing at the end of a sentence."""
        if not self.addressed:
            self.addressed = True
            return f"{text}, {self.own(self.voice.ways['addresses'])}"
        if statement and self.chance("comment"):
            added = self.fresh(self.voice.ways["comments"])
            return f"{text}, {added}" if added else text
        if self.chance("tag"):
            added = self.fresh(self.voice.ways["tags"])
            return f"{text}, {added}" if added else text
        if self.chance("aside"):
            before, after = lex.BRACKETS[self.voice.brackets]
            added = self.fresh(self.voice.ways["asides"])
            return text + before + added + after if added else text
        return text

    def _end(self) -> str:
        if self.chance("ellipsis"):
            return "..."
        return "!" if self.chance("exclaim") else "."

    def _sentence(self, clauses: list[Clause], opener: str) -> str:
        first = clauses[0]
        text = self._hedged(first)
        if opener:
            text = f"{opener} {text}"
        elif first.contrast and self.chance("but_start"):
            text = f"but {text}"
        elif text == first.text:
            text = self._dropped(text)
        for clause in clauses[1:]:
            text = self._join(text, clause)
        text = self._decorated(text, not clauses[-1].order) + self._end()
        return self.finish(text)

    def finish(self, text: str) -> str:
        """Contract, spell and capitalise one sentence."""
        text = _CONTRACTED.sub(self._contract, text)
        if not self.british:
            text = _AMERICAN.sub(lambda match: lex.AMERICAN[match.group(1)], text)
        if self.lower:
            return text if text.startswith(("I ", "I'")) else text[0].lower() + text[1:]
        return text[0].upper() + text[1:]

    def _contract(self, match: re.Match[str]) -> str:
        plain = match.group(1)
        short = lex.CONTRACTIONS.get(plain) or lex.CONTRACTIONS[plain[0].lower() + plain[1:]]
        return short if self.chance("contraction") else plain

    def _groups(self, clauses: list[Clause]) -> list[list[Clause]]:
        groups = [[clauses[0]]]
        for clause in clauses[1:]:
            room = len(groups[-1]) < _MAX_JOINED and not clause.order
            if room and self.chance("join"):
                groups[-1].append(clause)
            else:
                groups.append([clause])
        return groups

    def _echo(self) -> str:
        name = self.topic.name
        self.named = True
        return self.finish(name + self.voice.echo_mark)

    def paragraph(self, roles: list[str], opening: bool, closing: bool) -> str:
        """Return one paragraph that says these roles in order, but those with nothing left to say.

        `opening` and `closing` tell whether the text begins here (opener, echo) and whether it ends
        here (maxim, question back, sign-off).
        """
        self.used -= set(self.voice.ways["hedges"] + self.voice.ways["tags"])
        clauses = [clause for role in roles if (clause := self.clause(role)) is not None]
        if not clauses:
            return self.finish(f"{self.slot('name')} is {self.slot('is')}.")
        sentences: list[str] = []
        opener = ""
        if opening and self.chance("echo"):
            sentences.append(self._echo())
        elif opening and self.chance("opener"):
            opener = self.own(self.voice.ways["openers"])
        for group in self._groups(clauses):
            sentences.append(self._sentence(group, opener))
            opener = ""
        if self.chance("stamp"):
            place = self.rng.randint(min(2, len(sentences)), len(sentences))
            sentences.insert(place, self.finish(self.own(self.voice.ways["stamps"])))
        if closing:
            sentences += self._close()
        return " ".join(sentences)

    def _close(self) -> list[str]:
        habits = (("maxim", "maxims"), ("ask_back", "ask_backs"), ("sign_off", "sign_offs"))
        return [
            self.finish(self.own(self.voice.ways[ways]))
            for habit, ways in habits
            if self.chance(habit)
        ]
