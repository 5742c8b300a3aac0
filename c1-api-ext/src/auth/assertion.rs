//! The signed assertion: a JWT with which a client proves that it holds its secret (RFC 7523).

use std::io;
use std::time::{Duration, SystemTime};

use c1_api::{BoxFuture, Error};
use serde_json::json;
use zeroize::Zeroizing;

use crate::auth::endpoint::TokenEndpoint;
use crate::auth::form::Form;
use crate::auth::jwt;
use crate::auth::token::{AccessToken, TokenSource};
use crate::auth::token_error::TokenError;
use crate::identity::client_id::ClientId;
use crate::identity::client_secret::ClientSecret;
use crate::random::Random;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion is valid from this long before it is signed, for servers whose clock is behind, to this long after.
/// C1 accepts up to five minutes; its own Go SDK uses these same two.
const MARGIN: Duration = Duration::from_secs(120);

/// Obtains tokens for a client id and its secret, with an assertion that the secret signs (RFC 7523, section 2.2). The
/// secret itself is never sent.
///
/// If the server refuses an assertion and its `Date` differs from this machine's clock by more than 30 s, the request is
/// retried once, dated by the server's clock. If that is refused as well, the error tells the difference.
#[derive(Debug)]
pub struct SignedAssertion {
    endpoint: TokenEndpoint,
    client_id: ClientId,
    secret: ClientSecret,
}

impl SignedAssertion {
    /// Sends requests to `endpoint`, which must be that of [`ClientId::tenant`], or a gateway to it.
    pub fn new(endpoint: TokenEndpoint, client_id: ClientId, secret: ClientSecret) -> Self {
        Self {
            endpoint,
            client_id,
            secret,
        }
    }
}

impl TokenSource for SignedAssertion {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async move {
            let form = || {
                let assertion = sign(
                    &self.client_id,
                    &self.secret,
                    self.endpoint.time().now(),
                    self.endpoint.entropy(),
                )
                .map_err(TokenError::Signing)?;
                Ok(Form::default()
                    .plain("grant_type", "client_credentials")
                    .plain("client_id", self.client_id.as_str())
                    .plain("client_assertion_type", ASSERTION_TYPE)
                    .dated_secret("client_assertion", &assertion))
            };
            Ok(self.endpoint.token(form).await?)
        })
    }
}

/// The assertion of `client_id` for its tenant. The audience is the tenant's host without port.
///
/// # Errors
/// Those of `random`.
fn sign(
    client_id: &ClientId,
    secret: &ClientSecret,
    now: SystemTime,
    random: &dyn Random,
) -> io::Result<Zeroizing<String>> {
    let date = |time: Option<SystemTime>| time.map_or(0, jwt::numeric_date);
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "nonce": jwt::unique(random)? });
    let claims = json!({
        "iss": client_id.as_str(),
        "sub": client_id.as_str(),
        "aud": client_id.tenant().host(),
        "iat": jwt::numeric_date(now),
        "nbf": date(now.checked_sub(MARGIN)),
        "exp": date(now.checked_add(MARGIN)),
        "jti": jwt::unique(random)?,
    });
    Ok(jwt::encode(&header, &claims, |message| {
        secret.sign(message)
    }))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use base64::Engine as _;
    use c1_api::ErrorKind;
    use ed25519_dalek::{Signature, VerifyingKey};
    use httpmock::MockServer;
    use serde_json::Value;

    use super::*;
    use crate::base64url::BASE64URL;
    use crate::clock::Clock as _;
    use crate::random::SystemRandom;
    use crate::testing::{
        Counting, ManualClock, NoRandom, assert_debug_is_clean, assert_no_secret, client_id,
        client_id_at, http, secret, shown, tenant,
    };

    fn part(jwt: &str, index: usize) -> Value {
        let part = jwt.split('.').nth(index).expect("three parts");
        serde_json::from_slice(&BASE64URL.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn says_who_asks_whom_and_until_when() {
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_900);
        let jwt = sign(&client_id(), &secret(), now, &Counting::default()).expect("signed");
        assert_eq!(
            part(&jwt, 0),
            json!({ "alg": "EdDSA", "typ": "JWT", "nonce": "AAAAAAAAAAAAAAAAAAAAAA" })
        );
        assert_eq!(
            part(&jwt, 1),
            json!({
                "iss": "otter@acme.conductor.one/pcc",
                "sub": "otter@acme.conductor.one/pcc",
                "aud": "acme.conductor.one",
                "iat": 1_700_000_000,
                "nbf": 1_699_999_880,
                "exp": 1_700_000_120,
                "jti": "AQEBAQEBAQEBAQEBAQEBAQ",
            })
        );
        let (message, signature) = jwt.rsplit_once('.').expect("three parts");
        let signature = BASE64URL.decode(signature).expect("base64url");
        VerifyingKey::from_bytes(secret().public_key())
            .and_then(|key| {
                key.verify_strict(message.as_bytes(), &Signature::from_slice(&signature)?)
            })
            .expect("the signature is the key's");
    }

    #[test]
    fn no_two_are_the_same() {
        let one = || sign(&client_id(), &secret(), UNIX_EPOCH, &SystemRandom).expect("signed");
        let (a, b) = (one(), one());
        assert_ne!(part(&a, 0)["nonce"], part(&b, 0)["nonce"]);
        assert_ne!(part(&a, 1)["jti"], part(&b, 1)["jti"]);
        assert_eq!(part(&a, 1)["nbf"], 0, "no time before the epoch");
    }

    #[test]
    fn fails_without_randomness() {
        let error = sign(&client_id(), &secret(), UNIX_EPOCH, &NoRandom).expect_err("none");
        assert_eq!(error.to_string(), "no bytes today");
    }

    fn source(server: &MockServer) -> SignedAssertion {
        let endpoint = TokenEndpoint::new(http(), &tenant(server))
            .clock(ManualClock::default())
            .random(Counting::default());
        SignedAssertion::new(endpoint, client_id_at(server), secret())
    }

    /// The time that [`ManualClock`] begins with.
    const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

    /// The assertion that [`source`] signs first.
    fn first_assertion(server: &MockServer) -> Zeroizing<String> {
        let now = ManualClock::default().now();
        sign(&client_id_at(server), &secret(), now, &Counting::default()).expect("signed")
    }

    /// The error when the token endpoint answers like this.
    async fn refused(status: u16, body: &str) -> Error {
        let server = MockServer::start_async().await;
        server
            .mock_async(|when, then| {
                when.path("/auth/v1/token");
                then.status(status)
                    .header("date", DATE)
                    .body(body.replace("{ASSERTION}", &first_assertion(&server)));
            })
            .await;
        let error = source(&server).fetch().await.expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_no_secret(&shown(&error));
        error
    }

    #[tokio::test]
    async fn sends_the_assertion_as_a_form_and_nothing_in_the_headers() {
        let server = MockServer::start_async().await;
        let token = server
            .mock_async(|when, then| {
                when.method("POST")
                    .path("/auth/v1/token")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header_missing("authorization")
                    .is_true(|request| request.uri().query().is_none())
                    .form_urlencoded_tuple("grant_type", "client_credentials")
                    .form_urlencoded_tuple("client_id", client_id_at(&server).as_str())
                    .form_urlencoded_tuple(
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    )
                    .form_urlencoded_tuple("client_assertion", first_assertion(&server).as_str());
                then.status(200).json_body(json!({
                    "access_token": "canary", "token_type": "Bearer", "expires_in": 1800
                }));
            })
            .await;
        let source = source(&server);
        let got = source.fetch().await.expect("a token");
        token.assert_async().await;
        assert_eq!(got.expose(), "canary");
        assert_eq!(got.lifetime(), Some(Duration::from_secs(1800)));
        assert_debug_is_clean(&got);
        assert_debug_is_clean(&source);
    }

    #[tokio::test]
    async fn an_oauth_error_is_typed_and_without_what_was_sent() {
        let error = refused(
            401,
            r#"{"error": "invalid_client", "error_description": "bad\n{ASSERTION} given", "state": "x"}"#,
        )
        .await;
        assert_eq!(
            error.message(),
            "could not obtain an access token: invalid_client: bad [redacted] given (HTTP 401)"
        );
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
        match TokenError::of(&error) {
            Some(TokenError::Refused {
                error, description, ..
            }) => {
                assert_eq!(error, "invalid_client");
                assert_eq!(description.as_deref(), Some("bad [redacted] given"));
            }
            other => panic!("{other:?}"),
        }
        let long = format!(
            r#"{{"error": "e", "error_description": "{}"}}"#,
            "x".repeat(9000)
        );
        assert!(refused(400, &long).await.message().len() < 600);
    }

    #[tokio::test]
    async fn any_other_answer_is_an_error_that_does_not_quote_it() {
        let huge = "canary".repeat(100_000);
        for (status, body, reason) in [
            (200, "<html>canary</html>", "not JSON"),
            (200, r#"{"access_token": "canary"#, "not JSON"),
            (200, r#"{"token": "canary"}"#, "`access_token` is missing"),
            (
                200,
                r#"{"access_token": "canary", "token_type": "DPoP"}"#,
                "not a bearer token",
            ),
            (200, huge.as_str(), "larger than 256 KiB"),
            (500, "canary", "not JSON"),
            (403, r#"{"message": "canary"}"#, "without `error`"),
            (503, "", "not JSON"),
        ] {
            let error = refused(status, body).await;
            assert!(error.message().contains(reason), "{error}");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        for status in [301, 302, 303, 307, 308] {
            let server = MockServer::start_async().await;
            let elsewhere = server
                .mock_async(|when, then| {
                    when.path("/elsewhere");
                    then.status(200)
                        .json_body(json!({ "access_token": "canary" }));
                })
                .await;
            server
                .mock_async(|when, then| {
                    when.path("/auth/v1/token");
                    then.status(status)
                        .header("location", server.url("/elsewhere"));
                })
                .await;
            let error = source(&server).fetch().await.expect_err("no token");
            assert!(error.message().contains("a redirect"), "{error}");
            assert_eq!(elsewhere.calls_async().await, 0);
        }
    }

    #[tokio::test]
    async fn what_a_client_that_follows_redirects_brings_back_is_no_token() {
        let server = MockServer::start_async().await;
        server
            .mock_async(|when, then| {
                when.path("/elsewhere");
                then.status(200)
                    .json_body(json!({ "access_token": "canary" }));
            })
            .await;
        server
            .mock_async(|when, then| {
                when.path("/auth/v1/token");
                then.status(302)
                    .header("location", server.url("/elsewhere"));
            })
            .await;
        let http = crate::http::client_builder(&tenant(&server))
            .expect("TLS")
            .redirect(reqwest::redirect::Policy::default())
            .build()
            .expect("a client");
        let source = SignedAssertion::new(
            TokenEndpoint::new(http, &tenant(&server)),
            client_id_at(&server),
            secret(),
        );
        let error = source.fetch().await.expect_err("no token");
        assert!(error.message().contains("a redirect"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_as_such() {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port();
        let id: ClientId = format!("otter@127.0.0.1:{port}/pcc")
            .parse()
            .expect("a client id");
        let source = SignedAssertion::new(TokenEndpoint::new(http(), id.tenant()), id, secret());
        let error = source.fetch().await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::Auth);
        match TokenError::of(&error) {
            Some(TokenError::Unreachable(error)) => assert_eq!(error.kind(), ErrorKind::Connect),
            other => panic!("{other:?}"),
        }
        assert_no_secret(&shown(&error));
    }
}
