//! Token exchange (RFC 8693): the token of another issuer is exchanged for one of C1's.

use std::fmt;

use c1_api::{BoxFuture, Error};

use crate::auth::endpoint::TokenEndpoint;
use crate::auth::form::Form;
use crate::auth::subject_token::SubjectTokenSource;
use crate::auth::token::{AccessToken, TokenSource};
use crate::auth::token_error::TokenError;
use crate::identity::client_id::ClientId;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693, section 3: any JWT.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Obtains tokens by exchanging those of another issuer that the tenant trusts (RFC 8693, section 2.1), which C1 calls
/// workload federation. It needs no secret of C1's.
///
/// Each exchange fetches a new subject token from the [`SubjectTokenSource`]. C1 accepts one that was issued less than
/// ten minutes ago and has the tenant's host among its audiences.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{C1, ClientId, GitHubActions, TokenEndpoint, TokenExchange, http};
///
/// // The client id of the trust, as C1 shows it.
/// let id: ClientId = "happy-otter-12345@acme.conductor.one/wfe".parse()?;
/// let http = http::client(id.tenant())?;
/// let subject = GitHubActions::new(http.clone(), id.tenant());
/// let source = TokenExchange::new(TokenEndpoint::new(http, id.tenant()), id.clone(), subject);
/// let c1 = C1::builder().tenant(id.tenant().clone()).token_source(source).build()?;
/// # Ok(())
/// # }
/// ```
pub struct TokenExchange {
    endpoint: TokenEndpoint,
    client_id: ClientId,
    subject: Box<dyn SubjectTokenSource>,
    subject_token_type: String,
}

impl TokenExchange {
    /// Exchanges the tokens of `subject`, which are JWTs, for the client `client_id`. `endpoint` must be that of
    /// [`ClientId::tenant`], or a gateway to it.
    pub fn new(
        endpoint: TokenEndpoint,
        client_id: ClientId,
        subject: impl SubjectTokenSource,
    ) -> Self {
        Self {
            endpoint,
            client_id,
            subject: Box::new(subject),
            subject_token_type: JWT.to_owned(),
        }
    }

    /// The type of the subject tokens, `urn:ietf:params:oauth:token-type:jwt` by default: another one of RFC 8693, section
    /// 3, such as `urn:ietf:params:oauth:token-type:id_token`. It is sent as given.
    #[must_use]
    pub fn subject_token_type(mut self, urn: impl Into<String>) -> Self {
        self.subject_token_type = urn.into();
        self
    }

    async fn exchange(&self) -> Result<AccessToken, TokenError> {
        // Fetched once, however often the endpoint has to send the form.
        let subject = self.subject.fetch().await;
        let subject = subject
            .and_then(|token| token.unless_empty(|| "the subject token".to_owned()))
            .map_err(TokenError::SubjectToken)?;
        let form = || {
            Ok(Form::default()
                .plain("grant_type", GRANT_TYPE)
                .plain("client_id", self.client_id.as_str())
                .secret("subject_token", subject.expose())
                .plain("subject_token_type", &self.subject_token_type))
        };
        self.endpoint.token(form).await
    }
}

impl TokenSource for TokenExchange {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async move { Ok(self.exchange().await?) })
    }
}

impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenExchange")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("subject_token_type", &self.subject_token_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use c1_api::ErrorKind;
    use httpmock::MockServer;
    use serde_json::json;

    use super::*;
    use crate::testing::{
        assert_debug_is_clean, assert_no_secret, client_id_at, http, shown, tenant,
    };
    use crate::{DpopKey, EnvVariable, SubjectToken, SubjectTokenError};

    fn endpoint(server: &MockServer) -> TokenEndpoint {
        TokenEndpoint::new(http(), &tenant(server))
    }

    fn exchange(server: &MockServer, subject: impl SubjectTokenSource) -> TokenExchange {
        TokenExchange::new(endpoint(server), client_id_at(server), subject)
    }

    /// Gives `canary-0`, then `canary-1`, and so on; and how many it has given.
    fn numbered() -> (impl SubjectTokenSource, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let given = count.clone();
        let source = move || {
            let number = given.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Infallible>(format!("canary-{number}")) }
        };
        (source, count)
    }

    fn form(server: &MockServer, subject: &str, kind: &str) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair(
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            )
            .append_pair("client_id", client_id_at(server).as_str())
            .append_pair("subject_token", subject)
            .append_pair("subject_token_type", kind)
            .finish()
    }

    #[tokio::test]
    async fn sends_this_form_and_nothing_in_the_headers() {
        let server = MockServer::start_async().await;
        for (kind, answer) in [("jwt", "one"), ("id_token", "other")] {
            let kind = format!("urn:ietf:params:oauth:token-type:{kind}");
            let token = server
                .mock_async(|when, then| {
                    when.method("POST")
                        .path("/auth/v1/token")
                        .header("content-type", "application/x-www-form-urlencoded")
                        .header_missing("authorization")
                        .is_true(|request| request.uri().query().is_none())
                        .body(form(&server, "eyJ.canary+/=", &kind));
                    then.status(200).json_body(json!({
                        "access_token": answer, "token_type": "Bearer", "expires_in": 1800
                    }));
                })
                .await;
            let mut source = exchange(&server, SubjectToken::new("\n eyJ.canary+/=\n"));
            if answer == "other" {
                source = source.subject_token_type(kind);
            }
            let got = source.fetch().await.expect("a token");
            token.assert_async().await;
            assert_eq!(got.expose(), answer);
            assert_debug_is_clean(&source);
        }
    }

    #[tokio::test]
    async fn the_subject_is_asked_anew_for_each_token() {
        let server = MockServer::start_async().await;
        for number in 0..2 {
            server
                .mock_async(|when, then| {
                    when.path("/auth/v1/token")
                        .form_urlencoded_tuple("subject_token", format!("canary-{number}"));
                    then.status(200)
                        .json_body(json!({ "access_token": format!("token-{number}") }));
                })
                .await;
        }
        let (subject, asked) = numbered();
        let source = exchange(&server, subject);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        for number in 0..2 {
            let token = source.fetch().await.expect("a token");
            assert_eq!(token.expose(), format!("token-{number}"));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn the_subject_is_asked_once_though_the_server_wants_a_nonce() {
        let server = MockServer::start_async().await;
        let token = server
            .mock_async(|when, then| {
                when.path("/auth/v1/token")
                    .form_urlencoded_tuple("subject_token", "canary-0");
                then.status(400)
                    .header("DPoP-Nonce", "n")
                    .json_body(json!({ "error": "use_dpop_nonce" }));
            })
            .await;
        let (subject, asked) = numbered();
        let endpoint = endpoint(&server).dpop(DpopKey::generate().expect("a key"));
        let source = TokenExchange::new(endpoint, client_id_at(&server), subject);
        source.fetch().await.expect_err("a second refusal");
        assert_eq!(token.calls_async().await, 2);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_server_that_repeats_the_subject_token_is_not_quoted() {
        let server = MockServer::start_async().await;
        server
            .mock_async(|when, then| {
                when.path("/auth/v1/token");
                then.status(400).json_body(
                    json!({ "error": "invalid_request", "error_description": "eyJ.canary is old" }),
                );
            })
            .await;
        let source = exchange(&server, SubjectToken::new("eyJ.canary"));
        let error = source.fetch().await.expect_err("no token");
        assert!(
            error.message().contains("[redacted] is old"),
            "{}",
            error.message()
        );
        assert_no_secret(&shown(&error));
    }

    /// The error, when nothing may be sent.
    async fn unsent(subject: impl SubjectTokenSource) -> Error {
        let server = MockServer::start_async().await;
        let any = server
            .mock_async(|_, then| {
                then.status(200).json_body(json!({ "access_token": "t" }));
            })
            .await;
        let error = exchange(&server, subject)
            .fetch()
            .await
            .expect_err("no subject token");
        assert_eq!(any.calls_async().await, 0);
        assert_eq!(error.kind(), ErrorKind::Auth);
        error
    }

    /// Gives an empty token.
    struct Careless;
    impl SubjectTokenSource for Careless {
        fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
            Box::pin(async { Ok(SubjectToken::new(" ")) })
        }
    }

    #[tokio::test]
    async fn without_a_subject_token_nothing_is_sent() {
        let error = unsent(EnvVariable::new("SUBJECT").vars(|_| None::<String>)).await;
        assert_eq!(
            error.message(),
            "could not obtain an access token: no subject token: the environment variable SUBJECT is not set"
        );
        assert!(matches!(
            TokenError::of(&error),
            Some(TokenError::SubjectToken(SubjectTokenError::MissingVariable { name })) if name == "SUBJECT"
        ));

        let error = unsent(Careless).await;
        assert!(error.message().ends_with("is empty"), "{}", error.message());
    }

    #[tokio::test]
    async fn the_source_decides_whether_to_retry() {
        for (error, retryable) in [
            (SubjectTokenError::other("canary"), false),
            (SubjectTokenError::temporary("canary"), true),
        ] {
            let error = std::sync::Mutex::new(Some(error));
            let subject = move || {
                let error = error.lock().expect("no panic").take();
                async move { Err::<String, _>(error.expect("asked once")) }
            };
            let error = unsent(subject).await;
            assert_no_secret(&format!("{error} {error:?} {error:#?}"));
            let error = TokenError::of(&error).expect("a token error");
            assert_no_secret(&format!("{error} {error:?} {error:#?}"));
            assert_eq!(error.is_retryable(), retryable);
        }
    }

    #[tokio::test]
    async fn the_words_of_a_failed_closure_are_in_the_sources_only() {
        let error = unsent(|| async { Err::<String, _>(io::Error::other("canary")) }).await;
        assert_no_secret(error.message());
        assert!(shown(&error).contains("canary"));
    }
}
