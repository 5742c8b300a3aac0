//! The search for tasks.

use chrono::DateTime;
use serde_json::{Value, json};

use super::super::call::Call;
use super::super::filter::is_empty;
use super::super::grant::{has_come, in_app, seconds};
use super::super::row::Row;
use super::super::{HandlerResult, State, respond};
use super::policy::member;
use super::{OPEN, TASK, has, of_type, text, texts, type_of};
use crate::status::Status;

/// Parameters that are no filters, or of which every task is: none is deleted.
const OTHER: [&str; 4] = ["expandMask", "pageSize", "pageToken", "includeDeleted"];

/// What a step approves by, with the names in `stepApprovalTypes`.
const APPROVALS: [(&str, &str); 10] = [
    ("users", "USERS"),
    ("manager", "MANAGER"),
    ("appOwners", "APP_OWNERS"),
    ("group", "GROUP"),
    ("self", "SELF"),
    ("entitlementOwners", "ENTITLEMENT_OWNERS"),
    ("expression", "EXPRESSION"),
    ("webhook", "WEBHOOK"),
    ("resourceOwners", "RESOURCE_OWNERS"),
    ("agent", "AGENT"),
];

pub(super) fn search(state: &State, call: &Call<'_>) -> HandlerResult {
    let filters = call.body().0.iter();
    let filters = filters.filter(|(name, value)| {
        !OTHER.contains(&name.as_str()) && *name != "sortBy" && !is_empty_filter(value)
    });
    let filters: Vec<_> = filters.collect();
    // A filter that is not known is refused even if there are no tasks.
    for (name, value) in &filters {
        passes(state, call, &Value::Null, name, value)?;
    }
    let keep = |task: &Row| {
        let task = Value::Object(task.0.clone());
        let mut filters = filters.iter();
        filters.all(|(name, value)| passes(state, call, &task, name, value) == Ok(true))
    };
    let tasks = state.read_table(TASK);
    let page = match sort_key(call.body().text("sortBy"))? {
        None => tasks.page(&state.description, call, keep)?,
        Some((key, reverse)) => {
            let key = |_, task: &Row| Some(key(&Value::Object(task.0.clone())));
            tasks.sorted_page(&state.description, call, keep, key, reverse)?
        }
    };
    let element = |task: &Row, expansion: &mut _| {
        state.task_view(call, &Value::Object(task.0.clone()), expansion)
    };
    Ok(respond::list(state, call, "list", page, element))
}

/// An element of `taskTypes` is an object whose only field is empty, and means something nevertheless.
fn is_empty_filter(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        value => is_empty(value),
    }
}

type Key = fn(&Value) -> (i128, String);

/// By what tasks are sorted, and whether backwards; `None` for the order in which they were opened.
fn sort_key(order: &str) -> Result<Option<(Key, bool)>, Status> {
    let number: Key = |task| (text(task, "/numericId").parse().unwrap_or(0), String::new());
    let order = order
        .strip_prefix("TASK_SEARCH_SORT_BY_")
        .unwrap_or_default();
    Ok(match order {
        "" | "UNSPECIFIED" => None,
        "TICKET_ID" | "CREATED_AT" => Some((number, false)),
        "REVERSE_TICKET_ID" | "REVERSE_CREATED_AT" => Some((number, true)),
        "ACCOUNT" => Some((|task| (0, of_type(task, "appUserId").to_owned()), false)),
        "ACCOUNT_OWNER" => Some((
            |task| (0, of_type(task, "identityUserId").to_owned()),
            false,
        )),
        _ => return Err(Status::no_filter("sortBy")),
    })
}

/// Whether the task passes the filter; 501 for one that is not known.
fn passes(
    state: &State,
    call: &Call<'_>,
    task: &Value,
    name: &str,
    value: &Value,
) -> Result<bool, Status> {
    let wanted = |own: &str| match value {
        Value::Array(values) => values.iter().any(|value| value == own),
        value => value == own,
    };
    let any = |own: Vec<&str>| own.into_iter().any(wanted);
    let open = text(task, "/state") == OPEN;
    let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let limit = value.as_str().and_then(time);
    let outcome = |kind: &str| wanted(text(task, &format!("/type/{kind}/outcome")));
    let flag = |name: &str| has_true(task, &format!("/policy/current/approval/approval/{name}"));
    let entitlement = |field: &str| {
        let own = state.entitlement_of(task);
        own.is_some_and(|own| wanted(own.text(field)))
    };
    let account = || {
        let key = in_app(of_type(task, "appId"), of_type(task, "appUserId"));
        state.find("AppUser", &key).cloned().unwrap_or_default()
    };
    let refers = |value: &Value| value["id"] == task["id"];
    Ok(match name {
        "query" => {
            let query = value.as_str().unwrap_or_default().to_lowercase();
            let own = ["/displayName", "/description", "/id", "/numericId"];
            own.iter()
                .any(|field| text(task, field).to_lowercase().contains(&query))
        }
        "refs" => value.as_array().is_some_and(|refs| refs.iter().any(refers)),
        "excludeIds" => !wanted(text(task, "/id")),
        "taskStates" => wanted(text(task, "/state")),
        "taskTypes" => {
            let types = value.as_array().into_iter().flatten();
            let mut names = types.filter_map(Value::as_object).flat_map(|ty| ty.iter());
            names.any(|(name, set)| name == type_of(task).0 && !set.is_null())
        }
        "subjectIds" => wanted(text(task, "/userId")),
        "openerIds" => wanted(text(task, "/createdByUserId")),
        "openerOrSubjectUserId" => any(vec![text(task, "/createdByUserId"), text(task, "/userId")]),
        "assigneesInIds" | "myWorkUserIds" => open && any(texts(task, "/stepApproverIds")),
        "assignedOrStepApproverUserId" if open => any(texts(task, "/stepApproverIds")),
        "assignedOrStepApproverUserId" | "previouslyActedOnIds" | "actorId" => {
            any(texts(task, "/approverIds"))
        }
        "appUserSubjectIds" => wanted(of_type(task, "appUserId")),
        "accountOwnerIds" => wanted(of_type(task, "identityUserId")),
        "accountStatuses" => wanted(
            account()
                .0
                .get("status")
                .map_or("", |status| text(status, "/status")),
        ),
        "accountTypes" => wanted(account().text("appUserType")),
        "applicationIds" => wanted(of_type(task, "appId")),
        "excludeApplicationIds" => !wanted(of_type(task, "appId")),
        "appEntitlementIds" => wanted(of_type(task, "appEntitlementId")),
        "excludeAppEntitlementIds" => !wanted(of_type(task, "appEntitlementId")),
        "appResourceIds" => entitlement("appResourceId"),
        "appResourceTypeIds" => entitlement("appResourceTypeId"),
        "excludeAppResourceTypeIds" => !entitlement("appResourceTypeId"),
        "accessReviewIds" => wanted(of_type(task, "accessReviewId")),
        "grantOutcomes" => outcome("grant"),
        "revokeOutcomes" => outcome("revoke"),
        "certifyOutcomes" => outcome("certify"),
        "createdAfter" => time(text(task, "/createdAt")) >= limit,
        "createdBefore" => time(text(task, "/createdAt")) < limit,
        "outcomeAfter" => {
            let own = time(of_type(task, "outcomeTime"));
            own.is_some() && own >= limit
        }
        "outcomeBefore" => {
            let own = time(of_type(task, "outcomeTime"));
            own.is_some() && own < limit
        }
        "olderThanDuration" => {
            let age = value.as_str().and_then(seconds);
            let then = age.and_then(|age| call.now.checked_sub(age));
            then.is_some_and(|then| has_come(text(task, "/createdAt"), then))
        }
        "emergencyStatus" => match value.as_str() {
            Some("EMERGENCY") => has_true(task, "/emergencyAccess"),
            Some("NON_EMERGENCY") => !has_true(task, "/emergencyAccess"),
            _ => true,
        },
        "currentStep" => {
            let step = value.as_str().unwrap_or_default();
            let step = step.rsplit('_').next().unwrap_or_default().to_lowercase();
            has(task, &format!("/policy/current/{step}"))
        }
        "stepApprovalTypes" => {
            let names = APPROVALS.map(|(name, _)| name);
            let config = &task["policy"]["current"]["approval"]["approval"];
            let found = member(config, &names).map(|(name, _)| name);
            let found = APPROVALS.iter().find(|(name, _)| Some(*name) == found);
            found.is_some_and(|(_, name)| wanted(&format!("STEP_APPROVAL_TYPE_{name}")))
        }
        "requireApprovalReason" | "requireDenialReason" => flag(name),
        "userEmploymentStatuses" => {
            let user = state.find_by_id("User", text(task, "/userId"));
            user.is_ok_and(|user| wanted(user.text("employmentStatus")))
        }
        _ => return Err(Status::no_filter(name)),
    })
}

fn has_true(task: &Value, pointer: &str) -> bool {
    task.pointer(pointer) == Some(&json!(true))
}
