//! The oneof groups of a message: stated in our form, announced in the prose of the vendor's.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::error::{Error, Result, child};
use crate::findings::{Findings, Note};
use crate::model::Field;
use crate::names::snake;
use crate::object::Object;

/// How the vendor announces a oneof; its name follows, and then a list of its members.
const OPENING: &str = "This message contains a oneof named ";

/// The note of a oneof that could not be read.
const UNCLEAR: &str = "a sentence that may announce a oneof";
const UNGROUPED: &str = "fields without a oneof";

/// What a sentence says, in small letters, that may announce a oneof in other words.
const HINTS: [&str; 6] = [
    "oneof",
    "mutually exclusive",
    "one of the following",
    "only a single field",
    "only one of",
    "at most one of",
];

/// A oneof as a schema has it.
pub(super) struct Group {
    name: String,
    members: Vec<String>,
    /// Where: the schema.
    pointer: String,
    /// In `x-oneofs`, not in prose.
    is_stated: bool,
}

/// The groups of a schema. Prose is read of the vendor's form only; ours states all groups.
pub(super) fn groups(schema: &Object<'_>, is_ours: bool) -> Result<Vec<Group>> {
    let group = |name: &str, members, is_stated| Group {
        name: name.to_owned(),
        members,
        pointer: schema.pointer().to_owned(),
        is_stated,
    };
    let mut groups = Vec::new();
    if let Some(stated) = schema.object("x-oneofs")? {
        for (name, ..) in stated.entries() {
            let members = stated.strings(name)?.unwrap_or_default();
            groups.push(group(name, members, true));
        }
        return Ok(groups);
    }
    let doc = schema.doc()?.filter(|_| !is_ours).unwrap_or_default();
    let (mut is_unclear, mut is_mentioned) = (false, false);
    let mut lines = doc.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let lower = line.to_lowercase();
        if !HINTS.iter().any(|hint| lower.contains(hint)) {
            continue;
        }
        let mut members = Vec::new();
        while let Some(member) = lines.peek().and_then(|line| line.strip_prefix("- ")) {
            members.push(member.to_owned());
            lines.next();
        }
        match announced(line) {
            Some(name) if !members.is_empty() => groups.push(group(name, members, false)),
            None if members.is_empty() => is_mentioned = true,
            _ => is_unclear = true,
        }
    }
    // A sentence without a list may only speak of the groups that are understood.
    is_unclear |= is_mentioned && groups.is_empty();
    // Without fields there is nothing to group.
    if is_unclear
        && schema
            .object("properties")?
            .is_some_and(|fields| !fields.is_empty())
    {
        let at = schema.at("description");
        schema.findings().note(&at, UNCLEAR, UNGROUPED);
    }
    Ok(groups)
}

/// The name of the oneof that a sentence announces.
fn announced(sentence: &str) -> Option<&str> {
    let (name, _) = sentence.strip_prefix(OPENING)?.split_once('.')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some(name)
}

/// The groups of a message that has the fields. No member stays required, since another one may be set in its place.
pub(super) fn checked(
    groups: Vec<Group>,
    fields: &mut IndexMap<String, Field>,
    findings: &Findings,
) -> Result<IndexMap<String, Vec<String>>> {
    let mut oneofs: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut grouped = BTreeSet::new();
    for group in groups {
        let Group {
            name,
            mut members,
            pointer,
            is_stated,
        } = group;
        if is_presence(&name, &members) || oneofs.get(&name) == Some(&members) {
            continue;
        }
        if oneofs.contains_key(&name) {
            let found = format!("another oneof {name:?}");
            findings.note(&pointer, found, UNGROUPED);
            continue;
        }
        let mut wrong = None;
        members.retain(|member| {
            let is_right = fields.contains_key(member) && grouped.insert(member.clone());
            if !is_right {
                wrong = Some(format!("{member:?} in the oneof {name:?}"));
            }
            is_right
        });
        match wrong {
            Some(found) if is_stated => {
                return Err(Error::new(&pointer, found, "a property, in one oneof only"));
            }
            Some(found) => findings.note(&pointer, found, Note::UNUSED),
            None => {}
        }
        for member in &members {
            let field = fields.get_mut(member);
            if let Some(field) = field.filter(|field| field.required) {
                let found = format!("{member:?} required in the oneof {name:?}");
                findings.note(&child(&pointer, "required"), found, "an optional field");
                field.required = false;
            }
        }
        if !members.is_empty() {
            oneofs.insert(name, members);
        }
    }
    Ok(oneofs)
}

/// Whether a oneof is only how protobuf keeps the presence of an `optional` field: `_field` with `field` alone. Every field
/// here can be absent anyway.
fn is_presence(group: &str, members: &[String]) -> bool {
    let field = group.strip_prefix('_').map(snake);
    matches!(members, [member] if field == Some(snake(member)))
}
