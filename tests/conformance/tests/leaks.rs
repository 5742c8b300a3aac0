//! No secret is ever shown: canaries for the client secret, its key, the signed assertion and the
//! access token are looked for in whatever clients, builders, transports and errors print, also when
//! a server throws back at us what it was sent; and the secrets in answers print as `[redacted]`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing helper is a failing test"
)]

use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api::{Bearer, Client, ErrorKind, types};
use c1_api_emulator::Emulator;
use c1_api_emulator::sample::Sampler;
use c1_api_ext::{C1, ClientSecret, Tenant};
use c1_api_spec::model::Type;
use c1_tests::{description, edit, schemas};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const TOKEN: &str = "canary.access-token_0123456789";

/// Secrets that must not be seen, in every form that could give them away.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    /// The client secret: whole, its key as it stands in it, and the key's bytes as Rust prints them.
    fn of(secret: &str) -> Self {
        let encoded = secret.rsplit_once(':').unwrap().1;
        let jwk: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        let key = jwk["d"].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(key).unwrap();
        let list = format!("{:?}", &bytes[..8]);
        let list = list.trim_matches(['[', ']']).to_owned();
        Self(vec![
            encoded.to_owned(),
            key.to_owned(),
            list,
            TOKEN.to_owned(),
        ])
    }

    /// Also the assertions in the requests, whole and each one's signature.
    fn with_assertions(mut self, requests: &[String]) -> Self {
        for request in requests {
            if let Some((_, rest)) = request.split_once("client_assertion=") {
                let assertion = rest.split('&').next().unwrap();
                assert_eq!(assertion.matches('.').count(), 2, "a JWT");
                self.0
                    .push(assertion.rsplit_once('.').unwrap().1.to_owned());
                self.0.push(assertion.to_owned());
            }
        }
        self
    }

    fn assert_absent(&self, what: &str, shown: &str) {
        for canary in &self.0 {
            assert!(!shown.contains(canary.as_str()), "{what}: {shown}");
        }
    }

    fn assert_not_in(&self, what: &str, value: &dyn Debug) {
        self.assert_absent(what, &format!("{value:?}\n{value:#?}"));
    }

    /// Not in the error nor in any of its sources.
    fn assert_not_in_error(&self, what: &str, error: &(dyn StdError + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.assert_absent(what, &format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
            next = error.source();
        }
    }
}

/// What a [`Hostile`] server answers: status line and headers, and the body.
type Reply = (String, String);

/// A server that answers with whatever the request tempts it to.
struct Hostile {
    base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Hostile {
    async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                log.lock().unwrap().push(request.clone());
                let (head, body) = reply(&request);
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                // A client that has seen enough may hang up.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            base_url,
            requests,
            task,
        }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn client_id(&self) -> String {
        format!(
            "otter@{}/pcc",
            self.base_url.strip_prefix("http://").unwrap()
        )
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole request: its head, and as much body as that announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        if count == 0 {
            return text;
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
}

fn json_reply(status: &str, body: &Value) -> Reply {
    (
        format!("{status}\r\ncontent-type: application/json"),
        body.to_string(),
    )
}

/// A client secret that only this test knows.
fn secret() -> ClientSecret {
    ClientSecret::from_seed(std::array::from_fn(|at| {
        200 - u8::try_from(at).unwrap() * 3
    }))
}

#[tokio::test]
async fn nothing_that_holds_a_secret_shows_it() {
    let emulator = Emulator::start().await.unwrap();
    let canaries = Canaries::of(emulator.client_secret());
    canaries.assert_not_in("Emulator", &emulator);

    let builder = C1::builder().client_credentials(emulator.client_id(), emulator.client_secret());
    canaries.assert_not_in("C1Builder", &builder);
    let c1 = builder.build().unwrap();
    canaries.assert_not_in("C1 before a call", &c1);
    c1.apps().list().await.unwrap();
    canaries.assert_not_in("C1", &c1);
    canaries.assert_not_in("Client", &*c1);
    canaries.assert_not_in("RawCall", &c1.raw_call(c1_api::apps::List::OPERATION));
    canaries.assert_not_in("a group", &c1.apps());
    canaries.assert_not_in("a call", &c1.apps().list());

    let http = || {
        c1_api_ext::http::client_builder()
            .unwrap()
            .no_proxy()
            .build()
            .unwrap()
    };
    let bearer = Bearer::new(http(), TOKEN).unwrap();
    canaries.assert_not_in("Bearer", &bearer);
    let plain = Client::new(emulator.base_url(), http(), bearer).unwrap();
    canaries.assert_not_in("Client with Bearer", &plain);
    let raw = plain.raw_call(c1_api::apps::List::OPERATION);
    canaries.assert_not_in("RawCall with Bearer", &raw);
    canaries.assert_not_in("raw::Client with Bearer", raw.raw());
    let builder = C1::builder()
        .tenant(emulator.base_url())
        .access_token(TOKEN);
    canaries.assert_not_in("C1Builder with a token", &builder);
    canaries.assert_not_in("C1 with a token", &builder.build().unwrap());
}

#[test]
fn no_configuration_error_quotes_a_secret() {
    let whole = secret().expose().to_string();
    let canaries = Canaries::of(&whole);
    let (prefix, encoded) = whole.rsplit_once(':').unwrap();
    let id = "otter@acme.conductor.one/pcc";
    let mut other: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    other["x"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let mismatched = format!("{prefix}:{}", URL_SAFE_NO_PAD.encode(other.to_string()));
    for bad in [
        encoded.to_owned(),
        format!("{whole}!"),
        format!("{prefix}:!{encoded}"),
        format!("{prefix}:{}", &encoded[1..]),
        format!("{}:{encoded}", prefix.replace("v1", "v9")),
        mismatched,
    ] {
        let error = C1::builder().client_credentials(id, bad.as_str()).build();
        canaries.assert_not_in_error("the builder", &error.unwrap_err());
        let error = C1::from_vars(|name| match name {
            "CONDUCTORONE_CLIENT_ID" => Some(id.to_owned()),
            "CONDUCTORONE_CLIENT_SECRET" => Some(bad.clone()),
            _ => None,
        });
        canaries.assert_not_in_error("the environment", &error.unwrap_err());
        // A secret in the wrong place is still one.
        let error = C1::builder()
            .client_credentials(bad.as_str(), whole.as_str())
            .build();
        canaries.assert_not_in_error("as client id", &error.unwrap_err());
        let error = C1::builder()
            .tenant(bad.as_str())
            .access_token(TOKEN)
            .build();
        canaries.assert_not_in_error("as tenant", &error.unwrap_err());
    }
    let http = || c1_api_ext::http::client_builder().unwrap().build().unwrap();
    let error = Bearer::new(http(), format!("{TOKEN}\n")).unwrap_err();
    canaries.assert_not_in_error("Bearer", &error);
    let url = format!("https://user:{TOKEN}@acme.conductor.one/?token={TOKEN}");
    let bearer = Bearer::new(http(), TOKEN).unwrap();
    canaries.assert_not_in_error("Client", &Client::new(&url, http(), bearer).unwrap_err());
    canaries.assert_not_in_error("Tenant", &url.parse::<Tenant>().unwrap_err());
}

/// A token endpoint that throws the form back, in each way in which it could answer.
#[tokio::test]
async fn no_token_error_shows_what_was_sent() {
    let replies: [fn(&str) -> Reply; 6] = [
        |request| {
            json_reply(
                "400 Bad Request",
                &json!({ "error": "invalid_client", "error_description": request }),
            )
        },
        |request| json_reply("401 Unauthorized", &json!({ "error": request })),
        |request| {
            json_reply(
                "200 OK",
                &json!({ "token": request, "access_token": { "a": request } }),
            )
        },
        |request| {
            (
                "500 Oh\r\ncontent-type: text/html".to_owned(),
                format!("<p>{request}</p>"),
            )
        },
        |request| {
            let form = request.split_once("\r\n\r\n").unwrap().1;
            (
                format!("302 Found\r\nlocation: /elsewhere?{form}"),
                String::new(),
            )
        },
        |request| {
            let form = request.split_once("\r\n\r\n").unwrap().1;
            (
                format!("403 Forbidden\r\ncontent-type: text/{form}"),
                form.to_owned(),
            )
        },
    ];
    for (at, reply) in replies.into_iter().enumerate() {
        let server = Hostile::start(reply).await;
        let c1 = C1::builder()
            .client_credentials(server.client_id(), secret())
            .build()
            .unwrap();
        let error = c1.apps().list().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        let canaries = Canaries::of(&secret().expose()).with_assertions(&server.requests());
        assert!(canaries.0.len() > 4, "an assertion was sent");
        let what = format!("reply {at}");
        canaries.assert_not_in_error(&what, &error);
        canaries.assert_not_in(&what, &c1);
    }
}

/// An API that throws the headers back. What it puts into the message of a `google.rpc.Status` is its
/// own word and is shown; nothing else is.
#[tokio::test]
async fn no_api_error_shows_what_was_sent_or_received() {
    let replies: [fn(&str) -> Reply; 8] = [
        |request| {
            (
                "500 Oh\r\ncontent-type: text/html".to_owned(),
                format!("<p>{request}</p>"),
            )
        },
        |request| {
            (
                "200 OK\r\ncontent-type: text/html".to_owned(),
                format!("<p>{request}</p>"),
            )
        },
        |request| json_reply("200 OK", &json!({ "list": request })),
        |request| json_reply("200 OK", &json!({ "list": [{ "createdAt": request }] })),
        |request| {
            json_reply(
                "200 OK",
                &json!({ "list": [{ "annotations": { request: 5 } }] }),
            )
        },
        |request| {
            (
                "200 OK\r\ncontent-type: application/json".to_owned(),
                format!("{{\"list\": {request:?}"),
            )
        },
        |request| {
            json_reply(
                "403 Forbidden",
                &json!({ "code": 7, "message": "no", "details": [{ "@type": "x", "echo": request }] }),
            )
        },
        |_| {
            (
                format!("302 Found\r\nlocation: /elsewhere?token={TOKEN}"),
                String::new(),
            )
        },
    ];
    for (at, reply) in replies.into_iter().enumerate() {
        let server = Hostile::start(move |request| {
            if request.starts_with("POST /auth/v1/token") {
                json_reply(
                    "200 OK",
                    &json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 600 }),
                )
            } else {
                assert!(request.contains(TOKEN));
                reply(request)
            }
        })
        .await;
        let c1 = C1::builder()
            .client_credentials(server.client_id(), secret())
            .build()
            .unwrap();
        let fluent = c1.apps().list().await.unwrap_err();
        let call = c1.raw_call(c1_api::apps::List::OPERATION);
        let result = call.raw().apps_list(None, None).await;
        let raw = call.finish(result).await.unwrap_err();
        let canaries = Canaries::of(&secret().expose()).with_assertions(&server.requests());
        for error in [&fluent, &raw] {
            assert_ne!(error.kind(), ErrorKind::Auth, "{error:?}");
            canaries.assert_not_in_error(&format!("reply {at}"), error);
            canaries.assert_not_in("details", &error.details());
        }
        canaries.assert_not_in(&format!("reply {at}"), &c1);
        let seen = server.requests();
        assert!(
            !seen.iter().any(|request| request.contains("/elsewhere")),
            "no redirect is followed"
        );
    }
}

#[test]
fn a_secret_in_an_answer_prints_as_redacted() {
    let answer = json!({ "client": { "id": "otter" }, "clientSecret": TOKEN });
    let answer: types::PersonalClientServiceCreateResponse =
        serde_json::from_value(answer).unwrap();
    assert_eq!(answer.client_secret.as_deref(), Some(TOKEN));
    let shown = format!("{answer:?}");
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
