//! The token endpoint: a form goes in, a token or a typed error comes out.

use std::fmt;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap};
use serde_json::Value;

use crate::auth::dpop::{self, DpopKey, Prover};
use crate::auth::form::Form;
use crate::auth::request::{self, Failure};
use crate::auth::response::{read_refusal, read_token};
use crate::auth::server_time::ServerTime;
use crate::auth::token::AccessToken;
use crate::auth::token_error::TokenError;
use crate::clock::{Clock, SystemClock};
use crate::identity::tenant::Tenant;
use crate::random::{Random, SystemRandom};

/// A tenant's token endpoint, to which all built-in sources send their requests.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{ClientId, ClientSecret, DpopKey, SignedAssertion, TokenEndpoint, http};
///
/// let id: ClientId = "happy-otter-12345@acme.conductor.one/spc".parse()?;
/// let endpoint = TokenEndpoint::new(http::client(id.tenant())?, id.tenant()).dpop(DpopKey::generate()?);
/// let source = SignedAssertion::new(endpoint, id, ClientSecret::from_seed([7; 32]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenEndpoint {
    http: reqwest::Client,
    tenant: Tenant,
    time: ServerTime,
    random: Arc<dyn Random>,
    dpop: Option<Provers>,
}

/// One key, two servers: each has nonces of its own (RFC 9449, section 9).
#[derive(Clone)]
struct Provers {
    endpoint: Prover,
    api: Prover,
}

impl TokenEndpoint {
    /// The endpoint of `tenant`. `http` must not follow redirects: begin it with
    /// [`http::client_builder`](crate::http::client_builder).
    pub fn new(http: reqwest::Client, tenant: &Tenant) -> Self {
        Self {
            http,
            tenant: tenant.clone(),
            time: ServerTime::new(Arc::new(SystemClock)),
            random: Arc::new(SystemRandom),
            dpop: None,
        }
    }

    /// Dates what is signed by `clock` instead of the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.time = ServerTime::new(Arc::new(clock));
        self.renew_provers()
    }

    /// Takes random bytes from `random` instead of the operating system.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self.renew_provers()
    }

    /// Requests tokens that are bound to `key` (DPoP, RFC 9449).
    #[must_use]
    pub fn dpop(mut self, key: DpopKey) -> Self {
        let (time, random) = (self.time.clone(), self.random.clone());
        self.dpop = Some(Provers {
            endpoint: Prover::new(key.clone(), time.clone(), random.clone()),
            api: Prover::new(key, time, random),
        });
        self
    }

    fn renew_provers(self) -> Self {
        match self.dpop.as_ref().map(|provers| provers.api.key().clone()) {
            Some(key) => self.dpop(key),
            None => self,
        }
    }

    #[cfg(feature = "device")]
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub(crate) fn time(&self) -> &ServerTime {
        &self.time
    }

    pub(crate) fn entropy(&self) -> &dyn Random {
        &*self.random
    }

    /// Requests a token with the form that `form` makes.
    ///
    /// If the server refuses it and its clock differs from this machine's, `form` is called once more, with the time
    /// corrected; if the server wants a DPoP nonce, the request is sent once more with that.
    pub(crate) async fn token(
        &self,
        form: impl Fn() -> Result<Form, TokenError> + Send,
    ) -> Result<AccessToken, TokenError> {
        let url = self.tenant.token_url();
        let (mut corrected, mut with_nonce) = (false, false);
        loop {
            let form = form()?;
            let token = self.post(&url, &form, |json| self.read_token(json));
            let error = match token.await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let again = match &error {
                TokenError::Refused { error, .. }
                    if error == "use_dpop_nonce" && self.dpop.is_some() =>
                {
                    !std::mem::replace(&mut with_nonce, true)
                }
                TokenError::Refused {
                    clock_skew_seconds: Some(ahead),
                    ..
                } => !std::mem::replace(&mut corrected, true) && self.time.correct(*ahead),
                _ => false,
            };
            if !again {
                return Err(error);
            }
        }
    }

    /// Posts one form to one of the tenant's OAuth endpoints. `read` gets the JSON of a successful response.
    pub(crate) async fn post<T>(
        &self,
        url: &str,
        form: &Form,
        read: impl FnOnce(Value) -> Result<T, &'static str> + Send,
    ) -> Result<T, TokenError> {
        let mut request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.body())
            .build()
            .map_err(Failure::from)?;
        if let Some(Provers { endpoint, .. }) = &self.dpop {
            let proof = endpoint
                .proof("POST", request.url(), None)
                .map_err(TokenError::Unproven)?;
            request.headers_mut().insert(dpop::PROOF, proof);
        }
        let mut response = request::send(&self.http, request).await?;
        if let Some(Provers { endpoint, .. }) = &self.dpop {
            endpoint.learn(response.headers());
        }
        let json = response.json().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(read(json).map_err(|reason| response.unexpected(reason))?);
        }
        let skew = self.skew(form, response.headers());
        let retry_after = response.retry_after();
        Err(read_refusal(&json, status, form, skew, retry_after))
    }

    /// By how much the clocks differ, if that can be why the server refuses: something in the request was dated.
    fn skew(&self, form: &Form, headers: &HeaderMap) -> Option<i64> {
        if !form.is_dated() && self.dpop.is_none() {
            return None;
        }
        let date = headers.get(DATE)?.to_str().ok()?;
        let date = httpdate::parse_http_date(date).ok()?;
        Some(self.time.ahead(date))
    }

    fn read_token(&self, json: Value) -> Result<AccessToken, &'static str> {
        let token = read_token(json, self.dpop.is_some())?;
        Ok(match &self.dpop {
            Some(Provers { api, .. }) => token.bound_to(api.clone()),
            None => token,
        })
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("url", &self.tenant.token_url())
            .field("dpop", &self.dpop.as_ref().map(|provers| provers.api.key()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use httpmock::MockServer;
    use reqwest::StatusCode;

    use super::*;
    use crate::testing::{http, tenant};

    #[tokio::test]
    async fn keeps_the_status_of_a_response_that_breaks_off() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tenant = listener.local_addr().expect("an address").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).expect("a request") > 0);
            let head = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\nretry-after: 7";
            write!(stream, "{head}\r\n\r\n{{}}").expect("sent");
        });
        let endpoint = TokenEndpoint::new(http(), &tenant.parse().expect("on loopback"));
        let token = endpoint.token(|| Ok(Form::default())).await;
        let error = token.expect_err("no token");
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(!error.is_retryable());
        server.join().expect("no panic");
    }

    #[tokio::test]
    async fn passes_on_the_delay_that_the_server_asks_for() {
        let date = "Tue, 14 Nov 2023 22:13:20 GMT";
        let later = "Tue, 14 Nov 2023 22:13:40 GMT";
        for (status, retry_after, body) in [
            (429, "20", r#"{"error": "slow_down"}"#),
            (503, "20", "<html></html>"),
            (503, later, "{}"),
        ] {
            let server = MockServer::start_async().await;
            server
                .mock_async(|_, then| {
                    then.status(status)
                        .header("date", date)
                        .header("retry-after", retry_after)
                        .body(body);
                })
                .await;
            let endpoint = TokenEndpoint::new(http(), &tenant(&server));
            let token = endpoint.token(|| Ok(Form::default())).await;
            let error = token.expect_err("no token");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
            let error = c1_api::Error::from(error);
            assert_eq!(error.retry_after(), Some(Duration::from_secs(20)));
        }
    }
}
