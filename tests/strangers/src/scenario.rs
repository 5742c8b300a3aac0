//! The life of access requests through the Rust client, and what it leaves behind.

use std::error::Error;

use c1_api_ext::C1;
use c1_api_ext::c1_api::Error as Failure;
use c1_api_ext::c1_api::types::{
    AppEntitlementSearchServiceSearchGrantsRequest, SearchAppsRequest, Task,
    TaskActionsServiceApproveRequest, TaskActionsServiceCloseRequest,
    TaskActionsServiceDenyRequest, TaskActionsServiceRestartRequest, TaskServiceCreateGrantRequest,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Who asks for what, of the emulator's seed data.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) app: String,
    pub(crate) entitlement: String,
    pub(crate) user: String,
}

/// The id of a user.
pub(crate) async fn user(c1: &C1, name: &str) -> Outcome<String> {
    let page = c1.user().list().page_size(100).await?;
    let users = page.list.into_iter().filter_map(|view| view.user);
    let found = users
        .into_iter()
        .find(|user| user.display_name.as_deref() == Some(name));
    let id = found.and_then(|user| user.id);
    Ok(id.ok_or_else(|| format!("there is no user {name}"))?)
}

/// The ids of an entitlement for a user.
pub(crate) async fn wish(c1: &C1, app: &str, entitlement: &str, name: &str) -> Outcome<Wish> {
    let apps = c1
        .app_search()
        .search(SearchAppsRequest::new().query(app))
        .await?;
    let app = apps
        .list
        .into_iter()
        .next()
        .and_then(|app| app.id)
        .ok_or("no app")?;
    let page = c1.app_entitlements().list(&app).page_size(100).await?;
    let mut all = page
        .list
        .into_iter()
        .filter_map(|view| view.app_entitlement);
    let found = all.find(|one| one.display_name.as_deref() == Some(entitlement));
    Ok(Wish {
        app,
        entitlement: found.and_then(|one| one.id).ok_or("no entitlement")?,
        user: user(c1, name).await?,
    })
}

/// The names of what a user has.
pub(crate) async fn granted(c1: &C1, user: &str) -> Outcome<Vec<String>> {
    let request = AppEntitlementSearchServiceSearchGrantsRequest::new().user_id(user);
    let page = c1.app_entitlement_search().search_grants(request).await?;
    let views = page.list.into_iter().filter_map(|row| row.entitlement);
    let names = views.filter_map(|view| view.app_entitlement?.display_name);
    Ok(names.collect())
}

async fn request(c1: &C1, wish: &Wish) -> Outcome<(String, String)> {
    let request = TaskServiceCreateGrantRequest::new(&wish.entitlement, &wish.app)
        .identity_user_id(&wish.user);
    let created = c1.task().create_grant(request).await?;
    let task = created
        .task_view
        .and_then(|view| view.task)
        .ok_or("no task")?;
    let id = task.id.clone().ok_or("no id")?;
    let current = task.policy.and_then(|policy| policy.current);
    let step = current.ok_or("no step")?;
    if step.approval.is_none() {
        return Err("the first step is no approval".into());
    }
    Ok((id, step.id.ok_or("no id of the step")?))
}

async fn get(c1: &C1, id: &str) -> Outcome<Task> {
    let view = c1.task().get(id).await?.task_view;
    Ok(view.and_then(|view| view.task).ok_or("no task")?)
}

/// The state and the outcome of a task, when it is closed.
pub(crate) async fn closed(c1: &C1, id: &str) -> Outcome<(String, String)> {
    // The first look can come before the provisioning is done.
    let mut last = (String::new(), String::new());
    for _ in 0..10 {
        let task = get(c1, id).await?;
        let outcome = task
            .r#type
            .and_then(|ty| ty.grant)
            .and_then(|grant| grant.outcome);
        last = (
            task.state
                .map(|state| state.to_string())
                .unwrap_or_default(),
            outcome
                .map(|outcome| outcome.to_string())
                .unwrap_or_default(),
        );
        if last.0 == "TASK_STATE_CLOSED" {
            break;
        }
    }
    Ok(last)
}

/// One request that is approved and provisioned, one that is cancelled after a wrong and a stale step were refused, and one
/// that is denied. Returns the ids of the tasks with their outcomes.
pub(crate) async fn access_requests(
    c1: &C1,
    approver: &C1,
    granted_wish: &Wish,
    other_wish: &Wish,
) -> Outcome<[(String, &'static str); 3]> {
    let approve = async |task: &str, step: &str| {
        let request = TaskActionsServiceApproveRequest::new(step);
        approver.task_actions().approve(task, request).await
    };

    let (given, step) = request(c1, granted_wish).await?;
    approve(&given, &step).await?;
    expect(&closed(c1, &given).await?, "GRANT_OUTCOME_GRANTED")?;
    let policy = get(c1, &given).await?.policy.ok_or("no policy")?;
    let steps = policy.history.iter();
    let steps = steps.map(|step| (step.approval.is_some(), step.provision.is_some()));
    if steps.collect::<Vec<_>>() != [(true, false), (false, true)] {
        return Err(format!("not approved and provisioned: {:?}", policy.history).into());
    }

    let (cancelled, stale) = request(c1, other_wish).await?;
    refused(approve(&cancelled, "nosuchstep").await, 400)?;
    let restart = TaskActionsServiceRestartRequest::new();
    c1.task_actions().restart(&cancelled, restart).await?;
    refused(approve(&cancelled, &stale).await, 409)?;
    let close = TaskActionsServiceCloseRequest::new();
    c1.task_actions().close(&cancelled, close).await?;
    expect(&closed(c1, &cancelled).await?, "GRANT_OUTCOME_CANCELLED")?;

    let (denied, step) = request(c1, other_wish).await?;
    let deny = TaskActionsServiceDenyRequest::new().policy_step_id(&step);
    approver.task_actions().deny(&denied, deny).await?;
    expect(&closed(c1, &denied).await?, "GRANT_OUTCOME_DENIED")?;
    Ok([
        (given, "GRANT_OUTCOME_GRANTED"),
        (cancelled, "GRANT_OUTCOME_CANCELLED"),
        (denied, "GRANT_OUTCOME_DENIED"),
    ])
}

/// An error unless the call got this status.
fn refused<T>(outcome: Result<T, Failure>, status: u16) -> Outcome<()> {
    match outcome {
        Err(error) if error.status().is_some_and(|found| found == status) => Ok(()),
        Err(error) => Err(format!("expected {status}: {error}").into()),
        Ok(_) => Err(format!("expected {status}, found success").into()),
    }
}

/// An error unless the task is closed with the outcome.
pub(crate) fn expect(closed: &(String, String), outcome: &str) -> Outcome<()> {
    let expected = ("TASK_STATE_CLOSED".to_owned(), outcome.to_owned());
    if *closed == expected {
        Ok(())
    } else {
        Err(format!("the task is {closed:?}, expected {expected:?}").into())
    }
}
