"""Messages too short to carry a voice."""

import re
from collections.abc import Sequence

# Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese are written without blanks.
_UNSPACED = re.compile(
    "[\u0e01-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U00031fff]"
)


def is_too_short(text: str, tokens: Sequence[str], fewest: int) -> bool:
    """Tell whether a message has fewer different words than `fewest`; emoji and digits are none.

    Where words are written without blanks, two letters count as a word.

    Args:
        text: The message.
        tokens: Its words, as `align.text.similarity.words` takes them.
        fewest: So many words carry a voice.
    """
    different = 0
    for word in set(tokens):
        different += not word.isdigit()
        if different >= fewest:
            return False
    return fewest > 0 and (text.isascii() or len(_UNSPACED.findall(text)) < 2 * fewest)
