"""One of Intercom's OpenAPI descriptions, and what does not fit it."""

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema.exceptions import best_match
from known import KNOWN
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.intercom.io"


@dataclass(frozen=True)
class Finding:
    """That a request or response does not fit, without any of its values."""

    operation: str
    side: str
    at: str
    rule: str

    def __str__(self):
        return f"{self.operation}: {self.side}: {self.at}: {self.rule}"


class Description:
    def __init__(self, path, version):
        self.version = version
        with open(path) as text:
            self.spec = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.api = OpenAPI.from_dict(self.spec, config=Config(spec_validator_cls=None))
        templates = [path for path in self.spec["paths"]]
        # `/contacts/search` is a path of its own, and no contact.
        templates.sort(key=lambda path: path.count("{"))
        self.templates = [(re.compile("^" + re.sub(r"\{[^}]*\}", "[^/]+", path) + "$"), path) for path in templates]

    def operation(self, method, path):
        """The method and the path's template, if it has that operation."""
        for pattern, template in self.templates:
            if pattern.match(path) and method.lower() in self.spec["paths"][template]:
                return f"{method} {re.sub(r'{[^}]*}', '{}', template)}"
        return None

    def request_findings(self, method, target, body):
        operation, request = self._request(method, target, body)
        if operation is None:
            return [Finding(f"{method} {urlsplit(target).path}", "request", "path", "unknown")]
        return self._findings(operation, "request", self.api.iter_request_errors(request))

    def response_findings(self, method, target, status, body):
        """What does not fit in a response. An error must have the form of errors, whether its status is described or not."""
        operation, request = self._request(method, target, b"")
        if operation is None:
            return []
        if status >= 400:
            return self._error_findings(operation, status, body)
        if not self._is_described(operation, method, status):
            return [Finding(operation, "response", "status", str(status))]
        response = MockResponse(data=body, status_code=status, content_type="application/json")
        return self._findings(operation, "response", self.api.iter_response_errors(request, response))

    def _request(self, method, target, body):
        parts = urlsplit(target)
        operation = self.operation(method, parts.path)
        headers = {"Authorization": "Bearer token", "Intercom-Version": self.version}
        request = MockRequest(
            HOST,
            method.lower(),
            parts.path,
            args=dict(parse_qsl(parts.query)),
            headers=headers,
            data=body or None,
            content_type="application/json",
        )
        return operation, request

    def _is_described(self, operation, method, status):
        template = operation.split(" ", 1)[1]
        described = next(
            item for path, item in self.spec["paths"].items() if re.sub(r"{[^}]*}", "{}", path) == template and method.lower() in item
        )
        return str(status) in described[method.lower()]["responses"]

    def _error_findings(self, operation, status, body):
        try:
            error = json.loads(body)
            fits = error["type"] == "error.list" and all(isinstance(item["code"], str) for item in error["errors"])
            fits = fits and len(error["errors"]) > 0
        except (ValueError, KeyError, TypeError):
            fits = False
        return [] if fits else [Finding(operation, "response", "error", str(status))]

    def _findings(self, operation, side, errors):
        found = []
        for error in errors:
            schema_errors = getattr(error.__cause__, "schema_errors", None)
            if not schema_errors:
                name = type(error.__cause__ or error).__name__
                found.append(Finding(operation, side, "whole", name))
                continue
            for schema_error in schema_errors:
                leaf = best_match([schema_error])
                at = re.sub(r"\[\d+\]", "[]", leaf.json_path)
                wanted = leaf.validator_value if leaf.validator in ("type", "required", "format") else ""
                found.append(Finding(operation, side, at, f"{leaf.validator} {wanted}".strip()))
        return found


class Report:
    """What was found, apart from what is known to be a fault of the description."""

    def __init__(self, version):
        self.version = version
        self.known = {}
        self.unexplained = {}

    def add(self, finding):
        for known in KNOWN:
            if known.explains(finding, self.version):
                self.known[known] = self.known.get(known, 0) + 1
                return
        self.unexplained[finding] = self.unexplained.get(finding, 0) + 1

    def print(self):
        for known, count in self.known.items():
            print(f"  known, {count} times: {known}")
        for finding, count in sorted(self.unexplained.items(), key=str):
            print(f"  UNEXPLAINED, {count} times: {finding}")
