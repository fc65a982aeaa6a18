"""What is known without asking anyone: shapes of open models and figures of GPUs, each with its source."""

from __future__ import annotations

from advisor.catalog.gpus import CHECKED, GpuKind, find_gpu, gpus
from advisor.catalog.models import KnownModel, config_of, find_model, models

__all__ = ["CHECKED", "GpuKind", "KnownModel", "config_of", "find_gpu", "find_model", "gpus", "models"]
