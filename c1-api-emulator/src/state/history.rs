//! What became of objects: lists of entries, each with a snapshot of the object after a change.
//!
//! The convention: a message with a field `snapshot` that holds the object, and `metadata` of the change.

use c1_api_spec::model::{Description, SchemaKind, Type};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::kind::{Kind, embedded};
use super::row::Row;
use super::{State, grant};

/// The field with the object.
const SNAPSHOT: &str = "snapshot";
/// The part that identifies an entry.
const ENTRY: &str = "/entry";

/// How an object changed.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Created,
    Updated,
    Deleted,
}

/// The kind of the objects of which the entries are.
pub(super) fn recorded<'d>(description: &'d Description, entry: &str) -> Option<&'d str> {
    let message = description.message(entry)?;
    match &message.fields.get(SNAPSHOT)?.ty {
        Type::Ref(kind) if message.fields.contains_key("metadata") => Some(kind),
        _ => None,
    }
}

/// The part of an entry with a part of its object.
pub(super) fn part(part: &str) -> String {
    embedded(SNAPSHOT, part)
}

/// Whether entries of the kind have the part: what identifies their object.
pub(super) fn keeps(
    description: &Description,
    kinds: &IndexMap<String, Kind>,
    entry: &str,
    wanted: &str,
) -> bool {
    let object = recorded(description, entry).and_then(|kind| kinds.get(kind));
    object.is_some_and(|object| object.key.iter().any(|own| part(own) == wanted))
}

/// Adds the kinds of entries.
pub(super) fn find(description: &Description, kinds: &mut IndexMap<String, Kind>) {
    for name in description.schemas.keys() {
        if let Some(kind) = recorded(description, name)
            && let Some(facts) = kinds.get_mut(kind)
        {
            facts.history = Some(name.clone());
            kinds.insert(name.clone(), Kind::new(name, vec![ENTRY.to_owned()]));
        }
    }
}

impl State {
    /// Adds an entry to the history of the object, if its kind has one.
    pub(super) fn record(&mut self, kind: &str, row: &Row, change: Change, now: &str) {
        self.log_change(kind, row, change);
        if kind == grant::GRANT {
            self.record_grant(row, change, now);
        }
        self.record_client(kind, row, change);
        self.record_principal(kind, row, change, now);
        let Some(facts) = self.plan.kinds.get(kind) else {
            return;
        };
        let Some(entries) = facts.history.clone() else {
            return;
        };
        let mut entry = Row::default();
        for name in &facts.key {
            entry.set(&part(name), row.text(name));
        }
        entry.set(SNAPSHOT, Value::Object(self.fields(kind, row)));
        let id = self.ids.id();
        entry.set("metadata", self.metadata(&entries, &id, change, now));
        entry.set(ENTRY, id.as_str());
        // Entries have no names, so this cannot fail.
        let _ = self.table(&entries).put(&[id], entry);
    }

    /// Who changed what is not known; the id, the time and the kind of change are.
    fn metadata(&self, entries: &str, id: &str, change: Change, now: &str) -> Map<String, Value> {
        let mut metadata = Map::new();
        let description = &self.description;
        let field = description
            .message(entries)
            .and_then(|message| message.fields.get("metadata"));
        let Some(Type::Ref(name)) = field.map(|field| &field.ty) else {
            return metadata;
        };
        for (name, field) in description
            .message(name)
            .iter()
            .flat_map(|message| &message.fields)
        {
            let value = match (name.as_str(), &field.ty) {
                ("id", Type::String) => json!(id),
                ("createdAt", Type::Timestamp) => json!(now),
                ("changeKind", Type::Ref(values)) => {
                    match description.schemas.get(values).map(|schema| &schema.kind) {
                        Some(SchemaKind::Enum(values)) => {
                            let endings: &[&str] = match change {
                                Change::Created => &["CREATE", "CREATED"],
                                Change::Updated => &["UPDATE", "UPDATED", "PUT"],
                                Change::Deleted => &["DELETE", "DELETED"],
                            };
                            let ends = |value: &&String| {
                                endings.iter().any(|ending| value.ends_with(ending))
                            };
                            json!(values.iter().find(ends))
                        }
                        _ => continue,
                    }
                }
                _ => continue,
            };
            metadata.insert(name.clone(), value);
        }
        metadata
    }
}
