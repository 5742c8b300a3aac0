//! Messages for the tests of the codec, in exactly the shape in which the generated ones come, and its test helpers.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::ser::SerializeMap;
use serde_json::Value as Json;

use crate::wire;

/// What `json` is read as; `None` for `null`.
pub(super) fn round<V: wire::Value>(json: &str) -> Option<V> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value: Option<V> = wire::deserialize(&mut deserializer).unwrap();
    deserializer.end().unwrap();
    let tree: Json = serde_json::from_str(json).unwrap();
    let from_tree: Option<V> = wire::deserialize(tree).unwrap();
    assert_eq!(
        value.as_ref().map(written),
        from_tree.as_ref().map(written),
        "text and tree read differently"
    );
    value
}

/// The error with which `json` is refused, without its position.
pub(super) fn refusal<V: wire::Value>(json: &str) -> String {
    let error = wire::deserialize::<Option<V>, _>(&mut serde_json::Deserializer::from_str(json))
        .err()
        .unwrap()
        .to_string();
    if let Ok(tree) = serde_json::from_str::<Json>(json) {
        let from_tree = wire::deserialize::<Option<V>, _>(tree)
            .err()
            .unwrap()
            .to_string();
        assert_eq!(error.split(" at line ").next(), Some(from_tree.as_str()));
    }
    error.split(" at line ").next().unwrap().to_owned()
}

/// The JSON that is written for `value`.
pub(super) fn written<V: wire::Value>(value: &V) -> String {
    serde_json::to_string(&wire::value::Encode(value)).unwrap()
}

wire::open_enum! {
    /// The kind of a folder.
    pub(super) enum FolderKind {
        /// Zero.
        Unspecified = "FOLDER_KIND_UNSPECIFIED",
        /// One.
        Shared = "FOLDER_KIND_SHARED",
    }
}

/// What the generated messages have besides, with the feature `unknown-fields`.
macro_rules! unknown_fields {
    (keep) => {
        #[cfg(feature = "unknown-fields")]
        fn unknown_fields_mut(&mut self) -> &mut wire::UnknownFields {
            &mut self.unknown_fields
        }
    };
    (write $self:ident, $out:ident) => {
        #[cfg(feature = "unknown-fields")]
        wire::write_unknown(&$self.unknown_fields, $out);
    };
}

/// A message that nests in itself, with a required field and two members of a oneof.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) inner: Option<Box<Folder>>,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) keep: Option<TimeDelta>,
    #[cfg(feature = "unknown-fields")]
    pub(crate) unknown_fields: wire::UnknownFields,
}

impl wire::FullName for Folder {
    const FULL_NAME: &'static str = "x.Folder";
}

impl wire::Message for Folder {
    fn empty() -> Self {
        Self {
            name: wire::absent(),
            inner: wire::absent(),
            owner: wire::absent(),
            group: wire::absent(),
            keep: wire::absent(),
            #[cfg(feature = "unknown-fields")]
            unknown_fields: wire::UnknownFields::default(),
        }
    }

    fn read_field(&mut self, name: &str, input: &mut dyn wire::Input) -> Result<bool, wire::Fault> {
        match name {
            "name" => wire::read(&mut self.name, input),
            "inner" => wire::read(&mut self.inner, input),
            "owner" => wire::read(&mut self.owner, input),
            "group" => wire::read(&mut self.group, input),
            "keep" => wire::read(&mut self.keep, input),
            _ => Ok(false),
        }
    }

    unknown_fields!(keep);

    fn write_fields<S: SerializeMap>(&self, out: &mut wire::Writer<'_, S>) {
        wire::write_required(&self.name, "name", out);
        wire::write(&self.inner, "inner", out);
        wire::write(&self.owner, "owner", out);
        wire::write(&self.group, "group", out);
        wire::write(&self.keep, "keep", out);
        unknown_fields!(write self, out);
    }
}

/// A message with a field of every type.
macro_rules! sample {
    ($($write:ident $field:ident: $type:ty = $name:literal),* $(,)?) => {
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub(super) struct Sample {
            $(pub(super) $field: $type,)*
            #[cfg(feature = "unknown-fields")]
            pub(super) unknown_fields: wire::UnknownFields,
        }

        pub(super) const FIELDS: &[&str] = &[$($name),*];

        impl wire::Message for Sample {
            fn empty() -> Self {
                Self {
                    $($field: wire::absent(),)*
                    #[cfg(feature = "unknown-fields")]
                    unknown_fields: wire::UnknownFields::default(),
                }
            }

            fn read_field(&mut self, name: &str, input: &mut dyn wire::Input) -> Result<bool, wire::Fault> {
                match name {
                    $($name => wire::read(&mut self.$field, input),)*
                    _ => Ok(false),
                }
            }

            unknown_fields!(keep);

            fn write_fields<S: SerializeMap>(&self, out: &mut wire::Writer<'_, S>) {
                $(wire::$write(&self.$field, $name, out);)*
                unknown_fields!(write self, out);
            }
        }
    };
}

sample! {
    write id: Option<String> = "id",
    write_required name: String = "name",
    write bool: Option<bool> = "bool",
    write int: Option<i32> = "int",
    write uint: Option<u32> = "uint",
    write long: Option<i64> = "long",
    write ulong: Option<u64> = "ulong",
    write double: Option<f64> = "double",
    write created_at: Option<DateTime<Utc>> = "createdAt",
    write timeout: Option<TimeDelta> = "timeout",
    write data: Option<Vec<u8>> = "data",
    write any: Option<wire::Any> = "any",
    write free: Option<serde_json::Map<String, Json>> = "free",
    write json: Option<Json> = "json",
    write user_ids: Vec<String> = "userIds",
    write numbers: Vec<i64> = "numbers",
    write annotations: BTreeMap<String, String> = "annotations",
    write labels: BTreeMap<String, Folder> = "labels",
    write folder: Option<Box<Folder>> = "folder",
    write folders: Vec<Folder> = "folders",
    write kind: Option<FolderKind> = "kind",
    write kinds: Vec<FolderKind> = "kinds",
    write_required required_ids: Vec<String> = "requiredIds",
}

/// A response with a list of messages.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[allow(clippy::struct_field_names, reason = "as the API names them")]
pub(super) struct List {
    pub(super) list: Vec<Sample>,
    pub(super) kinds: Vec<FolderKind>,
    #[cfg(feature = "unknown-fields")]
    pub(super) unknown_fields: wire::UnknownFields,
}

impl wire::FullName for List {
    const FULL_NAME: &'static str = "x.List";
}

impl wire::Message for List {
    fn empty() -> Self {
        Self {
            list: wire::absent(),
            kinds: wire::absent(),
            #[cfg(feature = "unknown-fields")]
            unknown_fields: wire::UnknownFields::default(),
        }
    }

    fn read_field(&mut self, name: &str, input: &mut dyn wire::Input) -> Result<bool, wire::Fault> {
        match name {
            "list" => wire::read(&mut self.list, input),
            "kinds" => wire::read(&mut self.kinds, input),
            _ => Ok(false),
        }
    }

    unknown_fields!(keep);

    fn write_fields<S: SerializeMap>(&self, out: &mut wire::Writer<'_, S>) {
        wire::write(&self.list, "list", out);
        wire::write(&self.kinds, "kinds", out);
        unknown_fields!(write self, out);
    }
}

wire::messages!(Folder, Sample, List);
