"""Judges the client's types and the emulator by schemathesis and jsonschema-rs.

    schemas.py types DOCUMENT PROGRAM EXAMPLES SEED      responses through the types of the client
    schemas.py requests DOCUMENT URL EXAMPLES SEED       requests to the emulator

The first has schemathesis generate responses from every response schema, and `PROGRAM round` read and write them: no field
that the schema knows may be lost. The second sends generated requests, right and wrong ones, to a server that accepts
every token; its verdict must be that of jsonschema-rs, or have a reason in reasons.txt.

What is right is told here again, from the document alone, so that the code shares nothing with what it judges.
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random

import hypothesis
import jsonschema_rs
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

REASONS = Path(__file__).with_name("reasons.txt")
METHODS = ("get", "put", "post", "delete", "patch")
SHOWN = 20


def operations(document):
    """Path, method and operation of all."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def json_schema(content):
    return content["content"]["application/json"]["schema"]


# Values that mean the same.


class Difference(Exception):
    """Where two values differ."""


def resolve(document, schema):
    """The schema behind references, and behind `oneOf: [X, null]`."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        elif "oneOf" in schema:
            (schema,) = [one for one in schema["oneOf"] if one.get("type") != "null"]
        else:
            return schema


def kind(schema):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else [one for one in types if one != "null"]
    return types[0] if len(types) == 1 else None


# An instant as seconds and nanoseconds.
def instant(text):
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", text)
    date, time, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    # Python's years end where a difference to UTC can lead beyond.
    sign = -1 if zone[0] == "-" else 1
    offset = sign * (int(zone[1:3]) * 60 + int(zone[4:6]))
    naive = datetime.fromisoformat(f"{date}T{time}")
    seconds = (naive - datetime(1970, 1, 1)) // timedelta(seconds=1) - 60 * offset
    return seconds, ((fraction or "") + "000000000")[:9]


def duration(text):
    sign, seconds, fraction = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?s", text).groups()
    nanoseconds = int(seconds) * 10**9 + int((fraction or "").ljust(9, "0"))
    return -nanoseconds if sign else nanoseconds


def zero(value):
    """Whether the value may be absent, as protobuf's zero values may."""
    return value is None or value is False or value in (0, "", [], {})


def same(document, schema, sent, got, place):
    """Raises a Difference unless all that `sent` has of the schema is in `got`."""
    schema = resolve(document, schema)
    if sent is None or got is None:
        # Whether an empty message or an unset one was written.
        if not (zero(sent) and zero(got)):
            raise Difference(f"{place}: {json.dumps(sent)} became {json.dumps(got)}")
        return
    ty, pattern = kind(schema), schema.get("pattern", "")
    equal = None
    if ty == "object" and isinstance(sent, dict) and isinstance(got, dict):
        properties = schema.get("properties", {})
        for name, value in sent.items():
            if name in properties:
                if name not in got and not absent(document, properties[name], value):
                    raise Difference(f"{place}.{name}: {json.dumps(value)} was lost")
                if name in got:
                    same(document, properties[name], value, got[name], f"{place}.{name}")
            elif "additionalProperties" in schema and schema["additionalProperties"] is not False:
                more = schema["additionalProperties"]
                if name not in got:
                    raise Difference(f"{place}[{name!r}] was lost")
                same(document, {} if more is True else more, value, got[name], f"{place}[{name!r}]")
        return
    if ty == "array" and isinstance(sent, list) and isinstance(got, list):
        if len(sent) != len(got):
            raise Difference(f"{place}: {len(sent)} elements became {len(got)}")
        for at, (one, other) in enumerate(zip(sent, got)):
            same(document, schema.get("items", {}), one, other, f"{place}[{at}]")
        return
    if isinstance(sent, str) and isinstance(got, str):
        if schema.get("format") == "date-time":
            equal = instant(sent) == instant(got)
        elif pattern.endswith("s$"):
            equal = duration(sent) == duration(got)
        elif "9223372036854775807" in pattern or "18446744073709551615" in pattern:
            equal = int(sent) == int(got)
        elif "A-Za-z0-9+/" in pattern:
            equal = base64.b64decode(sent) == base64.b64decode(got)
    if equal is None:
        equal = sent == got and isinstance(sent, bool) == isinstance(got, bool)
    if not equal:
        raise Difference(f"{place}: {json.dumps(sent)} became {json.dumps(got)}")


def absent(document, schema, value):
    """Whether the value need not be written: null, or an empty list or map."""
    schema = resolve(document, schema)
    return value is None or value in ([], {}) and (kind(schema) == "array" or "properties" not in schema)


# Generated data.


def as_requests(document):
    """A document whose operations take as their body what the operations of `document` return."""
    paths = {}
    for path, method, operation in operations(document):
        schema = json_schema(operation["responses"]["200"])
        name = schema["$ref"].rsplit("/", 1)[1]
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths[f"/{name}"] = {"post": {"requestBody": body, "responses": {"200": {"description": "Read."}}}}
    return {**document, "paths": paths}


def examples(operation, count):
    """So many cases of an operation."""
    found = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def collect(case):
        found.append(case)

    try:
        hypothesis.seed(SEED)(collect)()
    except hypothesis.errors.Unsatisfiable:
        pass
    return found[:count]


def all_operations(schema):
    for result in schema.get_all_operations():
        yield result.ok()


def finish(counts, problems, summary):
    for problem in problems[:SHOWN]:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} problems; {dict(counts)}")
    print(summary)


def types(document, program, count):
    """Responses through the types of the client."""
    wrapped = as_requests(document)
    cases = []
    for operation in all_operations(schemathesis.openapi.from_dict(wrapped)):
        for case in examples(operation, count):
            cases.append((operation.path[1:], case.body))
    lines = "".join(
        json.dumps({"schema": name, "value": json.dumps(body)}) + "\n" for name, body in cases
    )
    done = subprocess.run([program, "round"], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(cases)
    problems, counts, used = [], Counter(), set()
    for (name, sent), answer in zip(cases, answers):
        counts[name] += 1
        try:
            if "error" in answer:
                reason = next((one for one, text in reasons("types") if re.search(text, answer["error"])), None)
                if reason is None:
                    raise Difference(answer["error"])
                used.add(reason)
                continue
            same(document, document["components"]["schemas"][name], sent, answer["value"], name)
        except Difference as difference:
            problems.append(f"{name}: {difference}")
    idle("types", used, problems)
    finish(
        counts, problems, f"{len(counts)} response schemas: no field lost",
    )


# Requests.

# What stands where something else belongs.
WRONG = [True, 17, 1.5, -1, "", "nonsense", [], ["x"], {}, {"x": 1}, [[]], None, 2**70, "1e3", "2025-13-01T00:00:00Z"]


def without_unknown(document, schema, value):
    """The value with those fields only that the schema knows."""
    schema = resolve(document, schema)
    if isinstance(value, dict) and "properties" in schema and not schema.get("additionalProperties"):
        known = schema["properties"]
        return {name: without_unknown(document, known[name], inner) for name, inner in value.items() if name in known}
    if isinstance(value, list) and "items" in schema:
        return [without_unknown(document, schema["items"], inner) for inner in value]
    return value


def mutated(document, schema, value, random):
    """The value with one field set to something that is wrong, as a rule."""
    schema = resolve(document, schema)
    properties = schema.get("properties")
    if not isinstance(value, dict) or not properties:
        return random.choice(WRONG)
    name = random.choice(sorted(properties))
    # As often deep within the value as at its top.
    old = value.get(name)
    new = mutated(document, properties[name], old, random) if random.random() < 0.5 else random.choice(WRONG)
    return {**value, name: new}


def probes(document, schema, probed):
    """Bodies of one field, which has each of the wrong values in turn; fields of the same schema are probed once.
    Before them a body with all messages at once, which sets too many members of a oneof."""
    properties = resolve(document, schema).get("properties", {})
    yield {name: {} for name, field in properties.items() if kind(resolve(document, field)) == "object"}
    for name, field in properties.items():
        known = json.dumps({key: value for key, value in field.items() if key != "description"})
        if known not in probed:
            probed.add(known)
            yield from ({name: value} for value in WRONG)


def bodies(document, schema, operation, count):
    """Bodies as schemathesis makes them, the same without unknown fields, and the same with something wrong."""
    random = Random(f"{SEED} {operation.label}")
    for case in examples(operation, count):
        # A body that is not required can be absent.
        if not isinstance(case.body, dict):
            continue
        yield case.body
        known = without_unknown(document, schema, case.body)
        yield known
        for _ in range(2):
            yield mutated(document, schema, known, random)


def reasons(part):
    """The reasons for differences: name and the pattern of what is told."""
    for line in REASONS.read_text().splitlines():
        if line and not line.startswith("#"):
            where, name, text = line.split("\t")
            if where == part:
                yield name, text


def idle(part, used, problems):
    """A reason that nothing needs is a problem. The probes need each of those for requests, whatever the seed."""
    problems.extend(f"reasons.txt: {name} is not needed" for name, _ in reasons(part) if name not in used)


def leaves(document, error):
    """What jsonschema-rs tells of an error, where it lies: the message, the schema there, and the place.

    An optional message is `oneOf: [X, null]`, and X is what was meant.
    """
    if error.kind.name == "oneOf":
        for branch in error.kind.context:
            for inner in branch:
                if not (inner.kind.name == "type" and inner.kind.as_dict()["types"] == ["null"]):
                    yield from leaves(document, inner)
        return
    schema = document
    for step in error.schema_path[:-1]:
        schema = schema[step]
    known = {name: schema[name] for name in ("type", "format", "pattern") if name in schema}
    place = "".join(f"/{step}" for step in error.instance_path)
    yield f"{error.message} by {json.dumps(known)} at {place}"


def requests_to(document, url, count):
    """Requests to the emulator."""
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {os.environ['C1_TOKEN']}"
    counts, problems, used, probed = Counter(), [], Counter(), set()
    walked = 0
    for operation in all_operations(schemathesis.openapi.from_dict(document)):
        described = document["paths"][operation.path][operation.method]
        if "requestBody" not in described:
            continue
        walked += 1
        body_schema = json_schema(described["requestBody"])
        schema = {**body_schema, "components": document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        path = re.sub(r"\{[^}]*\}", "7", operation.path)
        sent = chain(probes(document, body_schema, probed), bodies(document, body_schema, operation, count))
        for body in sent:
            text = json.dumps(body)
            answer = session.request(
                operation.method, url + path, data=text.encode(), headers={"content-type": "application/json"}, timeout=30
            )
            judged = validator.is_valid(body)
            accepted = answer.status_code == 200
            what = f"{'accepted' if accepted else 'refused'} {'valid' if judged else 'invalid'}"
            counts[what] += 1
            if answer.status_code not in (200, 400):
                problems.append(f"{operation.label}: {answer.status_code} {answer.text[:300]}")
            elif accepted != judged:
                part = "refused" if judged else "accepted"
                # Each of the errors needs a reason.
                told = [answer.text]
                if not judged:
                    told = [leaf for error in validator.iter_errors(body) for leaf in leaves(schema, error)]
                for one in told:
                    reason = next((name for name, text in reasons(part) if re.search(text, one, re.S)), None)
                    used[part, reason] += 1
                    if reason is None:
                        problems.append(f"{operation.label}: {what}: {one[:300]} | {text[:300]}")
    for part in ("refused", "accepted"):
        idle(part, {reason for where, reason in used if where == part}, problems)
    number = sum(1 for part in ("refused", "accepted") for _ in reasons(part))
    print(f"{dict(counts)} {dict(used)}", file=sys.stderr)
    finish(counts, problems, f"{walked} operations with a body: the verdict of jsonschema-rs, but for {number} reasons")


part, file, target, count, SEED = sys.argv[1:]
SEED = int(SEED)
DOCUMENT = json.loads(Path(file).read_text())
{"types": types, "requests": requests_to}[part](DOCUMENT, target, int(count))
