"""A reranker reads question and passage together, so it sees what two separate vectors cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner_tui.retrieval.embed import BATCH, LONGEST, folder_of


class Reranker:
    """A sequence-classification model of one score, or of two classes of which the second means a fit.

    ValueError for a model with more classes: which of them means a fit is not said.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = str(folder_of(model))
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32
        )
        self._model = self._model.eval().to(device)
        if self._model.config.num_labels > 2:
            raise ValueError(f"num_labels {self._model.config.num_labels}")
        room = getattr(self._model.config, "max_position_embeddings", None) or LONGEST
        self._longest = min(room, self._tokenizer.model_max_length, LONGEST)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits the question; comparable within one question."""
        import torch

        found: list[float] = []
        for start in range(0, len(texts), BATCH):
            part = list(texts[start : start + BATCH])
            batch = self._tokenizer(
                [question] * len(part),
                part,
                padding=True,
                truncation="only_second",
                max_length=self._longest,
                return_tensors="pt",
            ).to(self._model.device)
            with torch.inference_mode():
                logits = self._model(**batch).logits.float()
            found += (logits[:, -1] - (logits[:, 0] if logits.shape[1] == 2 else 0)).tolist()
        return found
