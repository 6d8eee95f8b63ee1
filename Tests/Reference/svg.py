"""The frame of a drawing, and its words."""

from pathlib import Path


def write(path: Path, width: int, height: int, lines: list[str]) -> None:
    """`lines`: the elements, drawn on white."""
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    path.write_text("\n".join(frame + lines) + "\n</svg>\n")


def text(x: float, y: float, words: str, anchor: str = "start", color: str = "#000", weight: str = "normal", size: int = 12) -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="{color}" font-weight="{weight}" font-size="{size}">{escaped}</text>'
    )
