"""The practice model's tokenizer: one token a name and a digit, bytes for what was never seen; Llama's conventions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

VOCABULARY = 4096
PAD, BEGIN, END, UNKNOWN = "<|pad|>", "<|begin|>", "<|end|>", "<|unknown|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
TEMPLATE = (
    "{{- bos_token }}"
    "{%- for message in messages %}"
    "{%- if message.role == 'assistant' %}"
    "{{- '<|assistant|>' }}{% generation %}{{- message.content + eos_token }}{% endgeneration %}"
    "{%- elif message.role in ('system', 'user') %}"
    "{{- '<|' + message.role + '|>' + message.content + eos_token }}"
    "{%- else %}{{- raise_exception('role ' + message.role + ' is not system, user or assistant') }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)


def train(texts: Iterable[str]) -> Any:
    """A byte-pair tokenizer over `texts` (transformers' PreTrainedTokenizerFast), the same for the same texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE(unk_token=UNKNOWN, byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation("isolated"),
        ]
    )
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    marks = [PAD, BEGIN, END, UNKNOWN, SYSTEM, USER, ASSISTANT]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=marks + [f"<0x{byte:02X}>" for byte in range(256)],
        initial_alphabet=["\n", "▁", *(chr(code) for code in range(33, 127))],
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=_bytes_as_text(raw, len(marks)),
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=TEMPLATE,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )


def _bytes_as_text(raw: Any, marks: int) -> Any:
    """The byte tokens are ordinary vocabulary, or decoding would drop them as special."""
    import json

    from tokenizers import Tokenizer

    written = json.loads(raw.to_str())
    written["added_tokens"] = [token for token in written["added_tokens"] if token["id"] < marks]
    return Tokenizer.from_str(json.dumps(written))


def save(tokenizer: Any, folder: Path) -> None:
    """Write tokenizer.json, its configuration and the chat template into `folder`."""
    tokenizer.save_pretrained(str(folder))
