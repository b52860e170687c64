"""A sandbox, as the program serves it."""

import contextlib
import json
import os
import subprocess
import tempfile
import urllib.request

TOKEN = "dG9rOmZha2U="
PROGRAM = os.environ["RUDDER_INTERCOM"]


@contextlib.contextmanager
def sandbox(*flags):
    """The URL of a new sandbox that accepts TOKEN only."""
    with tempfile.NamedTemporaryFile("w", suffix=".token") as token:
        token.write(TOKEN)
        token.flush()
        command = [PROGRAM, "sandbox", "--listen", "127.0.0.1:0", "--token-file", token.name, *flags]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            url = child.stdout.readline().strip()
            if not url.startswith("http"):
                raise RuntimeError(f"{PROGRAM} has not begun to serve")
            yield url
        finally:
            child.terminate()
            child.wait()
            child.stdout.close()


def calls(url):
    """How many calls the sandbox has answered."""
    with urllib.request.urlopen(f"{url}/_sandbox/state") as state:
        counts = json.load(state)["calls"]
    return sum(count for statuses in counts.values() for count in statuses.values())
