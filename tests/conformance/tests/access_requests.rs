//! Access requests through the client: the state that the emulator keeps is what the waiters and the errors of the client
//! are made for.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use c1_api::Error;
use c1_api::types::{
    AppEntitlementSearchServiceSearchGrantsRequest, AppEntitlementSearchServiceSearchRequest, Task,
    TaskActionsServiceApproveRequest, TaskActionsServiceDenyRequest,
    TaskActionsServiceRestartRequest, TaskServiceCreateGrantRequest,
};
use c1_api_ext::access::{AccessError, Entitlement, Recipient};
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

    fn entitlement(&self) -> Entitlement {
        self.c1
            .access()
            .entitlement_by_id(&self.app, &self.entitlement)
    }

    fn recipient(&self) -> Recipient {
        Recipient::user(&self.user)
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

#[tokio::test]
async fn the_workflow_goes_from_an_alias_to_the_grant_and_back() {
    let requests = Requests::start().await;
    let access = requests.c1.access();
    let search = AppEntitlementSearchServiceSearchRequest::new().query("Taxes Reader");
    let found = access.find(search).await.unwrap();
    assert_eq!(found.id(), requests.entitlement);
    let entitlement = access.entitlement(found.alias()).await.unwrap();
    assert_eq!(
        (entitlement.app_id(), entitlement.id()),
        (found.app_id(), found.id())
    );
    let half = found.alias().split_once('-').unwrap().0;
    let none = access.entitlement(half).await.unwrap_err();
    let AccessError::NoEntitlement { similar, .. } = &none else {
        panic!("{none}");
    };
    assert!(
        similar.len() > 1 && none.to_string().contains(similar[0].alias()),
        "{none}"
    );
    let search = AppEntitlementSearchServiceSearchRequest::new().query("Reader");
    let several = access.find(search).await.unwrap_err();
    assert!(matches!(&several, AccessError::Ambiguous { candidates, .. } if candidates.len() > 1));

    let whom = requests.recipient();
    assert!(entitlement.held_by(&whom).await.unwrap().is_empty());
    let before = access.held_by(&whom).await.unwrap().len();
    let request = entitlement
        .grant_to(whom.clone())
        .description("why")
        .send()
        .await
        .unwrap();
    assert!(!request.existed());
    let again = entitlement.grant_to(whom.clone()).send().await.unwrap();
    assert_eq!((again.id(), again.existed()), (request.id(), true));
    assert_eq!(
        request.task().await.unwrap().description.as_deref(),
        Some("why")
    );

    let held = requests.status(request.id()).await;
    assert!(matches!(held, TaskStatus::NeedsApproval { .. }), "{held:?}");
    request.approve("fine").await.unwrap();
    let done = request.wait(&requests.wait()).await.unwrap();
    assert!(matches!(done, WaitEnd::Done(_)), "{done:?}");
    assert_eq!(request.why_not().await.unwrap(), None);
    let grants = entitlement.held_by(&whom).await.unwrap();
    assert_eq!(access.held_by(&whom).await.unwrap().len(), before + 1);

    let account = Recipient::app_user(grants[0].app_user_id.clone().unwrap());
    assert_eq!(entitlement.held_by(&account).await.unwrap(), grants);
    let revoke = entitlement
        .revoke_from(account.clone())
        .send()
        .await
        .unwrap();
    let same = entitlement.revoke_from(account).send().await.unwrap();
    assert_eq!((same.id(), same.existed()), (revoke.id(), true));
    let held = requests.status(revoke.id()).await;
    if matches!(held, TaskStatus::NeedsApproval { .. }) {
        revoke.approve("").await.unwrap();
    }
    let done = revoke.wait(&requests.wait()).await.unwrap();
    assert!(matches!(done, WaitEnd::Done(_)), "{done:?}");
    assert!(entitlement.held_by(&whom).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_denial_tells_who_and_why_and_a_stale_step_is_looked_up() {
    let requests = Requests::start().await;
    let entitlement = requests.entitlement();
    let request = entitlement
        .grant_to(requests.recipient())
        .send()
        .await
        .unwrap();
    let before = requests.status(request.id()).await;
    let restart = TaskActionsServiceRestartRequest::new();
    requests
        .c1
        .task_actions()
        .restart(request.id(), restart)
        .await
        .unwrap();
    assert_ne!(requests.status(request.id()).await, before, "another step");
    request.deny("not this quarter").await.unwrap();
    let end = request.wait(&requests.wait()).await.unwrap();
    assert!(matches!(end, WaitEnd::Failed(_)), "{end:?}");
    let refusal = request.why_not().await.unwrap().unwrap();
    assert_eq!(refusal.outcome, TaskOutcome::Denied);
    assert_eq!(refusal.reason.as_deref(), Some("not this quarter"));
    let late = request.approve("").await.unwrap_err();
    let denied = TaskStatus::Closed(TaskOutcome::Denied);
    assert!(
        matches!(&late, AccessError::NotHeld { status, .. } if *status == denied),
        "{late}"
    );
}
