//! The webhooks that the emulator sends, as the verifier of c1-api-ext receives them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failing helper is a failing test"
)]

use c1_api_emulator::{Emulator, WebhookDelivery};
use c1_api_ext::Tenant;
use c1_api_ext::c1_api::reqwest::Method;
use c1_api_ext::c1_api::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use c1_api_ext::webhook::{Payload, Verifier, WebhookError};
use c1_test_kit::{HostileServer, shown};
use reqwest::Client;
use serde_json::{Value, json};

/// A tenant with a client, and a receiver.
struct Scene {
    emulator: Emulator,
    receiver: HostileServer,
    http: Client,
}

impl Scene {
    async fn start() -> Self {
        let emulator = Emulator::start().await.unwrap();
        let http = c1_api_ext::http::client(&"127.0.0.1".parse().unwrap()).unwrap();
        let answer = |_: usize, _: &str| ("200 OK".to_owned(), r#"{"version":"v1"}"#.to_owned());
        Self {
            emulator,
            receiver: HostileServer::start(answer).await,
            http,
        }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.emulator.base_url());
        let token = self.emulator.access_token().unwrap();
        let request = self.http.post(url).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Has a test sent to the URL.
    async fn test(&self, url: &str) -> (Value, WebhookDelivery) {
        let body = json!({ "displayName": format!("Hook {}", self.receiver.requests().len()), "url": url });
        let created = self.post("/api/v1/webhooks", body).await;
        let id = created["webhook"]["id"].as_str().unwrap();
        let path = format!("/api/v1/webhooks/{id}/test");
        let instance = self.post(&path, json!({})).await["webhook"].clone();
        (instance, self.emulator.deliveries().await.pop().unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.receiver.base_url())
    }

    /// What the receiver got last: headers and body.
    fn received(&self) -> (HeaderMap, Vec<u8>) {
        let request = self.receiver.requests().pop().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let headers = head.lines().skip(1).map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::try_from(name).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        (headers.collect(), body.as_bytes().to_vec())
    }

    fn verifier(&self, url: &str) -> Verifier {
        let tenant: Tenant = self.emulator.base_url().parse().unwrap();
        Verifier::new(&tenant, url).unwrap()
    }
}

#[tokio::test]
async fn the_verifier_accepts_what_the_emulator_sends() {
    let scene = Scene::start().await;
    let url = scene.url("/hook?secret=1");
    let (instance, sent) = scene.test(&url).await;
    assert_eq!(instance["state"], "WEBHOOK_STATE_PENDING");
    assert_eq!(instance["spec"]["destination"], json!(url));
    assert_eq!(instance["id"], json!(sent.id));
    let (status, reply) = sent.outcome.clone().unwrap();
    assert_eq!((status, &reply[..]), (200, &br#"{"version":"v1"}"#[..]));

    let (headers, body) = scene.received();
    assert!(
        headers["authorization"].as_bytes().starts_with(b"bearer "),
        "in lower case, as C1 sends it"
    );
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), sent.body);
    let verifier = scene.verifier(&url);
    let verify = |body| verifier.verify(&Method::POST, &headers, body);
    assert!(matches!(verify(b"{}").await, Err(WebhookError::Hash)));
    let delivery = verify(&body).await.map_err(|error| shown(&error)).unwrap();
    assert_eq!(delivery.id(), sent.id);
    assert_eq!(delivery.event(), sent.event);
    assert!(matches!(delivery.payload(), Ok(Payload::Test(_))));
    assert!(matches!(verify(&body).await, Err(WebhookError::Duplicate)));

    let other = scene.verifier(&scene.url("/other"));
    let refused = other.verify(&Method::POST, &headers, &body).await;
    assert!(matches!(
        refused,
        Err(WebhookError::Claim { claim: "htu", .. })
    ));
}

#[tokio::test]
async fn rotated_keys_sign_and_the_last_one_still_verifies() {
    let scene = Scene::start().await;
    let url = scene.url("/hook");
    scene.test(&url).await;
    let old = scene.received();
    scene.emulator.rotate_webhook_keys().unwrap();
    scene.test(&url).await;
    let new = scene.received();
    // Who comes now gets both keys.
    let verifier = scene.verifier(&url);
    for (headers, body) in [&old, &new] {
        let outcome = verifier.verify(&Method::POST, headers, body).await;
        outcome.map_err(|error| shown(&error)).unwrap();
    }
    scene.emulator.rotate_webhook_keys().unwrap();
    let verifier = scene.verifier(&url);
    let (headers, body) = old;
    let refused = verifier.verify(&Method::POST, &headers, &body).await;
    assert!(
        matches!(refused, Err(WebhookError::UnknownKey)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_not_on_this_machine_is_not_sent() {
    let scene = Scene::start().await;
    let (_, sent) = scene.test("http://192.0.2.1/hook").await;
    assert!(sent.outcome.unwrap_err().contains("this machine"));
    // And nobody listens here.
    let (_, sent) = scene.test("http://127.0.0.1:1/hook").await;
    assert!(sent.outcome.unwrap_err().contains("cannot connect"));
}
