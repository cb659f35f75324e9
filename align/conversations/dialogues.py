"""A channel in which nicks say who is spoken to becomes dialogues: one person, and the owner.

In a busy channel a dozen people speak between a question and its answer. With the nick it is known
whose question it was, and the answer is learned after that alone, without the nick.
"""

from collections import defaultdict
from collections.abc import Sequence

from align.store.records import Record
from align.text.nicks import person, without_nicks

# How many messages that somebody wrote before the owner answered them belong to the question, and
# how many of all of them where the owner names nobody.
_MOST_ASKED, _MOST_AROUND = 4, 8


def dialogues(records: Sequence[Record]) -> list[list[Record]]:
    """Return a conversation as it is, or its dialogues where nicks say who is spoken to.

    Each dialogue is in order, and its texts are without the nicks. What the owner says to nobody
    by name goes on with the person that they spoke to right before; else it answers the one who
    last spoke to the owner by name, or a dialogue of its own begins with what was said around it.
    """
    said = without_nicks([(record.author, record.text) for record in records])
    if said is None:
        return [list(records)]
    owners = {person(record.author) for record in records if record.is_owner}
    by_person: defaultdict[str, list[Record]] = defaultdict(list)
    alone: list[list[Record]] = []
    waiting: defaultdict[str, list[Record]] = defaultdict(list)  # not answered yet, by person
    around: list[Record] = []  # since the owner spoke
    asking = partner = ""
    for record, (to, text) in zip(records, ((each.to, each.text) for each in said), strict=True):
        record = record._replace(text=text)
        who = person(record.author)
        if not record.is_owner:
            around.append(record)
            if not to or to in owners:
                waiting[who].append(record)
                asking = who if to else asking
            continue
        if to or around:
            partner = to or asking
        if partner:
            by_person[partner] += [*waiting.pop(partner, [])[-_MOST_ASKED:], record]
        elif around or not alone:
            alone.append([*around[-_MOST_AROUND:], record])
        else:
            alone[-1].append(record)
        around, asking = [], ""
    return [*by_person.values(), *alone]
