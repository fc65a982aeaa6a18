"""The brain of tuner: facts in, advice out. Pure: no torch, no textual, no network, no clock.

From facts to advice; what is left out is unknown, and each reason names its rule and its source:

>>> from advisor.engine import recommend
>>> from advisor.facts import decode_facts
>>> facts = decode_facts(
...     "goals: [fresh_knowledge]\\nknowledge: {changes: fast}\\nmodel: {params_b: 8, access: open}", "my facts"
... )
>>> advice = recommend(facts, lang="en")
>>> advice.label, advice.reasons[0].rule
('rag', 'KNO001')

A wrong fact is an `InputError` whose text says which, what is allowed, and a code for `tuner explain`:

>>> from advisor.errors import InputError
>>> try:
...     decode_facts("goals: [speed]", "my facts")
... except InputError as error:
...     error.code
'facts.value'

How much memory a training takes, in GiB, by the `config.json` of its model; a range, because not all of it is known:

>>> from advisor.memory import estimate, spec_from
>>> config = {"model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
...           "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000}
>>> lora, full = (
...     estimate(spec_from({"model": {"config": config}, "technique": technique}, "my spec"))
...     for technique in ("lora", "full")
... )
>>> lora.peak_gb.low <= lora.peak_gb.likely <= lora.peak_gb.high < full.peak_gb.low
True

A recipe is read strictly, changed by key, and written as YAML that reads back the same:

>>> from advisor.recipe import decode_recipe, encode_recipe
>>> text = "{label: ft/sft:lora, model: {id: my-model}, data: {train: pairs.jsonl}}"
>>> recipe = decode_recipe(text, "my recipe", changes=["train.max_steps=50"])
>>> recipe.train.max_steps, str(recipe.parsed_label.technique)
(50, 'lora')
>>> decode_recipe(encode_recipe(recipe), "again") == recipe
True
"""
