"""Runs commands and prints, as JSON, what they and all their descendants took.

stdin: {"jobs": [{"argv": [...], "stdin": path?, "stdout": path?}], "parallel": n,
        "before": argv?, "ready": path?, "png": path?, "memory": bool?, "limitS": seconds}
`before` runs beside the jobs, which wait for `ready`. With `png` the time stops when that picture is complete.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
spec = json.load(sys.stdin)
# ssh does not wait for its ProxyCommand: what outlives its parent comes to us, so that its CPU counts too.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
end = time.monotonic() + spec["limitS"]
# What they complain of is shown if one fails.
complaints = tempfile.TemporaryFile()


def start(argv, stdin=None, stdout=None):
    source = open(stdin, "rb") if stdin else subprocess.DEVNULL
    sink = open(stdout, "wb") if stdout else subprocess.DEVNULL
    return subprocess.Popen(argv, stdin=source, stdout=sink, stderr=complaints, start_new_session=True)


def check_time():
    if time.monotonic() > end:
        raise TimeoutError("took too long")


def is_complete(path):
    try:
        with open(path, "rb") as file:
            file.seek(-12, os.SEEK_END)
            return b"IEND" in file.read()
    except OSError:
        return False


def descendants():
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    found, level = [], [os.getpid()]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


def resident_kb():
    """Memory of all descendants, shared pages split among those that share them."""
    total = 0
    for pid in descendants():
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
        except OSError:
            pass
    return total


peak_kb = 0
done = threading.Event()


def watch_memory():
    global peak_kb
    while not done.wait(0.02):
        peak_kb = max(peak_kb, resident_kb())


if spec.get("memory"):
    threading.Thread(target=watch_memory, daemon=True).start()

began = time.monotonic()
failed = 0
running = []
before = start(spec["before"]) if spec.get("before") else None
try:
    while spec.get("ready") and not os.path.exists(spec["ready"]):
        check_time()
        if before.poll() is not None:
            raise RuntimeError("what the jobs need has ended")
        time.sleep(0.002)
    waiting = list(reversed(spec["jobs"]))
    while waiting or running:
        check_time()
        while waiting and len(running) < spec["parallel"]:
            running.append(start(**waiting.pop()))
        for job in [job for job in running if job.poll() is not None]:
            running.remove(job)
            failed += job.returncode != 0
        if spec.get("png") and is_complete(spec["png"]):
            break
        time.sleep(0.001)
    wall = time.monotonic() - began
finally:
    for process in [*running, *([before] if before else [])]:
        if process.poll() is None:
            process.terminate()
# Whoever is still on its way out is waited for: only then does the system add up what it took.
while True:
    try:
        pid, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        break
    if pid == 0:
        if time.monotonic() > min(end, began + wall + 5):
            for leftover in descendants():
                os.kill(leftover, signal.SIGKILL)
        time.sleep(0.002)
done.set()
if failed:
    complaints.seek(0)
    sys.stderr.write(complaints.read().decode(errors="replace")[-2000:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "wallMs": wall * 1000,
    "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
    "failed": failed,
    "peakMb": peak_kb / 1024,
}))
