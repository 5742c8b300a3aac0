//! Access reviews over HTTP: what they are about, and the tasks that they open.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::access::{TASKS, Tenant};
use client::{has, text};
use serde_json::{Value, json};

const REVIEWS: &str = "/api/v1/access_review";
const POLICIES: &str = "/api/v1/policies";

/// A tenant, unless the description has no reviews.
async fn start() -> Option<Tenant> {
    let needed = [
        "access_review_setup_entitlement.set_campaign_scope_and_entitlements",
        "access_review_template_setup_entitlement.set_scope_and_entitlements",
        "access_review.update",
    ];
    if !needed.into_iter().all(has) {
        return None;
    }
    Tenant::start().await
}

/// A policy by which the first user certifies.
async fn policy(tenant: &Tenant, more: Value) -> String {
    let approval = json!({ "users": { "userIds": [tenant.user("Ada Berg")] } });
    let steps = json!({ "steps": [{ "approval": approval }] });
    let policy = json!({
        "displayName": "Certify",
        "policyType": "POLICY_TYPE_CERTIFY",
        "policySteps": { "certify": steps },
        "postActions": more,
    });
    text(&tenant.client.create(POLICIES, policy).await["policy"]["id"])
}

async fn review(tenant: &Tenant, policy: &str) -> String {
    let review = json!({ "displayName": "Spring", "policyId": policy });
    let created = tenant.client.create(REVIEWS, review).await;
    let id = text(&created["accessReview"]["accessReview"]["id"]);
    format!("{REVIEWS}/{id}")
}

fn entitlements(tenant: &Tenant, names: &[&str]) -> Value {
    let one = |name: &&str| json!({ "appId": tenant.ledger, "appEntitlementId": tenant.entitlement(name) });
    names.iter().map(one).collect()
}

/// Sets the state of the review.
async fn set(tenant: &Tenant, review: &str, state: &str) -> (u16, Value) {
    let state = json!({ "accessReview": { "state": format!("ACCESS_REVIEW_STATE_{state}") } });
    tenant.client.post(review, state).await
}

/// The tasks of a type, by their names.
async fn tasks(tenant: &Tenant, ty: &str) -> Vec<(String, Value)> {
    let all = json!({ "pageSize": 100 });
    let found = tenant.client.create(TASKS, all).await["list"].clone();
    let tasks = found.as_array().unwrap().iter();
    let tasks = tasks.map(|view| view["task"].clone());
    let of_type = tasks.filter(|task| task["type"][ty].is_object());
    let mut tasks: Vec<_> = of_type
        .map(|task| (text(&task["displayName"]), task))
        .collect();
    tasks.sort_by(|(one, _), (other, _)| one.cmp(other));
    tasks
}

#[tokio::test]
async fn a_review_asks_about_each_grant_of_its_entitlements() {
    let Some(tenant) = start().await else {
        return;
    };
    let path = review(&tenant, &policy(&tenant, json!([])).await).await;
    let setup = format!("{path}/scope_and_entitlements");
    let body = json!({
        "entitlements": entitlements(&tenant, &["Reports Reader", "Taxes Writer"]),
        "scopeV2": { "allUsers": {} },
        "expandMask": { "paths": ["*"] },
    });
    let response = tenant.client.create(&setup, body).await;
    assert_eq!(response["scopeV2"]["allUsers"], json!({}));
    let names = response["list"].as_array().unwrap().iter().map(|row| {
        let at = text(&row["entitlementPath"]);
        let at = at.trim_start_matches("$.expanded[").trim_end_matches(']');
        let object = &response["expanded"][at.parse::<usize>().unwrap()];
        text(&object["displayName"])
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["Reports Reader", "Taxes Writer"]);

    let body = json!({ "entitlements": entitlements(&tenant, &["Reports Reader"]) });
    assert_eq!(tenant.client.post(&setup, body).await.0, 200);
    let found = tenant.client.get(&setup).await.1;
    let of = &found["list"][0]["accessReviewEntitlement"];
    assert_eq!(found["list"].as_array().unwrap().len(), 1);
    assert_eq!(
        of["appEntitlementId"],
        json!(tenant.entitlement("Reports Reader"))
    );
    assert_eq!(found["scopeV2"], Value::Null);

    let (status, opened) = set(&tenant, &path, "OPEN").await;
    assert_eq!(status, 200, "{opened}");
    let opened = &opened["accessReview"]["accessReview"];
    assert_eq!(opened["expectedTicketCount"], 3);
    assert_eq!(opened["startedAt"], "2023-11-14T22:13:20Z");
    let certify = tasks(&tenant, "certify").await;
    let [dario, elin, export] = certify.as_slice() else {
        panic!("{certify:?}");
    };
    assert_eq!(dario.0, "Certify Reports Reader of Dario Egger");
    assert_eq!(dario.1["type"]["certify"]["accessReviewId"], opened["id"]);
    assert_eq!(dario.1["stepApproverIds"], json!([tenant.user("Ada Berg")]));

    assert_eq!(tenant.act(&dario.1, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(&elin.1, "deny", json!({})).await.0, 200);
    let outcome = async |task: &Value| {
        let task = tenant.task(task).await;
        assert_eq!(task["state"], "TASK_STATE_CLOSED");
        text(&task["type"]["certify"]["outcome"])
    };
    assert_eq!(outcome(&dario.1).await, "CERTIFY_OUTCOME_CERTIFIED");
    assert_eq!(outcome(&elin.1).await, "CERTIFY_OUTCOME_DECERTIFIED");
    let revoke = tasks(&tenant, "revoke").await;
    assert_eq!(revoke.len(), 1);
    let source = &revoke[0].1["type"]["revoke"]["source"]["review"];
    assert_eq!(source["certTicketId"], elin.1["id"]);
    // It is provisioned after the first read that shows it.
    let reports = "Reports Reader".to_owned();
    tenant.granted("Elin Faber").await;
    assert!(!tenant.granted("Elin Faber").await.contains(&reports));
    assert!(tenant.granted("Dario Egger").await.contains(&reports));

    assert_eq!(set(&tenant, &path, "CLOSED").await.0, 200);
    assert_eq!(outcome(&export.1).await, "CERTIFY_OUTCOME_CANCELLED");
}

#[tokio::test]
async fn a_policy_can_end_access_at_once() {
    let Some(tenant) = start().await else {
        return;
    };
    let actions = json!([{ "certifyRemediateImmediately": true }]);
    let path = review(&tenant, &policy(&tenant, actions).await).await;
    let setup = format!("{path}/scope_and_entitlements");
    let body = json!({ "entitlements": entitlements(&tenant, &["Taxes Writer"]) });
    tenant.client.create(&setup, body).await;
    assert_eq!(set(&tenant, &path, "OPEN").await.0, 200);
    let task = tasks(&tenant, "certify").await.remove(0).1;
    assert_eq!(tenant.act(&task, "deny", json!({})).await.0, 200);
    assert!(tasks(&tenant, "revoke").await.is_empty());
    let taxes = "Taxes Writer".to_owned();
    assert!(!tenant.granted("Filip Grau").await.contains(&taxes));
}

#[tokio::test]
async fn the_policy_is_that_of_the_review_unless_others_override_it() {
    let Some(tenant) = start().await else {
        return;
    };
    let of_review = policy(&tenant, json!([])).await;
    let of_entitlement = policy(&tenant, json!([])).await;
    let id = tenant.entitlement("Taxes Writer");
    let entitlement = format!("/api/v1/apps/{}/entitlements/{id}", tenant.ledger);
    let certify = json!({ "entitlement": { "certifyPolicyId": of_entitlement } });
    assert_eq!(tenant.client.post(&entitlement, certify).await.0, 200);
    for (overrides, expected) in [(false, &of_review), (true, &of_entitlement)] {
        let path = review(&tenant, &of_review).await;
        let setup = format!("{path}/scope_and_entitlements");
        let body = json!({ "entitlements": entitlements(&tenant, &["Taxes Writer"]) });
        tenant.client.create(&setup, body).await;
        let update = json!({ "accessReview": {
            "state": "ACCESS_REVIEW_STATE_OPEN",
            "usePolicyOverride": overrides,
        }});
        assert_eq!(tenant.client.post(&path, update).await.0, 200);
        let review = path.rsplit('/').next().unwrap();
        let mut tasks = tasks(&tenant, "certify").await.into_iter();
        let of = |task: &Value| task["type"]["certify"]["accessReviewId"] == review;
        let (_, task) = tasks.find(|(_, task)| of(task)).unwrap();
        assert_eq!(task["policy"]["policy"]["id"], json!(expected));
    }
}

#[tokio::test]
async fn what_cannot_be_started_stays_as_it_was() {
    let Some(tenant) = start().await else {
        return;
    };
    let path = review(&tenant, "").await;
    let setup = format!("{path}/scope_and_entitlements");
    let taxes = entitlements(&tenant, &["Taxes Writer"]);
    let narrow = json!({ "entitlements": taxes, "scopeV2": { "selectedUsers": {} } });
    tenant.client.create(&setup, narrow).await;
    assert_eq!(set(&tenant, &path, "OPEN").await.0, 501, "its scope");
    tenant
        .client
        .create(&setup, json!({ "entitlements": taxes }))
        .await;
    assert_eq!(set(&tenant, &path, "OPEN").await.0, 400, "no policy");
    let (_, found) = tenant.client.get(&path).await;
    let state = &found["accessReview"]["accessReview"]["state"];
    assert_eq!(state, "ACCESS_REVIEW_STATE_UNSPECIFIED");
    assert!(tasks(&tenant, "certify").await.is_empty());
    let nosuch = json!({ "entitlements": [{ "appId": tenant.ledger, "appEntitlementId": "x" }] });
    assert_eq!(tenant.client.post(&setup, nosuch).await.0, 404);
}

#[tokio::test]
async fn the_entitlements_of_a_template_can_be_those_of_resource_types() {
    let Some(tenant) = start().await else {
        return;
    };
    let templates = "/api/v1/access_review_template";
    let body = json!({ "displayName": "Yearly" });
    let created = tenant.client.create(templates, body).await;
    let id = text(&created["accessReviewTemplate"]["id"]);
    let types = format!("/api/v1/apps/{}/resource_types", tenant.ledger);
    let types = tenant.client.get(&types).await.1;
    let ty = types["list"][0]["appResourceType"]["id"].clone();
    let body =
        json!({ "resourceTypeSelections": [{ "appId": tenant.ledger, "resourceTypeId": ty }] });
    let path = format!("{templates}/{id}/scope_by_resource_type");
    assert_eq!(tenant.client.post(&path, body).await.0, 200);
    let path = format!("{templates}/{id}/scope_and_entitlements");
    let found = tenant.client.get(&path).await.1;
    assert_eq!(
        found["list"].as_array().unwrap().len(),
        tenant.entitlements.len()
    );
    let of = &found["list"][0]["accessReviewTemplateEntitlement"];
    assert_eq!(of["accessReviewTemplateId"], json!(id));
}
