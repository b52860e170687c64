"""The program's own calls, and the sandbox's responses to them, against Intercom's descriptions."""

import http.client
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from description import Description, Report
from sandbox import PROGRAM, TOKEN, sandbox


class Proxy:
    """A proxy before the sandbox that validates what passes through it."""

    def __init__(self, description, upstream):
        self.report = Report(description.version)
        self.requests = 0
        lock = threading.Lock()
        proxy, address = self, urlsplit(upstream).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "intercom-version")}
                headers["Intercom-Version"] = description.version
                connection = http.client.HTTPConnection(address)
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                answer = response.read()
                with lock:
                    proxy.requests += 1
                    found = description.request_findings(self.command, self.path, body)
                    found += description.response_findings(self.command, self.path, response.status, answer)
                    for finding in found:
                        proxy.report.add(finding)
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                connection.close()

            do_GET = do_POST = do_PUT = do_DELETE = forward

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def run(proxy, *arguments):
    """Runs the program; that some events are rejected is fine, anything worse is not."""
    # Where it may leave files: `erase` writes receipts.
    with tempfile.TemporaryDirectory() as folder:
        token = pathlib.Path(folder) / "token"
        token.write_text(TOKEN)
        command = [PROGRAM, *arguments, "--token-file", str(token), "--intercom-base-url", proxy.url]
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr[-2000:]}")


def fixtures(folder):
    """The events of all fixtures, one a line."""
    for path in sorted(folder.glob("*/*.json")):
        if path.name.endswith(".destination.json"):
            continue
        try:
            event = json.loads(path.read_text())
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def workload(count, seed=7):
    """Events of some people, as different as a generator makes them."""
    draw = random.Random(seed)
    value = lambda: draw.choice([draw.randrange(10**6), draw.random() * 100, "text", True, None, "2024-05-01T10:00:00Z"])
    for number in range(count):
        person = draw.randrange(count // 4)
        known = {"userId": f"u-{person}", "context": {"traits": {"email": f"person{person}@example.com"}}}
        at = f"2024-05-01T10:{number // 60 % 60:02}:{number % 60:02}Z"
        kind = draw.choice(["identify", "identify", "track", "group", "record"])
        if kind == "identify":
            more = {f"trait {draw.randrange(20)}": value() for _ in range(draw.randrange(4))}
            optional = {"name": f"Person {person}", "phone": "+353123456", "ownerId": 1, "createdAt": at, "unsubscribedFromEmails": False}
            standard = dict(draw.sample(sorted(optional.items()), 2))
            yield {**known, "type": kind, "timestamp": at, "traits": {"email": f"person{person}@example.com", **standard, **more}}
        elif kind == "track":
            properties = {f"property {draw.randrange(20)}": value() for _ in range(draw.randrange(5))}
            properties["price"] = {"amount": draw.randrange(9999), "currency": "eur"}
            yield {**known, "type": kind, "event": f"Event {draw.randrange(20)}", "timestamp": at, "properties": properties}
        elif kind == "group":
            traits = {"name": f"Company {person % 9}", "plan": "pro", "size": person, "monthlySpend": 12.5, "tags": ["a", "b"], "level": value()}
            yield {**known, "type": kind, "groupId": f"co-{person % 9}", "timestamp": at, "traits": traits}
        else:
            identifiers = {"external_id": f"u-{person}"}
            yield {"type": kind, "action": draw.choice(["insert", "update", "delete"]), "identifiers": identifiers, "fields": {"name": "Named"}}


def send(proxy, folder, name, events, *flags):
    file = pathlib.Path(folder) / f"{name}.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    run(proxy, "send", str(file), "--on-unknown-contact", "create", "--abort-above", "100", *flags)
    return file


def play(description, root, captures):
    with sandbox() as url, tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(description, url)
        try:
            run(proxy, "send", str(root / "fixtures/quickstart.ndjson"))
            for file in sorted(captures.glob("*.ndjson")):
                run(proxy, "send", str(file))
            send(proxy, folder, "fixtures", fixtures(root / "fixtures"), "--send-anonymous-id")
            file = send(proxy, folder, "workload", workload(300))
            run(proxy, "attributes", str(file))
            run(proxy, "erase", "--user-id", "u-1", "--yes")
        finally:
            proxy.close()
    print(f"traffic, {description.version}: {proxy.requests} requests, {len(proxy.report.unexplained)} unexplained")
    proxy.report.print()
    return not proxy.report.unexplained and proxy.requests > 0


def main():
    root, shared = map(pathlib.Path, sys.argv[1:3])
    descriptions = [
        Description(shared / "intercom-examples/openapi-2.10.yaml", "2.10"),
        Description(shared / "intercom-examples-2.16/openapi-2.16.yaml", "2.16"),
    ]
    done = [play(description, root, shared / "sdk-captures") for description in descriptions]
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
