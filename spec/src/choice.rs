//! Which operation groups a build of c1-api has: those of its features, and those that `C1_API_GROUPS` names.

use std::collections::BTreeSet;
use std::fmt;

use crate::CORE;

/// The variable with the names of groups, separated by commas, that a build has besides those of its features.
pub const VARIABLE: &str = "C1_API_GROUPS";

/// The features of c1-api that are no groups.
const NOT_GROUPS: [&str; 4] = ["core", "default", "full", "unknown_fields"];

/// The groups of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// Their names; none for all groups.
    pub groups: Option<BTreeSet<String>>,
    /// The groups of the feature `core` that the description lacks.
    pub missing: Vec<String>,
}

/// Chooses among the groups of a description: by the features of c1-api, and by `names`, which are separated by commas.
///
/// # Errors
///
/// When a feature or a name asks for a group that the description lacks.
pub fn choose(
    groups: &BTreeSet<&str>,
    features: &BTreeSet<String>,
    names: &str,
) -> Result<Choice, ChoiceError> {
    let names: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let is_unknown = |name: &&str| !groups.contains(name);
    if let Some(name) = names.iter().copied().find(is_unknown) {
        return Err(ChoiceError::Name {
            name: name.to_owned(),
            near: near(name, groups),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        });
    }
    // Cargo does not tell which features were asked for by name, and which came with `core`.
    let (missing, by_name): (Vec<_>, Vec<_>) = features
        .iter()
        .map(String::as_str)
        .filter(|feature| !NOT_GROUPS.contains(feature))
        .filter(is_unknown)
        .map(str::to_owned)
        .partition(|feature| features.contains("core") && CORE.contains(&feature.as_str()));
    if !by_name.is_empty() {
        return Err(ChoiceError::Features(by_name));
    }
    let chosen = || {
        features
            .iter()
            .cloned()
            .chain(names.into_iter().map(str::to_owned))
            .collect()
    };
    Ok(Choice {
        groups: (!features.contains("full")).then(chosen),
        missing,
    })
}

/// A build asks for groups that the description lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChoiceError {
    /// These features do.
    Features(Vec<String>),
    /// A name in `C1_API_GROUPS` does.
    Name {
        /// The name.
        name: String,
        /// The groups whose names are much like it.
        near: Vec<String>,
        /// All groups of the description.
        groups: Vec<String>,
    },
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Features(features) => write!(
                f,
                "no operations for these features of c1-api: {}; leave them out",
                list(features)
            ),
            Self::Name { name, near, groups } => {
                write!(f, "no group `{name}`, which {VARIABLE} names; ")?;
                if near.is_empty() {
                    write!(f, "there are {}", list(groups))
                } else {
                    write!(f, "names like it: {}", list(near))
                }
            }
        }
    }
}

impl std::error::Error for ChoiceError {}

/// Names as Markdown.
pub fn list(names: &[String]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// The groups whose names differ from this one in one letter of four at most, those first that differ least.
fn near(name: &str, groups: &BTreeSet<&str>) -> Vec<String> {
    let letters = |name: &str| -> Vec<char> {
        name.to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect()
    };
    let name = letters(name);
    let mut near: Vec<_> = groups
        .iter()
        .map(|group| (distance(&name, &letters(group)), *group))
        .filter(|(distance, _)| *distance * 4 <= name.len().max(4))
        .collect();
    near.sort_unstable();
    near.into_iter()
        .take(5)
        .map(|(_, group)| group.to_owned())
        .collect()
}

/// How many letters have to be added, dropped or replaced to get from one to the other.
fn distance(one: &[char], other: &[char]) -> usize {
    // For each start of `other`, the distance from the start of `one` that has been read.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, left) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Choice, ChoiceError, choose};

    /// The outcome with these features and names, for a description with five groups.
    fn chosen(features: &[&str], names: &str) -> Result<Choice, ChoiceError> {
        let groups = ["app_owners", "app_owners_v2", "apps", "billing", "vault"].into();
        let features = features.iter().map(|feature| (*feature).to_owned());
        choose(&groups, &features.collect(), names)
    }

    fn groups(features: &[&str], names: &str) -> Option<Vec<String>> {
        let choice = chosen(features, names).unwrap();
        choice.groups.map(|groups| groups.into_iter().collect())
    }

    fn message(features: &[&str], names: &str) -> String {
        chosen(features, names).unwrap_err().to_string()
    }

    #[test]
    fn names_come_on_top_of_features() {
        assert_eq!(groups(&[], "billing").unwrap(), ["billing"]);
        assert_eq!(
            groups(&["apps"], " billing ,vault,, apps").unwrap(),
            ["apps", "billing", "vault"]
        );
        for none in ["", " ", ","] {
            assert_eq!(groups(&["apps"], none).unwrap(), ["apps"]);
        }
        assert_eq!(groups(&["full"], "billing"), None);
    }

    #[test]
    fn the_feature_for_unknown_fields_is_no_group() {
        assert_eq!(
            chosen(&["apps", "unknown_fields"], "").unwrap().missing,
            [""; 0]
        );
    }

    #[test]
    fn unknown_names_are_refused_with_names_like_them() {
        for (name, message) in [
            ("biling", "names like it: `billing`"),
            ("AppOwners", "names like it: `app_owners`, `app_owners_v2`"),
            (
                "full",
                "there are `app_owners`, `app_owners_v2`, `apps`, `billing`, `vault`",
            ),
        ] {
            for features in [&["apps"][..], &["full"]] {
                let found = self::message(features, &format!("vault,{name}"));
                let expected = format!("no group `{name}`, which C1_API_GROUPS names; {message}");
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn features_without_operations_are_refused_unless_core_brings_them() {
        let features = BTreeSet::from(["apps", "core", "default", "task_search"]);
        let features: Vec<_> = features.into_iter().collect();
        assert_eq!(chosen(&features, "").unwrap().missing, ["task_search"]);
        assert_eq!(
            message(&["apps", "task_search"], ""),
            "no operations for these features of c1-api: `task_search`; leave them out"
        );
        assert_eq!(
            message(&["core", "task_search", "decoy"], ""),
            "no operations for these features of c1-api: `decoy`; leave them out"
        );
    }
}
