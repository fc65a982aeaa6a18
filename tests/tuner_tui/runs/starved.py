"""The real training child where the loss of more than two rows at once runs out of memory as CUDA would."""

import sys
from typing import Any

import torch
from trl import SFTTrainer

from tuner_tui.training.__main__ import main

real = SFTTrainer.compute_loss


def compute_loss(self: Any, *args: Any, **kwargs: Any) -> Any:
    if self.model.training and self.args.per_device_train_batch_size > 2:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return real(self, *args, **kwargs)


if __name__ == "__main__":
    SFTTrainer.compute_loss = compute_loss
    sys.exit(main(sys.argv[1:]))
