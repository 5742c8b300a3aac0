//! Webhooks that the tenant is to send: what is in them, to which URL they go, and what their replies do.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use c1_api_spec::model::Type;
use serde_json::{Map, Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::{HandlerResult, State};
use crate::check::{self, Direction};
use crate::status::Status;
use crate::webhook::Outgoing;
use crate::{canonical, json};

/// The kind of what webhooks are sent to.
pub(super) const ENDPOINT: &str = "WebhookEndpoint";
/// The part of a task or an execution with the id of the webhook that it waits for.
pub(super) const WEBHOOK: &str = "/webhook";
/// The payload of tests, to which nothing is replied.
const TEST: &str = "PayloadTest";

pub(super) const KINDS: &[&str] = &[ENDPOINT];
pub(super) const HANDLERS: &[Entry] = &[("webhooks.test", "/api/v1/webhooks/{id}/test", test)];

/// Why a webhook has decided nothing.
pub(super) enum Failure {
    /// There is a reply, but it is none to this webhook.
    BadReply(String),
    /// There is no reply.
    Fatal(String),
}

impl State {
    /// Has a webhook sent to the endpoint with the id, and returns the id of the webhook. `payload` is the name of its
    /// message in `c1.webhooks.v1`, with its fields.
    pub(super) fn emit_webhook(
        &mut self,
        endpoint: &str,
        payload: (&str, Map<String, Value>),
    ) -> Result<String, Status> {
        let endpoint = self.find_by_id(ENDPOINT, endpoint)?;
        let (endpoint, url) = (
            endpoint.text("id").to_owned(),
            endpoint.text("url").to_owned(),
        );
        let (name, payload) = payload;
        let (id, event) = (self.ids.id(), format!("c1.webhooks.v1.{name}"));
        let mut payload = self.complete(name, Value::Object(payload));
        payload["@type"] = json!(format!("type.googleapis.com/{event}"));
        let body = json!({
            "version": "v1",
            "webhookId": id,
            "event": event,
            "callbackUrl": "",
            "payload": payload,
        });
        self.outbox.push(Outgoing {
            id: id.clone(),
            endpoint,
            url,
            event,
            body,
            has_reply: name != TEST,
        });
        Ok(id)
    }

    /// The webhooks that are to be sent since the last time.
    pub(crate) fn take_webhooks(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outbox)
    }

    /// Has the response to a webhook decide on what waits for it: its status and body, or why there is none. After a 202
    /// it goes on waiting, for [`State::reply_to_webhook`].
    pub(crate) fn end_webhook(
        &mut self,
        id: &str,
        response: &Result<(u16, Bytes), String>,
        now: SystemTime,
    ) {
        let failure = match response {
            Ok((202, _)) => return,
            Ok((200..=299, body)) => match self.reply_to_webhook(id, body, now) {
                Ok(()) => return,
                Err(status) => Failure::BadReply(status.to_string()),
            },
            Ok((status, _)) => Failure::Fatal(format!("the response has the status {status}")),
            Err(reason) => Failure::Fatal(reason.clone()),
        };
        // What waits for it may be over, and then nothing is to be done.
        let _ = self
            .fail_task(id, &failure, now)
            .or_else(|| self.fail_execution(id, now));
    }

    /// Has a reply decide on what waits for the webhook. 404 if nothing does, 400 if it is no reply to it.
    pub(crate) fn reply_to_webhook(
        &mut self,
        id: &str,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), Status> {
        self.reply_to_task(id, body, now)
            .or_else(|| self.reply_to_execution(id, body, now))
            .unwrap_or_else(|| Err(Status::not_found("webhook that waits for a reply", id)))
    }

    /// Reads a reply, whose message has this name.
    pub(super) fn read_reply(&self, schema: &str, body: &[u8]) -> Result<Value, Status> {
        let ty = Type::Ref(schema.to_owned());
        let read = json::read(body).and_then(|mut reply| {
            canonical::replace(&self.description, &ty, &mut reply)?;
            check::of_type(&self.description, &ty, &reply, Direction::Request)?;
            Ok(reply)
        });
        read.map_err(|violation| Status::invalid(&violation))
    }

    /// Does what a reply says: as a call of the operation would, but in nobody's name.
    pub(super) fn on_its_own<T>(
        &mut self,
        operation: &str,
        path: &[(String, String)],
        body: &Value,
        now: SystemTime,
        act: impl FnOnce(&mut Self, &Call<'_>) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let description = Arc::clone(&self.description);
        let operation = description.operation(operation).ok_or_else(|| {
            Status::internal(format!("the description has no operation {operation}"))
        })?;
        let call = Call::new(operation, path, &[], Some(body), now).by_tenant();
        self.begin_call(&call);
        let done = act(self, &call);
        self.end_events(&call, done.is_ok());
        done
    }
}

/// Sends a test. The response has it as it was before it was sent.
fn test(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let endpoint = call.path("id");
    let id = state.emit_webhook(endpoint, (TEST, Map::new()))?;
    let now = call.timestamp();
    let url = state.find_by_id(ENDPOINT, endpoint)?.text("url");
    Ok(json!({ "webhook": {
        "id": id,
        "webhookId": endpoint,
        "state": "WEBHOOK_STATE_PENDING",
        "source": { "test": {} },
        "spec": { "destination": url },
        "createdAt": now,
        "updatedAt": now,
    }}))
}
