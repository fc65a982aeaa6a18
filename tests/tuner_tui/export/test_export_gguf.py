"""GGUF by llama.cpp's own converter: refused with its words where it cannot, judged by weights and tokens where it can.

The converter is found through TUNER_LLAMA_CPP; without it only the refusal is tried.
"""

import os
from pathlib import Path

import pytest
from tiny_runs import MakeRun, export

CONVERTER = Path(os.environ.get("TUNER_LLAMA_CPP", "/nowhere")) / "convert_hf_to_gguf.py"


def test_without_a_converter_it_is_refused_with_the_remedy(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNER_LLAMA_CPP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, words = export(make_run("ft/sft:lora"), "gguf", tmp_path / "out")
    assert code == 3
    assert "TUNER_LLAMA_CPP" in words
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_ollama_starts_from_merged_weights_where_no_gguf_can_be_made(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNER_LLAMA_CPP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said, words = export(make_run("ft/sft:lora"), "ollama", tmp_path / "out")
    assert code == 0, (said, words)
    modelfile = (tmp_path / "out" / "ollama" / "Modelfile").read_text(encoding="utf-8")
    assert modelfile.startswith("FROM ./merged\n")
    assert 'PARAMETER stop "<|end|>"' in modelfile
    assert (tmp_path / "out" / "ollama" / "merged" / "model.safetensors").is_file()
    assert any("TUNER_LLAMA_CPP" in note for note in said["notes"])


@pytest.mark.slow
@pytest.mark.skipif(not CONVERTER.is_file(), reason="needs TUNER_LLAMA_CPP")
def test_a_tokenizer_that_the_converter_does_not_know_is_refused_in_its_words(
    make_run: MakeRun, tmp_path: Path
) -> None:
    code, _, words = export(make_run("ft/sft:lora"), "gguf", tmp_path / "out")
    assert code == 3
    assert "pre-tokenizer" in words
