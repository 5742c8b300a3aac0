//! The names of operations: each is the locked one, and what is new gets one that no other operation has or had.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::words;
use crate::lock::{Kind, Lock, call};
use crate::model::Operation;
use crate::names::free;

/// Names the operations. `is_ours` is whether the names are final already, as those of our form are, unless another one is
/// locked.
///
/// The lock knows an operation by its RPC, and where it does not, by its method and path.
pub(super) fn name_operations(operations: &mut [Operation], is_ours: bool, lock: &Lock) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut named = vec![false; operations.len()];
    for by_rpc in [true, false] {
        for (operation, named) in operations.iter_mut().zip(&mut named) {
            let key = if by_rpc {
                operation.rpc.clone()
            } else {
                Some(call(operation.method, &operation.path))
            };
            let id = key.and_then(|key| lock.get(Kind::Operation, &key));
            let id = id.filter(|_| !*named).and_then(|id| id.split_once('.'));
            if let Some((group, name)) = id
                && taken.insert(raw(group, name))
            {
                group.clone_into(&mut operation.group);
                rename(operation, name.to_owned());
                *named = true;
            }
        }
    }
    // A name that went away with its operation is not free either: its users would get another one without a word.
    let retired = lock.all(Kind::Operation);
    taken.extend(
        retired
            .filter_map(|(_, id)| id.split_once('.'))
            .map(|(group, name)| raw(group, name)),
    );
    let new = operations.iter_mut().zip(named).filter(|(_, named)| !named);
    let new: Vec<_> = new.map(|(operation, _)| operation).collect();
    shorten(new, is_ours, taken, lock);
}

/// Gives the operation another name; the one that it had is the vendor's, unless that is known.
fn rename(operation: &mut Operation, name: String) {
    if operation.name != name {
        let long = std::mem::replace(&mut operation.name, name);
        operation.vendor_name.get_or_insert(long);
    }
}

/// What is unique among all operations, because it is the name of the method on progenitor's client.
fn raw(group: &str, name: &str) -> String {
    format!("{group}_{name}")
}

/// Drops the group's name from the names that repeat it: `apps.create_app` becomes `apps.create`.
///
/// A name that another operation of the group has, or would get too, stays as it is. So the result does not depend on the
/// order of the operations. One that is taken even so gets the version of its package behind it, or the words of
/// its path, or a number.
fn shorten(
    operations: Vec<&mut Operation>,
    is_ours: bool,
    mut taken: BTreeSet<String>,
    lock: &Lock,
) {
    let mut claims: BTreeMap<String, usize> = BTreeMap::new();
    let mut shorts = Vec::new();
    for operation in &operations {
        let short = without_group(&operation.group, &operation.name).filter(|_| !is_ours);
        for name in std::iter::once(&operation.name).chain(&short) {
            *claims.entry(raw(&operation.group, name)).or_default() += 1;
        }
        shorts.push(short);
    }
    for (operation, short) in operations.into_iter().zip(shorts) {
        if let Some(group) = lock.get(Kind::Group, &operation.group) {
            operation.group = group.to_owned();
        }
        let group = operation.group.clone();
        let short = short.filter(|short| claims.get(&raw(&group, short)) == Some(&1));
        let long = operation.name.clone();
        let version = operation.rpc.as_deref().and_then(version);
        let with_version = version.map(|version| format!("{long}_{version}"));
        let by_path = Some(with_path(operation));
        let candidates = short
            .into_iter()
            .chain([long])
            .chain(with_version)
            .chain(by_path);
        let name = free(candidates, |name| taken.contains(&raw(&group, name)));
        taken.insert(raw(&group, &name));
        rename(operation, name);
    }
}

/// The name with the words of the path behind it.
fn with_path(operation: &Operation) -> String {
    let long = format!("{}_{}", operation.name, words(&operation.path).join("_"));
    without_group(&operation.group, &long).unwrap_or(long)
}

/// The version in the name of an RPC, from the second one on: of the first, nothing is said.
fn version(rpc: &str) -> Option<&str> {
    let is_version = |segment: &&str| {
        let number = segment.strip_prefix('v').unwrap_or("");
        number.starts_with(|c: char| c.is_ascii_digit()) && number != "1"
    };
    rpc.split('.').find(is_version)
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
