//! Sample data that conforms to its schema and is reproducible from a seed on every machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use c1_api_spec::model::{Description, Field, Message, SchemaKind, Type};
use serde_json::{Map, Value, json};

use crate::random::Random;

/// The nesting depth beyond which only required fields are set.
const DEPTH: usize = 4;

/// How many fields of a message are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fill {
    /// Every field, and one member of each oneof.
    #[default]
    All,
    /// The required fields, and about one in four of the others.
    Few,
}

/// Generates samples, each different from the previous one.
///
/// ```
/// use c1_api_emulator::sample::{Fill, Sampler};
///
/// let description = c1_api_emulator::description()?;
/// let few = Sampler::new(description, 7).fill(Fill::Few).message("App");
/// let again = Sampler::new(description, 7).fill(Fill::Few).message("App");
/// assert_eq!(few, again);
/// # Ok::<(), c1_api_emulator::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sampler<'a> {
    description: &'a Description,
    random: Random,
    fill: Fill,
}

/// A sample of the named schema with every field set: [`Sampler::message`] in one call.
pub fn message(description: &Description, name: &str, seed: u64) -> Value {
    Sampler::new(description, seed).message(name)
}

impl<'a> Sampler<'a> {
    /// A sampler that sets every field.
    pub fn new(description: &'a Description, seed: u64) -> Self {
        Self {
            description,
            random: Random::new(seed),
            fill: Fill::All,
        }
    }

    /// Sets how many fields are set.
    #[must_use]
    pub fn fill(mut self, fill: Fill) -> Self {
        self.fill = fill;
        self
    }

    /// A sample of the named schema, message or not; `null` if there is no such schema.
    ///
    /// A oneof has at most one member, the nesting depth is limited, and `nextPageToken` is empty, so
    /// that a page is the last one.
    pub fn message(&mut self, name: &str) -> Value {
        self.named(name, name, 0)
    }

    /// A sample of a type, for example of a path parameter. Strings depend on `name`: an id, an email
    /// address, a URL or words.
    pub fn value(&mut self, ty: &Type, name: &str) -> Value {
        match ty {
            Type::Ref(schema) => self.named(schema, name, 0),
            ty => self.typed(ty, name, 0),
        }
    }

    fn named(&mut self, schema: &str, name: &str, depth: usize) -> Value {
        let description = self.description;
        match description.schemas.get(schema).map(|schema| &schema.kind) {
            Some(SchemaKind::Message(message)) => Value::Object(self.fields(message, depth)),
            Some(SchemaKind::Enum(names)) => json!(self.random.pick(names)),
            Some(SchemaKind::Pattern(_)) => json!(self.text(name)),
            None => Value::Null,
        }
    }

    fn fields(&mut self, message: &'a Message, depth: usize) -> Map<String, Value> {
        // All members of a oneof but one.
        let mut omitted = Vec::new();
        for members in message.oneofs.values() {
            let chosen = self.random.below(members.len());
            let others = members.iter().enumerate().filter(|(at, _)| *at != chosen);
            omitted.extend(others.map(|(_, member)| member));
        }
        let mut object = Map::new();
        for (name, field) in &message.fields {
            if field.required || !omitted.contains(&name) && self.includes(field, depth) {
                let value = if name == "nextPageToken" && field.ty == Type::String {
                    json!("")
                } else {
                    self.typed(&field.ty, name, depth)
                };
                object.insert(name.clone(), value);
            }
        }
        object
    }

    fn includes(&mut self, field: &Field, depth: usize) -> bool {
        let nests = match field.ty.reference() {
            Some(name) => self.description.message(name).is_some(),
            None => field.ty == Type::Any,
        };
        match self.fill {
            _ if nests && depth >= DEPTH => false,
            Fill::All => true,
            Fill::Few => self.random.below(4) == 0,
        }
    }

    fn typed(&mut self, ty: &Type, name: &str, depth: usize) -> Value {
        match ty {
            Type::String => json!(self.text(name)),
            Type::Bool => json!(self.random.below(2) == 1),
            Type::Int32 => json!(self.one_of([0, 1, -1, 42, i32::MAX, i32::MIN])),
            Type::Uint32 => json!(self.one_of([0, 1, 42, u32::MAX])),
            Type::Int64 => json!(
                self.one_of([0, 1, -1, 1_700_000_000, i64::MAX, i64::MIN])
                    .to_string()
            ),
            Type::Uint64 => json!(self.one_of([0, 1, 1_700_000_000, u64::MAX]).to_string()),
            Type::Int64Number => json!(self.one_of([0, 1, -1, i64::MAX, i64::MIN])),
            Type::Uint64Number => json!(self.one_of([0, 1, u64::MAX])),
            Type::Double => json!(self.one_of([0.0, 0.5, -1.25, 1e9])),
            Type::Bytes => {
                let length = self.random.below(5);
                let bytes: Vec<u8> = (0..length)
                    .map(|_| self.random.next().to_le_bytes()[0])
                    .collect();
                json!(STANDARD.encode(bytes))
            }
            Type::Timestamp => json!(self.one_of([
                "2024-02-29T12:34:56Z",
                "2025-01-01T00:00:00.500Z",
                "1969-12-31T23:59:59.999999Z",
                "2030-06-15T08:00:00.123456789Z",
            ])),
            Type::Duration => {
                json!(self.one_of(["3600s", "0s", "1.500s", "-0.000001s", "86400.000000001s"]))
            }
            Type::Any => self.any(depth),
            Type::Object => json!({ "key": self.text(name), "more": [1, null, { "deep": true }] }),
            Type::Json => self.one_of([
                json!("text"),
                json!(1.5),
                json!([true]),
                json!({ "key": "value" }),
            ]),
            Type::Ref(schema) => self.named(schema, name, depth + 1),
            Type::List(inner) => {
                let length = 1 + self.random.below(2);
                (0..length)
                    .map(|_| self.typed(inner, name, depth))
                    .collect()
            }
            Type::Map(inner) => {
                let length = 1 + self.random.below(2);
                let entries =
                    (0..length).map(|at| (format!("key-{at}"), self.typed(inner, name, depth)));
                Value::Object(entries.collect())
            }
        }
    }

    /// A protobuf `Any` that contains a random message of the description.
    fn any(&mut self, depth: usize) -> Value {
        let description = self.description;
        let chosen = self.random.below(description.schemas.len());
        let named = description
            .schemas
            .values()
            .cycle()
            .skip(chosen)
            .take(description.schemas.len());
        let found = named
            .into_iter()
            .find_map(|schema| match (&schema.proto, &schema.kind) {
                (Some(proto), SchemaKind::Message(message)) => Some((proto.as_str(), message)),
                _ => None,
            });
        let mut object = Map::new();
        if let Some((proto, message)) = found {
            object.insert(
                "@type".to_owned(),
                json!(format!("type.googleapis.com/{proto}")),
            );
            let fill = std::mem::replace(&mut self.fill, Fill::Few);
            object.extend(self.fields(message, depth + 1));
            self.fill = fill;
        }
        Value::Object(object)
    }

    fn text(&mut self, name: &str) -> String {
        const WORDS: [&str; 8] = [
            "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "höhle",
        ];
        let word = self.one_of(WORDS);
        match name.to_ascii_lowercase() {
            name if name.ends_with("id") || name.ends_with("ids") => self.random.id(),
            name if name.contains("email") => format!("{}@example.com", word.replace('ö', "oe")),
            name if name.ends_with("url") || name.ends_with("uri") => {
                format!("https://example.com/{}", self.random.below(100))
            }
            _ => format!("{word} {}", self.random.below(100)),
        }
    }

    fn one_of<T, const N: usize>(&mut self, mut choices: [T; N]) -> T
    where
        T: Default,
    {
        let at = self.random.below(N);
        choices.get_mut(at).map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Fill, Sampler, message};
    use crate::check::{self, Direction};
    use crate::testing::description;

    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    #[test]
    fn samples_conform_and_are_reproducible_and_limited_in_depth() {
        let description = description();
        for seed in 0..50 {
            for fill in [Fill::All, Fill::Few] {
                let sample = || Sampler::new(&description, seed).fill(fill).message("Thing");
                assert_eq!(
                    check::value(&description, "Thing", &sample(), Direction::Response),
                    Ok(())
                );
                assert_eq!(sample(), sample());
                assert!(depth(&sample()) <= super::DEPTH + 4, "{}", depth(&sample()));
            }
        }
        assert_ne!(
            message(&description, "Thing", 1),
            message(&description, "Thing", 2)
        );
    }

    #[test]
    fn all_sets_every_field_except_siblings_in_oneofs() {
        let description = description();
        let all = message(&description, "Thing", 3);
        let fields = description.message("Thing").unwrap().fields.len();
        assert_eq!(all.as_object().unwrap().len(), fields - 1);
        let members = |seed| message(&description, "Thing", seed).get("left").is_some();
        assert!(
            (0..20).any(members) && !(0..20).all(members),
            "the seed selects the member"
        );
        let few: usize = (0..20)
            .map(|seed| {
                Sampler::new(&description, seed)
                    .fill(Fill::Few)
                    .message("Thing")
                    .as_object()
                    .unwrap()
                    .len()
            })
            .sum();
        assert!(few < 20 * (fields - 1) / 2, "{few}");
    }

    #[test]
    fn a_page_has_no_next_page_token() {
        assert_eq!(message(&description(), "Page", 1)["nextPageToken"], "");
    }

    #[test]
    fn an_any_contains_a_message_of_the_description() {
        let sample = message(&description(), "Thing", 1);
        assert_eq!(sample["extra"]["@type"], "type.googleapis.com/x.v1.Thing");
    }
}
