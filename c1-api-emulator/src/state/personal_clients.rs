//! Personal clients: credentials that a user creates and the token endpoint accepts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::State;
use super::call::{Call, LATEST, timestamp};
use super::row::Row;
use crate::credentials::Credentials;
use crate::status::Status;

/// The operation that creates one: its id and its path.
pub(crate) const PERSONAL_CLIENT: (&str, &str) =
    ("personal_client.create", "/api/v1/iam/personal_clients");

/// The kind of personal clients.
const KIND: &str = "PersonalClient";

impl State {
    /// Creates a client with the credentials. Returns the response and the expiry of the client; `None`
    /// if the operation does not create an object.
    pub(crate) fn create_personal_client(
        &mut self,
        call: &Call<'_>,
        credentials: &Credentials,
    ) -> Option<Result<(Value, Option<SystemTime>), Status>> {
        self.begin_call(call);
        let plan = Arc::clone(&self.plan);
        let action = plan.action(&call.operation.id())?;
        let user = self.me(call).ok().map(|me| me.text("id").to_owned());
        let created = expiry(call).and_then(|expiry| {
            let mut more = vec![("clientId", json!(credentials.client_id))];
            more.extend(user.map(|user| ("userId", json!(user))));
            more.extend(expiry.map(|expiry| ("expiresTime", json!(timestamp(expiry)))));
            let mut response = self.create(action, call, &more)?;
            response["clientSecret"] = json!(credentials.client_secret);
            let schema = call.operation.response.schema().unwrap_or_default();
            Ok((self.complete(schema, response), expiry))
        });
        self.end_events(call, created.is_ok());
        Some(created)
    }

    /// Has the token endpoint forget the client, if the object that was removed is one.
    pub(super) fn forget_client(&mut self, kind: &str, row: &Row) {
        if kind == KIND {
            self.removed_clients.push(row.text("clientId").to_owned());
        }
    }

    /// The ids of the clients that were removed since the last time.
    pub(crate) fn take_removed_clients(&mut self) -> Vec<String> {
        std::mem::take(&mut self.removed_clients)
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
