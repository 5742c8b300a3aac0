//! The history of tasks.

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::row::Row;
use super::super::{HandlerResult, State, respond};
use super::text;
use crate::status::Status;

const AUDIT: &str = "TaskAuditView";

impl State {
    /// Adds an event to the history of the task.
    pub(super) fn audit(&mut self, task: &Value, event: &str, details: Value, by: &str, now: &str) {
        let mut entry = Row::of([
            ("ticketId", text(task, "/id")),
            ("created", now),
            ("userId", by),
            ("currentState", text(task, "/state")),
            ("eventType", "TASK_AUDIT_EVENT_TYPE_NEUTRAL"),
            ("source", "SOURCE_C1"),
        ]);
        entry.set(event, details);
        if let Ok(user) = self.find_by_id("User", by) {
            entry.set("metadata", json!({ "user": user.fields() }));
        }
        // It fails only where a description lacks the kind.
        let _ = self.insert(AUDIT, entry, now);
    }
}

pub(super) fn list(state: &State, call: &Call<'_>) -> HandlerResult {
    let body = call.body();
    let refs = call.objects("refs");
    let task = match body.text("taskId") {
        "" if refs.is_empty() => {
            return Err(Status::invalid_field("taskId", "the id of a task"));
        }
        "" => None,
        id => Some(state.task(id)?),
    };
    let flag = |name: &str| body.0.get(name) == Some(&json!(true));
    let keep = |entry: &Row| {
        task.as_ref()
            .is_none_or(|task| entry.text("ticketId") == text(task, "/id"))
            && (refs.is_empty() || refs.iter().any(|one| one.text("id") == entry.text("id")))
            && (!flag("commentsOnly") || entry.0.contains_key("comment"))
    };
    let entries = state.read_table(AUDIT);
    let by_position = |position: u64, _: &Row| Some((position.into(), String::new()));
    let page = if flag("newestFirst") {
        entries.sorted_page(&state.description, call, keep, by_position, true)?
    } else {
        entries.page(&state.description, call, keep)?
    };
    Ok(respond::list(state, call, "list", page, |entry, _| {
        Value::Object(entry.fields())
    }))
}
