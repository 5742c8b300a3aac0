//! Waiters against the emulator: executions, syncs, and what takes time to show. The emulator shows each state at least once
//! before the next.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::time::Duration;

use c1_api::chrono::TimeDelta;
use c1_api::types::{
    AutomationExecutionState, AutomationStep, AutomationTemplateRef,
    AutomationsCreateAutomationRequest, Connector, ConnectorServiceCreateRequest,
    ConnectorServiceUpdateRequest, CreateAppRequest, ExecuteAutomationRequest, RunAutomation,
    SearchAllAutomationExecutionsRequest, SyncConfig, SyncStatus, WaitForDuration,
};
use c1_api_ext::access::Recipient;
use c1_api_ext::{C1, Progress, TaskStatus, Wait, WaitEnd};
use c1_test_kit::{NoJitter, Tenant};
use http::StatusCode;

async fn start(delay: u64) -> (Tenant, C1) {
    let delay = Duration::from_secs(delay);
    let tenant = Tenant::start(|builder| builder.consistency_delay(delay)).await;
    let c1 = tenant.credentials().build().unwrap();
    (tenant, c1)
}

fn wait(tenant: &Tenant) -> Wait {
    Wait::new().clock(tenant.clock().clone()).random(NoJitter)
}

/// Executes an automation with the step. Returns the id of the execution.
async fn execute(c1: &C1, step: AutomationStep) -> i64 {
    let body = AutomationsCreateAutomationRequest::new()
        .display_name("Waited for")
        .automation_steps(vec![step]);
    let created = c1.automation().create(body).await.unwrap();
    let id = created.automation.unwrap().id.unwrap();
    let body = ExecuteAutomationRequest::new();
    let executed = c1.automation().execute(&id, body).await.unwrap();
    executed.execution_id.unwrap()
}

/// A step that refers to an automation that does not exist.
fn failing_step() -> AutomationStep {
    let nosuch = AutomationTemplateRef::new().id("nosuch");
    AutomationStep::new().run_automation(RunAutomation::new().automation_template_ref(nosuch))
}

/// Creates a connector of the app. Returns its id.
async fn connector(c1: &C1, app: &str) -> String {
    let body = ConnectorServiceCreateRequest::new();
    let created = c1.connector().create(app, body).await.unwrap();
    let view = created.connector_view.unwrap();
    view.connector.unwrap().id.unwrap()
}

/// Has the connector sync a resource type that the app does not have.
async fn have_syncs_fail(c1: &C1, app: &str, id: &str) {
    let config = SyncConfig::new().sync_resource_type_ids(vec!["nosuch".to_owned()]);
    let body = ConnectorServiceUpdateRequest::new()
        .connector(Connector::new().sync_config(config))
        .update_mask("syncConfig");
    c1.connector().update(app, id, body).await.unwrap();
}

/// The states of an execution until it is over, each once.
async fn states(tenant: &Tenant, c1: &C1, id: i64) -> Vec<AutomationExecutionState> {
    let mut seen = Vec::new();
    let wait = wait(tenant);
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

    let (tenant, c1) = start(0).await;
    let minute = WaitForDuration::new().duration(TimeDelta::seconds(60));
    let waits = AutomationStep::new().wait_for_duration(minute);
    let id = execute(&c1, waits.clone()).await;
    assert_eq!(states(&tenant, &c1, id).await, [Pending, Waiting, Done]);

    let failed = execute(&c1, failing_step()).await;
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
    let wait = wait(tenant);
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

    let (tenant, c1) = start(0).await;
    let app = c1.apps().create(CreateAppRequest::new("Polled"));
    let app = app.await.unwrap().app.unwrap().id.unwrap();
    let id = connector(&c1, &app).await;
    let force = || c1.connector().force_sync(&app, &id);
    force().await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Done]);

    c1.connector().pause_sync(&app, &id).await.unwrap();
    let refused = force().await.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Disabled]);
    c1.connector().resume_sync(&app, &id).await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Done]);

    have_syncs_fail(&c1, &app, &id).await;
    force().await.unwrap();
    assert_eq!(statuses(&tenant, &c1, &app, &id).await, [Running, Error]);
}

#[tokio::test]
async fn executions_end_or_are_still_open() {
    let (tenant, c1) = start(0).await;
    let hour = WaitForDuration::new().duration(TimeDelta::hours(1));
    let waits = AutomationStep::new().wait_for_duration(hour);
    let id = execute(&c1, waits).await;
    let end = wait(&tenant).execution(&c1, id).await.unwrap();
    let WaitEnd::TimedOut {
        last: Some(last),
        error: None,
        ..
    } = end
    else {
        panic!("{end:?}");
    };
    assert_eq!(last.state, Some(AutomationExecutionState::Waiting));
    let longer = wait(&tenant).longest(Duration::from_secs(7200));
    let end = longer.execution(&c1, id).await.unwrap();
    assert!(matches!(end, WaitEnd::Done(_)), "{end:?}");

    let failed = execute(&c1, failing_step()).await;
    let end = wait(&tenant).execution(&c1, failed).await.unwrap();
    assert!(matches!(end, WaitEnd::Failed(_)), "{end:?}");
}

#[tokio::test]
async fn the_sync_that_was_asked_for_is_waited_for() {
    let (tenant, c1) = start(0).await;
    let app = c1.apps().create(CreateAppRequest::new("Synced"));
    let app = app.await.unwrap().app.unwrap().id.unwrap();
    let id = connector(&c1, &app).await;
    let read = || async {
        let found = c1.connector().get(&app, &id).await.unwrap();
        found.connector_view.unwrap().connector.unwrap()
    };
    let sync = || async {
        // Read and forced in one moment, but after the last one.
        tenant.clock().advance(Duration::from_secs(60));
        let before = read().await;
        c1.connector().force_sync(&app, &id).await.unwrap();
        wait(&tenant).sync(&c1, &before).await.unwrap()
    };
    for _ in 0..2 {
        let end = sync().await;
        assert!(matches!(end, WaitEnd::Done(_)), "{end:?}");
    }
    have_syncs_fail(&c1, &app, &id).await;
    let WaitEnd::Failed(failed) = sync().await else {
        panic!("it succeeded");
    };
    assert_eq!(failed.status.unwrap().status, Some(SyncStatus::Error));
}

#[tokio::test]
async fn grants_and_owners_are_waited_for_until_they_show() {
    let (tenant, c1) = start(90).await;
    let wait = wait(&tenant);
    let app = c1.apps().create(CreateAppRequest::new("Later"));
    let app = app.await.unwrap().app.unwrap().id.unwrap();
    let began = tenant.clock().elapsed();
    let listed = wait.until(
        || c1.apps().list().page_size(100),
        |apps| apps.list.iter().any(|it| it.id.as_deref() == Some(&app)),
    );
    assert!(listed.await.unwrap().done().is_some());
    assert!(tenant.clock().elapsed() >= began + Duration::from_secs(90));

    let me = c1
        .user()
        .list()
        .await
        .unwrap()
        .list
        .remove(0)
        .user
        .unwrap()
        .id
        .unwrap();
    c1.app_owners().add(&app, &me).await.unwrap();
    let owners = wait.until(
        || c1.app_owners().list(&app),
        |owners| owners.list.iter().any(|it| it.id.as_deref() == Some(&me)),
    );
    assert!(owners.await.unwrap().done().is_some());

    let search = c1_api::types::AppEntitlementSearchServiceSearchRequest::new();
    let one = c1
        .access()
        .find(search.query("Taxes Reader"))
        .await
        .unwrap();
    let whom = Recipient::user(&me);
    let before = one.held_by(&whom).await.unwrap().len();
    let request = one.grant_to(whom.clone()).send().await.unwrap();
    let held = request
        .wait_until(&wait, |status| *status != TaskStatus::Open)
        .await;
    assert!(held.unwrap().done().is_some());
    request.approve("").await.unwrap();
    assert!(request.wait(&wait).await.unwrap().done().is_some());
    assert_eq!(one.held_by(&whom).await.unwrap().len(), before, "not yet");
    let shown = wait
        .until(|| one.held_by(&whom), |grants| grants.len() > before)
        .await;
    assert!(shown.unwrap().done().is_some());
}
