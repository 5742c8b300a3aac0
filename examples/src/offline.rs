//! Objects that some programs need and a new offline tenant does not have.

use std::time::Duration;

use c1_api_ext::access::{AccessRequest, Recipient};
use c1_api_ext::types::{
    AppEntitlement, AppEntitlementSearchServiceSearchRequest, Approval,
    CreateAppEntitlementRequest, CreateAppRequest, CreatePolicyRequest, PolicyStep, PolicySteps,
    PolicyType, Provision, SetAppEntitlementOwnersRequestV2, TaskServiceCreateGrantRequest,
    UpdateAppEntitlementRequest, UserRef, WebhookApproval, WebhooksServiceCreateRequest,
};
use c1_api_ext::{C1, TaskStatus, Update as _, Wait, present};

use crate::{Outcome, app, user};

/// Has the tenant ask the receiver at the URL to approve a request, and returns when it is decided.
///
/// # Errors
/// If a call fails.
pub async fn ask_receiver(c1: &C1, url: &str) -> Outcome<()> {
    let webhook = WebhooksServiceCreateRequest::new("Approvals", url);
    let created = c1.webhooks().create(webhook).await?;
    let approval = WebhookApproval::new().webhook_id(present!(created.webhook.id)?);
    let steps = PolicySteps::new().steps([
        PolicyStep::new().approval(Approval::new().webhook(approval)),
        PolicyStep::new().provision(Provision::new()),
    ]);
    let policy = CreatePolicyRequest::new("A program approves")
        .policy_type(PolicyType::Grant)
        .policy_steps([("grant".to_owned(), steps)]);
    let policy = c1.policies().create(policy).await?;

    let entitlement = c1.access().entitlement("ledger-taxes-reader").await?;
    let (app_id, id) = (entitlement.app_id(), entitlement.id());
    let after = AppEntitlement::new().grant_policy_id(present!(policy.policy.id)?);
    let update = UpdateAppEntitlementRequest::setting(after)?;
    c1.app_entitlements().update(app_id, id, update).await?;
    let user = user(c1, "elin.faber@example.com").await?;
    let request = entitlement.grant_to(Recipient::user(user));
    let request = request.send().await?;
    let wait = Wait::new().first_delay(Duration::from_millis(100));
    let granted = request.wait(&wait).await?.done().is_some();
    println!(
        "The request was {}.",
        if granted { "granted" } else { "not granted" }
    );
    Ok(())
}

/// Has two users request access that this user, who manages them, must approve.
///
/// # Errors
/// If a call fails.
pub async fn request_access(c1: &C1, manager: &str) -> Outcome<()> {
    let mut users = c1.user().list().items();
    let mut entitlements = c1
        .app_entitlement_search()
        .search(AppEntitlementSearchServiceSearchRequest::new().query("Reports"))
        .items();
    while let Some(view) = users.try_next().await? {
        let user = view.user.unwrap_or_default();
        if !user.manager_ids.iter().any(|id| id == manager) {
            continue;
        }
        let Some(view) = entitlements.try_next().await? else {
            break;
        };
        let entitlement = view.app_entitlement.unwrap_or_default();
        let request = TaskServiceCreateGrantRequest::new(
            entitlement.id.unwrap_or_default(),
            entitlement.app_id.unwrap_or_default(),
        );
        let request = request.identity_user_id(user.id.unwrap_or_default());
        c1.task().create_grant(request).await?;
    }
    Ok(())
}

/// Approves the request, as soon as a step of its policy asks for it.
///
/// # Errors
/// If a call fails.
pub async fn approve(request: &AccessRequest) -> Outcome<()> {
    let wait = Wait::new().first_delay(Duration::from_millis(100));
    let asks = |status: &TaskStatus| matches!(status, TaskStatus::NeedsApproval { .. });
    request.wait_until(&wait, asks).await?;
    request.approve("Approved.").await?;
    Ok(())
}

/// Adds an app with the entitlements of the app Harbor, and two owners of the latter.
///
/// # Errors
/// If a call fails.
pub async fn add_owners(c1: &C1) -> Outcome<()> {
    let copy = c1
        .apps()
        .create(CreateAppRequest::new("Harbor Staging"))
        .await?;
    let copy = present!(copy.app.id)?;
    let harbor = app(c1, "Harbor").await?;
    let harbor = present!(harbor.id)?;
    let users: Vec<_> = c1.user().list().items().limit(2).try_collect().await?;
    let mut entitlements = c1.app_entitlements().list(harbor).items();
    while let Some(view) = entitlements.try_next().await? {
        let entitlement = view.app_entitlement.unwrap_or_default();
        let name = entitlement.display_name.unwrap_or_default();
        c1.app_entitlements()
            .create(copy, CreateAppEntitlementRequest::new(&name))
            .await?;
        let owners = users
            .iter()
            .filter_map(|view| view.user.as_ref()?.id.as_deref());
        let owners = SetAppEntitlementOwnersRequestV2::new()
            .role_slug("owner")
            .user_refs(owners.map(|id| UserRef::new().id(id)).collect::<Vec<_>>());
        let id = entitlement.id.unwrap_or_default();
        if name != "Images Reader" {
            c1.app_entitlement_owners_v2()
                .set(harbor, id, owners)
                .await?;
        }
    }
    Ok(())
}
