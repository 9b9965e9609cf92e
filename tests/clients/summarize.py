#!/usr/bin/env python3
"""Joins the results of all judges: summarize.py RESULTS_FOLDER SUMMARY.json [CLIENTS.md]

Prints a line a client and fails if a method failed, or if there is none.
"""
import json
import pathlib
import sys

HEAD = """# Official clients

What the official clients, unchanged, get from the server: `make clients` installs them, pinned, starts
`llama stack run` on the default model and drives their methods whose routes this release serves, whole and streaming,
with errors. Answers are checked for their content and, in Python, strictly against the clients' own types, but for the
few places where those differ from OpenAI's API (`tests/clients/pypi/openai_routes.py` names them). Every other method of
the npm llama-stack-clients, and a sample of the others', must be refused with 501. This page is written by
`make clients UPDATE_DOCS=1`.

| client | version | checks | passed | refused with 501 |
|---|---|---|---|---|
"""


def of_client(results):
    clients = {}
    for result in results:
        clients.setdefault((result["client"], result["version"]), []).append(result)
    return clients


def base(method):
    return method.split(" ")[0]


def row(client, version, results):
    served = [r for r in results if r["kind"] == "served"]
    refused = [r for r in results if r["kind"] == "refused" and r["pass"]]
    passed = sum(r["pass"] for r in served)
    return f"| {client} | {version} | {len(served)} | {passed} | {len(refused)} |\n"


def methods(client, version, results):
    lines = [f"\n## {client} {version}\n\n"]
    by_method = {}
    for result in results:
        by_method.setdefault((result["kind"], base(result["method"])), []).append(result)
    for kind, words in (("served", ""), ("refused", "Refused with 501: ")):
        names = []
        for (its_kind, method), checks in by_method.items():
            if its_kind != kind:
                continue
            remarks = [c["method"].split(" ", 1)[1].strip("()") for c in checks if " " in c["method"]]
            names.append(f"`{method}`" + (f" ({'; '.join(remarks)})" if remarks else ""))
        if names:
            lines.append(words + ", ".join(names) + ".\n\n")
    failed = [r for r in results if not r["pass"]]
    lines += [f"- **Fails**: `{r['method']}`: {r['reason']}\n" for r in failed]
    return "".join(lines).rstrip("\n") + "\n"


def main():
    folder, summary = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    results = [r for path in sorted(folder.glob("*.json")) for r in json.loads(path.read_text())]
    clients = of_client(results)
    failed = sum(not r["pass"] for r in results)
    summary.write_text(json.dumps({
        "checks": len(results), "failed": failed,
        "clients": [{"client": c, "version": v, "checks": len(rs), "failed": sum(not r["pass"] for r in rs)}
                    for (c, v), rs in clients.items()],
        "results": results}, indent=1) + "\n")
    for (client, version), its in clients.items():
        print(f"{client} {version}: {sum(r['pass'] for r in its)} of {len(its)} checks passed")
    if len(sys.argv) > 3:
        page = HEAD + "".join(row(c, v, rs) for (c, v), rs in clients.items())
        page += "".join(methods(c, v, rs) for (c, v), rs in clients.items())
        pathlib.Path(sys.argv[3]).write_text(page)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
