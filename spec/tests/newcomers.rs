//! What is new in a document never takes a name that is locked, whatever it is called; and no document is refused because
//! its names are none of Rust's or clash.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_spec::normalize::{normalize, normalize_with};
use c1_api_spec::read::read;
use c1_api_spec::{DOCUMENT, Description, Lock, emit};
use serde_json::{Value, json};

/// A document of schemas, and of operations that answer with the first of them: `rpc` and the path.
fn document(schemas: &Value, operations: &[(&str, &str)]) -> Value {
    let first = schemas.as_object().unwrap().keys().next().unwrap();
    let answer = json!({ "$ref": format!("#/components/schemas/{first}") });
    let answer = json!({ "200": { "content": { "application/json": { "schema": answer } } } });
    let paths: serde_json::Map<_, _> = operations
        .iter()
        .map(|(rpc, path)| {
            let names = path.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0);
            let parameters: Vec<_> = names
                .map(|name| json!({ "in": "path", "name": name, "required": true, "schema": { "type": "string" } }))
                .collect();
            let operation = json!({ "operationId": rpc, "parameters": parameters, "responses": answer });
            ((*path).to_owned(), json!({ "get": operation }))
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "version": "1" },
        "servers": [{ "url": "https://c1.test" }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

const LIST: (&str, &str) = ("a.app.v1.Apps.List", "/apps");

fn message(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// The description of a document, which reads as itself in our form.
#[track_caller]
fn read_with(document: &Value, lock: &Lock) -> Description {
    let description = normalize_with(document, lock).unwrap();
    let again = normalize_with(&emit::emit(&description), lock).unwrap();
    assert_eq!(again, description, "our own form reads as itself");
    description
}

/// The lock after the import of a document; the document with it is the same.
#[track_caller]
fn lock(document: &Value) -> Lock {
    let description = read_with(document, &Lock::default());
    let lock = Lock::parse(&Lock::default().extended(&description).unwrap()).unwrap();
    assert_eq!(read_with(document, &lock), description);
    lock
}

/// A document after another: read with its lock, and the same once its own names are locked too.
#[track_caller]
fn after(lock: &Lock, document: &Value) -> Description {
    let description = read_with(document, lock);
    let locked = Lock::parse(&lock.extended(&description).unwrap()).unwrap();
    assert_eq!(read_with(document, &locked), description);
    description
}

#[track_caller]
fn proto<'a>(description: &'a Description, name: &str) -> &'a str {
    let schema = description.schemas.get(name);
    let schema = schema.unwrap_or_else(|| panic!("no {name} in {:?}", description.schemas.keys()));
    schema.proto.as_deref().unwrap()
}

#[test]
fn messages_of_another_package_or_version() {
    let mut vendors = read(DOCUMENT).unwrap();
    let state = json!({ "type": "string", "enum": ["USER_NEW", "USER_OLD"] });
    let schemas = vendors["components"]["schemas"].as_object_mut().unwrap();
    schemas.insert(
        "c1.api.billing.v1.User".to_owned(),
        message(&json!({ "state": state })),
    );
    schemas.insert("c1.api.app.v2.App".to_owned(), message(&json!({})));
    let description = normalize(&vendors).unwrap();
    assert_eq!(proto(&description, "User"), "c1.api.user.v1.User");
    assert_eq!(proto(&description, "BillingUser"), "c1.api.billing.v1.User");
    assert_eq!(proto(&description, "App"), "c1.api.app.v1.App");
    assert_eq!(proto(&description, "AppV2"), "c1.api.app.v2.App");
    let fields = &description.message("BillingUser").unwrap().fields;
    assert_eq!(fields["state"].ty.reference(), Some("BillingUserState"));
    let today = normalize(&read(DOCUMENT).unwrap()).unwrap();
    let added = description
        .schemas
        .keys()
        .filter(|name| !today.schemas.contains_key(*name));
    assert_eq!(
        added.collect::<Vec<_>>(),
        ["AppV2", "BillingUser", "BillingUserState"]
    );
}

#[test]
fn a_name_is_not_free_again_because_its_schema_is_gone() {
    let lock = lock(&document(
        &json!({ "a.app.v1.App": message(&json!({})), "a.user.v1.User": message(&json!({})) }),
        &[LIST],
    ));
    let other = document(
        &json!({ "a.app.v1.App": message(&json!({})), "a.billing.v1.User": message(&json!({})) }),
        &[LIST],
    );
    let description = after(&lock, &other);
    assert_eq!(proto(&description, "BillingUser"), "a.billing.v1.User");
    let text = lock.extended(&description).unwrap();
    assert!(
        text.contains("message a.user.v1.User User #retired\n"),
        "{text}"
    );
}

#[test]
fn versions_and_keys_that_are_no_names() {
    let empty = message(&json!({}));
    let schemas = json!({
        "a.app.v2.App": empty, "a.app.v1.App": empty, "b.app.v2.App": empty, "thing-y": empty, "Foo_Bar": empty,
        "foo": empty, "fooBar": empty, "2fa": empty, "größe": empty, "+": empty,
    });
    let description = after(&Lock::default(), &document(&schemas, &[LIST]));
    let names: Vec<_> = description.schemas.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    for (name, key) in [
        ("ThingY", "thing-y"),
        ("Foo", "foo"),
        ("Schema2fa", "2fa"),
        ("Schema", "+"),
    ] {
        assert_eq!(proto(&description, name), key);
    }
    let schemas = json!({ "a.app.v2.App": empty, "a.app.v1.App": empty });
    let description = after(&Lock::default(), &document(&schemas, &[LIST]));
    assert_eq!(proto(&description, "App"), "a.app.v1.App");
    assert_eq!(proto(&description, "AppV2"), "a.app.v2.App");
}

#[test]
fn fields_that_are_one_in_rust() {
    let string = json!({ "type": "string" });
    let before = json!({ "a.app.v1.App": message(&json!({ "aB": string })) });
    let both = json!({ "a.app.v1.App": message(&json!({ "a_b": string, "aB": string, "+1": string, "": string, "1": string })) });
    let description = after(
        &lock(&document(&before, &[LIST])),
        &document(&both, &[LIST]),
    );
    for (wire, name) in [("aB", "a_b"), ("a_b", "a_b_2"), ("", "value")] {
        assert_eq!(description.field("App", wire), name);
    }
    assert_ne!(
        description.field("App", "+1"),
        description.field("App", "1")
    );
    // The one that had to step back has its name for good.
    let lock = Lock::parse(&Lock::default().extended(&description).unwrap()).unwrap();
    let one = json!({ "a.app.v1.App": message(&json!({ "a_b": string })) });
    assert_eq!(
        after(&lock, &document(&one, &[LIST])).field("App", "a_b"),
        "a_b_2"
    );
}

#[test]
fn values_of_any_form() {
    let state = |values: &[&str]| {
        let state = json!({ "type": "string", "enum": values });
        document(
            &json!({ "a.app.v1.App": message(&json!({ "state": state })) }),
            &[LIST],
        )
    };
    let lock = lock(&state(&["STATE_ON", "STATE_OFF"]));
    let values = [
        "STATE_ON",
        "STATE_OFF",
        "ON",
        "on",
        "",
        "+1",
        "-1",
        "a b",
        "STATE_",
        "EMPTY",
        "Self",
        "!",
        "?",
        "größe",
    ];
    let description = after(&lock, &state(&values));
    let variants: Vec<_> = values
        .iter()
        .map(|value| description.variant("State", value))
        .collect();
    assert_eq!(
        variants,
        [
            "On",
            "Off",
            "On2",
            "On3",
            "EmptyValue",
            "_1",
            "_12",
            "AB",
            "EmptyValue2",
            "Empty",
            "SelfValue",
            "U0021",
            "U003f",
            "GrE"
        ]
    );
}

#[test]
fn oneofs_that_would_have_the_same_methods_or_views() {
    let string = json!({ "type": "string" });
    let app = |properties: &Value, oneofs: &Value| {
        let mut app = message(properties);
        app["x-oneofs"] = oneofs.clone();
        json!({ "a.app.v1.App": app })
    };
    let fields = json!({ "a": string, "b": string, "c": string });
    let before = app(&fields, &json!({ "kind": ["a"] }));
    let lock = lock(&document(&before, &[LIST]));

    // Another oneof, and a property with the name of a method.
    let mut schemas = app(
        &json!({ "a": string, "b": string, "c": string, "kind": string, "into_kind": string }),
        &json!({ "to_kind": ["b"], "Kind": ["c"], "kind": ["a"] }),
    );
    // And in another message one whose view would be called so.
    schemas["a.app.v1.AppKind"] = message(&json!({}));
    let description = after(&lock, &document(&schemas, &[LIST]));
    let names = |group: &str| {
        let oneof = description.oneof("App", group);
        (oneof.view, oneof.stem)
    };
    let expected = |view: &str, stem: &str| (view.to_owned(), stem.to_owned());
    assert_eq!(names("kind"), expected("AppKind", "kind"));
    assert_eq!(names("to_kind"), expected("AppToKind", "to_kind_oneof"));
    // `to_kind_oneof` would read it.
    assert_eq!(names("Kind"), expected("AppKindOneof", "kind_oneof_2"));
    assert_eq!(proto(&description, "AppAppKind"), "a.app.v1.AppKind");
}

#[test]
fn operations_of_a_group() {
    let schemas = json!({ "a.app.v1.App": message(&json!({})) });
    let before = [
        ("a.app.v1.Apps.ListApps", "/apps"),
        ("a.app.v1.Apps.Move", "/{a}/{b}/{c}"),
        ("a.app.v1.Apps.Gone", "/gone"),
    ];
    let lock = lock(&document(&schemas, &before));
    let now = [
        // Both would be `list`, which is locked.
        ("a.app.v1.Apps.List", "/other"),
        ("a.app.v1.Apps.ListApp", "/another"),
        ("a.app.v1.Apps.ListApps", "/moved"),
        ("a.app.v2.Apps.Gone", "/v2/gone"),
        ("a.app.v1.Apps.MovePath", "/path"),
        // The same call under another name.
        ("a.app.v1.Apps.MoveAll", "/{x}/{y}/{z}"),
    ];
    let description = after(&lock, &document(&schemas, &now));
    let found: Vec<_> = description.operations.iter().map(|it| it.id()).collect();
    assert_eq!(
        found,
        [
            "apps.list_other",
            "apps.list_app",
            "apps.list",
            "apps.gone_v2",
            "apps.move_path",
            "apps.move"
        ]
    );
    let [.., move_path, moved] = &description.operations[..] else {
        panic!("no operations");
    };
    assert_eq!(description.request(moved).path, "MovePath");
    assert_eq!(description.request(move_path).builder, "MovePathRequest");
    let text = lock.extended(&description).unwrap();
    for line in [
        "operation GET:/apps apps.list #retired\n",
        "operation GET:/moved apps.list\n",
        "operation a.app.v1.Apps.Gone apps.gone #retired\n",
        "request apps.move_path MovePathRequest\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn a_document_of_another_service_is_read_without_the_lock() {
    let schemas = json!({ "App": message(&json!({})), "b.other.v1.User": message(&json!({})) });
    let description = normalize(&document(&schemas, &[LIST])).unwrap();
    let names: Vec<_> = description.schemas.keys().map(String::as_str).collect();
    assert_eq!(names, ["App", "User"]);
    // One known operation, by its RPC or by its call, makes it one of ours.
    let shipped = normalize(&read(DOCUMENT).unwrap()).unwrap();
    let known = &shipped.operations[0];
    for id in [known.rpc.as_deref().unwrap(), "apps.any"] {
        let path = known.path.replace('{', "{other_");
        let description = normalize(&document(&schemas, &[(id, path.as_str())])).unwrap();
        assert_eq!(proto(&description, "OtherUser"), "b.other.v1.User");
        assert_eq!(description.operations[0].id(), known.id());
    }
    // A name of both services cannot be in one lock, but neither takes it from the other.
    let shipped = Lock::shipped().unwrap();
    let foreign = normalize(&document(&schemas, &[LIST])).unwrap();
    assert!(shipped.extended(&foreign).is_err());
}

#[test]
fn lines_that_are_none_of_a_lock() {
    for (line, expected) in [
        ("message a.v1.App", "`kind key name`"),
        ("message  a.v1.App App", "`kind key name`"),
        ("message a.v1.App App #gone", "`kind key name`"),
        ("massage a.v1.App App", "one of enum, field"),
        ("message \"a.v1.App App", "a key that is quoted"),
        ("message a.v1.App App-1", "a name that Rust takes"),
        ("operation GET:/apps list", "a name that Rust takes"),
        ("message a.v1.User App", "each key once"),
        ("message a.v2.User User", "a name that no other type has"),
        ("view App.kind User", "a name that no other type has"),
        ("enum App.state User", "a name that no other type has"),
        ("value State.OTHER On", "another name than that of line 3"),
        (
            "operation a.v1.Apps.Get apps.list",
            "another name than that of line 5",
        ),
    ] {
        let text = format!(
            "message a.v1.User User\nenum App.mode State\nvalue State.ON On\n\n\
            operation a.v1.Apps.List apps.list\n# A comment.\n{line}\nmessage b.App b c\n"
        );
        let error = Lock::parse(&text).unwrap_err();
        let [problem, other] = error.problems() else {
            panic!("{line}: {error}");
        };
        assert_eq!(problem.pointer(), "names.lock:7", "{error}");
        assert_eq!(other.pointer(), "names.lock:8", "{error}");
        assert!(problem.expected().contains(expected), "{line}: {error}");
    }
}
