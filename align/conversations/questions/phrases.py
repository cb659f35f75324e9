"""How a question about something is put, by language: what rules can say without a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """What the rules need of a language.

    Attributes:
        about: Questions on a topic; `{}` stands for it.
        more: Questions on a thing within a larger topic: the thing, then the topic.
        determiners: Words after which a noun follows.
        openers: Beginnings of titles that are no part of their topic.
        capital_nouns: Whether nouns keep their capital inside a sentence.
    """

    about: tuple[str, ...]
    more: tuple[str, ...]
    determiners: frozenset[str]
    openers: tuple[str, ...] = ()
    capital_nouns: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PHRASES: dict[str, Phrases] = {
    "en": Phrases(
        about=("What do you think about {}?", "Tell me about {}.", "What can you say about {}?"),
        more=("What about {}, when it comes to {}?", "Tell me about {} and {}."),
        determiners=_words("the a an my our his her their its this that these those your"),
        openers=(
            "some thoughts on", "some thoughts about", "thoughts on", "thoughts about",
            "a few words on", "a few words about", "a word about", "a word on",
            "a note on", "notes on", "notes about",
            "reflections on", "in praise of", "in defence of", "in defense of", "on", "about",
        ),
    ),
    "de": Phrases(
        about=("Was denkst du über {}?", "Erzähl mir von {}.", "Was sagst du zu {}?"),
        more=("Was ist mit {}, wenn es um {} geht?",),
        determiners=_words(
            "der die das den dem des ein eine einen einem einer mein meine meinen meinem meiner "
            "unser unsere unseren dieser diese dieses"
        ),
        openers=("gedanken über", "gedanken zu", "über", "vom", "von der"),
        capital_nouns=True,
    ),
    "fr": Phrases(
        about=("Que penses-tu de {} ?", "Parle-moi de {}."),
        more=("Et {}, à propos de {} ?",),
        determiners=_words(
            "le la les un une des mon ma mes notre nos son sa ses leur leurs ce cette ces"
        ),
        openers=("quelques mots sur", "pensées sur", "à propos de", "sur"),
    ),
    "es": Phrases(
        about=("¿Qué piensas de {}?", "Háblame de {}."),
        more=("¿Y {}, cuando se trata de {}?",),
        determiners=_words(
            "el la los las un una unos unas mi mis nuestro nuestra su sus este esta estos estas"
        ),
        openers=("algunas ideas sobre", "pensamientos sobre", "sobre", "acerca de"),
    ),
}  # fmt: skip
