"""Every optimizer that transformers names: how many states a weight has, in which format, and what else its step needs.

Names from `transformers.training_args.OptimizerNames` 5.23 (and common older ones); states from each optimizer's code.
"""

from __future__ import annotations

import msgspec

RANK = 128
"""GaLore's and APOLLO's default rank in transformers: states of a matrix are held for so many rows."""


class Optimizer(msgspec.Struct, frozen=True):
    """`states` a weight, each of `bytes_each` (None = the weight's own format).

    `projected`: matrices have states of RANK rows only. `layerwise`: a gradient is used and dropped as it comes.
    `foreach`: the step makes a temporary as large as all weights that move. `paged`: states may leave the GPU.
    """

    states: float
    bytes_each: float | None = None
    projected: bool = False
    layerwise: bool = False
    foreach: bool = False
    paged: bool = False


_EIGHT = 1 + 4 / 256
"""One byte a state and one fp32 scale for each 256 (bitsandbytes and torchao, block size 256)."""
_FOUR = 0.5 + 4 / 128
"""Half a byte and one fp32 scale for each 128 (torchao's 4-bit AdamW)."""
_ADAM, _LION = Optimizer(2), Optimizer(1)
_PAGED = Optimizer(0, paged=True)

OPTIMIZERS: dict[str, Optimizer] = {
    **dict.fromkeys(("adamw_torch", "adamw_torch_foreach", "adamw", "adam"), Optimizer(2, foreach=True)),
    **dict.fromkeys(
        ("adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused", "adamw_apex_fused", "fused_adamw",
         "adamw_hf"),
        _ADAM,
    ),
    "adamw_anyprecision": Optimizer(2, 4.0),
    **dict.fromkeys(("adamw_8bit", "adamw_bnb_8bit", "adamw_torch_8bit"), Optimizer(2, _EIGHT)),
    "adamw_torch_4bit": Optimizer(2, _FOUR),
    **dict.fromkeys(
        ("paged_adamw", "paged_adamw_32bit", "paged_adamw_8bit", "paged_lion_32bit", "paged_lion_8bit",
         "paged_ademamix_32bit", "paged_ademamix_8bit"),
        _PAGED,
    ),
    "ademamix": Optimizer(3, 4.0),
    "ademamix_8bit": Optimizer(3, _EIGHT),
    "adafactor": Optimizer(0),
    "adagrad": _LION,
    "sgd": Optimizer(0),
    "sgd_8bit": Optimizer(1, _EIGHT),
    **dict.fromkeys(("lion", "lion_32bit"), Optimizer(1, 4.0)),
    "lion_8bit": Optimizer(1, _EIGHT),
    **dict.fromkeys(("rmsprop", "rmsprop_bnb", "rmsprop_bnb_32bit"), _LION),
    "rmsprop_bnb_8bit": Optimizer(1, _EIGHT),
    "galore_adamw": Optimizer(2, projected=True),
    "galore_adamw_8bit": Optimizer(2, _EIGHT, projected=True),
    "galore_adafactor": Optimizer(0, projected=True),
    "galore_adamw_layerwise": Optimizer(2, projected=True, layerwise=True),
    "galore_adamw_8bit_layerwise": Optimizer(2, _EIGHT, projected=True, layerwise=True),
    "galore_adafactor_layerwise": Optimizer(0, projected=True, layerwise=True),
    "apollo_adamw": Optimizer(2, projected=True),
    "apollo_adamw_layerwise": Optimizer(2, projected=True, layerwise=True),
    **dict.fromkeys(("lomo", "adalomo"), Optimizer(0, layerwise=True)),
    "grokadamw": Optimizer(3),
    **dict.fromkeys(("schedule_free_adamw", "schedule_free_radam"), _ADAM),
    "schedule_free_sgd": _LION,
    "stable_adamw": _ADAM,
}  # fmt: skip
