"""Runs unittest modules of other projects on the simulated GPU, each test in a process of its own with a limit of its own.

What is preloaded is imported once; each test's process is forked from that, before anything has called the driver (a child that
is forked later is refused, as CUDA refuses it). Outcomes go to a CSV file, test by test; a run that is stopped goes on from it.
Exit code 1: a test failed, or came to its limit.
"""
import argparse
import csv
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import unittest

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("modules", nargs="+", help="modules, or tests by their dotted names")
parser.add_argument("--out", required=True, help="CSV: module, test, outcome, seconds (of processor time), reason")
parser.add_argument("--limit", type=float, default=300, help="seconds that a test may take (default 300)")
parser.add_argument("--path", help="folder that the modules are in")
parser.add_argument("--preload", default="", help="modules to import before the first fork, with commas; none may call the driver")
options = parser.parse_args()


def tests_of(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from tests_of(t)
        else:
            yield t.id()


def child(work, limit):
    """Returns what work returns in a forked process, or a dict with "died"; and the process's last words."""
    with tempfile.TemporaryFile("w+", errors="replace") as words, tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(words.fileno(), 1)
            os.dup2(words.fileno(), 2)
            json.dump(work(), answer)
            answer.flush()
            sys.stdout.flush()
            os._exit(0)
        end = time.monotonic() + limit
        while True:
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.killpg(pid, signal.SIGKILL)
                _, _, usage = os.wait4(pid, 0)
                return {"outcome": "limit", "seconds": usage.ru_utime + usage.ru_stime, "reason": f"longer than {limit:g} s"}, ""
            time.sleep(0.01)
        seconds = usage.ru_utime + usage.ru_stime
        words.seek(0)
        answer.seek(0)
        text, said = answer.read(), words.read()
        if text:
            found = json.loads(text)
            return {**found, "seconds": seconds} if isinstance(found, dict) else found, said
        ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        return {"outcome": "died", "seconds": seconds, "reason": f"{ended}: {' '.join(said.split()[-40:])}"}, said


def listed(module):
    def work():
        loader = unittest.TestLoader()
        names = list(tests_of(loader.loadTestsFromName(module)))
        return {"outcome": "failed", "reason": f"not loaded: {loader.errors[0][-400:]}"} if loader.errors else names

    return child(work, 600)


def one(name):
    def work():
        suite = unittest.defaultTestLoader.loadTestsFromName(name)
        result = unittest.TestResult()
        suite.run(result)
        bad = result.failures + result.errors
        if bad:
            lines = [s.strip() for s in bad[0][1].strip().splitlines() if s.strip()]
            print(bad[0][1])
            last = max((i for i, s in enumerate(lines) if s.startswith("File ")), default=-1)
            return {"outcome": "failed", "reason": " ".join(lines[last + 1:])[:400]}
        if result.unexpectedSuccesses:
            return {"outcome": "failed", "reason": "expected to fail, and passed"}
        if result.skipped:
            return {"outcome": "skipped", "reason": result.skipped[0][1]}
        if result.expectedFailures:
            return {"outcome": "passed", "reason": "fails, as it is expected to"}
        return {"outcome": "passed" if result.testsRun else "died", "reason": ""}

    return child(work, options.limit)


if options.path:
    sys.path.insert(0, options.path)
os.environ.setdefault("OMP_NUM_THREADS", "1")
for m in filter(None, options.preload.split(",")):
    importlib.import_module(m)
known, counts = {}, {}
if os.path.exists(options.out):
    with open(options.out, newline="") as f:
        known = {r["test"]: r for r in csv.DictReader(f)}
new = not known
with open(options.out, "a", newline="") as f:
    table = csv.DictWriter(f, ["module", "test", "outcome", "seconds", "reason"], lineterminator="\n")
    if new:
        table.writeheader()
    for module in options.modules:
        names, said = listed(module)
        if isinstance(names, dict):
            names, found = [module], names
        else:
            found = None
        for name in names:
            row = known.get(name)
            if not row:
                answer, said = (found, said) if found else one(name)
                row = {"module": module, "test": name, "outcome": answer["outcome"], "seconds": f"{answer['seconds']:.2f}",
                       "reason": " ".join(answer["reason"].split())}
                table.writerow(row)
                f.flush()
                if row["outcome"] in ("failed", "died", "limit"):
                    print(f"{name}: {row['outcome']}: {row['reason']}\n{said[-3000:]}", file=sys.stderr)
            c = counts.setdefault(module, {})
            c[row["outcome"]] = c.get(row["outcome"], 0) + 1
        total = ", ".join(f"{n} {k}" for k, n in sorted(counts.get(module, {}).items()))
        print(f"{module}: {total or 'no tests'}", flush=True)
sys.exit(any(c.get(k) for c in counts.values() for k in ("failed", "died", "limit")) or not counts)
