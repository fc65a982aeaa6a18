"""`tuner completion bash|zsh|fish`: a script made from the parsers themselves, so that it completes what they take.

Written by hand because shtab, the library for argparse, knows no fish and no values that are only known when one
asks, such as run ids.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import shlex
from typing import Any

import msgspec

from tuner_tui.commands import ExitCode
from tuner_tui.words import words

SHELLS = ("bash", "zsh", "fish")
LISTS = ("runs", "targets")
FILES = "files"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option: its flags, its words, and its value: a list of words, one of LISTS, FILES, or None for none."""

    flags: tuple[str, ...]
    text: str
    value: tuple[str, ...] | str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command: its words, its options, and what its first argument may be."""

    name: str
    text: str
    options: list[Option]
    value: tuple[str, ...] | str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    told = words().say
    parser.add_argument("shell", nargs="?", choices=SHELLS, help=told("completion.help.shell"))
    parser.add_argument("--list", choices=LISTS, help=told("completion.help.list"))


def run(args: argparse.Namespace) -> int:
    """Print the script, or the words of a list that the script asks for."""
    if args.list:
        print("\n".join(listed(args.list)))
        return ExitCode.DONE
    write = {"bash": bash, "zsh": zsh, "fish": fish}[args.shell or "bash"]
    print(write(commands()))
    return ExitCode.DONE


def listed(name: str) -> list[str]:
    """What there is now."""
    if name == "targets":
        from tuner_tui.export.targets import TARGETS

        return list(TARGETS)
    from tuner_tui.runs.directory import list_runs

    return ["last", *(run.id for run in list_runs())]


def commands() -> list[Command]:
    """All commands as their own parsers have them."""
    from tuner_tui.cli import COMMANDS

    return [_command(name) for name in COMMANDS]


def _command(name: str) -> Command:
    module: Any = importlib.import_module(f"tuner_tui.commands.{name}{'_' * keyword.iskeyword(name)}")
    parser = argparse.ArgumentParser(prog=name)
    module.add_arguments(parser)
    actions = parser._actions
    options = [
        Option(flags=tuple(action.option_strings), text=_line(action.help), value=_value(action))
        for action in actions
        if action.option_strings
    ]
    first = next((_value(action) for action in actions if not action.option_strings), None)
    return Command(name=name, text=words().say(f"cli.{name}"), options=options, value=first)


def _line(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())


def _value(action: argparse.Action) -> tuple[str, ...] | str | None:
    if action.nargs == 0:
        return None
    if action.choices:
        return tuple(map(str, action.choices))
    if action.dest == "to":
        return "targets"
    return "runs" if action.dest in ("run", "source") else FILES


def _words(value: tuple[str, ...] | str | None) -> str:
    """Shell code that gives the words of a value."""
    if isinstance(value, tuple):
        return " ".join(value)
    return f"$(tuner completion --list {value} 2>/dev/null)" if value in LISTS else ""


def bash(known: list[Command]) -> str:
    """For `~/.bashrc`: `source <(tuner completion bash)`."""
    cases = []
    for command in known:
        flags = " ".join(flag for option in command.options for flag in option.flags)
        valued = [
            f'        {"|".join(option.flags)}) words="{_words(option.value)}" ;;'
            for option in command.options
            if option.value is not None
        ]
        cases.append(
            "\n".join(
                [
                    f"    {command.name})",
                    '      case "$before" in',
                    *valued,
                    f'        *) words="{flags} {_words(command.value)}" ;;',
                    "      esac ;;",
                ]
            )
        )
    names = " ".join(command.name for command in known)
    return "\n".join(
        [
            "_tuner() {",
            '  local now="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
            '  if [ "$COMP_CWORD" -eq 1 ]; then',
            f'    COMPREPLY=($(compgen -W "{names} --help --version --lang" -- "$now"))',
            "    return",
            "  fi",
            '  case "${COMP_WORDS[1]}" in',
            *cases,
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "$now"))',
            '  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$now"))',
            "}",
            "complete -o filenames -F _tuner tuner",
        ]
    )


def zsh(known: list[Command]) -> str:
    """For `~/.zshrc`, after compinit: `source <(tuner completion zsh)`."""
    names = " ".join(shlex.quote(f"{command.name}:{command.text.replace(':', ' ')}") for command in known)
    cases = []
    for command in known:
        specs = [_zsh_option(flag, option) for option in command.options for flag in option.flags]
        if command.value is not None:
            specs.append(f"'*:value:{_zsh_value(command.value)}'")
        cases.append(f"    {command.name}) _arguments {' '.join(specs)} ;;")
    return "\n".join(
        [
            "#compdef tuner",
            "_tuner() {",
            "  if (( CURRENT == 2 )); then",
            f"    local -a commands=({names})",
            "    _describe command commands",
            "    return",
            "  fi",
            "  local name=$words[2]",
            "  shift words; (( CURRENT-- ))",
            "  case $name in",
            *cases,
            "  esac",
            "}",
            "compdef _tuner tuner",
        ]
    )


def _zsh_option(flag: str, option: Option) -> str:
    text = "".join(" " if mark in "[]:'\\" else mark for mark in option.text)
    return f"'{flag}[{text}]{'' if option.value is None else ':value:' + _zsh_value(option.value)}'"


def _zsh_value(value: tuple[str, ...] | str) -> str:
    if isinstance(value, tuple):
        return f"({' '.join(value)})"
    return f"($({_words(value)[2:-1]}))" if value in LISTS else "_files"


def fish(known: list[Command]) -> str:
    """For `~/.config/fish/completions/tuner.fish`."""
    lines = []
    for command in known:
        lines.append(f"complete -c tuner -n __fish_use_subcommand -f -a {command.name} -d {shlex.quote(command.text)}")
        here = f"complete -c tuner -n '__fish_seen_subcommand_from {command.name}'"
        if command.value is not None and command.value != FILES:
            closed = "-f " if isinstance(command.value, tuple) else ""  # no files among words that are all known
            lines.append(f"{here} {closed}-a {_fish_words(command.value)}")
        for option in command.options:
            flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
            takes = (
                ""
                if option.value is None
                else " -r -F"
                if option.value == FILES
                else f" -x -a {_fish_words(option.value)}"
            )
            lines.append(f"{here} {flags} -d {shlex.quote(option.text)}{takes}")
    return "\n".join(lines)


def _fish_words(value: tuple[str, ...] | str) -> str:
    if isinstance(value, tuple):
        return shlex.quote(" ".join(value))
    return f"'(tuner completion --list {value} 2>/dev/null)'"
