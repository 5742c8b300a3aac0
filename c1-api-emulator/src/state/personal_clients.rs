//! Personal clients: credentials that a user creates and the token endpoint accepts.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::State;
use super::call::{Call, LATEST, timestamp};
use super::row::{self, Row};
use crate::credentials::Credentials;
use crate::status::Status;

impl State {
    /// Creates a client with the credentials. Returns the response and the expiry of the client.
    pub(crate) fn create_personal_client(
        &mut self,
        call: &Call<'_>,
        credentials: &Credentials,
    ) -> Result<(Value, Option<SystemTime>), Status> {
        let mut client = Row::default();
        self.copy_request_fields(&mut client, "PersonalClient", call);
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
        let response = json!({ "client": client.0, "clientSecret": credentials.client_secret });
        let response = row::with_defaults(
            &self.description,
            call.operation.response.schema().unwrap_or_default(),
            response,
        );
        Ok((response, expiry))
    }
}

/// The requested expiry; `None` for never.
fn expiry(call: &Call<'_>) -> Result<Option<SystemTime>, Status> {
    let expires = call.body().text("expires");
    if expires.is_empty() {
        return Ok(None);
    }
    let seconds = expires.strip_suffix('s').and_then(|text| text.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|lifetime| !lifetime.is_zero())
        .and_then(|lifetime| call.now.checked_add(lifetime))
        .filter(|expiry| *expiry <= SystemTime::UNIX_EPOCH + LATEST)
        .map(Some)
        .ok_or_else(|| {
            Status::invalid_field("expires", "a duration greater than 0s, up to the year 9999")
        })
}
