"""Stands in for the settings that an export writes for `ask.py`; only the names and types matter here."""

from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODEL = "model"
REVISION: str | None = None
TRUST_REMOTE_CODE = False
ADAPTER: str | None = None
MAX_NEW_TOKENS = 128
PASSAGES = 0
RETRIEVER = "bm25"
TERMS = "bigrams"
EMBEDDING: str | None = None
RERANKER: str | None = None
ABSENT: str | None = None
MARKS: list[str] = []
INSTRUCTION: str | None = None
SHOTS = 0
PICK = "fixed"
POOL: list[Any] = []
