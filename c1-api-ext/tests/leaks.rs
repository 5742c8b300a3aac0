//! No secret is shown: not by the `Debug` of any public type, not by an error or its sources, whatever a server that
//! repeats what it hears has to say.
#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};

use c1_api_ext::{
    AccessToken, AuthTransport, BoxFuture, C1, C1Builder, CallEnded, ClientId, ClientSecret,
    ClientSecretPost, Clock, DeviceLogin, DeviceLoginError, DpopKey, EnvVariable, Error,
    GitHubActions, HcpTerraform, Limits, Metrics, Random, RetryPolicy, RetryScheduled,
    SignedAssertion, SubjectToken, SubjectTokenError, SubjectTokenSource, SystemClock,
    SystemRandom, Tenant, TokenCache, TokenEndpoint, TokenError, TokenExchange, TokenFile,
    TokenSource, http,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// In every secret of these tests, or made of it.
const CANARY: &str = "canary-0123456789";

/// What must not be seen, in each of the forms that it has been seen in elsewhere.
fn forms() -> Vec<String> {
    let secret = secret();
    let text = secret.expose();
    vec![
        CANARY.to_owned(),
        // The key: as bytes, in base64, in hexadecimal; and the secret that has it in it.
        "99, 97, 110, 97".to_owned(),
        "Y2FuYXJ5".to_owned(),
        "63616e617279".to_owned(),
        text[33..].to_owned(),
    ]
}

fn seed() -> [u8; 32] {
    let mut seed = [b'-'; 32];
    seed[..CANARY.len()].copy_from_slice(CANARY.as_bytes());
    seed
}

fn secret() -> ClientSecret {
    ClientSecret::from_seed(seed())
}

/// Looks at values, and remembers of which types they were.
#[derive(Default)]
struct Looked(RefCell<BTreeSet<String>>);

impl Looked {
    fn text(&self, what: &str, text: &str) {
        self.0.borrow_mut().insert(what.to_owned());
        for form in forms() {
            assert!(!text.contains(&form), "{what}: {form} in {text}");
        }
    }

    fn at(&self, what: &str, value: &dyn Debug) {
        self.text(what, &format!("{value:?}\n{value:#?}"));
    }

    fn error(&self, what: &str, error: &(dyn StdError + 'static)) {
        for error in std::iter::successors(Some(error), |error| (*error).source()) {
            self.text(what, &format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
        }
    }
}

/// A server that answers with all that it was sent: as an OAuth error, as a page, as a token of sorts.
async fn parrot() -> (Tenant, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tenant = format!("http://{}", listener.local_addr().expect("an address"));
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = heard.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = String::new();
            let mut buffer = vec![0; 65_536];
            while !is_whole(&request) {
                let read = stream.read(&mut buffer).await.expect("a request");
                request.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            let count = {
                let mut log = log.lock().expect("no panic");
                log.push(request.clone());
                log.len()
            };
            let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
            let decoded: String = body
                .split('&')
                .map(|pair| pair.replace("%3A", ":").replace('=', " is "))
                .collect();
            let (status, body) = match count % 4 {
                0 => (400, json!({ "error": decoded }).to_string()),
                1 => {
                    let error = json!({ "error": "invalid_client", "error_description": body });
                    (401, error.to_string())
                }
                2 => {
                    let error = json!({ "error": "invalid_grant", "error_description": decoded });
                    (400, error.to_string())
                }
                _ => (200, format!("<html>{request}</html>")),
            };
            let answer = format!(
                "HTTP/1.1 {status} Parrot\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.expect("heard");
        }
    });
    (tenant.parse().expect("on loopback"), heard)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().expect("a number"))
    });
    body.len() >= length.unwrap_or(0)
}

fn client_id() -> ClientId {
    "otter@acme.conductor.one/pcc".parse().expect("a client id")
}

fn endpoint(tenant: &Tenant) -> TokenEndpoint {
    let http = http::client_builder().expect("TLS").no_proxy();
    TokenEndpoint::new(http.build().expect("a client"), tenant)
        .dpop(DpopKey::ed25519_from_seed(&seed()))
}

#[tokio::test]
async fn no_error_shows_a_secret_that_the_server_repeats() {
    let looked = Looked::default();
    let (tenant, heard) = parrot().await;
    let endpoint = endpoint(&tenant);
    let sources: Vec<(&str, Box<dyn TokenSource>)> = vec![
        (
            "client_assertion=",
            Box::new(SignedAssertion::new(
                endpoint.clone(),
                client_id(),
                secret(),
            )),
        ),
        (
            "client_secret=",
            Box::new(ClientSecretPost::new(
                endpoint.clone(),
                client_id(),
                secret().expose().as_str(),
            )),
        ),
        (
            "client_secret=",
            Box::new(ClientSecretPost::new(endpoint.clone(), client_id(), CANARY)),
        ),
        (
            "subject_token=",
            Box::new(TokenExchange::new(
                endpoint.clone(),
                client_id(),
                SubjectToken::new(CANARY),
            )),
        ),
    ];
    for (field, source) in sources {
        // Each of the parrot's tempers.
        for _ in 0..4 {
            let error = source.fetch().await.expect_err("no token");
            looked.error("TokenError", &error);
            assert!(TokenError::of(&error).is_some());
            let heard = heard.lock().expect("no panic");
            let sent = heard.last().expect("a request");
            assert!(sent.contains(field), "or it tests nothing");
            let (_, rest) = sent.split_once(field).expect("sent");
            let value = rest.split('&').next().expect("a value");
            for error in [
                &error as &dyn StdError,
                error.source().expect("a token error"),
            ] {
                let shown = format!("{error}{error:?}");
                assert!(!shown.contains(&value[value.len() - 12..]), "{shown}");
            }
        }
    }
    for _ in 0..4 {
        let login = DeviceLogin::new(endpoint.clone(), "some-cli");
        looked.error(
            "DeviceLoginError",
            &login.start().await.expect_err("no code"),
        );
    }
}

#[tokio::test]
async fn no_call_shows_its_token() {
    let looked = Looked::default();
    let (tenant, heard) = parrot().await;
    let c1 = C1::builder()
        .tenant(tenant)
        .access_token(CANARY)
        .build()
        .expect("a client");
    for _ in 0..4 {
        let error = c1.apps().get("x").await.expect_err("nothing useful");
        looked.error("Error", &error);
    }
    let heard = heard.lock().expect("no panic");
    assert!(heard[0].contains(CANARY), "or it tests nothing");
}

/// Whatever is to be read from text: given a secret in the wrong place.
#[test]
fn no_error_repeats_what_it_could_not_read() {
    let looked = Looked::default();
    let jwk = secret().expose().as_str()[33..].to_owned();
    for text in [
        CANARY,
        "canary-0123456789@",
        "canary-0123456789@h/pcc",
        "x@canary-0123456789/",
        "https://canary-0123456789",
        "http://canary-0123456789.example",
        "https://a:canary-0123456789@b.example",
        "secret-token:conductorone.com:v1:canary-0123456789",
        &format!("secret-token:conductorone.com:v2:{jwk}"),
        &format!("secret-token:conductorone.com:v1:{jwk}x"),
    ] {
        // A canary can name a tenant, and is no secret then.
        if let Err(error) = text.parse::<Tenant>() {
            looked.error("TenantError", &error);
            let builder = C1::builder().tenant(text).access_token(text);
            looked.at("C1Builder", &builder);
            looked.error("ConfigError", &builder.build().expect_err("no tenant"));
        }
        looked.error(
            "ClientIdError",
            &text.parse::<ClientId>().expect_err("none"),
        );
        let error = text.parse::<ClientSecret>().expect_err("none");
        looked.error("ClientSecretError", &error);
        for builder in [
            C1::builder().client_credentials(text, text),
            C1::builder().client_credentials(client_id(), text),
            C1::builder().client_secret_post(text, text),
            C1::builder().token_exchange(text, SubjectToken::new(text)),
        ] {
            looked.at("C1Builder", &builder);
            looked.error("ConfigError", &builder.build().expect_err("unreadable"));
        }
    }
}

/// A source that fails with what it was not to tell.
fn telling() -> impl SubjectTokenSource {
    || async { Err::<String, _>(SubjectTokenError::other("told")) }
}

#[derive(Debug)]
struct Nowhere;

impl c1_api_ext::c1_api::Transport for Nowhere {
    fn execute<'a>(
        &'a self,
        _: reqwest::Request,
        _: &'a c1_api_ext::Call,
    ) -> BoxFuture<'a, Result<reqwest::Response, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn no_public_type_shows_a_secret() {
    let looked = Looked::default();
    let tenant: Tenant = "acme".parse().expect("a tenant");
    let token = AccessToken::new(CANARY);
    let endpoint = endpoint(&tenant);
    let http = || {
        http::client_builder()
            .expect("TLS")
            .build()
            .expect("a client")
    };
    let cache = || TokenCache::new(AccessToken::new(CANARY));

    looked.at("Tenant", &tenant);
    looked.at("ClientId", &client_id());
    looked.at("ClientIdKind", &client_id().kind());
    looked.at("ClientSecret", &secret());
    looked.at("AccessToken", &token);
    looked.at(
        "AccessToken",
        &token.clone().valid_for(std::time::Duration::from_secs(1)),
    );
    looked.at("DpopKey", &DpopKey::ed25519_from_seed(&seed()));
    #[cfg(feature = "es256")]
    looked.at(
        "DpopKey",
        &DpopKey::es256_from_scalar(&seed()).expect("a scalar"),
    );
    looked.at("TokenEndpoint", &endpoint);
    looked.at(
        "SignedAssertion",
        &SignedAssertion::new(endpoint.clone(), client_id(), secret()),
    );
    looked.at(
        "ClientSecretPost",
        &ClientSecretPost::new(endpoint.clone(), client_id(), CANARY),
    );
    let exchange = TokenExchange::new(endpoint.clone(), client_id(), SubjectToken::new(CANARY));
    looked.at("TokenExchange", &exchange);
    looked.at("SubjectToken", &SubjectToken::new(CANARY));
    looked.at(
        "DeviceLogin",
        &DeviceLogin::new(endpoint.clone(), "some-cli"),
    );
    let cached = cache();
    cached.get().await.expect("a token");
    looked.at("TokenCache", &cached);
    looked.at(
        "AuthTransport",
        &AuthTransport::new(Nowhere, &tenant, cached),
    );
    let builder: fn() -> C1Builder = || {
        C1::builder()
            .client_credentials(client_id(), secret())
            .dpop(DpopKey::ed25519_from_seed(&seed()))
            .header("x-key", CANARY)
            .limits(Limits::new())
            .retry(RetryPolicy::new())
    };
    looked.at("Limits", &Limits::new());
    looked.at("RetryPolicy", &RetryPolicy::new());
    let told = Arc::new(Told::default());
    C1::builder()
        .tenant("acme")
        .access_token(CANARY)
        .transport(Nowhere)
        .metrics(told.clone())
        .clock(Hasty)
        .retry(RetryPolicy::new().attempt_timeout(std::time::Duration::ZERO))
        .build()
        .expect("a client")
        .apps()
        .get(CANARY)
        .await
        .expect_err("nowhere");
    for (name, shown) in &*told.0.lock().expect("no panic") {
        looked.at(name, shown);
    }
    looked.at("C1Builder", &builder());
    looked.at("C1", &builder().build().expect("a client"));

    let vars = |_: &str| Some(CANARY);
    looked.at("EnvVariable", &EnvVariable::new("X").vars(vars));
    looked.at("HcpTerraform", &HcpTerraform::new().vars(vars));
    looked.at("TokenFile", &TokenFile::new("/nowhere"));
    let actions = GitHubActions::new(http(), &tenant).vars(vars);
    looked.at("GitHubActions", &actions);
    looked.error(
        "SubjectTokenError",
        &actions.fetch().await.expect_err("no URL"),
    );
    let missing = EnvVariable::new("X").vars(|_| None::<String>).fetch().await;
    looked.error("SubjectTokenError", &missing.expect_err("not set"));
    let error = telling().fetch().await.expect_err("told");
    looked.error("SubjectTokenError", &error);
    if let SubjectTokenError::Other(error) = &error {
        looked.error("SubjectSourceError", error);
    }

    let (parrot, _) = parrot().await;
    let error = SignedAssertion::new(TokenEndpoint::new(http(), &parrot), client_id(), secret())
        .fetch()
        .await
        .expect_err("no token");
    looked.error("TokenError", TokenError::of(&error).expect("a token error"));
    looked.error("DeviceLoginError", &DeviceLoginError::Denied);
    device(&looked).await;

    looked.at("SystemClock", &SystemClock as &dyn Clock);
    looked.at("SystemRandom", &SystemRandom as &dyn Random);
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
        looked.at(kind, error);
    }

    let mut declared = BTreeSet::new();
    public_types(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut declared,
    );
    if !cfg!(feature = "personal_client") {
        declared.remove("PersonalCredentials");
    }
    let missed: Vec<_> = declared.difference(&looked.0.borrow()).cloned().collect();
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

/// Waits for nothing.
#[derive(Debug)]
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> std::time::SystemTime {
        std::time::UNIX_EPOCH
    }

    fn sleep(&self, _: std::time::Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What waits for a person, and the code that must not be seen.
async fn device(looked: &Looked) {
    let emulator = c1_api_emulator::Emulator::start()
        .await
        .expect("an emulator");
    let tenant: Tenant = emulator.base_url().parse().expect("on loopback");
    let http = http::client_builder().expect("TLS").no_proxy();
    let endpoint = TokenEndpoint::new(http.build().expect("a client"), &tenant);
    let login = DeviceLogin::new(endpoint, "some-cli");
    let waiting = login.start().await.expect("a code");
    looked.at("DeviceAuthorization", &waiting);
    assert!(!format!("{waiting:?}").contains(waiting.user_code()));
    #[cfg(feature = "personal_client")]
    {
        assert!(emulator.approve_device(waiting.user_code()));
        let token = waiting.wait().await.expect("a token");
        let c1 = C1::builder().tenant(tenant).access_token(token).build();
        let request = c1_api_ext::c1_api::types::PersonalClientServiceCreateRequest::new();
        let made = c1_api_ext::create_personal_client(&c1.expect("a client"), request).await;
        let made = made.expect("a personal client");
        looked.at("PersonalCredentials", &made);
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
