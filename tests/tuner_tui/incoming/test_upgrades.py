"""A recipe of an earlier version runs as what it meant; its file stays, what changed is told, a newer one is refused.

`data/recipe-v1.yaml` was written by this repository's first version of recipes (its commit 397a3a9).
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import InputError
from advisor.recipe import decode_recipe, encode_recipe, recipe_from
from advisor.upgrade import STEPS, VERSION, Upgrade, upgraded

FIRST = Path(__file__).parents[2] / "data" / "recipe-v1.yaml"


def test_a_recipe_of_the_first_version_is_read_as_what_it_meant() -> None:
    upgrades: list[Upgrade] = []
    recipe = decode_recipe(FIRST.read_bytes(), "first", (), upgrades)
    assert (recipe.version, recipe.name, recipe.label) == (VERSION, "team-first", "ft/sft>dpo:qlora")
    assert recipe.model.trust_remote_code is False, "consent of somebody's file is nobody's consent"
    assert (recipe.train.beta, recipe.data.mapping, recipe.evaluation.pattern) == (0.2, {"prompt": "질문"}, "예|아니오")
    assert [(each.to, each.key) for each in upgrades] == [(2, "model.trust_remote_code"), (2, "name")]
    again: list[Upgrade] = []
    assert decode_recipe(encode_recipe(recipe), "again", (), again) == recipe
    assert again == []


def test_each_version_has_its_step() -> None:
    assert len(STEPS) == VERSION - 1


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.5, None, VERSION + 1, 10**30])
def test_a_version_that_is_none_or_newer_is_refused(version: Any) -> None:
    with pytest.raises(InputError) as refused:
        recipe_from({"version": version, "label": "rag"}, "here")
    newer = isinstance(version, int) and version > VERSION
    assert refused.value.code == ("recipe.newer" if newer else "recipe.value")
    assert "version" in refused.value.text("en")
    assert "버전" in refused.value.text("ko") or "version" in refused.value.text("ko")


ANY = st.sampled_from([None, True, 0, 3, "", "a/b", "\0", [], [{}], {"id": 5}, {"trust_remote_code": True}])


@given(
    st.dictionaries(st.sampled_from(["name", "model", "label", "train"]), ANY | st.just({"trust_remote_code": True}))
)
def test_whatever_stands_there_a_step_raises_nothing_and_leaves_the_original(raw: dict[str, Any]) -> None:
    before = repr(raw)
    found, _ = upgraded({**raw, "version": 1}, "here")
    assert repr(raw) == before
    assert found["version"] == VERSION


@pytest.mark.parametrize(("lang", "word"), [("en", "not carried over"), ("ko", "이어받지 않습니다")])
def test_import_writes_todays_recipe_and_keeps_the_old_file(tmp_path: Path, lang: str, word: str) -> None:
    old, out = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_bytes(FIRST.read_bytes())
    command = [sys.executable, "-m", "tuner_tui", "import", str(old), "--out", str(out), "--lang", lang]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert word in done.stderr
    assert "org/model-with-code" in done.stderr
    assert "team-first" in done.stderr
    assert yaml.safe_load(out.read_text())["version"] == VERSION
    assert old.read_bytes() == FIRST.read_bytes()


def test_a_run_says_what_it_reads_otherwise(tmp_path: Path) -> None:
    old = yaml.safe_load(FIRST.read_text())
    (tmp_path / "old.yaml").write_text(yaml.safe_dump({**old, "label": "rag"}))
    command = [sys.executable, "-m", "tuner_tui", "run", str(tmp_path / "old.yaml"), "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "not carried over" in done.stderr
