"""Another language is told where it can be told, and doubt keeps a text."""

from align.ingest.cleaning.languages import other_languages

ENGLISH = "I think we should leave before it starts to rain again."
GERMAN = "Ich glaube, wir sollten losgehen, bevor es wieder zu regnen anfängt."
FRENCH = "Je pense que nous devrions partir avant qu'il ne recommence à pleuvoir."
RUSSIAN = "Я думаю, нам надо выйти до того, как снова начнётся дождь."


def test_without_languages_any_is_right() -> None:
    assert other_languages([ENGLISH, RUSSIAN], []) == [False, False]
    assert other_languages([], ["en"]) == []


def test_a_long_text_is_judged_by_itself() -> None:
    texts = [ENGLISH, GERMAN, FRENCH, RUSSIAN]
    assert other_languages(texts, ["en"]) == [False, True, True, True]
    assert other_languages(texts, ["de", "fr"]) == [True, False, False, True]
    assert other_languages(texts, ["RU", "en"]) == [False, True, True, False]


def test_a_short_text_is_judged_with_its_conversation() -> None:
    assert other_languages(["super", GERMAN, GERMAN], ["en"]) == [True, True, True]
    assert other_languages(["super", ENGLISH, ENGLISH], ["en"]) == [False, False, False]
    assert other_languages(["super"], ["en"]) == [False]


def test_names_and_borrowed_words_make_no_other_language() -> None:
    texts = ["The word Weltschmerz is the best one they have", "Giuseppe Verdi wrote it in Busseto"]
    assert other_languages(texts, ["en"]) == [False, False]


def test_a_language_that_is_not_known_leaves_nothing_out_by_mistake_alone() -> None:
    assert other_languages(["12345 67890 !!!", ""], ["xx"]) == [False, False]
