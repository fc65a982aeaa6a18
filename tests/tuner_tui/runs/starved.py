"""The real training child where the loss of more than two rows at once runs out of memory as CUDA would.

With TUNER_STARVED_TOKENS=N it is rows of more than N tokens, however few at once.
"""

import os
import sys
from typing import Any

import torch
from trl import SFTTrainer

from tuner_tui.training.__main__ import main

real = SFTTrainer.compute_loss


TOKENS = int(os.environ.get("TUNER_STARVED_TOKENS", "0"))


def compute_loss(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    tokens = inputs["input_ids"].shape[1]
    if self.model.training and (tokens > TOKENS if TOKENS else self.args.per_device_train_batch_size > 2):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return real(self, model, inputs, *args, **kwargs)


if __name__ == "__main__":
    SFTTrainer.compute_loss = compute_loss
    sys.exit(main(sys.argv[1:]))
