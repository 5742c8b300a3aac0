//! Operations that today's description does not have: what is typed, what is noted, and how it is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_spec::model::{Operation, Payload, Stability, Type};
use c1_api_spec::{Description, emit, normalize, read};

const OPERATIONS: &str = include_str!("operations.yaml");
const THING: &str = include_str!("thing.yaml");

/// The description of a document, which reads as itself in our form, with its notes.
#[track_caller]
fn description(document: &str) -> Description {
    let description = normalize::normalize(&read::read(document).unwrap()).unwrap();
    let ours = emit::emit(&description);
    let again = normalize::normalize(&ours).unwrap();
    assert_eq!(again, description, "{}", emit::text(&ours));
    description
}

/// The notes for the document with one thing replaced.
#[track_caller]
fn notes(from: &str, to: &str) -> Vec<String> {
    assert!(THING.contains(from), "{from:?} is in the document");
    let description = description(&THING.replacen(from, to, 1));
    description.notes.iter().map(ToString::to_string).collect()
}

fn operation(document: &str, id: &str) -> Operation {
    description(document).operation(id).unwrap().clone()
}

#[test]
fn what_is_typed_needs_no_note() {
    let description = description(OPERATIONS);
    assert_eq!(description.notes, []);
    let ids: Vec<_> = description.operations.iter().map(Operation::id).collect();
    assert_eq!(
        ids,
        [
            "reports.list",
            "reports.create",
            "reports.replace",
            "reports.update",
            "reports.delete",
            "reports.download",
            "reports.upload",
            "reports.range",
            "search.everywhere",
            "search.by_name",
            "widgets.list",
            "widgets.create",
            "widgets.get",
            "widgets.delete",
            "gadgets.spin",
            "gadgets.list",
        ]
    );
    let operation = |id| description.operation(id).unwrap();
    let create = operation("reports.create");
    assert_eq!(create.response.statuses, ["201", "202"]);
    let replace = operation("reports.replace");
    assert_eq!(replace.response.empty, ["204"]);
    let report = Type::Ref("Report".to_owned());
    let list = Payload::json(Type::List(Box::new(report)));
    assert_eq!(replace.body, Some(list));
    let download = operation("reports.download").response.payload.clone();
    let (media, json) = ("text/csv".to_owned(), None);
    assert_eq!(download, Some(Payload { media, json }));
    let everywhere = operation("search.everywhere");
    let separators: Vec<_> = everywhere
        .query_parameters
        .iter()
        .filter_map(|parameter| parameter.separator)
        .collect();
    assert_eq!(separators, [',', '|']);
    assert!(everywhere.header_parameters[0].required);
    assert_eq!(
        operation("gadgets.list").rpc.as_deref(),
        Some("c1.api.gadget.v1.Gadgets/List")
    );
}

#[test]
fn what_is_lost_is_noted() {
    let post = "#/paths/~1api~1v1~1things~1{id}/post";
    let body = "requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}";
    let id = "required: true, schema: {type: string}";
    let parameter = "      parameters:\n";
    let response =
        "'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}";
    for (from, to, note) in [
        (
            "openapi: 3.1.0",
            "openapi: 3.2.0\n$self: /a",
            "#/$self: $self: not used".to_owned(),
        ),
        (
            "- url: https://c1.test",
            "- url: https://c1.test\n- url: https://c2.test",
            "#/servers/1: another server: not used".to_owned(),
        ),
        (
            "servers:\n- url: https://c1.test\n",
            "",
            "#: no server: the path `/`".to_owned(),
        ),
        (
            "    post:\n",
            "    head: {}\n    post:\n",
            "#/paths/~1api~1v1~1things~1{id}/head: an operation: not generated".to_owned(),
        ),
        (
            "    post:\n",
            "    servers: []\n    post:\n",
            "#/paths/~1api~1v1~1things~1{id}/servers: servers: not used".to_owned(),
        ),
        (
            "      responses:",
            "      callbacks: {}\n      responses:",
            format!("{post}/callbacks: callbacks: not used"),
        ),
        (
            "      responses:",
            "      security: []\n      responses:",
            format!("{post}/security: no security: the token is sent all the same"),
        ),
        (
            "things.create",
            "things.create\n      x-stability-level: preview",
            format!("{post}/x-stability-level: stability \"preview\": stated as it is"),
        ),
        (
            id,
            "schema: {type: string}",
            format!("{post}/parameters/0: a path parameter that is not required: required"),
        ),
        (
            id,
            "required: true, schema: {type: array, items: {type: string}}",
            format!(
                "{post}/parameters/0/schema: a list in the path: a string, with commas between the values"
            ),
        ),
        (
            parameter,
            "      parameters:\n      - {in: header, name: Authorization, schema: {type: string}}\n",
            format!(
                "{post}/parameters/0: a parameter in the header \"Authorization\": not sent: the client sets this header"
            ),
        ),
        (
            parameter,
            "      parameters:\n      - {in: query, name: q, allowEmptyValue: true, schema: {type: string}}\n",
            format!("{post}/parameters/0/allowEmptyValue: allowEmptyValue: not used"),
        ),
        (
            body,
            "requestBody: {required: false, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            format!(
                "{post}/requestBody: a body that is not required: a body, which is always sent"
            ),
        ),
        (
            body,
            "requestBody: {content: {text/csv: {}, application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            format!("{post}/requestBody/content/text~1csv: text/csv: not used"),
        ),
        (
            body,
            "requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object}}}}",
            format!(
                "{post}/requestBody/content/application~1x-www-form-urlencoded/schema: a schema of application/x-www-form-urlencoded: bytes"
            ),
        ),
        (
            body,
            "requestBody: {content: {'image/*': {}}}",
            format!(
                "{post}/requestBody/content: a body of any type \"image/*\": application/octet-stream"
            ),
        ),
        (
            response,
            "'200': {headers: {}, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            format!("{post}/responses/200/headers: headers: not used"),
        ),
        (
            response,
            "'200': {content: {application/json: {schema: {type: string}}}}\n        '201': {content: {application/json: {schema: {type: boolean}}}}",
            format!("{post}/responses: successes with different bodies: any JSON"),
        ),
        (
            response,
            "'200': {content: {application/json: {schema: {type: string}}}}\n        '206': {content: {text/csv: {}}}",
            format!("{post}/responses: successes with different bodies: bytes of any type"),
        ),
        (
            response,
            "'302': {}",
            format!("{post}/responses/302: a response 302: not used"),
        ),
        (
            response,
            "'404': {}",
            format!("{post}/responses: no success: bytes of any type"),
        ),
        (
            response,
            "'200': {}\n        default: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            format!(
                "{post}/responses/default/content/application~1json/schema: errors of the schema \"Thing\", not google.rpc.Status: not used"
            ),
        ),
        (
            "        name: {type: string}",
            "        nextPageToken: {type: string}",
            format!("{post}: the lists [] in \"Thing\": not paged"),
        ),
        (
            "components:\n",
            "components:\n  securitySchemes: {key: {type: apiKey}, token: {type: http, scheme: Bearer}}\n",
            "#/components/securitySchemes/key: a scheme of the type \"apiKey\": not used"
                .to_owned(),
        ),
    ] {
        assert!(
            notes(from, to).contains(&note),
            "{to}: {:?}",
            notes(from, to)
        );
    }
}

#[test]
fn annotations_need_no_note() {
    for (from, to) in [
        (
            "info: {version: 0.1.0}",
            "info: {version: 0.1.0, title: a, contact: {}, license: {}, termsOfService: a}",
        ),
        (
            "things.create",
            "things.create\n      externalDocs: {}\n      tags: [a]",
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {in: query, name: q, style: form, explode: true, allowReserved: true, schema: {type: string}}\n",
        ),
        (
            "{content: {application/json: {schema",
            "{content: {application/json; charset=utf-8: {schema",
        ),
        (
            "{content: {application/json: {schema",
            "{content: {'*/*': {schema",
        ),
    ] {
        assert_eq!(notes(from, to), [""; 0], "{to}");
    }
}

#[test]
fn new_levels_of_stability_are_carried() {
    let document = THING.replace(
        "things.create",
        "things.create\n      x-stability-level: preview",
    );
    let level = operation(&document, "things.create").stability;
    assert_eq!(level, Some(Stability::Other("preview".to_owned())));
}

#[test]
fn parameters_of_the_path_item_are_overridden() {
    let own =
        "      parameters:\n      - {in: path, name: id, required: true, schema: {type: string}}\n";
    assert!(THING.contains(own));
    let shared = "    parameters:\n    - {in: path, name: id, required: true, schema: {type: integer, format: int32}}\n    - {in: query, name: q, schema: {type: string}}\n    post:\n";
    let document = THING.replace("    post:\n", shared);
    let with_own = operation(&document, "things.create");
    assert_eq!(with_own.path_parameters[0].ty, Type::String);
    assert_eq!(with_own.query_parameters[0].name, "q");
    let without = operation(&document.replace(own, ""), "things.create");
    assert_eq!(without.path_parameters[0].ty, Type::Int32);
}

/// The id of the one operation, with this line in place of `operationId`.
fn named(line: &str) -> String {
    let document = THING.replace("operationId: things.create", line);
    description(&document).operations[0].id()
}

#[test]
fn names_come_from_any_id_and_from_none() {
    for (line, id) in [
        ("operationId: Apps.List", "apps.list"),
        ("operationId: c1.api.app.v1.Apps.List", "apps.list"),
        ("operationId: c1.api.app.v1.Apps/List", "apps.list"),
        ("operationId: listThings", "things.list"),
        ("operationId: things_list", "things.list"),
        ("operationId: things-list", "things.list"),
        ("operationId: ListApps\n      tags: [Apps]", "apps.list"),
        (
            "operationId: apps_list\n      tags: [Apps, Others]",
            "apps.list",
        ),
        ("deprecated: false", "things.create"),
        ("operationId: 2fa", "things.create"),
        ("operationId: größe", "things.gr_e"),
        (
            "operationId: a.b\n      x-speakeasy-group: Apps\n      x-speakeasy-name-override: List",
            "apps.list",
        ),
    ] {
        assert_eq!(named(line), id, "{line}");
    }
}

#[test]
fn a_name_that_is_taken_gets_the_words_of_the_path() {
    let twice = "  /api/v2/things:\n    post: {operationId: Things.Create, responses: {'204': {}}}\ncomponents:\n";
    let description = description(&THING.replace("components:\n", twice));
    let ids: Vec<_> = description.operations.iter().map(Operation::id).collect();
    assert_eq!(ids, ["things.create", "things.create_api_v2"]);
}
