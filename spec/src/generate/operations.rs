//! The operations of a group: the methods that start them and their builders.

use super::direct::direct;
use super::docs::operation_doc;
use super::text::{argument, doc, is_pattern, list, literal, put, rust, signature};
use crate::lower::is_lowered;
use crate::model::{Description, Field, Operation, PageToken, Parameter, Payload, Type};
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
    "items",
    "operation",
    "options_mut",
    "pages",
    "send",
];

impl Operation {
    /// What the builder's field for a parameter is called, and the setter of one that is not required: as the parameter, with
    /// an underscore behind it where the builder has something else of that name, or the place that it is in where the
    /// path, or of a header the query, has one of that name.
    pub(super) fn member(&self, parameter: &Parameter) -> String {
        let name = snake(&parameter.name);
        let clashes = |others: &[Parameter]| {
            let mut others = others.iter();
            others.any(|other| snake(&other.name) == name && !std::ptr::eq(other, parameter))
        };
        let is_in = |list: &[Parameter]| list.iter().any(|other| std::ptr::eq(other, parameter));
        if is_in(&self.header_parameters)
            && (clashes(&self.path_parameters) || clashes(&self.query_parameters))
        {
            name + "_header"
        } else if clashes(&self.path_parameters) {
            name + "_query"
        } else if MEMBERS.contains(&name.as_str()) {
            name + "_"
        } else {
            identifier(&name)
        }
    }

    /// The parameters that have setters.
    fn optional(&self) -> impl Iterator<Item = &Parameter> {
        let all = self.query_parameters.iter().chain(&self.header_parameters);
        all.filter(|parameter| !parameter.required)
    }
}

impl Description {
    /// The struct that holds the arguments but the body by name, where the operation takes them so.
    ///
    /// A struct, because its literal names each id and the compiler misses none, while a builder would find out at run time
    /// that one is absent. An id type for each kind of id would also do, but the API has hundreds of kinds, all fields
    /// of the responses would need them, and `src_app_id` and `dst_app_id` would still be of one kind. The struct borrows
    /// its strings, so that a literal takes `&id` of a `String` as well as a `&str`; it costs no code but its derives.
    pub fn path_struct(&self, operation: &Operation) -> Option<String> {
        let mut run = 0;
        let mut longest = 0;
        let mut last = None;
        for parameter in operation.positional() {
            run = if last == Some(&parameter.ty) {
                run + 1
            } else {
                1
            };
            last = Some(&parameter.ty);
            longest = longest.max(run);
        }
        (longest >= NAMED_FROM).then(|| self.request(operation).path)
    }
}

/// The body of a request in Rust.
enum Body {
    /// It is no argument: the message has no fields.
    Default(String),
    /// The type of the argument, what makes the field of it, and the type of the field.
    Given(String, String, String),
}

fn body(operation: &Operation, description: &Description) -> Option<Body> {
    let payload = operation.body.as_ref()?;
    let message = payload.schema().and_then(|name| description.message(name));
    if message.is_some_and(|message| message.fields.is_empty()) {
        return payload
            .json
            .as_ref()
            .map(|ty| Body::Default(rust(ty, "types::")));
    }
    let Some(ty) = &payload.json else {
        return Some(Body::Given(
            "impl Into<Vec<u8>>".to_owned(),
            "body.into()".to_owned(),
            "Vec<u8>".to_owned(),
        ));
    };
    let (argument, value) = argument(ty, "types::", "body");
    Some(Body::Given(argument, value, rust(ty, "types::")))
}

/// The type of the response: that of its JSON, bytes, or nothing.
fn response(operation: &Operation, description: &Description) -> String {
    match &operation.response.payload {
        None => "()".to_owned(),
        Some(Payload { json: None, .. }) => "crate::Body".to_owned(),
        // It has no value for a body that is absent.
        Some(Payload { json: Some(ty), .. }) if is_pattern(description, ty) => {
            format!("Option<{}>", rust(ty, "types::"))
        }
        Some(Payload { json: Some(ty), .. }) => rust(ty, "types::"),
    }
}

/// The method that starts an operation: what is required by position.
pub(super) fn start(operation: &Operation, description: &Description, out: &mut String) {
    let mut arguments = vec!["&self".to_owned()];
    let mut fields = vec!["client: self.0.clone()".to_owned()];
    let named = description.path_struct(operation);
    if let Some(path) = &named {
        arguments.push(format!("path: {path}<'_>"));
    }
    for parameter in operation.positional() {
        let ident = operation.member(parameter);
        if named.is_some() {
            let field = identifier(&parameter.name);
            fields.push(format!("{ident}: path.{field}.into()"));
        } else {
            let (ty, value) = argument(&parameter.ty, "types::", &ident);
            arguments.push(format!("{ident}: {ty}"));
            fields.push(format!("{ident}: {value}"));
        }
    }
    if let Some(Body::Given(ty, value, _)) = body(operation, description) {
        arguments.push(format!("body: {ty}"));
        fields.push(format!("body: {value}"));
    }
    for parameter in operation.optional() {
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

/// The builder of an operation: what was given, setters for the rest, and `send`.
pub(super) fn builder(
    entry: &str,
    operation: &Operation,
    description: &Description,
    out: &mut String,
) {
    let [mut fields, mut setters] = <[String; 2]>::default();
    for parameter in operation.positional() {
        let (ident, ty) = (operation.member(parameter), rust(&parameter.ty, "types::"));
        put!(fields, "    {ident}: {ty},");
    }
    let mut optional: Vec<_> = operation.optional().collect();
    optional.sort_by_key(|parameter| parameter.name.as_str());
    for parameter in optional {
        let (ident, ty) = (operation.member(parameter), rust(&parameter.ty, "types::"));
        let (given, value) = argument(&parameter.ty, "types::", "value");
        put!(fields, "    {ident}: Option<{ty}>,");
        doc(&mut setters, "    ", parameter.doc.as_deref().unwrap_or(""));
        if parameter.deprecated {
            put!(setters, "    #[deprecated]");
        }
        put!(
            setters,
            "    pub fn {ident}(mut self, value: {given}) -> Self {{
        self.{ident} = Some({value});
        self
    }}
"
        );
    }
    let body = body(operation, description);
    if let Some(Body::Given(_, _, ty)) = &body {
        put!(fields, "    body: {ty},");
    }
    path_struct(operation, description, out);
    let (method, name) = (
        identifier(&operation.name),
        description.request(operation).builder,
    );
    let answer = format!("ResponseValue<{}>", response(operation, description));
    let body = body.map(|body| match body {
        Body::Default(ty) => format!("&{ty}::default()"),
        Body::Given(..) => "&self.body".to_owned(),
    });
    let send = if is_lowered(operation, description) {
        by_progenitor(operation, body)
    } else {
        direct(operation, body)
    };
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
{send}    }}
}}"
    );
}

/// The call of progenitor's method.
fn by_progenitor(operation: &Operation, body: Option<String>) -> String {
    let mut checks = String::new();
    let mut arguments = Vec::new();
    for parameter in &operation.path_parameters {
        let ident = operation.member(parameter);
        if parameter.ty == Type::String {
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
        let ident = operation.member(parameter);
        arguments.push(match parameter.ty {
            Type::String => format!("self.{ident}.as_deref()"),
            Type::Ref(_) => format!("self.{ident}.as_ref()"),
            _ => format!("self.{ident}"),
        });
    }
    arguments.extend(body);
    let raw = operation.raw_id();
    let used = "            match self.client.raw().().await {".len() + raw.len();
    let arguments = list("            ", used, &arguments);
    format!(
        "        Box::pin(async move {{
{checks}            let call = self.client.checked_call(Self::OPERATION);
            match call.raw().{raw}({arguments}).await {{
                Ok(response) => Ok(call.succeed(response)),
                Err(error) => Err(call.fail(error).await),
            }}
        }})
"
    )
}

/// The struct of the arguments, where there is one.
fn path_struct(operation: &Operation, description: &Description, out: &mut String) {
    let Some(name) = description.path_struct(operation) else {
        return;
    };
    let is_copy = |parameter: &Parameter| {
        use Type::{Bool, Double, Int32, Int64, String, Uint32, Uint64};
        matches!(
            parameter.ty,
            String | Bool | Int32 | Uint32 | Int64 | Uint64 | Double
        )
    };
    let copy = if operation.positional().all(is_copy) {
        " Copy,"
    } else {
        ""
    };
    let others = if operation.positional().count() > operation.path_parameters.len() {
        ", and what else is required"
    } else {
        ""
    };
    put!(
        out,
        "
/// The parameters in `{}`{others}.
#[derive(Clone,{copy} Debug)]
pub struct {name}<'a> {{",
        operation.path
    );
    for parameter in operation.positional() {
        let ty = match &parameter.ty {
            Type::String => "&'a str".to_owned(),
            ty => rust(ty, "types::"),
        };
        doc(out, "    ", parameter.doc.as_deref().unwrap_or(""));
        put!(out, "    pub {}: {ty},", identifier(&parameter.name));
    }
    put!(out, "}}");
}

/// What all builders of the group have in common, by the macro in `c1-api/src/request.rs`.
pub(super) fn requests(
    operations: &[(usize, &Operation)],
    description: &Description,
    out: &mut String,
) {
    let is_message = |operation: &Operation| {
        let schema = operation.response.schema();
        schema.is_some_and(|name| description.message(name).is_some())
    };
    let (messages, others): (Vec<_>, Vec<_>) = operations
        .iter()
        .partition(|(_, operation)| is_message(operation));
    if !messages.is_empty() {
        put!(out, "\nrequests! {{");
        for (index, operation) in messages {
            let builder = description.request(operation).builder;
            let schema = operation.response.schema().unwrap_or_default();
            put!(out, "    {builder} => {schema}, {index};");
        }
        put!(out, "}}");
    }
    if !others.is_empty() {
        put!(out, "\nrequests! {{");
        for (index, operation) in others {
            let builder = description.request(operation).builder;
            let ty = response(operation, description);
            put!(out, "    {builder}: {ty}, {index};");
        }
        put!(out, "}}");
    }
}

/// The lists of the group, by the macro in `c1-api/src/page.rs`.
pub(super) fn pages(
    operations: &[(usize, &Operation)],
    description: &Description,
    out: &mut String,
) {
    let pages: Vec<_> = operations
        .iter()
        .filter_map(|(_, operation)| page(operation, description))
        .collect();
    if !pages.is_empty() {
        put!(out, "\npages! {{\n{}\n}}", pages.join("\n"));
    }
}

/// What the macro needs of a list; `None` if the operation is none, or its types are not those of a list.
fn page(operation: &Operation, description: &Description) -> Option<String> {
    let page = operation.page.as_ref()?;
    let token = match page.token {
        PageToken::Nowhere => return None,
        PageToken::Query => {
            let mut query = operation.optional();
            let token = query
                .find(|parameter| parameter.name == "page_token" && parameter.ty == Type::String)?;
            operation.member(token)
        }
        PageToken::Body => {
            let schema = operation.body.as_ref()?.schema()?;
            text_field(description, schema, "pageToken")?;
            format!(
                "body.{}",
                identifier(&description.field(schema, "pageToken"))
            )
        }
    };
    let schema = operation.response.schema()?;
    text_field(description, schema, "nextPageToken")?;
    let Type::List(item) = &description.message(schema)?.fields.get(&page.items)?.ty else {
        return None;
    };
    let [next, items] =
        ["nextPageToken", &page.items].map(|field| identifier(&description.field(schema, field)));
    let builder = description.request(operation).builder;
    let item = rust(item, "types::");
    let expanded = expanded(description, schema)
        .map(|field| format!(", {field}"))
        .unwrap_or_default();
    Some(format!(
        "    {builder}: {token}, {next}, {items}: {item}{expanded};"
    ))
}

/// The field of a response that holds related objects.
fn expanded(description: &Description, schema: &str) -> Option<String> {
    let field = description.message(schema)?.fields.get("expanded")?;
    let is_list = field.ty == Type::List(Box::new(Type::Any));
    is_list.then(|| identifier(&description.field(schema, "expanded")))
}

/// The field of a message that is text and may be unset.
fn text_field<'d>(description: &'d Description, message: &str, name: &str) -> Option<&'d Field> {
    let field = description.message(message)?.fields.get(name)?;
    (field.ty == Type::String && !field.required).then_some(field)
}
