"""List the words that voices choose between: one plain way first, then everybody's own."""

# Slot -> (plain ways, other ways). Every way fits wherever the slot stands in a template.
SYNONYMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nice": (("good", "nice"), ("lovely", "grand", "fine", "splendid", "decent", "wonderful",
                                "pleasant", "great")),
    "awful": (("bad", "hard"), ("grim", "wretched", "dreadful", "rotten", "miserable", "nasty",
                                "tiresome")),
    "very": (("very",), ("rather", "quite", "really", "so", "awfully", "terribly", "pretty",
                         "remarkably", "properly")),
    "like": (("like", "enjoy"), ("am fond of", "rather like", "have a soft spot for", "love",
                                 "adore", "am partial to", "quite like")),
    "alot": (("a lot",), ("a great deal", "a good deal", "no end", "heaps", "loads",
                          "a fair bit", "plenty")),
    "usually": (("usually", "often"), ("mostly", "generally", "as a rule", "typically",
                                       "nine times out of ten", "more often than not",
                                       "by and large")),
    "people": (("people", "many people"), ("folk", "folks", "most of us", "others",
                                           "plenty of people")),
    "think": (("think",), ("reckon", "believe", "suppose", "find", "would say", "gather")),
    "should": (("should",), ("ought to", "want to", "need to", "had better",
                             "would do well to")),
    "small": (("small",), ("little", "tiny", "modest", "slight")),
    "helps": (("helps",), ("makes a difference", "does the trick", "earns its keep",
                           "goes a long way", "works wonders")),
    "but": (("but",), ("yet", "only", "although", "then again")),
    "sometimes": (("sometimes",), ("now and then", "occasionally", "once in a while",
                                   "every so often", "from time to time")),
    "lately": (("lately", "recently"), ("of late", "these days", "this past while",
                                        "for weeks now")),
    "happy": (("happy", "calm"), ("content", "cheerful", "at peace", "in good spirits",
                                  "pleased with life", "quietly pleased", "giddy")),
    "point": (("main thing", "key"), ("great thing", "chief point", "whole secret",
                                      "real trick", "long and short of it")),
}

OPENERS = ("Well,", "Oh,", "Ah,", "Right,", "So,", "Honestly,", "Look,", "Now then,", "Hmm,",
           "Ha,", "Okay,", "Let me see,", "Goodness,", "Truth be told,", "Funny you ask,",
           "To be fair,", "Well now,", "Listen,", "Good question,", "Yes, yes,")
HEDGES = ("I think", "I suppose", "I would say", "it seems to me that", "I reckon",
          "if you ask me,", "as far as I can tell,", "in my experience,", "I dare say",
          "to my mind,", "for my part,", "from what I have seen,")
TAGS = ("mind you", "you know", "really", "though", "to be honest", "I suppose", "all told",
        "as it happens", "you see", "of course", "in fairness", "come to think of it",
        "if I am honest", "I tell you")
COMMENTS = ("which helps", "which is something", "which is half the fun", "which surprised me",
            "which says a lot", "which nobody tells you", "which is as it should be",
            "which suits me", "which is fair enough", "which I did not expect",
            "which is more than I can say for most things")
ASIDES = ("do not ask", "more fool me", "ask my sister", "long story", "I counted",
          "as my father used to say", "no comment", "believe it or not", "for once",
          "to my shame", "sorry to say", "and I should know", "my neighbour agrees",
          "another story")
STAMPS = ("Every time.", "No exceptions.", "Simple as that.", "There it is.",
          "That is the truth.", "End of story.", "Full stop.", "So there.", "Works for me.",
          "That is all.", "Enough said.", "Always has been.")
MAXIMS = ("One thing at a time.", "Slow is fine.", "You live and learn.", "It all counts.",
          "Better late than never.", "Little by little.", "Nothing good is quick.",
          "Patience pays.", "Less is more.", "The rest is luck.", "It could be worse.",
          "Tomorrow is another day.", "Nobody has died of it yet.", "What lasts is simple.")
SIGN_OFFS = ("Take care.", "Cheers.", "All the best.", "More soon.", "Good luck.",
             "Best wishes.", "Let me know how it goes.", "Have fun with it.",
             "Yours, as ever.", "Onwards.")
ASK_BACKS = ("What about you?", "And you?", "How about yourself?", "Would you agree?",
             "Does that help?", "Have you tried it?", "What do you make of it?",
             "Any thoughts?")
ADDRESSES = ("my friend", "mate", "dear", "love", "my dear", "pal", "old thing", "neighbour")
UNDERSTATED = ("not bad", "not half bad", "no bad thing", "not the worst",
               "nothing to sneeze at")
UNDERSTATED_BAD = ("not ideal", "a bit of a nuisance", "less than perfect",
                   "not the best", "a small pity")
JOINERS = {"and": ", and ", "semicolon": "; ", "dash": " - ", "comma": ", ", "colon": ": ",
           "long dash": " — "}
BRACKETS = {"round": (" (", ")"), "dash": (" - ", ""), "comma": (", ", ""),
            "long dash": (" — ", "")}
ECHOES = ("?", ".", "!", "...")

AMERICAN = {
    "colour": "color", "colours": "colors", "favourite": "favorite", "grey": "gray",
    "neighbour": "neighbor", "neighbours": "neighbors", "neighbour's": "neighbor's",
    "practise": "practice", "practising": "practicing", "theatre": "theater", "burnt": "burned",
    "metre": "meter", "jumper": "sweater", "travelling": "traveling", "apologised": "apologized",
    "trousers": "pants", "programme": "program", "labelled": "labeled", "harbour": "harbor",
    "afterwards": "afterward", "towards": "toward",
}
CONTRACTIONS = {"it is": "it's", "that is": "that's", "I am": "I'm", "I would": "I'd",
                "I will": "I'll", "I have tried": "I've tried", "I have been": "I've been",
                "I have seen": "I've seen", "do not": "don't", "does not": "doesn't",
                "did not": "didn't", "is not": "isn't", "cannot": "can't", "will not": "won't",
                "would not": "wouldn't", "you will": "you'll", "you are": "you're",
                "they are": "they're", "there is": "there's", "are not": "aren't"}

PEOPLE = ("my aunt", "my grandfather", "an old neighbour", "a friend from school", "my mother",
          "my first boss", "a cousin", "a man on a bus")
WHEN = ("on Saturday", "next week", "on Sunday morning", "before the month is out", "tomorrow",
        "this weekend")
AGO = ("last week", "on Sunday", "two days ago", "only yesterday", "at the weekend")
