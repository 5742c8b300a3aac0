//! Verifies C1's webhooks: signature, claims, body, and that each is received once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::error::ConfigError;
use crate::identity::tenant::Tenant;
use crate::webhook::delivery::Delivery;
use crate::webhook::error::WebhookError;
use crate::webhook::jws::Jws;
use crate::webhook::keys::{KeySource, Keys, TenantKeys};
use crate::webhook::seen::Seen;

/// By how much the clocks of C1 and this machine may differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// C1's tokens last two minutes.
const DELIVERIES: usize = 16 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Verifies the webhooks that one tenant sends to one URL. Make one and share it: it caches the tenant's keys, and knows
/// what was received before.
///
/// A delivery passes if
///
/// - its token is signed with RS256, ES256 or `EdDSA` by a key of the tenant. Keys are fetched when a token names an
///   unknown one, though at most every 10 s, and every hour;
/// - its token is for a webhook (`c1typ`), by the tenant (`iss`), for the host and URL of this receiver (`aud`, `htu`),
///   for a POST (`htm`), and valid now (`exp`, `nbf`), give or take one minute;
/// - its body is the one that the token was made for (`htb_s256`);
/// - neither the token (`jti`) nor the webhook (`Webhook-Id`) was received before. The last 16,384 are remembered, in the
///   memory of this verifier. If several processes receive webhooks for one URL, make [`Delivery::id`] unique where they
///   store their work.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    /// The receiver's, without query and fragment.
    url: Url,
    keys: Keys,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

impl Verifier {
    /// For the webhooks of `tenant` to `url`, the receiver's as it is registered at C1. The keys are fetched from the
    /// tenant, at the first delivery.
    ///
    /// # Errors
    /// [`ConfigError::ReceiverUrl`] if `url` is no http or https URL, and those of [`http::client`](crate::http::client).
    pub fn new(tenant: &Tenant, url: &str) -> Result<Self, ConfigError> {
        Self::with_keys(tenant, url, TenantKeys::new(tenant)?)
    }

    /// As [`new`](Self::new), with the keys from `keys`.
    ///
    /// # Errors
    /// [`ConfigError::ReceiverUrl`] if `url` is no http or https URL.
    pub fn with_keys(
        tenant: &Tenant,
        url: &str,
        keys: impl KeySource,
    ) -> Result<Self, ConfigError> {
        let url = Url::parse(url).map_err(|_| ConfigError::ReceiverUrl)?;
        if !url.has_host() || !matches!(url.scheme(), "http" | "https") {
            return Err(ConfigError::ReceiverUrl);
        }
        Ok(Self {
            issuer: tenant.host().to_owned(),
            url: without_query(url),
            keys: Keys::new(keys),
            clock: Arc::new(SystemClock),
            seen: Mutex::new(Seen::new(2 * DELIVERIES)),
        })
    }

    /// Uses `clock` instead of the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Remembers the last `deliveries` instead of 16,384, at about 150 bytes each.
    #[must_use]
    pub fn remember(mut self, deliveries: usize) -> Self {
        // A token and a webhook each.
        self.seen = Mutex::new(Seen::new(deliveries.saturating_mul(2)));
        self
    }

    /// Verifies a request: its method, its headers, and its body as it was received, byte by byte. Limit the size of the
    /// body before.
    ///
    /// # Errors
    /// What is wrong with the request; [`WebhookError::Keys`] if the tenant's keys cannot be fetched, for which nobody has
    /// to be blamed.
    pub async fn verify(
        &self,
        method: &Method,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Delivery, WebhookError> {
        if method != Method::POST {
            return Err(WebhookError::Method);
        }
        let jws = Jws::parse(bearer(headers)?)?;
        let key = self.keys.find(&jws, &*self.clock).await?;
        let claims = serde_json::from_slice(&jws.verify(&key)?)
            .map_err(|_| WebhookError::Token("a JSON object as its claims"))?;
        let token = self.check(&claims, body)?;
        let delivery = Delivery::read(headers, body, token)?;
        let mut seen = self.seen();
        let is_new = seen.insert(&delivery.token) && seen.insert(&delivery.webhook());
        is_new.then_some(delivery).ok_or(WebhookError::Duplicate)
    }

    /// Lets C1 send this delivery again: say so if it could not be processed and the answer is an error.
    pub fn forget(&self, delivery: &Delivery) {
        let mut seen = self.seen();
        seen.remove(&delivery.token);
        seen.remove(&delivery.webhook());
    }

    /// Checks the claims, and gives the token's id.
    fn check(&self, claims: &Value, body: &[u8]) -> Result<String, WebhookError> {
        let text = |name| text(claims, name);
        let expect = |claim: &'static str, expected: &str| match text(claim)? {
            found if found == expected => Ok(()),
            _ => Err(wrong(claim, format!("`{expected}`"))),
        };
        expect("c1typ", "wh")?;
        expect("iss", &self.issuer)?;
        self.check_audience(&claims["aud"])?;
        expect("htm", "POST")?;
        let url = Url::parse(text("htu")?).map(without_query);
        if url.as_ref() != Ok(&self.url) {
            return Err(wrong("htu", format!("`{}`", self.url)));
        }
        let now = self.clock.now();
        if now >= time(claims, "exp")?.checked_add(LEEWAY).unwrap_or(now) {
            return Err(WebhookError::Expired);
        }
        // Optional (RFC 7519, section 4.1.5), and wrong if it is something else than a number.
        let starts = if claims["nbf"].is_null() {
            UNIX_EPOCH
        } else {
            time(claims, "nbf")?
        };
        if now
            .checked_add(LEEWAY)
            .is_some_and(|latest| latest < starts)
        {
            return Err(WebhookError::NotYetValid);
        }
        let hash = text("htb_s256")?.replace('-', "+").replace('_', "/");
        let hash = BASE64
            .decode(hash)
            .map_err(|_| wrong("htb_s256", "a hash in base64".into()))?;
        if !bool::from(hash.ct_eq(&Sha256::digest(body))) {
            return Err(WebhookError::Hash);
        }
        text("jti").map(str::to_owned)
    }

    /// The audience is one text or a list (RFC 7519, section 4.1.3).
    fn check_audience(&self, audience: &Value) -> Result<(), WebhookError> {
        let host = self.url.host_str().unwrap_or_default();
        let with_port = self.url.port().map(|port| format!("{host}:{port}"));
        let is_ours = |value: &Value| {
            let is = |host: &str| {
                value
                    .as_str()
                    .is_some_and(|it| it.eq_ignore_ascii_case(host))
            };
            is(host) || with_port.as_deref().is_some_and(is)
        };
        let found = match audience {
            Value::Array(list) => list.iter().any(is_ours),
            value => is_ours(value),
        };
        found
            .then_some(())
            .ok_or_else(|| wrong("aud", format!("`{host}`")))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of the only `Authorization` header; C1 writes the scheme in lower case.
fn bearer(headers: &HeaderMap) -> Result<&str, WebhookError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(WebhookError::Authorization);
    };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(WebhookError::Authorization),
    }
}

fn without_query(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn wrong(claim: &'static str, expected: String) -> WebhookError {
    WebhookError::Claim { claim, expected }
}

fn text<'a>(claims: &'a Value, claim: &'static str) -> Result<&'a str, WebhookError> {
    let text = claims[claim].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| wrong(claim, "a string that is not empty".into()))
}

/// A `NumericDate` (RFC 7519, section 2), which may have a fraction.
fn time(claims: &Value, claim: &'static str) -> Result<SystemTime, WebhookError> {
    let since = claims[claim]
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = since.and_then(|since| UNIX_EPOCH.checked_add(since));
    time.ok_or_else(|| wrong(claim, "a number of seconds since 1970".into()))
}
