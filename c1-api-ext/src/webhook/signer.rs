//! Signs webhooks that are sent to C1, where they start an automation.

use std::fmt;
use std::fmt::Write as _;
use std::io;
use std::time::SystemTime;

use base64::Engine as _;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;

use crate::auth::jwt::numeric_date;
use crate::base64url::BASE64URL;
use crate::random::Random;

const MAX_BODY: usize = 64 * 1024;

/// Signs webhooks with the secret that C1 shows when the trigger of an automation is created (HMAC-SHA256).
///
/// ```no_run
/// use std::time::SystemTime;
/// use c1_api_ext::SystemRandom;
/// use c1_api_ext::webhook::Signer;
///
/// # async fn run(http: c1_api_ext::c1_api::reqwest::Client, listener: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let signer = Signer::new(&std::env::var("C1_WEBHOOK_SECRET")?);
/// let body = r#"{"user": "otter@example.com"}"#;
/// // The id of the event. Keep it: sent again with the same id, an event starts nothing twice (HTTP 409).
/// let event = Signer::event_id(&SystemRandom)?;
/// let headers = signer.sign(SystemTime::now(), &event, body.as_bytes())?;
/// let response = http.post(listener).headers(headers).body(body).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Signer(hmac::Key);

impl Signer {
    /// With the secret as C1 shows it.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// A new id for an event: a random UUID (RFC 9562, section 5.4).
    ///
    /// # Errors
    /// Those of `random`.
    pub fn event_id(random: &dyn Random) -> io::Result<String> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut id = String::with_capacity(36);
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                id.push('-');
            }
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        Ok(id)
    }

    /// The headers of a request with this body: `Content-Type`, `Webhook-Timestamp`, `Webhook-Event-Id` and
    /// `Webhook-Signature`. C1 accepts it within five minutes of `now`.
    ///
    /// # Errors
    /// [`SignError`], for what C1 would refuse.
    pub fn sign(
        &self,
        now: SystemTime,
        event_id: &str,
        body: &[u8],
    ) -> Result<HeaderMap, SignError> {
        if body.len() > MAX_BODY {
            return Err(SignError::Body(body.len()));
        }
        let timestamp = numeric_date(now).to_string();
        let mut context = hmac::Context::with_key(&self.0);
        for part in [timestamp.as_bytes(), b".", event_id.as_bytes(), b".", body] {
            context.update(part);
        }
        let signature = BASE64URL.encode(context.sign());
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| SignError::EventId);
        if !is_uuid_v4(event_id) {
            return Err(SignError::EventId);
        }
        Ok(HeaderMap::from_iter([
            (
                reqwest::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (
                HeaderName::from_static("webhook-timestamp"),
                value(&timestamp)?,
            ),
            (
                HeaderName::from_static("webhook-event-id"),
                value(event_id)?,
            ),
            (
                HeaderName::from_static("webhook-signature"),
                value(&signature)?,
            ),
        ]))
    }
}

fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Does not show the secret.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// Why a webhook cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The body is too large for C1.
    #[error("the webhook's body is too large: expected at most 64 KiB, found {0} bytes")]
    Body(usize),
    /// The id of the event is not a UUID of version 4.
    #[error("invalid event id: expected a UUID of version 4")]
    EventId,
}
