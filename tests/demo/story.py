"""How the demo speaks: numbered chapters, aligned facts, and checks that decide its exit status."""

import sys
import time

_GREEN, _RED, _BOLD, _DIM, _PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[2m", "\033[0m"


class Story:
    """Prints the story and counts what did not hold."""

    def __init__(self) -> None:
        self.failures = 0
        self._chapters = 0
        self._started = time.monotonic()
        self._colour = sys.stdout.isatty()

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapters += 1
        print(f"\n{self._paint(_BOLD, f'{self._chapters:>2}. {title}')}", flush=True)

    def say(self, text: str) -> None:
        """Tell a fact."""
        for line in text.splitlines():
            print(f"      {line}", flush=True)

    def check(self, claim: str, holds: bool, otherwise: object = "") -> None:
        """State a claim, and whether it holds."""
        mark = self._paint(_GREEN, "ok") if holds else self._paint(_RED, "NO")
        print(f"    {mark}  {claim}", flush=True)
        if not holds:
            self.failures += 1
            self.say(f"instead: {otherwise}")

    def end(self) -> int:
        """Close the story; give the exit status."""
        seconds = time.monotonic() - self._started
        held = f"All of it held, in {seconds:.1f} s."
        failed = f"{self.failures} claims did not hold, in {seconds:.1f} s."
        colour, words = (_RED, failed) if self.failures else (_GREEN, held)
        print(f"\n{self._paint(colour, words)}", flush=True)
        return 1 if self.failures else 0

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text
