//! Counts what a description holds, and what only the importer's note on the document knew so far.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{Description, PageToken, SchemaKind, Type};

/// The counts of a description, for people and for the tests that pin them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Every count by its name, in the order in which they are printed.
    pub rows: Vec<(&'static str, usize)>,
}

impl Counts {
    /// Counts a description.
    pub fn of(description: &Description) -> Self {
        let mut enum_sites = 0;
        let mut formats: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut visit = |ty: &Type| {
            let mut ty = ty;
            while let Type::List(inner) | Type::Map(inner) = ty {
                ty = inner;
            }
            if let Type::Ref(name) = ty
                && description
                    .schemas
                    .get(name)
                    .is_some_and(|schema| matches!(schema.kind, SchemaKind::Enum(_)))
            {
                enum_sites += 1;
            }
            *formats.entry(format_name(ty)).or_default() += 1;
        };
        let messages = || {
            description
                .schemas
                .values()
                .filter_map(|schema| match &schema.kind {
                    SchemaKind::Message(message) => Some(message),
                    _ => None,
                })
        };
        for field in messages().flat_map(|message| message.fields.values()) {
            visit(&field.ty);
        }
        for operation in &description.operations {
            for parameter in operation
                .path_parameters
                .iter()
                .chain(&operation.query_parameters)
            {
                visit(&parameter.ty);
            }
        }
        let operations = &description.operations;
        let paged = |token| {
            operations
                .iter()
                .filter(|o| o.page.as_ref().is_some_and(|page| page.token == token))
                .count()
        };
        let fields = || messages().flat_map(|message| message.fields.values());
        let paths: BTreeSet<_> = operations.iter().map(|operation| &operation.path).collect();
        let ours = operations
            .iter()
            .flat_map(|operation| &operation.query_parameters)
            .filter(|p| p.ours)
            .count();
        let mut rows = vec![
            ("paths", paths.len()),
            ("operations", operations.len()),
            ("groups", description.groups().len()),
            ("messages", messages().count()),
            (
                "shared enums",
                description.schemas.len() - messages().count(),
            ),
            ("enum sites", enum_sites),
            (
                "oneof groups",
                messages().map(|message| message.oneofs.len()).sum(),
            ),
            (
                "messages with oneof groups",
                messages()
                    .filter(|message| !message.oneofs.is_empty())
                    .count(),
            ),
            (
                "paged operations",
                operations
                    .iter()
                    .filter(|operation| operation.page.is_some())
                    .count(),
            ),
            ("paged by query", paged(PageToken::Query)),
            ("paged by body", paged(PageToken::Body)),
            ("paged without a parameter", paged(PageToken::Nowhere)),
            ("query parameters of ours", ours),
            (
                "required fields",
                fields().filter(|field| field.required).count(),
            ),
            (
                "read-only fields",
                fields().filter(|field| field.read_only).count(),
            ),
            (
                "deprecated fields",
                fields().filter(|field| field.deprecated).count(),
            ),
            (
                "fields with a sunset",
                fields().filter(|field| field.sunset.is_some()).count(),
            ),
            (
                "sensitive fields",
                fields().filter(|field| field.sensitive).count(),
            ),
            (
                "deprecated operations",
                operations
                    .iter()
                    .filter(|operation| operation.deprecated)
                    .count(),
            ),
            (
                "operations with a stability",
                operations
                    .iter()
                    .filter(|operation| operation.stability.is_some())
                    .count(),
            ),
        ];
        rows.extend(formats);
        Self { rows }
    }

    /// The count of that name; 0 where there is none.
    pub fn get(&self, name: &str) -> usize {
        self.rows
            .iter()
            .find(|(row, _)| *row == name)
            .map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.rows {
            writeln!(f, "{count:>6}  {name}")?;
        }
        Ok(())
    }
}

/// What a scalar is called among the counts.
fn format_name(ty: &Type) -> &'static str {
    match ty {
        Type::String => "values: string",
        Type::Bool => "values: bool",
        Type::Int32 => "values: int32",
        Type::Uint32 => "values: uint32",
        Type::Int64 => "values: int64",
        Type::Uint64 => "values: uint64",
        Type::Double => "values: double",
        Type::Bytes => "values: bytes",
        Type::Timestamp => "values: timestamp",
        Type::Duration => "values: duration",
        Type::Any => "values: any",
        Type::Object => "values: object",
        Type::Json => "values: json",
        Type::Ref(_) => "values: reference",
        Type::List(_) | Type::Map(_) => "values: container",
    }
}
