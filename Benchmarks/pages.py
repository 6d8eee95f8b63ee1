"""Where a page's tables go."""

from pathlib import Path

END = "<!-- to here -->"


def write(page: Path, text: str, begin: str) -> None:
    """Puts the text between two marks of the page: `begin` and the first END behind it."""
    old = page.read_text()
    head, _, rest = old.partition(begin)
    if old.count(begin) != 1 or END not in rest:
        raise SystemExit(f"{page} must hold the line {begin} once, and {END} behind it")
    tail = rest.partition(END)[2]
    page.write_text(f"{head}{begin}\n\n{text}\n\n{END}{tail}")
