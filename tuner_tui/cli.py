"""The command line: finds the command, imports only it, and turns every outcome into a true exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from advisor.errors import InputError, Refused
from tuner_tui import __version__
from tuner_tui.commands import ExitCode, say
from tuner_tui.redact import redact
from tuner_tui.words import language, words

COMMANDS = (
    "advise",
    "rules",
    "inspect",
    "prepare",
    "index",
    "models",
    "probe",
    "plan",
    "estimate",
    "rehearse",
    "run",
    "watch",
    "stop",
    "resume",
    "runs",
    "queue",
    "coach",
    "compare",
    "eval",
    "chat",
    "export",
    "import",
    "serve",
    "schema",
    "completion",
    "doctor",
    "explain",
    "demo",
    "web",
)

UNWRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT)


class Parser(argparse.ArgumentParser):
    """argparse, but usage errors are one clear line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message} [cli.bad_usage]\n{self.format_usage().strip()}")
        raise SystemExit(ExitCode.USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tuner`; the return value is the exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    lang, args = _take_language(args)
    if lang:
        os.environ["TUNER_LANG"] = lang
    try:
        return _dispatch(args)
    except InputError as error:
        say(error.text(language()))
        return ExitCode.REFUSED if isinstance(error, Refused) else ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            say(InputError("runs.unwritable", path=error.filename or "?", detail=error.strerror).text(language()))
            return ExitCode.FAILED
        return _crashed(error, args[0] if args and args[0] in COMMANDS else "tuner")


def _crashed(error: Exception, doing: str) -> int:
    """Words instead of a traceback, and a bundle for a report; TUNER_TRACEBACK=1 shows the traceback to a developer."""
    from tuner_tui import crash

    if os.environ.get("TUNER_TRACEBACK"):
        raise error
    if (refused := crash.given(error)) is not None:
        say(refused.text(language()))
        return ExitCode.USAGE
    path = crash.keep(error, doing)
    kind = f"{type(error).__name__}: {redact(str(error))[:300]}".rstrip(": ")
    say(words().fault("cli.crashed", kind=kind, path=path or "-"))
    return ExitCode.FAILED


def _take_language(args: list[str]) -> tuple[str | None, list[str]]:
    """`--lang ko` may stand anywhere, for every command."""
    if "--lang" not in args:
        return None, args
    at = args.index("--lang")
    value = args[at + 1] if at + 1 < len(args) else ""
    if value not in ("ko", "en"):
        raise SystemExit(_usage_error(words().fault("cli.lang", value=value)))
    return value, args[:at] + args[at + 2 :]


def _usage_error(text: str) -> int:
    say(text)
    return ExitCode.USAGE


def _dispatch(args: list[str]) -> int:
    if not args:
        return _open_app()
    head, rest = args[0], args[1:]
    if head in ("-V", "--version"):
        print(f"tuner {__version__}")
        return ExitCode.DONE
    if head in ("-h", "--help", "help"):
        print(_help())
        return ExitCode.DONE
    if args == ["--inline", "advise"]:
        return _open_app("tuner_tui.inline")
    if head not in COMMANDS:
        return _usage_error(words().fault("cli.unknown", command=head, commands=", ".join(COMMANDS)))
    return _run_command(head, rest)


def _run_command(name: str, rest: list[str]) -> int:
    # A command that is a word of Python (`import`) lives in a module with an underscore after it.
    module: Any = importlib.import_module(f"tuner_tui.commands.{name}{'_' * keyword.iskeyword(name)}")
    parser = Parser(prog=f"tuner {name}", description=words().say(f"cli.{name}"))
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(rest)))


def _open_app(name: str = "tuner_tui.app") -> int:
    served = "TEXTUAL_DRIVER" in os.environ  # `tuner web` talks to the app through pipes
    if not served and not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return _usage_error(words().fault("cli.no_terminal"))
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    module: Any = importlib.import_module(name)
    return int(module.main())


def _help() -> str:
    say_ = words().say
    lines = [say_("cli.about"), "", say_("cli.usage"), ""]
    lines += [f"  {name:<10} {say_(f'cli.{name}')}" for name in COMMANDS]
    return "\n".join([*lines, "", say_("cli.more")])


if __name__ == "__main__":
    sys.exit(main())
