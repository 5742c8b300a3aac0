//! Personal clients: credentials that a user makes, which the token endpoint then knows.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::State;
use super::call::{Call, timestamp};
use super::row::{self, Row};
use crate::credentials::Credentials;
use crate::status::Status;

impl State {
    /// The answer to the creation of a client with the credentials, and when it expires.
    pub(crate) fn create_personal_client(
        &mut self,
        call: &Call<'_>,
        credentials: &Credentials,
    ) -> Result<(Value, Option<SystemTime>), Status> {
        let mut client = Row::default();
        self.take_over(&mut client, "PersonalClient", call);
        let (id, now) = (self.ids.id(), call.timestamp());
        for (name, value) in [
            ("id", id.as_str()),
            ("clientId", &credentials.client_id),
            ("createdAt", &now),
            ("updatedAt", &now),
        ] {
            client.set(name, value);
        }
        let expiry = expiry(call)?;
        if let Some(expiry) = expiry {
            client.set("expiresTime", timestamp(expiry));
        }
        let answer = json!({ "client": client.0, "clientSecret": credentials.client_secret });
        let answer = row::complete(self.description, &call.operation.response, answer);
        Ok((answer, expiry))
    }
}

/// When the client is to expire; `None` for never.
fn expiry(call: &Call<'_>) -> Result<Option<SystemTime>, Status> {
    let asked = call.body().text("expires");
    if asked.is_empty() {
        return Ok(None);
    }
    let seconds = asked.strip_suffix('s').and_then(|text| text.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|lifetime| !lifetime.is_zero())
        .and_then(|lifetime| call.now.checked_add(lifetime))
        .map(Some)
        .ok_or_else(|| Status::invalid_field("expires", "a duration of more than nothing"))
}
