//! `groups`: the groups that CI builds alone or in pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;

use c1_api_spec::Description;
use c1_api_spec::select::{closure, roots};

/// How many groups make a sample.
const SAMPLE: usize = 8;

/// How many pairs a sample ends with.
const PAIRS: usize = 3;

/// Prints every group.
pub(crate) fn list(out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    for group in crate::description()?.groups() {
        writeln!(out, "{group}")?;
    }
    Ok(())
}

/// Prints a sample of the groups, which moves on with its number, and the pairs that share most.
pub(crate) fn sample(number: usize, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let description = crate::description()?;
    let groups = description.groups();
    let start = number * SAMPLE % groups.len().max(1);
    for group in groups.iter().cycle().skip(start).take(SAMPLE) {
        writeln!(out, "{group}")?;
    }
    for (one, other) in pairs(&description) {
        writeln!(out, "{one},{other}")?;
    }
    Ok(())
}

/// Disjoint pairs of groups, those first that share the most schemas.
fn pairs(description: &Description) -> Vec<(&str, &str)> {
    let mut schemas: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in &description.operations {
        schemas
            .entry(&operation.group)
            .or_default()
            .extend(closure(description, roots(operation)));
    }
    let groups: Vec<_> = schemas.iter().collect();
    let mut pairs: Vec<_> = groups
        .iter()
        .enumerate()
        .flat_map(|(index, one)| groups[index + 1..].iter().map(move |other| (one, other)))
        .map(|(one, other)| (one.1.intersection(other.1).count(), *one.0, *other.0))
        .collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.0));
    let mut taken = BTreeSet::new();
    pairs
        .into_iter()
        .filter(|(_, one, other)| {
            let free = !taken.contains(one) && !taken.contains(other);
            if free {
                taken.extend([*one, *other]);
            }
            free
        })
        .map(|(_, one, other)| (one, other))
        .take(PAIRS)
        .collect()
}
