//! What operations of their own bind, exclude and set, over HTTP.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::{Client, has, text};
use reqwest::Method;
use serde_json::{Value, json};

/// The field of each element of a list.
fn each(found: &Value, list: &str, pointer: &str) -> Vec<String> {
    let list = found[list].as_array().unwrap().iter();
    list.map(|row| text(row.pointer(pointer).unwrap()))
        .collect()
}

#[tokio::test]
async fn functions_run_as_the_service_principals_that_they_are_bound_to() {
    if !has("principal.add_binding") {
        return;
    }
    let client = Client::start().await;
    let principals = "/api/v1/service_principals";
    let created = client
        .create(principals, json!({ "displayName": "x" }))
        .await;
    let principal = text(&created["servicePrincipal"]["id"]);
    let functions = ["a", "b"].map(|name| {
        let function = json!({ "displayName": name });
        let function = client.emulator.add("Function", function).unwrap();
        text(&function["id"])
    });
    let body = |function: &str| json!({ "servicePrincipalId": principal, "subject": { "functionId": function } });
    let post = async |path: &str, body: Value| {
        client
            .post(&format!("{principals}/bindings{path}"), body)
            .await
    };
    let bound = async |function: &str| {
        let subject = json!({ "subject": { "functionId": function } });
        each(
            &post("/list", subject).await.1,
            "bindings",
            "/servicePrincipalId",
        )
    };
    for _ in 0..2 {
        assert_eq!(post("", body(&functions[0])).await.0, 200);
    }
    assert_eq!(bound(&functions[0]).await, [principal.as_str()]);
    assert!(bound(&functions[1]).await.is_empty());
    assert_eq!(post("", body("nosuch")).await.0, 404);
    assert_eq!(post("/delete", body(&functions[0])).await.0, 200);
    assert_eq!(post("/delete", body(&functions[0])).await.0, 404);
    assert!(bound(&functions[0]).await.is_empty());
}

#[tokio::test]
async fn the_schema_of_an_entitlement_is_one_state() {
    if !has("request_schema.create_entitlement_binding") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let id = client.entitlement(&app, "Pick").await;
    let schema = client.emulator.add("RequestSchema", json!({})).unwrap();
    let schema = text(&schema["id"]);
    let path = "/api/v1/request_schema_entitlement_binding";
    let reference = json!({ "appId": app, "id": id });
    let body = json!({ "entitlementRef": reference, "requestSchemaId": schema });
    let find = json!({ "entitlementRef": reference });
    let find = async || client.call(Method::PUT, path, find.clone()).await;
    let shown = async || {
        let path = format!("/api/v1/apps/{app}/entitlements/{id}");
        let found = client.get(&path).await.1;
        text(&found["appEntitlementView"]["appEntitlement"]["requestSchemaId"])
    };
    assert_eq!(find().await.0, 404);
    assert_eq!(client.create(path, body.clone()).await, body);
    assert_eq!(find().await, (200, body.clone()));
    assert_eq!(shown().await, schema);
    let mut other = body.clone();
    other["requestSchemaId"] = json!("nosuch");
    assert_eq!(client.post(path, other.clone()).await.0, 404);
    assert_eq!(client.call(Method::DELETE, path, other).await.0, 404);
    assert_eq!(client.call(Method::DELETE, path, body).await.0, 200);
    assert_eq!(find().await.0, 404);
    assert_eq!(shown().await, "");
}

#[tokio::test]
async fn users_can_be_left_out_of_automation() {
    if !has("app_entitlements.add_automation_exclusion") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let users = client.get("/api/v1/users").await.1;
    let users = each(&users, "list", "/userId");
    let path = |id: &str| format!("/api/v1/apps/{app}/entitlements/{id}/automation/exclusions");
    let [pick, prune] = ["Pick", "Prune"].map(|name| client.entitlement(&app, name));
    let (pick, prune) = (path(&pick.await), path(&prune.await));
    let excluded = async |path: &str| {
        let found = client.get(path).await.1;
        each(&found, "list", "/user/id")
    };
    let body = |users: &[String]| json!({ "userIds": users });
    assert_eq!(client.post(&pick, body(&users[1..3])).await.0, 200);
    assert_eq!(client.post(&pick, body(&users[2..4])).await.0, 200);
    assert_eq!(excluded(&pick).await, users[1..4]);
    assert!(excluded(&prune).await.is_empty());
    let remove = async |users: &[String]| client.call(Method::DELETE, &pick, body(users)).await.0;
    assert_eq!(remove(&users[0..2]).await, 404, "one was not excluded");
    assert_eq!(excluded(&pick).await, users[1..4]);
    assert_eq!(remove(&users[1..3]).await, 200);
    assert_eq!(excluded(&pick).await, users[3..4]);
    let nosuch = ["nosuch".to_owned()];
    assert_eq!(client.post(&pick, body(&nosuch)).await.0, 404);
    assert_eq!(client.post(&path("nosuch"), body(&users[..1])).await.0, 404);
}

#[tokio::test]
async fn actions_set_what_they_are_called() {
    let needed = [
        "app_entitlement_routing_rule.reorder",
        "org_domain.update",
        "finding.update_state",
        "local_user_invitation.revoke",
    ];
    if !needed.into_iter().all(has) {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;

    let rule = |name: &str| json!({ "appId": app, "displayName": name });
    let rules = ["a", "b"].map(|name| client.emulator.add("AppEntitlementRoutingRule", rule(name)));
    let rules = rules.map(|rule| text(&rule.unwrap()["id"]));
    let path = format!("/api/v1/apps/{app}/entitlement_configuration_rules");
    let reorder = format!("{path}/reorder");
    let order = json!({ "ruleIds": [rules[1], rules[0]] });
    let ordered = client.create(&reorder, order).await;
    assert_eq!(each(&ordered, "list", "/displayName"), ["b", "a"]);
    let (_, listed) = client.get(&path).await;
    assert_eq!(listed["list"][0]["priority"], 2, "{listed}");
    for wrong in [json!([rules[0]]), json!([rules[0], rules[0]])] {
        let order = json!({ "ruleIds": wrong });
        assert_eq!(client.post(&reorder, order).await.0, 400);
    }

    let domains = "/api/v1/settings/domains";
    let mut ids = Vec::new();
    for set in [["a.example", "b.example"], ["b.example", "c.example"]] {
        let body = json!({ "newDomains": set });
        let (status, response) = client.call(Method::PUT, domains, body).await;
        assert_eq!(status, 200, "{response}");
        assert_eq!(each(&response, "list", "/domain"), set);
        assert_eq!(client.get(domains).await.1["list"], response["list"]);
        ids.push(each(&response, "list", "/id"));
    }
    assert_eq!(ids[0][1], ids[1][0], "the one that stays is the same");

    let finding = client.emulator.add("Finding", json!({})).unwrap();
    let path = format!("/api/v1/findings/{}/state", text(&finding["id"]));
    let snooze = json!({ "snooze": { "reason": "later", "snoozeUntil": "2100-01-01T00:00:00Z" } });
    let moved = client.create(&path, snooze).await["finding"].clone();
    assert_eq!(moved["state"], "FINDING_STATE_SNOOZED");
    assert_eq!(moved["snoozeReason"], "later");
    let moved = client.create(&path, json!({ "reopen": {} })).await;
    assert_eq!(moved["finding"]["state"], "FINDING_STATE_OPEN");

    let directory = json!({ "appId": app });
    let directory = client.emulator.add("LocalDirectoryConfig", directory);
    directory.unwrap();
    let invitation = json!({ "directoryAppId": app, "email": "x@example.com" });
    let invitation = client.emulator.add("LocalUserInvitation", invitation);
    let id = text(&invitation.unwrap()["id"]);
    let path = format!("/api/v1/local-directory-configs/{app}/invitations/{id}");
    client.create(&format!("{path}/revoke"), json!({})).await;
    let (_, found) = client.get(&path).await;
    let status = &found["invitation"]["status"];
    assert_eq!(status, "LOCAL_INVITATION_STATUS_REVOKED");
}
