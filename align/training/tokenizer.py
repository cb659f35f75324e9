"""The tokenizer that a run trains with: the base's own, with a chat template."""

from typing import Any

from align.models.chat_template import dateless
from align.models.loading import load_tokenizer
from align.models.vocabulary import give_template
from align.training.prepared_run import TrainingRun


def tokenizer_for(run: TrainingRun) -> Any:
    """Return the base's tokenizer, with the chat template that the recipe asks for.

    Raises:
        UserError: The base has no such template.
    """
    tokenizer = give_template(load_tokenizer(run.base.path), run.recipe.ours["chat_template"])
    # Saved with the twin, so that whoever serves it writes what it was trained on.
    tokenizer.chat_template = dateless(tokenizer.chat_template)
    return tokenizer
