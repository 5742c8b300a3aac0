//! The identity tokens of GitHub Actions.

use std::ffi::OsString;
use std::fmt;

use bytes::Bytes;
use c1_api::{BoxFuture, is_secure};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::environment::Environment;
use super::error::SubjectTokenError;
use super::token::{SubjectToken, SubjectTokenSource};
use crate::auth::request::{self, Failure};
use crate::identity::tenant::Tenant;

const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const SERVICE: &str = "GitHub's token service";

/// Asks GitHub for the identity token of the job that this program runs in
/// (<https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token>), anew at each
/// exchange.
///
/// The job needs `permissions: id-token: write`; then the runner sets `ACTIONS_ID_TOKEN_REQUEST_URL` and
/// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, which are read each time. The URL has to be `https`, or on this machine.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{GitHubActions, Tenant, http};
///
/// let tenant: Tenant = "acme".parse()?;
/// let subject = GitHubActions::new(http::client(&tenant)?, &tenant);
/// assert_eq!(format!("{subject:?}"), r#"GitHubActions { audience: "acme.conductor.one", .. }"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GitHubActions {
    http: reqwest::Client,
    audience: String,
    environment: Environment,
}

impl GitHubActions {
    /// Requests tokens with the host of `tenant` as their audience, as C1 requires. `http` must not follow redirects:
    /// begin it with [`http::client_builder`](crate::http::client_builder).
    pub fn new(http: reqwest::Client, tenant: &Tenant) -> Self {
        Self {
            http,
            audience: tenant.host().to_owned(),
            environment: Environment::default(),
        }
    }

    /// Requests another audience than the tenant's host: the token's `aud` claim.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Reads variables with `get` instead of [`std::env::var_os`].
    #[must_use]
    pub fn vars<V: Into<OsString>>(
        mut self,
        get: impl Fn(&str) -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Environment::new(get);
        self
    }

    /// A variable of the runner. An empty one counts as not set.
    fn variable(&self, name: &'static str) -> Result<Zeroizing<String>, SubjectTokenError> {
        let value = self.environment.get(name)?;
        value
            .filter(|value| !value.is_empty())
            .ok_or(SubjectTokenError::NotInGitHubActions { variable: name })
    }

    fn request(&self) -> Result<Request, SubjectTokenError> {
        let mut url = read_url(&self.variable(REQUEST_URL)?)?;
        url.query_pairs_mut()
            .append_pair("audience", &self.audience);
        let mut request = Request::new(Method::GET, url);
        let authorization = authorization(&self.variable(REQUEST_TOKEN)?)?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
        Ok(request)
    }

    async fn token(&self, request: Request) -> Result<SubjectToken, Failure> {
        let mut response = request::send(&self.http, request).await?;
        // The body is not read: it could repeat what was sent.
        if let Some(reason) = refusal(response.status()) {
            return Err(response.unexpected(reason));
        }
        let json = response.json().await?;
        read_token(json).map_err(|reason| response.unexpected(reason))
    }
}

/// The URL, if what is sent there is safe.
fn read_url(text: &str) -> Result<Url, SubjectTokenError> {
    let invalid = |reason| SubjectTokenError::InvalidVariable {
        name: REQUEST_URL,
        reason,
    };
    let url = Url::parse(text).map_err(|_| invalid("is not a valid URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("has a user name or password"));
    }
    if !is_secure(&url) {
        return Err(invalid("is neither https nor on loopback"));
    }
    Ok(url)
}

/// The value of the `Authorization` header, marked as sensitive and overwritten after use.
fn authorization(token: &str) -> Result<HeaderValue, SubjectTokenError> {
    let text = Zeroizing::new(["bearer ", token].concat().into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| {
        SubjectTokenError::InvalidVariable {
            name: REQUEST_TOKEN,
            reason: "has characters that are not allowed in a header",
        }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn refusal(status: StatusCode) -> Option<&'static str> {
    match status {
        _ if status.is_success() => None,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "refused; check that the job is still running and has `permissions: id-token: write`",
        ),
        _ => Some("an error status"),
    }
}

fn read_token(mut json: Value) -> Result<SubjectToken, &'static str> {
    match json.get_mut("value").map(Value::take) {
        Some(Value::String(token)) if !token.trim().is_empty() => Ok(SubjectToken::new(token)),
        _ => Err("`value` is not a token"),
    }
}

/// Its errors: [`SubjectTokenError::NotInGitHubActions`], [`NotUnicode`](SubjectTokenError::NotUnicode) and
/// [`InvalidVariable`](SubjectTokenError::InvalidVariable), which name the variable;
/// [`Unreachable`](SubjectTokenError::Unreachable) and [`UnexpectedResponse`](SubjectTokenError::UnexpectedResponse).
impl SubjectTokenSource for GitHubActions {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move {
            let request = self.request()?;
            self.token(request).await.map_err(|failure| match failure {
                Failure::Unreachable(source) => SubjectTokenError::Unreachable {
                    service: SERVICE,
                    source,
                },
                Failure::Unexpected { status, reason, .. } => {
                    SubjectTokenError::UnexpectedResponse {
                        service: SERVICE,
                        status,
                        reason,
                    }
                }
            })
        })
    }
}

/// Shows the audience.
impl fmt::Debug for GitHubActions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubActions")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use c1_api::ErrorKind;
    use httpmock::MockServer;
    use serde_json::json;

    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, http, shown};

    /// In a job whose runner has set these.
    fn job(http: &reqwest::Client, url: impl Into<String>, token: &'static str) -> GitHubActions {
        let tenant = "acme".parse().expect("a tenant");
        let url = url.into();
        GitHubActions::new(http.clone(), &tenant).vars(move |name| match name {
            "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(url.clone()),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some(token.to_owned()),
            _ => None,
        })
    }

    async fn error_of(subject: GitHubActions) -> SubjectTokenError {
        let error = subject.fetch().await.expect_err("no token");
        assert_no_secret(&shown(&error));
        assert_debug_is_clean(&subject);
        error
    }

    #[tokio::test]
    async fn asks_as_documented_with_the_audience_behind_what_the_query_has() {
        let http = http();
        for (path, query) in [
            ("/t?api-version=2.0", "api-version=2.0&audience="),
            ("/t", "audience="),
            ("/t?", "audience="),
            ("/t?a=b%26c", "a=b%26c&audience="),
        ] {
            for (audience, sent) in [
                (None, "acme.conductor.one"),
                (Some("a&b=ü #"), "a%26b%3D%C3%BC+%23"),
            ] {
                let server = MockServer::start_async().await;
                let expected = format!("{query}{sent}");
                let asked = server
                    .mock_async(|when, then| {
                        when.method("GET")
                            .path("/t")
                            .header("authorization", "bearer canary")
                            .header("accept", "application/json")
                            .is_true(move |request| {
                                request.uri().query() == Some(expected.as_str())
                            });
                        then.status(200)
                            .json_body(json!({ "count": 1, "value": "eyJ.canary" }));
                    })
                    .await;
                let mut subject = job(&http, server.url(path), "canary");
                if let Some(audience) = audience {
                    subject = subject.audience(audience);
                }
                let token = subject.fetch().await.expect("a token");
                asked.assert_async().await;
                assert_eq!(token.expose(), "eyJ.canary");
                assert_debug_is_clean(&subject);
            }
        }
    }

    #[tokio::test]
    async fn variables_are_read_at_each_fetch() {
        let http = http();
        let server = MockServer::start_async().await;
        for number in 0..2 {
            server
                .mock_async(|when, then| {
                    when.header("authorization", format!("bearer canary-{number}"));
                    then.status(200)
                        .json_body(json!({ "value": format!("token-{number}") }));
                })
                .await;
        }
        let count = Arc::new(AtomicUsize::new(0));
        let url = server.url("/t");
        let subject = job(&http, "", "").vars(move |name| match name {
            REQUEST_TOKEN => Some(format!("canary-{}", count.fetch_add(1, Ordering::Relaxed))),
            _ => Some(url.clone()),
        });
        for number in 0..2 {
            let token = subject.fetch().await.expect("a token");
            assert_eq!(token.expose(), format!("token-{number}"));
        }
    }

    #[tokio::test]
    async fn outside_of_a_job_the_error_says_what_is_missing() {
        let http = http();
        for (subject, variable) in [
            (job(&http, "", "canary"), "ACTIONS_ID_TOKEN_REQUEST_URL"),
            (
                job(&http, "https://x.test", " "),
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            ),
            (
                job(&http, "", "").vars(|_| None::<String>),
                "ACTIONS_ID_TOKEN_REQUEST_URL",
            ),
        ] {
            let error = error_of(subject).await;
            assert_eq!(
                error.to_string(),
                format!(
                    "{variable} is not set: not in GitHub Actions, or the job lacks `permissions: id-token: write`"
                )
            );
            assert!(!error.is_retryable());
        }
    }

    #[tokio::test]
    async fn the_request_token_goes_nowhere_without_tls_but_to_this_machine() {
        let http = http();
        for (url, reason) in [
            ("http://canary.test/t", "neither https"),
            ("http://127.0.0.1.canary.test/t", "neither https"),
            ("http://169.254.169.254/canary", "neither https"),
            ("ftp://localhost/canary", "neither https"),
            ("file:///canary", "neither https"),
            ("https://canary@x.test/", "user name or password"),
            ("https://:canary@x.test/", "user name or password"),
            ("canary", "not a valid URL"),
            ("https://", "not a valid URL"),
        ] {
            let error = error_of(job(&http, url, "canary")).await;
            assert!(
                matches!(
                    error,
                    SubjectTokenError::InvalidVariable { name: REQUEST_URL, reason: why } if why.contains(reason)
                ),
                "{url}: {error}"
            );
            assert!(!error.is_retryable());
        }
        for url in [
            "https://x.test",
            "http://localhost:1/t",
            "http://[::1]/",
            "http://127.8.8.8",
        ] {
            assert!(read_url(url).is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_request_token_that_no_header_can_carry_is_named() {
        let http = http();
        let error = error_of(job(&http, "https://x.test", "canary\nx: y")).await;
        assert_eq!(
            error.to_string(),
            "the environment variable ACTIONS_ID_TOKEN_REQUEST_TOKEN has characters that are not allowed in a header"
        );
    }

    #[tokio::test]
    async fn any_other_response_is_an_error_that_does_not_quote_it() {
        let http = http();
        let huge = format!(r#"{{"value": "{}"}}"#, "canary".repeat(100_000));
        for (status, body, reason, retryable) in [
            (401, "canary", "id-token: write", false),
            (403, r#"{"value": "canary"}"#, "id-token: write", false),
            (404, "canary", "an error", false),
            (408, "canary", "an error", true),
            (429, "canary", "an error", true),
            (500, r#"{"value": "canary"}"#, "an error", true),
            (200, "<html>canary</html>", "not JSON", false),
            (200, "", "not JSON", false),
            (200, r#"{"value": "canary"#, "not JSON", false),
            (200, r#"{"token": "canary"}"#, "`value`", false),
            (200, r#"{"value": " "}"#, "`value`", false),
            (200, r#"{"value": ["canary"]}"#, "`value`", false),
            (200, r#"["canary"]"#, "`value`", false),
            (200, huge.as_str(), "larger than 256 KiB", false),
        ] {
            let server = MockServer::start_async().await;
            server
                .mock_async(|when, then| {
                    when.path("/t");
                    then.status(status).body(body);
                })
                .await;
            let error = error_of(job(&http, server.url("/t"), "canary")).await;
            assert!(error.to_string().contains(reason), "{error}");
            assert!(matches!(
                error,
                SubjectTokenError::UnexpectedResponse { status: found, .. } if found == status
            ));
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed_and_what_comes_back_from_one_is_no_token() {
        let http = http();
        let following = crate::http::client_builder()
            .expect("TLS")
            .redirect(reqwest::redirect::Policy::default())
            .build()
            .expect("a client");
        for status in [301, 302, 303, 307, 308] {
            let server = MockServer::start_async().await;
            let elsewhere = server
                .mock_async(|when, then| {
                    when.path("/elsewhere");
                    then.status(200).json_body(json!({ "value": "canary" }));
                })
                .await;
            server
                .mock_async(|when, then| {
                    when.path("/t");
                    then.status(status)
                        .header("location", server.url("/elsewhere"));
                })
                .await;
            let error = error_of(job(&http, server.url("/t"), "canary")).await;
            assert!(error.to_string().contains("a redirect"), "{error}");
            assert_eq!(elsewhere.calls_async().await, 0);

            let error = error_of(job(&following, server.url("/t"), "canary")).await;
            assert!(error.to_string().contains("a redirect"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_told_as_such() {
        let http = http();
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let error = error_of(job(
            &http,
            format!("http://127.0.0.1:{port}/canary"),
            "canary",
        ))
        .await;
        assert!(error.is_retryable());
        match error {
            SubjectTokenError::Unreachable { source, .. } => {
                assert_eq!(source.kind(), ErrorKind::Connect);
            }
            other => panic!("{other:?}"),
        }
    }
}
