//! Access requests through the client: the state that the emulator keeps is what the waiters and the errors of the client
//! are made for.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use c1_api::Error;
use c1_api::types::{
    AppEntitlementSearchServiceSearchGrantsRequest, AppEntitlementSearchServiceSearchRequest, Task,
    TaskActionsServiceApproveRequest, TaskActionsServiceDenyRequest, TaskServiceCreateGrantRequest,
};
use c1_api_ext::{C1, TaskOutcome, TaskStatus, Wait, WaitEnd};
use c1_test_kit::{NoJitter, Tenant};
use http::StatusCode;

/// Whoever asks, and what for.
struct Requests {
    tenant: Tenant,
    c1: C1,
    user: String,
    app: String,
    entitlement: String,
}

impl Requests {
    async fn start() -> Self {
        let tenant = Tenant::start(|builder| builder).await;
        let c1 = tenant.credentials().build().unwrap();
        let users = c1.user().list().await.unwrap().list;
        let users = users.into_iter().filter_map(|view| view.user);
        let elin = users
            .into_iter()
            .find(|user| user.display_name.as_deref() == Some("Elin Faber"));
        let search = AppEntitlementSearchServiceSearchRequest::new().query("Taxes Reader");
        let found = c1
            .app_entitlement_search()
            .search(search)
            .await
            .unwrap()
            .list;
        let entitlement = found[0].app_entitlement.clone().unwrap();
        Self {
            tenant,
            c1,
            user: elin.unwrap().id.unwrap(),
            app: entitlement.app_id.unwrap(),
            entitlement: entitlement.id.unwrap(),
        }
    }

    async fn create(&self) -> Result<Task, Error> {
        let body = TaskServiceCreateGrantRequest::new(&self.entitlement, &self.app);
        let body = body.identity_user_id(&self.user);
        let created = self.c1.task().create_grant(body).await?;
        Ok(created.task_view.unwrap().task.unwrap())
    }

    fn wait(&self) -> Wait {
        let clock = self.tenant.clock().clone();
        Wait::new().clock(clock).random(NoJitter)
    }

    /// Waits until somebody has to do something, or the task is closed.
    async fn status(&self, id: &str) -> TaskStatus {
        let wait = self.wait();
        let held = wait.task(&self.c1, id, |status| *status != TaskStatus::Open);
        let WaitEnd::Done(task) = held.await.unwrap() else {
            panic!("it stays open");
        };
        TaskStatus::of(&task)
    }

    async fn has_it(&self) -> bool {
        let body = AppEntitlementSearchServiceSearchGrantsRequest::new().user_id(&self.user);
        let grants = self
            .c1
            .app_entitlement_search()
            .search_grants(body)
            .await
            .unwrap()
            .list;
        grants.iter().any(|row| {
            let grant = row.app_entitlement_user_binding.as_ref().unwrap();
            grant.app_entitlement_id.as_deref() == Some(&self.entitlement)
        })
    }
}

#[tokio::test]
async fn a_request_is_approved_and_waited_for() {
    let requests = Requests::start().await;
    let task = requests.create().await.unwrap();
    let id = task.id.clone().unwrap();
    let again = requests.create().await.unwrap_err();
    assert_eq!(again.existing_id(), Some(id.as_str()));

    let TaskStatus::NeedsApproval { step_id } = requests.status(&id).await else {
        panic!("nobody has to approve");
    };
    let approve = |step: &str| {
        let body = TaskActionsServiceApproveRequest::new(step);
        requests.c1.task_actions().approve(&id, body)
    };
    let wrong = approve("nosuchstep").await.unwrap_err();
    assert_eq!(wrong.status(), Some(StatusCode::BAD_REQUEST));
    let before = approve(&step_id)
        .await
        .unwrap()
        .task_view
        .unwrap()
        .task
        .unwrap();
    assert_eq!(before.policy, task.policy, "as it was");
    let stale = approve(&step_id).await.unwrap_err();
    assert_eq!(stale.status(), Some(StatusCode::CONFLICT));
    assert_eq!(stale.existing_id(), None);
    let mut seen = Vec::new();
    let wait = requests.wait();
    let end = wait.task(&requests.c1, &id, |status| {
        seen.push(status.clone());
        status.succeeded()
    });
    assert!(matches!(end.await.unwrap(), WaitEnd::Done(_)));
    let closed = TaskStatus::Closed(TaskOutcome::Succeeded);
    assert_eq!(seen, [TaskStatus::Open, closed], "two polls");
    assert!(requests.has_it().await);
}

#[tokio::test]
async fn a_request_is_denied() {
    let requests = Requests::start().await;
    let id = requests.create().await.unwrap().id.unwrap();
    let TaskStatus::NeedsApproval { step_id } = requests.status(&id).await else {
        panic!("nobody has to approve");
    };
    let body = TaskActionsServiceDenyRequest::new().policy_step_id(step_id);
    requests.c1.task_actions().deny(&id, body).await.unwrap();
    assert_eq!(
        requests.status(&id).await,
        TaskStatus::Closed(TaskOutcome::Denied)
    );
    assert!(!requests.has_it().await);
}
