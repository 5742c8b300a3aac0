//! Applies an OpenAPI Overlay 1.0 document: our corrections and our prose.
//!
//! Targets are JSONPath (RFC 9535) with names and wildcards, which is all that an overlay over a
//! description in our form needs; a full JSONPath library would be compiled into the build of
//! every user. Anything else is refused.

use serde_json::{Map, Value};

use crate::error::{Error, Result, child};
use crate::findings::{Findings, Note};
use crate::object::Object;
use crate::read::shape;

/// Applies every action in order. Returns the targets that selected nothing, which is no error:
/// the document may be another one than the overlay was written for.
///
/// # Errors
///
/// When the overlay is not one, or an update does not fit what it is merged into.
pub fn apply(document: &mut Value, overlay: &Value) -> Result<Vec<String>> {
    let findings = Findings::default();
    let root = Object::new(overlay, "#", &findings)?;
    let version = root.require_string("overlay")?;
    if !version.starts_with("1.0.") {
        return Err(Error::new(
            "#/overlay",
            format!("{version:?}"),
            "version 1.0 of the overlay format",
        ));
    }
    let info = root.require_object("info")?;
    info.require_string("title")?;
    info.require_string("version")?;
    info.refuse_rest()?;
    // Read by `accepted`.
    root.get(ACCEPT);
    let mut idle = Vec::new();
    for (index, action) in root.list("actions")?.unwrap_or_default().iter().enumerate() {
        let action = Object::new(action, &root.item("actions", index), &findings)?;
        let target = action.require_string("target")?;
        let path = parse(target, &action.at("target"))?;
        let remove = action.boolean("remove")?;
        action.doc()?;
        let matches = if remove {
            remove_at(document, &path)
        } else {
            let update = action.require("update")?;
            update_at(document, &path, update, &action.at("update"))?
        };
        action.refuse_rest()?;
        if matches == 0 {
            idle.push(target.to_owned());
        }
    }
    root.refuse_rest()?;
    Ok(idle)
}

/// The extension of an overlay that lists the notes which its author accepts.
const ACCEPT: &str = "x-accept";

/// The notes of the description that the overlay does not accept, and the entries of its list that name no note.
///
/// An entry is the pointer of a note, or the keyword of one that says a keyword is not used.
///
/// # Errors
///
/// When the list is not one of distinct strings.
pub fn accepted<'n>(overlay: &Value, notes: &'n [Note]) -> Result<(Vec<&'n Note>, Vec<String>)> {
    let findings = Findings::default();
    let entries = Object::new(overlay, "#", &findings)?
        .strings(ACCEPT)?
        .unwrap_or_default();
    let open = notes
        .iter()
        .filter(|note| !entries.iter().any(|entry| note.is_named(entry)))
        .collect();
    let idle = entries
        .into_iter()
        .filter(|entry| !notes.iter().any(|note| note.is_named(entry)))
        .collect();
    Ok((open, idle))
}

/// A step of a target.
enum Step {
    Name(String),
    Any,
}

/// `$.paths['/api/v1/apps'].get` or `$.components.schemas.*.properties.clientSecret`.
fn parse(target: &str, pointer: &str) -> Result<Vec<Step>> {
    let refuse = || {
        let expected = "a path of names and wildcards: $.name['name'].*[*]";
        Error::new(pointer, format!("{target:?}"), expected)
    };
    let mut rest = target.strip_prefix('$').ok_or_else(refuse)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix("['") {
            quoted.split_once("']").ok_or_else(refuse)?
        } else if let Some(after) = rest.strip_prefix("[*]") {
            ("*", after)
        } else {
            let plain = rest.strip_prefix('.').ok_or_else(refuse)?;
            plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()))
        };
        if name.is_empty() || name.contains(['\'', '\\', '?', '@', ':']) && !rest.starts_with("['")
        {
            return Err(refuse());
        }
        steps.push(if name == "*" && !rest.starts_with("['") {
            Step::Any
        } else {
            Step::Name(name.to_owned())
        });
        rest = after;
    }
    Ok(steps)
}

/// The children that a step selects.
fn select<'v>(value: &'v mut Value, step: &Step) -> Vec<&'v mut Value> {
    match (value, step) {
        (Value::Object(members), Step::Name(name)) => members.get_mut(name).into_iter().collect(),
        (Value::Object(members), Step::Any) => members.values_mut().collect(),
        (Value::Array(values), Step::Any) => values.iter_mut().collect(),
        _ => Vec::new(),
    }
}

fn update_at(value: &mut Value, path: &[Step], update: &Value, pointer: &str) -> Result<usize> {
    let Some((step, rest)) = path.split_first() else {
        match (&mut *value, update) {
            // Onto a list the overlay appends one entry.
            (Value::Array(values), entry) => values.push(entry.clone()),
            _ => merge(value, update, pointer)?,
        }
        return Ok(1);
    };
    let mut matches = 0;
    for selected in select(value, step) {
        matches += update_at(selected, rest, update, pointer)?;
    }
    Ok(matches)
}

/// Objects merge member by member, lists are concatenated, anything else is replaced.
fn merge(target: &mut Value, update: &Value, pointer: &str) -> Result<()> {
    match (target, update) {
        (Value::Object(target), Value::Object(update)) => {
            drop_type(target, update);
            for (key, value) in update {
                match target.get_mut(key) {
                    Some(known) => merge(known, value, &child(pointer, key))?,
                    None => drop(target.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(target), Value::Array(update)) => target.extend(update.iter().cloned()),
        (Value::Object(_) | Value::Array(_), update) => {
            return Err(Error::new(
                pointer,
                shape(update),
                "an object for an object, a list for a list",
            ));
        }
        (target, update) => *target = update.clone(),
    }
    Ok(())
}

/// What a schema says about the type of its values. `properties` and `required` belong to it unless it stays an object.
const TYPE: &[&str] = &[
    "type",
    "$ref",
    "oneOf",
    "format",
    "items",
    "enum",
    "pattern",
    "x-open-enum",
    "additionalProperties",
    "properties",
    "required",
    "x-oneofs",
];

/// Makes room for an update that gives a schema another type: what the old one consisted of goes, and the rest stays.
/// Merged member by member, a `$ref` would stand beside a `type`, and a `format` outlive its type.
fn drop_type(target: &mut Map<String, Value>, update: &Map<String, Value>) {
    // A property may have one of these names as well; its value is a schema, an object.
    let names_type = |object: &Map<String, Value>| {
        let is = |key: &str| object.get(key).is_some_and(|value| !value.is_object());
        is("type") || is("$ref") || is("oneOf")
    };
    let stays_object = target.get("type").is_some_and(|known| *known == "object")
        && update.get("type").is_some_and(|new| *new == "object");
    if names_type(target) && names_type(update) && !stays_object {
        target.retain(|key, _| !TYPE.contains(&key.as_str()));
    }
}

fn remove_at(value: &mut Value, path: &[Step]) -> usize {
    match path {
        [] => 0,
        [last] => match (value, last) {
            (Value::Object(members), Step::Name(name)) => {
                usize::from(members.shift_remove(name).is_some())
            }
            (Value::Object(members), Step::Any) => std::mem::take(members).len(),
            (Value::Array(values), Step::Any) => std::mem::take(values).len(),
            _ => 0,
        },
        [step, rest @ ..] => select(value, step)
            .into_iter()
            .map(|selected| remove_at(selected, rest))
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{accepted, apply};
    use crate::findings::Note;

    fn overlay(actions: &Value) -> Value {
        json!({ "overlay": "1.0.0", "info": { "title": "t", "version": "1" }, "actions": actions })
    }

    #[test]
    fn updates_merge_and_lists_grow() {
        let mut document = json!({ "paths": { "/a/{b}": { "get": { "parameters": [1] } } } });
        let actions = json!([
            { "target": "$.paths['/a/{b}'].get", "update": { "parameters": [2], "deprecated": true } },
            { "target": "$.paths.*.get.parameters", "update": 3 },
        ]);
        assert_eq!(
            apply(&mut document, &overlay(&actions)).unwrap(),
            Vec::<String>::new()
        );
        assert_eq!(
            document,
            json!({ "paths": { "/a/{b}": { "get": { "parameters": [1, 2, 3], "deprecated": true } } } })
        );
    }

    #[test]
    fn an_update_replaces_a_type_as_a_whole() {
        let reference = json!({ "$ref": "#/components/schemas/Thing" });
        let timestamp = json!({ "type": "string", "format": "date-time", "readOnly": true });
        for (before, update, after) in [
            (
                &reference,
                json!({ "type": "string" }),
                json!({ "type": "string" }),
            ),
            (
                &timestamp,
                reference.clone(),
                json!({ "readOnly": true, "$ref": "#/components/schemas/Thing" }),
            ),
            (
                &timestamp,
                json!({ "type": "string" }),
                json!({ "readOnly": true, "type": "string" }),
            ),
            (
                &timestamp,
                json!({ "type": ["string", "null"] }),
                json!({ "readOnly": true, "type": ["string", "null"] }),
            ),
            (
                &json!({ "oneOf": [reference, { "type": "null" }] }),
                json!({ "type": "array", "items": { "type": "string" } }),
                json!({ "type": "array", "items": { "type": "string" } }),
            ),
            // A message keeps its fields, even one whose field is called `type`.
            (
                &json!({ "type": "object", "properties": { "type": { "type": "string" } } }),
                json!({ "type": "object", "properties": { "type": { "format": "uint64" } } }),
                json!({ "type": "object", "properties": { "type": { "type": "string", "format": "uint64" } } }),
            ),
        ] {
            let mut document = json!({ "a": before });
            let actions = json!([{ "target": "$.a", "update": update }]);
            apply(&mut document, &overlay(&actions)).unwrap();
            assert_eq!(document["a"], after, "{update}");
        }
    }

    #[test]
    fn removes() {
        let mut document = json!({ "a": { "b": 1, "c": 2 }, "l": [1, 2] });
        let actions =
            json!([{ "target": "$.a.b", "remove": true }, { "target": "$.l[*]", "remove": true }]);
        apply(&mut document, &overlay(&actions)).unwrap();
        assert_eq!(document, json!({ "a": { "c": 2 }, "l": [] }));
    }

    #[test]
    fn a_target_that_selects_nothing_is_reported() {
        let actions = json!([{ "target": "$.nowhere.x", "update": {} }]);
        assert_eq!(
            apply(&mut json!({}), &overlay(&actions)).unwrap(),
            ["$.nowhere.x"]
        );
    }

    #[test]
    fn notes_are_accepted_by_pointer_or_keyword() {
        let notes = [
            ("#/a/maxLength", "maxLength", Note::UNUSED),
            ("#/b", "two schemas", "JSON"),
            ("#/c/title", "x-y", Note::UNUSED),
        ]
        .map(|(pointer, found, carried)| Note {
            pointer: pointer.to_owned(),
            found: found.to_owned(),
            carried: carried.to_owned(),
            count: 1,
        });
        let mut overlay = overlay(&json!([]));
        overlay["x-accept"] = json!(["maxLength", "#/b", "two schemas", "#/d"]);
        let (open, idle) = accepted(&overlay, &notes).unwrap();
        assert_eq!(open, [&notes[2]]);
        assert_eq!(idle, ["two schemas", "#/d"]);
        apply(&mut json!({}), &overlay).expect("the list is no action");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for action in [
            json!({ "target": "paths", "update": {} }),
            json!({ "target": "$..x", "update": {} }),
            json!({ "target": "$.a[?@.b]", "update": {} }),
            json!({ "target": "$.a" }),
            json!({ "target": "$.a", "update": 1 }),
            json!({ "target": "$.a", "update": {}, "surprise": 1 }),
        ] {
            let mut document = json!({ "a": {} });
            apply(&mut document, &overlay(&json!([action]))).expect_err("must be refused");
        }
    }
}
