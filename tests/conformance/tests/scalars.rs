//! Spellings of scalars: the client reads from a response what the emulator takes in a request, but for the listed exceptions.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::collections::BTreeSet;

use c1_api_emulator::check::{self, Direction};
use c1_api_spec::model::{Message, SchemaKind, Type};
use c1_tests::{description, schemas};
use serde_json::Value;

/// JSON texts; each is tried in a field of every type.
const SPELLINGS: &[&str] = &[
    "true",
    "\"true\"",
    "0",
    "1",
    "1.0",
    "5.5",
    "-0.0",
    "-1",
    "5e0",
    "\"5\"",
    "\"5.0\"",
    "\"+5\"",
    "\"05\"",
    "\" 5\"",
    "\"1.\"",
    "\".5\"",
    "\"0x5\"",
    "\"1e3\"",
    "\"1e-1\"",
    "2147483648",
    "9007199254740991.0",
    "9007199254740993",
    "9007199254740993.0",
    "\"9007199254740993.0\"",
    "1e18",
    "\"1e18\"",
    "9223372036854775807",
    "\"9223372036854775808\"",
    "18446744073709551615",
    "1e300",
    "\"1e999\"",
    "\"NaN\"",
    "\"Infinity\"",
    "\"-Infinity\"",
    "\"inf\"",
    "\"nan\"",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "\"2024-02-29T23:59:59Z\"",
    "\"2024-02-29T23:59:59.123456789Z\"",
    "\"2024-02-29T23:59:59+01:30\"",
    "\"2024-02-29T23:59:59\"",
    "\"2024-02-29 23:59:59Z\"",
    "\"2024-02-29t23:59:59Z\"",
    "\"2024-02-29T23:59:59z\"",
    "\"2024-02-29T23:59:60Z\"",
    "\"2024-02-29T23:59:59.1234567890Z\"",
    "\"2024-02-30T00:00:00Z\"",
    "\"0000-12-31T23:59:59Z\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"10000-01-01T00:00:00Z\"",
    "\"2024-02-29\"",
    "\"1s\"",
    "\"1.5s\"",
    "\"-0.5s\"",
    "\".5s\"",
    "\"1.s\"",
    "\"+1s\"",
    "\"1h\"",
    "\"1.0000000001s\"",
    "\"315576000000s\"",
    "\"315576000000.1s\"",
    "\"+/8=\"",
    "\"+/8\"",
    "\"-_8=\"",
    "\"-_8\"",
    "\"+_8\"",
    "\"+/9=\"",
    "\"!\"",
];

/// Stands for a name that the field's enum has.
const NAME: &str = "a name of the enum";

/// What the client reads and the emulator refuses, by reason: the types and the spellings.
const EXCEPTIONS: &[(&str, &[&str], &[&str])] = &[
    (
        "RFC 3339 allows these and protobuf does not: a request must not depend on them, a response is read.",
        &["Timestamp"],
        &[
            "\"2024-02-29 23:59:59Z\"",
            "\"2024-02-29t23:59:59Z\"",
            "\"2024-02-29T23:59:59z\"",
            "\"2024-02-29T23:59:60Z\"",
            "\"2024-02-29T23:59:59.1234567890Z\"",
        ],
    ),
    (
        "Not numbers of JSON, so that a server need not take them; their value is plain, so that a response is read.",
        &["int32", "uint32", "int64", "uint64", "double"],
        &["\"+5\""],
    ),
    (
        "The same; an integer has no such forms.",
        &["double"],
        &["\".5\"", "\"05\"", "\"1.\""],
    ),
];

/// A field of the type in a message that the field alone makes complete.
fn field_of(wanted: impl Fn(&Type) -> bool) -> (&'static str, &'static str) {
    let alone = |message: &'static Message| {
        let complete = message.fields.values().all(|field| !field.required);
        let mut fields = message.fields.iter().filter(|_| complete);
        fields.find(|(_, field)| wanted(&field.ty) && !field.read_only)
    };
    let mut found = description()
        .schemas
        .iter()
        .filter_map(|(name, schema)| match &schema.kind {
            SchemaKind::Message(message) => Some((name.as_str(), alone(message)?.0.as_str())),
            _ => None,
        });
    let read = |(schema, _): &(&str, &str)| schemas::named(schema).is_some();
    found.find(read).unwrap()
}

fn is_enum(ty: &Type) -> bool {
    let Type::Ref(name) = ty else { return false };
    let schema = description().schemas.get(name);
    schema.is_some_and(|schema| matches!(schema.kind, SchemaKind::Enum(_)))
}

/// A name of the enum that the field holds, if it holds one.
fn enum_value(schema: &str, field: &str) -> Option<&'static str> {
    let schemas = &description().schemas;
    let SchemaKind::Message(message) = &schemas.get(schema)?.kind else {
        return None;
    };
    let Type::Ref(name) = &message.fields.get(field)?.ty else {
        return None;
    };
    match &schemas.get(name)?.kind {
        SchemaKind::Enum(names) => names.first().map(String::as_str),
        _ => None,
    }
}

/// Whether it may stand for a value of an enum: a name or a whole number.
fn is_open(value: &Value) -> bool {
    let whole = |number: f64| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    value.is_string() || value.is_i64() || value.is_u64() || value.as_f64().is_some_and(whole)
}

#[test]
fn the_client_reads_what_the_emulator_takes() {
    let exact = |wanted: Type| field_of(move |ty| *ty == wanted);
    let kinds = [
        ("string", exact(Type::String)),
        ("bool", exact(Type::Bool)),
        ("int32", exact(Type::Int32)),
        ("uint32", exact(Type::Uint32)),
        ("int64", exact(Type::Int64)),
        ("uint64", exact(Type::Uint64)),
        ("double", exact(Type::Double)),
        ("bytes", exact(Type::Bytes)),
        ("Timestamp", exact(Type::Timestamp)),
        ("Duration", exact(Type::Duration)),
        ("enum", field_of(is_enum)),
    ];
    let mut found = BTreeSet::new();
    for (kind, (schema, field)) in kinds {
        let mut verdicts = BTreeSet::new();
        let name = format!("{:?}", enum_value(schema, field).unwrap_or("NO_ENUM"));
        for spelling in SPELLINGS.iter().copied().chain([NAME]) {
            let json = if spelling == NAME { &name } else { spelling };
            let text = format!("{{{field:?}: {json}}}");
            let read = (schemas::named(schema).unwrap().round)(text.as_bytes()).is_ok();
            let value: Value = serde_json::from_str(&text).unwrap();
            let taken = check::value(description(), schema, &value, Direction::Request).is_ok();
            verdicts.insert(taken);
            // Enums are open in responses: what a newer server has is kept. The number 0 is replaced before requests are checked.
            let unknown = kind == "enum" && is_open(&value[field]);
            assert!(
                read || !taken && !unknown,
                "{kind}: only the emulator takes {json}"
            );
            if read && !taken && !unknown {
                found.insert((kind, spelling));
            }
        }
        assert_eq!(
            verdicts.len(),
            2,
            "{kind}: the emulator says one thing of all"
        );
    }
    let mut listed = BTreeSet::new();
    for (_, kinds, spellings) in EXCEPTIONS {
        for kind in *kinds {
            listed.extend(spellings.iter().map(|spelling| (*kind, *spelling)));
        }
    }
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "not on the list: {unlisted:#?}");
    assert!(idle.is_empty(), "on the list without need: {idle:#?}");
}
