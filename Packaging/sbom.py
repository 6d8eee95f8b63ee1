#!/usr/bin/env python3
"""Prints what a built salad is made of, as CycloneDX 1.5 in JSON: Swift packages linked into it, and the shared libraries it
loads with the Debian packages they came from.

    Packaging/sbom.py .build/release/salad
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    program = parser.parse_args().program.resolve()
    subject = {
        "type": "application", "bom-ref": "salad", "name": "salad", "version": output(program, "--version").split()[0],
        "description": "anomaly detection on X-rays", "licenses": license("Apache-2.0"),
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(program.read_bytes()).hexdigest()}],
    }
    parts = [swift(), *swift_packages(), *debian_packages(program)]
    metadata = {"component": subject}
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        metadata["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch)))
    print(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": metadata, "components": parts,
        "dependencies": [{"ref": "salad", "dependsOn": [part["bom-ref"] for part in parts]}],
    }, indent=1))


def license(identifier: str) -> list[dict]:
    return [{"license": {"id": identifier}}]


def swift() -> dict:
    version = re.search(r"Swift version (\S+)", output("swift", "--version"))
    number = version[1] if version else "unknown"
    return {"type": "platform", "bom-ref": "swift", "name": "swift", "version": number,
            "description": "standard library, Foundation and Dispatch, linked in", "licenses": license("Apache-2.0")}


def swift_packages() -> list[dict]:
    """Those that the package graph names, direct or not."""
    found: dict[str, dict] = {}

    def visit(package: dict) -> None:
        for dependency in package["dependencies"]:
            found[dependency["identity"]] = dependency
            visit(dependency)

    visit(json.loads(output("swift", "package", "show-dependencies", "--format", "json")))
    return [
        {"type": "library", "bom-ref": f"swift:{name}", "name": name, "version": package["version"],
         "purl": f"pkg:swift/{package['url'].removeprefix('https://').removesuffix('.git')}@{package['version']}",
         **({"licenses": license(known)} if (known := swift_license(Path(package["path"]))) else {})}
        for name, package in sorted(found.items())
    ]


def swift_license(folder: Path) -> str | None:
    text = "".join(path.read_text(errors="replace")[:2000] for path in sorted(folder.glob("LICENSE*"))[:1])
    if "Apache License" in text:
        return "Apache-2.0"
    return "MIT" if "Permission is hereby granted, free of charge" in text else None


def debian_packages(program: Path) -> list[dict]:
    libraries: dict[str, list[str]] = {}
    for line in output("ldd", program).splitlines():
        if found := re.match(r"\s*(\S+) => (/\S+)", line):
            libraries.setdefault(package_of(Path(found[2])), []).append(found[1])
    return [debian_package(name, sorted(names)) for name, names in sorted(libraries.items())]


def package_of(path: Path) -> str:
    """The Debian package of a library; of one from elsewhere its own path's name."""
    for candidate in (path, path.resolve(), Path(f"/usr{path}")):
        found = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    return path.name


def debian_package(name: str, libraries: list[str]) -> dict:
    known = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Version} ${Architecture}", name], capture_output=True, text=True)
    part = {"type": "library", "bom-ref": f"deb:{name}", "name": name,
            "properties": [{"name": "salad:soname", "value": library} for library in libraries]}
    if known.returncode == 0:
        version, architecture = known.stdout.split()
        part |= {"version": version, "purl": f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={architecture}"}
    return part


if __name__ == "__main__":
    main()
