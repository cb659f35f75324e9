"""The road of one real owner in a project root of its own, each stretch a command, timed whole."""

import json
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.road import CHECKOUT, Road, make_shared_root, stretch
from benchmarks.stand_in import StandIn


@dataclass(frozen=True)
class KnownOwner:
    """What an owner would say of themselves, and the voices that theirs is told apart from."""

    name: str
    me: tuple[str, ...]
    # By folder in `others/`: how the export names them. Empty where others write in the same files.
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)


KNOWN = {
    "powell": KnownOwner(
        "Jerome Powell",
        ("Chair Powell", "Chairman Powell"),
        {"yellen": ("Chair Yellen",), "bernanke": ("Chairman Bernanke",)},
    ),
    "twain": KnownOwner(
        "Mark Twain",
        ("Mark Twain",),
        {"william-james": ("William James",), "henry-james": ("Henry James",)},
    ),
    "dr_willis": KnownOwner("Dr_Willis", ("Dr_Willis", "Dr_Willis_")),
}


@dataclass(frozen=True)
class Size:
    """How much of an owner's road is driven."""

    words: int = 20_000  # of the owner's, the newest; the hold-out beside them
    pairs: int = 300
    choices: tuple[int, ...] = (50, 200)
    prompts: int = 100
    replies: bool = True  # whether DPO is tried on the owner's real replies, too
    # Words of the command line after those of `align sft` and `align dpo`, to try other values.
    sft: tuple[str, ...] = ()
    dpo: tuple[str, ...] = ()


def owners_in(folder: Path) -> dict[str, Path]:
    """Return the owners of a folder, by name: its `owner-NAME` folders, at any depth to two."""
    found = [*folder.glob("owner-*"), *folder.glob("*/owner-*")]
    return {path.name.removeprefix("owner-"): path for path in sorted(found) if path.is_dir()}


def known(owner_id: str, writing: Path) -> KnownOwner:
    """Return what is known of an owner; of others the folder's name is all."""
    if owner_id in KNOWN:
        return KNOWN[owner_id]
    others = writing.parent / "others"
    names = sorted(path.name for path in others.iterdir()) if others.is_dir() else []
    return KnownOwner(owner_id, (owner_id,), {name: (name,) for name in names})


def newest_files(writing: Path, words: int) -> list[Path]:
    """Return the newest files, by name, that hold about so many words and the hold-out's tenth."""
    files = [path for path in sorted(writing.rglob("*")) if path.is_file()]
    taken: list[Path] = []
    total = 0
    for path in reversed(files):
        if total >= words / 0.9 and len(taken) >= 6:
            break
        taken.append(path)
        total += len(path.read_text("utf-8", errors="replace").split())
    return taken


class RealRoad:
    """One owner's road; what is done is kept in the root, so that a stopped one goes on."""

    def __init__(self, root: Path, owner_id: str, writing: Path, size: Size, seed: int) -> None:
        self.root, self.owner_id, self.size, self.seed = root, owner_id, size, seed
        self.known = known(owner_id, writing)
        self._writing = writing
        self._log = root / "real-road.json"
        self.road = Road(owner_id, seed, control=False)
        if self._log.is_file():
            self.road = Road(**json.loads(self._log.read_text()))

    def read_in(self) -> None:
        """Ingest the newest of the owner's writing, and the other voices as owners beside."""
        (CHECKOUT / "data" / "bases").mkdir(exist_ok=True)
        make_shared_root(self.root, "data/bases")
        self._do("base", "get", "smollm2-135m", with_owner=False)
        parts = self.root / "writing"
        if not parts.is_dir():
            for path in newest_files(self._writing, self.size.words):
                target = parts / path.relative_to(self._writing)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        data = self.root / "data" / self.owner_id
        data.mkdir(parents=True, exist_ok=True)
        if not (data / "owner.yaml").is_file():
            (data / "owner.yaml").write_text(f"name: {json.dumps(self.known.name)}\n")
        self._do("ingest", str(parts), *self._me(self.known.me))
        for name, me in self.known.others.items():
            other = self._writing.parent / "others" / name
            self._do("ingest", str(other), *self._me(me), owner_id=name, key=f"ingest {name}")

    def sft(self) -> None:
        """Train the twin."""
        self.train("sft", self.size.sft, "sft")

    def train(self, stage: str, words: Sequence[str], key: str, *, may_fail: bool = False) -> None:
        """Train a twin with more words of the command line, timed under a key of its own."""
        self._do(stage, "--seed", str(self.seed), *words, key=key, may_fail=may_fail)

    def newest(self, stage: str) -> str:
        """Return the name of a stage's newest checkpoint."""
        folder = self.root / "checkpoints" / self.owner_id
        return max(path.name for path in folder.glob(f"[0-9]*-{stage}"))

    def sample(self) -> None:
        """Draw pairs, and one answer against each of the owner's real replies."""
        self._do("sample", "--pairs", str(self.size.pairs), "--checkpoint", "sft")
        if not self.size.replies:
            return
        self._do(
            "sample", "--against-records", "--limit", str(max(self.size.choices)),
            "--checkpoint", "sft", key="sample --against-records", may_fail=True,
        )  # fmt: skip

    def dpo(self, stand_in: Callable[[], StandIn]) -> None:
        """Train on the real replies alone, then on the stand-in's choices, few and more."""
        words = self.size.dpo
        if self.size.replies:
            self.train("dpo", ("--against_records", "1.0", *words), "dpo on replies", may_fail=True)
        for choices in self.size.choices:
            key = f"dpo on {choices} choices"
            if key not in self.road.seconds:
                self.choose(stand_in(), choices)
            self.train("dpo", words, key)

    def twins(self) -> dict[str, str]:
        """Return the checkpoints by what they were trained on, in order."""
        keys = [key for key in self.road.seconds if key == "sft" or key.startswith("dpo")]
        names = (f"{number:03d}-{key.split()[0]}" for number, key in zip(count(1), keys))
        return dict(zip(keys, names, strict=True))

    def lineage(self, name: str) -> dict[str, Any]:
        """Return what twin.json says of a checkpoint."""
        file = self.root / "checkpoints" / self.owner_id / name / "twin.json"
        return dict(json.loads(file.read_text()))

    def timed(self, key: str, work: Callable[[], Any]) -> Any:
        """Do work of this process, and keep its seconds."""
        import time

        started = time.monotonic()
        result = work()
        self.road.seconds[key] = time.monotonic() - started
        self._keep()
        return result

    def _me(self, names: Sequence[str]) -> list[str]:
        return [word for name in names for word in ("--me", name)]

    def _do(
        self,
        command: str,
        *words: str,
        owner_id: str | None = None,
        key: str | None = None,
        may_fail: bool = False,
        with_owner: bool = True,
    ) -> None:
        key = key or command
        if key in self.road.seconds:
            return
        whose = ("--owner", owner_id or self.owner_id) if with_owner else ()
        line = (command, *words, *whose)
        if stretch(self.road, self.root, *line, key=key, may_fail=may_fail):
            self._keep()

    def _keep(self) -> None:
        self._log.write_text(json.dumps(asdict(self.road)))

    def choose(self, stand_in: StandIn, choices: int) -> None:
        """Let the stand-in choose until there are so many choices, of pairs in a drawn order."""
        from align.store import events, pairs
        from align.store.choices import current_choices
        from align.store.connection import connect

        coin = random.Random(self.seed)
        with closing(connect(self.root / "data" / self.owner_id / "twin.db")) as conn:
            done = {choice.pair_id for choice in current_choices(conn)}
            drawn = list(pairs.iter_pairs(conn))
            coin.shuffle(drawn)
            new = [pair for pair in drawn if pair.id not in done][: max(0, choices - len(done))]
            events.append_events(conn, [
                events.NewEvent("choice", "simulated", pair.id, {
                    "outcome": stand_in.choose(pair.text_a, pair.text_b, coin.random() < 0.5),
                    "left": "a", "selection": "random",
                })
                for pair in new
            ])  # fmt: skip
