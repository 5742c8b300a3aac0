//! The document that every case changes: a few groups of `spec/openapi.yaml`, written as the vendor writes.
//!
//! So a case meets the form in which the vendor's next document comes: full protobuf names, inline enums, and oneofs in prose.

use std::fmt::Write as _;

use c1_api_spec::select::select;
use c1_api_spec::{DOCUMENT, Description, emit, normalize, read};
use serde_json::{Map, Value, json};

/// The groups that are kept: they are small, and have pages, enums, oneofs and a read-only field between them.
const GROUPS: [&str; 3] = ["apps", "user", "vault"];

const PREFIX: &str = "#/components/schemas/";

/// The description that [`document`] is made from.
///
/// # Errors
///
/// When the description that is checked in cannot be read.
pub fn description() -> Result<Description, c1_api_spec::Error> {
    let mut description = normalize::normalize(&read::read(DOCUMENT)?)?;
    select(&mut description, |group| GROUPS.contains(&group), false);
    emit::drop_prose(&mut description);
    // They are about the whole document.
    description.origin = None;
    description.notes.clear();
    Ok(description)
}

/// A description as a document of the vendor has it.
pub fn document(description: &Description) -> Value {
    let mut document = emit::emit(description);
    let empty = Map::new();
    let ours = document["components"]["schemas"].as_object();
    let ours = ours.unwrap_or(&empty).clone();
    let mut schemas = Map::new();
    for (name, schema) in &ours {
        if schema.get("enum").is_some() {
            continue;
        }
        let mut schema = as_vendor(schema, &ours);
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove("x-proto-name");
            schema.insert("x-speakeasy-name-override".to_owned(), json!(name));
            if let Some(prose) = schema.shift_remove("x-oneofs").as_ref().map(announced) {
                schema.insert("description".to_owned(), json!(prose));
            }
        }
        schemas.insert(full_name(name, &ours), schema);
    }
    let mut paths = as_vendor(&document["paths"], &ours);
    let items = paths.as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in
        items.flat_map(|item| item.as_object_mut().into_iter().flat_map(Map::values_mut))
    {
        name_operation(operation);
    }
    document["components"]["schemas"] = Value::Object(schemas);
    document["paths"] = paths;
    if let Some(root) = document.as_object_mut() {
        root.shift_remove("x-form");
    }
    document
}

/// The name of a schema with its package, where we know it.
fn full_name(name: &str, schemas: &Map<String, Value>) -> String {
    let proto = schemas
        .get(name)
        .and_then(|schema| schema["x-proto-name"].as_str());
    proto.unwrap_or(name).to_owned()
}

/// A part of our form with full names, and with the enums inline.
fn as_vendor(value: &Value, schemas: &Map<String, Value>) -> Value {
    match value {
        Value::Array(values) => values
            .iter()
            .map(|value| as_vendor(value, schemas))
            .collect(),
        Value::Object(members) => {
            let mut members = members.clone();
            let name = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|reference| reference.strip_prefix(PREFIX)) {
                let name = name.to_owned();
                members.shift_remove("$ref");
                match schemas.get(&name).and_then(Value::as_object) {
                    Some(schema) if schema.contains_key("enum") => {
                        let ours = |key: &&String| !key.starts_with("x-");
                        for key in schema.keys().filter(ours) {
                            members.insert(key.clone(), schema[key].clone());
                        }
                        members.insert("x-speakeasy-unknown-values".to_owned(), json!("allow"));
                    }
                    _ => {
                        let reference = format!("{PREFIX}{}", full_name(&name, schemas));
                        members.insert("$ref".to_owned(), json!(reference));
                    }
                }
            }
            let entries = members
                .iter()
                .map(|(key, value)| (key.clone(), as_vendor(value, schemas)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// The sentences that announce oneofs.
fn announced(oneofs: &Value) -> String {
    let mut prose = String::new();
    for (name, members) in oneofs.as_object().into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = writeln!(prose, "This message contains a oneof named {name}.");
        for member in members
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let _ = writeln!(prose, "- {member}");
        }
    }
    prose
}

/// Group and name as extensions, and the RPC as the id.
fn name_operation(operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let id = text(operation.get("operationId").cloned()).unwrap_or_default();
    let (group, name) = id.split_once('.').unwrap_or((&id, &id));
    let name = text(operation.shift_remove("x-vendor-name")).unwrap_or_else(|| name.to_owned());
    operation.insert("x-speakeasy-group".to_owned(), json!(group));
    operation.insert("x-speakeasy-name-override".to_owned(), json!(name));
    if let Some(rpc) = operation.shift_remove("x-rpc") {
        operation.insert("operationId".to_owned(), rpc);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use c1_api_spec::{emit, normalize};

    #[test]
    fn the_vendors_form_reads_as_the_description_that_it_was_made_from() {
        let description = super::description().unwrap();
        let document = super::document(&description);
        assert_eq!(document.get("x-form"), None);
        let mut read = normalize::normalize(&document).unwrap();
        emit::drop_prose(&mut read);
        // Not the descriptions: a shared enum is named after its first place, which may be gone.
        let again = super::document(&read);
        assert!(again == document, "reads as another description");
        // It has what cases change.
        let prose = document["components"]["schemas"].to_string();
        for part in ["contains a oneof named", "x-speakeasy-unknown-values"] {
            assert!(prose.contains(part), "{part}");
        }
    }
}
