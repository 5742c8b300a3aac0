//! Rows: stored messages in wire form, with only the fields that are set.

use c1_api_spec::model::{Description, Field, Message, SchemaKind, Type};
use serde_json::{Map, Value, json};

use super::engine::{COLLECTION, text};
use super::kind::is_hidden;
use super::names::words;
use crate::status::Status;

/// The largest number of paths in an update mask.
const MAX_PATHS: usize = 200;

/// A message that is stored or part of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row(pub(super) Map<String, Value>);

impl Row {
    /// A string field; empty if unset.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the object has all of the parts.
    pub(super) fn is(&self, selection: &[(String, String)]) -> bool {
        selection
            .iter()
            .all(|(part, value)| match self.0.get(part) {
                // An object that was not created through a collection is in all of them.
                None if part == COLLECTION => true,
                Some(Value::String(own)) if part == COLLECTION => {
                    let below = own.strip_prefix(value.as_str());
                    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
                }
                Some(own) => text(own) == *value,
                None => value.is_empty(),
            })
    }

    /// Whether the field has the value, or is a list that contains it. `status.status` is a field of an object in a
    /// field. The case of letters counts in ids only.
    pub(super) fn has(&self, field: &str, value: &Value) -> bool {
        let wanted = text(value);
        let is_id = words(field)
            .last()
            .is_some_and(|last| last == "id" || last == "ids");
        let same = |own: &Value| {
            let own = text(own);
            own == wanted || !is_id && own.to_lowercase() == wanted.to_lowercase()
        };
        let own = match field.split_once('.').filter(|_| !is_hidden(field)) {
            Some((outer, inner)) => self.0.get(outer).and_then(|outer| outer.get(inner)),
            None => self.0.get(field),
        };
        match own {
            Some(Value::Array(items)) => items.iter().any(same),
            Some(own) => same(own),
            None => false,
        }
    }

    /// A list of strings; empty if unset.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The fields, without the parts that are kept beside them.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let fields = self.0.iter().filter(|(name, _)| !is_hidden(name));
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A row with the given fields.
    pub(super) fn of<const N: usize>(fields: [(&str, &str); N]) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect(),
        )
    }

    /// Whether one of the string fields contains the query, ignoring case; true if the query is empty.
    pub(super) fn matches_query(&self, query: &str, fields: &[&str]) -> bool {
        let query = query.to_lowercase();
        query.is_empty()
            || fields
                .iter()
                .any(|name| self.text(name).to_lowercase().contains(&query))
    }

    /// Copies the fields set in `body` that `message` has with the same type, except read-only fields.
    pub(super) fn copy_fields(
        &mut self,
        message: &Message,
        request: &Message,
        body: &Map<String, Value>,
    ) {
        for (name, value) in body {
            let (Some(field), Some(requested)) =
                (message.fields.get(name), request.fields.get(name))
            else {
                continue;
            };
            if field.ty == requested.ty && !field.read_only && !value.is_null() {
                self.set(name, value.clone());
            }
        }
    }

    /// Updates the fields in the mask (`displayName,policy.id`; an empty mask means the fields set in
    /// `changes`). A field that is in the mask but not in `changes` is unset.
    pub(super) fn update(
        &mut self,
        description: &Description,
        message: &str,
        changes: &Map<String, Value>,
        mask: &str,
    ) -> Result<(), Status> {
        let Some(message) = description.message(message) else {
            return Ok(());
        };
        let paths: Vec<&str> = match mask {
            "" | "*" => changes.keys().map(String::as_str).collect(),
            mask => mask.split(',').map(str::trim).collect(),
        };
        // Each path copies a value, which may be as large as the body.
        if paths.len() > MAX_PATHS {
            let expected = format!("at most {MAX_PATHS} paths");
            return Err(Status::invalid_field("updateMask", &expected));
        }
        paths
            .into_iter()
            .try_for_each(|path| update_path(description, message, &mut self.0, changes, path))
    }
}

fn update_path(
    description: &Description,
    message: &Message,
    row: &mut Map<String, Value>,
    changes: &Map<String, Value>,
    path: &str,
) -> Result<(), Status> {
    let unknown = || {
        let shown: String = path.chars().take(80).collect();
        let expected =
            format!("paths of fields in camelCase, separated by commas, and {shown} is none");
        Status::invalid_field("updateMask", &expected)
    };
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = message.fields.get(name).ok_or_else(unknown)?;
    if field.read_only {
        return Ok(());
    }
    let value = changes.get(name).filter(|value| !value.is_null());
    let Some(rest) = rest else {
        match value {
            _ if is_merged(name, field) => merge(row, name, value),
            Some(value) => set(message, row, name, value.clone()),
            None => drop(row.remove(name)),
        }
        return Ok(());
    };
    let (Type::Ref(inner), empty) = (&field.ty, Map::new()) else {
        return Err(unknown());
    };
    let inner = description.message(inner).ok_or_else(unknown)?;
    let mut part = row
        .get(name)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    update_path(
        description,
        inner,
        &mut part,
        value.and_then(Value::as_object).unwrap_or(&empty),
        rest,
    )?;
    set(message, row, name, Value::Object(part));
    Ok(())
}

/// Whether an update merges the field: it keeps keys that it does not have, and deletes those whose value is empty.
fn is_merged(name: &str, field: &Field) -> bool {
    name == "annotations" && matches!(&field.ty, Type::Map(value) if **value == Type::String)
}

fn merge(row: &mut Map<String, Value>, name: &str, changes: Option<&Value>) {
    let old = row.get(name).and_then(Value::as_object);
    let mut merged = old.cloned().unwrap_or_default();
    let changes = changes.and_then(Value::as_object);
    merged.extend(changes.cloned().unwrap_or_default());
    merged.retain(|_, value| value != "");
    row.insert(name.to_owned(), Value::Object(merged));
}

/// Sets a field and unsets its siblings in a oneof.
fn set(message: &Message, row: &mut Map<String, Value>, name: &str, value: Value) {
    for members in message
        .oneofs
        .values()
        .filter(|members| members.iter().any(|member| member == name))
    {
        row.retain(|other, _| other == name || !members.contains(other));
    }
    row.insert(name.to_owned(), value);
}

/// Adds the unset fields, as protobuf JSON does on request: zero values, `null` for messages and
/// similar types, nothing for members of oneofs.
pub(super) fn with_defaults(description: &Description, schema: &str, value: Value) -> Value {
    let (Some(message), Value::Object(mut set)) = (description.message(schema), value.clone())
    else {
        return value;
    };
    let mut object = Map::new();
    for (name, field) in &message.fields {
        match set.remove(name).filter(|value| !value.is_null()) {
            Some(value) => {
                let each = |name: &str, value| with_defaults(description, name, value);
                object.insert(name.clone(), with_each(&field.ty, value, &each));
            }
            None if message
                .oneofs
                .values()
                .flatten()
                .any(|member| member == name) => {}
            None => {
                object.insert(name.clone(), default_value(description, field));
            }
        }
    }
    // Unknown fields stay, so that the validation of responses finds them.
    object.extend(set);
    Value::Object(object)
}

/// The value with `each` of the messages in it, by the names of their schemas; JSON of any form stays as it is.
fn with_each(ty: &Type, value: Value, each: &dyn Fn(&str, Value) -> Value) -> Value {
    match (ty, value) {
        (Type::Ref(name), value) => each(name, value),
        (Type::List(inner), Value::Array(items)) => {
            let items = items.into_iter();
            items.map(|item| with_each(inner, item, each)).collect()
        }
        (Type::Map(inner), Value::Object(entries)) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, entry)| (key, with_each(inner, entry, each)));
            Value::Object(entries.collect())
        }
        (_, value) => value,
    }
}

/// The message without the fields that are null, in messages within as well; JSON of any form stays as it is.
pub(super) fn without_nulls(description: &Description, schema: &str, value: Value) -> Value {
    let (Some(message), Value::Object(fields)) = (description.message(schema), value.clone())
    else {
        return value;
    };
    let each = |name: &str, value| without_nulls(description, name, value);
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    let set = set.map(|(name, value)| match message.fields.get(&name) {
        Some(field) => (name, with_each(&field.ty, value, &each)),
        None => (name, value),
    });
    Value::Object(set.collect())
}

/// The message without the fields that the description lacks, in messages within as well.
pub(super) fn without_unknown(description: &Description, schema: &str, value: Value) -> Value {
    let (Some(message), Value::Object(fields)) = (description.message(schema), value.clone())
    else {
        return value;
    };
    let each = |name: &str, value| without_unknown(description, name, value);
    let known = fields.into_iter().filter_map(|(name, value)| {
        let ty = &message.fields.get(&name)?.ty;
        Some((name, with_each(ty, value, &each)))
    });
    Value::Object(known.collect())
}

fn default_value(description: &Description, field: &Field) -> Value {
    match &field.ty {
        Type::List(_) => json!([]),
        Type::Map(_) => json!({}),
        _ if field.nullable => Value::Null,
        Type::String | Type::Bytes => json!(""),
        Type::Bool => json!(false),
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number => json!(0),
        Type::Int64 | Type::Uint64 => json!("0"),
        Type::Double => json!(0.0),
        Type::Timestamp | Type::Duration | Type::Any | Type::Object | Type::Json => Value::Null,
        Type::Ref(name) => match description.schemas.get(name).map(|schema| &schema.kind) {
            Some(SchemaKind::Enum(names)) => json!(names.first()),
            _ => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Row, Type, with_defaults, with_each, without_unknown};
    use crate::testing::description;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn updated(row: &Value, changes: &Value, mask: &str) -> Value {
        let mut row = Row(object(row));
        row.update(&description(), "Thing", &object(changes), mask)
            .unwrap();
        Value::Object(row.0)
    }

    #[test]
    fn updates_apply_the_mask() {
        let row = || json!({ "id": "1", "name": "a", "left": "l", "parent": { "name": "p", "count": "1" } });
        let changes =
            || json!({ "id": "2", "name": "b", "right": "1s", "parent": { "name": "q" } });
        let mask = |mask| updated(&row(), &changes(), mask);
        assert_eq!(
            mask("name"),
            json!({ "id": "1", "name": "b", "left": "l", "parent": { "name": "p", "count": "1" } })
        );
        assert_eq!(
            mask(""),
            json!({ "id": "1", "name": "b", "right": "1s", "parent": { "name": "q" } })
        );
        assert_eq!(mask("*"), mask(""));
        assert_eq!(mask("left, right")["right"], "1s");
        assert_eq!(mask("left").get("left"), None);
        assert_eq!(
            mask("parent.name")["parent"],
            json!({ "name": "q", "count": "1" })
        );
        assert_eq!(mask("id")["id"], "1", "the id is read-only");
        let unknown = Row::default().update(&description(), "Thing", &object(&changes()), "colour");
        assert_eq!(unknown.unwrap_err().http.as_u16(), 400);
    }

    #[test]
    fn annotations_are_merged() {
        let (description, old) = (
            c1_api_spec::Description::clone(crate::description().unwrap()),
            json!({ "annotations": { "a": "1", "b": "2" } }),
        );
        for (changes, new) in [
            (
                json!({ "annotations": { "a": "", "c": "3" } }),
                json!({ "b": "2", "c": "3" }),
            ),
            (json!({}), json!({ "a": "1", "b": "2" })),
        ] {
            let mut row = Row(old.as_object().unwrap().clone());
            row.update(
                &description,
                "App",
                changes.as_object().unwrap(),
                "annotations",
            )
            .unwrap();
            assert_eq!(row.0["annotations"], new);
        }
    }

    #[test]
    fn unset_fields_get_their_defaults() {
        let whole = with_defaults(
            &description(),
            "Thing",
            json!({ "name": "a", "children": [{ "right": "1s" }], "parent": null }),
        );
        assert_eq!(whole["id"], "");
        assert_eq!(whole["color"], "COLOR_UNSPECIFIED");
        assert_eq!(whole["count"], "0");
        assert_eq!(whole["labels"], json!({}));
        assert_eq!(whole["createdAt"], Value::Null);
        assert_eq!(whole["parent"], Value::Null);
        assert_eq!(whole.get("left"), None);
        assert_eq!(whole["children"][0]["right"], "1s");
        assert_eq!(whole["children"][0]["name"], "");
    }

    #[test]
    fn fields_that_a_description_lacks_are_left_out() {
        let known = without_unknown(
            &description(),
            "Thing",
            json!({ "name": "a", "colour": "red", "children": [{ "name": "b", "size": 1 }], "parent": null }),
        );
        assert_eq!(
            known,
            json!({ "name": "a", "children": [{ "name": "b" }], "parent": null })
        );
    }

    #[test]
    fn fields_that_a_description_lacks_are_left_out_of_maps() {
        let description = description();
        let things = Type::Map(Box::new(Type::Ref("Thing".to_owned())));
        let each = |name: &str, value| without_unknown(&description, name, value);
        let known = with_each(&things, json!({ "a": { "name": "b", "size": 1 } }), &each);
        assert_eq!(known, json!({ "a": { "name": "b" } }));
    }

    #[test]
    fn queries_ignore_case() {
        let row = Row::of([("displayName", "Größe"), ("description", "x")]);
        let fields = ["displayName", "description"];
        for (query, found) in [("GRÖ", true), ("ssE", false), ("X", true), ("", true)] {
            assert_eq!(row.matches_query(query, &fields), found, "{query}");
        }
        assert!(!row.matches_query("x", &["displayName"]));
    }
}
