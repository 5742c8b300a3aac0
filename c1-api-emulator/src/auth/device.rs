//! Device logins (RFC 8628): a user approves or denies a login on another device.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::form::Form;
use super::oauth_error::OAuthError;
use crate::credentials::{random, random_text};
use crate::error::Error;

/// The `grant_type` of a device login.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Added to the polling interval for each poll that is too early (RFC 8628, section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The polling interval if the response has none (RFC 8628, section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// The largest number of logins that are kept. Anyone can start one.
pub(super) const MAX_LOGINS: usize = 1_000;

/// The user's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Pending,
    Approved,
    Denied,
}

struct Login {
    user_code: String,
    client_id: String,
    expiry: SystemTime,
    interval: Duration,
    last_poll: Option<SystemTime>,
    decision: Decision,
}

/// The response to a device authorization request.
pub(crate) struct Started {
    pub(crate) response: Value,
    pub(crate) user_code: String,
}

/// The device logins by device code.
pub(super) struct Devices {
    origin: String,
    interval: Option<Duration>,
    lifetime: Duration,
    logins: HashMap<String, Login>,
}

impl Devices {
    /// `origin` is the base URL of the verification page; an `interval` of `None` is not reported.
    pub(super) fn new(origin: String, interval: Option<Duration>, lifetime: Duration) -> Self {
        Self {
            origin,
            interval,
            lifetime,
            logins: HashMap::new(),
        }
    }

    /// Starts a login of the client.
    pub(super) fn start(
        &mut self,
        now: SystemTime,
        client_id: &str,
    ) -> Result<Started, OAuthError> {
        let (device_code, user_code) = (random_text()?, user_code()?);
        let uri = format!("{}/device", self.origin);
        let mut response = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": uri,
            "verification_uri_complete": format!("{uri}?user_code={user_code}"),
            "expires_in": self.lifetime.as_secs(),
        });
        if let Some(interval) = self.interval {
            response["interval"] = json!(interval.as_secs());
        }
        // An expired login is kept for one more lifetime, to report `expired_token`.
        let lifetime = self.lifetime;
        self.logins.retain(|_, login| login.expiry + lifetime > now);
        if self.logins.len() == MAX_LOGINS {
            return Err(OAuthError::new(
                "temporarily_unavailable",
                format!("expected at most {MAX_LOGINS} logins in twice their lifetime"),
            ));
        }
        let login = Login {
            user_code: user_code.clone(),
            client_id: client_id.to_owned(),
            expiry: now + lifetime,
            interval: self.interval.unwrap_or(DEFAULT_INTERVAL),
            last_poll: None,
            decision: Decision::Pending,
        };
        self.logins.insert(device_code, login);
        Ok(Started {
            response,
            user_code,
        })
    }

    /// Approves or denies a login. Returns whether one was pending.
    pub(super) fn decide(&mut self, now: SystemTime, user_code: &str, approve: bool) -> bool {
        let login = self.logins.values_mut().find(|login| {
            login.user_code == user_code
                && login.decision == Decision::Pending
                && login.expiry > now
        });
        let Some(login) = login else {
            return false;
        };
        login.decision = if approve {
            Decision::Approved
        } else {
            Decision::Denied
        };
        true
    }

    /// Succeeds once for an approved login; the device code is then used up.
    pub(super) fn poll(&mut self, now: SystemTime, form: &Form) -> Result<(), OAuthError> {
        let code = form.require("device_code")?;
        let client_id = form.require("client_id")?;
        let login = self
            .logins
            .get_mut(code)
            .ok_or_else(|| OAuthError::grant("device_code: unknown or already used"))?;
        if login.client_id != client_id {
            return Err(OAuthError::grant("device_code: issued to another client"));
        }
        if login.expiry <= now {
            return Err(OAuthError::new("expired_token", "the login is expired"));
        }
        match login.decision {
            Decision::Pending => Err(login.pending(now)),
            Decision::Denied => Err(OAuthError::new("access_denied", "the login was denied")),
            Decision::Approved => {
                self.logins.remove(code);
                Ok(())
            }
        }
    }
}

impl Login {
    /// The error for a poll of a pending login.
    fn pending(&mut self, now: SystemTime) -> OAuthError {
        let too_early = self
            .last_poll
            .is_some_and(|last| now < last + self.interval);
        self.last_poll = Some(now);
        if !too_early {
            return OAuthError::new("authorization_pending", "the login is pending");
        }
        self.interval += SLOW_DOWN;
        OAuthError::new(
            "slow_down",
            "polled too early: the interval is now five seconds longer",
        )
    }
}

/// Eight consonants, which are easy to read and do not form words (RFC 8628, section 6.1).
fn user_code() -> Result<String, Error> {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letters = random::<8>()?.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let (first, second) = letters.split_at(4);
    Ok([first, &['-'], second].concat().into_iter().collect())
}
