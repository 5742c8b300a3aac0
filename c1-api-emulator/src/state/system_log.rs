//! The system log: an event in OCSF form (class 6003, API activity) for each change, with who made it, and one (class
//! 3002, authentication) for each token that the token endpoint issues.
//!
//! An operation that changes objects writes an event for each of them; one that changes something else writes one with
//! the ids of its path. What the tenant does on its own, such as to provision access, has no user as its actor. What is
//! there at the start or was added by [`Emulator::add`](crate::Emulator::add) has no event. Snapshots have none either.

use std::collections::VecDeque;
use std::time::SystemTime;

use c1_api_spec::model::{Method, Safety};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::{Call, timestamp};
use super::history::Change;
use super::row::Row;
use super::table::{After, requested_page};
use super::{HandlerResult, State};
use crate::auth::Holder;
use crate::random::Random;
use crate::status::Status;

/// How many events are kept: the last ones.
const KEPT: usize = 10_000;
/// A class of events, with its category.
struct Class {
    uid: u32,
    name: &'static str,
    category: (u32, &'static str),
}

const API_ACTIVITY: Class = Class {
    uid: 6003,
    name: "API Activity",
    category: (6, "Application Activity"),
};
const AUTHENTICATION: Class = Class {
    uid: 3002,
    name: "Authentication",
    category: (3, "Identity & Access Management"),
};
const LOGON: Activity = (1, "Logon");

pub(super) const HANDLERS: &[Entry] = &[
    (
        "system_log.list_events",
        "/api/v1/systemlog/events",
        list_events,
    ),
    (
        "export.list_events",
        "/api/v1/systemlog/exports/{export_id}/events",
        list_export_events,
    ),
];

/// The last events, in order of time.
pub(super) struct SystemLog {
    events: VecDeque<Event>,
    /// The position of the next event, from 1.
    next: u64,
    uids: Random,
    cause: Option<Cause>,
}

struct Event {
    position: u64,
    time: DateTime<Utc>,
    uid: String,
    value: Value,
}

/// The call that makes changes.
struct Cause {
    operation: String,
    actor: Value,
    now: SystemTime,
    /// The position of its first event.
    first: u64,
}

/// What an event says was done: the id of the activity in the class, and its name.
type Activity = (u32, &'static str);

impl From<Change> for Activity {
    fn from(change: Change) -> Self {
        match change {
            Change::Created => (1, "Create"),
            Change::Updated => (3, "Update"),
            Change::Deleted => (4, "Delete"),
        }
    }
}

impl SystemLog {
    /// An empty log, whose ids are derived from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            events: VecDeque::new(),
            next: 1,
            uids: Random::named(seed, "events"),
            cause: None,
        }
    }

    /// Adds an event of the call that makes changes.
    fn push(&mut self, activity: Activity, resources: &Value) {
        let Some(cause) = &self.cause else {
            return;
        };
        let own = json!({
            "actor": cause.actor,
            "api": { "operation": cause.operation, "service": { "name": "c1-api-emulator" } },
            "resources": resources,
        });
        self.add(cause.now, &API_ACTIVITY, activity, own);
    }

    /// Adds an event with fields of its own.
    fn add(&mut self, now: SystemTime, class: &Class, (id, name): Activity, own: Value) {
        let (time, uid) = (DateTime::<Utc>::from(now), self.uids.id());
        let mut value = json!({
            "activity_id": id,
            "activity_name": name,
            "category_name": class.category.1,
            "category_uid": class.category.0,
            "class_name": class.name,
            "class_uid": class.uid,
            "metadata": {
                "product": { "name": "c1-api-emulator", "vendor_name": "c1-api-emulator" },
                "uid": uid,
                "version": "1.1.0",
            },
            "severity": "Informational",
            "severity_id": 1,
            "status": "Success",
            "status_id": 1,
            "time": time.timestamp_millis(),
            "type_uid": class.uid * 100 + id,
        });
        if let (Value::Object(fields), Value::Object(own)) = (&mut value, own) {
            fields.extend(own);
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(Event {
            position: self.next,
            time,
            uid,
            value,
        });
        self.next += 1;
    }

    /// The position of the event that a field of the body names; `None` if it is not set.
    fn position(&self, call: &Call<'_>, field: &str) -> Result<Option<u64>, Status> {
        let uid = call.body().text(field);
        if uid.is_empty() {
            return Ok(None);
        }
        let event = self.events.iter().find(|event| event.uid == uid);
        event.map(|event| Some(event.position)).ok_or_else(|| {
            Status::invalid_field(field, "the `metadata.uid` of an event that is kept")
        })
    }

    /// A page of the events, of which those after a point in time or an event and before another can be asked for.
    fn page(&self, call: &Call<'_>, since: &str) -> HandlerResult {
        let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
        let (since, until) = (time(since), time(call.body().text("until")));
        let after = self.position(call, "sinceEventUid")?;
        let before = self.position(call, "untilEventUid")?;
        let wanted = |event: &&Event| {
            since.is_none_or(|since| event.time >= since)
                && until.is_none_or(|until| event.time < until)
                && after.is_none_or(|after| event.position > after)
                && before.is_none_or(|before| event.position < before)
        };
        let (size, after_page) = requested_page(call, false)?;
        let last = after_page.position;
        let events = self.events.iter().filter(wanted);
        let mut page: Vec<&Event> = if call.body().text("sortDirection") == "SORT_DIRECTION_DESC" {
            let rest = events
                .rev()
                .filter(|event| last == 0 || event.position < last);
            rest.take(size + 1).collect()
        } else {
            events
                .filter(|event| event.position > last)
                .take(size + 1)
                .collect()
        };
        let more = page.len() > size;
        page.truncate(size);
        let at = page.last().map_or(last, |event| event.position);
        let next = more.then(|| After::row(at, page.is_empty()).token(call));
        let events: Vec<_> = page.into_iter().map(|event| &event.value).collect();
        Ok(json!({ "list": events, "nextPageToken": next }))
    }
}

/// The user as in events.
fn person(user: &Row) -> Value {
    json!({
        "email_addr": user.text("email"),
        "name": user.text("displayName"),
        "uid": user.text("id"),
    })
}

impl State {
    /// Writes that a token was issued, and in whose name it is used, if that is known.
    pub(crate) fn log_token(&mut self, holder: &Holder, now: SystemTime) {
        let user = holder.user.as_deref();
        let user = user.and_then(|id| self.find_by_id("User", id).ok());
        let actor = json!({ "app_name": "c1-api-emulator", "app_uid": holder.client });
        let own = json!({ "actor": actor, "user": user.map(person) });
        self.system_log.add(now, &AUTHENTICATION, LOGON, own);
        if let Some(client) = &holder.client {
            self.use_client(client, &timestamp(now));
        }
    }

    /// Has the changes that follow be those of the call.
    pub(super) fn begin_events(&mut self, call: &Call<'_>) {
        let writes = call.operation.safety != Safety::Safe;
        let user = writes.then(|| self.me(call).ok()).flatten();
        let actor = match user {
            Some(user) => json!({ "user": person(user) }),
            None => json!({ "app_name": "c1-api-emulator" }),
        };
        self.system_log.cause = Some(Cause {
            operation: call.operation.id(),
            actor,
            now: call.now,
            first: self.system_log.next,
        });
    }

    /// Ends the changes of the call. If it succeeded and wrote, but has no event yet, it gets one.
    pub(super) fn end_events(&mut self, call: &Call<'_>, succeeded: bool) {
        let log = &mut self.system_log;
        let none = log
            .cause
            .as_ref()
            .is_some_and(|cause| cause.first == log.next);
        if none && succeeded && call.operation.safety != Safety::Safe {
            let activity = match call.operation.method {
                Method::Delete => Change::Deleted,
                _ => Change::Updated,
            };
            let resource = |(name, value): &(String, String)| {
                let kind = name.strip_suffix("_id").unwrap_or(name);
                json!({ "type": kind, "uid": value })
            };
            log.push(
                activity.into(),
                &call.path_values().iter().map(resource).collect(),
            );
        }
        log.cause = None;
    }

    /// Writes an event about an object.
    pub(super) fn log_change(&mut self, kind: &str, row: &Row, change: Change) {
        // What is no message is no object of its own, such as who owns an app.
        let Some(schema) = self.description.schemas.get(kind) else {
            return;
        };
        let key = self
            .plan
            .kinds
            .get(kind)
            .map_or(&[][..], |facts| &facts.key);
        let uid = match row.text("id") {
            "" => {
                let parts: Vec<_> = key.iter().map(|part| row.text(part)).collect();
                parts.join("/")
            }
            id => id.to_owned(),
        };
        let ty = schema.proto.as_deref().unwrap_or(kind);
        let name = row.text("displayName");
        let resources = json!([{ "name": name, "type": ty, "uid": uid }]);
        self.system_log.push(change.into(), &resources);
    }
}

fn list_events(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.system_log.page(call, call.body().text("since"))
}

/// An export has the events since it was created.
fn list_export_events(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = [("exportId".to_owned(), call.path("export_id").to_owned())];
    let since = state.find("Exporter", &key)?.text("createdAt");
    state.system_log.page(call, since)
}
