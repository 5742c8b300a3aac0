//! Names stay: whatever a document has become, what it shares with an earlier one has the same name in Rust. The lock
//! itself: what is read, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use c1_api_spec::model::SchemaKind;
use c1_api_spec::normalize::{normalize, normalize_with};
use c1_api_spec::read::read;
use c1_api_spec::{DOCUMENT, Description, Lock, NAMES, OVERLAY, load};
use serde_json::{Value, json};

/// Every name of a description, by what is on the wire or in protobuf. Only what the accessors tell counts.
fn names(description: &Description) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let enum_values = |place: &str, name: Option<&str>, names: &mut BTreeMap<String, String>| {
        let Some(name) = name else { return };
        if let Some(SchemaKind::Enum(values)) = description.schemas.get(name).map(|it| &it.kind) {
            names.insert(format!("{place}: enum"), name.to_owned());
            for value in values {
                let variant = description.variant(name, value);
                names.insert(format!("{place}: {value:?}"), variant);
            }
        }
    };
    for (name, schema) in &description.schemas {
        let Some(message) = description.message(name) else {
            continue;
        };
        let proto = schema.proto.as_ref().unwrap_or(name);
        names.insert(proto.clone(), name.clone());
        for (wire, field) in &message.fields {
            let place = format!("{proto}.{wire}");
            enum_values(&place, field.ty.reference(), &mut names);
            names.insert(place, description.field(name, wire));
        }
        for (group, members) in &message.oneofs {
            let oneof = description.oneof(name, group);
            for member in members {
                let variant = description.variant(&oneof.view, member);
                names.insert(format!("{proto}: {group} {member}"), variant);
            }
            names.insert(format!("{proto}: {group} view"), oneof.view);
            names.insert(format!("{proto}: {group} stem"), oneof.stem);
        }
    }
    for operation in &description.operations {
        let key = operation.rpc.as_ref().unwrap_or(&operation.path);
        names.insert(key.clone(), operation.id());
        let request = description.request(operation);
        names.insert(format!("{key}: builder"), request.builder);
        names.insert(format!("{key}: path"), request.path);
        for parameter in &operation.query_parameters {
            let place = format!("{key}?{}", parameter.name);
            enum_values(&place, parameter.ty.reference(), &mut names);
        }
    }
    names
}

/// That what both have is called alike, and how much that is.
#[track_caller]
fn assert_kept(before: &Description, after: &Description) -> usize {
    assert_kept_of(&names(before), after)
}

#[track_caller]
fn assert_kept_of(before: &BTreeMap<String, String>, after: &Description) -> usize {
    let after = names(after);
    let both: Vec<_> = before
        .iter()
        .filter_map(|(key, name)| Some((key, name, after.get(key)?)))
        .collect();
    let changed: Vec<_> = both.iter().filter(|(_, old, new)| old != new).collect();
    assert!(changed.is_empty(), "{} changed: {changed:?}", changed.len());
    both.len()
}

/// That no two types, variants, fields or requests have one name.
#[track_caller]
fn assert_distinct(description: &Description) {
    let mut types: BTreeSet<String> = description.schemas.keys().cloned().collect();
    let mut requests = BTreeSet::new();
    for (name, schema) in &description.schemas {
        if let SchemaKind::Enum(values) = &schema.kind {
            let variants = values.iter().map(|value| description.variant(name, value));
            let variants: BTreeSet<_> = variants.collect();
            assert_eq!(variants.len(), values.len(), "{name}: {variants:?}");
        }
        let Some(message) = description.message(name) else {
            continue;
        };
        let fields = message.fields.keys();
        let fields: BTreeSet<_> = fields.map(|wire| description.field(name, wire)).collect();
        assert_eq!(fields.len(), message.fields.len(), "{name}: {fields:?}");
        for group in message.oneofs.keys() {
            let view = description.oneof(name, group).view;
            assert!(types.insert(view.clone()), "{view} twice");
        }
    }
    for operation in &description.operations {
        let request = description.request(operation);
        let mut made = vec![request.builder];
        if operation.path_parameters.len() > 2 {
            made.push(request.path);
        }
        for made in made {
            let key = (operation.group.clone(), made);
            assert!(requests.insert(key.clone()), "{key:?} twice");
        }
    }
}

fn today() -> Description {
    normalize(&read(DOCUMENT).unwrap()).unwrap()
}

/// The shipped document without any name of ours: schemas under their protobuf names, enums in their places, the vendor's
/// names of operations.
fn vendors() -> Value {
    let mut document = read(DOCUMENT).unwrap();
    let members = document.as_object_mut().unwrap();
    members.shift_remove("x-form");
    let schemas = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .clone();
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let operation = operation.as_object_mut().unwrap();
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let (group, name) = id.split_once('.').unwrap();
            operation.insert("x-speakeasy-group".to_owned(), group.into());
            let name = operation
                .shift_remove("x-vendor-name")
                .unwrap_or(name.into());
            operation.insert("x-speakeasy-name-override".to_owned(), name);
            operation["operationId"] = operation.shift_remove("x-rpc").unwrap();
        }
    }
    replace_references(&mut document, &schemas);
    let mut renamed = serde_json::Map::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut schema = schema.clone();
        if let Some(proto) = schema.as_object_mut().unwrap().shift_remove("x-proto-name") {
            renamed.insert(proto.as_str().unwrap().to_owned(), schema);
        } else {
            assert!(schema.get("enum").is_some(), "{name} has no protobuf name");
        }
    }
    document["components"]["schemas"] = Value::Object(renamed);
    document
}

/// Puts the protobuf name, or an enum itself, in the place of each reference.
fn replace_references(value: &mut Value, schemas: &serde_json::Map<String, Value>) {
    let target = value.get("$ref").and_then(Value::as_str);
    if let Some(name) = target.and_then(|target| target.strip_prefix("#/components/schemas/")) {
        let schema = &schemas[name];
        if let Some(proto) = schema.get("x-proto-name") {
            value["$ref"] = format!("#/components/schemas/{}", proto.as_str().unwrap()).into();
        } else {
            let beside = value.as_object_mut().unwrap();
            beside.shift_remove("$ref");
            beside.extend(schema.as_object().unwrap().clone());
        }
        return;
    }
    match value {
        Value::Object(members) => {
            for member in members.values_mut() {
                replace_references(member, schemas);
            }
        }
        Value::Array(values) => {
            for value in values {
                replace_references(value, schemas);
            }
        }
        _ => {}
    }
}

/// Every list of enum values in the document.
fn enums(value: &mut Value) -> Vec<&mut Vec<Value>> {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .flat_map(|(key, member)| {
                if key == "enum" && member.is_array() {
                    member.as_array_mut().into_iter().collect()
                } else {
                    enums(member)
                }
            })
            .collect(),
        Value::Array(values) => values.iter_mut().flat_map(enums).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_shipped_lock_is_that_of_the_shipped_description() {
    let description = load(DOCUMENT, OVERLAY).unwrap();
    let names = Lock::shipped().unwrap().extended(&description).unwrap();
    assert!(
        names == NAMES,
        "run `cargo xtask spec import spec/openapi.yaml`"
    );
    assert_distinct(&description);
}

#[test]
fn a_document_without_our_names_gets_all_of_them() {
    let (today, theirs) = (today(), normalize(&vendors()).unwrap());
    assert_eq!(assert_kept(&today, &theirs), names(&today).len());
    assert_eq!(theirs.operations, today.operations);
    assert!(theirs.schemas == today.schemas);
    assert_eq!(theirs.names, today.names);
}

#[test]
fn a_new_value_without_the_prefix_renames_nothing() {
    let today = today();
    // In all places of all enums, then in one place of each.
    let mut everywhere = vendors();
    let mut places = enums(&mut everywhere["components"]);
    let all = places.len();
    for values in &mut places {
        values.push("ODD".into());
    }
    let mut once = vendors();
    let mut seen = BTreeSet::new();
    for values in enums(&mut once["components"]) {
        if seen.insert(Value::from(values.clone()).to_string()) {
            values.insert(0, "ODD".into());
        }
    }
    assert!(all > seen.len() && seen.len() > 200, "{all} {}", seen.len());
    for document in [everywhere, once] {
        let description = normalize(&document).unwrap();
        assert_eq!(assert_kept(&today, &description), names(&today).len());
        assert_eq!(description.schemas.len(), today.schemas.len());
        assert_distinct(&description);
        let with_odd = description.schemas.iter().filter(|(name, schema)| {
            matches!(&schema.kind, SchemaKind::Enum(values) if values.iter().any(|it| it == "ODD"))
                && description.variant(name, "ODD") == "Odd"
        });
        assert_eq!(with_odd.count(), seen.len());
    }
}

/// For each enum a document of its own, with the messages that use it and nothing else.
#[test]
fn a_new_value_renames_nothing_whichever_enum_it_is_in() {
    let today = today();
    let before = names(&today);
    let document = vendors();
    let (path, item) = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let operation = item.as_object().unwrap().values().next().unwrap();
    // The properties with each set of values.
    let mut places: BTreeMap<String, Vec<(&str, &str, Value)>> = BTreeMap::new();
    for (key, schema) in document["components"]["schemas"].as_object().unwrap() {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let mut property = property.clone();
            let values = enums(&mut property).pop().map(|values| json!(values));
            if let Some(values) = values {
                let places = places.entry(values.to_string()).or_default();
                places.push((key, name, property));
            }
        }
    }
    let mut checked = 0;
    for (name, schema) in &today.schemas {
        let SchemaKind::Enum(values) = &schema.kind else {
            continue;
        };
        let mut kept = serde_json::Map::new();
        let places = places.get(&json!(values).to_string());
        for (key, name, property) in places.into_iter().flatten() {
            let schema = kept.entry(*key);
            let schema = schema.or_insert_with(|| json!({ "type": "object", "properties": {} }));
            schema["properties"][*name] = property.clone();
        }
        let Some(first) = kept.keys().next() else {
            continue; // Of parameters only.
        };
        let answer = json!({ "$ref": format!("#/components/schemas/{first}") });
        let answer = json!({ "200": { "content": { "application/json": { "schema": answer } } } });
        let small = json!({
            "openapi": "3.1.0",
            "info": { "version": "1" },
            "servers": [{ "url": "https://c1.test" }],
            "paths": { path: { "get": {
                "operationId": operation["operationId"],
                "parameters": operation["parameters"],
                "responses": answer,
            } } },
            "components": { "schemas": kept },
        });
        let mut changed = small.clone();
        enums(&mut changed)[0].push("ODD".into());
        let (small, changed) = (normalize(&small).unwrap(), normalize(&changed).unwrap());
        assert!(assert_kept_of(&before, &changed) > values.len());
        assert_kept(&small, &changed);
        assert_eq!(changed.variant(name, "ODD"), "Odd", "{name}");
        assert_eq!(changed.schemas.len(), small.schemas.len(), "{name}");
        checked += 1;
    }
    assert!(checked > 200, "{checked}");
}

/// What the service may have been: without a third of its groups, fields, values and oneofs.
fn older() -> Value {
    let mut document = vendors();
    let paths = document["paths"].as_object_mut().unwrap();
    let mut count = 0;
    let mut goes = move || {
        count += 1;
        count % 3 == 0
    };
    let mut groups: BTreeMap<String, bool> = BTreeMap::new();
    paths.retain(|_, item| {
        let item = item.as_object_mut().unwrap();
        item.retain(|_, operation| {
            let group = operation["x-speakeasy-group"].as_str().unwrap();
            !*groups.entry(group.to_owned()).or_insert_with(&mut goes)
        });
        !item.is_empty()
    });
    for values in enums(&mut document) {
        if values.len() > 3 {
            values.retain(|_| !goes());
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    for schema in schemas.values_mut() {
        let schema = schema.as_object_mut().unwrap();
        schema.shift_remove("required");
        if goes() {
            schema.shift_remove("x-oneofs");
        }
        let members: BTreeSet<String> = schema
            .get("x-oneofs")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|oneofs| oneofs.values().flat_map(|it| it.as_array().unwrap()))
            .map(|member| member.as_str().unwrap().to_owned())
            .collect();
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.retain(|name, property| {
                let is_list = property.get("items").is_some();
                members.contains(name) || is_list || name.ends_with("Token") || !goes()
            });
        }
    }
    document
}

#[test]
fn nothing_is_renamed_between_an_older_document_and_a_newer_one() {
    let (older, newer) = (older(), vendors());
    let shipped = Lock::shipped().unwrap();
    // The older one after the newer one, and back.
    let today = today();
    let before = normalize_with(&older, shipped).unwrap();
    assert!(assert_kept(&today, &before) > 5000);
    let text = shipped.extended(&before).unwrap();
    assert!(
        text.contains(" #retired\n"),
        "what went away keeps its line"
    );
    let lock = Lock::parse(&text).unwrap();
    let again = normalize_with(&newer, &lock).unwrap();
    assert_eq!(assert_kept(&today, &again), names(&today).len());

    // Without any lock before, the older one first.
    let first = normalize_with(&older, &Lock::default()).unwrap();
    let lock = Lock::parse(&Lock::default().extended(&first).unwrap()).unwrap();
    let second = normalize_with(&newer, &lock).unwrap();
    assert!(assert_kept(&first, &second) > 5000);
    assert_distinct(&second);
    let lock = Lock::parse(&lock.extended(&second).unwrap()).unwrap();
    let third = normalize_with(&older, &lock).unwrap();
    assert_eq!(assert_kept(&first, &third), names(&first).len());
    assert_kept(&second, &third);
}
