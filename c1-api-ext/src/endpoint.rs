//! The token endpoint: a form goes in, a token or a typed error comes out.

use std::{io, time::Duration};

use c1_api::{Error, ErrorKind};
use reqwest::{
    StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroize as _;

use crate::{tenant::Tenant, token::AccessToken};

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

/// Where and how a tenant is asked for tokens.
#[derive(Clone)]
pub(crate) struct TokenEndpoint {
    http: reqwest::Client,
    url: String,
}

impl TokenEndpoint {
    pub(crate) fn new(http: reqwest::Client, tenant: &Tenant) -> Self {
        Self {
            http,
            url: tenant.token_url(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends the form, credentials and all, in the body; reads the token.
    pub(crate) async fn request(&self, form: &[(&str, &str)]) -> Result<AccessToken, TokenError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let broken = |error| TokenError::Unreachable(Error::from_reqwest(error));
        let mut response = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .timeout(TIMEOUT)
            .body(body)
            .send()
            .await
            .map_err(broken)?;
        let status = response.status();
        let unexpected = |reason| TokenError::UnexpectedAnswer { status, reason };
        if status.is_redirection() || response.url().as_str() != self.url {
            return Err(unexpected("a redirect, which credentials must not follow"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(unexpected("more than a token's worth of bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = serde_json::from_slice::<Value>(&body);
        body.zeroize();
        // serde's message could quote the token, so it is not kept.
        let answer = answer.map_err(|_| unexpected("something that is not JSON"))?;
        if status.is_success() {
            read_token(answer).map_err(unexpected)
        } else {
            Err(read_refusal(&answer, status, form))
        }
    }
}

fn read_token(mut answer: Value) -> Result<AccessToken, &'static str> {
    let bearer = match &answer["token_type"] {
        Value::Null => true,
        Value::String(kind) => kind.eq_ignore_ascii_case("bearer"),
        _ => false,
    };
    if !bearer {
        return Err("a token that is no bearer token");
    }
    let lifetime = read_lifetime(&answer["expires_in"]);
    match answer.get_mut("access_token").map(Value::take) {
        Some(Value::String(token)) if !token.is_empty() => {
            Ok(AccessToken::new(token).valid_for(lifetime))
        }
        _ => Err("no `access_token`"),
    }
}

/// Tolerant: servers and the proxies before them write numbers as strings, or nonsense. A lifetime that cannot be
/// right is taken as not told; should it be wrong after all, the API's 401 is what repairs it.
fn read_lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds >= 1.0 => {
            Duration::from_secs_f64(seconds.min(MAX_LIFETIME.as_secs_f64()))
        }
        _ => ASSUMED_LIFETIME,
    }
}

fn read_refusal(answer: &Value, status: StatusCode, form: &[(&str, &str)]) -> TokenError {
    let words = |name: &str| {
        let text = answer[name].as_str().filter(|text| !text.is_empty())?;
        let mut text = text.to_owned();
        for (_, secret) in form.iter().filter(|(name, _)| SECRETS.contains(name)) {
            text = text.replace(secret, "[redacted]");
        }
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Some(printable.take(MAX_WORDS).collect())
    };
    match words("error") {
        Some(error) => TokenError::Refused {
            status,
            error,
            description: words("error_description"),
        },
        None => TokenError::UnexpectedAnswer {
            status,
            reason: "JSON without `error`",
        },
    }
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
    #[error("{error}{} (HTTP {})", description.as_ref().map(|d| format!(": {d}")).unwrap_or_default(), status.as_u16())]
    Refused {
        /// The answer's HTTP status.
        status: StatusCode,
        /// The OAuth error, such as `invalid_client`.
        error: String,
        /// What the server says about it.
        description: Option<String>,
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
    /// The request could not be signed.
    #[error("the request for a token could not be signed: {0}")]
    Signing(#[source] io::Error),
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
            Self::Unreachable(_) | Self::Signing(_) => None,
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
        let silent = read_token(json!({ "access_token": "t" })).expect("a token");
        assert_eq!(silent.lifetime(), Some(ASSUMED_LIFETIME));
    }

    #[test]
    fn only_a_bearer_token_is_one() {
        let good = |kind| read_token(json!({ "access_token": "t", "token_type": kind })).is_ok();
        assert!(good(json!("Bearer")) && good(json!("bearer")) && good(json!(null)));
        assert!(!good(json!("DPoP")) && !good(json!("")) && !good(json!(1)));
        for answer in [
            json!({}),
            json!([]),
            json!("t"),
            json!({ "access_token": "" }),
            json!({ "access_token": 1 }),
        ] {
            assert!(read_token(answer.clone()).is_err(), "{answer}");
        }
    }
}
