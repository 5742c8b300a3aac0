//! What is measured: a token out of the cache, a call that carries it to a server which takes no time, and a response that
//! is decoded. `time.rs` says how long they take, `allocations.rs` how often or how much they allocate.

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot begin is to say so"
)]

use std::time::Duration;

use c1_api_ext::c1_api::{Client, OPERATIONS, Transport};
use c1_api_ext::types::ListAppsResponse;
use c1_api_ext::{
    AccessToken, AuthTransport, BoxFuture, Call, CallOptions, Error, Tenant, TokenCache,
    TokenSource,
};
use futures_util::FutureExt as _;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, Response, Url};
use tokio::runtime::Builder;

/// A token like the API's own, good for an hour.
struct Source;

impl TokenSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        let token = AccessToken::new("t".repeat(900)).valid_for(Duration::from_secs(3600));
        Box::pin(async { Ok(token) })
    }
}

/// A cache that has its token.
///
/// # Panics
/// If the runtime that fetches it cannot be built.
pub fn cache() -> TokenCache {
    let cache = TokenCache::new(Source);
    let runtime = Builder::new_current_thread().enable_time().build();
    let token = runtime.expect("a runtime").block_on(cache.get());
    token.expect("a token");
    cache
}

/// The token at hand: nothing is waited for.
///
/// # Panics
/// If there is none.
pub fn get(cache: &TokenCache) -> AccessToken {
    cache.get().now_or_never().expect("at once").expect("one")
}

/// Answers at once, and the same.
#[derive(Debug)]
struct NoNetwork;

impl Transport for NoNetwork {
    fn execute<'a>(&'a self, _: Request, _: &'a Call) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async { Ok(http::Response::new("").into()) })
    }
}

/// The least that there is to do: puts the same header on every request.
#[derive(Debug)]
pub struct Fixed(HeaderValue);

impl Fixed {
    /// With a token like the cache's.
    ///
    /// # Panics
    /// If no header can carry it.
    pub fn with_token() -> Self {
        let value = format!("Bearer {}", get(&cache()).expose());
        Self(value.try_into().expect("a header"))
    }
}

impl Transport for Fixed {
    fn execute<'a>(
        &'a self,
        mut request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.0.clone());
        NoNetwork.execute(request, call)
    }
}

/// Puts tokens on requests, and has one.
///
/// # Panics
/// If the tenant is none.
pub fn transport() -> AuthTransport {
    let tenant: Tenant = "acme".parse().expect("a tenant");
    AuthTransport::new(NoNetwork, &tenant, cache())
}

/// A small call.
///
/// # Panics
/// If the URL is none.
pub fn request() -> Request {
    let url = "https://acme.conductor.one/api/v1/apps?page_size=100";
    Request::new(Method::GET, Url::parse(url).expect("a URL"))
}

/// Sends it.
///
/// # Panics
/// If the answer is not there at once.
pub fn call(transport: &impl Transport, request: Request) -> Response {
    let answer = transport
        .execute(request, &Call::new(&OPERATIONS[0], CallOptions::new()))
        .now_or_never();
    answer.expect("at once").expect("an answer")
}

/// An app, as C1 describes it.
pub const APP: &str = r#"{"id":"2B3XtqfpkNkOeUwrDdnqwTBSUbs","displayName":"Wiki","description":"Pages, and who may change them",
"createdAt":"2024-02-29T12:34:56.123456Z","updatedAt":"2024-03-01T08:00:00Z","deletedAt":null,"userCount":"42",
"certifyPolicyId":"2B3XtqfpkNkOeUwrDdnqwTBSUbt","grantPolicyId":"2B3XtqfpkNkOeUwrDdnqwTBSUbu","monthlyCostUsd":100,
"revokePolicyId":"2B3XtqfpkNkOeUwrDdnqwTBSUbv","isDirectory":false,"logoUri":"https://t.conductor.one/wiki.png",
"annotations":{"team":"docs"},"appOwners":[{"id":"2B3XtqfpkNkOeUwrDdnqwTBSUbw","email":"a@b.test"}]}"#;

/// A page of such elements, of about so many bytes.
pub fn page(element: &str, bytes: usize) -> String {
    let elements = vec![element; bytes / (element.len() + 1)];
    format!("{{\"list\":[{}]}}", elements.join(","))
}

/// Responds with a page.
#[derive(Debug)]
struct Page(String);

impl Transport for Page {
    fn execute<'a>(&'a self, _: Request, _: &'a Call) -> BoxFuture<'a, Result<Response, Error>> {
        let page = self.0.clone();
        Box::pin(async { Ok(http::Response::new(page).into()) })
    }
}

/// A client whose every response is this page.
///
/// # Panics
/// If the HTTP client, which is not used, cannot be built.
pub fn client(page: String) -> Client {
    // On loopback, where no TLS is needed: the crate is built without.
    let tenant: Tenant = "127.0.0.1".parse().expect("a tenant");
    let http = c1_api_ext::http::client(&tenant).expect("an HTTP client");
    Client::new(tenant.base_url(), http, Page(page)).expect("a client")
}

/// The response, decoded.
///
/// # Errors
/// When it cannot be.
///
/// # Panics
/// If the response is not there at once: where there is no runtime, it is.
pub fn list(client: &Client) -> Result<ListAppsResponse, Error> {
    let response = client.apps().list().into_future().now_or_never();
    response.expect("at once")
}
