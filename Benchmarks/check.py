"""Says whether the numbers in docs/performance.json reach what thresholds.json wants; ends with 1 when one does not.

Measures nothing: `make bench` does.
"""

import argparse
import json
from pathlib import Path

import table
from measuring import cores
from paths import HERE, WANTED, paths

FILE = HERE.parent / "docs" / "performance.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help="performance.json")
    file = parser.parse_args().file
    try:
        measured = json.loads(file.read_text())["paths"]
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"check: {file} has no numbers of make bench: {error!r}") from None
    # Only their rows matter: no command runs.
    all_paths = paths("salad", cores(), Path())
    if unknown := WANTED.keys() - {row.title for path in all_paths for row in path.rows}:
        raise SystemExit(f"check: thresholds.json names what no path has: {'; '.join(sorted(unknown))}")
    for title, wanted in WANTED.items():
        row = next(row for path in all_paths for row in path.rows if row.title == title)
        if not wanted or wanted.keys() - {"ratio", "salad"} or ("ratio" in wanted and row.theirs is None):
            raise SystemExit(f"check: thresholds.json must give {title} a ratio, where it has a peer, or a number of salad's")
    found = {line.row.title: line for line in table.lines(all_paths, measured)}
    failed = [title for title in WANTED if not check(title, found.get(title))]
    if failed:
        raise SystemExit(f"check: {len(failed)} of {len(WANTED)} not reached: {'; '.join(failed)}")
    print(f"check: all {len(WANTED)} reached")


def check(title: str, line: table.Line | None) -> bool:
    """Prints what was found beside what is wanted. What was not measured is not reached."""
    if line is None:
        print(f"missed  {title}: not measured")
        return False
    reached = True
    for kind, wanted in WANTED[title].items():
        if kind == "ratio":
            value, at_least = line.ratio.median, True
        else:
            value, at_least = line.ours.median, line.row.more_is_better
        is_enough = value >= wanted if at_least else value <= wanted
        sign = ">=" if at_least else "<="
        name = "times better" if kind == "ratio" else f"salad, {line.row.unit}" if line.row.unit else "salad"
        print(f"{'reached' if is_enough else 'missed '} {title}: {table.number(value)}, wanted {sign} {wanted:g} ({name})")
        reached = reached and is_enough
    return reached


if __name__ == "__main__":
    main()
