//! Every message of the description, read and written again: whole, and then mutated in every way
//! in which a server older, newer or looser than the description may differ from it.
//!
//! What comes out must be exactly the canonical form of what went in; see `c1_tests::canonical`.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use c1_api_emulator::sample::{Fill, Sampler};
use c1_api_spec::Description;
use c1_api_spec::model::Type;
use c1_tests::edit::{everywhere, is_enum};
use c1_tests::schemas::{self, Schema};
use c1_tests::{canonical, description};
use serde_json::{Map, Value, json};

/// Seeds of the samples that are mutated as a whole.
const SEEDS: u64 = 2;

/// Runs `test` on every message, on all processors, and fails with all that it found.
fn every_message(test: impl Fn(&Schema) -> Result<usize, String> + Sync) -> usize {
    let messages: Vec<_> = schemas::all().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        while let Some(schema) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
            outcomes.push(test(schema).map_err(|error| format!("{}: {error}", schema.name)));
        }
        outcomes
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = started
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        ended.collect()
    });
    assert_eq!(outcomes.len(), messages.len());
    let problems: Vec<_> = outcomes
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    let shown: Vec<_> = problems.iter().take(20).map(ToString::to_string).collect();
    let shown = shown.join("\n");
    assert!(problems.is_empty(), "{} messages:{shown}", problems.len());
    outcomes.into_iter().flatten().sum()
}

/// Reads and writes `json`, and compares with the canonical form.
fn survives(schema: &Schema, what: &str, json: &Value) -> Result<(), String> {
    let expected = canonical::message(description(), schema.name, json)
        .map_err(|error| format!("{what}: the test itself is wrong: {error}"))?;
    let found = (schema.round)(json.to_string().as_bytes())
        .map_err(|error| format!("{what}: {error} in {json}"))?;
    if found == expected {
        Ok(())
    } else {
        let (at, found, expected) = first_difference(&found, &expected, String::new());
        Err(format!("{what}: {at} is {found} and should be {expected}"))
    }
}

/// The innermost place at which two values differ.
fn first_difference<'a>(
    found: &'a Value,
    expected: &'a Value,
    at: String,
) -> (String, &'a Value, &'a Value) {
    const NOTHING: &Value = &Value::Null;
    let steps: Vec<(String, &Value, &Value)> = match (found, expected) {
        (Value::Object(left), Value::Object(right)) => left
            .keys()
            .chain(right.keys())
            .map(|key| (format!("{at}.{key}"), &found[key], &expected[key]))
            .collect(),
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
            .iter()
            .zip(right)
            .enumerate()
            .map(|(index, (left, right))| (format!("{at}[{index}]"), left, right))
            .collect(),
        _ => Vec::new(),
    };
    let step = steps.into_iter().find(|(_, left, right)| left != right);
    match step {
        Some((at, found, expected)) => first_difference(found, expected, at),
        None if found == expected => (at, found, NOTHING),
        None => (at, found, expected),
    }
}

fn sample(name: &str, seed: u64, fill: Fill) -> Value {
    Sampler::new(description(), seed).fill(fill).message(name)
}

#[test]
fn there_is_a_row_for_every_message() {
    let rows: Vec<_> = schemas::all().map(|schema| schema.name).collect();
    let described = description().schemas.keys().map(String::as_str);
    let messages = described.filter(|name| description().message(name).is_some());
    assert_eq!(rows, messages.collect::<Vec<_>>());
    let largest = schemas::all().max_by_key(|schema| schema.size).unwrap();
    let (name, size) = (largest.name, largest.size);
    println!(
        "{} messages; the largest is {name} of {size} bytes",
        rows.len()
    );
}

#[test]
fn samples_come_back_whole() {
    let count = every_message(|schema| {
        survives(schema, "{}", &json!({}))?;
        survives(schema, "null", &Value::Null)?;
        for seed in 0..SEEDS {
            for fill in [Fill::All, Fill::Few] {
                survives(schema, "a sample", &sample(schema.name, seed, fill))?;
            }
        }
        Ok(2 + 2 * usize::try_from(SEEDS).unwrap())
    });
    println!("{count} samples");
}

/// Each field of each message on its own. Messages within messages have their own turn.
#[test]
fn any_field_may_be_missing_null_or_renamed() {
    let count = every_message(|schema| {
        let whole = sample(schema.name, 0, Fill::All);
        let fields = whole.as_object().unwrap();
        let mut bare = Map::new();
        for (name, value) in fields {
            let mut dropped = fields.clone();
            dropped.remove(name);
            survives(schema, &format!("without {name}"), &json!(dropped))?;
            let mut nulled = fields.clone();
            nulled.insert(name.clone(), Value::Null);
            survives(schema, &format!("{name} null"), &json!(nulled))?;
            dropped.insert(format!("{name}Next"), value.clone());
            survives(schema, &format!("{name} renamed"), &json!(dropped))?;
            let alone = json!({ name.clone(): value });
            survives(schema, &format!("only {name}"), &alone)?;
            bare.insert(name.clone(), Value::Null);
        }
        survives(schema, "all null", &json!(bare))?;
        Ok(4 * fields.len() + 1)
    });
    println!("{count} mutations");
}

/// A way to change a message in all its depth.
type Mutation = (&'static str, fn(&Description, &Type, Value) -> Value);

const MUTATIONS: &[Mutation] = &[
    ("unknown enum values", |description, ty, value| {
        if is_enum(description, ty) {
            json!("VALUE_FROM_THE_FUTURE")
        } else {
            value
        }
    }),
    ("odd enum values", |description, ty, value| {
        if is_enum(description, ty) {
            json!("")
        } else {
            value
        }
    }),
    ("enum values by number", |description, ty, value| {
        if is_enum(description, ty) {
            json!(77)
        } else {
            value
        }
    }),
    ("negative enum values", |description, ty, value| {
        if is_enum(description, ty) {
            json!(-1)
        } else {
            value
        }
    }),
    ("null enum values", |description, ty, value| {
        if is_enum(description, ty) {
            Value::Null
        } else {
            value
        }
    }),
    ("numbers for strings", |_, ty, value| match (ty, &value) {
        (Type::Int64, Value::String(text)) => json!(text.parse::<i64>().unwrap()),
        (Type::Uint64, Value::String(text)) => json!(text.parse::<u64>().unwrap()),
        _ => value,
    }),
    ("strings for numbers", |_, ty, value| match ty {
        Type::Int32 | Type::Uint32 | Type::Double => json!(value.to_string()),
        _ => value,
    }),
    ("whole numbers with a fraction", |_, ty, value| match ty {
        Type::Int32 | Type::Uint32 => json!(value.as_f64().unwrap()),
        _ => value,
    }),
    ("whole numbers without one", |_, ty, value| {
        match (ty, value.as_f64()) {
            #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
            (Type::Double, Some(number)) => json!(number as i64),
            _ => value,
        }
    }),
    ("numbers that are none", |_, ty, value| match ty {
        Type::Double => json!("-Infinity"),
        _ => value,
    }),
    ("base64 for URLs", |_, ty, value| match (ty, &value) {
        (Type::Bytes, Value::String(text)) => {
            json!(
                text.trim_end_matches('=')
                    .replace('+', "-")
                    .replace('/', "_")
            )
        }
        _ => value,
    }),
    ("other forms of time", |_, ty, value| match (ty, &value) {
        (Type::Timestamp, Value::String(text)) => json!(text.replace('Z', "+00:00")),
        (Type::Duration, Value::String(text)) if text.contains('.') => {
            json!(text.replace("00s", "s"))
        }
        (Type::Duration, Value::String(text)) => json!(text.replace('s', ".00s")),
        _ => value,
    }),
    ("unknown fields", |description, ty, value| {
        grown(
            description,
            ty,
            value,
            &[
                (
                    "fromTheFuture",
                    json!({ "deep": [1, null, { "id": "x" }], "": "" }),
                ),
                ("es\"caped\u{1}\u{e9}", json!([[], {}, -1.5e300, true])),
                ("", Value::Null),
            ],
        )
    }),
    ("null elements", |_, ty, value| match (ty, value) {
        (Type::List(_), Value::Array(mut list)) => {
            list.insert(0, Value::Null);
            list.push(Value::Null);
            Value::Array(list)
        }
        (Type::Map(_), Value::Object(mut map)) => {
            map.insert("nothing".to_owned(), Value::Null);
            Value::Object(map)
        }
        (_, value) => value,
    }),
    ("nothing in lists and maps", |_, ty, value| match ty {
        Type::List(_) => json!([]),
        Type::Map(_) => json!({}),
        _ => value,
    }),
    ("null lists and maps", |_, ty, value| match ty {
        Type::List(_) | Type::Map(_) => Value::Null,
        _ => value,
    }),
    ("null scalars", |description, ty, value| match ty {
        Type::List(_) | Type::Map(_) => value,
        Type::Ref(name) if description.message(name).is_some() => value,
        _ => Value::Null,
    }),
    ("nothing in messages within", |description, ty, value| {
        if matches!(ty, Type::Ref(name) if description.message(name).is_some()) {
            let empty = |value: &mut Value| {
                if value.is_object() {
                    *value = json!({});
                }
            };
            let mut value = value;
            value
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(empty);
            value
        } else {
            value
        }
    }),
];

/// A message with more fields than it had.
fn grown(description: &Description, ty: &Type, value: Value, fields: &[(&str, Value)]) -> Value {
    match (ty, value) {
        (Type::Ref(name), Value::Object(mut object)) if description.message(name).is_some() => {
            // In front and behind, so that what follows an unknown field is read too.
            let mut out = Map::new();
            for (at, (name, field)) in fields.iter().enumerate() {
                let place = if at == 0 { &mut out } else { &mut object };
                place.insert((*name).to_owned(), field.clone());
            }
            out.extend(object);
            Value::Object(out)
        }
        (_, value) => value,
    }
}

#[test]
fn what_a_server_may_do_in_any_depth_is_understood() {
    let count = every_message(|schema| {
        let ty = Type::Ref(schema.name.to_owned());
        let mut count = 0;
        for seed in 0..SEEDS {
            let whole = sample(schema.name, seed, Fill::All);
            for (what, mutation) in MUTATIONS {
                let mut edit = |ty: &Type, value| mutation(description(), ty, value);
                let mutated = everywhere(description(), &ty, whole.clone(), &mut edit);
                if mutated != whole {
                    survives(schema, what, &mutated)?;
                    count += 1;
                }
            }
        }
        Ok(count)
    });
    println!("{count} mutations");
}

/// A oneof has one member at most, by the rules; a newer server may say more.
#[test]
fn oneofs_with_several_members_keep_them_all() {
    let count = every_message(|schema| {
        let message = description().message(schema.name).unwrap();
        if message.oneofs.is_empty() {
            return Ok(0);
        }
        let mut sampler = Sampler::new(description(), 1);
        let mut whole = sampler.message(schema.name);
        for member in message.oneofs.values().flatten() {
            if whole.get(member).is_none() {
                whole[member] = sampler.value(&message.fields[member].ty, member);
            }
        }
        survives(schema, "all members of its oneofs", &whole)?;
        Ok(1)
    });
    assert!(count > 0);
    println!("{count} messages with oneofs");
}

/// As deep as the parser goes, in the message that takes the most memory for each level, with the stack that a thread of
/// tokio has.
#[test]
fn the_deepest_nesting_fits_on_the_stack() {
    const STACK: usize = 2 * 1024 * 1024;
    let [open, close] = [r#"{"repeated":{"items":"#, "}}"];
    let json = format!("{}{{}}{}", open.repeat(60), close.repeat(60));
    let rules = schemas::named("FieldRules").unwrap();
    let thread = thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(move || (rules.round)(json.as_bytes()).map(drop));
    thread.unwrap().join().unwrap().unwrap();
}
