//! The `Debug` of everything public. What c1-api-ext declares is read from its source, so that no type is missed.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};

use c1_api::{Bearer, Client, Error};
use c1_api_emulator::Emulator;
use c1_api_ext::{
    AccessToken, AuthTransport, BoxFuture, C1, C1Builder, CallEnded, ClientId, ClientSecret,
    ClientSecretPost, Clock, DeviceLogin, DeviceLoginError, DpopKey, EnvVariable, GitHubActions,
    HcpTerraform, Limits, Metrics, Random, RequestExt as _, RetryPolicy, RetryScheduled,
    SignedAssertion, SubjectToken, SubjectTokenError, SubjectTokenSource, SystemClock,
    SystemRandom, Tenant, TokenCache, TokenEndpoint, TokenError, TokenExchange, TokenFile,
    TokenSource, UnsentRequest,
};
use c1_test_kit::{HostileServer, TestClock};

use crate::canaries::{Canaries, TOKEN, client_id, endpoint, http, secret, seed};
use crate::conveniences;

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

/// A source that fails with what it was not to tell.
fn telling() -> impl SubjectTokenSource {
    || async { Err::<String, _>(SubjectTokenError::other("told")) }
}

#[derive(Debug)]
struct Nowhere;

impl c1_api::Transport for Nowhere {
    fn execute<'a>(
        &'a self,
        _: reqwest::Request,
        _: &'a c1_api::Call,
    ) -> BoxFuture<'a, Result<reqwest::Response, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn no_public_type_shows_a_secret() {
    let canaries = Canaries::default();
    let tenant: Tenant = "acme".parse().expect("a tenant");
    let token = AccessToken::new(TOKEN);
    let endpoint = endpoint(&tenant);
    let cache = || TokenCache::new(AccessToken::new(TOKEN));

    canaries.assert_not_in("Tenant", &tenant);
    canaries.assert_not_in("ClientId", &client_id());
    canaries.assert_not_in("ClientIdKind", &client_id().kind());
    canaries.assert_not_in("ClientSecret", &secret());
    canaries.assert_not_in("AccessToken", &token);
    canaries.assert_not_in(
        "AccessToken",
        &token.clone().valid_for(std::time::Duration::from_secs(1)),
    );
    canaries.assert_not_in("DpopKey", &DpopKey::ed25519_from_seed(&seed()));
    canaries.assert_not_in(
        "DpopKey",
        &DpopKey::es256_from_scalar(&seed()).expect("a scalar"),
    );
    canaries.assert_not_in("TokenEndpoint", &endpoint);
    canaries.assert_not_in(
        "SignedAssertion",
        &SignedAssertion::new(endpoint.clone(), client_id(), secret()),
    );
    canaries.assert_not_in(
        "ClientSecretPost",
        &ClientSecretPost::new(endpoint.clone(), client_id(), TOKEN),
    );
    let exchange = TokenExchange::new(endpoint.clone(), client_id(), SubjectToken::new(TOKEN));
    canaries.assert_not_in("TokenExchange", &exchange);
    canaries.assert_not_in("SubjectToken", &SubjectToken::new(TOKEN));
    canaries.assert_not_in(
        "DeviceLogin",
        &DeviceLogin::new(endpoint.clone(), "some-cli"),
    );
    let cached = cache();
    cached.get().await.expect("a token");
    canaries.assert_not_in("TokenCache", &cached);
    canaries.assert_not_in(
        "AuthTransport",
        &AuthTransport::new(Nowhere, &tenant, cached),
    );
    let builder: fn() -> C1Builder = || {
        C1::builder()
            .client_credentials(client_id(), secret())
            .dpop(DpopKey::ed25519_from_seed(&seed()))
            .header("x-key", TOKEN)
            .limits(Limits::new())
            .retry(RetryPolicy::new())
    };
    canaries.assert_not_in("Limits", &Limits::new());
    canaries.assert_not_in("RetryPolicy", &RetryPolicy::new());
    let told = Arc::new(Told::default());
    C1::builder()
        .tenant("acme")
        .access_token(TOKEN)
        .transport(Nowhere)
        .metrics(told.clone())
        .clock(TestClock::default())
        .retry(RetryPolicy::new().attempt_timeout(std::time::Duration::ZERO))
        .build()
        .expect("a client")
        .apps()
        .get(TOKEN)
        .await
        .expect_err("nowhere");
    for (name, shown) in &*told.0.lock().expect("no panic") {
        canaries.assert_not_in(name, shown);
    }
    canaries.assert_not_in("C1Builder", &builder());
    canaries.assert_not_in("C1", &builder().build().expect("a client"));

    let vars = |_: &str| Some(TOKEN);
    canaries.assert_not_in("EnvVariable", &EnvVariable::new("X").vars(vars));
    canaries.assert_not_in("HcpTerraform", &HcpTerraform::new().vars(vars));
    canaries.assert_not_in("TokenFile", &TokenFile::new("/nowhere"));
    let actions = GitHubActions::new(http(), &tenant).vars(vars);
    canaries.assert_not_in("GitHubActions", &actions);
    canaries.assert_not_in_error(
        "SubjectTokenError",
        &actions.fetch().await.expect_err("no URL"),
    );
    let missing = EnvVariable::new("X").vars(|_| None::<String>).fetch().await;
    canaries.assert_not_in_error("SubjectTokenError", &missing.expect_err("not set"));
    let error = telling().fetch().await.expect_err("told");
    canaries.assert_not_in_error("SubjectTokenError", &error);
    if let SubjectTokenError::Other(error) = &error {
        canaries.assert_not_in_error("SubjectSourceError", error);
    }

    let server = HostileServer::start(|_, request| ("200 OK".to_owned(), request.to_owned())).await;
    let hostile: Tenant = server.base_url().parse().unwrap();
    let error = SignedAssertion::new(TokenEndpoint::new(http(), &hostile), client_id(), secret())
        .fetch()
        .await
        .unwrap_err();
    canaries.assert_not_in_error("TokenError", TokenError::of(&error).unwrap());
    canaries.assert_not_in_error("DeviceLoginError", &DeviceLoginError::Denied);
    device(&canaries).await;

    let dry = builder().build().expect("a client").dry_run();
    let secret_field = serde_json::json!({ "items": [{ "clientSecret": TOKEN }] });
    let unsent = dry.call(reqwest::Method::POST, "/api/v1/x", secret_field);
    let error = unsent.header("x-key", TOKEN).await.expect_err("not sent");
    let unsent = UnsentRequest::of(&error).expect("the request");
    canaries.assert_not_in("UnsentRequest", unsent);
    canaries.assert_not_in("UnsentRequest", &unsent.to_string());
    canaries.assert_not_in_error("a dry run", &error);

    canaries.assert_not_in("SystemClock", &SystemClock as &dyn Clock);
    canaries.assert_not_in("SystemRandom", &SystemRandom as &dyn Random);
    for (kind, error) in [
        (
            "TenantError",
            &"".parse::<Tenant>().expect_err("empty") as &dyn Debug,
        ),
        ("ClientIdError", &"".parse::<ClientId>().expect_err("empty")),
        (
            "ClientSecretError",
            &"".parse::<ClientSecret>().expect_err("empty"),
        ),
        ("ConfigError", &C1::builder().build().expect_err("empty")),
    ] {
        canaries.assert_not_in(kind, error);
    }

    conveniences::webhooks(&canaries, &tenant).await;
    conveniences::waits_and_bulk(&canaries).await;
    conveniences::workflows(&canaries);
    conveniences::recordings(&canaries);

    let mut declared = BTreeSet::new();
    public_types(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../c1-api-ext/src")),
        &mut declared,
    );
    let missed: Vec<_> = declared.difference(&canaries.looked()).cloned().collect();
    assert!(missed.is_empty(), "nobody has looked at {missed:?}");
    assert!(declared.len() > 30, "or it reads the wrong files");
}

/// Keeps what metrics are told, as it shows itself.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<(&'static str, String)>>);

impl Metrics for Told {
    fn call_ended(&self, call: &CallEnded<'_>) {
        let shown = format!("{call:?}");
        self.0.lock().expect("no panic").push(("CallEnded", shown));
    }

    fn retry_scheduled(&self, retry: &RetryScheduled<'_>) {
        let shown = format!("{retry:?}");
        self.0
            .lock()
            .expect("no panic")
            .push(("RetryScheduled", shown));
    }
}

/// What waits for a person, and the code that must not be seen.
async fn device(canaries: &Canaries) {
    let emulator = Emulator::start().await.expect("an emulator");
    let tenant: Tenant = emulator.base_url().parse().expect("on loopback");
    let endpoint = TokenEndpoint::new(http(), &tenant);
    let login = DeviceLogin::new(endpoint, "some-cli");
    let waiting = login.start().await.expect("a code");
    canaries.assert_not_in("DeviceAuthorization", &waiting);
    assert!(!format!("{waiting:?}").contains(waiting.user_code()));
    #[cfg(operation = "personal_client.create")]
    {
        assert!(emulator.approve_device(waiting.user_code()));
        let token = waiting.wait().await.expect("a token");
        let c1 = C1::builder().tenant(tenant).access_token(token).build();
        let request = c1_api::types::PersonalClientServiceCreateRequest::new();
        let made = c1_api_ext::create_personal_client(&c1.expect("a client"), request).await;
        let made = made.expect("a personal client");
        canaries.assert_not_in("PersonalCredentials", &made);
        assert!(!format!("{made:?}").contains(&made.client_secret.expose()[33..]));
    }
}

/// The names of what `pub struct` and `pub enum` declare, but for the tests'.
fn public_types(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            public_types(&path, names);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file");
        for line in text.lines() {
            let declared = line
                .strip_prefix("pub struct ")
                .or_else(|| line.strip_prefix("pub enum "));
            let name = declared.map(|rest| rest.split(|c: char| !c.is_alphanumeric()));
            names.extend(name.and_then(|mut parts| parts.next()).map(str::to_owned));
        }
    }
}
