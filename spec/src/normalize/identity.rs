//! Group and name of an operation, from whatever the document says: see "Names of operations" in `spec/README.md`.

use crate::error::Result;
use crate::model::Method;
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
pub(super) fn words(path: &str) -> Vec<String> {
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
