"""The order of a notebook: every cell shows what it did."""

import json
from pathlib import Path

from transformers import set_seed

from tuner_tui.export.pieces.answer import answered
from tuner_tui.export.pieces.loss import judged
from tuner_tui.export.pieces.model import load_model, load_tokenizer, settle_adapter
from tuner_tui.export.pieces.settings import HERE, MAX_STEPS, NAME, SAMPLES, SEED
from tuner_tui.export.pieces.sft import make_trainer
from tuner_tui.export.pieces.speak import spoken_to
from tuner_tui.export.pieces.split import load_split

# %% The data
tokenizer = load_tokenizer()
train, held_out = (spoken_to(tokenizer, part) for part in load_split())
print(len(train), "examples to train on,", len(held_out), "held out; the first:")
print(json.dumps(train[0], ensure_ascii=False, indent=1))

# %% The model before training
OUT = HERE / Path(f"{NAME}-out")
set_seed(SEED)
trainer = make_trainer(load_model(), tokenizer, train, held_out, OUT, MAX_STEPS)
settle_adapter(trainer.model)
before, kind = judged(trainer, tokenizer, held_out)
print(f"held-out {kind} before: {before:.4f}")

# %% Training
trainer.train()

# %% The model after training
after, _ = judged(trainer, tokenizer, held_out)
print(f"held-out {kind} {before:.4f} before, {after:.4f} after")
trainer.model.config.use_cache = True
for example in [each for each in held_out if each["prompt"]][:SAMPLES]:
    print(json.dumps(answered(trainer.model, tokenizer, example), ensure_ascii=False))

# %% Keeping it
trainer.save_model(str(OUT))
tokenizer.save_pretrained(str(OUT))
print("saved in", OUT)
