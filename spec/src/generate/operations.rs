//! The operations of a group: the methods that start them and their builders.

use super::docs::operation_doc;
use super::text::{doc, list, literal, put, rust, signature};
use crate::model::{Description, Operation, Parameter, Payload, Type};
use crate::names::{identifier, snake};
use crate::naming::NAMED_FROM;

/// What a builder has besides its parameters: two fields, its own method, and those of the traits that a caller uses.
const MEMBERS: &[&str] = &[
    "body",
    "client",
    "clone",
    "configure",
    "into",
    "into_future",
    "operation",
    "options_mut",
    "send",
];

impl Operation {
    /// What the builder's field for a parameter is called, and the setter of one in the query: as the parameter, with an
    /// underscore behind it where the builder has something else of that name, or `_query` where the path has one.
    fn member(&self, parameter: &Parameter) -> String {
        let name = snake(&parameter.name);
        let mut path = self.path_parameters.iter();
        if path.any(|other| snake(&other.name) == name && !std::ptr::eq(other, parameter)) {
            name + "_query"
        } else if MEMBERS.contains(&name.as_str()) {
            name + "_"
        } else {
            identifier(&name)
        }
    }
}

impl Description {
    /// The struct that holds the path parameters by name, where the operation takes them so.
    ///
    /// A struct, because its literal names each id and the compiler misses none, while a builder would find out at run time
    /// that one is absent. An id type for each kind of id would also do, but the API has hundreds of kinds, all fields
    /// of the responses would need them, and `src_app_id` and `dst_app_id` would still be of one kind. The struct borrows
    /// its strings, so that a literal takes `&id` of a `String` as well as a `&str`; it costs no code but its derives.
    pub fn path_struct(&self, operation: &Operation) -> Option<String> {
        let mut run = 0;
        let mut longest = 0;
        let mut last = None;
        for parameter in &operation.path_parameters {
            let ty = Some(path_type(parameter));
            run = if ty == last { run + 1 } else { 1 };
            last = ty;
            longest = longest.max(run);
        }
        (longest >= NAMED_FROM).then(|| self.request(operation).path)
    }
}

/// The body as an argument: where the message has fields at all.
fn body<'a>(operation: &'a Operation, description: &Description) -> Option<&'a str> {
    let name = operation.body.as_ref()?.schema()?;
    let has_fields = description
        .message(name)
        .is_some_and(|message| !message.fields.is_empty());
    has_fields.then_some(name)
}

/// The type of a path parameter as an argument and as a field of the builder.
fn path_type(parameter: &Parameter) -> &'static str {
    match parameter.ty {
        Type::Int64 => "i64",
        Type::Uint64 => "u64",
        _ => "String",
    }
}

/// The method that starts an operation: path parameters and the body by position.
pub(super) fn start(operation: &Operation, description: &Description, out: &mut String) {
    let mut arguments = vec!["&self".to_owned()];
    let mut fields = vec!["client: self.0.clone()".to_owned()];
    let named = description.path_struct(operation);
    if let Some(path) = &named {
        arguments.push(format!("path: {path}<'_>"));
    }
    for parameter in &operation.path_parameters {
        let ident = operation.member(parameter);
        if named.is_some() {
            let field = identifier(&parameter.name);
            fields.push(format!("{ident}: path.{field}.into()"));
        } else {
            arguments.push(format!("{ident}: impl Into<{}>", path_type(parameter)));
            fields.push(format!("{ident}: {ident}.into()"));
        }
    }
    if let Some(body) = body(operation, description) {
        arguments.push(format!("body: impl Into<types::{body}>"));
        fields.push("body: body.into()".to_owned());
    }
    for parameter in &operation.query_parameters {
        fields.push(format!("{}: None", operation.member(parameter)));
    }
    let (name, builder) = (
        identifier(&operation.name),
        description.request(operation).builder,
    );
    operation_doc(operation, "    ", out);
    put!(out, "{} {{", signature("    ", &name, &arguments, &builder));
    put!(out, "        {builder} {{");
    for field in fields {
        put!(out, "            {field},");
    }
    put!(out, "        }}\n    }}");
}

/// The builder of an operation: what was given, setters for the query, and `send`.
pub(super) fn builder(
    entry: &str,
    operation: &Operation,
    description: &Description,
    out: &mut String,
) {
    let [mut fields, mut setters, mut checks] = <[String; 3]>::default();
    let mut arguments = Vec::new();
    for parameter in &operation.path_parameters {
        let (ident, ty) = (operation.member(parameter), path_type(parameter));
        put!(fields, "    {ident}: {ty},");
        if ty == "String" {
            let name = literal(&parameter.name);
            put!(
                checks,
                "            crate::path::check({name}, &self.{ident})?;"
            );
            arguments.push(format!("&self.{ident}"));
        } else {
            arguments.push(format!("self.{ident}"));
        }
    }
    // progenitor sorts the query parameters by name.
    let mut query: Vec<_> = operation.query_parameters.iter().collect();
    query.sort_by_key(|parameter| parameter.name.as_str());
    for parameter in query {
        let (ident, ty) = (operation.member(parameter), rust(&parameter.ty, "types::"));
        put!(fields, "    {ident}: Option<{ty}>,");
        doc(&mut setters, "    ", parameter.doc.as_deref().unwrap_or(""));
        put!(
            setters,
            "    pub fn {ident}(mut self, value: impl Into<{ty}>) -> Self {{
        self.{ident} = Some(value.into());
        self
    }}
"
        );
        arguments.push(match parameter.ty {
            Type::String => format!("self.{ident}.as_deref()"),
            Type::Ref(_) => format!("self.{ident}.as_ref()"),
            _ => format!("self.{ident}"),
        });
    }
    if let Some(body) = body(operation, description) {
        put!(fields, "    body: types::{body},");
        arguments.push("&self.body".to_owned());
    } else if let Some(body) = operation.body.as_ref().and_then(Payload::schema) {
        arguments.push(format!("&types::{body}::default()"));
    }
    path_struct(operation, description, out);
    let (method, name, raw) = (
        identifier(&operation.name),
        description.request(operation).builder,
        operation.raw_id(),
    );
    let used = "            match self.client.raw().().await {".len() + raw.len();
    let arguments = list("            ", used, &arguments);
    let answer = operation.response.schema().unwrap_or_default();
    let answer = format!("ResponseValue<types::{answer}>");
    put!(
        out,
        "
/// Request of [`{entry}::{method}`].
#[derive(Clone, Debug)]
#[must_use = \"a call does nothing until it is awaited or sent\"]
pub struct {name} {{
    client: Client,
{fields}}}

impl {name} {{
{setters}    /// Sends the request and gives the response with its status and headers.
    ///
    /// # Errors
    ///
    /// When a path parameter cannot be sent, or the call fails; see [`Error::kind`].
    pub fn send(self) -> BoxFuture<'static, Result<{answer}, Error>> {{
        Box::pin(async move {{
{checks}            let call = self.client.checked_call(Self::OPERATION);
            match call.raw().{raw}({arguments}).await {{
                Ok(response) => Ok(call.succeed(response)),
                Err(error) => Err(call.fail(error).await),
            }}
        }})
    }}
}}"
    );
}

/// The struct of the path parameters, where there is one.
fn path_struct(operation: &Operation, description: &Description, out: &mut String) {
    let Some(name) = description.path_struct(operation) else {
        return;
    };
    put!(
        out,
        "
/// The parameters in `{}`.
#[derive(Clone, Copy, Debug)]
pub struct {name}<'a> {{",
        operation.path
    );
    for parameter in &operation.path_parameters {
        let ty = match path_type(parameter) {
            "String" => "&'a str",
            number => number,
        };
        doc(out, "    ", parameter.doc.as_deref().unwrap_or(""));
        put!(out, "    pub {}: {ty},", identifier(&parameter.name));
    }
    put!(out, "}}");
}

/// What all builders of the group have in common, by the macro in `c1-api/src/operation.rs`.
pub(super) fn requests(
    operations: &[(usize, &Operation)],
    description: &Description,
    out: &mut String,
) {
    put!(out, "\nrequests! {{");
    for (index, operation) in operations {
        put!(
            out,
            "    {} => {}, {index};",
            description.request(operation).builder,
            operation.response.schema().unwrap_or_default()
        );
    }
    put!(out, "}}");
}
