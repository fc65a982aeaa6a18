"""`tuner plan`: facts, data and model in, one complete recipe out; nothing in it is left to chance or unsaid."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from advisor.defaults import plan_recipe
from advisor.errors import InputError
from advisor.facts import Data, Facts, Hardware, Model, decode_facts
from advisor.methods import Label, Objective, parse_label
from advisor.part import apply_change
from advisor.recipe import DataSpec, ModelSpec, Recipe, encode_recipe, recipe_from
from advisor.setting import Known, Material
from tuner_tui import outfile
from tuner_tui.commands import ExitCode, print_json, read_text, say
from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.fingerprint import fingerprint
from tuner_tui.inspect.fit import check_fits
from tuner_tui.inspect.model import ModelFacts, read_model
from tuner_tui.runs.secrets import refuse_secrets
from tuner_tui.safe import clean
from tuner_tui.words import language, words

HELD_ROWS = 2000
RECIPE = outfile.holds("label", "model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, as in contract 4.2."""
    told = words().say
    parser.add_argument("--facts", metavar="FILE", help=told("planned.help.facts"))
    parser.add_argument("--data", action="append", default=[], metavar="PATH", help=told("planned.help.data"))
    parser.add_argument("--eval", action="append", default=[], metavar="PATH", help=told("planned.help.eval"))
    parser.add_argument("--docs", metavar="PATH", help=told("planned.help.docs"))
    parser.add_argument("--model", metavar="ID|DIR", help=told("planned.help.model"))
    parser.add_argument("--label", help=told("planned.help.label"))
    parser.add_argument("--practice", action="store_true", help=told("planned.help.practice"))
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help=told("planned.help.map"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=told("planned.help.set"))
    parser.add_argument("--out", metavar="FILE", help=told("planned.help.out"))
    parser.add_argument("--json", action="store_true", help=told("planned.help.json"))


def run(args: argparse.Namespace) -> int:
    """Make the recipe, write it, say what it rests on."""
    out = Path(args.out).expanduser() if args.out else None
    if out is not None:
        outfile.check(out, RECIPE)
    recipe = plan(args)
    refuse_secrets(recipe, "--set")
    text = encode_recipe(recipe)
    if out is not None:
        outfile.write(out, text.encode(), RECIPE)
    if args.json:
        print_json(recipe)
    elif not args.out:
        print(text, end="")
    tell(recipe, args.out)
    return ExitCode.DONE


def plan(args: argparse.Namespace) -> Recipe:
    """The recipe that the arguments ask for; InputError says what is missing or does not fit."""
    sources = _Sources(args)
    facts = _facts(args, sources.model_facts)
    found = [sources.inspected(data) for data in sources.data]
    for each in found:
        facts = msgspec.structs.replace(facts, data=_joined(facts.data, each.facts))
    label = parse_label(args.label) if args.label else parse_label(_advised(facts))
    if args.practice:
        sources.practise(label)
        found = found or [sources.inspected(data) for data in sources.data]
    if not found:
        raise InputError("planned.no_data")
    if sources.model is None:
        raise InputError("planned.no_model")
    if len(found) not in (1, len(label.stages)):
        raise InputError("planned.data_each", count=len(found), label=str(label), stages=max(len(label.stages), 1))
    if label.tunes:
        for at, each in enumerate(found):
            check_fits(each, label, sources.data[at].train, at if len(found) > 1 else None)
    recipe = _recipe(facts, label, sources, found)
    return _changed(recipe, args.set)


class _Sources:
    """Where model and data lie, as given or as the practice samples give them; `data` is one, or one for each stage."""

    def __init__(self, args: argparse.Namespace) -> None:
        from tuner_tui.commands.inspect import mapping_of

        self.mapping = mapping_of(args.map)
        self.docs: str | None = _absolute(args.docs)
        self.data = self._given(args.data, args.eval)
        self.eval: str | None = _absolute(args.eval[-1]) if args.eval else None
        self.model: str | None = _model(args.model)
        self.evaluation: Any = None
        self.name = "practice" if args.practice else "run"
        if args.practice and self.model is None:
            from tuner_tui import paths

            self.model = str(paths.samples() / "model")
        self.model_facts = read_model(self.model) if self.model else None

    def _given(self, data: list[str], held_out: list[str]) -> list[DataSpec]:
        """Each file with its held-out rows; where only one such file is named it judges the last."""
        if len(held_out) > 1 and len(held_out) != len(data):
            raise InputError("planned.eval_each", count=len(held_out), data=len(data))
        files = [*[None] * (len(data) - len(held_out)), *held_out]
        return [
            DataSpec(train=str(_absolute(train)), eval=_absolute(test), docs=self.docs)
            for train, test in zip(data, files, strict=False)
        ]

    def practise(self, label: Label) -> None:
        """Fill in what was not given from the samples that suit the label.

        Of objectives that are mixed in a stage the last names the file: that of `sft+refusal` holds both.
        """
        from tuner_tui.practice_data import practice_data

        practice = [practice_data(stage[-1], label.approach) for stage in label.stages or ((Objective.SFT,),)]
        if label.approach.value.startswith("rag"):
            self.docs = self.docs or practice[0].data.docs
        if not self.data:
            self.data = [each.data for each in practice]
            self.data[-1] = msgspec.structs.replace(self.data[-1], eval=self.eval or self.data[-1].eval)
            self.evaluation = practice[-1].evaluation
        self.data = [msgspec.structs.replace(each, docs=self.docs) for each in self.data]

    def inspected(self, data: DataSpec) -> Inspection:
        """What the file holds, its tokens counted by the model's own tokenizer where that is at hand."""
        known = self.model_facts
        folder = known.folder if known is not None and known.can_count else None
        return inspect(data.train, mapping=self.mapping, model=folder, lang=language(), test=data.eval)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _model(given: str | None) -> str | None:
    """A folder as an absolute path, a hub id as it is."""
    if given is None:
        return None
    looks_like_path = given.startswith((".", "/", "~")) or Path(given).expanduser().is_dir()
    return _absolute(given) if looks_like_path else given


def _facts(args: argparse.Namespace, model: ModelFacts | None) -> Facts:
    """Facts as given; the model's and the machine's own where the file leaves them open."""
    from tuner_tui import paths
    from tuner_tui.probe import probe

    given = args.facts
    if given is None and args.practice:
        given = str(paths.samples() / "facts" / "practice.yaml")
    facts = decode_facts(*read_text(given)) if given else Facts()
    if facts.hardware == Hardware():
        facts = msgspec.structs.replace(facts, hardware=probe().hardware)
    if model is None:
        return facts
    told = facts.model
    filled = Model(
        id=told.id or model.id,
        params_b=model.params_b or told.params_b,
        access=told.access,
        kind=told.kind or model.kind,
    )
    return msgspec.structs.replace(facts, model=filled)


def _joined(told: Data, found: Data) -> Data:
    """What was counted wins over what was told, for the kinds that were found."""
    counted = {name: count for name, count in msgspec.structs.asdict(found).items() if count}
    return msgspec.structs.replace(told, **counted)


def _advised(facts: Facts) -> str:
    from advisor.engine import recommend

    return recommend(facts, lang=language(), flips=False).label


def _longest(found: Inspection, test: str | None, model: ModelFacts) -> int | None:
    """Tokens of the longest row, held-out ones included: they are read under the same length."""
    if found.tokens is None:
        return None
    if test is None or model.folder is None:
        return found.tokens.max
    held = inspect(test, mapping=found.mapping, model=model.folder, limit=HELD_ROWS)
    return max(found.tokens.max, held.tokens.max if held.tokens else 0)


def _known(sources: _Sources, found: Inspection, test: str | None) -> Known:
    """What was read of the model, and of one file with its held-out rows."""
    model = sources.model_facts or ModelFacts(id=sources.model or "")
    return Known(
        hidden_size=model.hidden_size,
        family=model.family,
        context=model.context,
        tokens_max=_longest(found, test, model),
        tokens_mean=found.tokens.mean if found.tokens else None,
        answer_tokens_max=found.answer_tokens.max if found.answer_tokens else None,
        kind=found.kind,
        numbered=found.numbered,
        evaluation=sources.evaluation,
    )


def _material(sources: _Sources, data: DataSpec, found: Inspection) -> Material:
    """A file with what was read of it, and of its held-out rows."""
    told = msgspec.structs.replace(data, mapping=found.mapping, fingerprint=fingerprint(data.train))
    p95 = found.tokens.p95 if found.tokens else None
    return Material(data=told, rows=found.usable_rows, tokens_p95=p95, known=_known(sources, found, data.eval))


def _recipe(facts: Facts, label: Label, sources: _Sources, found: list[Inspection]) -> Recipe:
    """The recipe; of several files each is a stage's own, and the first the recipe's."""
    own = [_material(sources, data, each) for data, each in zip(sources.data, found, strict=True)]
    first = own[0]
    return plan_recipe(
        facts,
        str(label),
        ModelSpec(id=sources.model or ""),
        first.data,
        rows=first.rows,
        tokens_p95=first.tokens_p95,
        name=sources.name,
        known=first.known,
        own=own if len(own) > 1 else (),
        lang=language(),
    )


def _changed(recipe: Recipe, changes: list[str]) -> Recipe:
    """The recipe with `--set` applied; a value that a person set needs no reason of ours."""
    raw = msgspec.to_builtins(recipe)
    for change in changes:
        apply_change(raw, change)
        section, _, key = change.partition("=")[0].strip().partition(".")
        raw["why"].pop(f"{section}.{key}" if key else section, None)
        raw["why"].pop(section, None)
    return recipe_from(raw, "--set") if changes else recipe


def tell(recipe: Recipe, out: str | None) -> None:
    """The decision and its reasons, for the person."""
    told = words().say
    say(told("planned.label", label=recipe.label))
    if not recipe.parsed_label.tunes:
        say(told("planned.trains_nothing"))
    for field, reason in recipe.why.items():
        say(f"  {field}: {clean(reason, 400)}")
    if out:
        then = "run" if recipe.parsed_label.tunes else "compare"
        say(told("planned.written", path=clean(out), command=f"tuner {then} {clean(out)}"))
