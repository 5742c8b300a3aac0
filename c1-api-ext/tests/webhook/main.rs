//! Webhooks that another JOSE library signed, for receivers whose time and keys are the tests' own.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use c1_api_ext::c1_api::reqwest::Method;
use c1_api_ext::c1_api::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use c1_api_ext::c1_api::serde_json::{self, Value, from_str, json};
use c1_api_ext::webhook::{
    Delivery, KeySource, Payload, Reply, SignError, Signer, TenantKeys, Verifier, WebhookError,
};
use c1_api_ext::{BoxFuture, ConfigError, Error, ErrorKind};
use c1_test_kit::{HostileServer, Repeating, TestClock, shown};

fn vectors() -> Value {
    from_str(include_str!("vectors.json")).expect("JSON")
}

/// A step of a source of keys.
#[derive(Debug)]
enum Step {
    Set(Value),
    Fail,
    Hang,
}

/// Takes one step for each fetch.
#[derive(Clone, Debug, Default)]
struct Script(Arc<Mutex<(VecDeque<Step>, usize)>>);

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(Arc::new(Mutex::new((steps.into_iter().collect(), 0))))
    }

    fn fetches(&self) -> usize {
        self.0.lock().expect("no panic").1
    }
}

impl KeySource for Script {
    fn fetch(&self) -> BoxFuture<'_, Result<Value, Error>> {
        Box::pin(async {
            let step = {
                let mut script = self.0.lock().expect("no panic");
                script.1 += 1;
                script.0.pop_front()
            };
            match step.expect("another step") {
                Step::Set(set) => Ok(set),
                Step::Fail => Err(Error::new(ErrorKind::Connect, "as scripted")),
                Step::Hang => std::future::pending().await,
            }
        })
    }
}

/// The keys of the vectors with these ids.
fn set(ids: &[&str]) -> Step {
    let mut keys = vectors()["keys"].take();
    let keys = keys.as_array_mut().expect("a list");
    keys.retain(|key| key["kid"].as_str().is_some_and(|kid| ids.contains(&kid)));
    Step::Set(json!({ "keys": keys }))
}

fn all() -> Step {
    Step::Set(json!({ "keys": vectors()["keys"] }))
}

/// A receiver, its clock and its source of keys.
struct Scene {
    verifier: Verifier,
    clock: TestClock,
    keys: Script,
    vectors: Value,
}

impl Scene {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let (keys, vectors) = (Script::new(steps), vectors());
        let now = UNIX_EPOCH + Duration::from_secs(vectors["now"].as_u64().expect("a number"));
        let clock = TestClock::at(now);
        let tenant = "acme".parse().expect("a tenant");
        let url = vectors["url"].as_str().expect("a text");
        let verifier = Verifier::with_keys(&tenant, url, keys.clone()).expect("a verifier");
        Self {
            verifier: verifier.clock(clock.clone()),
            clock,
            keys,
            vectors,
        }
    }

    fn case(&self, name: &str) -> &Value {
        let mut cases = self.vectors["cases"].as_array().expect("a list").iter();
        cases.find(|case| case["name"] == name).expect(name)
    }

    fn token(&self, name: &str) -> &str {
        self.case(name)["token"].as_str().expect("a text")
    }

    /// Receives a vector.
    async fn receive(&self, name: &str) -> Result<Delivery, WebhookError> {
        let body = self.case(name)["body"].as_str();
        let body = body.or(self.vectors["body"].as_str()).expect("a text");
        let headers = headers([("authorization", &format!("bearer {}", self.token(name)))]);
        self.verifier
            .verify(&Method::POST, &headers, body.as_bytes())
            .await
    }
}

fn headers<const N: usize>(headers: [(&'static str, &str); N]) -> HeaderMap {
    let header = |(name, value): (&'static str, &str)| {
        let value = HeaderValue::from_str(value).expect("a value");
        (HeaderName::from_static(name), value)
    };
    headers.into_iter().map(header).collect()
}

/// The name of the error in the vectors: that of the claim, if a claim is wrong.
fn name(error: &WebhookError) -> String {
    match error {
        WebhookError::Claim { claim, .. } => (*claim).to_owned(),
        error => {
            let debug = format!("{error:?}");
            debug.split(['(', ' ']).next().expect("a name").to_owned()
        }
    }
}

#[tokio::test]
async fn every_vector_of_another_library() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().expect("a list");
    let (mut accepted, mut refused) = (0, 0);
    for case in cases {
        let scene = Scene::new([all()]);
        let body = case["body"].as_str().or(vectors["body"].as_str());
        let body = body.expect("a text").as_bytes();
        let token = case["token"].as_str().expect("a text");
        let headers = headers([("authorization", &format!("bearer {token}"))]);
        let result = scene.verifier.verify(&Method::POST, &headers, body).await;
        let found = result.as_ref().err().map(name);
        assert_eq!(found.as_deref(), case["error"].as_str(), "{}", case["name"]);
        let Err(error) = result else {
            accepted += 1;
            continue;
        };
        refused += 1;
        let shown = shown(&error);
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!shown.contains(part), "{}: {shown}", case["name"]);
        }
        assert!(
            !shown.contains("canary") && !shown.contains("evil"),
            "{shown}"
        );
        assert!(error.status().is_client_error());
    }
    assert!(accepted > 10 && refused > 60, "{accepted}, {refused}");
}

#[tokio::test]
async fn no_character_of_a_token_can_be_changed() {
    let scene = Scene::new([all()]);
    let body = scene.vectors["body"].as_str().expect("a text").as_bytes();
    for case in ["EdDSA", "ES256", "RS256"] {
        let token = scene.token(case);
        for at in 0..token.len() {
            for other in [b'A', b'B', b'.', b'='] {
                let mut changed = token.as_bytes().to_vec();
                if std::mem::replace(&mut changed[at], other) == other {
                    continue;
                }
                let changed = String::from_utf8(changed).expect("ASCII");
                let headers = headers([("authorization", &format!("bearer {changed}"))]);
                let result = scene.verifier.verify(&Method::POST, &headers, body).await;
                let error = name(&result.expect_err("changed"));
                let expected = ["Token", "Algorithm", "UnknownKey", "Signature"];
                assert!(expected.contains(&&*error), "{case}, {at}: {error}");
            }
        }
        let delivery = scene.receive(case).await.expect("as it was");
        scene.verifier.forget(&delivery);
    }
}

#[tokio::test]
async fn requests_without_the_one_token_are_refused_before_keys_are_fetched() {
    let scene = Scene::new([]);
    let verify = async |method: Method, headers: HeaderMap| {
        let result = scene.verifier.verify(&method, &headers, b"{}").await;
        name(&result.expect_err("refused"))
    };
    let token = format!("bearer {}", scene.token("EdDSA"));
    for method in [Method::GET, Method::PUT, Method::HEAD] {
        let headers = headers([("authorization", &token)]);
        assert_eq!(verify(method, headers).await, "Method");
    }
    assert_eq!(
        verify(Method::POST, HeaderMap::new()).await,
        "Authorization"
    );
    for value in ["", "bearer", "Basic YTpi", scene.token("EdDSA")] {
        let headers = headers([("authorization", value)]);
        assert_eq!(
            verify(Method::POST, headers).await,
            "Authorization",
            "{value}"
        );
    }
    let mut twice = headers([("authorization", &token)]);
    twice.append("authorization", twice["authorization"].clone());
    assert_eq!(verify(Method::POST, twice).await, "Authorization");
    let huge = headers([("authorization", &format!("bearer {}", "x".repeat(20_000)))]);
    assert_eq!(verify(Method::POST, huge).await, "Token");
    assert_eq!(scene.keys.fetches(), 0);
}

#[tokio::test]
async fn what_was_delivered_can_be_read_and_answered() {
    let scene = Scene::new([all()]);
    let delivery = scene.receive("ES256").await.expect("verified");
    assert_eq!(delivery.id(), "2fCjnQ-1");
    assert_eq!(delivery.event(), "c1.webhooks.v1.PayloadPolicyApprovalStep");
    assert_eq!(
        delivery.callback_url(),
        Some("https://acme.conductor.one/callback")
    );
    let Ok(Payload::PolicyApprovalStep(step)) = delivery.payload() else {
        panic!("another payload");
    };
    let task = step.task_view.and_then(|view| view.task).expect("a task");
    assert_eq!(task.id.as_deref(), Some("task-1"));
    assert!(!format!("{delivery:?}").contains("task-1"));

    let reply = |reply: Reply| delivery.reply(&reply);
    for (decision, expected) in [
        (
            Reply::approve("yes"),
            json!({ "version": "v1", "approve": { "comment": "yes" } }),
        ),
        (
            Reply::deny("no"),
            json!({ "version": "v1", "deny": { "comment": "no" } }),
        ),
        (
            Reply::reassign(["u1"], "you"),
            json!({ "version": "v1", "reassign": { "newStepUserIds": ["u1"], "comment": "you" } }),
        ),
    ] {
        let json: Value =
            from_str(std::str::from_utf8(&reply(decision).expect("it fits")).expect("text"))
                .expect("JSON");
        assert_eq!(json, expected);
    }
    for other in [
        Reply::received(),
        Reply::complete(""),
        Reply::context(serde_json::Map::default()),
    ] {
        assert!(matches!(reply(other), Err(WebhookError::Reply { .. })));
    }
    let most = 64 * 1024 - r#"{"approve":{"comment":""},"version":"v1"}"#.len();
    assert!(reply(Reply::approve("x".repeat(most))).is_ok());
    let error = reply(Reply::approve("x".repeat(most + 1))).expect_err("too large");
    assert!(
        matches!(error, WebhookError::ReplyTooLarge(65537)),
        "{error}"
    );
}

#[tokio::test]
async fn the_header_that_is_not_signed_must_name_the_same_webhook() {
    let scene = Scene::new([all()]);
    let body = scene.vectors["body"].as_str().expect("a text").as_bytes();
    let token = format!("Bearer {}", scene.token("EdDSA"));
    let verify = async |id| {
        let headers = headers([("authorization", &token), ("webhook-id", id)]);
        scene.verifier.verify(&Method::POST, &headers, body).await
    };
    assert_eq!(name(&verify("other").await.expect_err("refused")), "Id");
    assert!(
        verify("2fCjnQ-1").await.is_ok(),
        "what was refused is not remembered"
    );
}

#[tokio::test]
async fn each_token_and_each_webhook_is_received_once() {
    let scene = Scene::new([all()]);
    let delivery = scene.receive("EdDSA").await.expect("the first");
    assert_eq!(
        name(&scene.receive("EdDSA").await.expect_err("the same token")),
        "Duplicate"
    );
    assert_eq!(
        name(&scene.receive("RS256").await.expect_err("the same webhook")),
        "Duplicate"
    );
    scene.verifier.forget(&delivery);
    assert!(scene.receive("EdDSA").await.is_ok(), "it was not processed");

    let scene = Scene::new([all()]);
    scene.receive("one jti").await.expect("the first");
    let other = scene.receive("one jti, another webhook").await;
    assert_eq!(name(&other.expect_err("the same `jti`")), "Duplicate");
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_an_unknown_one() {
    let scene = Scene::new([set(&["rsa-1"]), set(&["rsa-1", "ec-1"]), set(&["ec-1"])]);
    let receive = async |case| match scene.receive(case).await {
        Ok(delivery) => {
            scene.verifier.forget(&delivery);
            "verified".to_owned()
        }
        Err(error) => name(&error),
    };
    assert_eq!(receive("RS256").await, "verified");
    // Whoever sends unknown keys cannot have them fetched at will.
    for _ in 0..50 {
        assert_eq!(receive("ES256").await, "UnknownKey");
    }
    assert_eq!(scene.keys.fetches(), 1);
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(
        receive("ES256").await,
        "verified",
        "the tenant has changed its keys"
    );
    assert_eq!(
        receive("RS256").await,
        "verified",
        "and still has the old one"
    );
    assert_eq!(scene.keys.fetches(), 2);
}

#[tokio::test]
async fn withdrawn_keys_are_dropped_and_a_failing_tenant_keeps_its_own_for_a_day() {
    let scene = Scene::new([
        set(&["ed-1", "rsa-1"]),
        set(&["ed-1"]),
        Step::Fail,
        Step::Fail,
        Step::Fail,
    ]);
    let receive = async |name| {
        let delivery = scene.receive(name).await?;
        scene.verifier.forget(&delivery);
        Ok::<_, WebhookError>(())
    };
    // The token does not expire before the keys do.
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    receive("lasting").await.expect("verified");
    scene.clock.advance(hours(1));
    let withdrawn = receive("lasting RSA").await.expect_err("withdrawn");
    assert_eq!(name(&withdrawn), "UnknownKey");
    scene.clock.advance(hours(1));
    receive("lasting")
        .await
        .expect("the fetch fails, but the key is known");
    scene.clock.advance(hours(22));
    receive("lasting").await.expect("still known");
    scene.clock.advance(hours(1));
    let error = receive("lasting").await.expect_err("too old");
    assert_eq!(
        (name(&error), error.status().as_u16()),
        ("Keys".into(), 503)
    );
    assert!(shown(&error).contains("as scripted"));
    assert_eq!(scene.keys.fetches(), 5);
}

#[tokio::test]
async fn without_keys_the_failure_is_shared_and_soon_tried_again() {
    let scene = Scene::new([Step::Fail, Step::Set(json!({})), Step::Hang, all()]);
    for _ in 0..3 {
        let error = scene.receive("EdDSA").await.expect_err("no keys");
        assert!(shown(&error).contains("as scripted"), "{error}");
    }
    assert_eq!(scene.keys.fetches(), 1);
    scene.clock.advance(Duration::from_secs(1));
    let error = scene.receive("EdDSA").await.expect_err("no set");
    assert!(shown(&error).contains("expected a list `keys`"), "{error}");
    scene.clock.advance(Duration::from_secs(1));
    let cancelled = tokio::time::timeout(Duration::ZERO, scene.receive("EdDSA"));
    assert!(cancelled.await.is_err());
    assert_eq!(scene.keys.fetches(), 3);
    assert!(
        scene.receive("EdDSA").await.is_err(),
        "a fetch that was cancelled counts"
    );
    scene.clock.advance(Duration::from_secs(1));
    assert!(scene.receive("EdDSA").await.is_ok());
}

#[tokio::test]
async fn a_known_key_never_waits_for_a_fetch() {
    let scene = Scene::new([set(&["ed-1"]), Step::Hang]);
    let delivery = scene.receive("EdDSA").await.expect("verified");
    scene.verifier.forget(&delivery);
    scene.clock.advance(Duration::from_secs(10));
    let mut unknown = Box::pin(scene.receive("ES256"));
    let polled = std::future::poll_fn(|context| {
        std::task::Poll::Ready(unknown.as_mut().poll(context).is_pending())
    });
    assert!(polled.await, "it waits for the fetch that hangs");
    assert!(scene.receive("EdDSA").await.is_ok());
}

#[tokio::test]
async fn the_keys_come_from_the_tenant() {
    let body = json!({ "keys": vectors()["keys"] }).to_string();
    let server = HostileServer::start(move |number, _| match number {
        0 => (
            "200 OK\r\ncontent-type: application/json".into(),
            body.clone(),
        ),
        1 => ("302 Found\r\nlocation: /elsewhere".into(), String::new()),
        2 => ("200 OK".into(), "<html>canary</html>".into()),
        _ => ("500 Oh".into(), "{}".into()),
    })
    .await;
    let tenant = server.base_url().parse().expect("a tenant");
    let keys = TenantKeys::new(&tenant).expect("a client");
    let set = keys.fetch().await.expect("a set");
    assert_eq!(set["keys"], vectors()["keys"]);
    assert!(server.requests()[0].starts_with("GET /auth/v1/jwks HTTP/1.1\r\n"));
    for reason in ["a redirect", "not JSON", "HTTP 500"] {
        let error = keys.fetch().await.expect_err("no set");
        assert!(shown(&error).contains(reason), "{error}");
        assert!(!shown(&error).contains("canary"));
    }
}

#[test]
fn a_receiver_needs_a_url() {
    let tenant = "acme".parse().expect("a tenant");
    for url in [
        "",
        "hooks.example.com",
        "/c1",
        "ftp://hooks.example.com",
        "mailto:a@b.example",
    ] {
        let verifier = Verifier::with_keys(&tenant, url, Script::default());
        assert!(matches!(verifier, Err(ConfigError::ReceiverUrl)), "{url}");
    }
}

#[test]
fn webhooks_to_c1_are_signed_as_another_library_does() {
    let vectors = vectors();
    let text = |name: &str| vectors["signed"][name].as_str().expect("a text");
    let now =
        UNIX_EPOCH + Duration::from_millis(vectors["now"].as_u64().expect("a number") * 1000 + 999);
    let signer = Signer::new(text("secret"));
    let headed = signer.sign(now, text("event"), text("body").as_bytes());
    let expected = headers([
        ("content-type", "application/json"),
        ("webhook-timestamp", "1700000000"),
        ("webhook-event-id", text("event")),
        ("webhook-signature", text("signature")),
    ]);
    assert_eq!(headed, Ok(expected));
    assert_eq!(format!("{signer:?}"), "Signer");

    let sign = |event: &str, length: usize| signer.sign(now, event, &vec![b' '; length]);
    assert!(sign(text("event"), 65_536).is_ok());
    assert_eq!(sign(text("event"), 65_537), Err(SignError::Body(65_537)));
    for event in [
        "",
        "a\nb",
        "3f1c6f0a-8d0e-1c57-9a55-0d8e6f5a7b11",
        "3f1c6f0a-8d0e-4c57-7a55-0d8e6f5a7b11",
        "{3f1c6f0a-8d0e-4c57-9a55-0d8e6f5a7b1",
    ] {
        assert_eq!(sign(event, 0), Err(SignError::EventId), "{event}");
    }
    for (byte, id) in [
        (0x00, "00000000-0000-4000-8000-000000000000"),
        (0xff, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
    ] {
        assert_eq!(Signer::event_id(&Repeating(byte)).expect("bytes"), id);
        assert!(sign(id, 0).is_ok());
    }
}
