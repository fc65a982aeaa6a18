"""The text of a stand-alone script: pieces that are checked modules here, joined, with the settings on top."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from tuner_tui import __version__
from tuner_tui.export.outcome import Task
from tuner_tui.export.settings import settings

OURS = "tuner_tui."
SHARED = {"order": "training/order.py", "liked": "liked.py"}
LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "bitsandbytes")
HERE = 'Path(os.environ.get("TRAIN_DIR") or Path(__file__).resolve().parent)'


def script(task: Task, pieces: Iterable[str], *, bundled: bool = False) -> str:
    """One file. `bundled`: its data lies in `data/` beside it."""
    imports, bodies = joined(pieces)
    top = "\n\n".join(
        [opening(task), import_block([*imports, "import os"]), settings(task.source, HERE, bundled=bundled)]
    )
    return "\n\n\n".join([top, *bodies]) + "\n"


def joined(pieces: Iterable[str]) -> tuple[list[str], list[str]]:
    """The import lines of all pieces, and their bodies in order."""
    found = [parts(piece(name).read_text(encoding="utf-8")) for name in pieces]
    return [line for imports, _ in found for line in imports], [body for _, body in found]


def piece(name: str) -> Path:
    """A piece's file; those of SHARED are the ones that our own training goes by."""
    folder = Path(__file__).parent
    return folder.parent / SHARED[name] if name in SHARED else folder / "pieces" / f"{name}.py"


def needs() -> list[str]:
    """The libraries with the versions that are installed here, as pip names them."""
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in LIBRARIES]


def parts(text: str) -> tuple[list[str], str]:
    """The import lines of a piece, those of other pieces left out, and what follows them."""
    tree = ast.parse(text)
    lines = text.splitlines()
    imports: list[str] = []
    last = 0
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            ours = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS)
            imports += [] if ours else [ast.unparse(node)]
        elif not (isinstance(node, ast.Expr) and node is tree.body[0]):
            break
        last = node.end_lineno or 0
    return imports, "\n".join(lines[last:]).strip("\n")


def import_block(lines: list[str]) -> str:
    """The import lines once each, the standard library first, `import` before `from`."""
    # Unsloth patches transformers and must come before it.
    lines = [line for line in lines if "__future__" not in line]
    ordered = sorted(dict.fromkeys(lines), key=lambda line: ("unsloth" not in line, line.startswith("from"), line))
    standard = [line for line in ordered if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [line for line in ordered if line not in standard]
    return "\n".join([*standard, "", *others])


def opening(task: Task) -> str:
    """What the script is, what it needs, how to run it."""
    recipe = task.source.recipe
    wanted = needs()
    return "\n".join(
        [
            f'"""{recipe.label} on one model, in one file: everything the run did, without tuner.',
            "",
            f"Written by tuner {__version__} from the recipe with sha256 {task.source.sha256}.",
            f"Needs: pip install {' '.join(wanted[:4])}",
            f"                   {' '.join(wanted[4:])}",
            "Run:   python train.py [--out FOLDER] [--max-steps N]      (--check-data only reads the data)",
            '"""',
        ]
    )
