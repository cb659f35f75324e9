"""The signature that a person's mails end with, learned from them."""

import re
from collections import Counter
from hashlib import blake2b

_LONGEST_SIGNATURE = 12
_CONTACT = re.compile(r"@|https?://|www\.|\+?\d[\d\s()/.-]{6,}\d|\|")


class Signatures:
    """Learns the signature that a person's mails end with.

    A block is one where it ends at least five mails and a tenth of them, and looks like a
    signature: "Love, Ann" is how the owner ends a letter, and stays.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()
        self._mails = 0

    def learn(self, text: str) -> None:
        """Count the last lines of one mail of the owner's."""
        self._mails += 1
        for _, block in self._blocks(text):
            self._seen[_block_digest(block)] += 1

    def without(self, text: str) -> str:
        """Return the text without the signature that was learned."""
        least = max(5, self._mails // 10)
        found = [
            start
            for start, block in self._blocks(text)
            if self._seen[_block_digest(block)] >= least and _looks_like_signature(block)
        ]
        # "Love, Ann" may stand above it in every mail: the shortest that is a paragraph is taken.
        apart = [start for start in found if text[:start].endswith("\n\n")]
        start = apart[-1] if apart else found[0] if found else len(text)
        return text[:start].rstrip()

    def _blocks(self, text: str) -> list[tuple[int, list[str]]]:
        # The longest first; the whole mail is no signature.
        blocks: list[tuple[int, list[str]]] = []
        lines = text.split("\n")[-2 * _LONGEST_SIGNATURE :]
        start = len(text)
        block: list[str] = []
        for line in reversed(lines):
            start -= len(line)
            if start <= 0 or len(line) > 100:
                break
            if line.strip():
                block = [line.strip(), *block]
                if len(block) > _LONGEST_SIGNATURE:
                    break
                blocks.append((start, block))
            start -= 1
        return blocks[::-1]


def _block_digest(block: list[str]) -> bytes:
    return blake2b("\n".join(block).encode("utf-8", "replace"), digest_size=8).digest()


def _looks_like_signature(block: list[str]) -> bool:
    return any(_CONTACT.search(line) for line in block) or len(block) >= 4
