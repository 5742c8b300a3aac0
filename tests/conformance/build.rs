//! Generates from the description what no hand should write: one call for every operation
//! (`cases.rs`), one row for every message (`schemas.rs`) and one for every message with paths (`related.rs`).
//!
//! Each call is one short function; what they have in common is generic and written once in
//! `src/cases.rs`, which keeps six hundred of them affordable to compile.

#[path = "../operations.rs"]
mod operations;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use c1_api_spec::model::{Operation, Parameter, Payload, SchemaKind, Type};
use c1_api_spec::names::identifier;
use c1_api_spec::{Description, Source};

/// What `tests/seeds.rs` is about, and calls.
const SEEDS: &[&str] = &[
    "access_conflict.create_monitor",
    "app_entitlement_monitor_binding.create",
    "app_entitlement_owners_v2.create_entitlement_owner",
    "app_entitlements.create",
    "app_entitlements_proxy.create",
    "apps.create",
];

/// How many functions share a module. Modules are what the compiler divides its work by.
const SHARE: usize = 80;

fn main() {
    if let Err(error) = generate() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let source = Source::from_env();
    source.directives().for_each(|line| println!("{line}"));
    let description = source.load()?.description;
    operations::configure(&description, SEEDS);
    operations::configure(&description, &["personal_client.create"]);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    fs::write(out.join("cases.rs"), cases(&description)?)?;
    fs::write(out.join("schemas.rs"), schemas(&description)?)?;
    fs::write(out.join("related.rs"), related(&description)?)?;
    Ok(())
}

/// A function for each operation, and the table of them.
fn cases(description: &Description) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    let mut table = String::new();
    for (share, operations) in description.operations.chunks(SHARE).enumerate() {
        writeln!(out, "mod share{share} {{\n    use super::prelude::*;")?;
        for (index, operation) in operations.iter().enumerate() {
            case(description, operation, index, &mut out)?;
            let id = operation.id();
            writeln!(
                table,
                "    Case {{ id: {id:?}, start: share{share}::call{index} }},"
            )?;
        }
        writeln!(out, "}}")?;
    }
    writeln!(
        out,
        "/// A call for every operation, in the order of the description."
    )?;
    writeln!(out, "pub static CASES: &[Case] = &[\n{table}];")?;
    Ok(out)
}

fn case(
    description: &Description,
    operation: &Operation,
    index: usize,
    out: &mut String,
) -> Result<(), Box<dyn Error>> {
    let mut arguments = Vec::new();
    let mut path = Vec::new();
    for parameter in &operation.path_parameters {
        path.push((parameter, argument(description, parameter, "path")?));
    }
    if let Some(name) = description.path_struct(operation) {
        let group = identifier(&operation.group);
        let mut fields = String::new();
        for (parameter, value) in path {
            let borrow = if parameter.ty == Type::String {
                "&"
            } else {
                ""
            };
            write!(fields, "{}: {borrow}{value}, ", identifier(&parameter.name))?;
        }
        arguments.push(format!("c1_api::{group}::{name} {{ {fields}}}"));
    } else {
        arguments.extend(path.into_iter().map(|(_, value)| value));
    }
    let body = operation.body.as_ref().and_then(Payload::schema);
    let message = body;
    let body = match body {
        None => "None",
        Some(name)
            if description
                .message(name)
                .is_some_and(|message| message.fields.is_empty()) =>
        {
            // Not an argument: there is nothing to say in it, and it is sent all the same.
            "Some(serde_json::json!({}))"
        }
        Some(_) => {
            arguments.push("body".to_owned());
            "Some(json)"
        }
    };
    let given = if arguments.is_empty() && operation.query_parameters.is_empty() {
        "_"
    } else {
        "given"
    };
    writeln!(
        out,
        "    pub(super) fn call{index}(client: &Client, {given}: &Given) -> Result<Running, Unfit> {{"
    )?;
    if let (Some(name), "Some(json)") = (message, body) {
        writeln!(
            out,
            "        let (body, json) = given.body::<types::{name}>()?;"
        )?;
    }
    let mut call = format!(
        "client.{}().{}({})",
        identifier(&operation.group),
        identifier(&operation.name),
        arguments.join(", ")
    );
    for parameter in &operation.query_parameters {
        let value = argument(description, parameter, "query")?;
        write!(call, ".{}({value})", identifier(&parameter.name))?;
    }
    writeln!(out, "        Ok(run({call}, {body}))\n    }}")?;
    Ok(())
}

/// The Rust expression of the value that was given for a parameter.
fn argument(
    description: &Description,
    parameter: &Parameter,
    place: &str,
) -> Result<String, Box<dyn Error>> {
    let value = format!("given.{place}({:?})?", parameter.name);
    match &parameter.ty {
        Type::String => Ok(value),
        Type::Int32 => Ok(format!("{value}.parse::<i32>()?")),
        Type::Int64 => Ok(format!("{value}.parse::<i64>()?")),
        Type::Ref(name)
            if matches!(
                description.schemas.get(name).map(|schema| &schema.kind),
                Some(SchemaKind::Enum(_))
            ) =>
        {
            Ok(format!("types::{name}::from({value})"))
        }
        other => Err(format!(
            "{}: teach build.rs to give a parameter of type {other:?}",
            parameter.name
        )
        .into()),
    }
}

/// A row for each message.
fn schemas(description: &Description) -> Result<String, Box<dyn Error>> {
    let secretive = secretive(description);
    let messages: Vec<_> = description
        .schemas
        .iter()
        .filter(|(_, schema)| matches!(schema.kind, SchemaKind::Message(_)))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut out = String::new();
    let mut table = String::new();
    for (share, names) in messages.chunks(SHARE).enumerate() {
        writeln!(out, "mod share{share} {{\n    use super::prelude::*;")?;
        writeln!(out, "    pub(super) static ROWS: &[Schema] = &[")?;
        for name in names {
            let debug = if secretive.contains(name) {
                format!("Some(debug::<types::{name}>)")
            } else {
                "None".to_owned()
            };
            writeln!(
                out,
                "        Schema {{
            name: {name:?},
            size: size_of::<types::{name}>(),
            round: round::<types::{name}>,
            debug: {debug},
        }},"
            )?;
        }
        writeln!(out, "    ];\n}}")?;
        writeln!(table, "    share{share}::ROWS,")?;
    }
    writeln!(out, "static SHARES: &[&[Schema]] = &[\n{table}];")?;
    Ok(out)
}

/// A row for each path that has a method.
fn related(description: &Description) -> Result<String, Box<dyn Error>> {
    let mut table = String::new();
    for name in description.schemas.keys() {
        let message = description.message(name).into_iter();
        for (wire, field) in message.flat_map(|message| &message.fields) {
            let Some(related) = &field.related else {
                continue;
            };
            let field = description.field(name, wire);
            let method = identifier(field.strip_suffix("_path").unwrap_or(&field));
            let is_time = related.proto == "google.protobuf.Timestamp";
            let values = if is_time { "times" } else { "values" };
            writeln!(
                table,
                "    Path {{
        message: {name:?},
        field: {wire:?},
        proto: {:?},
        follow: |row, expanded| {values}(read::<types::{name}>(row)?.{method}(expanded)?),
    }},",
                related.proto
            )?;
        }
    }
    Ok(format!(
        "/// Every path that has a method.\npub static PATHS: &[Path] = &[\n{table}];"
    ))
}

/// The messages that hold a secret, themselves or in a message within.
fn secretive(description: &Description) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for name in description.schemas.keys() {
            let holds = description.message(name).is_some_and(|message| {
                message.fields.values().any(|field| {
                    let inner = field.ty.reference();
                    field.sensitive || inner.is_some_and(|inner| found.contains(inner))
                })
            });
            if holds {
                found.insert(name.as_str());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
