//! The secrets in requests and responses: fields that the description marks as sensitive print as `[redacted]`.

use c1_api::types;
use c1_api_emulator::sample::Sampler;
use c1_api_spec::model::Type;
use c1_tests::{description, edit, schemas};
use serde_json::{Value, json};

use crate::canaries::TOKEN;

#[test]
fn a_secret_in_a_response_prints_as_redacted() {
    let response = json!({ "client": { "id": "otter" }, "clientSecret": TOKEN });
    let response: types::PersonalClientServiceCreateResponse =
        serde_json::from_value(response).unwrap();
    assert_eq!(response.client_secret.as_deref(), Some(TOKEN));
    let shown = format!("{response:?}");
    assert!(shown.contains("client_secret: [redacted]"), "{shown}");
    assert!(shown.contains("otter"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
    let empty = types::PersonalClientServiceCreateResponse::default();
    assert!(format!("{empty:?}").contains("client_secret: None"));
}

/// Wherever the description marks a field as sensitive, however deep: its values are never printed.
#[test]
fn every_sensitive_field_is_redacted_at_any_depth() {
    let mut canaries = 0;
    let mut messages = 0;
    for schema in schemas::all() {
        let Some(debug) = schema.debug else { continue };
        let ty = Type::Ref(schema.name.to_owned());
        // Several seeds, so that each member of a oneof has its turn.
        for seed in 0..8 {
            let whole = Sampler::new(description(), seed).message(schema.name);
            let marked = edit::everywhere(description(), &ty, whole, &mut |ty, mut value| {
                let Type::Ref(name) = ty else { return value };
                let Some(message) = description().message(name) else {
                    return value;
                };
                let sensitive = message.fields.iter().filter(|(_, field)| field.sensitive);
                for (name, field) in sensitive {
                    if let Some(value) = value.get_mut(name) {
                        canaries += 1;
                        *value = canary(&field.ty);
                    }
                }
                value
            });
            let shown = debug(marked.to_string().as_bytes()).unwrap();
            assert!(!shown.contains(TOKEN), "{}: {shown}", schema.name);
            let expected = marked.to_string().contains(TOKEN);
            assert_eq!(shown.contains("[redacted]"), expected, "{}", schema.name);
        }
        messages += 1;
    }
    assert!(canaries > 0);
    println!("{canaries} canaries in {messages} messages");
}

/// What the description does not know may be a secret; with the feature `unknown-fields`, messages hold it.
#[test]
fn no_unknown_field_is_shown() {
    for schema in schemas::all() {
        let Some(debug) = schema.debug else { continue };
        let ty = Type::Ref(schema.name.to_owned());
        let whole = Sampler::new(description(), 0).message(schema.name);
        let grown = edit::everywhere(description(), &ty, whole, &mut |ty, mut value| {
            let is_message = matches!(ty, Type::Ref(name) if description().message(name).is_some());
            if let Some(fields) = value.as_object_mut().filter(|_| is_message) {
                fields.insert(TOKEN.to_owned(), json!({ "key": [TOKEN] }));
            }
            value
        });
        assert!(grown.to_string().contains(TOKEN), "{}", schema.name);
        let shown = debug(grown.to_string().as_bytes()).unwrap();
        assert!(!shown.contains(TOKEN), "{}: {shown}", schema.name);
        let is_kept = shown.contains("unknown_fields: UnknownFields(1)");
        assert_eq!(is_kept, cfg!(feature = "unknown-fields"), "{}", schema.name);
    }
}

fn canary(ty: &Type) -> Value {
    match ty {
        Type::List(item) => json!([canary(item)]),
        Type::Map(item) => json!({ "key": canary(item) }),
        Type::Object | Type::Any | Type::Json => json!({ "key": TOKEN }),
        Type::String => json!(TOKEN),
        other => panic!("a sensitive field of type {other:?}: teach this test to fill it"),
    }
}

/// Texts whose names say that they are secrets are marked as such; the exceptions are told one by one.
#[test]
fn no_secret_by_name_is_unmarked() {
    const SECRETIVE: [&str; 10] = [
        "secret",
        "password",
        "passphrase",
        "privatekey",
        "apikey",
        "accesstoken",
        "bearertoken",
        "plaintext",
        "headervalue",
        "sharecode",
    ];
    /// Expressions that tell how to find a password, and ids of policies about them.
    const HARMLESS: [&str; 2] = ["passwordCel", "passwordPolicyId"];
    let mut unmarked = Vec::new();
    for (schema, name, field) in description().schemas.keys().flat_map(|schema| {
        let message = description().message(schema);
        message
            .into_iter()
            .flat_map(|message| &message.fields)
            .map(move |(name, field)| (schema, name, field))
    }) {
        let text = matches!(&field.ty, Type::String | Type::Bytes)
            || matches!(&field.ty, Type::Map(inner) if **inner == Type::String);
        let low = name.to_ascii_lowercase();
        let secretive = low == "token" || SECRETIVE.iter().any(|word| low.contains(word));
        if text && secretive && !field.sensitive && !HARMLESS.contains(&name.as_str()) {
            unmarked.push(format!("{schema}.{name}"));
        }
    }
    assert!(
        unmarked.is_empty(),
        "mark them in spec/overlay.yaml: {unmarked:?}"
    );
}
