"""Stands in for the settings that an export writes from a recipe; only the names and types matter here."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "run"
LABEL = "ft/sft:lora"
MODEL = "model"
REVISION: str | None = None
TRUST_REMOTE_CODE = False
TRAIN_FILE = "train.jsonl"
EVAL_FILE: str | None = None
EVAL_FRACTION = 0.1
COLUMNS: dict[str, str] = {}
SEED = 42
TECHNIQUE = "lora"
RANK = 16
ALPHA = 32
DROPOUT = 0.0
TARGETS: str | list[str] = "all-linear"
DORA = False
RSLORA = False
QUANT: str | None = None
MAX_STEPS: int | None = None
EPOCHS = 3.0
LEARNING_RATE = 0.0002
SCHEDULER = "cosine"
WARMUP_RATIO = 0.05
WEIGHT_DECAY = 0.0
MAX_GRAD_NORM = 1.0
OPTIMIZER = "adamw_torch_fused"
MICRO_BATCH = 8
GRAD_ACCUM = 1
MAX_LENGTH = 1024
PACKING = False
GRAD_CKPT = False
PRECISION = "auto"
BETA = 0.1
LOG_STEPS = 1
EVAL_STEPS: int | None = None
SAVE_STEPS: int | None = None
KEEP_CHECKPOINTS = 2
THREADS: int | None = None
MAX_EVAL_ROWS = 64
MAX_NEW_TOKENS = 128
SAMPLES = 3
