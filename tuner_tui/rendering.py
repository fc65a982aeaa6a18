"""A chat template is a stranger's program: it runs in a process apart, with two seconds, little memory, a short answer.

The sandbox keeps it from reaching anything; the limits keep it from hanging or filling whoever asks.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from typing import Any

from advisor.errors import InputError
from tuner_tui.safe import clean

CPU_S = 2
WALL_S = 60.0
MEMORY_BYTES = 1 << 30
LONGEST = 1 << 20
BATCH = 64

Conversation = tuple[list[dict[str, Any]], bool]


class TemplateRefused(Exception):
    """The template cannot be compiled, or went beyond a limit; `limit` is `time`, `memory`, `length`, None = syntax."""

    def __init__(self, detail: str, limit: str | None = None) -> None:
        self.limit = limit
        super().__init__(detail)


class Renderer:
    """A template in its own process. Ended with its owner, whatever happens."""

    def __init__(self, source: str, *, begin: str = "", end: str = "") -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tuner_tui.rendering"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("PYTHONPATH", "PATH", "LD_LIBRARY_PATH") if name in os.environ},
        )
        self._close = weakref.finalize(self, _end, self._child)
        self._ask({"source": source, "begin": begin, "end": end})

    def render(self, asked: Sequence[Conversation]) -> list[tuple[str | None, str]]:
        """Each conversation's text, or None and why the template refuses it. The flag: an answer is to follow."""
        said: list[tuple[str | None, str]] = []
        for at in range(0, len(asked), BATCH):
            said += [(text, why) for text, why in self._ask(asked[at : at + BATCH])]
        return said

    def close(self) -> None:
        """End the process."""
        self._close()

    def _ask(self, question: Any) -> Any:
        assert self._child.stdin is not None
        try:
            # Surrogates travel as JSON escapes.
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise TemplateRefused("", "time") from None
        answer = self._line()
        if "limit" in answer:
            self.close()
            raise TemplateRefused(str(answer.get("detail", "")), answer["limit"])
        return answer.get("said")

    def _line(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], WALL_S)
        line = self._child.stdout.readline() if ready else b""
        if line.endswith(b"\n"):
            found: dict[str, Any] = json.loads(line)
            return found
        return {"limit": "time"}  # killed by the limit on CPU time, or silent


def beyond_limits(error: TemplateRefused, model: str) -> InputError:
    """The words for a template that hangs, grows without end or eats memory."""
    return InputError("template.limit", model=clean(model), limit=error.limit or "?", seconds=CPU_S)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue


def main() -> int:
    """The process apart: one JSON line with the template, then one with conversations at a time."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known = json.loads(sys.stdin.readline())
    template, tokens = None, {"bos_token": known["begin"], "eos_token": known["end"]}
    try:
        _more_time()
        template = compiled(known["source"])
        answer: dict[str, Any] = {"said": True}
    except MemoryError:
        answer = {"limit": "memory"}
    except Exception as error:
        answer = {"limit": None, "detail": str(error)[:200]}
    _tell(answer)
    while template is not None and (line := sys.stdin.readline()):
        _more_time()
        try:
            _tell({"said": [_one(template, turns, follows, tokens) for turns, follows in json.loads(line)]})
        except MemoryError:
            _tell({"limit": "memory"})
        except OverflowError as error:
            _tell({"limit": "length", "detail": str(error)})
    return 0


def _more_time() -> None:
    """Two more seconds of CPU, then the kernel ends this process, even within one endless operation."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _one(template: Any, turns: list[dict[str, Any]], follows: bool, tokens: dict[str, str]) -> tuple[str | None, str]:
    """The text, cut short by OverflowError when it grows far beyond what went in."""
    import jinja2

    most, parts, length = LONGEST + 8 * sum(len(str(turn)) for turn in turns), [], 0
    try:
        for part in template.generate(
            messages=turns, add_generation_prompt=follows, tools=None, documents=None, **tokens
        ):
            length += len(part)
            if length > most:
                raise OverflowError(f"{length:,}")
            parts.append(part)
    except (jinja2.TemplateError, TypeError, ValueError, LookupError, ZeroDivisionError, RecursionError) as error:
        return None, str(error).partition("\n")[0][:200] or type(error).__name__
    return "".join(parts), ""


def compiled(source: str) -> Any:
    """As transformers compiles it, in jinja2's sandbox."""
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    class Generation(Extension):  # type: ignore[misc]
        """`{% generation %}` marks what assistants say; here its inside alone counts."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: "2026-01-01"
    environment.filters["tojson"] = _json
    return environment.from_string(source)


def _json(value: Any, ensure_ascii: bool = False, indent: int | None = None, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, sort_keys=sort_keys)


if __name__ == "__main__":
    sys.exit(main())
