//! Device logins (RFC 8628): a person elsewhere says yes or no.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::form::Form;
use super::refusal::Refusal;
use crate::credentials::{random, random_text};
use crate::error::Error;

/// The `grant_type` of a device login.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How much longer a client has to wait for each time that it did not.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// What a client has to wait that was told nothing (RFC 8628, section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// What the person says.
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

/// A login that has begun.
pub(crate) struct Started {
    pub(crate) answer: Value,
    pub(crate) user_code: String,
}

/// The logins under way, by their device codes.
pub(super) struct Devices {
    origin: String,
    interval: Option<Duration>,
    lifetime: Duration,
    logins: HashMap<String, Login>,
}

impl Devices {
    /// `origin` is where people go to; clients are not told of an interval of `None`.
    pub(super) fn new(origin: String, interval: Option<Duration>, lifetime: Duration) -> Self {
        Self {
            origin,
            interval,
            lifetime,
            logins: HashMap::new(),
        }
    }

    /// Begins a login of the client.
    pub(super) fn start(&mut self, now: SystemTime, client_id: &str) -> Result<Started, Error> {
        let (device_code, user_code) = (random_text()?, user_code()?);
        let uri = format!("{}/device", self.origin);
        let mut answer = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": uri,
            "verification_uri_complete": format!("{uri}?user_code={user_code}"),
            "expires_in": self.lifetime.as_secs(),
        });
        if let Some(interval) = self.interval {
            answer["interval"] = json!(interval.as_secs());
        }
        // Whoever asks late is told that the login has expired, but not for ever.
        let lifetime = self.lifetime;
        self.logins.retain(|_, login| login.expiry + lifetime > now);
        let login = Login {
            user_code: user_code.clone(),
            client_id: client_id.to_owned(),
            expiry: now + lifetime,
            interval: self.interval.unwrap_or(DEFAULT_INTERVAL),
            last_poll: None,
            decision: Decision::Pending,
        };
        self.logins.insert(device_code, login);
        Ok(Started { answer, user_code })
    }

    /// Says yes or no; whether there is a login that waits for it.
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

    /// Whether the login is approved, which it is said to be once only.
    pub(super) fn poll(&mut self, now: SystemTime, form: &Form) -> Result<(), Refusal> {
        let code = form.need("device_code")?;
        let client_id = form.need("client_id")?;
        let login = self
            .logins
            .get_mut(code)
            .ok_or_else(|| Refusal::grant("device_code: unknown or used before"))?;
        if login.client_id != client_id {
            return Err(Refusal::grant("device_code: of another client"));
        }
        if login.expiry <= now {
            return Err(Refusal::new("expired_token", "nobody decided in time"));
        }
        match login.decision {
            Decision::Pending => Err(login.wait(now)),
            Decision::Denied => Err(Refusal::new("access_denied", "the login was denied")),
            Decision::Approved => {
                self.logins.remove(code);
                Ok(())
            }
        }
    }
}

impl Login {
    fn wait(&mut self, now: SystemTime) -> Refusal {
        let hasty = self
            .last_poll
            .is_some_and(|last| now < last + self.interval);
        self.last_poll = Some(now);
        if !hasty {
            return Refusal::new("authorization_pending", "nobody has decided yet");
        }
        self.interval += SLOW_DOWN;
        Refusal::new("slow_down", "expected five seconds more between requests")
    }
}

/// Eight letters that are hard to confuse and spell no words (RFC 8628, section 6.1).
fn user_code() -> Result<String, Error> {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letters = random::<8>()?.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let (first, second) = letters.split_at(4);
    Ok([first, &['-'], second].concat().into_iter().collect())
}
