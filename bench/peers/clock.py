"""How a peer's work is timed: the twin of bench/report/clock.go."""
import time


class Job:
    """Work that is ready to run. run() does it once and returns what sync() waits for; count is how much of the unit
    that is; report() gives further figures, measured by itself: nfe, err."""

    def __init__(self, run, count=1.0, unit="ms", sync=None, report=None):
        self.run, self.count, self.unit, self.report = run, count, unit, report
        self.sync = sync or (lambda r: r)
        self.runs = 0

    def measure(self, seconds):
        """Runs for about so many seconds; returns the value in the unit's terms, and the number of runs.

        The first call warms up (threads, compilers, caches) and finds the number of runs, which is then kept."""
        if not self.runs:
            for _ in range(2):
                self.sync(self.run())
            best = float("inf")
            for n in (1, 4):
                start = time.perf_counter()
                for _ in range(n):
                    last = self.run()
                self.sync(last)
                best = min(best, (time.perf_counter() - start) / n)
                if best > seconds / 8:
                    break
            self.runs = max(1, round(seconds / best))
        if self.runs > 4:  # the other side ran in between: fetch code and data again
            for _ in range(1 + self.runs // 50):
                last = self.run()
            self.sync(last)
        start = time.perf_counter()
        for _ in range(self.runs):
            last = self.run()
        self.sync(last)
        one = (time.perf_counter() - start) / self.runs
        if self.unit == "ms":
            return one * 1e3, "ms", self.runs
        return self.count / one, self.unit + "/s", self.runs
