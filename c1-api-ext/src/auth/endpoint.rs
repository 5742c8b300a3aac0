//! The token endpoint: a form goes in, a token or a typed error comes out.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use c1_api::{Error, ErrorKind};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::auth::dpop::{self, DpopKey, Prover};
use crate::auth::server_time::{ServerTime, is_skew};
use crate::auth::subject_token::SubjectTokenError;
use crate::auth::token::AccessToken;
use crate::clock::{Clock, SystemClock};
use crate::http::{may_recover, read_secret};
use crate::identity::tenant::Tenant;
use crate::random::{Random, SystemRandom};

/// How long one request may take, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An answer is a few kilobytes; what is longer is none.
const MAX_ANSWER: usize = 256 * 1024;
/// The server's words are passed on, but not without end.
const MAX_WORDS: usize = 500;
/// For a server that does not say how long its token is good for: the shortest time that C1 is known to give.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(600);
/// So that a slip of the server's cannot make one token last for ever.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The fields that an answer must not bring back into an error.
const SECRETS: [&str; 5] = [
    "client_assertion",
    "client_secret",
    "subject_token",
    "device_code",
    "refresh_token",
];

/// So many characters in a row of a secret are no coincidence, and too many.
const TELLING: usize = 12;
/// The errors of RFC 6749, 8628, 8693 and 9449, which are no secrets whatever was sent.
const CODES: [&str; 15] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "use_dpop_nonce",
];

/// A tenant's token endpoint: where and how all the ways to get a token ask for one.
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

/// The fields of a request, in their order.
pub(crate) type Form<'a> = Vec<(&'static str, Cow<'a, str>)>;

impl TokenEndpoint {
    /// The endpoint of `tenant`, asked over `http`, which is not to follow redirects:
    /// [`http::client_builder`](crate::http::client_builder) begins one that does not.
    pub fn new(http: reqwest::Client, tenant: &Tenant) -> Self {
        Self {
            http,
            tenant: tenant.clone(),
            time: ServerTime::new(Arc::new(SystemClock)),
            random: Arc::new(SystemRandom),
            dpop: None,
        }
    }

    /// Dates what is signed with `clock` in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.time = ServerTime::new(Arc::new(clock));
        self.renew_provers()
    }

    /// Takes what must not repeat from `random` in place of the system's generator.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self.renew_provers()
    }

    /// Asks for tokens that are bound to `key` (RFC 9449).
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

    /// The tenant that is asked.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub(crate) fn time(&self) -> &ServerTime {
        &self.time
    }

    pub(crate) fn entropy(&self) -> &dyn Random {
        &*self.random
    }

    /// Asks for a token with the form that `form` makes, credentials and all, in the body.
    ///
    /// If the server refuses it and tells another time than this machine does, `form` is called once more, with the
    /// time corrected; if the server wants a nonce, the request is sent once more with that.
    pub(crate) async fn request<'a>(
        &self,
        form: impl Fn() -> Result<Form<'a>, TokenError> + Send,
    ) -> Result<AccessToken, TokenError> {
        let url = self.tenant.token_url();
        let (mut corrected, mut with_nonce) = (false, false);
        loop {
            let form = form()?;
            let answer = self.send(&url, &form, |answer| self.read_token(answer));
            let error = match answer.await {
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

    /// Sends one form to one of the tenant's OAuth endpoints and reads the answer's JSON.
    pub(crate) async fn send<T>(
        &self,
        url: &str,
        form: &Form<'_>,
        read: impl FnOnce(Value) -> Result<T, &'static str> + Send,
    ) -> Result<T, TokenError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .timeout(TIMEOUT)
            // Overwritten when it was sent.
            .body(Bytes::from_owner(Zeroizing::new(body.into_bytes())))
            .build()
            .map_err(|error| TokenError::Unreachable(Error::from_reqwest(error)))?;
        if let Some(Provers { endpoint, .. }) = &self.dpop {
            let proof = endpoint
                .proof("POST", request.url(), None)
                .map_err(TokenError::Unproven)?;
            request.headers_mut().insert(dpop::PROOF, proof);
        }
        let broken = |error| TokenError::Unreachable(Error::from_reqwest(error));
        let mut response = self.http.execute(request).await.map_err(broken)?;
        let status = response.status();
        let unexpected = |reason| TokenError::UnexpectedAnswer { status, reason };
        if status.is_redirection() || response.url().as_str() != url {
            return Err(unexpected("a redirect, which credentials must not follow"));
        }
        if let Some(Provers { endpoint, .. }) = &self.dpop {
            endpoint.learn(response.headers());
        }
        let body = read_secret(&mut response, MAX_ANSWER)
            .await
            .map_err(broken)?;
        let body = body.ok_or_else(|| unexpected("more than a token's worth of bytes"))?;
        // serde's message could quote the token, so it is not kept.
        let answer = serde_json::from_slice::<Value>(&body)
            .map_err(|_| unexpected("something that is not JSON"))?;
        if status.is_success() {
            return read(answer).map_err(unexpected);
        }
        Err(read_refusal(
            &answer,
            status,
            form,
            self.skew(form, response.headers()),
        ))
    }

    /// By how much the clocks differ, where that can be why the server refuses: something in the request was dated.
    fn skew(&self, form: &Form<'_>, headers: &HeaderMap) -> Option<i64> {
        let dated = self.dpop.is_some() || form.iter().any(|(name, _)| *name == "client_assertion");
        let date = headers.get(DATE)?.to_str().ok()?;
        let date = httpdate::parse_http_date(date).ok()?;
        dated.then(|| self.time.ahead(date))
    }

    fn read_token(&self, answer: Value) -> Result<AccessToken, &'static str> {
        let token = read_token(answer, self.dpop.is_some())?;
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

fn read_token(mut answer: Value, dpop: bool) -> Result<AccessToken, &'static str> {
    match &answer["token_type"] {
        Value::String(kind) if kind.eq_ignore_ascii_case(if dpop { "dpop" } else { "bearer" }) => {}
        // Required by the RFC, but a server that leaves it out can only mean the usual one.
        Value::Null if !dpop => {}
        _ if dpop => return Err("a token that is not bound to the DPoP key"),
        _ => return Err("a token that is no bearer token"),
    }
    let lifetime = read_lifetime(&answer["expires_in"]);
    match answer.get_mut("access_token").map(Value::take) {
        Some(Value::String(token)) if !token.is_empty() => {
            Ok(AccessToken::new(token).valid_for(lifetime))
        }
        _ => Err("no `access_token`"),
    }
}

/// A lifetime that cannot be right is taken as not told; should it be wrong after all, the API's 401 is what repairs it.
fn read_lifetime(expires_in: &Value) -> Duration {
    read_seconds(expires_in, ASSUMED_LIFETIME, MAX_LIFETIME)
}

/// A number of seconds, at most `most`; `otherwise` if there is none that is 1 or more. Tolerant: servers and the
/// proxies before them write numbers as strings, or nonsense.
pub(crate) fn read_seconds(value: &Value, otherwise: Duration, most: Duration) -> Duration {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds >= 1.0 => Duration::from_secs_f64(seconds.min(most.as_secs_f64())),
        _ => otherwise,
    }
}

fn read_refusal(
    answer: &Value,
    status: StatusCode,
    form: &Form<'_>,
    clock_skew_seconds: Option<i64>,
) -> TokenError {
    let words = |name: &str| {
        let text = answer[name].as_str().filter(|text| !text.is_empty())?;
        Some(without_secrets(text, form))
    };
    match words("error") {
        Some(error) => TokenError::Refused {
            status,
            error,
            description: words("error_description"),
            clock_skew_seconds,
        },
        None => TokenError::UnexpectedAnswer {
            status,
            reason: "JSON without `error`",
        },
    }
}

/// The server's words, in case that it repeats what it was sent: whole, in part, or as it stood in the form.
fn without_secrets(text: &str, form: &Form<'_>) -> String {
    const REDACTED: &str = "[redacted]";
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = printable.take(MAX_WORDS).collect();
    if CODES.contains(&&*text) {
        return text;
    }
    let mut clean = text;
    for (_, secret) in form.iter().filter(|(name, _)| SECRETS.contains(name)) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        clean = clean
            .replace(&**secret, REDACTED)
            .replace(&encoded, REDACTED);
        let mut parts = secret.as_bytes().windows(TELLING);
        let bytes = clean.as_bytes();
        if parts.any(|part| bytes.windows(TELLING).any(|found| found == part)) {
            return REDACTED.to_owned();
        }
    }
    clean
}

/// Why the token endpoint gave no token: the source of an [`Error`] of the kind [`ErrorKind::Auth`].
///
/// It never holds what was sent; should the server repeat a credential in its answer, `[redacted]` stands in its
/// place.
///
/// ```
/// use c1_api_ext::{Error, TokenError};
///
/// fn is_revoked(error: &Error) -> bool {
///     matches!(TokenError::of(error), Some(TokenError::Refused { error, .. }) if error == "invalid_client")
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The server said no, in the words of RFC 6749, section 5.2.
    #[error(
        "{error}{} (HTTP {}){}",
        description.as_ref().map(|words| format!(": {words}")).unwrap_or_default(),
        status.as_u16(),
        clock_skew_seconds.map(skew_in_words).unwrap_or_default()
    )]
    Refused {
        /// The answer's HTTP status.
        status: StatusCode,
        /// The OAuth error, such as `invalid_client`.
        error: String,
        /// What the server says about it.
        description: Option<String>,
        /// By how many seconds the server's clock is ahead of this machine's (negative: behind), where the request
        /// was dated by the one and the answer by the other.
        clock_skew_seconds: Option<i64>,
    },
    /// The answer is neither a token nor an OAuth error.
    #[error("the token endpoint answered HTTP {} with {reason}", status.as_u16())]
    UnexpectedAnswer {
        /// The answer's HTTP status.
        status: StatusCode,
        /// What was found instead.
        reason: &'static str,
    },
    /// There was no answer: the source is an error of the kind [`ErrorKind::Connect`], [`ErrorKind::Timeout`] or
    /// [`ErrorKind::Transport`].
    #[error("the token endpoint did not answer: {0}")]
    Unreachable(#[source] Error),
    /// The assertion could not be signed.
    #[error("the request for a token could not be signed: {0}")]
    Signing(#[source] io::Error),
    /// There was no DPoP proof to send along.
    #[error("{0}")]
    Unproven(#[source] Error),
    /// There was no subject token to exchange.
    #[error("no subject token: {0}")]
    SubjectToken(#[source] SubjectTokenError),
}

fn skew_in_words(ahead: i64) -> String {
    if !is_skew(ahead) {
        return String::new();
    }
    let side = if ahead < 0 { "ahead of" } else { "behind" };
    format!(
        "; this machine's clock is {} s {side} the server's",
        ahead.unsigned_abs()
    )
}

impl TokenError {
    /// The token error that is behind `error`, if any is.
    pub fn of(error: &Error) -> Option<&Self> {
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            source = error.source();
        }
        None
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } | Self::UnexpectedAnswer { status, .. } => Some(*status),
            Self::Unreachable(_) | Self::Signing(_) | Self::Unproven(_) | Self::SubjectToken(_) => {
                None
            }
        }
    }

    /// Whether the same request may succeed later: the server could not be reached, has failed or is busy.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, error, .. } => {
                may_recover(*status)
                    || error == "temporarily_unavailable"
                    || error == "server_error"
            }
            Self::UnexpectedAnswer { status, .. } => may_recover(*status),
            Self::Unreachable(error) => error.kind() != ErrorKind::InvalidRequest,
            Self::SubjectToken(error) => error.is_retryable(),
            Self::Signing(_) | Self::Unproven(_) => false,
        }
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let status = error.status();
        let outer = Self::new(ErrorKind::Auth, format!("no access token: {error}"));
        match status {
            Some(status) => outer.with_status(status),
            None => outer,
        }
        .with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_expires_in_gives_a_sensible_lifetime() {
        for (expires_in, seconds) in [
            (json!(600), 600),
            (json!(3600.0), 3600),
            (json!("1800"), 1800),
            (json!(" 1800 "), 1800),
            (json!(null), 600),
            (json!(0), 600),
            (json!(0.5), 600),
            (json!(-1), 600),
            (json!("-1"), 600),
            (json!("soon"), 600),
            (json!("NaN"), 600),
            (json!("inf"), 86_400),
            (json!([]), 600),
            (json!(true), 600),
            (json!(u64::MAX), 86_400),
            (json!(1e300), 86_400),
            (json!(86_401), 86_400),
        ] {
            assert_eq!(
                read_lifetime(&expires_in).as_secs(),
                seconds,
                "{expires_in}"
            );
        }
        let silent = read_token(json!({ "access_token": "t" }), false).expect("a token");
        assert_eq!(silent.lifetime(), Some(ASSUMED_LIFETIME));
    }

    #[test]
    fn secrets_that_come_back_are_not_passed_on() {
        let form: Form<'_> = vec![
            ("client_id", "otter".into()),
            ("client_secret", "v1:0123456789abcdef".into()),
            ("device_code", "_pending".into()),
        ];
        for (text, shown) in [
            ("authorization_pending", "authorization_pending"),
            ("otter is unknown", "otter is unknown"),
            ("got v1:0123456789abcdef?", "got [redacted]?"),
            ("got v1%3A0123456789abcdef?", "got [redacted]?"),
            ("it ends in 3456789abcdef", "[redacted]"),
            ("it begins with v1:01234567", "it begins with v1:01234567"),
            ("it begins with v1:012345678", "[redacted]"),
        ] {
            assert_eq!(without_secrets(text, &form), shown);
        }
    }

    #[test]
    fn only_a_bearer_token_is_one() {
        let good =
            |kind| read_token(json!({ "access_token": "t", "token_type": kind }), false).is_ok();
        assert!(good(json!("Bearer")) && good(json!("bearer")) && good(json!(null)));
        assert!(!good(json!("DPoP")) && !good(json!("")) && !good(json!(1)));
        for answer in [
            json!({}),
            json!([]),
            json!("t"),
            json!({ "access_token": "" }),
            json!({ "access_token": 1 }),
        ] {
            assert!(read_token(answer.clone(), false).is_err(), "{answer}");
        }
    }
}
