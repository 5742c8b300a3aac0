//! An HTTP client of an emulator, for tests.
#![allow(dead_code, reason = "not every file of tests uses all of it")]
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

pub(crate) mod access;

use std::io::{Write as _, stderr};

use c1_api_emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};

/// A client with a token.
pub(crate) struct Client {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::of(Emulator::start().await.unwrap())
    }

    pub(crate) fn of(emulator: Emulator) -> Self {
        // Fails if another test has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = emulator.access_token().unwrap();
        Self {
            emulator,
            http,
            token,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.emulator.base_url()))
            .bearer_auth(&self.token)
    }

    pub(crate) async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        Self::send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        Self::send(self.request(Method::DELETE, path)).await.0
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        Self::send(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    /// A POST that must succeed.
    pub(crate) async fn create(&self, path: &str, body: Value) -> Value {
        let (status, response) = self.post(path, body).await;
        assert_eq!(status, 200, "{path}: {response}");
        response
    }

    pub(crate) async fn app(&self, name: &str) -> String {
        text(
            &self
                .create("/api/v1/apps", json!({ "displayName": name }))
                .await["app"]["id"],
        )
    }

    pub(crate) async fn entitlement(&self, app: &str, name: &str) -> String {
        let response = self
            .create(
                &format!("/api/v1/apps/{app}/entitlements"),
                json!({ "displayName": name }),
            )
            .await;
        text(&response["appEntitlementView"]["appEntitlement"]["id"])
    }
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a text, found {value}"))
        .to_owned()
}

/// Whether the description has what a test needs: an operation (`group.name`) or a field (`Message.name`). Says so if not.
pub(crate) fn has(needed: &str) -> bool {
    let description = c1_api_emulator::description().unwrap();
    let (of, name) = needed.split_once('.').unwrap();
    let has = match description.message(of) {
        Some(message) => message.fields.contains_key(name),
        None => description.operation(needed).is_some(),
    };
    if !has {
        // Not by `eprintln`, which tests that pass do not show.
        let line = format!("skipped: the description has no {needed}\n");
        stderr().write_all(line.as_bytes()).unwrap();
    }
    has
}
