//! Webhooks that the tenant is to send: what is in them, and to which URL they go.

use serde_json::{Map, Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::{HandlerResult, State};
use crate::status::Status;
use crate::webhook::Outgoing;

/// The kind of what webhooks are sent to.
const ENDPOINT: &str = "WebhookEndpoint";

pub(super) const KINDS: &[&str] = &[ENDPOINT];
pub(super) const HANDLERS: &[Entry] = &[("webhooks.test", "/api/v1/webhooks/{id}/test", test)];

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
        let (name, mut payload) = payload;
        let (id, event) = (self.ids.id(), format!("c1.webhooks.v1.{name}"));
        payload.insert(
            "@type".to_owned(),
            json!(format!("type.googleapis.com/{event}")),
        );
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
        });
        Ok(id)
    }

    /// The webhooks that are to be sent since the last time.
    pub(crate) fn take_webhooks(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outbox)
    }
}

/// Sends a test. The response has it as it was before it was sent.
fn test(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let endpoint = call.path("id");
    let id = state.emit_webhook(endpoint, ("PayloadTest", Map::new()))?;
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
