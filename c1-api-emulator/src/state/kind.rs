//! Kinds of objects: what identifies one, and which other objects it belongs to.

use c1_api_spec::model::{Description, Message, Type};
use indexmap::IndexMap;

use super::history;
use super::names::{camel, ends_with, singular, words};
use super::path::Path;

/// A kind of object that has state.
#[derive(Debug, Default)]
pub(super) struct Kind {
    /// The words of its name.
    words: Vec<String>,
    /// The parts that identify an object: fields, or parts that are kept beside the fields.
    pub(super) key: Vec<String>,
    /// The fields with a copy of another object, and its kind.
    pub(super) embeds: Vec<(String, String)>,
    /// The kind of the entries of its history.
    pub(super) history: Option<String>,
    /// The objects that it belongs to: without them it cannot be created, and it goes with them.
    pub(super) owners: Vec<Link>,
}

/// A reference from one object to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    /// The kind of the other object.
    pub(super) kind: String,
    /// Each part of the key of the other object, and the part of this object with its value.
    pub(super) parts: Vec<(String, String)>,
}

impl Kind {
    pub(super) fn new(name: &str, key: Vec<String>) -> Self {
        Self {
            words: words(name),
            key,
            ..Self::default()
        }
    }

    /// Whether the words are its name.
    pub(super) fn is_named(&self, words: &[String]) -> bool {
        self.words == words
    }
}

/// Whether the part is kept beside the fields: what identifies the object of a field, as in
/// `/user.id`, or what only the path tells, as in `/connectors`.
pub(super) fn is_hidden(part: &str) -> bool {
    part.starts_with('/')
}

/// The part of an object in the field `field`.
pub(super) fn embedded(field: &str, part: &str) -> String {
    format!("/{field}.{part}")
}

/// Whether a path parameter or a filter can be compared with the field.
pub(super) fn is_scalar(description: &Description, ty: &Type) -> bool {
    match ty {
        Type::Ref(name) => {
            description.schemas.contains_key(name) && description.message(name).is_none()
        }
        Type::List(_) | Type::Map(_) | Type::Any | Type::Object | Type::Json => false,
        _ => true,
    }
}

/// The parts of an object that the parameters of a path give.
pub(super) fn parts(description: &Description, kind: &str, path: &Path) -> Vec<(String, String)> {
    parts_of(description, kind, path, path.is_item())
}

/// The same for the path of a list, whose last parameter identifies none of the objects.
pub(super) fn parts_of_list(
    description: &Description,
    kind: &str,
    path: &Path,
) -> Vec<(String, String)> {
    parts_of(description, kind, path, false)
}

fn parts_of(
    description: &Description,
    kind: &str,
    path: &Path,
    is_item: bool,
) -> Vec<(String, String)> {
    if let Some(kind) = history::recorded(description, kind) {
        // The path of the entries is below that of the object.
        let item = path.parents().pop();
        let parts = parts(description, kind, item.as_ref().unwrap_or(path)).into_iter();
        return parts
            .map(|(name, part)| (name, history::part(&part)))
            .collect();
    }
    let parameters = path.parameters();
    let last = parameters.len().saturating_sub(1);
    let parts = parameters.iter().enumerate().map(|(at, (literal, name))| {
        let own = is_item && at == last;
        (
            (*name).to_owned(),
            part(description, kind, literal, name, own),
        )
    });
    parts.collect()
}

/// The part that a path parameter gives: the field of that name, or of the end of the name
/// (`connector_app_id` is `appId`), or for the parameter of the object itself (`own`), `id`.
fn part(description: &Description, kind: &str, literal: &str, name: &str, own: bool) -> String {
    let hidden = || format!("/{literal}");
    let Some(message) = description.message(kind) else {
        return hidden();
    };
    let has = |field: &str| {
        let field = message.fields.get(field);
        field.is_some_and(|field| is_scalar(description, &field.ty))
    };
    let mut name = words(name);
    if let Some(at) = name.iter().position(|word| word == "ref")
        && let Some(Type::Ref(_)) = message
            .fields
            .get(&camel(&name[..at]))
            .map(|field| &field.ty)
    {
        return embedded(&camel(&name[..at]), &camel(&name[at + 1..]));
    }
    let of_collection = [words(&singular(literal)), vec!["id".to_owned()]].concat();
    if name == ["id"] && !own {
        name.clone_from(&of_collection);
    }
    // The shortest end is two words: `id` alone is that of the object.
    let shortest = name.len().min(2);
    let ends = (0..=name.len() - shortest).map(|skipped| camel(&name[skipped..]));
    if let Some(field) = ends.into_iter().find(|field| has(field)) {
        return field;
    }
    // `src_app_id` is the id of an app.
    let kind = words(kind);
    let mut stems = (0..name.len().saturating_sub(1)).map(|skipped| &name[skipped..name.len() - 1]);
    let is_own = name == ["id"]
        || stems.any(|stem| {
            kind.ends_with(stem) || of_collection[..of_collection.len() - 1].ends_with(stem)
        });
    if own && has("id") && is_own {
        return "id".to_owned();
    }
    // `ssoApplicationId` for the `applications` of the path.
    let longer = message
        .fields
        .keys()
        .find(|field| has(field) && ends_with(field, &name));
    longer.filter(|_| !own).cloned().unwrap_or_else(hidden)
}

/// The object that two parts of a key mean together: `appId` and `userId` an `AppUser`.
pub(super) fn link_of_both(
    kinds: &IndexMap<String, Kind>,
    parent: &str,
    part: &str,
) -> Option<Link> {
    let stem = |part| {
        let mut stem = words(part);
        (stem.pop()? == "id").then_some(stem)
    };
    let both = [stem(parent)?, stem(part)?].concat();
    let (kind, facts) = kinds.iter().find(|(_, facts)| facts.words == both)?;
    let [first, second] = facts.key.as_slice() else {
        return None;
    };
    (first == parent).then(|| Link {
        kind: kind.clone(),
        parts: vec![
            (first.clone(), parent.to_owned()),
            (second.clone(), part.to_owned()),
        ],
    })
}

/// The object that a reference named by the words means: `delegated`, `user` is a `User`, and `src`, `app`,
/// `entitlement` an `AppEntitlement` whose app is in `srcAppId`.
pub(super) fn link(
    kinds: &IndexMap<String, Kind>,
    message: &Message,
    name: &[String],
) -> Option<Link> {
    let mut stem = name;
    let id = camel(&[name, &["id".to_owned()]].concat());
    loop {
        let found = kinds.iter().find(|(_, facts)| facts.words == stem);
        if let Some((kind, facts)) = found {
            let prefix = &name[..name.len() - stem.len()];
            let (own, parents) = facts.key.split_last()?;
            let parents = parents.iter().map(|part| {
                let prefixed = camel(&[prefix, &words(part)].concat());
                let field = [prefixed, part.clone()].into_iter();
                let mut field = field.filter(|field| message.fields.contains_key(field));
                Some((part.clone(), field.next()?))
            });
            let mut parts = parents.collect::<Option<Vec<_>>>()?;
            parts.push((own.clone(), message.fields.contains_key(&id).then_some(id)?));
            return Some(Link {
                kind: kind.clone(),
                parts,
            });
        }
        stem = stem.get(1..).filter(|stem| !stem.is_empty())?;
    }
}
