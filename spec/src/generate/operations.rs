//! Groups, operation builders and the table of operations.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{doc, literal, put, rust};
use crate::error::{Error, Result};
use crate::model::{Description, Operation, PageToken, Parameter, Safety, Type};
use crate::names::{identifier, pascal};

/// The file `operations.rs`.
pub(super) fn operations(description: &Description, secrets: &BTreeSet<String>) -> Result<String> {
    let mut out = String::new();
    let mut sorted: Vec<_> = description.operations.iter().collect();
    sorted.sort_by_key(|operation| operation.raw_id());
    put!(
        out,
        "/// Every operation that this build of the crate knows, sorted by its id with `.` read as `_`."
    );
    put!(out, "pub static OPERATIONS: &[Operation] = &[");
    let mut groups: BTreeMap<&str, Vec<(usize, &Operation)>> = BTreeMap::new();
    for (index, operation) in sorted.iter().enumerate() {
        table_row(operation, &mut out);
        groups
            .entry(&operation.group)
            .or_default()
            .push((index, operation));
    }
    put!(out, "];");

    sensitive_fields(secrets, &mut out);
    put!(out, "impl Client {{");
    for group in groups.keys() {
        let module = identifier(group);
        put!(out, "    /// The operations of the group `{group}`.");
        put!(
            out,
            "    pub fn {module}(&self) -> {module}::{} {{",
            pascal(group)
        );
        put!(
            out,
            "        {module}::{}(self.clone())\n    }}",
            pascal(group)
        );
    }
    put!(out, "}}");
    for (group, operations) in &groups {
        put!(out, "/// The operations of the group `{group}`.");
        put!(out, "pub mod {} {{", identifier(group));
        put!(
            out,
            "    #![allow(deprecated, clippy::too_many_arguments, rustdoc::bare_urls, reason = \"generated: calls and prose are as the API has them\")]"
        );
        put!(
            out,
            "    use crate::request::requests;\n    use crate::{{types, BoxFuture, Client, Error, ResponseValue}};"
        );
        let entry = pascal(group);
        put!(
            out,
            "    /// Starts the operations of the group `{group}`; got from [`Client::{}`].",
            identifier(group)
        );
        put!(
            out,
            "    #[derive(Clone, Debug)]\n    pub struct {entry}(pub(crate) Client);"
        );
        put!(out, "    impl {entry} {{");
        for (_, operation) in operations {
            if pascal(&operation.name) == entry {
                return Err(Error::new(
                    "#/paths",
                    format!("the operation {:?}", operation.id()),
                    "a name unlike its group's",
                ));
            }
            start(operation, description, &mut out);
        }
        put!(out, "    }}");
        for (_, operation) in operations {
            builder(operation, description, &mut out);
        }
        put!(out, "    requests! {{");
        for (index, operation) in operations {
            put!(
                out,
                "        {} => {}, {index};",
                pascal(&operation.name),
                operation.response
            );
        }
        put!(out, "    }}\n}}");
    }
    Ok(out)
}

/// The wire names of all fields that hold secrets: what a client that shows a request must not show.
fn sensitive_fields(names: &BTreeSet<String>, out: &mut String) {
    put!(
        out,
        "/// The wire names of the fields that hold secrets, whatever the message, and whatever the features of this build."
    );
    put!(out, "pub static SENSITIVE_FIELDS: &[&str] = &[");
    for name in names {
        put!(out, "    {},", literal(name));
    }
    put!(out, "];");
}

fn table_row(operation: &Operation, out: &mut String) {
    let page = operation.page.as_ref().map_or("None".to_owned(), |page| {
        let token = match page.token {
            PageToken::Query => "Query",
            PageToken::Body => "Body",
            PageToken::Nowhere => "Nowhere",
        };
        format!(
            "Some(Page {{ items: {}, token: PageToken::{token} }})",
            literal(&page.items)
        )
    });
    let safety = match operation.safety {
        Safety::Safe => "Safe",
        Safety::Idempotent => "Idempotent",
        Safety::Neither => "Neither",
    };
    let stability = operation
        .stability
        .map_or("Unmarked".to_owned(), |stability| {
            pascal(stability.as_str())
        });
    put!(out, "    Operation {{");
    put!(out, "        id: {},", literal(&operation.id()));
    put!(
        out,
        "        method: {},",
        literal(operation.method.as_str())
    );
    put!(out, "        path: {},", literal(&operation.path));
    put!(out, "        safety: Safety::{safety},");
    put!(out, "        stability: Stability::{stability},");
    put!(out, "        deprecated: {},", operation.deprecated);
    put!(out, "        page: {page},\n    }},");
}

/// What the documentation of an operation says.
fn operation_doc(operation: &Operation, indent: &str, out: &mut String) {
    let line = format!("`{} {}`", operation.method.as_str(), operation.path);
    if let Some(prose) = &operation.doc {
        doc(out, indent, prose);
        put!(out, "{indent}///");
    }
    put!(out, "{indent}/// {line}");
    if let Some(stability) = operation.stability {
        put!(
            out,
            "{indent}///\n{indent}/// Stability: {}.",
            stability.as_str()
        );
    }
    if operation.deprecated {
        put!(out, "{indent}#[deprecated]");
    }
}

/// The body as an argument: where the message has fields at all.
fn body<'a>(operation: &'a Operation, description: &Description) -> Option<&'a str> {
    let name = operation.body.as_deref()?;
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
fn start(operation: &Operation, description: &Description, out: &mut String) {
    let mut arguments = vec!["&self".to_owned()];
    let mut fields = vec!["client: self.0.clone()".to_owned()];
    for parameter in &operation.path_parameters {
        let ident = identifier(&parameter.name);
        arguments.push(format!("{ident}: impl Into<{}>", path_type(parameter)));
        fields.push(format!("{ident}: {ident}.into()"));
    }
    if let Some(body) = body(operation, description) {
        arguments.push(format!("body: impl Into<types::{body}>"));
        fields.push("body: body.into()".to_owned());
    }
    for parameter in &operation.query_parameters {
        fields.push(format!("{}: None", identifier(&parameter.name)));
    }
    let (arguments, fields) = (arguments.join(", "), fields.join(", "));
    let (name, builder) = (identifier(&operation.name), pascal(&operation.name));
    operation_doc(operation, "        ", out);
    put!(
        out,
        "        pub fn {name}({arguments}) -> {builder} {{
            {builder} {{ {fields} }}
        }}"
    );
}

/// The builder of an operation: what was given, setters for the query, and `send`.
fn builder(operation: &Operation, description: &Description, out: &mut String) {
    let [mut fields, mut setters, mut checks] = <[String; 3]>::default();
    let mut arguments = Vec::new();
    for parameter in &operation.path_parameters {
        let (ident, ty) = (identifier(&parameter.name), path_type(parameter));
        put!(fields, "        {ident}: {ty},");
        if ty == "String" {
            let name = literal(&parameter.name);
            put!(
                checks,
                "                crate::path::check({name}, &self.{ident})?;"
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
        let (ident, ty) = (identifier(&parameter.name), rust(&parameter.ty, "types::"));
        put!(fields, "        {ident}: Option<{ty}>,");
        let fallback = format!("Sets the query parameter `{}`.", parameter.name);
        doc(
            &mut setters,
            "        ",
            parameter.doc.as_deref().unwrap_or(&fallback),
        );
        put!(
            setters,
            "        pub fn {ident}(mut self, value: impl Into<{ty}>) -> Self {{
            self.{ident} = Some(value.into());
            self
        }}"
        );
        arguments.push(match parameter.ty {
            Type::String => format!("self.{ident}.as_deref()"),
            Type::Ref(_) => format!("self.{ident}.as_ref()"),
            _ => format!("self.{ident}"),
        });
    }
    if let Some(body) = body(operation, description) {
        put!(fields, "        body: types::{body},");
        arguments.push("&self.body".to_owned());
    } else if let Some(body) = &operation.body {
        arguments.push(format!("&types::{body}::default()"));
    }
    let (name, raw, arguments) = (
        pascal(&operation.name),
        operation.raw_id(),
        arguments.join(", "),
    );
    let answer = format!("ResponseValue<types::{}>", operation.response);
    operation_doc(operation, "    ", out);
    put!(
        out,
        "    #[derive(Clone, Debug)]
    #[must_use = \"a call does nothing until it is awaited or sent\"]
    pub struct {name} {{
        client: Client,
{fields}    }}
    impl {name} {{
{setters}        /// Sends the request and gives the answer with its status and headers.
        ///
        /// # Errors
        ///
        /// When a path parameter cannot be sent, or the call fails; see [`Error::kind`].
        pub fn send(self) -> BoxFuture<'static, Result<{answer}, Error>> {{
            Box::pin(async move {{
{checks}                let call = self.client.checked_call(Self::OPERATION);
                match call.raw().{raw}({arguments}).await {{
                    Ok(response) => Ok(call.succeed(response)),
                    Err(error) => Err(call.fail(error).await),
                }}
            }})
        }}
    }}"
    );
}
