//! What callers poll: executions of automations and syncs of connectors, through the client and its waiters. The emulator
//! shows each state at least once before the next.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use c1_api::chrono::TimeDelta;
use c1_api::types::{
    AutomationExecutionState, AutomationStep, AutomationTemplateRef,
    AutomationsCreateAutomationRequest, Connector, ConnectorServiceCreateRequest,
    ConnectorServiceUpdateRequest, CreateAppRequest, ExecuteAutomationRequest, RunAutomation,
    SearchAllAutomationExecutionsRequest, SyncConfig, SyncStatus, WaitForDuration,
};
use c1_api_ext::{C1, Progress, Wait, WaitEnd};
use c1_test_kit::{NoJitter, Tenant};
use http::StatusCode;

async fn start() -> (Tenant, C1) {
    let tenant = Tenant::start(|builder| builder).await;
    let c1 = tenant.credentials().build().unwrap();
    (tenant, c1)
}

/// Executes an automation with the step. Returns the id of the execution.
async fn execute(c1: &C1, step: AutomationStep) -> i64 {
    let body = AutomationsCreateAutomationRequest::new()
        .display_name("Polled")
        .automation_steps(vec![step]);
    let created = c1.automation().create(body).await.unwrap();
    let id = created.automation.unwrap().id.unwrap();
    let body = ExecuteAutomationRequest::new();
    let executed = c1.automation().execute(&id, body).await.unwrap();
    executed.execution_id.unwrap()
}

/// The states of an execution until it is over, each once.
async fn states(tenant: &Tenant, c1: &C1, id: i64) -> Vec<AutomationExecutionState> {
    let mut seen = Vec::new();
    let wait = Wait::new().clock(tenant.clock().clone()).random(NoJitter);
    let end = wait.until(
        || c1.automation_execution().get(id),
        |response| {
            let execution = response.automation_execution.as_ref().unwrap();
            let state = execution.state.clone().unwrap();
            if seen.last() != Some(&state) {
                seen.push(state.clone());
            }
            match state {
                AutomationExecutionState::Done => Progress::Done,
                AutomationExecutionState::Error | AutomationExecutionState::Terminate => {
                    Progress::Failed
                }
                _ => Progress::Pending,
            }
        },
    );
    let ended = !matches!(end.await.unwrap(), WaitEnd::TimedOut { .. });
    assert!(ended, "{seen:?}");
    seen
}

#[tokio::test]
async fn executions_are_done_fail_and_are_terminated() {
    use AutomationExecutionState::{Done, Error, Pending, Terminate, Waiting};

    let (tenant, c1) = start().await;
    let minute = WaitForDuration::new().duration(TimeDelta::seconds(60));
    let waits = AutomationStep::new().wait_for_duration(minute);
    let id = execute(&c1, waits.clone()).await;
    assert_eq!(states(&tenant, &c1, id).await, [Pending, Waiting, Done]);

    let nosuch = AutomationTemplateRef::new().id("nosuch");
    let fails = RunAutomation::new().automation_template_ref(nosuch);
    let failed = execute(&c1, AutomationStep::new().run_automation(fails)).await;
    assert_eq!(states(&tenant, &c1, failed).await, [Pending, Error]);

    let id = execute(&c1, waits).await;
    let terminate = || {
        let actions = c1.automation_execution_actions();
        actions.terminate_automation(id)
    };
    terminate().await.unwrap();
    assert_eq!(states(&tenant, &c1, id).await, [Terminate]);
    let again = terminate().await.unwrap_err();
    assert_eq!(again.status(), Some(StatusCode::BAD_REQUEST));

    let body = SearchAllAutomationExecutionsRequest::new().execution_states(vec![Error]);
    let search = c1.automation_execution_search();
    let found = search.search_all_automation_executions(body).await.unwrap();
    let found = found.list.into_iter();
    let found: Vec<_> = found
        .map(|view| view.automation_execution.unwrap().id)
        .collect();
    assert_eq!(found, [Some(failed)]);
    let body = ExecuteAutomationRequest::new();
    let foreign = c1.automation().execute("nosuch", body).await.unwrap_err();
    assert_eq!(foreign.status(), Some(StatusCode::NOT_FOUND));
}

/// The statuses of a connector's sync until it is over, each once.
async fn statuses(tenant: &Tenant, c1: &C1, app: &str, id: &str) -> Vec<SyncStatus> {
    let mut seen = Vec::new();
    let wait = Wait::new().clock(tenant.clock().clone()).random(NoJitter);
    let end = wait.until(
        || c1.connector().get(app, id),
        |response| {
            let view = response.connector_view.clone().unwrap();
            let status = view.connector.unwrap().status.unwrap().status.unwrap();
            if seen.last() != Some(&status) {
                seen.push(status.clone());
            }
            status != SyncStatus::Running
        },
    );
    assert!(end.await.unwrap().done().is_some(), "{seen:?}");
    seen
}

#[tokio::test]
async fn syncs_are_done_fail_and_are_paused() {
    use SyncStatus::{Disabled, Done, Error, Running};

    let (tenant, c1) = start().await;
    let app = c1.apps().create(CreateAppRequest::new("Polled"));
    let app = app.await.unwrap().app.unwrap().id.unwrap();
    let created = c1
        .connector()
        .create(&app, ConnectorServiceCreateRequest::new());
    let view = created.await.unwrap().connector_view.unwrap();
    let id = view.connector.unwrap().id.unwrap();
    let force = || c1.connector().force_sync(&app, &id);
    force().await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Done]);

    c1.connector().pause_sync(&app, &id).await.unwrap();
    let refused = force().await.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Disabled]);
    c1.connector().resume_sync(&app, &id).await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Done]);

    let config = SyncConfig::new().sync_resource_type_ids(vec!["nosuch".to_owned()]);
    let body = ConnectorServiceUpdateRequest::new()
        .connector(Connector::new().sync_config(config))
        .update_mask("syncConfig");
    c1.connector().update(&app, &id, body).await.unwrap();
    force().await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Error]);
}
