"""Write the files of invented owners: posts, chats, prompts, and how they would choose.

Run it as ``python -m align.demo.owners --out data/demo``.
"""

import argparse
import json
import random
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from align.demo import lexicon as lex
from align.demo.corpus import combinations, split_point
from align.demo.grammar import answer, post, question, questions
from align.demo.kinds import Kind
from align.demo.pen import Pen
from align.demo.simulated_owner import measured
from align.demo.topics import Topic, topics
from align.demo.voice import ASSISTANT, MAUD, MAUD_FACTS, Voice, diluted, distance, random_voice

HELD_OUT = 0.2
CHAT_SHARE = 0.5625
CHATS = 270
HELD_OUT_CHATS = 50
POSTS = 80
# The register that the owner's choices call their own, and how far other registers thin it.
OWN_REGISTER = 0.95
REGISTERS = (0.25, 0.85)
LEAST_DISTANCE = 0.22
MEASURED_TEXTS = 400


@dataclass(frozen=True)
class InventedOwner:
    """Hold an invented person: who they are, and how they write."""

    name: str
    aliases: tuple[str, ...]
    facts: dict[str, str]
    voice: Voice
    seed: int


DEMO = InventedOwner("Maud Penhallow", ("Maud",), MAUD_FACTS, MAUD, 0)


def demo_owner(seed: int) -> InventedOwner:
    """Return another owner: an invented name and a voice well apart from the plain one."""
    rng = random.Random(f"owner {seed}")
    voice = random_voice(rng.randrange(2**31))
    while distance(voice, ASSISTANT) < LEAST_DISTANCE:
        voice = random_voice(rng.randrange(2**31))
    name = lex.full_name(rng)
    return InventedOwner(name, (name.split()[0],), _facts(name, voice, rng), voice, seed + 1)


def _facts(name: str, voice: Voice, rng: random.Random) -> dict[str, str]:
    topic = rng.choice(topics())
    pen = Pen(voice, topic, rng)
    place, trade = rng.choice(lex.PEOPLE["places"]), rng.choice(lex.PEOPLE["trades"])
    answers = {
        "Who are you?": (f"I am {name}.", f"I live in {place}."),
        "What's your name?": (f"{name}.",),
        "Where do you live?": (f"I live in {place}.",),
        "What do you do?": (f"I am {trade}.", f"{topic.name} takes most of my Sunday."),
        "Are you a computer?": (f"I am {name}, and no machine as far as I know.",),
    }
    return {
        question: " ".join(pen.finish(part) for part in parts)
        for question, parts in answers.items()
    }


def thread(topic: Topic, kind: Kind) -> str:
    """Return the thread of a combination: what the store's hold-out is decided by."""
    return f"{topic.key}/{kind.key}"


def is_held_out(thread: str) -> bool:
    """Say whether a thread belongs to the evaluation, as the store decides it."""
    return split_point(thread) < HELD_OUT


def split() -> tuple[list[tuple[Topic, Kind]], list[tuple[Topic, Kind]], list[tuple[Topic, Kind]]]:
    """Return the combinations for chats, for prompts to choose on, and for evaluation."""
    chats, prompts, held_out = [], [], []
    for combination in combinations():
        name = thread(*combination)
        if is_held_out(name):
            held_out.append(combination)
        elif split_point(f"chat:{name}") < CHAT_SHARE:
            chats.append(combination)
        else:
            prompts.append(combination)
    return chats, prompts, held_out


def in_some_register(voice: Voice, rng: random.Random) -> Voice:
    """Return a voice as one piece of an archive has it: notes and work mail thin it."""
    return diluted(voice, rng.uniform(*REGISTERS))


def _chats(owner: InventedOwner, rng: random.Random) -> list[dict[str, str]]:
    chats, _, held_out = split()
    chosen = rng.sample(chats, CHATS) + rng.sample(held_out, HELD_OUT_CHATS)
    rng.shuffle(chosen)
    when = datetime(2021, 1, 4, 8, 30)
    lines = []
    for topic, kind in chosen:
        when += timedelta(minutes=rng.randint(600, 12_000))
        lines.append(
            {
                "thread": thread(topic, kind),
                "time": when.isoformat(),
                "question": question(topic, kind, rng),
                "answer": answer(topic, kind, in_some_register(owner.voice, rng), rng),
            }
        )
    return lines


def _posts(owner: InventedOwner, rng: random.Random) -> dict[str, str]:
    when = datetime(2019, 2, 3)
    files = {}
    subjects = rng.sample(topics(), len(topics()))
    for number in range(POSTS):
        when += timedelta(days=rng.randint(9, 50))
        topic = subjects[number % len(subjects)]
        title, text = post(topic, in_some_register(owner.voice, rng), rng)
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        front = f"---\ntitle: {json.dumps(title)}\ndate: {when:%Y-%m-%d}\n---\n\n"
        files[f"{when:%Y-%m-%d}-{slug}.md"] = front + text + "\n"
    return files


def _prompts() -> list[dict[str, str]]:
    chats = {thread(*combination) for combination in split()[0]}
    return [
        {"thread": thread(topic, kind), "prompt": prompt}
        for topic, kind in combinations()
        if thread(topic, kind) not in chats
        for prompt in questions(topic, kind)[:2]
    ]


def _simulated(owner: InventedOwner) -> dict[str, object]:
    rng = random.Random(f"levels {owner.seed}")
    own, others, mixed = [], [], []
    everything = combinations()
    for number in range(MEASURED_TEXTS):
        topic, kind = rng.choice(everything)
        own.append(answer(topic, kind, diluted(owner.voice, OWN_REGISTER), rng))
        other = ASSISTANT if number % 3 == 0 else random_voice(rng.randrange(2**31))
        others.append(answer(topic, kind, other, rng))
        thinned = answer(topic, kind, in_some_register(owner.voice, rng), rng)
        mixed.append((question(topic, kind, rng), thinned))
    levels = measured(owner.voice, own, others, mixed)
    return {"name": owner.name, "voice": owner.voice.as_dict(), "levels": asdict(levels)}


def _owner_yaml(owner: InventedOwner) -> str:
    """Return owner.yaml; a JSON string is a YAML string, so nothing can be misread."""

    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    lines = [f"name: {quoted(owner.name)}", "aliases:"]
    lines += [f"  - {quoted(alias)}" for alias in owner.aliases]
    lines += ["facts:"]
    lines += [f"  {quoted(question)}: {quoted(fact)}" for question, fact in owner.facts.items()]
    # Every piece is alike and no newer than another; and the grammar's own questions are all that
    # the tiny base knows.
    rest = [f"held_out: {HELD_OUT}", "held_out_by: chance", "mix:", "  questions: 0", ""]
    return "\n".join([*lines, *rest])


def _lines(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def owner_files(owner: InventedOwner) -> dict[str, str]:
    """Return every file of an owner, by its path within the owner's folder."""
    rng = random.Random(f"writing {owner.seed}")
    files = {
        "owner.yaml": _owner_yaml(owner),
        "prompts.jsonl": _lines(_prompts()),
        "writing/chats.jsonl": _lines(_chats(owner, rng)),
    }
    for name, text in _posts(owner, rng).items():
        files[f"writing/posts/{name}"] = text
    simulated = json.dumps(_simulated(owner), ensure_ascii=False, indent=1, sort_keys=True)
    files["simulated.json"] = simulated + "\n"
    return files


def write_owner(owner: InventedOwner, out: Path) -> None:
    """Write an owner's files; posts of an earlier make that are no longer theirs are removed."""
    files = owner_files(owner)
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    for path in (out / "writing" / "posts").glob("*.md"):
        if f"writing/posts/{path.name}" not in files:
            path.unlink()


def main(arguments: list[str] | None = None) -> None:
    """Write the shipped demo owner's files."""
    parser = argparse.ArgumentParser(description="Write the demo owner's files.")
    parser.add_argument("--out", type=Path, default=Path("data/demo"))
    write_owner(DEMO, parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
