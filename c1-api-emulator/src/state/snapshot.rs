//! The state as JSON and back.
//!
//! ```text
//! { "format": 1, "description": "<hash>", "ids": "<generator of ids>",
//!   "tables": { "<kind>": { "next": 3, "rows": { "<position>": { <fields> } } } } }
//! ```
//!
//! All tables are in it, whoever added them. What else belongs to the state gets a field beside `ids`, here in
//! [`State::snapshot`] and [`State::restore`]. Values of sensitive fields are left out, and changes that
//! lists do not show yet are shown after [`State::restore`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use c1_api_spec::model::{Description, Type};
use serde_json::{Map, Value, json};

use super::State;
use super::engine::key;
use super::kind::is_hidden;
use super::row::Row;
use super::table::Table;
use crate::check::{self, Direction};
use crate::error::Error;
use crate::random::{Random, hash};

/// The version of the format.
const FORMAT: u64 = 1;

/// A part of a snapshot is not what was expected there.
fn invalid(place: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::Snapshot {
        place: place.into(),
        expected: expected.into(),
    }
}

impl State {
    /// The state as JSON, without credentials and tokens.
    pub(crate) fn snapshot(&self) -> Value {
        let mut tables = Map::new();
        for (kind, table) in &self.tables {
            let mut rows = Map::new();
            for (position, mut row) in table.copies() {
                remove_sensitive(&self.description, kind, &mut row.0);
                rows.insert(position.to_string(), Value::Object(row.0));
            }
            let table = json!({ "next": table.next_number(), "rows": rows });
            tables.insert(kind.clone(), table);
        }
        json!({
            "format": FORMAT,
            "description": self.digest(),
            // A number of JSON may be read as a double.
            "ids": self.ids.state().to_string(),
            "tables": tables,
        })
    }

    /// Replaces the state by that of a snapshot.
    pub(crate) fn restore(&mut self, snapshot: &Value) -> Result<(), Error> {
        if snapshot["format"] != json!(FORMAT) {
            return Err(invalid(
                "format",
                format!("{FORMAT}, the only version that is known"),
            ));
        }
        let same = snapshot["description"] == json!(self.digest());
        self.restore_tables(snapshot).map_err(|error| match error {
            Error::Snapshot { place, expected } if !same => {
                let hint = "the snapshot is of another API description";
                invalid(place, format!("{expected} ({hint})"))
            }
            error => error,
        })
    }

    fn restore_tables(&mut self, snapshot: &Value) -> Result<(), Error> {
        let ids = snapshot["ids"].as_str().and_then(|ids| ids.parse().ok());
        let ids = ids.ok_or_else(|| invalid("ids", "a number of 64 bits in a string"))?;
        let known = ["format", "description", "ids", "tables"];
        let mut fields = snapshot.as_object().into_iter().flatten();
        if let Some((other, _)) = fields.find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(invalid(other, "no such field"));
        }
        let tables = snapshot["tables"].as_object();
        let mut restored = BTreeMap::new();
        for (kind, table) in tables.ok_or_else(|| invalid("tables", "an object"))? {
            restored.insert(kind.clone(), self.restored(kind, table)?);
        }
        self.ids = Random::new(ids);
        self.tables = restored;
        self.next_expiry = None;
        Ok(())
    }

    fn restored(&self, kind: &str, table: &Value) -> Result<Table, Error> {
        let facts = self.plan.kinds.get(kind);
        let facts = facts.ok_or_else(|| invalid(kind, "a kind that the API description has"))?;
        let next = table["next"].as_u64();
        let next = next.ok_or_else(|| invalid(format!("{kind}.next"), "a number"))?;
        let rows = table["rows"].as_object();
        let mut restored = Table::new(kind);
        for (position, row) in rows.ok_or_else(|| invalid(format!("{kind}.rows"), "an object"))? {
            let place = format!("{kind} {position}");
            let at = position.parse().ok().filter(|at| (1..next).contains(at));
            let at =
                at.ok_or_else(|| invalid(&place, format!("a position from 1 to below {next}")))?;
            let fields = row.as_object().cloned();
            let row = Row(fields.ok_or_else(|| invalid(&place, "an object"))?);
            if let Some((part, _)) = row
                .0
                .iter()
                .find(|(part, value)| is_hidden(part) && !value.is_string())
            {
                return Err(invalid(format!("{place}: {part}"), "a string"));
            }
            // Kinds that the description does not name, such as lists of members, have no fields.
            if self.description.message(kind).is_some() {
                let fields = Value::Object(row.fields());
                check::value(&self.description, kind, &fields, Direction::Response).map_err(
                    |violation| {
                        invalid(
                            format!("{place}: {}", violation.field()),
                            violation.expected(),
                        )
                    },
                )?;
            } else if let Some((name, _)) = row.0.iter().find(|(name, _)| !is_hidden(name)) {
                return Err(invalid(format!("{place}: {name}"), "no such field"));
            }
            let taken = restored.restore(at, &key(&facts.key, &row), row);
            taken.map_err(|status| invalid(&place, format!("an object of its own: {status}")))?;
        }
        restored.set_next(next);
        Ok(restored)
    }

    /// A hash of the description, to tell whether a snapshot is of another one.
    fn digest(&self) -> String {
        let mut text = String::new();
        for (name, schema) in &self.description.schemas {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}:{:?}", schema.kind);
        }
        format!("{:016x}", hash(text.as_bytes()))
    }
}

/// Removes what must not be written: the values of sensitive fields, in messages within as well.
fn remove_sensitive(description: &Description, schema: &str, fields: &mut Map<String, Value>) {
    let Some(message) = description.message(schema) else {
        return;
    };
    fields.retain(|name, _| {
        !message
            .fields
            .get(name)
            .is_some_and(|field| field.sensitive)
    });
    for (name, value) in fields {
        if let Some(field) = message.fields.get(name) {
            remove_sensitive_in(description, &field.ty, value);
        }
    }
}

fn remove_sensitive_in(description: &Description, ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Ref(name), Value::Object(fields)) => remove_sensitive(description, name, fields),
        (Type::List(inner), Value::Array(items)) => {
            for item in items {
                remove_sensitive_in(description, inner, item);
            }
        }
        (Type::Map(inner), Value::Object(entries)) => {
            for entry in entries.values_mut() {
                remove_sensitive_in(description, inner, entry);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::SchemaKind;
    use serde_json::json;

    use super::{Map, Value, remove_sensitive};

    #[test]
    fn values_of_sensitive_fields_are_left_out() {
        let description = crate::default_description().unwrap();
        let mut found = 0;
        for (schema, facts) in &description.schemas {
            let SchemaKind::Message(message) = &facts.kind else {
                continue;
            };
            for (name, field) in &message.fields {
                let mut fields = Map::new();
                fields.insert(name.clone(), json!("hunter2"));
                remove_sensitive(&description, schema, &mut fields);
                assert_eq!(fields.is_empty(), field.sensitive, "{schema}.{name}");
                found += usize::from(field.sensitive);
            }
            // In a message within.
            let sensitive = message.fields.iter().find(|(_, field)| field.sensitive);
            if let Some((name, _)) = sensitive {
                let ty = super::Type::List(Box::new(super::Type::Ref(schema.clone())));
                let mut value: Value = json!([{ name: "hunter2", "other": 1 }]);
                super::remove_sensitive_in(&description, &ty, &mut value);
                assert_eq!(value, json!([{ "other": 1 }]));
            }
        }
        assert!(found > 0);
    }
}
