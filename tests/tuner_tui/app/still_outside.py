"""A world that stands still, so that a picture of the screen is the same on every machine and on every day."""

from __future__ import annotations

from typing import Any

from advisor.advice import Advice, Caution, Flip, MemoryGb, Ranked, Reason, Verdict, Work
from advisor.facts import Data, Facts, Goal, Gpu, Hardware, History, Model, Tried
from tuner_tui.inspect import Field, Inspection, Problem, Severity
from tuner_tui.inspect.formats import UNKNOWN
from tuner_tui.inspect.one import OneRow
from tuner_tui.inspect.tokens import Piece
from tuner_tui.model_folders import FoundModel
from tuner_tui.outside import Outside
from tuner_tui.probe.machine import Cpu, GpuState, Machine, Space
from tuner_tui.state import Wizard

HARDWARE = Hardware(gpus=[Gpu(name="RTX 4090", vram_gb=24.0, free_gb=22.5)], ram_gb=62.7, disk_gb=412.0)
MACHINE = Machine(
    hardware=HARDWARE,
    gpus=(GpuState(index=0, name="NVIDIA GeForce RTX 4090", vram_gb=23.99, free_gb=22.5, util_pct=3, temp_c=41),),
    driver="570.124",
    cuda="12.8",
    cpu=Cpu(model="AMD Ryzen 9 7950X", cores=16, threads=32, usable=32),
    ram=Space(total_gb=62.7, free_gb=50.1),
    disk=Space(total_gb=931.0, free_gb=412.0),
)
FACTS = Facts(
    goals=[Goal.STYLE, Goal.FORMAT],
    data=Data(instruction_pairs=480),
    model=Model(id="Qwen/Qwen3-8B", params_b=8.2),
    hardware=HARDWARE,
    history=History(prompting=Tried.INSUFFICIENT),
)
WIZARD = Wizard(facts=FACTS, answered=("goals", "history.prompting"), model_path="Qwen/Qwen3-8B")


def _reason(rule: str, text: str) -> Reason:
    work = Work(title="A study of a thing, 2024", url="https://example.org/a-study")
    return Reason(
        rule=rule, text=text, source="", evidence={}, name=rule, status="established", weight=9, sources=[work]
    )


def _ranked(label: str, verdict: Verdict, gib: float, *rules: str) -> Ranked:
    memory = MemoryGb(low=gib * 0.8, likely=gib, high=gib * 1.3)
    return Ranked(label=label, verdict=verdict, score=10, memory_gb=memory, rules=list(rules))


ADVICE = Advice(
    label="ft/style:qlora",
    approach="ft",
    objectives=["style"],
    technique="qlora",
    confidence=0.78,
    plan=["Set 50 questions aside. 50개 문제를 따로 둡니다.", "Train, then ask them again."],
    reasons=[_reason("DAT005", "Behaviour is missing, not knowledge. 부족한 것은 지식이 아니라 행동입니다.")],
    warnings=[Caution(id="few_rows", text="480 rows are few. 480행은 적은 편입니다.")],
    ranking=[
        _ranked("ft/style:qlora", Verdict.RECOMMENDED, 9.1, "DAT005"),
        _ranked("ft/style:lora", Verdict.POSSIBLE, 19.8, "FIT002"),
        _ranked("rag", Verdict.POSSIBLE, 0.0),
        _ranked("ft/sft>dpo:full", Verdict.VETOED, 131.0, "FIT001"),
    ],
    flips=[Flip(change="GPU 48 GiB", label="ft/style:lora", fact="hardware", value=48, unknown=False)],
    against=[_reason("FIT001", "It needs more memory than there is."), _reason("FIT002", "It is tight.")],
)


INSPECTION = Inspection(
    kind="instruction_pairs",
    format="alpaca",
    rows=30,
    usable_rows=28,
    fields={"instruction": Field(types=["string"], filled=30), "output": Field(types=["string"], filled=30)},
    tokens=None,
    duplicates=1,
    problems=[
        Problem(code="empty_output", severity=Severity.ERROR, count=2, rows=[3, 9], text=""),
        Problem(code="few_rows", severity=Severity.WARNING, count=30, rows=[], text=""),
    ],
    facts=Data(instruction_pairs=28),
    histogram=dict(zip(range(20, 500, 20), (0, 1, 4, 9, 6, 3, 2, 1, *(0,) * 14, 1, 1), strict=True)),
    preview=[{"instruction": f"[red]Question[/] {n}?", "output": f"답 {n}."} for n in range(3)],
)


class StillOutside(Outside):
    """The outside held still."""

    def probe(self) -> Any:
        """Always this machine."""
        return MACHINE

    def inspect(self, path: str, lang: str, model: Any, test: Any, heard: Any) -> Any:
        """Always this file."""
        return INSPECTION

    def row(self, path: str, number: int, mapping: dict[str, str], model: str | None) -> tuple[Any, Any]:
        """Always this row, as a model would read it."""
        pieces = [Piece(text, at, at > 2) for at, text in enumerate(("<|user|>", "[red]Question[/]?", "<|end|>\n"))]
        pieces += [Piece(text, at, True) for at, text in enumerate(("답 ", "하나.\nTwo lines.", "<|end|>"), 3)]
        return OneRow(number=number, cells=list(INSPECTION.preview[0].items()), fault=None, shape=UNKNOWN), pieces

    def recommend(self, facts: Facts, lang: str, flips: bool) -> Any:
        """Always this advice: these pictures test how it is drawn."""
        return ADVICE

    def local_models(self) -> list[Any]:
        """One model in the cache."""
        return [FoundModel(id="Qwen/Qwen3-0.6B", path="/models/qwen", source="cache", params_b=0.6, bytes=1 << 30)]

    def catalog_models(self) -> list[Any]:
        """One known by name."""
        return [FoundModel(id="Qwen/Qwen3-8B", path="Qwen/Qwen3-8B", source="catalog", params_b=8.2)]

    def known_gpus(self) -> list[tuple[str, float]]:
        """Two GPUs to try."""
        return [("RTX 4090", 24.0), ("H100 SXM", 80.0)]

    def list_runs(self) -> list[Any]:
        """No runs."""
        return []
