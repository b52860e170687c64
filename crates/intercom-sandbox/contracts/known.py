"""Where Intercom's descriptions are known to be wrong, each with the reason."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    reason: str
    operation: str
    side: str
    at: str
    rule: str
    versions: tuple = ("2.10", "2.16")

    def explains(self, finding, version):
        return (
            version in self.versions
            and finding.side == self.side
            and re.fullmatch(self.operation, finding.operation) is not None
            and re.fullmatch(self.at, finding.at) is not None
            and re.fullmatch(self.rule, finding.rule) is not None
        )

    def __str__(self):
        return f"{self.reason}: {self.side} of {self.operation} at {self.at}"


ATTRIBUTES = r"\$(\.data\[\])?\.custom_attributes[.\[].*"

KNOWN = [
    Known(
        "attributes of companies are numbers and booleans too, as the description's own example has them",
        r"(POST|PUT|GET) /companies.*|POST /companies/list|.* /contacts/\{\}/companies.*",
        "request",
        ATTRIBUTES,
        "type string",
    ),
    Known(
        "attributes of companies are numbers and booleans too, as the description's own example has them",
        r".* /companies.*|.* /contacts/\{\}/companies.*",
        "response",
        ATTRIBUTES,
        "type string",
    ),
    Known(
        "metadata are numbers, links and amounts too, as the text beside the schema says",
        "POST /events",
        "request",
        r"\$\.metadata[.\[].*",
        "type string",
    ),
    Known(
        "fractions of the monthly spend are cut off, as the text beside the schema says",
        r"(POST|PUT) /companies.*",
        "request",
        r"\$\.monthly_spend",
        "type integer",
    ),
    Known(
        "a tag with companies is one that is created, too: the alternatives do not exclude each other",
        "POST /tags",
        "request",
        r"\$",
        "oneOf",
    ),
    Known(
        "a contact without an email has null there, as a lead may",
        r".* /(contacts|companies/\{\}/contacts).*",
        "response",
        r"\$(\.data\[\])?\.email",
        "type string",
    ),
    Known(
        "looked for by id or name, one company is found, as the description's own example shows",
        "GET /companies",
        "response",
        r"\$\.type",
        "enum",
    ),
    Known(
        "an attribute of type float is searched by a number with a fraction",
        "POST /contacts/search",
        "request",
        r"\$\.query(\.value\[\])?\.operator",
        "enum",
    ),
    Known(
        "attributes of type datetime can be created, and the responses' schema does not have that type",
        r"(GET|POST|PUT) /data_attributes.*",
        "response",
        r"\$(\.data\[\])?\.data_type",
        "enum",
    ),
    Known(
        "erasure is described on a page of its own",
        "POST /user_delete_requests",
        "request",
        "path",
        "unknown",
    ),
    Known(
        "the program asks for version 2.10, whose owners are numbers",
        r"(POST|PUT) /contacts.*",
        "request",
        r"\$\.owner_id",
        "type string",
        versions=("2.16",),
    ),
]
