//! Counts what a description holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{
    Description, Field, Message, Method, Operation, PageToken, Safety, Schema, SchemaKind, Type,
};

/// The row that counts the oneofs.
const ONEOFS: &str = "oneof groups";

/// The counts of a description, for people and for the tests that pin them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Every count by its name, in the order in which they are printed.
    pub rows: Vec<(&'static str, usize)>,
}

impl Counts {
    /// Counts a description.
    pub fn of(description: &Description) -> Self {
        let messages: Vec<&Message> = description
            .schemas
            .keys()
            .filter_map(|name| description.message(name))
            .collect();
        let operations = &description.operations;
        let paths: BTreeSet<_> = operations.iter().map(|operation| &operation.path).collect();
        let operations_that =
            |is: fn(&Operation) -> bool| operations.iter().filter(|o| is(o)).count();
        let paged = |token| {
            operations
                .iter()
                .filter(|o| o.page.as_ref().is_some_and(|page| page.token == token))
                .count()
        };
        let fields_that = |is: fn(&Field) -> bool| {
            messages
                .iter()
                .flat_map(|message| message.fields.values())
                .filter(|field| is(field))
                .count()
        };
        let parameters = operations.iter().flat_map(Operation::parameters);

        let mut enum_sites = 0;
        let mut values: BTreeMap<&'static str, usize> = BTreeMap::new();
        let fields = messages
            .iter()
            .flat_map(|message| message.fields.values())
            .map(|field| &field.ty);
        for ty in fields.chain(parameters.clone().map(|parameter| &parameter.ty)) {
            let is_enum = |name| {
                matches!(
                    description.schemas.get(name),
                    Some(Schema {
                        kind: SchemaKind::Enum(_),
                        ..
                    })
                )
            };
            enum_sites += usize::from(ty.reference().is_some_and(is_enum));
            *values.entry(value_name(ty)).or_default() += 1;
        }

        let mut rows = vec![
            ("paths", paths.len()),
            ("operations", operations.len()),
            ("groups", description.groups().len()),
            ("messages", messages.len()),
            ("shared enums", description.schemas.len() - messages.len()),
            ("enum sites", enum_sites),
            (
                ONEOFS,
                messages.iter().map(|message| message.oneofs.len()).sum(),
            ),
            (
                "messages with oneof groups",
                messages
                    .iter()
                    .filter(|message| !message.oneofs.is_empty())
                    .count(),
            ),
            (
                "paged operations",
                operations_that(|operation| operation.page.is_some()),
            ),
            ("paged by query", paged(PageToken::Query)),
            ("paged by body", paged(PageToken::Body)),
            ("paged without a parameter", paged(PageToken::Nowhere)),
            (
                "query parameters of ours",
                parameters.filter(|parameter| parameter.ours).count(),
            ),
            ("required fields", fields_that(|field| field.required)),
            ("read-only fields", fields_that(|field| field.read_only)),
            ("deprecated fields", fields_that(|field| field.deprecated)),
            (
                "fields with a sunset",
                fields_that(|field| field.sunset.is_some()),
            ),
            ("sensitive fields", fields_that(|field| field.sensitive)),
            (
                "deprecated operations",
                operations_that(|operation| operation.deprecated),
            ),
            (
                "operations with a stability",
                operations_that(|operation| operation.stability.is_some()),
            ),
            ("POSTs", operations_that(|o| o.method == Method::Post)),
            (
                "POSTs that only read",
                operations_that(|o| o.method == Method::Post && o.safety == Safety::Safe),
            ),
        ];
        rows.extend(values);
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

/// The warning that a description has fewer oneof groups than the one before it, if it has. The vendor announces them in
/// prose, so that another wording of all of them would go unnoticed otherwise.
pub fn lost_oneofs(now: &Counts, before: &Counts) -> Option<String> {
    let [now, before] = [now, before].map(|counts| counts.get(ONEOFS));
    (now < before).then(|| format!("{now} {ONEOFS}, {before} in the description before"))
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.rows {
            writeln!(f, "{count:>6}  {name}")?;
        }
        Ok(())
    }
}

/// What a value, or what a list or map holds, is called among the counts.
fn value_name(ty: &Type) -> &'static str {
    match ty {
        Type::String => "values: string",
        Type::Bool => "values: bool",
        Type::Int32 => "values: int32",
        Type::Uint32 => "values: uint32",
        Type::Int64 => "values: int64",
        Type::Uint64 => "values: uint64",
        Type::Int64Number => "values: int64 as a number",
        Type::Uint64Number => "values: uint64 as a number",
        Type::Double => "values: double",
        Type::Bytes => "values: bytes",
        Type::Timestamp => "values: timestamp",
        Type::Duration => "values: duration",
        Type::Any => "values: any",
        Type::Object => "values: object",
        Type::Json => "values: json",
        Type::Ref(_) => "values: reference",
        Type::List(inner) | Type::Map(inner) => value_name(inner),
    }
}
