"""What makes no sense without what is not there, by labelled cases in seven languages."""

import pytest

from align.ingest.cleaning.context_bound import Context, is_context_bound
from align.text.similarity import words

ASKED = Context(someone_spoke=True, has_antecedent=True)
PHOTO = Context(someone_spoke=True, answers_wordless=True)
AFTER_PHOTO = Context(someone_spoke=True, answers_wordless=True, is_first_answer=False)
MISSING = Context(someone_spoke=True, link_is_missing=True)
OPENING = Context()
NO_ANTECEDENT = Context(someone_spoke=True)

BOUND = [
    (ASKED, "No class Thursday"),
    (ASKED, "ok see you tomorrow"),
    (ASKED, "I'm here"),
    (ASKED, "on my way"),
    (ASKED, "yes I do"),
    (ASKED, "ok thanks"),
    (ASKED, "haha no"),
    (ASKED, "same here"),
    (ASKED, "that one"),
    (ASKED, "at 7?"),
    (ASKED, "7:30 at the station"),
    (ASKED, "I'll be there at 5pm"),
    (ASKED, "can't make it tonight, sorry, work ran late"),
    (ASKED, "running late, 10 min"),
    (ASKED, "I'll bring the cake tomorrow"),
    (ASKED, "just left work"),
    (ASKED, "almost there!"),
    (ASKED, "are we still on for Friday night at Luigi's?"),
    (ASKED, "me too"),
    (ASKED, "sure, why not"),
    (ASKED, "bin gleich da"),
    (ASKED, "heute abend kann ich nicht"),
    (ASKED, "ja klar"),
    (ASKED, "bis morgen!"),
    (ASKED, "j'arrive dans 5 min"),
    (ASKED, "pas ce soir"),
    (ASKED, "oui d'accord"),
    (ASKED, "ya voy para allá"),
    (ASKED, "mañana no puedo"),
    (ASKED, "sí claro"),
    (ASKED, "sto arrivando"),
    (ASKED, "domani non posso"),
    (ASKED, "tô chegando"),
    (ASKED, "hoje não posso"),
    (ASKED, "ben er bijna"),
    (ASKED, "vanavond kan ik niet"),
    (PHOTO, "that's a beautiful dog"),
    (PHOTO, "wow, where was that taken?"),
    (PHOTO, "der sieht ja lustig aus"),
    (AFTER_PHOTO, "is that yours?"),
    (MISSING, "I think that was the second one"),
    (OPENING, "yes, the blue one"),
    (OPENING, "thanks for the lovely book"),
    (OPENING, "haha that's hilarious"),
    (NO_ANTECEDENT, "did he?"),
    (NO_ANTECEDENT, "what about them?"),
    (ASKED, "the plumber comes Monday morning"),
    (ASKED, "picking grandma up from the airport tomorrow"),
    (ASKED, "down by the fountain, red jacket"),
]
FREE = [
    (ASKED, "I love jazz more than anything"),
    (ASKED, "I'm 34"),
    (ASKED, "I have two brothers and a tortoise"),
    (ASKED, "I hate Mondays"),
    (ASKED, "Monday mornings are the worst"),
    (ASKED, "We play football every Friday"),
    (ASKED, "I feel terrible today"),
    (ASKED, "Today I learned that octopuses have three hearts"),
    (ASKED, "Had the best ramen of my life yesterday, the broth was like velvet"),
    (ASKED, "yes, but only because the ending is so sad"),
    (ASKED, "No, I never learned to swim properly"),
    (ASKED, "There is no bad weather, only bad shoes"),
    (ASKED, "nice to meet you"),
    (ASKED, "good morning sunshine"),
    (ASKED, "my brother lives in Lisbon"),
    (ASKED, "did he really sell the piano?"),
    (ASKED, "is it good?"),
    (ASKED, "what do you think of free will?"),
    (ASKED, "Ich lese gerade ein Buch über Pilze"),
    (ASKED, "Guten Morgen, meine Liebe"),
    (ASKED, "Ich hasse Regen im November"),
    (ASKED, "J'adore les vieux films en noir et blanc"),
    (ASKED, "Me encanta cocinar con mi abuela"),
    (ASKED, "Adoro il mare d'inverno"),
    (ASKED, "Eu gosto muito de fado triste"),
    (ASKED, "Ik hou van lange wandelingen langs het strand"),
    (PHOTO, "I never understood why people photograph food, it only gets cold while they do"),
    (AFTER_PHOTO, "anyway did you finish the book about whales"),
    (MISSING, "My grandmother always said that soup tastes better from an old pot, oddly true"),
    (OPENING, "Have you seen the new film about Bach?"),
    (OPENING, "Yes so I thought about it for a week and I am moving to Porto after all"),
    (OPENING, "omg I passed the exam"),
    (
        ASKED,
        "We went to the lake on Saturday, the water was freezing and my sister still swam across",
    ),
    (ASKED, "Thursday is the most melancholy day"),
]
CASES = [(*case, True) for case in BOUND] + [(*case, False) for case in FREE]


def told(before: Context, text: str) -> bool:
    return is_context_bound(text, words(text), before)


def test_at_least_nine_of_ten_labelled_cases_are_told_right() -> None:
    wrong = [text for before, text, bound in CASES if told(before, text) is not bound]
    assert len(CASES) >= 60
    assert len(wrong) <= 0.1 * len(CASES), wrong


def test_what_is_called_bound_nearly_always_is() -> None:
    called = [bound for before, text, bound in CASES if told(before, text)]
    assert sum(called) >= 0.95 * len(called)


def test_a_message_of_substance_may_name_a_weekday() -> None:
    long = "On Thursday the choir sang Bach so badly that the organist wept and I loved every bar"
    for before in (ASKED, PHOTO, MISSING, OPENING):
        assert not told(before, long)


def test_an_antecedent_makes_a_short_question_free() -> None:
    assert told(NO_ANTECEDENT, "is it?")
    assert not told(ASKED, "is it?")


@pytest.mark.parametrize("text", ["", "🎉", "...", "7", "'", "1st 2nd 3rd"])
def test_texts_without_words_are_judged_too(text: str) -> None:
    assert told(ASKED, text) in (True, False)
