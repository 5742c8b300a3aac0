//! Which operation and which schema of one description is which of the other, whatever they are called in Rust.

use std::collections::{BTreeMap, BTreeSet};

use c1_api_spec::Description;
use c1_api_spec::model::{Operation, SchemaKind};

/// The same things of two descriptions, by their names in each.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    operations: Both,
    schemas: Both,
}

/// Old names to new ones.
#[derive(Debug, Default)]
struct Both {
    by_old: BTreeMap<String, String>,
    new: BTreeSet<String>,
}

impl Both {
    fn add(&mut self, old: &str, new: &str) {
        self.by_old.insert(old.to_owned(), new.to_owned());
        self.new.insert(new.to_owned());
    }

    fn is_free(&self, old: &str, new: &str) -> bool {
        !self.by_old.contains_key(old) && !self.new.contains(new)
    }

    /// Pairs what has the same key on both sides, where no other thing of that side has it.
    fn pair<'a, K: Ord>(&mut self, old: Vec<(K, &'a str)>, new: Vec<(K, &'a str)>) {
        let [old, new] = [old, new].map(|keyed| {
            let mut names: BTreeMap<K, Vec<&str>> = BTreeMap::new();
            for (key, name) in keyed {
                names.entry(key).or_default().push(name);
            }
            names
        });
        for (key, names) in &old {
            if let ([old], Some([new])) = (&names[..], new.get(key).map(Vec::as_slice))
                && self.is_free(old, new)
            {
                self.add(old, new);
            }
        }
    }
}

impl Pairs {
    pub(crate) fn of(old: &Description, new: &Description) -> Self {
        let mut pairs = Self::default();
        pairs.operations(old, new);
        pairs.schemas(old, new);
        pairs
    }

    /// The new id of an operation that is still there.
    pub(crate) fn operation(&self, old: &str) -> Option<&str> {
        self.operations.by_old.get(old).map(String::as_str)
    }

    pub(crate) fn is_new_operation(&self, new: &str) -> bool {
        !self.operations.new.contains(new)
    }

    /// The new name of a schema that is still there.
    pub(crate) fn schema(&self, old: &str) -> Option<&str> {
        self.schemas.by_old.get(old).map(String::as_str)
    }

    pub(crate) fn is_new_schema(&self, new: &str) -> bool {
        !self.schemas.new.contains(new)
    }

    /// The new name of a schema; the old one if it is gone.
    pub(crate) fn renamed<'a>(&'a self, old: &'a str) -> &'a str {
        self.schema(old).unwrap_or(old)
    }

    /// The schemas that have another name, old to new.
    pub(crate) fn renames(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.schemas.by_old.iter();
        names
            .filter(|(old, new)| old != new)
            .map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// By the id, which is the name in Rust; then by the RPC, then by method and path.
    fn operations(&mut self, old: &Description, new: &Description) {
        let [before, after] = [old, new].map(|description| {
            let operations = description.operations.iter();
            operations
                .map(|operation| (operation.id(), operation))
                .collect::<Vec<_>>()
        });
        let keys: [fn(&str, &Operation) -> Option<String>; 3] = [
            |id, _| Some(id.to_owned()),
            |_, operation| operation.rpc.clone(),
            |_, operation| Some(format!("{} {}", operation.method.as_str(), operation.path)),
        ];
        for key in keys {
            let keyed = |side: &'_ [(String, &Operation)]| -> Vec<(String, String)> {
                let keyed = side.iter();
                keyed
                    .filter_map(|(id, operation)| Some((key(id, operation)?, id.clone())))
                    .collect()
            };
            let (before, after) = (keyed(&before), keyed(&after));
            self.operations.pair(borrowed(&before), borrowed(&after));
        }
    }

    /// Messages by their protobuf name, then all by their name, then enums by the values that they share.
    fn schemas(&mut self, old: &Description, new: &Description) {
        let protos = |description: &'_ Description| -> Vec<(String, String)> {
            let schemas = description.schemas.iter();
            schemas
                .filter_map(|(name, schema)| Some((schema.proto.clone()?, name.clone())))
                .collect()
        };
        let (before, after) = (protos(old), protos(new));
        self.schemas.pair(borrowed(&before), borrowed(&after));
        for name in old.schemas.keys() {
            if new.schemas.contains_key(name) && self.schemas.is_free(name, name) {
                self.schemas.add(name, name);
            }
        }
        let enums = |description: &'_ Description| -> Vec<(String, BTreeSet<String>)> {
            let schemas = description.schemas.iter();
            schemas
                .filter_map(|(name, schema)| match &schema.kind {
                    SchemaKind::Enum(values) => {
                        Some((name.clone(), values.iter().cloned().collect()))
                    }
                    _ => None,
                })
                .collect()
        };
        let mut shared = Vec::new();
        let others = enums(new);
        for (old, values) in enums(old) {
            for (new, others) in &others {
                let common = values.intersection(others).count();
                // More than half of what the smaller one has.
                if self.schemas.is_free(&old, new) && common * 2 > values.len().min(others.len()) {
                    shared.push((std::cmp::Reverse(common), old.clone(), new.clone()));
                }
            }
        }
        shared.sort();
        for (_, old, new) in shared {
            if self.schemas.is_free(&old, &new) {
                self.schemas.add(&old, &new);
            }
        }
    }
}

fn borrowed(keyed: &[(String, String)]) -> Vec<(&str, &str)> {
    keyed
        .iter()
        .map(|(key, name)| (key.as_str(), name.as_str()))
        .collect()
}
