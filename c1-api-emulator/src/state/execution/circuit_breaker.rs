//! The circuit breaker of an automation, which disables it when it is executed too often.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::super::call::Call;
use super::super::grant::time;
use super::super::row::Row;
use super::super::{HandlerResult, State};
use super::{AUTOMATION, EXECUTION, PAUSED, PENDING, TERMINATED};
use crate::status::Status;

/// The part of an automation whose breaker was cleared with the number of the first execution that counts since then.
const SINCE: &str = "/since";

/// The periods in which executions are counted. A month has 30 days.
fn period(automation: &Row) -> Option<Duration> {
    let hours = match automation.text("circuitBreakerPeriod") {
        "CIRCUIT_BREAKER_PERIOD_HOUR" => 1,
        "CIRCUIT_BREAKER_PERIOD_DAY" => 24,
        "CIRCUIT_BREAKER_PERIOD_WEEK" => 7 * 24,
        "CIRCUIT_BREAKER_PERIOD_MONTH" => 30 * 24,
        _ => return None,
    };
    Some(Duration::from_secs(hours * 3600))
}

impl State {
    /// Why one more execution disables the automation; `None` if it does not.
    pub(super) fn trips_circuit_breaker(&self, automation: &Row, call: &Call<'_>) -> Option<Value> {
        if automation.0.contains_key("circuitBreaker") {
            return None;
        }
        let most = automation.0.get("circuitBreakerMax")?.as_u64()?;
        let begin = call.now.checked_sub(period(automation)?);
        let begin = begin.unwrap_or(SystemTime::UNIX_EPOCH);
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let since = number(automation.text(SINCE));
        let counts = |execution: &&Row| {
            execution.text("automationTemplateId") == automation.text("id")
                && number(execution.text("id")) >= since
                && time(execution.text("createdAt")).is_some_and(|own| own >= begin)
        };
        let count = self.all(EXECUTION).filter(counts).count() as u64 + 1;
        (most > 0 && count > most).then(|| {
            json!({
                "observedCount": count,
                "period": automation.text("circuitBreakerPeriod"),
                "threshold": most,
                "trippedAt": call.timestamp(),
            })
        })
    }

    /// Runs the paused executions of the automation, or ends them, as the request decides. Returns the response, with
    /// the id of a bulk action if there were some; it is not an object, since it is done at once.
    fn decide_paused(&mut self, run: bool, call: &Call<'_>) -> HandlerResult {
        let id = call.path("id");
        let paused = self.all(EXECUTION).filter(|execution| {
            execution.text("automationTemplateId") == id && execution.text("state") == PAUSED
        });
        let paused: Vec<_> = paused.cloned().collect();
        if paused.is_empty() {
            return Ok(json!({}));
        }
        for mut execution in paused {
            if run {
                execution.set("state", PENDING);
                self.store(EXECUTION, execution, &call.timestamp())?;
            } else {
                self.end_execution(execution, TERMINATED, call)?;
            }
        }
        Ok(json!({ "bulkActionId": self.ids.id() }))
    }
}

/// Whether to run what is paused; `None` if the request does not decide.
fn decision(call: &Call<'_>) -> Option<bool> {
    match call.body().text("decision") {
        "PAUSED_EXECUTION_DECISION_RUN" => Some(true),
        "PAUSED_EXECUTION_DECISION_CANCEL" => Some(false),
        _ => None,
    }
}

/// Has the automation executed again. Without a decision, what is paused stays so.
pub(super) fn clear(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut automation = state.find_by_id(AUTOMATION, call.path("id"))?.clone();
    if automation.0.shift_remove("circuitBreaker").is_some() {
        automation.set("enabled", true);
        let next = state.table(EXECUTION).next_number();
        automation.set(SINCE, next.to_string());
        state.store(AUTOMATION, automation, &call.timestamp())?;
    }
    decision(call).map_or(Ok(json!({})), |run| state.decide_paused(run, call))
}

pub(super) fn resolve_paused(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.find_by_id(AUTOMATION, call.path("id"))?;
    let run = decision(call).ok_or_else(|| {
        let expected = "PAUSED_EXECUTION_DECISION_RUN or PAUSED_EXECUTION_DECISION_CANCEL";
        Status::invalid_field("decision", expected)
    })?;
    state.decide_paused(run, call)
}
