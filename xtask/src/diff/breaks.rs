//! Compares two surfaces: which names of the old one callers can no longer use as they did.
//!
//! The rules are those of Cargo (<https://doc.rust-lang.org/cargo/reference/semver.html>).

use std::collections::BTreeMap;

use super::change::{Break, Harm};
use super::surface::{Item, Member, Shape, Surface, arguments};

/// The breaks, sorted. `renames` are types that are the same under another name: their uses are no breaks of their own.
pub(crate) fn breaks(
    old: &Surface,
    new: &Surface,
    renames: &BTreeMap<String, String>,
) -> Vec<Break> {
    let mut breaks = Vec::new();
    let mut add = |item: &Item, harm: Harm| {
        breaks.push(Break {
            item: item.clone(),
            harm,
        });
    };
    for (item, was) in &old.items {
        let (there, was) = renamed(item, was, renames);
        let is = new.items.get(&there);
        if there.owner != item.owner && item.member == Member::Itself && is.is_some() {
            add(item, Harm::Renamed(there.owner.clone()));
        }
        match is {
            Some(is) if accepts(is, &was) => {}
            Some(is) => add(item, changed(&was, is)),
            // The same on the wire.
            None => match old.wire(item).and_then(|wire| new.by_wire(&there, wire)) {
                Some(other) => add(item, Harm::Renamed(other.to_string())),
                None => add(item, Harm::Gone),
            },
        }
    }
    for (item, is) in &new.items {
        let owner = Item {
            owner: item.owner.clone(),
            member: Member::Itself,
        };
        let fills = matches!(item.member, Member::Field(_) | Member::Variant(_));
        if fills
            && !old.items.contains_key(item)
            && matches!(old.items.get(&owner), Some(Shape::Exhaustive(_)))
        {
            add(item, Harm::New(is.to_string()));
        }
    }
    breaks.sort();
    breaks
}

/// The difference of two shapes that do not go together: of methods, only what differs of them.
fn changed(was: &Shape, is: &Shape) -> Harm {
    let (
        Shape::Function {
            arguments: before,
            returns: gave,
        },
        Shape::Function {
            arguments: after,
            returns: gives,
        },
    ) = (was, is)
    else {
        return Harm::Changed {
            from: was.to_string(),
            to: is.to_string(),
        };
    };
    let state = |takes: &[(String, String)], returned: &str| {
        let mut state = String::new();
        if before != after {
            state += &arguments(takes);
        }
        if gave != gives {
            state += " -> ";
            state += returned;
        }
        state.trim().to_owned()
    };
    let mut to = state(after, gives);
    if types(before) == types(after) && trades_places(before, after) {
        to.push_str(", so that calls compile and mean something else");
    }
    Harm::Changed {
        from: state(before, gave),
        to,
    }
}

fn types(arguments: &[(String, String)]) -> Vec<&str> {
    arguments.iter().map(|(_, ty)| ty.as_str()).collect()
}

/// Whether what is used as the one shape can be used as it is now.
fn accepts(is: &Shape, was: &Shape) -> bool {
    match (was, is) {
        // Nobody has written a literal or a full match of it before.
        (Shape::Declared(was), Shape::Exhaustive(is)) => was == is,
        (
            Shape::Function {
                arguments: before,
                returns: gave,
            },
            Shape::Function {
                arguments: after,
                returns: gives,
            },
        ) => gave == gives && types(before) == types(after) && !trades_places(before, after),
        _ => is == was,
    }
}

/// Whether an argument is at the place of another one. Where both are of one type, calls compile and send the wrong value.
fn trades_places(before: &[(String, String)], after: &[(String, String)]) -> bool {
    let place = |arguments: &[(String, String)], name: &str| {
        arguments.iter().position(|(other, _)| other == name)
    };
    before
        .iter()
        .enumerate()
        .any(|(at, (name, _))| place(after, name).is_some_and(|now| now != at))
}

/// An item and its shape by the new names of types.
fn renamed(item: &Item, shape: &Shape, renames: &BTreeMap<String, String>) -> (Item, Shape) {
    let is_type = |path: &str| path.starts_with("types::");
    let mut there = item.clone();
    if let Some(new) = item
        .owner
        .strip_prefix("types::")
        .and_then(|name| renames.get(name))
    {
        there.owner = format!("types::{new}");
    }
    // Within `types` they have no path.
    let bare = is_type(&item.owner);
    let change = |text: &String| words(text, bare, renames);
    let shape = match shape {
        Shape::Declared(text) => Shape::Declared(change(text)),
        Shape::Exhaustive(text) => Shape::Exhaustive(change(text)),
        Shape::Typed(text) => Shape::Typed(change(text)),
        Shape::Function { arguments, returns } => Shape::Function {
            arguments: arguments
                .iter()
                .map(|(name, ty)| (name.clone(), change(ty)))
                .collect(),
            returns: change(returns),
        },
    };
    (there, shape)
}

/// A text with the names of types replaced: those without a path, or those of the module `types`.
fn words(text: &str, bare: bool, renames: &BTreeMap<String, String>) -> String {
    if renames.is_empty() {
        return text.to_owned();
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let (word, behind) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        let is_type = if bare {
            !out.ends_with("::")
        } else {
            out.ends_with("types::")
        };
        let new = renames.get(word).filter(|_| is_type);
        out.push_str(new.map_or(word, String::as_str));
        rest = behind;
    }
    out + rest
}
