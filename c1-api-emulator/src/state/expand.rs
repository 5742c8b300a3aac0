//! The `expanded` field: related objects that the request's expand mask asks for.

use c1_api_spec::model::Type;
use serde_json::{Map, Value, json};

use super::State;
use super::call::Call;
use super::engine::text;
use super::kind::{Link, link};
use super::messages;
use super::names::{camel, words};
use super::row::Row;

/// Collects the `expanded` objects of one response.
pub(super) struct Expansion<'a> {
    state: &'a State,
    /// Whether the response has the field.
    expands: bool,
    mask: Vec<String>,
    objects: Vec<Value>,
}

impl<'a> Expansion<'a> {
    /// Expands the paths in the call's `expandMask`, if any.
    pub(super) fn new(state: &'a State, call: &Call<'_>) -> Self {
        let response = messages::response(&state.description, call.operation);
        let mask = call.object("expandMask");
        Self {
            state,
            expands: response.is_some_and(|response| response.fields.contains_key("expanded")),
            mask: mask.texts("paths").into_iter().map(str::to_owned).collect(),
            objects: Vec::new(),
        }
    }

    /// The fields of the view that refer to expanded objects: `appPath`, if the mask contains `app_id` or `*`.
    pub(super) fn paths(&mut self, view: &str, kind: &str, row: &Row) -> Map<String, Value> {
        let state = self.state;
        let mut paths = Map::new();
        let messages = (
            state.description.message(view),
            state.description.message(kind),
        );
        let (Some(view), Some(message), false) = (messages.0, messages.1, self.mask.is_empty())
        else {
            return paths;
        };
        let mut wanted: Vec<(&String, Link)> = Vec::new();
        for (name, field) in &view.fields {
            let mut stem = words(name);
            if field.ty != Type::String || stem.pop().as_deref() != Some("path") {
                continue;
            }
            let path = stem.join("_");
            if self.wants(&format!("{path}_id")) {
                wanted.extend(link(&state.plan.kinds, message, &stem).map(|link| (name, link)));
            }
            // A time that is kept beside the fields: `lastUsagePath`.
            let time = row.text(&format!("/{}", camel(&stem)));
            if !time.is_empty() && self.wants(&path) {
                paths.insert(name.clone(), self.add_time(time));
            }
        }
        // In the order of the object's own ids.
        let key = state.plan.kinds.get(kind).map_or(&[][..], |kind| &kind.key);
        wanted.sort_by_key(|(_, link)| {
            let own = link.parts.last().map(|(_, own)| own);
            key.iter()
                .position(|part| Some(part) == own)
                .unwrap_or(key.len())
        });
        for (name, link) in wanted {
            paths.insert(name.clone(), self.add(&link, row));
        }
        paths
    }

    /// Whether the mask has one of the paths, or all.
    pub(super) fn wants(&self, path: &str) -> bool {
        self.mask.iter().any(|known| known == path || known == "*")
    }

    /// Adds objects of one kind by their keys. Returns the `JSONPath` of all of them, or an empty string.
    pub(super) fn add_all(&mut self, kind: &str, keys: &[Vec<(String, String)>]) -> Value {
        let paths = keys.iter().filter_map(|key| {
            let link = Link {
                kind: kind.to_owned(),
                parts: key
                    .iter()
                    .map(|(part, _)| (part.clone(), part.clone()))
                    .collect(),
            };
            let row = Row(key
                .iter()
                .map(|(part, value)| (part.clone(), json!(value)))
                .collect());
            let path = self.add(&link, &row);
            let at = path.as_str()?.strip_prefix("$.expanded[")?;
            Some(at.strip_suffix(']')?.to_owned())
        });
        let at: Vec<_> = paths.collect();
        if at.is_empty() {
            return json!("");
        }
        json!(format!("$.expanded[{}]", at.join(",")))
    }

    /// Adds a timestamp. Returns the `JSONPath` of it.
    pub(super) fn add_time(&mut self, time: &str) -> Value {
        let object =
            json!({ "@type": "type.googleapis.com/google.protobuf.Timestamp", "value": time });
        self.push(object)
    }

    /// Adds the object. Returns the `JSONPath` of it, or an empty string if there is none.
    fn add(&mut self, link: &Link, row: &Row) -> Value {
        let state = self.state;
        let parts = link.parts.iter();
        let selection =
            parts.map(|(part, own)| (part.clone(), row.0.get(own).map(text).unwrap_or_default()));
        let Ok(found) = state.find(&link.kind, &selection.collect::<Vec<_>>()) else {
            return json!("");
        };
        let schema = state.description.schemas.get(&link.kind);
        let proto = schema
            .and_then(|schema| schema.proto.as_ref())
            .unwrap_or(&link.kind);
        let mut object = Row::of([("@type", &format!("type.googleapis.com/{proto}"))]);
        let fields = Value::Object(state.fields(&link.kind, found));
        if let Value::Object(fields) = state.complete(&link.kind, fields) {
            object.0.extend(fields);
        }
        self.push(Value::Object(object.0))
    }

    fn push(&mut self, object: Value) -> Value {
        let known = self.objects.iter().position(|known| *known == object);
        let at = known.unwrap_or_else(|| {
            self.objects.push(object);
            self.objects.len() - 1
        });
        json!(format!("$.expanded[{at}]"))
    }

    /// Sets the field `expanded`, if the response has it.
    pub(super) fn finish(self, response: &mut Map<String, Value>) {
        if self.expands {
            response.insert("expanded".to_owned(), Value::Array(self.objects));
        }
    }
}
