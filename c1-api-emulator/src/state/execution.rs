//! Executions of automations: they are begun, go through the steps of the automation, and are done, fail or are
//! terminated.
//!
//! An execution is pending until the first read of executions that shows it, so that whoever polls sees it; then it
//! goes through its steps (see `steps`). One that waits for a duration goes on at the first read after it. A draft
//! is executed as a draft. C1 is not known to refuse an automation that is off (`enabled` is about its triggers), so it
//! is executed too. One that is executed more often than its circuit breaker allows is disabled, and its executions
//! are paused until `clear_circuit_breaker` or `resolve_paused_executions` decides on them.

mod circuit_breaker;
mod steps;

use chrono::DateTime;
use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::expand::Expansion;
use super::row::Row;
use super::{HandlerResult, State, respond};
use crate::status::Status;

const AUTOMATION: &str = "Automation";
const EXECUTION: &str = "AutomationExecution";
const PENDING: &str = "AUTOMATION_EXECUTION_STATE_PENDING";
const WAITING: &str = "AUTOMATION_EXECUTION_STATE_WAITING";
const PAUSED: &str = "AUTOMATION_EXECUTION_STATE_PAUSED_BY_CIRCUIT_BREAKER";
const DONE: &str = "AUTOMATION_EXECUTION_STATE_DONE";
const ERROR: &str = "AUTOMATION_EXECUTION_STATE_ERROR";
const TERMINATED: &str = "AUTOMATION_EXECUTION_STATE_TERMINATE";

pub(super) const KINDS: &[&str] = &[AUTOMATION, EXECUTION];
pub(super) const HANDLERS: &[Entry] = &[
    (
        "automation.execute",
        "/api/v1/automations/{id}/execute",
        execute,
    ),
    (
        "automation.clear_circuit_breaker",
        "/api/v1/automations/{id}/circuit_breaker/clear",
        circuit_breaker::clear,
    ),
    (
        "automation.resolve_paused_executions",
        "/api/v1/automations/{id}/circuit_breaker/resolve_paused",
        circuit_breaker::resolve_paused,
    ),
    (
        "automation_execution.get",
        "/api/v1/automation_executions/{id}",
        |state, call| read(state, call, get),
    ),
    (
        "automation_execution.list",
        "/api/v1/automation_executions",
        |state, call| read(state, call, list),
    ),
    (
        "automation_execution_search.search_automation_executions",
        "/api/v1/search/automation_executions",
        |state, call| read(state, call, search),
    ),
    (
        "automation_execution_search.search_all_automation_executions",
        "/api/v1/search/all_automation_executions",
        |state, call| read(state, call, search),
    ),
    (
        "automation_execution_actions.terminate_automation",
        "/api/v1/automation_executions/{id}/actions/terminate",
        terminate,
    ),
];

/// Executes what only reads. Before, waits whose time has come end; afterwards, what was shown as pending goes through
/// its steps.
fn read(
    state: &mut State,
    call: &Call<'_>,
    read: fn(&State, &Call<'_>) -> HandlerResult,
) -> HandlerResult {
    state.resume_executions(call)?;
    let pending = state.all(EXECUTION);
    let pending = pending.filter(|execution| execution.text("state") == PENDING);
    let pending: Vec<_> = pending.cloned().collect();
    let response = read(state, call)?;
    for execution in pending {
        state.run(execution, call)?;
    }
    Ok(response)
}

fn is_over(execution: &Row) -> bool {
    [DONE, ERROR, TERMINATED].contains(&execution.text("state"))
}

impl State {
    /// Begins to execute the automation. Returns the execution.
    fn begin_execution(
        &mut self,
        automation: &str,
        context: Option<Value>,
        call: &Call<'_>,
    ) -> Result<Row, Status> {
        let now = call.timestamp();
        let mut automation = self.find_by_id(AUTOMATION, automation)?.clone();
        automation.set("lastExecutedAt", now.as_str());
        let trips = self.trips_circuit_breaker(&automation, call);
        if let Some(reason) = trips {
            automation.set("enabled", false);
            automation.set("circuitBreaker", reason);
        }
        let paused = automation.0.contains_key("circuitBreaker");
        let draft = automation.0.get("isDraft") == Some(&json!(true));
        let own = automation.0.get("context");
        let context = context.filter(|context| !context.is_null());
        let context = context.or_else(|| own.cloned()).unwrap_or_default();
        let version: i32 = automation.text("currentVersion").parse().unwrap_or(0);
        let mut execution = Row::of([
            ("automationTemplateId", automation.text("id")),
            ("state", if paused { PAUSED } else { PENDING }),
        ]);
        execution.set("isDraft", draft);
        execution.set("currentVersion", version);
        if !context.is_null() {
            execution.set("context", context);
        }
        execution.set(steps::LEFT, steps::of(&automation, draft));
        self.store(AUTOMATION, automation, &now)?;
        self.insert(EXECUTION, execution, &now)
    }

    fn end_execution(
        &mut self,
        mut execution: Row,
        state: &str,
        call: &Call<'_>,
    ) -> Result<(), Status> {
        let begun = DateTime::parse_from_rfc3339(execution.text("createdAt"));
        if let Ok(begun) = begun {
            let lasted = DateTime::<chrono::Utc>::from(call.now) - begun.to_utc();
            let (seconds, nanos) = (lasted.num_seconds(), lasted.subsec_nanos());
            let duration = match nanos {
                0 => format!("{seconds}s"),
                nanos => format!("{seconds}.{nanos:09}s"),
            };
            // The clock may have been set back.
            if seconds >= 0 && nanos >= 0 {
                execution.set("duration", duration);
            }
        }
        execution.set("state", state);
        execution.set("completedAt", call.timestamp());
        steps::forget(&mut execution);
        self.store(EXECUTION, execution, &call.timestamp())?;
        Ok(())
    }
}

/// The execution in its view. An execution on demand has no trigger that could be expanded.
fn view(state: &State, execution: &Row, expansion: &mut Expansion<'_>) -> Value {
    let view = ("AutomationExecutionView", "automationExecution");
    respond::in_view(state, EXECUTION, view, execution, expansion)
}

fn execute(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let context = call.body().0.get("context").cloned();
    let execution = state.begin_execution(call.path("id"), context, call)?;
    Ok(json!({ "executionId": execution.text("id") }))
}

fn terminate(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.resume_executions(call)?;
    let execution = state.find_by_id(EXECUTION, call.path("id"))?.clone();
    if is_over(&execution) {
        return Err(Status::failed_precondition(
            "the execution is over: expected one that is not",
        ));
    }
    state.end_execution(execution, TERMINATED, call)?;
    Ok(json!({}))
}

fn get(state: &State, call: &Call<'_>) -> HandlerResult {
    let execution = state.find_by_id(EXECUTION, call.path("id"))?;
    let view = view(state, execution, &mut Expansion::new(state, call));
    Ok(json!({ "automationExecution": execution.fields(), "view": view }))
}

fn list(state: &State, call: &Call<'_>) -> HandlerResult {
    let of = (EXECUTION, "automationExecutions");
    respond::rows(
        state,
        call,
        of,
        |_| true,
        |execution, _| Value::Object(execution.fields()),
    )
}

/// Both searches: each has some of the filters. An execution on demand has no subject, so that nothing tells which
/// ones `subjectUserIds` selects.
fn search(state: &State, call: &Call<'_>) -> HandlerResult {
    let body = call.body();
    if !body.texts("subjectUserIds").is_empty() {
        return Err(Status::no_filter("subjectUserIds"));
    }
    let automation = |execution: &Row| {
        let found = state.find_by_id(AUTOMATION, execution.text("automationTemplateId"));
        found.cloned().unwrap_or_default()
    };
    let is_any = |filter: &str, own: &str| {
        let wanted = body.texts(filter);
        wanted.is_empty() || wanted.contains(&own)
    };
    let is = |filter: &str, own: &str| ["", own].contains(&body.text(filter));
    let refs = call.objects("refs");
    let keep = |execution: &Row| {
        let [id, template, status] =
            ["id", "automationTemplateId", "state"].map(|field| execution.text(field));
        is("executionId", id)
            && is("automationTemplateId", template)
            && is_any("automationTemplateIds", template)
            && is_any("executionStates", status)
            && is_any("executionStepStates", status)
            && (refs.is_empty() || refs.iter().any(|one| one.text("id") == id))
            && is_any("appIds", automation(execution).text("appId"))
            && automation(execution)
                .matches_query(body.text("query"), &["displayName", "description"])
    };
    respond::rows(
        state,
        call,
        (EXECUTION, "list"),
        keep,
        |execution, expansion| view(state, execution, expansion),
    )
}
