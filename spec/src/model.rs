//! The API as facts: what every pass reads and the code generator prints.
//!
//! A [`Description`] holds what the vendor's document says about the interface and nothing about
//! how it was written there. Names are already short, enums already shared, oneof groups named.

use indexmap::IndexMap;
use serde_json::Value;

use crate::findings::Note;
use crate::naming::Names;

/// The API: its operations and the schemas they speak in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The version that the document gives itself.
    pub version: String,
    /// The file that it was imported from, where that is recorded.
    pub origin: Option<Origin>,
    /// Where the API lives.
    pub server: Server,
    /// Every operation, in the order of the document.
    pub operations: Vec<Operation>,
    /// Every schema by its short name, sorted by it.
    pub schemas: IndexMap<String, Schema>,
    /// What of the imported document is carried untyped or not at all.
    pub notes: Vec<Note>,
    /// The names in Rust that are not those of the model; [`Description::variant`] and its neighbours tell them.
    pub names: Names,
}

impl Description {
    /// The names of the operation groups, sorted.
    pub fn groups(&self) -> std::collections::BTreeSet<&str> {
        self.operations
            .iter()
            .map(|operation| operation.group.as_str())
            .collect()
    }

    /// The message behind a schema name; `None` for enums, patterns and unknown names.
    pub fn message(&self, name: &str) -> Option<&Message> {
        match &self.schemas.get(name)?.kind {
            SchemaKind::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The schema with the full protobuf name.
    pub fn by_proto(&self, proto: &str) -> Option<&str> {
        let mut schemas = self.schemas.iter();
        let found = schemas.find(|(_, schema)| schema.proto.as_deref() == Some(proto));
        found.map(|(name, _)| name.as_str())
    }

    /// Every place that has a type with a name, and that name: `Message.field`, `group.name?parameter`, and
    /// `group.name:request` and `group.name:response`.
    pub(crate) fn places(&self) -> Vec<(String, &str)> {
        let mut places = Vec::new();
        for (name, schema) in &self.schemas {
            if let SchemaKind::Message(message) = &schema.kind {
                for (wire, field) in &message.fields {
                    let reference = field.ty.reference();
                    places.extend(reference.map(|ty| (format!("{name}.{wire}"), ty)));
                }
            }
        }
        for operation in &self.operations {
            let id = operation.id();
            let payloads = [
                ("request", operation.body.as_ref()),
                ("response", operation.response.payload.as_ref()),
            ];
            for (end, payload) in payloads {
                let ty = payload.and_then(|payload| payload.json.as_ref());
                let reference = ty.and_then(Type::reference);
                places.extend(reference.map(|ty| (format!("{id}:{end}"), ty)));
            }
            for parameter in operation.parameters() {
                let reference = parameter.ty.reference();
                places.extend(reference.map(|ty| (format!("{id}?{}", parameter.name), ty)));
            }
        }
        places
    }

    /// The names in the same places, in the same order.
    pub(crate) fn references_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let fields = self.schemas.values_mut().flat_map(|schema| {
            let message = match &mut schema.kind {
                SchemaKind::Message(message) => Some(message),
                _ => None,
            };
            let fields = message
                .into_iter()
                .flat_map(|message| message.fields.values_mut());
            fields.filter_map(|field| field.ty.reference_mut())
        });
        let operations = self.operations.iter_mut().flat_map(Operation::types_mut);
        let operations = operations.filter_map(Type::reference_mut);
        fields.chain(operations)
    }

    /// The wire names of all fields that hold secrets.
    pub fn sensitive_fields(&self) -> std::collections::BTreeSet<String> {
        let messages = self.schemas.keys().filter_map(|name| self.message(name));
        let fields = messages.flat_map(|message| &message.fields);
        fields
            .filter(|(_, field)| field.sensitive)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The operation with this id (`group.name`).
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.id() == id)
    }
}

/// The file that a description in our form was imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its date (RFC 3339 full-date).
    pub date: String,
}

/// The server of the API: a URL template and its variables' defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// For example `https://{tenantDomain}.conductor.one`.
    pub url: String,
    /// Variable name to default value.
    pub variables: IndexMap<String, String>,
    /// The path of the OAuth 2.0 token endpoint on the server.
    pub token_url: String,
}

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The group in `snake_case`, also the name of the cargo feature.
    pub group: String,
    /// The name within the group in `snake_case`.
    pub name: String,
    /// The vendor's name of the operation, where it repeats the group's name and `name` does not.
    pub vendor_name: Option<String>,
    /// The full name of the RPC, where the document gives one.
    pub rpc: Option<String>,
    /// The HTTP method.
    pub method: Method,
    /// What repeating the operation does: as the method has it, but for a POST that is marked as safe.
    pub safety: Safety,
    /// The path template, for example `/api/v1/apps/{id}`.
    pub path: String,
    /// The parameters in the path, in the order of the template.
    pub path_parameters: Vec<Parameter>,
    /// The parameters in the query, in the order of the document.
    pub query_parameters: Vec<Parameter>,
    /// The parameters in headers, in the order of the document.
    pub header_parameters: Vec<Parameter>,
    /// The body of the request; it is always sent.
    pub body: Option<Payload>,
    /// What a success brings.
    pub response: Success,
    /// How the response is paged, if it is.
    pub page: Option<Page>,
    /// What the vendor promises about the operation's form.
    pub stability: Option<Stability>,
    /// Whether the vendor wants callers to move away.
    pub deprecated: bool,
    /// Prose; the vendor's when the vendor's document is read directly, ours from the overlay.
    pub doc: Option<String>,
}

impl Operation {
    /// `group.name`, unique in a description.
    pub fn id(&self) -> String {
        format!("{}.{}", self.group, self.name)
    }

    /// The name of the method on progenitor's client.
    pub fn raw_id(&self) -> String {
        format!("{}_{}", self.group, self.name)
    }

    /// Every parameter: in the path, in the query, in headers.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> + Clone {
        let lists = [
            &self.path_parameters,
            &self.query_parameters,
            &self.header_parameters,
        ];
        lists.into_iter().flatten()
    }

    /// The same, to be changed.
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        let lists = [
            &mut self.path_parameters,
            &mut self.query_parameters,
            &mut self.header_parameters,
        ];
        lists.into_iter().flatten()
    }

    /// The parameters that are arguments of the method, in order: those in the path, then what else is required.
    pub fn positional(&self) -> impl Iterator<Item = &Parameter> {
        let others = self.query_parameters.iter().chain(&self.header_parameters);
        self.path_parameters
            .iter()
            .chain(others.filter(|parameter| parameter.required))
    }

    /// Every type that the operation names: of the body, of the response, of the parameters.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        let payloads = self.body.iter().chain(&self.response.payload);
        let types = payloads.filter_map(|payload| payload.json.as_ref());
        types.chain(self.parameters().map(|parameter| &parameter.ty))
    }

    /// The same, to be changed.
    pub fn types_mut(&mut self) -> impl Iterator<Item = &mut Type> {
        let lists = [
            &mut self.path_parameters,
            &mut self.query_parameters,
            &mut self.header_parameters,
        ];
        let parameters = lists.into_iter().flatten();
        let payloads = self.body.iter_mut().chain(&mut self.response.payload);
        let types = payloads.filter_map(|payload| payload.json.as_mut());
        types.chain(parameters.map(|parameter| &mut parameter.ty))
    }
}

/// The body of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Its media type, such as `application/json`.
    pub media: String,
    /// What its JSON holds; `None` where the body is carried as bytes.
    pub json: Option<Type>,
}

impl Payload {
    /// The media type of JSON (RFC 8259).
    pub const JSON: &str = "application/json";

    /// JSON that holds the type.
    pub fn json(ty: Type) -> Self {
        Self {
            media: Self::JSON.to_owned(),
            json: Some(ty),
        }
    }

    /// The schema by name of which it is, if its JSON is of one as a whole.
    pub fn schema(&self) -> Option<&str> {
        match &self.json {
            Some(Type::Ref(name)) => Some(name),
            _ => None,
        }
    }
}

/// What a success brings: statuses, and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The body; `None` where no success has one.
    pub payload: Option<Payload>,
    /// The statuses that bring it: `200`, or `2XX` for all that are not listed.
    pub statuses: Vec<String>,
    /// The statuses that bring no body.
    pub empty: Vec<String>,
}

impl Success {
    /// 200 with JSON that holds the type.
    pub fn json(ty: Type) -> Self {
        Self {
            payload: Some(Payload::json(ty)),
            statuses: vec!["200".to_owned()],
            empty: Vec::new(),
        }
    }

    /// The schema by name of which the response is, if it is JSON of one as a whole.
    pub fn schema(&self) -> Option<&str> {
        self.payload.as_ref()?.schema()
    }
}

/// The HTTP methods that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// Every method, in the order in which a path item is written.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As on the wire: `GET`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What calling an operation, and calling it again, does to the tenant (RFC 9110, section 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// Only reads (section 9.2.1).
    Safe,
    /// Twice does what once does (section 9.2.2).
    Idempotent,
    /// Twice may do more than once.
    Neither,
}

impl Safety {
    /// What RFC 9110 (for PATCH: RFC 5789) says of the method, whatever the operation.
    pub fn of(method: Method) -> Self {
        match method {
            Method::Get => Self::Safe,
            Method::Put | Method::Delete => Self::Idempotent,
            Method::Post | Method::Patch => Self::Neither,
        }
    }
}

/// What the vendor promises about an operation's form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// May change or vanish.
    Draft,
    /// Early.
    Alpha,
    /// Nearly settled.
    Beta,
    /// Settled.
    Stable,
    /// A level that is new here, as the document has it.
    Other(String),
}

impl Stability {
    /// Every level that is known, weakest promise first.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Alpha, Self::Beta, Self::Stable];

    /// As in the document: `draft`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Draft => "draft",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Stable => "stable",
            Self::Other(level) => level,
        }
    }
}

/// How a list operation is paged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The field of the response that holds the items.
    pub items: String,
    /// Where the token of the next page is sent.
    pub token: PageToken,
}

/// Where a page token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageToken {
    /// `page_token` and `page_size` in the query.
    Query,
    /// `pageToken` and `pageSize` in the body.
    Body,
    /// The document lists no parameter for it.
    Nowhere,
}

/// A parameter in the path, the query or a header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts of the document"
)]
pub struct Parameter {
    /// As on the wire.
    pub name: String,
    /// What it holds: a scalar, an enum or, outside of the path, a list of these.
    pub ty: Type,
    /// Must be sent; always so in the path.
    pub required: bool,
    /// What stands between the values of a list in the query; `None` where each has the parameter's name before it, and
    /// in a header, where it is always a comma.
    pub separator: Option<char>,
    /// Whether the vendor wants callers to leave it out.
    pub deprecated: bool,
    /// The vendor marks it as one that the server decides.
    pub read_only: bool,
    /// Added by our overlay, not listed by the vendor.
    pub ours: bool,
    /// Prose.
    pub doc: Option<String>,
}

/// A named schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The protobuf name, where the document gives one: what `@type` carries. Otherwise what the document calls the schema,
    /// where ours is another name.
    pub proto: Option<String>,
    /// What it is.
    pub kind: SchemaKind,
    /// Whether the vendor wants callers to move away.
    pub deprecated: bool,
    /// Prose.
    pub doc: Option<String>,
}

/// The kinds of named schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// An object with known fields.
    Message(Message),
    /// An open set of names; the first is the zero value.
    Enum(Vec<String>),
    /// A string that must match an ECMA 262 pattern.
    Pattern(String),
}

/// An object with known fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The fields by their wire names, in the order of the document.
    pub fields: IndexMap<String, Field>,
    /// The groups of fields of which at most one may be set.
    pub oneofs: IndexMap<String, Vec<String>>,
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts of the document"
)]
pub struct Field {
    /// What it holds.
    pub ty: Type,
    /// The document says that `null` may stand here. Decoding accepts it everywhere.
    pub nullable: bool,
    /// Must be sent.
    pub required: bool,
    /// The server decides the value.
    pub read_only: bool,
    /// The server takes the value, and does not return it.
    pub write_only: bool,
    /// Whether the vendor wants callers to move away.
    pub deprecated: bool,
    /// What the server takes where the field is absent.
    pub default: Option<Value>,
    /// The day after which the field goes away (RFC 3339 full-date).
    pub sunset: Option<String>,
    /// Holds a secret, never printed; marked by our overlay, or of the format `password`.
    pub sensitive: bool,
    /// It is a path to objects in the response's field `expanded`.
    pub related: Option<Related>,
    /// It is the list of an expand mask: the paths that it takes besides `*`, as far as they are known.
    pub expands: Option<Vec<String>>,
    /// Prose.
    pub doc: Option<String>,
}

/// The objects that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The full protobuf name of their type.
    pub proto: String,
    /// Whether the path can lead to several.
    pub many: bool,
}

/// What a field, list element, map value or parameter holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text.
    String,
    /// `true` or `false`.
    Bool,
    /// A JSON number.
    Int32,
    /// A JSON number.
    Uint32,
    /// A decimal string on the wire.
    Int64,
    /// A decimal string on the wire.
    Uint64,
    /// A JSON number of up to 64 bits.
    Int64Number,
    /// A JSON number of up to 64 bits.
    Uint64Number,
    /// A JSON number.
    Double,
    /// Base64 on the wire.
    Bytes,
    /// RFC 3339 on the wire.
    Timestamp,
    /// Seconds with an `s` on the wire.
    Duration,
    /// A protobuf `Any`: an object with `@type` and whatever belongs to it.
    Any,
    /// A free-form JSON object.
    Object,
    /// Any JSON value.
    Json,
    /// A named schema.
    Ref(String),
    /// A list.
    List(Box<Type>),
    /// An object used as a map from strings.
    Map(Box<Type>),
}

impl Type {
    /// Whether 64-bit integers in it are numbers on the wire, not strings.
    pub fn has_number(&self) -> bool {
        match self {
            Self::Int64Number | Self::Uint64Number => true,
            Self::List(inner) | Self::Map(inner) => inner.has_number(),
            _ => false,
        }
    }

    /// The name of the schema that this type, its elements or its values refer to.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Ref(name) => Some(name),
            Self::List(inner) | Self::Map(inner) => inner.reference(),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn reference_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Ref(name) => Some(name),
            Self::List(inner) | Self::Map(inner) => inner.reference_mut(),
            _ => None,
        }
    }
}
