//! `names.lock`: the names that the Rust of earlier imports has. An import keeps each of them, whatever else the document
//! has become, and what is new gets another name than they have.
//!
//! A text of lines `kind key name`, sorted: what the name is of, how the document names that, and the name in Rust. See
//! `spec/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::findings::Findings;
use crate::model::{Description, Message, Method, Operation, Schema, SchemaKind};
use crate::names::is_rust;
use crate::naming;

/// The locked names of the description that ships with this crate: `names.lock`.
pub const NAMES: &str = include_str!("../names.lock");

/// The mark of a name that the last import did not need. It stays locked.
const RETIRED: &str = "#retired";

/// What a locked name is of; with each, the key by which the document is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// `Message.field` or `group.name?parameter`, the place where the enum is used, to its type.
    Enum,
    /// The wire name of a field, whatever the message.
    Field,
    /// `Message.field`, where the message has two fields that would be one in Rust.
    FieldOf,
    /// The vendor's group, in `snake_case`.
    Group,
    /// The protobuf name of a schema, or what the document calls it.
    Message,
    /// The full name of an RPC, or method and path without the names of parameters, to `group.name`.
    Operation,
    /// `group.name` to the struct of its path parameters, where that is not called as it would be.
    Path,
    /// The type of an enum to what its values begin with. This is no name, but decides those of new values.
    Prefix,
    /// `group.name` to the builder, where that is not called as it would be.
    Request,
    /// `Message.oneof` to what its methods are named after.
    Stem,
    /// `Enum.value`, or `View.field` for a oneof, to the variant.
    Value,
    /// `Message.oneof` to its view.
    View,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Enum,
        Self::Field,
        Self::FieldOf,
        Self::Group,
        Self::Message,
        Self::Operation,
        Self::Path,
        Self::Prefix,
        Self::Request,
        Self::Stem,
        Self::Value,
        Self::View,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Enum => "enum",
            Self::Field => "field",
            Self::FieldOf => "field-of",
            Self::Group => "group",
            Self::Message => "message",
            Self::Operation => "operation",
            Self::Path => "path",
            Self::Prefix => "prefix",
            Self::Request => "request",
            Self::Stem => "stem",
            Self::Value => "value",
            Self::View => "view",
        }
    }

    /// Whether a name of this kind can be written in Rust.
    fn allows(self, name: &str) -> bool {
        match self {
            Self::Prefix => true,
            // Only ever behind `to_` and the like, or made an identifier.
            Self::Stem => is_rust(&format!("to_{name}")),
            Self::Operation => name
                .split_once('.')
                .is_some_and(|(group, name)| is_rust(group) && is_rust(name)),
            _ => is_rust(name),
        }
    }

    /// What a name must be the only one of, besides itself; `None` where several keys may have one name.
    fn scope(self, key: &str) -> Option<&str> {
        let owner = || key.split_once('.').map_or("", |(owner, _)| owner);
        match self {
            Self::Enum | Self::Field | Self::Prefix | Self::Operation => None,
            Self::Message | Self::View => Some("types"),
            Self::Group => Some("groups"),
            Self::FieldOf | Self::Path | Self::Request | Self::Stem | Self::Value => Some(owner()),
        }
    }
}

/// Names that stay: by kind, what the document says to what Rust says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    names: BTreeMap<Kind, BTreeMap<String, String>>,
    /// The names of all types.
    types: BTreeSet<String>,
}

static SHIPPED: LazyLock<Result<Lock>> = LazyLock::new(|| Lock::parse(NAMES));
static NONE: LazyLock<Lock> = LazyLock::new(Lock::default);

impl Lock {
    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// When a line is none of a lock, or gives a name that another has; each with its number in place of a JSON pointer.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lock = Self::default();
        let mut claims = BTreeMap::new();
        let findings = Findings::default();
        for (index, line) in text.lines().enumerate() {
            let line = lock.line(line, index + 1, &mut claims);
            findings.keep(line.map_err(|(found, expected)| {
                Error::new(&format!("names.lock:{}", index + 1), found, expected)
            }));
        }
        findings.finish()?;
        Ok(lock)
    }

    /// Adds a line; an error is what was found and what was expected.
    fn line(
        &mut self,
        line: &str,
        number: usize,
        claims: &mut BTreeMap<String, usize>,
    ) -> std::result::Result<(), (String, String)> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let refused = |expected: &str| (format!("{line:?}"), expected.to_owned());
        let (line, is_retired) = match line.strip_suffix(RETIRED) {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        let tokens: Vec<_> = line.split(' ').collect();
        let [kind, key, name] = tokens[..] else {
            return Err(refused("`kind key name`"));
        };
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        let kind = kind.ok_or_else(|| refused(&format!("one of {}", kinds())))?;
        let key = unquoted(key).ok_or_else(|| refused("a key that is quoted as in JSON"))?;
        let name = unquoted(name).ok_or_else(|| refused("a name that is quoted as in JSON"))?;
        if !kind.allows(&name) {
            return Err(refused("a name that Rust takes"));
        }
        let mut claim = |what: String| match claims.insert(what, number) {
            Some(other) => Err(refused(&format!("another name than that of line {other}"))),
            None => Ok(()),
        };
        match kind {
            // Moved calls leave a line that is retired, so there is at most one RPC and one call besides.
            Kind::Operation if !is_retired => claim(format!("{} {name}", key.contains(':')))?,
            // All places of one enum claim its name once, as one.
            Kind::Enum if self.types.contains(&name) => {
                if claims.get(&format!("types {name}")).is_some() {
                    return Err(refused("a name that no other type has"));
                }
            }
            _ => {
                if let Some(scope) = kind.scope(&key) {
                    let is_type = matches!(kind, Kind::Message | Kind::View);
                    if is_type && self.types.contains(&name) {
                        return Err(refused("a name that no other type has"));
                    }
                    claim(format!("{scope} {name}"))?;
                }
            }
        }
        if self.get(kind, &key).is_some() {
            return Err(refused("each key once"));
        }
        self.insert(kind, key, name);
        Ok(())
    }

    /// The lock that ships with this crate.
    ///
    /// # Errors
    ///
    /// When that is none, by a defect of this crate.
    pub fn shipped() -> Result<&'static Self> {
        SHIPPED.as_ref().map_err(Clone::clone)
    }

    /// The shipped lock where the document is of the service that it is of, else an empty one: names of another service
    /// are not what they stand for, and would only be in the way.
    ///
    /// # Errors
    ///
    /// As [`Lock::shipped`].
    pub fn of_document(document: &Value) -> Result<&'static Self> {
        let shipped = Self::shipped()?;
        Ok(if shipped.knows(document) {
            shipped
        } else {
            &NONE
        })
    }

    /// Whether the document has an operation that is locked: by its RPC, or without one by its method and path.
    fn knows(&self, document: &Value) -> bool {
        let paths = document.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().any(|(path, item)| {
            Method::ALL.into_iter().any(|method| {
                let Some(operation) = item.get(method.as_str().to_lowercase()) else {
                    return false;
                };
                let text = |key| operation.get(key).and_then(Value::as_str);
                let id = text("operationId").filter(|id| id.matches('.').count() > 1);
                match text("x-rpc").or(id) {
                    Some(rpc) => self.get(Kind::Operation, rpc).is_some(),
                    None => self.get(Kind::Operation, &call(method, path)).is_some(),
                }
            })
        })
    }

    /// The locked name.
    pub(crate) fn get(&self, kind: Kind, key: &str) -> Option<&str> {
        self.names.get(&kind)?.get(key).map(String::as_str)
    }

    /// The locked name of what belongs to something that is named in Rust.
    pub(crate) fn get_of(&self, kind: Kind, owner: &str, key: &str) -> Option<&str> {
        self.get(kind, &format!("{owner}.{key}"))
    }

    /// Every key of the kind and its name.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        let names = self.names.get(&kind).into_iter().flatten();
        names.map(|(key, name)| (key.as_str(), name.as_str()))
    }

    /// The keys of what belongs to the owner, and their names.
    pub(crate) fn all_of(&self, kind: Kind, owner: &str) -> impl Iterator<Item = (&str, &str)> {
        let from = format!("{owner}.");
        let skip = from.len();
        let names = self.names.get(&kind);
        let names = names.map(|names| names.range(from..format!("{owner}/")));
        let names = names.into_iter().flatten();
        names.map(move |(key, name)| (&key[skip..], name.as_str()))
    }

    /// Whether a type is locked under this name.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    /// Adds a name, unless the key has one.
    fn insert(&mut self, kind: Kind, key: impl Into<String>, name: impl Into<String>) {
        let name = name.into();
        if matches!(kind, Kind::Enum | Kind::Message | Kind::View) {
            self.types.insert(name.clone());
        }
        let names = self.names.entry(kind).or_default();
        names.entry(key.into()).or_insert(name);
    }

    /// The text of this lock with the names of the description added. What is locked stays; what the description does not
    /// have is marked as retired.
    ///
    /// # Errors
    ///
    /// When both cannot be in one lock, which is so when the description was not read with this lock.
    pub fn extended(&self, description: &Description) -> Result<String> {
        let names = Self::of(description);
        let mut all = self.clone();
        for kind in Kind::ALL {
            for (key, name) in names.all(kind) {
                all.insert(kind, key, name);
            }
        }
        let mut lines = String::from(HEADER);
        for (kind, entries) in &all.names {
            for (key, name) in entries {
                let line = format!("{} {} {}", kind.as_str(), quoted(key), quoted(name));
                lines.push_str(&line);
                if names.get(*kind, key) != Some(name) {
                    lines.push(' ');
                    lines.push_str(RETIRED);
                }
                lines.push('\n');
            }
        }
        Self::parse(&lines)?;
        Ok(lines)
    }

    /// The names that a description has.
    fn of(description: &Description) -> Self {
        let mut lock = Self::default();
        for (name, schema) in &description.schemas {
            match &schema.kind {
                SchemaKind::Enum(values) => lock.add_enum(name, schema, values, description),
                SchemaKind::Pattern(_) => lock.insert(Kind::Message, wire(name, schema), name),
                SchemaKind::Message(message) => {
                    lock.insert(Kind::Message, wire(name, schema), name);
                    lock.add_members(name, message, description);
                }
            }
        }
        for (place, name) in description.places() {
            let schema = description.schemas.get(name);
            if schema.is_some_and(|schema| matches!(schema.kind, SchemaKind::Enum(_))) {
                lock.insert(Kind::Enum, place, name);
            }
        }
        for operation in &description.operations {
            lock.add_operation(operation, description);
        }
        lock
    }

    fn add_enum(&mut self, name: &str, schema: &Schema, values: &[String], all: &Description) {
        if let Some(proto) = &schema.proto {
            self.insert(Kind::Enum, proto, name);
        }
        let prefix = all.prefix(name);
        if !prefix.is_empty() {
            self.insert(Kind::Prefix, name, prefix);
        }
        for value in values {
            let variant = all.variant(name, value);
            self.insert(Kind::Value, format!("{name}.{value}"), variant);
        }
    }

    fn add_members(&mut self, name: &str, message: &Message, all: &Description) {
        for wire in message.fields.keys() {
            let field = all.field(name, wire);
            if field == all.names.usual_field(wire) {
                self.insert(Kind::Field, wire, field);
            } else {
                self.insert(Kind::FieldOf, format!("{name}.{wire}"), field);
            }
        }
        for (group, members) in &message.oneofs {
            let oneof = all.oneof(name, group);
            for member in members {
                let variant = all.variant(&oneof.view, member);
                self.insert(Kind::Value, format!("{}.{member}", oneof.view), variant);
            }
            self.insert(Kind::View, format!("{name}.{group}"), oneof.view);
            self.insert(Kind::Stem, format!("{name}.{group}"), oneof.stem);
        }
    }

    fn add_operation(&mut self, operation: &Operation, all: &Description) {
        let id = operation.id();
        self.insert(Kind::Group, &operation.group, &operation.group);
        self.insert(
            Kind::Operation,
            call(operation.method, &operation.path),
            &id,
        );
        if let Some(rpc) = &operation.rpc {
            self.insert(Kind::Operation, rpc, &id);
        }
        let request = all.request(operation);
        if request.builder != naming::builder(operation) {
            self.insert(Kind::Request, &id, request.builder);
        }
        if request.path != naming::path_struct(operation) {
            self.insert(Kind::Path, id, request.path);
        }
    }
}

/// What the document calls a message or a pattern.
fn wire<'a>(name: &'a str, schema: &'a Schema) -> &'a str {
    schema.proto.as_deref().unwrap_or(name)
}

const HEADER: &str = "# The names in Rust, written by `cargo xtask spec import`: see README.md. A name that is here never changes.\n";

fn kinds() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}

/// Method and path of an operation as a key: the names of parameters are none of the wire's.
pub(crate) fn call(method: Method, path: &str) -> String {
    let mut key = format!("{}:", method.as_str());
    let mut is_name = false;
    for c in path.chars() {
        if !is_name || c == '}' {
            key.push(c);
        }
        is_name = c == '{' || (is_name && c != '}');
    }
    key
}

/// A token of a line: as it is where it stays one, else as a JSON string without spaces.
fn quoted(token: &str) -> String {
    let is_plain = !token.is_empty()
        && !token.starts_with(['"', '#'])
        && !token.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_plain {
        token.to_owned()
    } else {
        Value::from(token).to_string().replace(' ', "\\u0020")
    }
}

fn unquoted(token: &str) -> Option<String> {
    if token.starts_with('"') {
        serde_json::from_str(token).ok()
    } else {
        Some(token.to_owned()).filter(|token| !token.is_empty())
    }
}
