//! The layer that authenticates: adds the access token, for requests to the tenant only.

use std::fmt;

use c1_api::{BoxFuture, Call, Error, ErrorKind, Transport};
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Request, Response, StatusCode};

use crate::auth::cache::TokenCache;
use crate::auth::dpop::PROOF;
use crate::auth::token::AccessToken;
use crate::identity::tenant::Tenant;

/// Travels with a response that is not a success: the token that was sent, which an error must not show.
#[derive(Clone)]
pub(crate) struct SentToken(pub(crate) AccessToken);

/// Travels with a 401 after which no other token is requested.
#[derive(Clone)]
pub(crate) struct TokenKept;

/// A transport that authenticates every request with an access token.
///
/// - A request to another scheme, host or port than the tenant's is refused before it is sent.
/// - A token that the server refuses with 401 is dropped, and the request is sent once more with another, if there
///   is another and the body can be sent twice. A second 401 is returned. If the server refuses too many tokens in a
///   row, a 401 is returned at once: see [`TokenCache::invalidate`].
/// - With a token that is bound to a key goes a proof of the key (DPoP, RFC 9449). A server that wants a nonce in it
///   gets the request once more.
pub struct AuthTransport {
    inner: Box<dyn Transport>,
    tenant: Tenant,
    tokens: TokenCache,
}

impl AuthTransport {
    /// Sends to `tenant` through `inner`, a [`reqwest::Client`] for instance. That must not follow redirects: begin it with
    /// [`http::client_builder`](crate::http::client_builder).
    pub fn new(inner: impl Transport, tenant: &Tenant, tokens: TokenCache) -> Self {
        Self {
            inner: Box::new(inner),
            tenant: tenant.clone(),
            tokens,
        }
    }

    async fn send(&self, request: Request, call: &Call) -> Result<Response, Error> {
        if !self.tenant.serves(request.url()) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the request is not for this tenant's server, so its token is not sent there",
            ));
        }
        let token = self.tokens.get().await?;
        let again = request.try_clone();
        let mut response = self.prove(request, call, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if !self.tokens.invalidate(&token) {
            tracing::warn!(
                "the server has refused access tokens several times in a row: no other is requested for now"
            );
            response.extensions_mut().insert(TokenKept);
            return Ok(response);
        }
        let Some(again) = again else {
            return Ok(response);
        };
        let next = self.tokens.get().await?;
        if next.is(&token) {
            return Ok(response);
        }
        self.prove(again, call, &next).await
    }

    /// Sends the request with the token, twice if the server wants a nonce in the proof.
    async fn prove(
        &self,
        request: Request,
        call: &Call,
        token: &AccessToken,
    ) -> Result<Response, Error> {
        let again = token.prover().and_then(|_| request.try_clone());
        let response = self.authorized(request, call, token).await?;
        match again {
            Some(again) if wants_nonce(&response) => self.authorized(again, call, token).await,
            _ => Ok(response),
        }
    }

    async fn authorized(
        &self,
        mut request: Request,
        call: &Call,
        token: &AccessToken,
    ) -> Result<Response, Error> {
        request
            .headers_mut()
            .insert(AUTHORIZATION, token.authorization()?);
        if let Some(prover) = token.prover() {
            let method = request.method().as_str();
            let proof = prover.proof(method, request.url(), Some(token.expose()))?;
            request.headers_mut().insert(PROOF, proof);
        }
        call.mark_sent();
        let mut response = self.inner.execute(request, call).await?;
        if let Some(prover) = token.prover() {
            prover.learn(response.headers());
        }
        if !response.status().is_success() {
            let sent = SentToken(token.clone());
            response.extensions_mut().insert(sent);
        }
        Ok(response)
    }
}

/// Whether the response asks for a nonce (RFC 9449, section 9).
fn wants_nonce(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .any(|value| {
                value
                    .to_str()
                    .is_ok_and(|value| value.contains("use_dpop_nonce"))
            })
}

impl Transport for AuthTransport {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.send(request, call))
    }
}

impl fmt::Debug for AuthTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthTransport")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use httpmock::{Mock, MockServer};

    use super::*;
    use crate::auth::token::TokenSource;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, http, shown, tenant};

    /// Gives these tokens one after the other.
    struct Tokens(Mutex<VecDeque<&'static str>>);

    impl TokenSource for Tokens {
        fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
            Box::pin(async {
                let next = self.0.lock().expect("no panic").pop_front();
                next.map(AccessToken::new)
                    .ok_or_else(|| Error::new(ErrorKind::Auth, "no more tokens"))
            })
        }
    }

    fn transport(server: &MockServer, tokens: &[&'static str]) -> AuthTransport {
        let source = Tokens(Mutex::new(tokens.iter().copied().collect()));
        AuthTransport::new(http(), &tenant(server), TokenCache::new(source))
    }

    /// The response that a token gets.
    async fn respond<'a>(server: &'a MockServer, token: &str, status: u16) -> Mock<'a> {
        let value = format!("Bearer {token}");
        server
            .mock_async(|when, then| {
                when.path("/api/v1/apps")
                    .header("authorization", value)
                    .body("hello");
                then.status(status);
            })
            .await
    }

    fn request(server: &MockServer) -> Request {
        http()
            .post(server.url("/api/v1/apps"))
            .body("hello")
            .build()
            .expect("a request")
    }

    fn call() -> Call {
        Call::new(&c1_api::OPERATIONS[0], c1_api::CallOptions::new())
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_and_the_call_sent_once_more() {
        let server = MockServer::start_async().await;
        let old = respond(&server, "canary-1", 401).await;
        let new = respond(&server, "canary-2", 200).await;
        let transport = transport(&server, &["canary-1", "canary-2"]);
        for _ in 0..2 {
            let response = transport
                .execute(request(&server), &call())
                .await
                .expect("a response");
            assert_eq!(response.status(), 200);
        }
        assert_eq!((old.calls_async().await, new.calls_async().await), (1, 2));
        assert_debug_is_clean(&transport);
    }

    #[tokio::test]
    async fn a_second_401_is_returned() {
        let server = MockServer::start_async().await;
        let first = respond(&server, "canary-1", 401).await;
        let second = respond(&server, "canary-2", 401).await;
        let transport = transport(&server, &["canary-1", "canary-2", "canary-3"]);
        let response = transport
            .execute(request(&server), &call())
            .await
            .expect("a response");
        assert_eq!(response.status(), 401);
        assert_eq!(
            (first.calls_async().await, second.calls_async().await),
            (1, 1)
        );
    }

    #[tokio::test]
    async fn nothing_is_repeated_with_the_same_token() {
        let server = MockServer::start_async().await;
        let only = respond(&server, "canary", 401).await;
        let transport = transport(&server, &["canary", "canary"]);
        let response = transport
            .execute(request(&server), &call())
            .await
            .expect("a response");
        assert_eq!(response.status(), 401);
        assert_eq!(only.calls_async().await, 1);
    }

    #[tokio::test]
    async fn other_refusals_leave_the_token_alone() {
        let server = MockServer::start_async().await;
        let mock = respond(&server, "canary", 403).await;
        let transport = transport(&server, &["canary"]);
        for _ in 0..2 {
            let response = transport
                .execute(request(&server), &call())
                .await
                .expect("a response");
            assert_eq!(response.status(), 403);
        }
        assert_eq!(mock.calls_async().await, 2);
    }

    #[tokio::test]
    async fn the_token_goes_nowhere_else() {
        let (server, other) = (
            MockServer::start_async().await,
            MockServer::start_async().await,
        );
        let elsewhere = other
            .mock_async(|_, then| {
                then.status(200);
            })
            .await;
        let transport = transport(&server, &["canary"]);
        let error = transport
            .execute(request(&other), &call())
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_no_secret(&shown(&error));

        server
            .mock_async(|when, then| {
                when.path("/api/v1/apps");
                then.status(307)
                    .header("location", other.url("/api/v1/apps"));
            })
            .await;
        let response = transport
            .execute(request(&server), &call())
            .await
            .expect("a response");
        assert_eq!(response.status(), 307);
        assert_eq!(elsewhere.calls_async().await, 0);
    }

    #[tokio::test]
    async fn a_redirect_that_the_client_has_followed_is_an_error() {
        let server = MockServer::start_async().await;
        let following = crate::http::client_builder(&tenant(&server))
            .expect("TLS")
            .redirect(reqwest::redirect::Policy::default())
            .build()
            .expect("a client");
        let source = Tokens(Mutex::new(["canary"].into()));
        let transport = AuthTransport::new(following, &tenant(&server), TokenCache::new(source));
        server
            .mock_async(|when, then| {
                when.path("/elsewhere");
                then.status(200).body("{}");
            })
            .await;
        for status in [301, 302, 303, 307, 308] {
            let mock = server
                .mock_async(|when, then| {
                    when.path("/api/v1/apps");
                    then.status(status)
                        .header("location", server.url("/elsewhere?q=canary"));
                })
                .await;
            let error = transport
                .execute(request(&server), &call())
                .await
                .expect_err("refused");
            assert_eq!((error.kind(), error.status()), (ErrorKind::Redirect, None));
            assert!(error.may_have_been_sent());
            assert!(
                error
                    .message()
                    .contains("`reqwest::redirect::Policy::none()`")
            );
            assert_no_secret(&shown(&error));
            mock.delete_async().await;
        }
        // What is not sent changes nothing.
        let mut request = request(&server);
        request.url_mut().set_path("/elsewhere");
        request.url_mut().set_query(Some("q=%22a b\"|ä"));
        request.url_mut().set_fragment(Some("fragment"));
        let response = transport.execute(request, &call()).await;
        assert_eq!(response.expect("a response").status(), 200);
    }

    #[tokio::test]
    async fn a_token_that_no_header_can_carry_is_an_error() {
        let server = MockServer::start_async().await;
        let error = transport(&server, &["canary\nHost: evil"])
            .execute(request(&server), &call())
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_no_secret(&shown(&error));
    }
}
