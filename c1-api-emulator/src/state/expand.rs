//! The `expanded` field: related objects that the request's expand mask asks for.

use std::collections::BTreeMap;
use std::rc::Rc;

use c1_api_spec::model::{Field, Message, Type};
use c1_api_spec::names::snake;
use serde_json::{Map, Value, json};

use super::State;
use super::call::Call;
use super::engine::text;
use super::kind::Kind;
use super::messages;
use super::names::{camel, singular, words};
use super::row::Row;

/// The key of an object: each part and its value.
type Key = Vec<(String, String)>;

/// Collects the `expanded` objects of one response.
pub(super) struct Expansion<'a> {
    state: &'a State,
    /// Whether the response has the field.
    expands: bool,
    mask: Vec<String>,
    /// The paths that the mask asks for, by the view and the kind of the object in it: what they mean is found once.
    wanted: BTreeMap<(String, String), Rc<[Wanted<'a>]>>,
    objects: Vec<Value>,
}

/// A field of a view with a path that the mask asks for.
struct Wanted<'a> {
    field: &'a str,
    target: Target<'a>,
}

/// What a path leads to.
enum Target<'a> {
    /// A time that is kept beside the fields of the object, in the part: `lastUsagePath`.
    Time(String),
    Objects(Reference<'a>),
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
            wanted: BTreeMap::new(),
            objects: Vec::new(),
        }
    }

    /// The fields of the view that refer to expanded objects: `appPath`, if the mask contains `app_id` or `*`.
    pub(super) fn paths(&mut self, view: &str, kind: &str, row: &Row) -> Map<String, Value> {
        let mut paths = Map::new();
        for Wanted { field, target } in &*self.wanted(view, kind) {
            let path = match target {
                Target::Time(part) => match row.text(part) {
                    "" => continue,
                    time => self.add_time(time),
                },
                Target::Objects(reference) => self.add_all(reference.kind, &reference.keys(row)),
            };
            paths.insert((*field).to_owned(), path);
        }
        paths
    }

    fn wanted(&mut self, view: &str, kind: &str) -> Rc<[Wanted<'a>]> {
        let of = (view.to_owned(), kind.to_owned());
        if let Some(known) = self.wanted.get(&of) {
            return Rc::clone(known);
        }
        let found: Rc<[_]> = self.find_wanted(view, kind).into();
        self.wanted.insert(of, Rc::clone(&found));
        found
    }

    /// Times first, then objects in the order of the ids that the object has.
    fn find_wanted(&self, view: &str, kind: &str) -> Vec<Wanted<'a>> {
        let state = self.state;
        let messages = (
            state.description.message(view),
            state.description.message(kind),
        );
        let (Some(view), Some(message), false) = (messages.0, messages.1, self.mask.is_empty())
        else {
            return Vec::new();
        };
        let key = state.plan.kinds.get(kind).map_or(&[][..], |kind| &kind.key);
        let mut wanted = Vec::new();
        for (name, field) in &view.fields {
            let mut stem = words(name);
            if field.ty != Type::String || stem.pop().as_deref() != Some("path") {
                continue;
            }
            let path = stem.join("_");
            if self.wants(&path) {
                wanted.push((None, name, Target::Time(format!("/{}", camel(&stem)))));
            }
            if let Some(reference) = Reference::of(state, message, field, &stem)
                && (self.wants(&snake(reference.field)) || self.wants(&format!("{path}_id")))
            {
                let own = key.iter().position(|part| part == reference.field);
                let place = Some(own.unwrap_or(key.len()));
                wanted.push((place, name, Target::Objects(reference)));
            }
        }
        wanted.sort_by_key(|(place, ..)| *place);
        let wanted = wanted
            .into_iter()
            .map(|(_, field, target)| Wanted { field, target });
        wanted.collect()
    }

    /// Whether the mask has one of the paths, or all.
    pub(super) fn wants(&self, path: &str) -> bool {
        self.mask.iter().any(|known| known == path || known == "*")
    }

    /// Adds objects of one kind by their keys. Returns the `JSONPath` of those that exist, each once, or an empty string.
    pub(super) fn add_all(&mut self, kind: &str, keys: &[Key]) -> Value {
        let mut indices = Vec::new();
        for key in keys {
            let index = self.add(kind, key).map(|index| index.to_string());
            indices.extend(index.filter(|index| !indices.contains(index)));
        }
        if indices.is_empty() {
            return json!("");
        }
        json!(format!("$.expanded[{}]", indices.join(",")))
    }

    /// Adds a timestamp. Returns the `JSONPath` of it.
    pub(super) fn add_time(&mut self, time: &str) -> Value {
        let object =
            json!({ "@type": "type.googleapis.com/google.protobuf.Timestamp", "value": time });
        json!(format!("$.expanded[{}]", self.push(object)))
    }

    /// Adds the object and returns its index; `None` if there is no such object.
    fn add(&mut self, kind: &str, key: &[(String, String)]) -> Option<usize> {
        let state = self.state;
        let found = state.find(kind, key).ok()?;
        let schema = state.description.schemas.get(kind);
        let proto = schema.and_then(|schema| schema.proto.as_deref());
        let name = format!("type.googleapis.com/{}", proto.unwrap_or(kind));
        let mut object = Row::of([("@type", &name)]);
        let fields = Value::Object(state.fields(kind, found));
        if let Value::Object(fields) = state.complete(kind, fields) {
            object.0.extend(fields);
        }
        Some(self.push(Value::Object(object.0)))
    }

    fn push(&mut self, object: Value) -> usize {
        let known = self.objects.iter().position(|known| *known == object);
        known.unwrap_or_else(|| {
            self.objects.push(object);
            self.objects.len() - 1
        })
    }

    /// Sets the field `expanded`, if the response has it.
    pub(super) fn finish(self, response: &mut Map<String, Value>) {
        if self.expands {
            response.insert("expanded".to_owned(), Value::Array(self.objects));
        }
    }
}

/// What a path refers to: objects of a kind, whose ids are in a field beside it.
struct Reference<'a> {
    kind: &'a str,
    /// The parts of the key of such an object.
    key: &'a [String],
    /// The fields with the values of all parts but the last.
    parents: Vec<Option<String>>,
    /// The field with the id, with several, or with references that have the whole key.
    field: &'a str,
}

impl<'a> Reference<'a> {
    /// What a path means, whose name without `Path` has these words, in the message that has the ids.
    fn of(state: &'a State, message: &'a Message, path: &Field, stem: &[String]) -> Option<Self> {
        let kinds = &state.plan.kinds;
        let (kind, facts): (&String, &Kind) = match &path.related {
            Some(related) => kinds.get_key_value(state.description.by_proto(&related.proto)?)?,
            // A `delegated`, `user` is a `User`.
            None => (0..stem.len()).find_map(|at| {
                let mut kinds = kinds.iter();
                kinds.find(|(_, facts)| facts.is_named(&stem[at..]))
            })?,
        };
        let kind_words = words(kind);
        // What is said before the name of the kind: `created`, `by` of `created`, `by`, `user`.
        let before = (0..stem.len()).find(|at| kind_words.ends_with(&stem[*at..]));
        let before = &stem[..before.unwrap_or(stem.len())];
        let id = |words: &[&[String]]| camel(&[&words.concat()[..], &["id".to_owned()]].concat());
        let several = words(&singular(&stem.join("_")));
        let fields = [
            id(&[stem]),
            id(&[before, &kind_words]),
            // `createdById` for a `createdByUserPath`.
            id(&[before]),
            id(&[&several]) + "s",
            // `automationTemplateId` for an `automationPath`.
            id(&[stem, &["template".to_owned()]]),
            camel(stem),
        ];
        let own = |name: &String| Some(message.fields.get_key_value(name)?.0.as_str());
        let field = fields.iter().filter(|name| *name != "id").find_map(own)?;
        let parents = facts.key.iter().rev().skip(1).rev().map(|part| {
            let part = words(part);
            let names = [
                camel(&[before, &part].concat()),
                camel(&part),
                // `resourceTypeId` for an `appResourceTypeId`.
                camel(&part[1..]),
            ];
            let mut names = names.into_iter();
            names.find(|name| *name != "id" && message.fields.contains_key(name))
        });
        Some(Self {
            kind,
            key: &facts.key,
            parents: parents.collect(),
            field,
        })
    }

    /// The keys of the objects.
    fn keys(&self, row: &Row) -> Vec<Key> {
        let value = |name: &str| row.0.get(name).map(text).unwrap_or_default();
        let parents = self.parents.iter().map(|name| Some(value(name.as_ref()?)));
        let parents: Option<Vec<String>> = parents.collect();
        let key = |id: &Value| -> Option<Key> {
            let values = if let Value::Object(reference) = id {
                let values = self.key.iter().map(|part| Some(text(reference.get(part)?)));
                values.collect::<Option<Vec<_>>>()?
            } else {
                let mut values = parents.clone()?;
                values.push(text(id));
                values
            };
            Some(self.key.iter().cloned().zip(values).collect())
        };
        match row.0.get(self.field) {
            Some(Value::Array(ids)) => ids.iter().filter_map(key).collect(),
            id => id.and_then(key).into_iter().collect(),
        }
    }
}
