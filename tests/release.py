"""What a release is made of, into `dist/`: the wheel, an SBOM, the licences, and what is known against the pins.

`python tests/release.py INSTALLED_PYTHON` with cyclonedx-bom, pip-licenses and pip-audit beside the running Python;
INSTALLED_PYTHON is the environment that tuner and its pinned dependencies are installed in. `make release` sets both
up. Exit code 1 when something is known against a pin, a licence is not known, or a file was not made.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
UNKNOWN = ("", "UNKNOWN")


def main(installed: str) -> int:
    """Make everything; returns how many of the steps found something wrong, 1 at most."""
    DIST.mkdir(exist_ok=True)
    subprocess.run(
        [installed, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={DIST}", str(ROOT)], check=True
    )
    wrong = [bill(installed), licences(installed), known_faults()]
    return int(any(wrong))


def bill(installed: str) -> bool:
    """`dist/sbom.json` (CycloneDX); whether a pinned and installed package is missing in it."""
    path = DIST / "sbom.json"
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of=JSON", "-o", str(path)]
    subprocess.run([tool("cyclonedx-py"), "environment", *options, installed], check=True)
    listed = {canonical(part["name"]) for part in json.loads(path.read_text())["components"]}
    code = "from importlib import metadata; print(*{each.metadata['Name'] for each in metadata.distributions()})"
    there = subprocess.run([installed, "-Ic", code], capture_output=True, text=True, check=True).stdout.split()
    missing = sorted({canonical(name) for name in there} - listed - {"tuner"})
    print(f"sbom.json: {len(listed)} packages; missing: {', '.join(missing) or 'none'}")
    return bool(missing)


def licences(installed: str) -> bool:
    """`dist/licences.csv`; whether some package names none."""
    path = DIST / "licences.csv"
    options = ["--format=csv", "--with-urls", "--with-system", f"--output-file={path}"]
    subprocess.run([tool("pip-licenses"), f"--python={installed}", *options], check=True, stdout=subprocess.DEVNULL)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    without = [row["Name"] for row in rows if row["License"] in UNKNOWN]
    print(f"licences.csv: {len(rows)} packages; without a licence: {', '.join(without) or 'none'}")
    return bool(without)


def known_faults() -> bool:
    """`dist/audit.json`; whether something is known against a pinned version. Nothing known is not nothing asked."""
    path = DIST / "audit.json"
    options = ["--disable-pip", "--no-deps", "--format=json", f"--output={path}", "--progress-spinner=off"]
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [tool("pip-audit"), *options, f"--requirement={ROOT / 'constraints.txt'}"], capture_output=True, text=True
    )
    if not path.exists():
        print(f"audit.json: not made, the advisories could not be reached: {done.stderr.strip().splitlines()[-1:]}")
        return False
    found: list[dict[str, Any]] = json.loads(path.read_text())["dependencies"]
    skipped = [each["name"] for each in found if "skip_reason" in each]
    hit = [f"{each['name']} {each['version']}: {fault['id']}" for each in found for fault in each.get("vulns", [])]
    audited = len(found) - len(skipped)
    told = "; ".join(hit) or ("none" if audited else "unknown, the index tells no advisories here")
    print(f"audit.json: {audited} of {len(found)} packages audited; known: {told}")
    return bool(hit)


def tool(name: str) -> str:
    """A command that lies beside the running Python."""
    return str(Path(sys.executable).with_name(name))


def canonical(name: str) -> str:
    """A package's name as indexes write it."""
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
