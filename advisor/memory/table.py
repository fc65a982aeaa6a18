"""Every way to tune one model by memory, against one card's room: the table that the app and the command draw."""

from __future__ import annotations

from typing import Any

from advisor.catalog import config_of
from advisor.memory.fitting import Fit, fit
from advisor.memory.parse import Find, spec_from

METHODS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("prompt", {"technique": "prompt"}),
    ("prefix", {"technique": "prefix"}),
    ("qlora", {"technique": "qlora"}),
    ("qlora dora", {"technique": "qlora", "dora": True}),
    ("lora", {"technique": "lora"}),
    ("lora dora", {"technique": "lora", "dora": True}),
    ("full paged_adamw_8bit bf16", {"technique": "full", "optimizer": "paged_adamw_8bit", "precision": "bf16"}),
    ("full adamw_8bit", {"technique": "full", "optimizer": "adamw_8bit"}),
    ("full adamw", {"technique": "full"}),
)
"""Name (the technique, then what is particular about it) and the spec keys that make it."""
_OF_THE_METHOD = ("technique", "quant", "dora", "optimizer", "precision")
_OF_ADAPTERS = ("rank", "targets", "lora_dropout", "adapter_dtype")


def methods(raw: dict[str, Any], source: str, room_gb: float, find: Find = config_of) -> list[Fit]:
    """All methods for the model and lengths of a spec (contract 4.2), least memory first; InputError as `spec_from`."""
    shared = {key: value for key, value in raw.items() if key not in _OF_THE_METHOD}
    found = []
    for name, keys in METHODS:
        whole = {**shared, **keys}
        if keys["technique"] not in ("lora", "qlora"):
            whole = {key: value for key, value in whole.items() if key not in _OF_ADAPTERS}
        found.append(fit(name, spec_from(whole, source, find), room_gb))
    return sorted(found, key=lambda row: row.peak_gb.likely)
