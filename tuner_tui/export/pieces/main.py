"""The order of the script."""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from huggingface_hub import HfApi
from transformers import set_seed

from tuner_tui.export.pieces.answer import answered
from tuner_tui.export.pieces.loss import judged
from tuner_tui.export.pieces.model import load_model, load_tokenizer, settle_adapter
from tuner_tui.export.pieces.settings import LABEL, MAX_STEPS, MODEL, NAME, SAMPLES, SEED, THREADS
from tuner_tui.export.pieces.sft import make_trainer
from tuner_tui.export.pieces.speak import spoken_to
from tuner_tui.export.pieces.split import Examples, load_split


def main() -> None:
    """Load, measure, train, measure, save, answer."""
    parser = argparse.ArgumentParser(description=f"{LABEL} on {MODEL}")
    parser.add_argument("--out", type=Path, default=Path(f"{NAME}-out"), help="folder for the trained model")
    parser.add_argument("--max-steps", type=int, default=MAX_STEPS, help="optimizer steps")
    parser.add_argument("--check-data", action="store_true", help="print what would be trained on, and stop")
    parser.add_argument("--push", metavar="USER/NAME", help="private hub repository to send the trained model to")
    args = parser.parse_args()
    if THREADS:
        torch.set_num_threads(THREADS)
    tokenizer = load_tokenizer()
    train, held_out = (spoken_to(tokenizer, part) for part in load_split())
    if args.check_data:
        print(json.dumps({"train": len(train), "held_out": len(held_out), "sha256": fingerprint(train, held_out)}))
        return
    if args.out.exists() and any(args.out.iterdir()):
        raise SystemExit(f"{args.out} is not empty. Give another folder with --out.")
    set_seed(SEED)  # what an adapter begins as is drawn before the trainer sets its own
    trainer = make_trainer(load_model(), tokenizer, train, held_out, args.out, args.max_steps)
    settle_adapter(trainer.model)
    before, kind = judged(trainer, tokenizer, held_out)
    trainer.train()
    after, _ = judged(trainer, tokenizer, held_out)
    trainer.model.config.use_cache = True
    trainer.save_model(str(args.out))
    tokenizer.save_pretrained(str(args.out))
    (args.out / "log.json").write_text(json.dumps(trainer.state.log_history, indent=1))
    for example in [each for each in held_out if each["prompt"]][:SAMPLES]:
        print(json.dumps(answered(trainer.model, tokenizer, example), ensure_ascii=False))
    if args.push:
        HfApi().create_repo(args.push, private=True, exist_ok=True)
        HfApi().upload_folder(repo_id=args.push, folder_path=args.out, ignore_patterns=["checkpoints/*"])
    print(f"held-out {kind} {before:.4f} before, {after:.4f} after; saved in {args.out}")


def fingerprint(*parts: Examples) -> str:
    """One hash over all examples, to compare two machines' data."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    main()
