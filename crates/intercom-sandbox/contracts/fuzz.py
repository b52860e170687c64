"""Requests that schemathesis makes up from Intercom's descriptions, against the sandbox."""

import json
import pathlib
import sys
import urllib.error
import urllib.request

import requests
import schemathesis
from description import Description, Report
from hypothesis import HealthCheck, Phase, given, seed, settings
from sandbox import TOKEN, sandbox
from schemathesis import GenerationMode

# The families that the sandbox has.
TAGS = {
    "Admins",
    "Companies",
    "Contacts",
    "Data Attributes",
    "Data Events",
    "Notes",
    "Segments",
    "Subscription Types",
    "Tags",
}
EXAMPLES = {GenerationMode.POSITIVE: 10, GenerationMode.NEGATIVE: 5}


class Client:
    """Sends what was made up, and looks at what comes back."""

    def __init__(self, description, url):
        self.description = description
        self.url = url
        self.report = Report(description.version)
        self.cases = 0
        self.succeeded = 0
        self.missing = set()
        self.failures = set()
        self.known = self.start()

    def ask(self, method, target, body=None, content_type="application/json"):
        headers = {"Authorization": f"Bearer {TOKEN}", "Intercom-Version": self.description.version}
        if body is not None:
            headers["Content-Type"] = content_type
        request = urllib.request.Request(self.url + target, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def start(self):
        """Something of everything, so that not every id that is asked for is unknown."""
        make = lambda target, body: json.loads(self.ask("POST", target, json.dumps(body).encode())[1])["id"]
        contact = make("/contacts", {"external_id": "70", "email": "joe@example.com"})
        company = make("/companies", {"company_id": "6", "name": "Blue Sun"})
        make(f"/contacts/{contact}/companies", {"id": company})
        tag = make("/tags", {"name": "vip", "users": [{"id": contact}]})
        note = make(f"/contacts/{contact}/notes", {"body": "<p>A note</p>"})
        attribute = make("/data_attributes", {"name": "level", "model": "contact", "data_type": "string"})
        return {"contacts": contact, "companies": company, "tags": tag, "notes": note, "data_attributes": str(attribute), "admins": "1"}

    def with_known_ids(self, path):
        """The path with ids that there are: each stands behind the name of its family."""
        segments = path.split("/")
        for at in range(2, len(segments)):
            segments[at] = self.known.get(segments[at - 1], segments[at]) if at % 2 == 0 else segments[at]
        return "/".join(segments)

    def try_case(self, operation, case):
        self.cases += 1
        arguments = case.as_transport_kwargs(base_url=self.url)
        prepared = requests.Request(**{key: arguments.get(key) for key in ("method", "url", "params", "json", "data")}).prepare()
        target = prepared.path_url
        # Every other one is about something that is there.
        if self.cases % 2 == 0 and "{" in operation.path:
            path, _, query = target.partition("?")
            target = self.with_known_ids(path) + (f"?{query}" if query else "")
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        status, answer = self.ask(operation.method.upper(), target, body)
        name = f"{operation.method.upper()} {operation.path}"
        if status == 501:
            self.missing.add(name)
        elif status >= 500:
            self.failures.add(f"{name}: {status}")
        else:
            self.succeeded += status < 400
            for finding in self.description.response_findings(operation.method.upper(), target, status, answer):
                self.report.add(finding)


def exercise(client, operation):
    for mode, examples in EXAMPLES.items():
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except Exception as error:  # The description may make nothing possible.
            print(f"  nothing can be made up for {operation.label}: {type(error).__name__}")
            continue

        @seed(1)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def attempt(case):
            client.try_case(operation, case)

        try:
            attempt()
        except Exception as error:
            # What cannot be made wrong needs no test that it is.
            if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
                raise


def play(description):
    schema = schemathesis.openapi.from_dict(description.spec)
    with sandbox() as url:
        client = Client(description, url)
        tried = 0
        for result in schema.get_all_operations():
            operation = result.ok()
            if not TAGS.intersection(operation.tags or []):
                continue
            tried += 1
            exercise(client, operation)
        done = tried - len(client.missing)
        print(
            f"schemathesis, {description.version}: {client.cases} cases of {done} operations, {client.succeeded} succeeded, "
            f"{len(client.failures)} failures, {len(client.report.unexplained)} unexplained"
        )
        client.report.print()
        for failure in sorted(client.failures):
            print(f"  FAILED: {failure}")
        print(f"  not implemented, and said so: {', '.join(sorted(client.missing))}")
        return not client.failures and not client.report.unexplained and client.succeeded > done


def main():
    shared = pathlib.Path(sys.argv[1])
    descriptions = [
        Description(shared / "intercom-examples/openapi-2.10.yaml", "2.10"),
        Description(shared / "intercom-examples-2.16/openapi-2.16.yaml", "2.16"),
    ]
    done = [play(description) for description in descriptions]
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
