"""The model card of a fine-tuned model."""

from clism_ray.finetune.cell import Examples
from clism_ray.finetune.job import CellJob


def task_card(job: CellJob, train: Examples, steps: int) -> str:
    """What was fine-tuned, on what, and how."""
    config = job.config
    does = "Answers questions about passages" if config.qa else "Finds entities in sentences"
    asks = "with `[QUE]` in its input" if config.form == "question" else "without `[QUE]`"
    return f"""---
library_name: transformers
tags: [cross-lingual, clism, {"question-answering" if config.qa else "token-classification"}]
---
# {config.name}

{does}, {asks}; fine-tuned by clism_ray from {config.model.path}.

- trained on {train.examples:,} examples of {train.file} (sha256 {train.sha256[:16]}, sample
  {config.sample}) for {steps} steps of {config.batch.slots} x {config.batch.examples}
- learning rate {config.optimizer.learning_rate:g}; seed {config.seed}; {config.precision}
- configuration: {job.identity_hash}

The licence of the training data holds for what was learned from it.
"""
