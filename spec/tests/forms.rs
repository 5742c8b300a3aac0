//! The forms of a description that are understood, on small documents: the vendor's of today, the
//! vendor's of earlier years, and ours; and that each reads as itself again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_spec::model::{Safety, SchemaKind, Type};
use c1_api_spec::{Description, Origin, emit, normalize, read};

/// A document with one operation and the given components (YAML, indented by four).
fn document(schemas: &str) -> String {
    format!(
        "openapi: 3.1.0
info: {{title: anything, version: 0.1.0}}
servers:
- url: https://{{tenantDomain}}.conductor.one
  variables: {{tenantDomain: {{default: example}}}}
paths:
  /api/v1/things/{{id}}:
    get:
      operationId: c1.api.thing.v1.ThingService.GetIDs
      x-speakeasy-group: ThingsV2
      x-speakeasy-name-override: ListIDs
      parameters:
      - {{in: path, name: id, required: true, schema: {{type: string, format: int64}}}}
      - {{in: query, name: page_token, schema: {{type: string, readOnly: true}}}}
      responses:
        200:
          description: prose
          content: {{application/json: {{schema: {{$ref: '#/components/schemas/c1.api.thing.v1.Thing'}}}}}}
components:
  schemas:
    c1.api.thing.v1.Thing:
      x-speakeasy-name-override: Thing
      type: object
{schemas}"
    )
}

fn normalized(text: &str) -> Description {
    let description = normalize::normalize(&read::read(text).unwrap()).unwrap();
    let again = normalize::normalize(&emit::emit(&description)).unwrap();
    assert_eq!(again, description, "our own form reads as itself");
    description
}

fn types(properties: &str) -> Vec<(String, Type)> {
    let description = normalized(&document(&format!("      properties:\n{properties}")));
    let thing = description.message("Thing").unwrap();
    thing
        .fields
        .iter()
        .map(|(name, field)| (name.clone(), field.ty.clone()))
        .collect()
}

#[test]
fn operation_names_parameters_and_pages() {
    let text = document(
        "      properties: {nextPageToken: {type: string}, things: {type: [array, 'null'], items: {type: string}}}\n",
    );
    let description = normalized(&text);
    let operation = description.operation("things_v2.list_ids").unwrap();
    assert_eq!(
        operation.rpc.as_deref(),
        Some("c1.api.thing.v1.ThingService.GetIDs")
    );
    assert_eq!(operation.path_parameters[0].ty, Type::Int64);
    assert!(operation.query_parameters[0].read_only);
    assert_eq!(operation.page.as_ref().unwrap().items, "things");
}

#[test]
fn the_method_says_what_repeating_does_and_a_post_can_say_better() {
    let text = document("      properties: {}\n");
    for (head, expected) in [
        ("get:", Safety::Safe),
        ("put:", Safety::Idempotent),
        ("delete:", Safety::Idempotent),
        ("patch:", Safety::Neither),
        ("post:", Safety::Neither),
        ("post:\n      x-safe: false", Safety::Neither),
        ("post:\n      x-safe: true", Safety::Safe),
    ] {
        let description = normalized(&text.replacen("get:", head, 1));
        assert_eq!(description.operations[0].safety, expected, "{head}");
    }
}

#[test]
fn without_extensions_the_names_come_from_the_ids() {
    let text = document("      properties: {}\n");
    let text: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("x-speakeasy"))
        .collect();
    let description = normalized(&text.join("\n"));
    assert!(description.operation("thing_service.get_ids").is_some());
    assert!(description.schemas.contains_key("Thing"));
}

/// One operation of a group for each name, and the names that they get.
#[track_caller]
fn assert_names<const N: usize>(group: &str, names: [&str; N], expected: [&str; N]) {
    let answer = "responses: {200: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}}";
    let paths = names.map(|name| {
        format!("  /{name}:\n    get:\n      operationId: {group}.{name}\n      {answer}\n")
    });
    let paths = paths.concat();
    let description = normalized(&format!(
        "openapi: 3.1.0\ninfo: {{version: 0.1.0}}\nservers: [{{url: https://c1.test}}]\npaths:\n{paths}components:\n  schemas:\n    Thing: {{type: object}}\n"
    ));
    let found: Vec<_> = description
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn names_lose_the_name_of_their_group() {
    assert_names(
        "app_users",
        [
            "list_app_users",
            "get_app_user_note",
            "list_users",
            "app_user",
        ],
        ["list", "get_note", "list_users", "app_user"],
    );
}

#[test]
fn names_that_would_clash_stay_as_they_are() {
    assert_names(
        "functions",
        ["get_function", "get", "list_function", "list_functions"],
        ["get_function", "get", "list_function", "list_functions"],
    );
}

#[test]
fn nullable_in_every_spelling() {
    let fields = "        a: {type: [string, 'null']}
        b: {type: string, nullable: true}
        c: {oneOf: [{$ref: '#/components/schemas/c1.api.thing.v1.Thing', readOnly: true}, {type: 'null'}]}
        d: {nullable: true, allOf: [{$ref: '#/components/schemas/c1.api.thing.v1.Thing'}]}
";
    let description = normalized(&document(&format!("      properties:\n{fields}")));
    let thing = description.message("Thing").unwrap();
    assert!(thing.fields.values().all(|field| field.nullable));
    assert_eq!(thing.fields["d"].ty, Type::Ref("Thing".to_owned()));
    assert!(
        thing.fields["c"].read_only,
        "what is said within the wrapper counts"
    );
}

#[test]
fn values_of_every_kind() {
    let fields = "        a: {type: string, format: uint64}
        b: {type: object, additionalProperties: true, properties: {'@type': {type: string}}}
        c: {type: [string, number, object, array, boolean, 'null']}
        d: {oneOf: [{type: string}, {type: number}]}
        e: {type: object, additionalProperties: {type: string, format: base64}}
        f: {type: [object, 'null']}
        g: {type: string, format: duration}
";
    let expected = [
        Type::Uint64,
        Type::Any,
        Type::Json,
        Type::Json,
        Type::Map(Box::new(Type::Bytes)),
        Type::Object,
        Type::Duration,
    ];
    assert_eq!(
        types(fields)
            .into_iter()
            .map(|(_, ty)| ty)
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn property_names_that_are_keywords_of_the_format_or_of_rust() {
    let fields = "        const: {type: string}
        in: {type: array, items: {type: string}}
        enum: {type: string}
        required: {type: boolean}
        pattern: {type: string}
        properties: {type: object}
        $ref: {type: string}
        self: {type: string}
        type: {type: string}
";
    assert_eq!(types(fields).len(), 9);
}

#[test]
fn enums_are_shared_and_named_after_their_values() {
    let fields = "        state: {type: string, enum: [THING_STATE_UNSPECIFIED, THING_STATE_ON]}
        states: {type: array, items: {type: string, enum: [THING_STATE_UNSPECIFIED, THING_STATE_ON]}}
        other: {type: string, enum: [THING_STATE_UNSPECIFIED, THING_STATE_OFF]}
        bare: {type: string, enum: [UNKNOWN, ON]}
        thing: {type: string, enum: [THING_A, THING_B]}
";
    let types = types(fields);
    let named = |name: &str| Type::Ref(name.to_owned());
    assert_eq!(types[0].1, named("ThingState"));
    assert_eq!(types[1].1, Type::List(Box::new(named("ThingState"))));
    assert_eq!(
        types[2].1,
        named("ThingOther"),
        "another set with the same prefix is named after its place"
    );
    assert_eq!(
        types[3].1,
        named("ThingBare"),
        "no prefix: named after its place"
    );
    assert_eq!(
        types[4].1,
        named("ThingEnum"),
        "a message has the name of the prefix"
    );
}

#[test]
fn patterns_get_a_schema_of_their_own() {
    let description = normalized(&document(
        "      properties: {slug: {type: string, pattern: '^[a-z]+$'}}\n",
    ));
    assert_eq!(
        description.schemas["ThingSlug"].kind,
        SchemaKind::Pattern("^[a-z]+$".to_owned())
    );
}

#[test]
fn oneof_groups_are_read_from_the_vendors_prose() {
    let text = "      description: |
        A thing.

        This message contains a oneof named value. Only a single field of the following list may be set at a time:
          - a
          - b

        This message contains a oneof named other. Only a single field of the following list may be set at a time:
          - c
      properties: {a: {type: string}, b: {type: string}, c: {type: string}, d: {type: string}}
";
    let description = normalized(&document(text));
    let oneofs = &description.message("Thing").unwrap().oneofs;
    assert_eq!(oneofs["value"], ["a", "b"]);
    assert_eq!(oneofs["other"], ["c"]);
}

#[test]
fn the_oneof_of_an_optional_field_is_no_oneof() {
    let text = "      description: |
        This message contains a oneof named _implicit. Only a single field of the following list may be set at a time:
          - implicit

        This message contains a oneof named _display_name. Only a single field of the following list may be set at a time:
          - displayName

        This message contains a oneof named _other. Only a single field of the following list may be set at a time:
          - single
      properties: {displayName: {type: string}, implicit: {type: boolean}, single: {type: string}}
";
    let description = normalized(&document(text));
    let oneofs = &description.message("Thing").unwrap().oneofs;
    assert_eq!(oneofs.keys().collect::<Vec<_>>(), ["_other"]);
}

#[test]
fn short_names_that_clash_are_told_apart() {
    let more = "      properties: {}
    c1.api.thing.v1.ThingInput: {type: object, x-speakeasy-name-override: Thing}
    c1.api.policy.v1.Rule: {type: object}
    c1.api.finding.v1.Rule: {type: object}
    c1.api.thing.v1.Outer.Inner: {type: object}
";
    let description = normalized(&document(more));
    let names: Vec<_> = description.schemas.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "FindingRule",
            "OuterInner",
            "PolicyRule",
            "Thing",
            "ThingInput"
        ]
    );
    assert_eq!(
        description.schemas["ThingInput"].proto.as_deref(),
        Some("c1.api.thing.v1.ThingInput")
    );
}

#[test]
fn import_keeps_no_sentence() {
    let text = document(
        "      description: A sentence of the vendor.
      title: A title
      properties: {a: {type: string, description: Another sentence., example: An example}}
",
    );
    let ours = c1_api_spec::import(&text).unwrap();
    for prose in [
        "sentence",
        "title: A",
        "example:",
        "An example",
        "prose",
        "anything",
    ] {
        assert!(!ours.contains(prose), "{prose:?} is still there:\n{ours}");
    }
    assert_eq!(c1_api_spec::import(&ours).unwrap(), ours);
}

#[test]
fn the_file_of_an_import_is_recorded_once() {
    let vendor = document("      properties: {}\n");
    let record = |date: &str| Origin {
        sha256: "0123456789abcdef".repeat(4),
        size: 7,
        date: date.to_owned(),
    };
    let ours = c1_api_spec::import_file(&vendor, record("2026-01-31")).unwrap();
    assert_eq!(normalized(&ours).origin, Some(record("2026-01-31")));
    // Our form is not where the facts are from.
    let again = c1_api_spec::import_file(&ours, record("2026-02-01")).unwrap();
    assert_eq!(again, ours);
    assert_eq!(c1_api_spec::import(&ours).unwrap(), ours);
    for (part, other, found) in [
        (
            "0123456789abcdef0",
            "0123456789ABCDEF0",
            "#/x-origin/sha256: found \"0123456789ABCDEF",
        ),
        (
            "size: 7",
            "size: -7",
            "#/x-origin/size: found -7, expected a number of bytes",
        ),
        (
            "date: 2026-01-31",
            "date: 31 January",
            "#/x-origin/date: found \"31 January\"",
        ),
    ] {
        let error = c1_api_spec::import(&ours.replace(part, other)).unwrap_err();
        assert!(error.to_string().starts_with(found), "{error}");
    }
}
