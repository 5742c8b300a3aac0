//! The `Debug` of what makes C1 convenient: webhooks, waits, many calls at once.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use c1_api::{Bearer, ErrorKind};
use c1_api_ext::access::{AccessError, Recipient, Refusal};
use c1_api_ext::record::Recorder;
use c1_api_ext::webhook::{KeySource, Payload, Reply, Signer, TenantKeys, Verifier};
use c1_api_ext::{
    BoxFuture, Bulk, BulkDone, C1, Error, EventFeed, EventPosition, EventPositionError, Progress,
    SystemRandom, TaskOutcome, TaskStatus, Tenant, Wait, WaitEnd, WaitPoll, types,
};
use c1_test_kit::TestClock;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::canaries::{Canaries, TOKEN, http};

const VECTORS: &str = include_str!("../../../../c1-api-ext/tests/webhook/vectors.json");

/// The keys of the vectors.
#[derive(Debug)]
struct Keys(Value);

impl KeySource for Keys {
    fn fetch(&self) -> BoxFuture<'_, Result<Value, Error>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// A file on a disk that is full.
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

/// What records calls has everything that is sent and received. What of it is written, its own tests say.
pub(crate) fn recordings(canaries: &Canaries) {
    let recorder = Recorder::new(Full).expect("a recorder");
    canaries.assert_not_in("Recorder", &recorder);
    let bearer = Bearer::new(http(), TOKEN).expect("a token");
    let recording = recorder.layer()(Box::new(bearer));
    canaries.assert_not_in("Recording", &recording);
    let error = recorder.finish().expect_err("no space");
    canaries.assert_not_in_error("RecordError", &error);
}

/// What verifies and signs webhooks holds a secret or is given tokens.
pub(crate) async fn webhooks(canaries: &Canaries, tenant: &Tenant) {
    let signer = Signer::new(TOKEN);
    canaries.assert_not_in("Signer", &signer);
    let error = signer.sign(UNIX_EPOCH, TOKEN, b"").expect_err("no UUID");
    canaries.assert_not_in_error("SignError", &error);
    canaries.assert_not_in("TenantKeys", &TenantKeys::with_http(http(), tenant));

    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let now = Duration::from_secs(vectors["now"].as_u64().expect("a number"));
    let keys = Keys(serde_json::json!({ "keys": vectors["keys"] }));
    let verifier = Verifier::with_keys(tenant, &text(&vectors["url"]), keys)
        .expect("a verifier")
        .clock(TestClock::at(UNIX_EPOCH + now));
    canaries.assert_not_in("Verifier", &verifier);
    let receive = async |token: &str| {
        let value = HeaderValue::from_str(&format!("bearer {token}")).expect("a value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let body = text(&vectors["body"]);
        let result = verifier.verify(&Method::POST, &headers, body.as_bytes());
        result.await
    };
    let error = receive(TOKEN).await.expect_err("no token of the tenant's");
    canaries.assert_not_in_error("WebhookError", &error);
    let token = text(&vectors["cases"][0]["token"]);
    let delivery = receive(&token).await.expect("a delivery");
    canaries.assert_not_in("Delivery", &delivery);
    assert!(!format!("{delivery:?}{verifier:?}").contains(&token));
    let payload = delivery.payload().expect("a payload");
    canaries.assert_not_in("Payload", &payload);
    assert!(matches!(payload, Payload::PolicyApprovalStep(_)));
    canaries.assert_not_in("Reply", &Reply::received());
}

/// What waits and what makes many calls shows how far it is, and results as they show themselves.
pub(crate) async fn waits_and_bulk(canaries: &Canaries) {
    canaries.assert_not_in("Progress", &Progress::Pending);
    let task = TaskStatus::of(&types::Task::default());
    canaries.assert_not_in("TaskStatus", &task);
    canaries.assert_not_in("TaskOutcome", &TaskOutcome::Denied);
    let wait = Wait::new().clock(TestClock::default()).random(SystemRandom);
    canaries.assert_not_in("Wait", &wait);
    let shown = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let told = std::sync::Arc::clone(&shown);
    let failing = || async { Err::<(), _>(Error::new(ErrorKind::Connect, "nowhere")) };
    let end = wait
        .longest(Duration::from_secs(1))
        .on_poll(move |poll: &WaitPoll<'_>| *told.lock().expect("no panic") = format!("{poll:?}"))
        .until(failing, |()| true)
        .await;
    let shown = shown.lock().expect("no panic").clone();
    assert!(shown.contains("polls"), "the wait told of a poll");
    canaries.assert_not_in("WaitPoll", &shown);
    let end: WaitEnd<()> = end.expect("a temporary error is not the end");
    canaries.assert_not_in("WaitEnd", &end);

    let done = std::sync::Arc::new(std::sync::Mutex::new(None));
    let told = std::sync::Arc::clone(&done);
    let bulk =
        Bulk::new().on_done(move |done: &BulkDone| *told.lock().expect("no panic") = Some(*done));
    canaries.assert_not_in("Bulk", &bulk);
    let items = bulk.all([1], |_| async { Ok::<_, Error>(()) }).await;
    canaries.assert_not_in("BulkItem", items.first().expect("an item"));
    canaries.assert_not_in("BulkDone", &done.lock().expect("no panic").expect("a call"));
}

/// What asks for access and follows the system log has a client.
pub(crate) fn workflows(canaries: &Canaries) {
    let builder = C1::builder().tenant("acme").access_token(TOKEN);
    let c1 = builder.build().expect("a client");
    let access = c1.access();
    canaries.assert_not_in("Access", &access);
    let entitlement = access.entitlement_by_id("a1", "e1");
    canaries.assert_not_in("Entitlement", &entitlement);
    let recipient = Recipient::user("u1");
    canaries.assert_not_in("Recipient", &recipient);
    canaries.assert_not_in("GrantRequest", &entitlement.grant_to(recipient.clone()));
    canaries.assert_not_in("RevokeRequest", &entitlement.revoke_from(recipient));
    canaries.assert_not_in("AccessRequest", &access.request("t1"));
    let error = AccessError::Ambiguous {
        wanted: "one".into(),
        candidates: vec![entitlement],
    };
    canaries.assert_not_in_error("AccessError", &error);
    canaries.assert_not_in("Refusal", &None::<Refusal>);

    let position = EventPosition::since(UNIX_EPOCH);
    canaries.assert_not_in("EventPosition", &position);
    canaries.assert_not_in("EventFeed", &EventFeed::new(&c1, position));
    let error: EventPositionError = TOKEN.parse::<EventPosition>().expect_err("no time");
    canaries.assert_not_in_error("EventPositionError", &error);
}
