"""The output of the run: one line per check, the count at the end, and logs when something failed."""

import contextlib
import time


def note(text):
    print(f"# {text}", flush=True)


class Report:
    def __init__(self, required):
        self.required = required
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.began = time.monotonic()

    def passed(self, name):
        self.counts["passed"] += 1
        print(f"ok - {name}", flush=True)

    def failed(self, name):
        self.counts["failed"] += 1
        print(f"not ok - {name}", flush=True)

    def expect(self, condition, name, detail=""):
        if condition:
            return self.passed(name)
        self.failed(name)
        if detail:
            note(f"  {detail}")

    @contextlib.contextmanager
    def check(self, name):
        """Passes when the block does; an exception fails the check and ends the scenario."""
        try:
            yield
        except BaseException:
            self.failed(name)
            raise
        self.passed(name)

    def skip_all(self, peer, problem, count):
        if self.required:
            self.failed(f"{peer}: {problem} (WHARF_REQUIRE_INTEROP=1 forbids skipping)")
            return
        self.counts["skipped"] += count
        print(f"SKIPPED {peer}: {problem}: {count} checks DID NOT RUN", flush=True)

    def cut_off(self, peer, count):
        if count:
            self.counts["skipped"] += count
            print(f"SKIPPED {peer}: {count} checks after the failure DID NOT RUN", flush=True)

    def show_logs(self, directory, lines=30):
        for log in sorted(directory.rglob("*.log")):
            note(f"--- the end of {log.relative_to(directory.parent)}")
            log = log.read_text(errors="replace").splitlines()
            interesting = [line for line in log if " request method=" not in line]
            for line in interesting[-lines:]:
                note(f"    {line[:400]}")

    def finish(self):
        note(f"{time.monotonic() - self.began:.0f} s")
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**self.counts), flush=True)
        return 1 if self.counts["failed"] else 0
