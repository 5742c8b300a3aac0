//! Grants over HTTP: who has what, until when, and what can be requested.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::time::Duration;

use client::access::{GRANTS, Tenant};
use client::{has, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn grants_end_when_their_time_has_come() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let mut body = tenant.grant_body("Elin Faber", "Taxes Reader");
    for wrong in ["0s", "-1s"] {
        body["grantDuration"] = json!(wrong);
        assert_eq!(
            tenant
                .client
                .post("/api/v1/task/grant", body.clone())
                .await
                .0,
            400
        );
    }
    body["grantDuration"] = json!("3600s");
    let created = tenant.client.create("/api/v1/task/grant", body).await;
    let task = &created["taskView"]["task"];
    let longer = json!({ "duration": "7200s" });
    assert_eq!(
        tenant.act(task, "update-grant-duration", longer).await.0,
        200
    );
    assert_eq!(tenant.act(task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(task, "process", json!({})).await.0, 200);
    tenant.pass(7199);
    assert!(
        tenant
            .granted("Elin Faber")
            .await
            .contains(&"Taxes Reader".to_owned())
    );

    let account = text(&tenant.task(task).await["type"]["grant"]["appUserId"]);
    let of_entitlement = format!(
        "/api/v1/apps/{}/entitlements/{}",
        tenant.ledger,
        tenant.entitlement("Taxes Reader")
    );
    let durations = format!("{of_entitlement}/users/{account}");
    let past = json!({ "newDeprovisionAt": "2001-01-01T00:00:00Z" });
    let update = format!("{durations}/update-grant-duration");
    assert_eq!(tenant.client.post(&update, past).await.0, 400);
    let later = json!({ "newDeprovisionAt": "2023-11-15T01:00:00Z" });
    let binding = tenant.client.create(&update, later).await["binding"].clone();
    assert_eq!(binding["deprovisionAt"], "2023-11-15T01:00:00Z");
    tenant.pass(1);
    assert!(
        tenant
            .granted("Elin Faber")
            .await
            .contains(&"Taxes Reader".to_owned())
    );
    tenant.pass(24 * 60 * 60);
    assert_eq!(tenant.granted("Elin Faber").await.len(), 3);
    assert_eq!(
        tenant
            .client
            .post(
                &update,
                json!({ "newDeprovisionAt": "2033-01-01T00:00:00Z" })
            )
            .await
            .0,
        404
    );

    let ended = json!({ "appUserRefs": [{ "appId": tenant.ledger, "id": account }] });
    let ended = tenant
        .client
        .create("/api/v1/search/past-grants", ended)
        .await;
    assert_eq!(
        ended["list"][0]["history"]["revokedAt"], "2023-11-15T01:00:00Z",
        "{ended}"
    );
    let feed = json!({ "appUserRefs": [{ "appId": tenant.ledger, "id": account }], "after": "2023-11-14T00:00:00Z" });
    let feed = tenant.client.create("/api/v1/grants/feed", feed).await;
    let events = feed["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|view| text(&view["feed"]["eventType"]));
    assert_eq!(
        events.collect::<Vec<_>>(),
        ["GRANT_EVENT_TYPE_ADDED", "GRANT_EVENT_TYPE_REMOVED"]
    );
    assert_eq!(feed["list"][0]["feed"]["ticketId"], task["id"]);
}

#[tokio::test]
async fn a_grant_that_ends_is_extended() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let mut body = tenant.grant_body("Ines Jung", "Audits Admin");
    let forever = tenant.client.post("/api/v1/task/grant", body.clone()).await;
    assert_eq!(forever.0, 400, "she has it");
    body["grantDuration"] = json!("8640000s");
    let created = tenant.client.create("/api/v1/task/grant", body).await;
    let task = &created["taskView"]["task"];
    assert_eq!(tenant.act(task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(task, "process", json!({})).await.0, 200);
    assert_eq!(tenant.granted("Ines Jung").await.len(), 2);
    tenant.pass(8_639_999);
    assert_eq!(tenant.granted("Ines Jung").await.len(), 2);
    tenant.pass(1);
    assert_eq!(tenant.granted("Ines Jung").await, ["Audits Reader"]);
}

#[tokio::test]
async fn new_grants_take_time_to_show() {
    let delay = Duration::from_secs(120);
    let tenant = Tenant::with(|builder| builder.consistency_delay(delay));
    let Some(tenant) = tenant.await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(&task, "process", json!({})).await.0, 200);
    let closed = tenant.task(&task).await;
    assert_eq!(
        closed["state"], "TASK_STATE_CLOSED",
        "what is read by its id is up to date"
    );
    tenant.pass(119);
    assert_eq!(tenant.granted("Elin Faber").await.len(), 3);
    tenant.pass(1);
    assert_eq!(tenant.granted("Elin Faber").await.len(), 4);
}

#[tokio::test]
async fn a_grant_lasts_as_long_as_its_entitlement_allows() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let entitlement = tenant.entitlement("Taxes Reader");
    let path = format!("/api/v1/apps/{}/entitlements/{entitlement}", tenant.ledger);
    let update =
        json!({ "entitlement": { "durationGrant": "3600s" }, "updateMask": "durationGrant" });
    tenant.client.create(&path, update).await;
    let mut body = tenant.grant_body("Elin Faber", "Taxes Reader");
    body["grantDuration"] = json!("3601s");
    assert_eq!(tenant.client.post("/api/v1/task/grant", body).await.0, 400);
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(task["type"]["grant"]["grantDuration"], "3600s");
    let longer = json!({ "duration": "3601s" });
    assert_eq!(
        tenant.act(&task, "update-grant-duration", longer).await.0,
        400
    );
}

#[tokio::test]
async fn all_that_read_grants_see_the_same() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let (client, ledger) = (&tenant.client, &tenant.ledger);
    let entitlement = tenant.entitlement("Reports Reader");
    let of_entitlement = format!("/api/v1/apps/{ledger}/entitlements/{entitlement}");
    let names = |response: &Value, at: &str| {
        let list = response["list"].as_array().unwrap().iter();
        list.map(|row| text(row.pointer(at).unwrap()))
            .collect::<Vec<_>>()
    };
    let holders = ["Dario Egger", "Elin Faber", "Nightly export"];
    let users = client.get(&format!("{of_entitlement}/users")).await.1;
    assert_eq!(names(&users, "/appUser/appUser/displayName"), holders);
    let with_users = client.get(&format!("{of_entitlement}/grants")).await.1;
    assert_eq!(names(&with_users, "/appUser/displayName"), holders);
    assert_eq!(
        with_users["list"][1]["user"]["id"],
        json!(tenant.user("Elin Faber"))
    );
    assert_eq!(with_users["list"][2]["user"], Value::Null);
    let one = client.get(&of_entitlement).await.1;
    assert_eq!(
        one["appEntitlementView"]["appEntitlement"]["grantCount"],
        "3"
    );

    let search = json!({
        "entitlementRefs": [{ "appId": ledger, "id": entitlement }],
        "expandMask": { "paths": ["*"] },
    });
    let found = client.create(GRANTS, search).await;
    assert_eq!(
        names(
            &found,
            "/appEntitlementUserBinding/appUser/appUser/displayName"
        ),
        holders
    );
    let object = |path: &Value| {
        let at = text(path);
        let at = at
            .strip_prefix("$.expanded[")
            .unwrap()
            .strip_suffix(']')
            .unwrap();
        found["expanded"][at.parse::<usize>().unwrap()].clone()
    };
    let elin = &found["list"][1];
    assert_eq!(
        object(&elin["entitlement"]["appPath"])["displayName"],
        "Ledger"
    );
    assert_eq!(
        object(&elin["entitlement"]["appResourcePath"])["displayName"],
        "Reports"
    );
    let account = &elin["appEntitlementUserBinding"]["appUser"];
    assert_eq!(
        object(&account["identityUserPath"])["displayName"],
        "Elin Faber"
    );
    let usage = object(&account["lastUsagePath"]);
    assert_eq!(usage["value"], "2023-11-11T22:13:20Z", "three days ago");
    for (filter, count) in [
        (json!({ "appIds": [ledger] }), 12),
        (json!({ "appIds": ["nosuch"] }), 0),
        (json!({ "entitlementSlugs": ["admin"] }), 4),
        (
            json!({ "appUserIds": [elin["appEntitlementUserBinding"]["appUserId"]] }),
            3,
        ),
        (
            json!({ "resourceIds": [elin["entitlement"]["appEntitlement"]["appResourceId"]] }),
            3,
        ),
        (
            json!({ "purpose": ["APP_ENTITLEMENT_PURPOSE_VALUE_OWNERSHIP"] }),
            0,
        ),
        (json!({ "pageSize": 10 }), 10),
    ] {
        let found = client.create(GRANTS, filter.clone()).await;
        assert_eq!(found["list"].as_array().unwrap().len(), count, "{filter}");
        let token = text(&found["nextPageToken"]);
        assert_eq!(token.is_empty(), count != 10, "{filter}");
        if !token.is_empty() {
            let rest = client.create(GRANTS, json!({ "pageToken": token })).await;
            assert_eq!(rest["list"].as_array().unwrap().len(), 6);
        }
    }

    let id = text(&elin["appEntitlementUserBinding"]["appUserId"]);
    let has = ["Invoices Writer", "Payments Writer", "Reports Reader"];
    for path in [
        format!("/api/v1/apps/{ledger}/entitlements/users/{id}"),
        format!("/api/v1/search/apps/{ledger}/entitlements/users/{id}"),
    ] {
        let found = client.get(&path).await.1;
        assert_eq!(names(&found, "/appEntitlement/displayName"), has, "{path}");
    }
    let of_user = format!(
        "{of_entitlement}/users/{}/grants",
        tenant.user("Elin Faber")
    );
    let bindings = client.get(&of_user).await.1["bindings"].clone();
    assert_eq!(bindings[0]["appUserId"], json!(id));
    assert_ne!(bindings[0]["createdAt"], Value::Null);
    let count = json!({ "userId": tenant.user("Elin Faber") });
    let reached = client
        .create("/api/v1/search/graph/resources", count.clone())
        .await;
    assert_eq!(
        names(&reached, "/displayName"),
        ["Invoices", "Payments", "Reports"]
    );
    let counted = client.create("/api/v1/search/graph/counts", count).await;
    assert_eq!(counted["totalGrants"], "3");
    assert_eq!(
        counted["appGrantCounts"],
        json!([{ "appId": ledger, "grantCount": "3" }])
    );

    for missing in [
        "/api/v1/apps/nosuch/entitlements/x/users".to_owned(),
        "/api/v1/apps/nosuch/entitlements/x/grants".to_owned(),
        format!("/api/v1/apps/{ledger}/entitlements/nosuch/users"),
        format!("/api/v1/apps/{ledger}/entitlements/users/nosuch"),
        format!("{of_entitlement}/users/nosuch/grants"),
    ] {
        assert_eq!(client.get(&missing).await.0, 404, "{missing}");
    }
}

#[tokio::test]
async fn what_can_be_requested_is_in_a_catalog() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    if !has("request_catalog_search.search_entitlements") {
        return;
    }
    let search = async |filter: Value| {
        let path = "/api/v1/search/request_catalog/entitlements";
        let found = tenant.client.create(path, filter).await;
        let list = found["list"].as_array().unwrap().iter();
        let names = list.map(|row| {
            let name = text(&row["entitlement"]["appEntitlement"]["displayName"]);
            (
                name,
                row["appEntitlementUserBindings"].as_array().unwrap().len(),
            )
        });
        names.collect::<Vec<_>>()
    };
    let row = |name: &str, grants| (name.to_owned(), grants);
    let images = json!({ "appDisplayName": "harbor" });
    assert_eq!(
        search(images).await,
        [row("Images Reader", 0), row("Images Writer", 0)]
    );
    assert_eq!(
        search(json!({ "query": "taxes" })).await.len(),
        2,
        "not the admin"
    );
    let alias = json!({ "entitlementAlias": "harbor-images-writer" });
    let found = tenant
        .client
        .create(
            "/api/v1/search/entitlements",
            json!({ "query": "Images Writer" }),
        )
        .await;
    let entitlement = &found["list"][0]["appEntitlement"];
    let add = format!(
        "/api/v1/apps/{}/entitlements/{}/add-manual-user",
        text(&entitlement["appId"]),
        text(&entitlement["id"])
    );
    let ada = json!({ "userIds": [tenant.user("Ada Berg")] });
    tenant.client.create(&add, ada).await;
    assert_eq!(search(alias).await, [row("Images Writer", 1)]);
    let granted = json!({ "grantedStatus": "GRANTED" });
    assert_eq!(search(granted).await, [row("Images Writer", 1)]);
    let others = json!({ "grantedStatus": "NOT_GRANTED", "appDisplayName": "harbor" });
    assert_eq!(search(others).await, [row("Images Reader", 0)]);
}

#[tokio::test]
async fn members_are_added_and_removed_without_a_task() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let of = format!(
        "/api/v1/apps/{}/entitlements/{}",
        tenant.ledger,
        tenant.entitlement("Taxes Reader")
    );
    let add = json!({ "userIds": [tenant.user("Bo Castell"), "nosuch"] });
    let added = tenant
        .client
        .create(&format!("{of}/add-manual-user"), add)
        .await;
    assert_eq!(
        added["failedUsersErrorMap"],
        json!({ "nosuch": "User not found" })
    );
    assert_eq!(
        tenant.granted("Bo Castell").await,
        ["Images Writer", "Taxes Reader"]
    );
    let users = tenant.client.get(&format!("{of}/users")).await.1;
    let member = json!({ "appUserId": users["list"][0]["appUserId"] });
    let remove = format!("{of}/remove-membership");
    let removed = tenant
        .client
        .call(Method::DELETE, &remove, member.clone())
        .await;
    assert_eq!(removed.0, 200);
    assert_eq!(tenant.granted("Bo Castell").await, ["Images Writer"]);
    assert_eq!(
        tenant.client.call(Method::DELETE, &remove, member).await.0,
        404
    );
}
