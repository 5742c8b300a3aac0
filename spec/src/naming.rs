//! The names in Rust of what the model calls as the document does: fields, variants, oneofs and the types of a request. One
//! pass over a description gives them, the locked ones first; the generator asks for them and derives none.

use std::collections::{BTreeMap, BTreeSet};

use crate::lock::{Kind, Lock};
use crate::model::{Description, Message, Operation, SchemaKind};
use crate::names::{self, free, is_prelude, pascal, snake, variant};
use crate::normalize::common_prefix;

/// The methods of a message, besides those of its oneofs, that a setter with their name would hide from a caller.
pub(crate) const METHODS: &[&str] = &["new", "clone", "into"];

/// The variant of the empty value, or of one that is nothing but what all begin with.
const EMPTY: &str = "Empty";

/// The names of a description in Rust, as far as they are not those of the model: see [`Description::variant`] and its
/// neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By enum.
    prefixes: BTreeMap<String, String>,
    /// By enum or view, then by value or field.
    variants: BTreeMap<String, BTreeMap<String, String>>,
    /// By wire name, where the lock has another than the usual one.
    usual: BTreeMap<String, String>,
    /// By message and wire name, where the message has two that would be one.
    fields: BTreeMap<String, BTreeMap<String, String>>,
    /// By message and oneof.
    oneofs: BTreeMap<String, BTreeMap<String, OneofNames>>,
    /// By operation, where they are not the usual ones.
    requests: BTreeMap<String, RequestNames>,
}

/// The names of a oneof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OneofNames {
    /// The enum of its members.
    pub view: String,
    /// What its methods are named after: `to_` and `into_` before it read the oneof, and it alone, as an identifier, sets it.
    pub stem: String,
}

/// The names of the types of an operation, in the module of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestNames {
    /// The builder.
    pub builder: String,
    /// The struct of the path parameters, where the operation takes them in one.
    pub path: String,
}

impl Description {
    /// The variant of a value of an enum, or of a member of a oneof's view.
    pub fn variant(&self, of: &str, value: &str) -> String {
        let known = self.names.variants.get(of);
        let known = known.and_then(|variants| variants.get(value));
        known.cloned().unwrap_or_else(|| variant(value))
    }

    /// What the values of an enum begin with, and their variants do not; empty where there is nothing.
    pub fn prefix(&self, of: &str) -> &str {
        self.names.prefixes.get(of).map_or("", String::as_str)
    }

    /// The name of a field, without the `r#` of a keyword.
    pub fn field(&self, message: &str, wire: &str) -> String {
        self.names.field(message, wire)
    }

    /// The names of a oneof of a message.
    pub fn oneof(&self, message: &str, group: &str) -> OneofNames {
        let known = self.names.oneofs.get(message);
        let known = known.and_then(|oneofs| oneofs.get(group));
        known.cloned().unwrap_or_else(|| OneofNames {
            view: format!("{message}{}", pascal(group)),
            stem: snake(group),
        })
    }

    /// The names of the types of an operation.
    pub fn request(&self, operation: &Operation) -> RequestNames {
        let known = self.names.requests.get(&operation.id());
        known.cloned().unwrap_or_else(|| RequestNames {
            builder: builder(operation),
            path: path_struct(operation),
        })
    }
}

/// The methods of a oneof that has the stem.
pub(crate) fn methods(stem: &str) -> [String; 4] {
    let [to, into, clear] = ["to_", "into_", "clear_"].map(|prefix| format!("{prefix}{stem}"));
    [to, into, clear, names::field(stem)]
}

/// What the builder of an operation is called unless that is taken: as the operation, with `Request` behind it where that is
/// the name of the group's entry or of something that every group uses.
pub(crate) fn builder(operation: &Operation) -> String {
    let name = pascal(&operation.name);
    if name == pascal(&operation.group) || names::is_used_by_groups(&name) {
        name + "Request"
    } else {
        name
    }
}

/// What the struct of an operation's path parameters is called unless that is taken.
pub(crate) fn path_struct(operation: &Operation) -> String {
    format!("{}Path", pascal(&operation.name))
}

/// The names of a description whose types and operations are named.
pub(crate) fn names(description: &Description, lock: &Lock) -> Names {
    let mut names = Names::default();
    for (name, schema) in &description.schemas {
        match &schema.kind {
            SchemaKind::Message(message) => names.fields(name, message, lock),
            SchemaKind::Enum(values) => names.values(name, values, lock),
            SchemaKind::Pattern(_) => {}
        }
    }
    names.oneofs(description, lock);
    names.requests(description, lock);
    names
}

impl Names {
    fn field(&self, message: &str, wire: &str) -> String {
        let known = self.fields.get(message);
        let known = known.and_then(|fields| fields.get(wire));
        known.cloned().unwrap_or_else(|| self.usual_field(wire))
    }

    /// The name that a field has in every message but those where another field has it.
    pub(crate) fn usual_field(&self, wire: &str) -> String {
        let known = self.usual.get(wire);
        known.cloned().unwrap_or_else(|| names::field(wire))
    }

    /// The variants of an enum: without what all values begin with, or did when the name of the enum was locked.
    fn values(&mut self, name: &str, values: &[String], lock: &Lock) {
        let is_locked = lock.all_of(Kind::Value, name).next().is_some();
        let prefix = if is_locked {
            lock.get(Kind::Prefix, name).unwrap_or("")
        } else {
            common_prefix(values)
        };
        let short = |value: &str| value.strip_prefix(prefix).unwrap_or(value).to_owned();
        let candidates = |value: &str| {
            let short = short(value);
            if short.is_empty() {
                vec![EMPTY.to_owned(), "EmptyValue".to_owned()]
            } else if short == value {
                vec![variant(value)]
            } else {
                vec![variant(&short), variant(value)]
            }
        };
        // An empty value steps back from one that is called so.
        let (empty, others): (Vec<_>, Vec<_>) =
            values.iter().partition(|value| short(value).is_empty());
        let values = others.into_iter().chain(empty);
        self.variants(name, values.map(|value| (value, candidates(value))), lock);
        if !prefix.is_empty() {
            self.prefixes.insert(name.to_owned(), prefix.to_owned());
        }
    }

    /// The variants of an enum or a view, from what each would be called by preference.
    fn variants<'a>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = (&'a String, Vec<String>)>,
        lock: &Lock,
    ) {
        let mut taken: BTreeSet<String> = BTreeSet::from([names::UNRECOGNIZED.to_owned()]);
        let locked: BTreeMap<_, _> = lock.all_of(Kind::Value, name).collect();
        taken.extend(locked.values().map(|&variant| variant.to_owned()));
        let variants = self.variants.entry(name.to_owned()).or_default();
        for (value, candidates) in values {
            let variant = match locked.get(value.as_str()) {
                Some(&variant) => variant.to_owned(),
                None => free(candidates, |name| taken.contains(name)),
            };
            taken.insert(variant.clone());
            variants.insert(value.clone(), variant);
        }
    }

    /// The fields of a message. Of two that would be one, that has the name which is locked, else the one that is written as
    /// protobuf's JSON writes it, else the first.
    fn fields(&mut self, name: &str, message: &Message, lock: &Lock) {
        let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for wire in message.fields.keys() {
            let usual = names::field(wire);
            let locked = lock.get(Kind::Field, wire).map(str::to_owned);
            if let Some(locked) = locked.as_ref().filter(|locked| **locked != usual) {
                self.usual.insert(wire.clone(), locked.clone());
            }
            let own = lock.get_of(Kind::FieldOf, name, wire).map(str::to_owned);
            if let Some(own) = &own {
                let own = (wire.clone(), own.clone());
                self.fields
                    .entry(name.to_owned())
                    .or_default()
                    .extend([own]);
            }
            let field = own.or(locked).unwrap_or(usual);
            owners.entry(field).or_default().push(wire);
        }
        if owners.len() == message.fields.len() {
            return;
        }
        let mut taken: BTreeSet<String> = owners.keys().cloned().collect();
        for (field, mut wires) in owners {
            wires.sort_by_key(|wire| {
                let is_json = names::capitalized(wire) == pascal(&field);
                let is_locked = lock.get(Kind::Field, wire).is_some();
                let is_own = lock.get_of(Kind::FieldOf, name, wire).is_some();
                (!is_own, !is_locked, !is_json)
            });
            for wire in wires.into_iter().skip(1) {
                let other = free([field.clone()], |name| taken.contains(name));
                taken.insert(other.clone());
                let fields = self.fields.entry(name.to_owned()).or_default();
                fields.insert(wire.to_owned(), other);
            }
        }
    }

    /// The views and stems of all oneofs, and the variants of the views.
    fn oneofs(&mut self, description: &Description, lock: &Lock) {
        let messages = || {
            let schemas = description.schemas.keys();
            schemas.filter_map(|name| Some((name, description.message(name)?)))
        };
        let mut views: BTreeSet<String> = BTreeSet::new();
        for (name, message) in messages() {
            let mut stems: BTreeSet<String> = BTreeSet::new();
            for (_, stem) in lock.all_of(Kind::Stem, name) {
                stems.extend(methods(stem));
            }
            let fields: BTreeSet<String> = if message.oneofs.is_empty() {
                BTreeSet::new()
            } else {
                let fields = message.fields.keys();
                fields.map(|wire| self.field(name, wire)).collect()
            };
            for (group, members) in &message.oneofs {
                let stem = lock.get_of(Kind::Stem, name, group).map(str::to_owned);
                let stem = stem.unwrap_or_else(|| stem_of(group, &fields, &stems));
                stems.extend(methods(&stem));
                let view = lock.get_of(Kind::View, name, group).map(str::to_owned);
                let view = view.unwrap_or_else(|| {
                    let short = format!("{name}{}", pascal(group));
                    let long = format!("{short}Oneof");
                    free([short, long], |view| {
                        description.schemas.contains_key(view)
                            || is_prelude(view)
                            || lock.has_type(view)
                            || views.contains(view)
                    })
                });
                views.insert(view.clone());
                let members = members.iter().map(|wire| {
                    // As the field, which differs from the others.
                    let long = variant(&self.field(name, wire));
                    (wire, vec![variant(wire), long])
                });
                let members: Vec<_> = members.collect();
                self.variants(&view, members.into_iter(), lock);
                let oneofs = self.oneofs.entry(name.clone()).or_default();
                oneofs.insert(group.clone(), OneofNames { view, stem });
            }
        }
    }

    /// The types in the modules of the groups: those that are locked, then the newcomers'.
    fn requests(&mut self, description: &Description, lock: &Lock) {
        let locked: BTreeSet<&str> = lock.all(Kind::Operation).map(|(_, id)| id).collect();
        let (old, new): (Vec<_>, Vec<_>) = description
            .operations
            .iter()
            .partition(|operation| locked.contains(operation.id().as_str()));
        let mut taken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for kind in [Kind::Request, Kind::Path] {
            for (id, name) in lock.all(kind) {
                let group = id.split_once('.').map_or(id, |(group, _)| group);
                taken.entry(group).or_default().insert(name.to_owned());
            }
        }
        for operations in [old, new] {
            // Every operation has a builder, but not all a struct.
            for kind in [Kind::Request, Kind::Path] {
                for operation in &operations {
                    let taken = taken.entry(&operation.group).or_default();
                    self.request(operation, kind, taken, lock);
                }
            }
        }
    }

    fn request(
        &mut self,
        operation: &Operation,
        kind: Kind,
        taken: &mut BTreeSet<String>,
        lock: &Lock,
    ) {
        if kind == Kind::Path && operation.positional().count() < NAMED_FROM {
            return;
        }
        let id = operation.id();
        let usual = RequestNames {
            builder: builder(operation),
            path: path_struct(operation),
        };
        let (name, long) = match kind {
            Kind::Path => (&usual.path, format!("{}Parameters", usual.path)),
            _ => (&usual.builder, format!("{}Request", usual.builder)),
        };
        let made = match lock.get(kind, &id) {
            Some(name) => name.to_owned(),
            None => free([name.clone(), long], |name| {
                taken.contains(name) || name == pascal(&operation.group)
            }),
        };
        taken.insert(made.clone());
        if made == *name {
            return;
        }
        let names = self.requests.entry(id).or_insert(usual);
        match kind {
            Kind::Path => names.path = made,
            _ => names.builder = made,
        }
    }
}

/// From so many arguments of one type in a row on, an operation takes them by name.
pub(crate) const NAMED_FROM: usize = 3;

/// What the methods of a oneof are named after: the group, or where one would be called as a field or as a method of the
/// message, the group and `oneof`. A setter that would be called as one of those even so has to step back.
fn stem_of(group: &str, fields: &BTreeSet<String>, stems: &BTreeSet<String>) -> String {
    let mut short = snake(group);
    if short.is_empty() {
        short.push_str("oneof");
    }
    let is_free = |stem: &str| !methods(stem).iter().any(|method| stems.contains(method));
    let is_field = methods(&short).iter().any(|method| fields.contains(method));
    let long = format!("{short}_oneof");
    if is_field || METHODS.contains(&short.as_str()) {
        free([long], |stem| !is_free(stem))
    } else {
        free([short, long], |stem| !is_free(stem))
    }
}
