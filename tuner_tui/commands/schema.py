"""`tuner schema recipe|facts`: the JSON Schema that editors complete and check recipes and facts by."""

from __future__ import annotations

import argparse

import msgspec

from advisor.facts import Facts
from advisor.recipe import json_schema
from tuner_tui.commands import ExitCode
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of what."""
    parser.add_argument("what", choices=("recipe", "facts"), help=words().say("schema.help.what"))


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    schema = json_schema() if args.what == "recipe" else msgspec.json.schema(Facts)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    print(msgspec.json.format(msgspec.json.encode({**head, **schema})).decode())
    return ExitCode.DONE
