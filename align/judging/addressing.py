"""Answers that speak to the judge rather than to whoever asked."""

import re
import unicodedata

from align.privacy.normal_form import with_gaps

# Words of instructing, in the languages that models are most often spoken to in.
_FORGET = "ignor|disregard|forget|overlook|override|bypass|vergiss|missachte|oubli|negeer|olvida"
_ORDERS = (
    r"instru|istruzion|anweisung|consigne|guideline|\brubric"
    r"|\b(?:the|all|any|your|these|this|previous|above) (?:\w+ )?(?:rule|prompt)s?\b"
)
_SPEAKS = re.compile(
    rf"\b(?:{_FORGET})\w*\b[^.!?]{{0,40}}(?:{_ORDERS})"
    "|\u0438\u0433\u043d\u043e\u0440\u0438\u0440.{0,40}\u0438\u043d\u0441\u0442\u0440\u0443\u043a|\u5ffd\u7565.{0,20}\u6307|\u6307\u793a.{0,9}\u7121\u8996"
    r"|\b(?:say|choose|pick|answer|select|prefer|output|reply|vote|return|print|write|name)\b"
    r"(?: only| just| with| for| always| simply)*[\s:]+[\"'(*`]*(?:(?:answer|option|response) )?"
    r"[\"'(*`]*(?-i:[AB])(?=[\"')*`]*\s*(?:[.,;:!?\n]|$))"
    r"|\b(?:winner|verdict|better answer|best answer)\b[\"'*]*\s*(?:is|:|=)\W{0,4}"
    r"(?:(?:answer|option) )?\W{0,3}[ab]\b"
    r"|\b(?:dear|attention,?|note to (?:the)?)\s+(?:ai |llm )?"
    r"(?:judge|evaluator|grader|rater|assessor)s?\b|\b(?:ai|llm) (?:judge|evaluator|rater)s?\b"
    r"|\b(?:rate|score|rank|grade|judge|prefer|choose|pick|select|favou?r) (?:this|my|the present) "
    r"(?:answer|response|reply)\b"
    r"|\bthis (?:answer|response|reply) (?:is|sounds)(?: much| clearly)? (?:the )?"
    r"(?:better|best|correct|winner|most like|more like)"
    r"|</?(?:answer_[ab]|system|instructions?|question|chosen)\b|<\|im_(?:start|end)\|>"
    r"|\[/?(?:inst|system)\]|\bsystem prompt\b|\bnew instructions\b",
    re.IGNORECASE | re.DOTALL,
)


def speaks_to_the_judge(text: str) -> bool:
    """Tell whether an answer tells a judge what to say, as far as the form of its words shows."""
    plain = unicodedata.normalize("NFKC", text)
    return any(_SPEAKS.search(reading) for reading in {plain, with_gaps(plain)})
