"""Where c1-api differs from json_format, by reason: the type of the field, what c1-api does, and the spellings.

`text` is any string. An entry that no document meets fails, as does a difference without an entry.
"""

DIFFERENCES = {
    "Python iterates over a string or a list as if it were an object or a list of keys; c1-api wants an object.": [
        ("Folder", "refused", ['text']),
        ("Folder", "refused", ['["a"]', '[]']),
        ("[Folder]", "refused", ['["a"]', '[[]]']),
        ("{Folder}", "refused", ['{"a":"b"}', '{"name":"n"}']),
    ],
    "An Any is kept as it came; its payload is checked when it is decoded.": [
        ("Any", "accepted", ['{"a":"b"}', '{"a":1}', '{"a":null}', '{"name":"n"}', '{"name":1}']),
    ],
    "Python's own spellings of numbers, which the rules do not have.": [
        ("int32", "refused", ['"1."', '"1_0"']),
        ("int64", "refused", ['"1."', '"1_0"']),
        ("UInt32Value", "refused", ['"1."', '"1_0"']),
        ("UInt64Value", "refused", ['"1."', '"1_0"']),
        ("double", "refused", ['"1 "', '"1_0"', '"inf"', 'false', 'true']),
        ("Duration", "refused", ['"+1s"', '"1.s"']),
    ],
    "Beyond the range of a double: infinity in Python.": [
        ("double", "refused", ['"1e999"']),
    ],
    "From 2^53 on a double stands for its neighbours too: exact from a string, refused as a number.": [
        ("int64", "another value", ['"9007199254740993.0"']),
        ("int64", "refused", ['9007199254740992.0', '9007199254740993.0']),
        ("UInt64Value", "another value", ['"9007199254740993.0"']),
        ("UInt64Value", "refused", ['9007199254740992.0', '9007199254740993.0']),
        ("enum", "refused", ['9007199254740992.0', '9007199254740993.0']),
    ],
    "More than nine digits cannot be kept; Python rounds.": [
        ("Duration", "refused", ['"1.0000000001s"']),
    ],
    "RFC 3339 allows these, protobuf does not: one of them in a response is not worth an error. Digits beyond the ninth are dropped.": [
        ("Timestamp", "accepted", [
            '"2024-02-29 23:59:59Z"', '"2024-02-29T23:59:59.1234567890Z"', '"2024-02-29T23:59:60Z"', '"2024-02-29t23:59:59z"',
        ]),
    ],
    "Free JSON keeps 64-bit integers exact, where protobuf has doubles.": [
        ("Value", "another value", ['18446744073709551615', '9223372036854775807']),
    ],
    "No value and null are one in free JSON.": [
        ("Value", "another value", ['null']),
    ],
    "A null among elements is their zero, so that the others keep their positions.": [
        ("[Folder]", "accepted", ['[null]']),
        ("[enum]", "accepted", ['[null]']),
        ("[int64]", "accepted", ['[null]']),
        ("[string]", "accepted", ['[null]']),
        ("{Folder}", "accepted", ['{"a":null}']),
        ("{string}", "accepted", ['{"a":null}']),
    ],
    "Python's base64 skips what is not of its alphabet, and a mixed alphabet.": [
        ("bytes", "refused", [
            '"!"', '"+_8="', '"-0.5s"', '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"1.-5s"', '"1.0000000001s"',
            '"1.5s"', '"10000-01-01T00:00:00Z"', '"2024-02-29T23:59:59+01:30"', '"2024-02-29T23:59:59.1234567890Z"',
            '"2024-02-29T23:59:59.123456789Z"', '"2024-02-29T23:59:59Z"', '"2024-02-29T23:59:60Z"', '"2024-02-29t23:59:59z"',
            '"2024-02-30T00:00:00Z"', '"9999-12-31T23:59:59Z"',
        ]),
    ],
    "An unknown value of an enum is kept and written as it came; json_format drops unknown names. The description tells no number but 0.": [
        ("enum", "accepted", [
            '"9223372036854775807"', '-2147483649', '18446744073709551615', '2147483648', '4294967295', '9007199254740991.0',
            '9223372036854775807', '9223372036854775808',
        ]),
        ("enum", "another value", ['text']),
        ("enum", "another value", ['1', '4294967296']),
        ("[enum]", "another value", ['["a"]', '[1]']),
    ],
    "Python cuts off the fraction of an enum's number, and takes a boolean for one.": [
        ("enum", "refused", ['1e-1', '5.5', 'false', 'true']),
    ],
}
