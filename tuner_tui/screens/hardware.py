"""Step 4 shows what was read and takes what-ifs; a typed number is never mixed up with one that was read."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.facts import Gpu, Hardware
from tuner_tui.keys import bindings
from tuner_tui.screens.asking import AskingScreen
from tuner_tui.state import Wizard, answer, with_hardware
from tuner_tui.widgets.advice_panel import AdvicePanel
from tuner_tui.widgets.field import Field
from tuner_tui.widgets.machine import details
from tuner_tui.widgets.speaks import Plain, Say

FIELDS = ("gpus", "gpu_name", "vram_gb", "ram_gb", "disk_gb")


class Presets(OptionList):
    """GPUs to try."""

    help_key = "hardware.presets"


class HardwareScreen(AskingScreen):
    """Numbers at the left, the machine at the right, what-ifs below."""

    STEP = "hardware"
    FIRST_FOCUS = "#gpus"
    CSS_PATH = "hardware.tcss"
    BINDINGS = bindings("hardware")

    def compose_content(self) -> ComposeResult:
        """Fields, presets, machine, advice."""
        with Horizontal():
            with Vertical(id="numbers"):
                yield Field("gpus", "hardware.count", number=True, whole=True, unit="hardware.count.unit")
                yield Field("gpu_name", "hardware.name")
                yield Field("vram_gb", "hardware.vram", number=True, unit="hardware.gib")
                yield Field("ram_gb", "hardware.ram", number=True, unit="hardware.gib")
                yield Field("disk_gb", "hardware.disk", number=True, unit="hardware.gib")
                yield Say("hardware.is_real", id="real")
                yield Say("hardware.presets", id="presets-title")
                yield Presets(id="presets", markup=False)
            with VerticalScroll(id="machine", classes="panel"):
                yield Plain(id="details")
            yield AdvicePanel(id="side")

    def on_mount(self) -> None:
        """Follow the probe."""
        super().on_mount()
        self.tuner.reading.changed.subscribe(self, self._read)
        self._presets = self.tuner.outside.known_gpus()
        wide = max((cell_len(name) for name, _ in self._presets), default=0)
        self.query_one("#presets", Presets).set_options(
            Option(Content.assemble(f" {set_cell_size(name, wide)}", (f"{vram:>6g} GiB", "$text-muted")))
            for name, vram in self._presets
        )
        for name in ("#presets", "#presets-title"):
            self.query_one(name).display = bool(self._presets)

    def load(self, wizard: Wizard) -> None:
        """The numbers that the advice uses."""
        super().load(wizard)
        for name, value in shown(wizard.facts.hardware).items():
            self.query_one(f"#field-{name}", Field).show(value)
        real = self.query_one("#real", Say)
        real.tell("hardware.is_simulated" if wizard.simulated else "hardware.is_real")
        real.set_class(wizard.simulated, "warn")
        real.display = wizard.simulated or self.tuner.reading.machine is not None
        self._show_machine()

    def _read(self, what: str) -> None:
        if what == "machine" and self.is_current:
            self._show_machine()

    def _show_machine(self) -> None:
        reading = self.tuner.reading
        self.query_one("#machine").border_title = self.say("hardware.read")
        waiting = Content.styled(self.say("hardware.unread" if reading.probed else "hardware.reading"), "$text-muted")
        self.query_one("#details", Plain).show(details(reading.machine, self.say) if reading.machine else waiting)

    # -- answers -----------------------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        now = {**shown(self.wizard.facts.hardware), event.name: event.value}
        if event.name == "gpu_name":
            known = self.tuner.outside.gpu_memory(event.value) if event.value else None
            now["vram_gb"] = known or now["vram_gb"]
        if event.name in ("gpu_name", "vram_gb") and event.value and not now["gpus"]:
            now["gpus"] = 1
        self._simulate(hardware_of(now))

    def _simulate(self, hardware: Hardware) -> None:
        wizard = answer(self.wizard, "hardware", hardware)
        self.tuner.change(msgspec.structs.replace(wizard, simulated=True))

    @on(OptionList.OptionSelected, "#presets")
    def _preset(self, event: OptionList.OptionSelected) -> None:
        name, vram = self._presets[event.option_index]
        before = shown(self.wizard.facts.hardware)
        self._simulate(hardware_of({**before, "gpus": before["gpus"] or 1, "gpu_name": name, "vram_gb": vram}))

    @on(Field.Entered)
    def _entered(self, event: Field.Entered) -> None:
        at = FIELDS.index(event.name) + 1
        self.query_one(f"#{FIELDS[at]}" if at < len(FIELDS) else "#go").focus()

    def action_probe(self) -> None:
        """This machine's own numbers again."""
        reading = self.tuner.reading
        wizard = msgspec.structs.replace(self.wizard, simulated=False)
        self.tuner.change(with_hardware(wizard, reading.machine.hardware) if reading.machine else wizard)
        reading.probe()


def shown(hardware: Hardware) -> dict[str, Any]:
    """Hardware as the fields show it; GPUs that differ are shown by the first one."""
    gpus = hardware.gpus
    first = gpus[0] if gpus else Gpu()
    return {
        "gpus": None if gpus is None else len(gpus),
        "gpu_name": first.name,
        "vram_gb": first.vram_gb,
        "ram_gb": hardware.ram_gb,
        "disk_gb": hardware.disk_gb,
    }


def hardware_of(fields: dict[str, Any]) -> Hardware:
    """Hardware as the fields state it: all GPUs alike."""
    count = fields["gpus"]
    gpu = Gpu(name=fields["gpu_name"] or None, vram_gb=fields["vram_gb"] or None)
    gpus = None if count is None else [gpu] * min(int(count), 64)
    return Hardware(gpus=gpus, ram_gb=fields["ram_gb"], disk_gb=fields["disk_gb"])
