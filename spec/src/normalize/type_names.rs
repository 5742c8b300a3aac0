//! The names of types: each is the locked one, and what is new gets one that no other type has or had.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use crate::error::Result;
use crate::lock::{Kind, Lock};
use crate::model::{Description, Schema, SchemaKind};
use crate::names::{capitalized, free, is_prelude, pascal, type_name};
use crate::object::Object;

/// Begins what stands for the name of an enum until all places that use it are known: behind it, the index of a set of
/// values, or the key of a component.
pub(super) const SITE: char = '\u{0}';

/// A component that gets a name.
struct Candidate<'a> {
    key: &'a str,
    /// What the lock knows it by.
    wire: &'a str,
    /// The vendor's override, or the last segment.
    preferred: String,
    /// The last segment of the key.
    last: String,
}

/// A short name for every schema: the locked one, else the vendor's override, else the last segment of the full name. Names
/// that clash, with each other, with a locked one or with the prelude, fall back to the last segment, then take the version
/// behind, if that alone tells them apart, or the package in front.
pub(super) fn short_names<'a>(
    components: &Object<'a>,
    lock: &Lock,
) -> Result<BTreeMap<&'a str, String>> {
    let mut names: BTreeMap<&'a str, String> = BTreeMap::new();
    // To what each name belongs.
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut open = Vec::new();
    for (key, value, pointer) in components.entries() {
        let schema = Object::new(value, &pointer, components.findings())?;
        if is_enum(value) {
            names.insert(key, format!("{SITE}{key}"));
            continue;
        }
        let wire = schema.string("x-proto-name")?.unwrap_or(key);
        match lock.get(Kind::Message, wire) {
            Some(name) if !taken.contains_key(name) => {
                taken.insert(name.to_owned(), wire);
                names.insert(key, name.to_owned());
            }
            _ => {
                let last = type_name(&last_segment(key));
                let preferred = schema.string("x-speakeasy-name-override")?;
                let preferred = preferred.map_or_else(|| last.clone(), type_name);
                open.push(Candidate {
                    key,
                    wire,
                    preferred,
                    last,
                });
            }
        }
    }
    if open.is_empty() {
        return Ok(names);
    }
    let locked: BTreeMap<_, _> = lock
        .all(Kind::Message)
        .map(|(wire, name)| (name, wire))
        .collect();
    for level in [
        |candidate: &Candidate<'_>| candidate.preferred.clone(),
        |candidate: &Candidate<'_>| candidate.last.clone(),
    ] {
        let mut claims: BTreeMap<String, Vec<Candidate<'a>>> = BTreeMap::new();
        for candidate in std::mem::take(&mut open) {
            claims.entry(level(&candidate)).or_default().push(candidate);
        }
        for (name, claimants) in claims {
            let is_free = !is_prelude(&name) && !lock.has_type(&name) && !taken.contains_key(&name);
            let owner = owner(&name, &claimants).filter(|_| is_free);
            for (index, candidate) in claimants.into_iter().enumerate() {
                if owner == Some(index) {
                    taken.insert(name.clone(), candidate.wire);
                    names.insert(candidate.key, name.clone());
                } else {
                    open.push(candidate);
                }
            }
        }
    }
    for candidate in open {
        let holder = taken.get(&candidate.last);
        let holder = holder.or(locked.get(candidate.last.as_str()));
        let version = capitalized(version(candidate.wire));
        let in_front = format!("{}{}", package(candidate.wire), candidate.last);
        let behind = format!("{in_front}{version}");
        let mut candidates = Vec::new();
        if holder.is_some_and(|holder| unversioned(holder) == unversioned(candidate.wire)) {
            candidates.push(format!("{}{version}", candidate.last));
        }
        candidates.extend([in_front, behind]);
        let name = free(candidates, |name| {
            is_prelude(name) || lock.has_type(name) || taken.contains_key(name)
        });
        taken.insert(name.clone(), candidate.wire);
        names.insert(candidate.key, name);
    }
    Ok(names)
}

/// Which of those that claim a name gets it: the only one, or the only one whose own last segment it is; of several versions
/// of one schema the lowest. Where there is none, all step back.
fn owner(name: &str, claimants: &[Candidate<'_>]) -> Option<usize> {
    if claimants.len() == 1 {
        return Some(0);
    }
    let own = claimants.iter().enumerate();
    let own: Vec<_> = own
        .filter(|(_, candidate)| candidate.last == name)
        .map(|(index, candidate)| (index, candidate.wire))
        .collect();
    let (lowest, wire) = *own.iter().min_by_key(|(_, wire)| (wire.len(), *wire))?;
    let is_one = |(_, other): &(usize, &str)| unversioned(other) == unversioned(wire);
    own.iter().all(is_one).then_some(lowest)
}

/// Whether the name of a message says less than what the document calls it.
pub(super) fn is_renamed(key: &str, name: &str) -> bool {
    key.contains('.') || (key != name && !name.starts_with(SITE))
}

/// A component that is an enum has no name before all places that use it are known.
fn is_enum(schema: &Value) -> bool {
    schema.get("type").is_some_and(|ty| ty == "string") && schema.get("enum").is_some()
}

/// An enum as the document has it.
struct Found {
    /// What stands in its places.
    handle: String,
    /// Of an inline enum, all that is said of one.
    schema: Schema,
    values: Vec<String>,
    /// What the document calls a component, as a name.
    own: Option<String>,
    /// The first of the names that the places of an inline enum offer.
    by_site: Option<String>,
    /// The places, as indices, and the type that is locked for each.
    uses: Vec<(usize, Option<String>)>,
}

impl Found {
    /// The type of the places that have none locked.
    fn default(&self, lock: &Lock) -> Option<String> {
        let proto = self.schema.proto.as_deref();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, locked) in &self.uses {
            if let Some(locked) = locked {
                *counts.entry(locked).or_default() += 1;
            }
        }
        let own = self.own.as_deref().filter(|own| counts.contains_key(own));
        let most = counts
            .iter()
            .max_by_key(|(name, count)| (**count, Reverse(**name)));
        proto
            .and_then(|proto| locked(lock, proto, &self.values))
            .or_else(|| own.map(str::to_owned))
            .or_else(|| most.map(|(name, _)| (*name).to_owned()))
    }

    /// A name that no type has or had: the component's own, or the common prefix of the values, or that of the first place.
    fn new_name(
        &self,
        schemas: &IndexMap<String, Schema>,
        is_taken: impl Fn(&str) -> bool,
    ) -> String {
        let prefix = pascal(common_prefix(&self.values));
        // Of `2FA_ON` and `2FA_OFF` it would be no name.
        let prefix = Some(prefix).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
        let is_schema = |name: &String| schemas.contains_key(name) || is_prelude(name);
        let beside = prefix.clone().filter(is_schema).map(|name| name + "Enum");
        let inline = [prefix, beside, self.by_site.clone()].into_iter().flatten();
        match &self.own {
            Some(own) => free([own.clone()], is_taken),
            None => free(inline, is_taken),
        }
    }
}

/// The type that is locked for a place and has one of the values.
fn locked(lock: &Lock, place: &str, values: &[String]) -> Option<String> {
    let name = lock.get(Kind::Enum, place)?;
    let mut values = values.iter();
    let is_shared = values.any(|value| lock.get_of(Kind::Value, name, value).is_some());
    is_shared.then(|| name.to_owned())
}

/// The locked enums by their values.
fn by_values(lock: &Lock) -> BTreeMap<BTreeSet<&str>, &str> {
    let enums: BTreeSet<_> = lock.all(Kind::Enum).map(|(_, name)| name).collect();
    let enums = enums.into_iter().map(|name| {
        let values = lock.all_of(Kind::Value, name).map(|(value, _)| value);
        (values.collect(), name)
    });
    enums.collect()
}

/// Puts the schemas into the description, with a name for each enum, and that name in its places.
///
/// An enum is the type that is locked for the places that use it, as long as both have a value in common; so a value that is
/// new at one of the places is new in the type. A new place of a locked enum has its type, and so has a place whose values
/// are exactly those of a locked enum. What is left is new.
pub(super) fn name_enums(
    description: &mut Description,
    schemas: BTreeMap<String, Schema>,
    inline: &IndexMap<Vec<String>, Vec<String>>,
    lock: &Lock,
) {
    let (components, named): (Vec<_>, Vec<_>) = schemas
        .into_iter()
        .partition(|(name, _)| name.starts_with(SITE));
    description.schemas = named.into_iter().collect();
    let mut enums = found(components, inline);
    let places = description.places();
    let mut types_of: Vec<Option<String>> = vec![None; places.len()];
    let handles: BTreeMap<String, usize> = enums
        .iter()
        .enumerate()
        .map(|(index, found)| (found.handle.clone(), index))
        .collect();
    for (at, (place, reference)) in places.iter().enumerate() {
        if let Some(found) = handles
            .get(*reference)
            .and_then(|index| enums.get_mut(*index))
        {
            found.uses.push((at, locked(lock, place, &found.values)));
        }
    }

    // The enums of each type: several where the places of one do not all have the same values.
    let mut types: IndexMap<String, Vec<&Found>> = IndexMap::new();
    let mut new = Vec::new();
    let by_values = LazyCell::new(|| by_values(lock));
    for found in &enums {
        let default = found.default(lock).or_else(|| {
            let values: BTreeSet<_> = found.values.iter().map(String::as_str).collect();
            by_values.get(&values).map(|&name| name.to_owned())
        });
        let mut is_new = found.uses.is_empty() && default.is_none();
        let mut own = BTreeSet::new();
        for (at, locked) in &found.uses {
            types_of[*at] = locked.clone().or_else(|| default.clone());
            is_new |= types_of[*at].is_none();
            own.extend(types_of[*at].clone());
        }
        if found.uses.is_empty() {
            own.extend(default);
        }
        for name in own {
            types.entry(name).or_default().push(found);
        }
        if is_new {
            new.push(found);
        }
    }
    // Of several sets with one prefix the most used has it.
    new.sort_by_key(|found| (found.own.is_none(), Reverse(found.uses.len())));
    for found in new {
        let schemas = &description.schemas;
        let name = found.new_name(schemas, |name| {
            is_prelude(name)
                || lock.has_type(name)
                || schemas.contains_key(name)
                || types.contains_key(name)
        });
        for (at, _) in &found.uses {
            types_of[*at].get_or_insert_with(|| name.clone());
        }
        types.insert(name, vec![found]);
    }

    for (reference, name) in description.references_mut().zip(types_of) {
        if let Some(name) = name {
            *reference = name;
        }
    }
    for (name, found) in types {
        description.schemas.insert(name, united(&found));
    }
    description.schemas.sort_keys();
}

/// The components that are enums, and the inline ones.
fn found(
    components: Vec<(String, Schema)>,
    inline: &IndexMap<Vec<String>, Vec<String>>,
) -> Vec<Found> {
    let inline = inline
        .iter()
        .enumerate()
        .map(|(index, (values, sites))| Found {
            handle: format!("{SITE}{index}"),
            schema: Schema {
                proto: None,
                kind: SchemaKind::Enum(values.clone()),
                deprecated: false,
                doc: None,
            },
            values: values.clone(),
            own: None,
            by_site: sites.iter().min().map(|site| type_name(site)),
            uses: Vec::new(),
        });
    let components = components.into_iter().map(|(handle, schema)| Found {
        values: match &schema.kind {
            SchemaKind::Enum(values) => values.clone(),
            _ => Vec::new(),
        },
        own: Some(type_name(&last_segment(handle.trim_start_matches(SITE)))),
        by_site: None,
        uses: Vec::new(),
        handle,
        schema,
    });
    inline.chain(components).collect()
}

/// One schema with the values of all.
fn united(found: &[&Found]) -> Schema {
    let mut values: Vec<String> = Vec::new();
    for value in found.iter().flat_map(|found| &found.values) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    let mut schemas = found.iter().map(|found| &found.schema);
    Schema {
        proto: schemas.clone().find_map(|schema| schema.proto.clone()),
        deprecated: schemas.clone().all(|schema| schema.deprecated),
        doc: schemas.find_map(|schema| schema.doc.clone()),
        kind: SchemaKind::Enum(values),
    }
}

/// The words that all values begin with, up to and with an underscore. The empty value says nothing of the others.
pub(crate) fn common_prefix(values: &[String]) -> &str {
    let mut rest = values.iter().filter(|value| !value.is_empty()).peekable();
    let Some(first) = rest.next() else {
        return "";
    };
    let is_alone = rest.peek().is_none();
    let length = rest.fold(first.len(), |length, value| {
        first
            .bytes()
            .zip(value.bytes())
            .take(length)
            .take_while(|(a, b)| a == b)
            .count()
    });
    let length = if is_alone { 0 } else { length };
    first
        .get(..length)
        .and_then(|prefix| prefix.rfind('_'))
        .map_or("", |end| &first[..=end])
}

/// `c1.api.app.v1.Outer.Inner` to `OuterInner`: the segments behind the version.
fn last_segment(key: &str) -> String {
    let segments: Vec<_> = key.split('.').collect();
    let names = segments
        .iter()
        .position(|segment| is_version(segment))
        .map_or(segments.len() - 1, |at| at + 1);
    segments[names.min(segments.len() - 1)..]
        .iter()
        .map(|segment| capitalized(segment))
        .collect()
}

/// `c1.api.app.v1.App` to `App`: the package in front of the version, as part of a name.
fn package(key: &str) -> String {
    let segments = key.split('.').take_while(|segment| !is_version(segment));
    segments.last().map_or_else(String::new, pascal)
}

/// `c1.api.app.v1.App` to `v1`.
fn version(key: &str) -> &str {
    let mut segments = key.split('.');
    segments.find(|segment| is_version(segment)).unwrap_or("")
}

/// `c1.api.app.v1.App` without the version.
fn unversioned(key: &str) -> Vec<&str> {
    let segments = key.split('.');
    segments.filter(|segment| !is_version(segment)).collect()
}

fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
