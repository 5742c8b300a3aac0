"""Judges the decoding of c1-api by `google.protobuf.json_format`, the reference implementation of protobuf JSON.

Writes one document a line to standard output and reads the answer from standard input: what c1-api writes for what it read, or
a line that begins with `!`. Verdicts and values are compared. A difference that `differences.py` does not list fails, and
so does an entry of that list which nothing met. The message is `Sample` of c1-api/src/wire/sample.rs.

Usage: judge.py [DOCUMENTS [SEED]]
"""

import json
import pathlib
import random
import sys

# Where `just peers` installs it.
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / ".installed" / "protobuf"))

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, json_format
from google.protobuf import message_factory, struct_pb2, timestamp_pb2, wrappers_pb2

from differences import DIFFERENCES

# Each field of `Sample`: its original name, and its type as a protobuf type or the name of a message.
FIELDS = {
    "id": "StringValue", "name": "string", "bool": "bool", "int": "int32", "uint": "UInt32Value", "long": "int64",
    "ulong": "UInt64Value", "double": "double", "created_at": "Timestamp", "timeout": "Duration", "data": "bytes",
    "any": "Any", "free": "Struct", "json": "Value", "folder": "Folder", "kind": "enum",
    "user_ids": "[string]", "numbers": "[int64]", "folders": "[Folder]", "kinds": "[enum]", "required_ids": "[string]",
    "annotations": "{string}", "labels": "{Folder}",
}
FOLDER = {"name": "string", "inner": "Folder", "owner": "string", "group": "string", "keep": "Duration"}
KINDS = ["FOLDER_KIND_UNSPECIFIED", "FOLDER_KIND_SHARED"]
# Without presence: always written by c1-api, never by json_format when empty.
REQUIRED = {"name", "requiredIds"}


def pool():
    """The descriptors of both messages, and of what they contain."""
    found = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="judge.proto", package="judge", syntax="proto3")
    for module in (any_pb2, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        found.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        file.dependency.append(module.DESCRIPTOR.name)
    enum = file.enum_type.add(name="FolderKind")
    for number, name in enumerate(KINDS):
        enum.value.add(name=name, number=number)
    kinds = descriptor_pb2.FieldDescriptorProto

    def fill(field, kind):
        if kind == "enum":
            field.type, field.type_name = kinds.TYPE_ENUM, ".judge.FolderKind"
        elif kind[0].islower():
            field.type = getattr(kinds, f"TYPE_{kind.upper()}")
        else:
            package = "judge" if kind == "Folder" else "google.protobuf"
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"

    for name, fields in (("Folder", FOLDER), ("Sample", FIELDS)):
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in enumerate(fields.items(), 1):
            field = message.field.add(name=field_name, number=number, label=kinds.LABEL_OPTIONAL)
            field.json_name = camel(field_name)
            if kind[0] == "[":
                field.label = kinds.LABEL_REPEATED
                fill(field, kind[1:-1])
            elif kind[0] == "{":
                entry = message.nested_type.add(name=f"{camel('_' + field_name)}Entry")
                entry.options.map_entry = True
                fill(entry.field.add(name="key", number=1, label=kinds.LABEL_OPTIONAL), "string")
                fill(entry.field.add(name="value", number=2, label=kinds.LABEL_OPTIONAL), kind[1:-1])
                field.label, field.type = kinds.LABEL_REPEATED, kinds.TYPE_MESSAGE
                field.type_name = f".judge.{name}.{entry.name}"
            else:
                fill(field, kind)
                if field.type != kinds.TYPE_MESSAGE and field.json_name not in REQUIRED:
                    field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
                    message.oneof_decl.add(name=f"_{field_name}")
    found.Add(file)
    return found


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


class Documents:
    """Valid documents, by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choices('ab \u00e9\u4e2d\U0001f600"\\\n\u0000/', k=self.random.randrange(6)))

    def integer(self, bits, signed=True):
        low = -(2 ** (bits - 1)) if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        around = self.random.choice([0, low, high, 2**53, 1 << self.random.randrange(bits)])
        value = min(max(around + self.random.randrange(-2, 3), low), high)
        return self.random.choice([value, str(value)])

    def tree(self, depth=3):
        pick = self.random.randrange(7 if depth else 5)
        if pick == 5:
            return [self.tree(depth - 1) for _ in range(self.random.randrange(3))]
        if pick == 6:
            return {self.text(): self.tree(depth - 1) for _ in range(self.random.randrange(3))}
        return [None, True, self.text(), self.random.uniform(-1e9, 1e9), self.random.randrange(-9, 9)][pick]

    def value(self, kind, depth=2):
        pick = self.random
        if kind[0] == "[":
            return [self.value(kind[1:-1], depth) for _ in range(pick.randrange(3))]
        if kind[0] == "{":
            return {self.text(): self.value(kind[1:-1], depth) for _ in range(pick.randrange(3))}
        if kind in ("string", "StringValue"):
            return self.text()
        if kind == "bool":
            return pick.random() < 0.5
        if kind in ("int32", "int64"):
            return self.integer(int(kind[3:]))
        if kind in ("UInt32Value", "UInt64Value"):
            return self.integer(int(kind[4:6]), signed=False)
        if kind == "double":
            return pick.choice([pick.uniform(-1, 1) * 10.0 ** pick.randrange(-300, 300), "NaN", "Infinity", "-Infinity", 5])
        if kind == "bytes":
            return pick.choice(["", "AQ==", "AQ", "+/8=", "-_8", "AAEC"])
        if kind == "Timestamp":
            fraction = "." + str(pick.randrange(1, 10**9)).zfill(9) if pick.random() < 0.5 else ""
            day = f"{pick.randrange(1, 10000):04}-{pick.randrange(1, 13):02}-{pick.randrange(1, 29):02}"
            return f"{day}T{pick.randrange(24):02}:{pick.randrange(60):02}:59{fraction}Z"
        if kind == "Duration":
            return pick.choice(["0s", "-0.5s", "315576000000s", f"{pick.randrange(-10**6, 10**6)}.{pick.randrange(10**9):09}s"])
        if kind == "enum":
            return pick.choice([*KINDS, 0, 7])
        if kind == "Any":
            return {"@type": "type.googleapis.com/judge.Folder", "name": "n"}
        if kind == "Struct":
            return {self.text(): self.tree() for _ in range(pick.randrange(3))}
        if kind == "Value":
            return self.tree() or False
        return self.message(FOLDER, depth - 1)

    def message(self, fields, depth=2):
        """Some fields, in any order, by either name; some null, some unknown."""
        chosen = [name for name in fields if self.random.random() < 0.5 and (depth > 0 or fields[name] != "Folder")]
        self.random.shuffle(chosen)
        document = {}
        for name in chosen:
            is_null = self.random.random() < 0.1 and fields[name] != "Value"
            key = name if self.random.random() < 0.2 else camel(name)
            document[key] = None if is_null else self.value(fields[name], depth)
        if self.random.random() < 0.2:
            document["newField"] = self.tree()
        return document


# What may stand in a field, or must not: each in each field.
SPELLINGS = """
null true false 0 -0 1 -1 5.0 5.5 1e3 1e-1 1e300 -0.0 2147483647 2147483648 -2147483649 4294967295 4294967296
9007199254740991.0 9007199254740992.0 9007199254740993.0 9223372036854775807 9223372036854775808 -9223372036854775809
18446744073709551615 18446744073709551616 "" "a" "0" "-0" "1" "+1" "01" "1." ".5" "5.0" "5.5" "1e3" "1_0" "1 " "true" "null"
"9007199254740993.0" "9223372036854775807" "NaN" "nan" "inf" "Infinity" "-Infinity" "1e999" "FOLDER_KIND_SHARED" "folder_kind_shared"
"AQ==" "AQ" "AQ=" "AR==" "+/8=" "-_8" "+_8=" "A" "!" "2024-02-29T23:59:59Z" "2024-02-29 23:59:59Z" "2024-02-29t23:59:59z"
"2024-02-29T23:59:60Z" "2024-02-30T00:00:00Z" "2024-02-29T23:59:59" "2024-02-29T23:59:59+01:30" "2024-02-29T23:59:59.1234567890Z"
"2024-02-29T23:59:59.123456789Z" "0001-01-01T00:00:00Z" "0000-01-01T00:00:00Z" "9999-12-31T23:59:59Z" "10000-01-01T00:00:00Z" "2024-02-29"
"1s" "-1s" "+1s" "1.5s" "1.s" ".5s" "-0.5s" "1.0000000001s" "1h" "s" "315576000000s" "315576000001s" "1.-5s" [] [null] ["a"] [1] {} {"a":null}
{"a":"b"} {"a":1} {"name":"n"} {"name":1} [{}] [[]]
"""


def spellings():
    decoder, at = json.JSONDecoder(), 0
    while at < len(SPELLINGS):
        if SPELLINGS[at].isspace():
            at += 1
            continue
        _, end = decoder.raw_decode(SPELLINGS, at)
        yield SPELLINGS[at:end]
        at = end


def bare(value):
    """Without required fields that are empty, which only c1-api writes."""
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if not (k in REQUIRED and v in ("", []))}
    return [bare(v) for v in value] if isinstance(value, list) else value


class Judge:
    def __init__(self):
        self.pool = pool()
        self.sample = message_factory.GetMessageClass(self.pool.FindMessageTypeByName("judge.Sample"))

    def reference(self, text):
        """What json_format writes for what it read; `None` if it refuses."""
        try:
            message = json_format.Parse(text, self.sample(), ignore_unknown_fields=True, descriptor_pool=self.pool)
            return json.loads(json_format.MessageToJson(message, descriptor_pool=self.pool))
        except (json_format.ParseError, json_format.SerializeToJsonError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def difference(self, text):
        """How c1-api differs from the reference; `None` if it does not."""
        print(text, flush=True)
        answer = sys.stdin.readline().rstrip("\n")
        ours = None if answer.startswith("!") else bare(json.loads(answer))
        theirs = self.reference(text)
        theirs = theirs if theirs is None else bare(theirs)
        if ours == theirs:
            return None
        if ours is None or theirs is None:
            return "refused" if ours is None else "accepted"
        return "another value"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    judge, documents, failures, total = Judge(), Documents(seed), [], 0
    for _ in range(count):
        text = json.dumps(documents.message(FIELDS))
        total += 1
        if (how := judge.difference(text)) is not None:
            failures.append(f"a valid document is read differently ({how}): {text}")
    listed = {(kind, text, how) for entries in DIFFERENCES.values() for kind, how, texts in entries for text in texts}
    met = set()
    for name, kind in FIELDS.items():
        for spelling in spellings():
            total += 1
            how = judge.difference(f'{{"{camel(name)}": {spelling}}}')
            key = (kind, spelling, how)
            if how is None:
                continue
            if spelling[0] == '"' and key not in listed:
                key = (kind, "text", how)
            if key in listed:
                met.add(key)
            else:
                failures.append(f"not listed: {kind} {how}: {spelling}")
    failures += [f"listed, but not met: {key}" for key in sorted(listed - met)]
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{total} documents, {len(met)} listed differences, {len(failures)} failures", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
