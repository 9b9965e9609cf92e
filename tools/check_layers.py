#!/usr/bin/env python3
"""Fails if a file of src/ includes a folder that the table in docs/ARCHITECTURE.md doesn't allow."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def allowed_includes():
    """{folder: folders it may include}, from the rows `| name | a, b |` under the heading "Include table"."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    section = text.split("## Include table", 1)[1].split("\n## ", 1)[0]
    table = {}
    for names, may in re.findall(r"^\| ([a-z_, ]+?) \| ([a-z_, -]+?) \|$", section, re.M):
        targets = set() if may.strip() == "-" else {item.strip() for item in may.split(",")}
        for name in names.split(","):
            table[name.strip()] = targets
    table.pop("folder", None)
    return table


def main():
    table = allowed_includes()
    wrong = []
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in table:
            wrong.append(f"{path.relative_to(ROOT)}: folder '{folder}' is not in the include table of docs/ARCHITECTURE.md")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([a-z_]+)/', line)
            if found and found[1] in table and found[1] not in table[folder] | {folder}:
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {folder} may not include {found[1]}")
    print("\n".join(wrong) if wrong else f"check_layers: {len(table)} folders, all includes point down")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
