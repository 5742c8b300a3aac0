//! A small API description, and a tenant, for unit tests.

use std::sync::Arc;
use std::time::SystemTime;

use c1_api_spec::Names;
use c1_api_spec::model::{
    Description, Field, Message, Method, Operation, Page, PageToken, Parameter, Payload, Safety,
    Schema, SchemaKind, Server, Success, Type,
};
use indexmap::IndexMap;

use crate::auth::{self, Trust};
use crate::credentials::Credentials;
use crate::site::Hosts;
use crate::tenant::{Settings, Tenant};

/// A tenant with seed data, in 1970.
pub(crate) fn tenant() -> Tenant {
    let address = ([127, 0, 0, 1], 80).into();
    let credentials = Credentials::generate(address, "spc").unwrap();
    let trust = Trust::generate(address, auth::hosts(address)).unwrap();
    let settings = Settings {
        clock: Arc::new(|| SystemTime::UNIX_EPOCH),
        log_bytes: 1 << 20,
        ..Settings::default()
    };
    let hosts = Hosts::new("http");
    Tenant::new(settings, address, hosts, &credentials, trust.into()).unwrap()
}

fn field(ty: Type) -> Field {
    Field {
        ty,
        nullable: false,
        required: false,
        read_only: false,
        write_only: false,
        deprecated: false,
        default: None,
        sunset: None,
        sensitive: false,
        related: None,
        expands: None,
        doc: None,
    }
}

fn schema(kind: SchemaKind) -> Schema {
    Schema {
        proto: None,
        kind,
        deprecated: false,
        doc: None,
    }
}

fn message(fields: impl IntoIterator<Item = (&'static str, Field)>) -> Message {
    let fields = fields
        .into_iter()
        .map(|(name, field)| (name.to_owned(), field))
        .collect();
    Message {
        fields,
        oneofs: IndexMap::new(),
    }
}

fn parameter(name: &str, ty: Type) -> Parameter {
    Parameter {
        name: name.to_owned(),
        ty,
        required: false,
        separator: None,
        deprecated: false,
        read_only: false,
        ours: false,
        doc: None,
    }
}

fn of(schema: &str) -> Type {
    Type::Ref(schema.to_owned())
}

fn call(name: &str, method: Method, path: &str) -> Operation {
    let names = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    Operation {
        group: "things".to_owned(),
        name: name.to_owned(),
        vendor_name: None,
        rpc: None,
        method,
        safety: Safety::of(method),
        path: path.to_owned(),
        path_parameters: names.map(|name| parameter(name, Type::String)).collect(),
        query_parameters: Vec::new(),
        header_parameters: Vec::new(),
        body: None,
        response: Success::json(of("Thing")),
        page: None,
        stability: None,
        deprecated: false,
        doc: None,
    }
}

/// A description of things: with a required name, a read-only id, a oneof, an enum and recursive
/// children.
#[allow(clippy::too_many_lines, reason = "a list of facts")]
pub(crate) fn description() -> Description {
    let own = || Type::Ref("Thing".to_owned());
    let mut thing = message([
        (
            "id",
            Field {
                read_only: true,
                ..field(Type::String)
            },
        ),
        (
            "name",
            Field {
                required: true,
                ..field(Type::String)
            },
        ),
        ("color", field(Type::Ref("Color".to_owned()))),
        ("count", field(Type::Int64)),
        ("left", field(Type::String)),
        ("right", field(Type::Duration)),
        ("children", field(Type::List(own().into()))),
        (
            "parent",
            Field {
                nullable: true,
                ..field(own())
            },
        ),
        ("labels", field(Type::Map(Type::String.into()))),
        (
            "createdAt",
            Field {
                nullable: true,
                read_only: true,
                ..field(Type::Timestamp)
            },
        ),
        ("extra", field(Type::Any)),
    ]);
    thing.oneofs.insert(
        "side".to_owned(),
        vec!["left".to_owned(), "right".to_owned()],
    );
    let page = message([
        ("list", field(Type::List(own().into()))),
        ("nextPageToken", field(Type::String)),
    ]);
    let colors = ["COLOR_UNSPECIFIED", "COLOR_RED"]
        .map(str::to_owned)
        .to_vec();
    let schemas = [
        ("Color", schema(SchemaKind::Enum(colors))),
        ("Empty", schema(SchemaKind::Message(Message::default()))),
        ("Page", schema(SchemaKind::Message(page))),
        (
            "Thing",
            Schema {
                proto: Some("x.v1.Thing".to_owned()),
                ..schema(SchemaKind::Message(thing))
            },
        ),
    ];
    let list = Operation {
        query_parameters: vec![
            parameter("page_size", Type::Int32),
            parameter("page_token", Type::String),
        ],
        response: Success::json(of("Page")),
        page: Some(Page {
            items: "list".to_owned(),
            token: PageToken::Query,
        }),
        ..call("list", Method::Get, "/v1/things")
    };
    let body = |name: &str| Some(Payload::json(of(name)));
    Description {
        version: "1".to_owned(),
        origin: None,
        server: Server {
            url: "https://{tenant}".to_owned(),
            variables: IndexMap::new(),
            token_url: "/token".to_owned(),
        },
        operations: vec![
            list,
            Operation {
                body: body("Thing"),
                ..call("create", Method::Post, "/v1/things")
            },
            call("get", Method::Get, "/v1/things/{id}"),
            Operation {
                body: body("Empty"),
                response: Success::json(of("Empty")),
                ..call("delete", Method::Delete, "/v1/things/{thing_id}")
            },
            call("part", Method::Get, "/v1/things/{thing_id}/parts/{id}"),
            call("special", Method::Get, "/v1/things/special/parts/all:now"),
        ],
        schemas: schemas
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect(),
        notes: Vec::new(),
        names: Names::default(),
    }
}

/// An operation of [`description`].
pub(crate) fn operation(id: &str) -> Operation {
    description()
        .operation(id)
        .unwrap_or_else(|| panic!("no operation {id}"))
        .clone()
}
