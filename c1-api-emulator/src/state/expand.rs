//! The `expanded` field: related objects that the request's expand mask asks for.

use c1_api_spec::model::Type;
use serde_json::{Map, Value, json};

use super::State;
use super::call::Call;
use super::engine::text;
use super::kind::{Link, link};
use super::messages;
use super::names::words;
use super::row::{Row, with_defaults};

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
            let path = format!("{}_id", stem.join("_"));
            if self.mask.iter().any(|known| *known == path || known == "*") {
                wanted.extend(link(&state.plan.kinds, message, &stem).map(|link| (name, link)));
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
        if let Value::Object(fields) = with_defaults(&state.description, &link.kind, fields) {
            object.0.extend(fields);
        }
        let object = Value::Object(object.0);
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
