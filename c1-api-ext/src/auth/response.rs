//! Reads the JSON of OAuth responses: a token, an error, a number of seconds.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::auth::form::Form;
use crate::auth::token::AccessToken;
use crate::auth::token_error::TokenError;

/// The server's words are passed on up to this number of characters.
const MAX_WORDS: usize = 500;
/// If the server does not tell the lifetime of its token: the shortest that C1 is known to use.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(600);
/// A mistake of the server must not make one token last forever.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The token of a successful response (RFC 6749, section 5.1); with `dpop`, one that is bound to a key.
pub(crate) fn read_token(mut json: Value, dpop: bool) -> Result<AccessToken, &'static str> {
    match &json["token_type"] {
        Value::String(kind) if kind.eq_ignore_ascii_case(if dpop { "dpop" } else { "bearer" }) => {}
        // Required by the RFC, but a server that leaves it out can only mean the usual one.
        Value::Null if !dpop => {}
        _ if dpop => return Err("the token is not bound to the DPoP key"),
        _ => return Err("the token is not a bearer token"),
    }
    let lifetime = read_lifetime(&json["expires_in"]);
    match json.get_mut("access_token").map(Value::take) {
        Some(Value::String(token)) if !token.is_empty() => {
            Ok(AccessToken::new(token).valid_for(lifetime))
        }
        _ => Err("`access_token` is missing"),
    }
}

/// An implausible lifetime is ignored. If that is wrong, a 401 from the API leads to a new token.
fn read_lifetime(expires_in: &Value) -> Duration {
    read_seconds(expires_in, ASSUMED_LIFETIME, MAX_LIFETIME)
}

/// A number of seconds, at most `max`; `default` if it is not a number or less than 1. Servers and the proxies before
/// them also write numbers as strings.
pub(crate) fn read_seconds(value: &Value, default: Duration, max: Duration) -> Duration {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds >= 1.0 => Duration::from_secs_f64(seconds.min(max.as_secs_f64())),
        _ => default,
    }
}

/// The error of a response that is not a success (RFC 6749, section 5.2), without the secrets of `form`.
pub(crate) fn read_refusal(
    json: &Value,
    status: StatusCode,
    form: &Form,
    clock_skew_seconds: Option<i64>,
    retry_after: Option<Duration>,
) -> TokenError {
    let words = |name: &str| {
        let text = json[name].as_str().filter(|text| !text.is_empty())?;
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Some(form.redact(printable.take(MAX_WORDS).collect()))
    };
    match words("error") {
        Some(error) => TokenError::Refused {
            status,
            error,
            description: words("error_description"),
            clock_skew_seconds,
            retry_after,
        },
        None => TokenError::UnexpectedResponse {
            status,
            reason: "the body is JSON without `error`",
            retry_after,
        },
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
