//! What is not understood is refused: with the place, what was found and what was expected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_spec::{Error, Problem};

const DOCUMENT: &str = include_str!("thing.yaml");

/// The error for the document with one thing replaced.
#[track_caller]
fn refusal(from: &str, to: &str) -> Error {
    assert!(DOCUMENT.contains(from), "{from:?} is in the document");
    c1_api_spec::import(&DOCUMENT.replacen(from, to, 1)).expect_err("must be refused")
}

#[test]
fn the_document_itself_is_fine() {
    c1_api_spec::import(DOCUMENT).unwrap();
}

#[test]
fn constructs_that_no_pass_knows() {
    let name = "#/components/schemas/Thing/properties/name";
    let operation = "#/paths/~1api~1v1~1things~1{id}/post";
    for (from, to, pointer) in [
        (
            "name: {type: string}",
            "name: {$ref: '#/components/schemas/Nothing'}",
            format!("{name}/$ref"),
        ),
        (
            "name: {type: string}",
            "name: {$ref: 'other.yaml#/Thing'}",
            format!("{name}/$ref"),
        ),
        (
            "name: {type: string}",
            "name: {type: 1}",
            format!("{name}/type"),
        ),
        (
            "name: {type: string}",
            "name: {type: array, items: string}",
            format!("{name}/items"),
        ),
        (
            "name: {type: string}",
            "name: {type: string, enum: A}",
            format!("{name}/enum"),
        ),
        (
            "      type: object\n",
            "      type: object\n      x-oneofs: {g: [nothing]}\n",
            "#/components/schemas/Thing".to_owned(),
        ),
        (
            "required: true, schema",
            "required: true, style: matrix, schema",
            format!("{operation}/parameters/0/style"),
        ),
        (
            "required: true, schema",
            "required: true, style: label, schema",
            format!("{operation}/parameters/0/style"),
        ),
        (
            "required: true, schema: {type: string}",
            "required: true, schema: {type: object}",
            format!("{operation}/parameters/0"),
        ),
        (
            "required: true, schema: {type: string}",
            "required: true, content: {application/json: {}}",
            format!("{operation}/parameters/0"),
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {in: query, name: filter, style: deepObject, schema: {type: array, items: {type: string}}}\n",
            format!("{operation}/parameters/0/style"),
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {in: cookie, name: session, schema: {type: string}}\n",
            format!("{operation}/parameters/0"),
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {in: query, name: thing, schema: {$ref: '#/components/schemas/Thing'}}\n",
            operation.to_owned(),
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {in: header, name: Host, required: true, schema: {type: string}}\n",
            format!("{operation}/parameters/0"),
        ),
        (
            "      parameters:\n",
            "      parameters:\n      - {$ref: '#/components/parameters/Nothing'}\n",
            format!("{operation}/parameters/0/$ref"),
        ),
        (
            "requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            "requestBody: {content: {multipart/form-data: {schema: {type: object}}}}",
            format!("{operation}/requestBody/content"),
        ),
        (
            "name: id, required",
            "name: other, required",
            operation.to_owned(),
        ),
        (
            "things/{id}:",
            "things/{id:",
            operation.replace("{id}", "{id"),
        ),
        (
            "things/{id}:",
            "things/{id}?a=b:",
            operation.replace("{id}", "{id}?a=b"),
        ),
        (
            "things.create",
            "things.create\n      x-safe: sure",
            format!("{operation}/x-safe"),
        ),
        (
            "    post:\n",
            "    put:\n      x-safe: false\n",
            format!("{}/x-safe", operation.replace("post", "put")),
        ),
        ("openapi: 3.1.0", "openapi: 2.0.0", "#/openapi".to_owned()),
        (
            "openapi: 3.1.0",
            "openapi: 3.1.0\nsecurity: [{basic: []}]",
            "#/security/0/basic".to_owned(),
        ),
        (
            "openapi: 3.1.0",
            "openapi: 3.1.0\nsecurity: {}",
            "#/security".to_owned(),
        ),
        (
            "components:\n",
            "components:\n  securitySchemes: {key: {type: apiKey, in: header, name: key}}\n",
            "#/components/securitySchemes".to_owned(),
        ),
    ] {
        let error = refusal(from, to);
        let [problem] = error.problems() else {
            panic!("{to}: {error}");
        };
        assert_eq!(problem.pointer(), pointer, "{to}: {error}");
        assert!(!problem.found().is_empty() && !problem.expected().is_empty());
    }
}

#[test]
fn all_problems_are_told_in_one_run() {
    let document = DOCUMENT
        .replace("name: {type: string}", "name: {$ref: '#/nowhere'}")
        .replace("{in: path, name: id", "{in: cookie, name: id")
        .replace("- url: https://c1.test", "- uri: https://c1.test")
        .replace("components:\n", "  /api/v1/others: []\ncomponents:\n");
    let error = c1_api_spec::import(&document).expect_err("must be refused");
    let pointers: Vec<_> = error.problems().iter().map(Problem::pointer).collect();
    for pointer in [
        "#/components/schemas/Thing/properties/name/$ref",
        "#/paths/~1api~1v1~1things~1{id}/post/parameters/0",
        "#/servers/0",
        "#/paths/~1api~1v1~1others",
    ] {
        assert!(pointers.contains(&pointer), "{pointer}: {error}");
    }
    assert_eq!(error.to_string().lines().count(), error.problems().len());
}

#[test]
fn duplicate_names() {
    let twice = "  /api/v1/others:
    post:
      operationId: things.create
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
components:\n";
    let error = refusal("components:\n", twice);
    assert!(error.to_string().contains("things.create"), "{error}");
    let error = refusal("components:\n", &twice.replace("others", "things/{other}").replace("things.create", "things.other").replace("      responses", "      parameters:\n      - {in: path, name: other, required: true, schema: {type: string}}\n      responses"));
    assert!(
        error.to_string().contains("names of its parameters"),
        "{error}"
    );
    assert!(
        refusal(
            "        name: {type: string}",
            "        name: {type: string}\n        name: {type: string}"
        )
        .to_string()
        .contains("twice")
    );
}

#[test]
fn a_circle_of_references() {
    let document = DOCUMENT
        .replace(
            "components:\n",
            "components:\n  responses: {A: {$ref: '#/components/responses/B'}, B: {$ref: '#/components/responses/A'}}\n",
        )
        .replace(
            "'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            "'200': {$ref: '#/components/responses/A'}",
        );
    let error = c1_api_spec::import(&document).expect_err("must be refused");
    assert!(
        error.to_string().contains("a circle of references"),
        "{error}"
    );
}

#[test]
fn what_is_cut_empty_or_binary() {
    for text in [
        "",
        "\u{feff}",
        "%PDF-1.4",
        "\u{0}\u{7f}",
        "openapi: 3.1.0\npaths: {",
        "[]",
        "42",
    ] {
        c1_api_spec::import(text).expect_err("must be refused");
    }
    // Wherever it is cut, it is an error or a whole document, never a crash.
    for end in (0..DOCUMENT.len()).step_by(7) {
        let _ = c1_api_spec::import(&DOCUMENT[..end]);
    }
}
