//! Group and name of an operation, from whatever the document says: see "Names of operations" in `spec/README.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::model::{Method, Operation};
use crate::names::{self, snake};
use crate::object::Object;
use crate::template::{Piece, pieces};

/// What an operation is called.
pub(super) struct Identity {
    pub(super) group: String,
    pub(super) name: String,
    /// The full name of its RPC.
    pub(super) rpc: Option<String>,
}

/// Group and name: from the vendor's extensions, from the last two segments of the id, which are our own or those of the
/// RPC's name, else from the first tag and the id, else from the path and the method.
pub(super) fn identity(object: &Object<'_>, method: Method, path: &str) -> Result<Identity> {
    let id = object.string("operationId")?.unwrap_or_default();
    let rpc = object.string("x-rpc")?;
    let group = object.string("x-speakeasy-group")?;
    let name = object.string("x-speakeasy-name-override")?;
    let tags = object.list("tags")?.unwrap_or_default();
    let tag = tags.first().and_then(serde_json::Value::as_str);

    let mut segments = id.rsplit(['.', '/']).filter(|segment| !segment.is_empty());
    let (last, before) = (segments.next(), segments.next());
    let is_nested = segments.next().is_some();
    let by_path = by_path(method, path);
    let group = [group, before, tag]
        .into_iter()
        .flatten()
        .find_map(usable)
        .unwrap_or(by_path.0);
    let name = [name, last].into_iter().flatten().find_map(usable);
    Ok(Identity {
        group: names::group(&group),
        name: name.unwrap_or(by_path.1),
        rpc: rpc.or(Some(id).filter(|_| is_nested)).map(str::to_owned),
    })
}

/// In `snake_case`, if that is of ASCII and begins with a letter, as a feature of cargo and a name in Rust have to.
fn usable(name: &str) -> Option<String> {
    let name = snake(name);
    (name.is_ascii() && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
}

/// Of a path the last word that is no parameter, and what the method does to it; behind a colon is a verb.
fn by_path(method: Method, path: &str) -> (String, String) {
    let (path, verb) = match path.rsplit_once(':') {
        Some((path, verb)) if !verb.contains(['/', '}']) => (path, usable(verb)),
        _ => (path, None),
    };
    let words = words(path);
    let is_one = path.ends_with('}');
    let name = match method {
        Method::Get if is_one => "get",
        Method::Get => "list",
        Method::Post => "create",
        Method::Put => "replace",
        Method::Patch => "update",
        Method::Delete => "delete",
    };
    let group = words.last().cloned();
    (
        group.unwrap_or_else(|| "operations".to_owned()),
        verb.unwrap_or_else(|| name.to_owned()),
    )
}

/// The words of a path that can be names, in `snake_case`.
fn words(path: &str) -> Vec<String> {
    let pieces = pieces(path).unwrap_or_default();
    let literals = pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(*text),
        Piece::Parameter(_) => None,
    });
    literals
        .flat_map(|text| text.split('/'))
        .filter_map(usable)
        .collect()
}

/// Another name for an operation whose name an earlier one has: with the words of its path, or a number, behind it.
pub(super) fn other_name(operation: &Operation, taken: &BTreeSet<String>) -> String {
    let words = words(&operation.path).join("_");
    let by_path = format!("{}_{words}", operation.name);
    let by_path = without_group(&operation.group, &by_path).unwrap_or(by_path);
    let numbered = (2..).map(|number| format!("{}_{number}", operation.name));
    std::iter::once(by_path)
        .chain(numbered)
        .find(|name| !taken.contains(&format!("{}_{name}", operation.group)))
        .unwrap_or_default()
}

/// Drops the group's name from the names that repeat it: `apps.create_app` becomes `apps.create`.
///
/// A name that another operation of the group has, or would get too, stays as it is. So the result depends neither on
/// the order of the operations nor on whether names are short already, and no document is refused for its names.
pub(super) fn shorten(operations: &mut [Operation]) {
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    let shorts: Vec<_> = operations
        .iter()
        .map(|operation| without_group(&operation.group, &operation.name))
        .collect();
    for (operation, short) in operations.iter().zip(&shorts) {
        for name in std::iter::once(&operation.name).chain(short) {
            let key = (operation.group.clone(), name.clone());
            *taken.entry(key).or_default() += 1;
        }
    }
    for (operation, short) in operations.iter_mut().zip(shorts) {
        let Some(short) = short else { continue };
        if taken[&(operation.group.clone(), short.clone())] == 1 {
            let long = std::mem::replace(&mut operation.name, short);
            operation.vendor_name.get_or_insert(long);
        }
    }
}

/// The name without the words of the group, in the singular or the plural; `None` where it does not hold them, or where
/// nothing would be left that can be a name.
fn without_group(group: &str, name: &str) -> Option<String> {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let group: Vec<_> = group.split('_').map(singular).collect();
    let mut words: Vec<_> = name.split('_').collect();
    let before = words.len();
    while let Some(at) = words.windows(group.len()).position(|run| {
        run.iter()
            .zip(&group)
            .all(|(word, known)| singular(word) == *known)
    }) {
        words.drain(at..at + group.len());
    }
    let short = words.join("_");
    let is_name = short.starts_with(|c: char| c.is_ascii_lowercase());
    (words.len() < before && is_name).then_some(short)
}
