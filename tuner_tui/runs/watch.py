"""Attaching costs the same however long the log: the end is read whole, the middle by samples."""

from __future__ import annotations

from advisor.words import Words
from tuner_tui.runs.coach import coach_for, note
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.follow import Event, Follower
from tuner_tui.runs.overview import ends, is_long, overview
from tuner_tui.runs.view import RunView, fold
from tuner_tui.words import words as default_words


class RunWatch:
    """One watcher of one run: `poll` for news, then look at `view`. Any number may watch at once.

    `sampled` says that the log was too long to read whole, so that counts and old messages may be incomplete.
    A log that was written without a coach gets one here, who speaks `words`; nothing is added to the log.
    """

    def __init__(self, run: RunDir, words: Words | None = None) -> None:
        self.run = run
        self._words = words or default_words()
        self._coach = coach_for(run)
        self._needs_coach = True
        self.view = RunView(id=run.id)
        self.sampled = False
        self._seen_replaced = 0
        offset = 0
        if is_long(run.events_path):
            events, offset = overview(run.events_path)
            self.view = fold(self.view, events)
            self.view = fold(self.view, self._coached(events))
            self.sampled = True
        self.follower = Follower(run.events_path, offset=offset)

    def poll(self, max_events: int = 2000) -> list[Event]:
        """The new events, already folded into `view`."""
        events = self.follower.poll(max_events)
        if self.follower.replaced != self._seen_replaced:
            self._seen_replaced = self.follower.replaced
            self.view = RunView(id=self.run.id)
            self._coach = coach_for(self.run)
        if events:
            events += self._coached(events)
            self.view = fold(self.view, events)
        return events

    def _coached(self, events: list[Event]) -> list[Event]:
        """What our own coach finds, when the log was written without one."""
        for event in events:
            if event["t"] == "start":
                self._needs_coach = event.get("coached") is not True
        found = self._coach.take_all(events) if self._needs_coach else []
        return [{"t": "coach", "at": events[-1].get("at"), **note(finding, self._words)} for finding in found]

    def close(self) -> None:
        """Let go of the log."""
        self.follower.close()


def glance(run: RunDir) -> RunView:
    """The view that the beginning and the end of the log give: for lists and endings, at a fixed cost."""
    return fold(RunView(id=run.id), ends(run.events_path))
