//! State by convention, over HTTP: what the description alone tells of the operations.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use c1_api_emulator::{Emulator, support};
use client::{Client, has, text};
use reqwest::Method;
use serde_json::{Value, json};

/// The names of a list.
fn names(response: &Value) -> Vec<String> {
    let list = response["list"].as_array().unwrap();
    list.iter().map(|one| text(&one["displayName"])).collect()
}

#[tokio::test]
async fn objects_are_created_listed_searched_updated_and_deleted() {
    if !has("webhooks.create") || !has("webhooks_search.search") {
        return;
    }
    let client = Client::start().await;
    let create = |name: &str| json!({ "displayName": name, "url": "https://example.com/hook" });
    let mut ids = Vec::new();
    for at in 0..12 {
        let created = client
            .create("/api/v1/webhooks", create(&format!("Hook {at}")))
            .await;
        ids.push(text(&created["webhook"]["id"]));
        assert_ne!(created["webhook"]["createdAt"], Value::Null);
    }
    let first = client.get("/api/v1/webhooks?page_size=10").await.1;
    assert_eq!(names(&first)[..2], ["Hook 0", "Hook 1"]);
    let next = format!(
        "/api/v1/webhooks?page_size=10&page_token={}",
        text(&first["nextPageToken"])
    );
    assert_eq!(names(&client.get(&next).await.1), ["Hook 10", "Hook 11"]);

    let search = async |body| names(&client.create("/api/v1/search/webhooks", body).await);
    assert_eq!(
        search(json!({ "query": "HOOK 1" })).await,
        ["Hook 1", "Hook 10", "Hook 11"]
    );
    assert_eq!(
        search(json!({ "refs": [{ "id": ids[3] }, { "id": ids[5] }] })).await,
        ["Hook 3", "Hook 5"]
    );
    assert_eq!(
        search(json!({ "refs": [{ "id": "nothing" }] })).await,
        Vec::<String>::new()
    );

    let path = format!("/api/v1/webhooks/{}", ids[0]);
    let update = |mask: &str| json!({ "webhook": { "displayName": "Renamed", "id": "other" }, "updateMask": mask });
    let updated = client.create(&path, update("displayName,url")).await["webhook"].clone();
    assert_eq!(
        [&updated["id"], &updated["displayName"], &updated["url"]],
        [&json!(ids[0]), &json!("Renamed"), &json!("")],
        "a masked field that is not set is cleared, and the id stays"
    );
    assert_eq!(client.get(&path).await.1["webhook"], updated);
    let (status, refused) = client.post(&path, update("displayName,colour")).await;
    assert_eq!((status, &refused["code"]), (400, &json!(3)));
    assert_eq!(
        refused["details"][0]["fieldViolations"][0]["field"],
        "updateMask"
    );
    assert!(text(&refused["message"]).contains("colour"), "{refused}");

    assert_eq!(client.delete(&path).await, 200);
    for (status, response) in [
        client.get(&path).await,
        client.post(&path, update("url")).await,
    ] {
        assert_eq!((status, &response["code"]), (404, &json!(5)));
        assert_eq!(response["details"][0]["resourceType"], "WebhookEndpoint");
    }
    assert_eq!(client.delete(&path).await, 404);
}

#[tokio::test]
async fn objects_belong_to_those_that_their_path_leads_through() {
    if !has("app_resource_type.create_manually_managed_resource_type")
        || !has("app_resource.create_manually_managed")
    {
        return;
    }
    let client = Client::start().await;
    let (orchard, garden) = (client.app("Orchard").await, client.app("Garden").await);
    let types = |app: &str| format!("/api/v1/apps/{app}/resource_types");
    let created = client
        .create(
            &types(&orchard),
            json!({ "displayName": "Tree", "resourceType": "ROLE" }),
        )
        .await["appResourceType"]
        .clone();
    assert_eq!(created["appId"], json!(orchard));
    let tree = text(&created["id"]);
    let resources = |app: &str| format!("{}/{tree}/resources", types(app));
    let pear = client
        .create(&resources(&orchard), json!({ "displayName": "Pear" }))
        .await["appResource"]
        .clone();
    assert_eq!(pear["appResourceTypeId"], json!(tree));

    assert_eq!(
        client.get(&types(&orchard)).await.1["list"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(client.get(&types(&garden)).await.1["list"], json!([]));
    assert_eq!(client.get(&types("nowhere")).await.0, 404);
    assert_eq!(
        client.get(&resources(&garden)).await.0,
        404,
        "a type of another app"
    );
    let one = format!("{}/{}", resources(&orchard), text(&pear["id"]));
    assert_eq!(
        client.get(&one).await.1["appResourceView"]["appResource"],
        pear
    );

    assert_eq!(
        client.delete(&format!("{}/{tree}", types(&orchard))).await,
        200
    );
    assert_eq!(client.get(&one).await.0, 404, "it went with its type");
}

#[tokio::test]
async fn objects_are_expanded() {
    if !has("directory.create") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let body = json!({ "appId": app, "all": {}, "expandMask": { "paths": ["app_id"] } });
    let created = client.create("/api/v1/directories", body).await;
    assert_eq!(created["directoryView"]["appPath"], "$.expanded[0]");
    assert_eq!(created["expanded"][0]["displayName"], "Orchard");
    let again = json!({ "appId": app, "all": {} });
    assert_eq!(
        client.post("/api/v1/directories", again).await.0,
        409,
        "the app identifies it"
    );
    let nowhere = json!({ "appId": "nowhere", "all": {} });
    assert_eq!(client.post("/api/v1/directories", nowhere).await.0, 404);
    assert_eq!(
        client
            .post("/api/v1/directories", json!({ "all": {} }))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn singletons_are_always_there_and_have_a_history() {
    if !has("sso_settings.update") || !has("sso_settings.list_history") {
        return;
    }
    let client = Client::start().await;
    let path = "/api/v1/settings/sso";
    let before = client.get(path).await.1["settings"].clone();
    let (name, flag) = before
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, value)| **value == json!(false))
        .map(|(name, _)| (name.clone(), json!(true)))
        .expect("a flag");
    let update = json!({ "settings": { name.clone(): flag }, "updateMask": name });
    let updated = client.create(path, update).await["settings"].clone();
    assert_eq!(updated[&name], json!(true));
    assert_eq!(client.get(path).await.1["settings"], updated);
    let history = client.get(&format!("{path}/history")).await.1["list"].clone();
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["snapshot"][&name], json!(true));
    assert_ne!(history[0]["metadata"]["id"], "");
}

#[tokio::test]
async fn an_object_has_a_history_of_its_own() {
    if !has("sso_application.list_history") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let add = |name: &str| {
        let application = json!({ "appId": app, "displayName": name });
        let application = client.emulator.add("SSOApplication", application);
        let id = text(&application.unwrap()["id"]);
        format!("/api/v1/apps/{app}/sso/applications/{id}")
    };
    let (one, other) = (add("a"), add("b"));
    let update = json!({ "application": { "description": "x" }, "updateMask": "description" });
    client.create(&one, update).await;
    let history = async |path: &str| {
        let (status, found) = client.get(&format!("{path}/history")).await;
        assert_eq!(status, 200, "{found}");
        let list = found["list"].as_array().unwrap().iter();
        let list = list.map(|entry| {
            let [name, description] = ["displayName", "description"];
            let snapshot = &entry["snapshot"];
            format!("{} {}", text(&snapshot[name]), text(&snapshot[description]))
        });
        list.collect::<Vec<_>>()
    };
    assert_eq!(history(&one).await, ["a ", "a x"]);
    assert_eq!(history(&other).await, ["b "]);
}

#[tokio::test]
async fn members_are_added_replaced_and_removed() {
    if !has("app_owners.add") || !has("app_owners.list_owner_ids") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let [ada, bo] = [0, 1].map(|at| text(&users[at]["userId"]));
    let owners = format!("/api/v1/apps/{app}/owners");
    let ids =
        async || client.get(&format!("/api/v1/apps/{app}/ownerids")).await.1["userIds"].clone();

    assert_eq!(
        client.post(&format!("{owners}/{ada}"), json!({})).await.0,
        200
    );
    assert_eq!(
        client.post(&format!("{owners}/nobody"), json!({})).await.0,
        404
    );
    assert_eq!(ids().await, json!([ada]));
    assert_eq!(
        client.get(&owners).await.1["list"][0]["displayName"],
        "Ada Berg"
    );
    assert_eq!(
        client
            .call(Method::PUT, &owners, json!({ "userIds": [bo] }))
            .await
            .0,
        200
    );
    assert_eq!(ids().await, json!([bo]));
    assert_eq!(
        client
            .call(Method::PUT, &owners, json!({ "userIds": [ada, "nobody"] }))
            .await
            .0,
        404
    );
    assert_eq!(ids().await, json!([bo]), "all or nothing");
    assert_eq!(client.delete(&format!("{owners}/{ada}")).await, 404);
    assert_eq!(client.delete(&format!("{owners}/{bo}")).await, 200);
    assert_eq!(ids().await, json!([]));
    assert_eq!(client.get("/api/v1/apps/nowhere/owners").await.0, 404);
}

#[tokio::test]
async fn collections_of_one_kind_are_apart() {
    if !has("attributes.create_risk_level_value")
        || !has("attributes.create_compliance_framework_value")
    {
        return;
    }
    let client = Client::start().await;
    let create = async |path: &str, value: &str| {
        let created = client.create(path, json!({ "value": value })).await;
        text(&created["value"]["id"])
    };
    let severe = create("/api/v1/attributes/risk_levels", "Severe").await;
    create("/api/v1/attributes/compliance_frameworks", "SOX").await;
    let levels = client.get("/api/v1/attributes/risk_levels").await.1["list"].clone();
    let values: Vec<_> = levels
        .as_array()
        .unwrap()
        .iter()
        .map(|level| &level["value"])
        .collect();
    // Those of the seed, and the new one.
    assert_eq!(values, ["Low", "Medium", "High", "Severe"]);
    assert_eq!(
        client
            .get(&format!(
                "/api/v1/attributes/compliance_frameworks/{severe}"
            ))
            .await
            .0,
        404
    );
    assert_eq!(
        client.get(&format!("/api/v1/attributes/{severe}")).await.1["value"],
        levels[3]
    );
}

#[tokio::test]
async fn a_filter_can_mean_a_field_of_an_object_in_a_field() {
    if !has("app_user.search") {
        return;
    }
    let client = Client::start().await;
    let found = async |status: &str| {
        let search = json!({ "appUserStatuses": [status] });
        let found = client.post("/api/v1/search/app_users", search).await.1;
        found["list"].as_array().unwrap().len()
    };
    assert_eq!(found("STATUS_ENABLED").await, 10);
    assert_eq!(found("STATUS_DISABLED").await, 0);
}

#[tokio::test]
async fn filters_that_the_emulator_lacks_are_refused() {
    if !has("user_search.search") {
        return;
    }
    let client = Client::start().await;
    let (status, refused) = client
        .post(
            "/api/v1/search/users",
            json!({ "sourceAppIds": ["a"], "query": "ada" }),
        )
        .await;
    assert_eq!((status, &refused["code"]), (501, &json!(12)));
    assert!(
        text(&refused["message"]).contains("sourceAppIds"),
        "{refused}"
    );
    let unset = json!({ "sourceAppIds": [], "isDelegate": false, "query": "ada" });
    assert_eq!(
        client.create("/api/v1/search/users", unset).await["list"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn objects_are_added_by_the_test() {
    if !has("user.get") || !has("app_user.list_for_user") {
        return;
    }
    let client = Client::start().await;
    let added = client
        .emulator
        .add(
            "User",
            json!({ "displayName": "Mia Nord", "email": "mia@example.com" }),
        )
        .unwrap();
    let path = format!("/api/v1/users/{}", text(&added["id"]));
    assert_eq!(client.get(&path).await.1["userView"]["user"], added);

    let app = client.app("Orchard").await;
    let account = json!({ "appId": app, "id": "account", "identityUserId": added["id"] });
    client.emulator.add("AppUser", account.clone()).unwrap();
    let of_user = format!("/api/v1/apps/{app}/users/{}/app_users", text(&added["id"]));
    assert_eq!(
        client.get(&of_user).await.1["list"][0]["appUser"]["id"],
        "account"
    );

    for (kind, object, expected) in [
        ("Unicorn", json!({}), "Unicorn"),
        (
            "User",
            json!({ "shoeSize": 40 }),
            "shoeSize: expected no field with this name",
        ),
        ("AppUser", json!({ "appId": "nowhere" }), "App not found"),
        ("AppUser", account, "AppUser already exists"),
    ] {
        let error = client.emulator.add(kind, object).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn samples_say_so_or_are_refused() {
    if !has("terraform_export.get_schema") || !has("apps.get") {
        return;
    }
    let client = Client::start().await;
    let sampled = async |client: &Client, path: &str| {
        let response = client.request(Method::GET, path).send().await.unwrap();
        let header = response.headers().get("c1-emulator").cloned();
        let recorded = client.emulator.requests().last().unwrap().is_sample();
        (
            response.status().as_u16(),
            header.map(|value| value.to_str().unwrap().to_owned()),
            recorded,
        )
    };
    let sample = Some("sample".to_owned());
    assert_eq!(
        sampled(&client, "/api/v1/terraform-export/schema").await,
        (200, sample.clone(), true)
    );
    assert_eq!(sampled(&client, "/api/v1/apps").await, (200, None, false));
    assert_eq!(
        sampled(&client, "/api/v1/apps/nowhere").await,
        (404, None, false)
    );

    let stateless = Client::of(Emulator::builder().stateful(false).start().await.unwrap());
    assert_eq!(
        sampled(&stateless, "/api/v1/apps/nowhere").await,
        (200, sample, true)
    );

    let strict = Client::of(
        Emulator::builder()
            .refuse_samples(true)
            .start()
            .await
            .unwrap(),
    );
    assert_eq!(
        sampled(&strict, "/api/v1/terraform-export/schema").await,
        (501, None, true)
    );
    let (_, refused) = strict.get("/api/v1/terraform-export/schema").await;
    assert_eq!(refused["code"], 12);
    assert!(
        text(&refused["message"]).contains("terraform_export.get_schema"),
        "{refused}"
    );
    assert_eq!(strict.get("/api/v1/apps").await.0, 200);
}

#[tokio::test]
async fn samples_differ_from_call_to_call_and_repeat_with_the_seed() {
    if !has("terraform_export.get_schema") {
        return;
    }
    let samples = async || {
        let client = Client::start().await;
        let path = "/api/v1/terraform-export/schema";
        [client.get(path).await.1, client.get(path).await.1]
    };
    let [first, second] = samples().await;
    assert_ne!(first, second);
    assert_eq!(samples().await, [first, second]);
}

#[test]
fn support_tells_why_an_operation_has_no_state() {
    if !has("apps.get") || !has("functions.invoke") {
        return;
    }
    let description = c1_api_emulator::description().unwrap();
    let support = support(description);
    let of = |id: &str| {
        support
            .iter()
            .find(|one| one.operation == id)
            .unwrap()
            .sample
    };
    assert_eq!(of("apps.get"), None);
    assert_eq!(of("functions.invoke"), Some("it is an action"));
    assert_eq!(support.len(), description.operations.len());
}

/// The names of the fields that are null, at any depth.
fn nulls(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let within = fields.iter().flat_map(|(name, value)| match value {
                Value::Null => vec![name.as_str()],
                value => nulls(value),
            });
            within.collect()
        }
        Value::Array(items) => items.iter().flat_map(nulls).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn fields_that_are_not_set_are_null_or_left_out() {
    if !has("apps.list") {
        return;
    }
    let (_, apps) = Client::start().await.get("/api/v1/apps").await;
    assert!(nulls(&apps).contains(&"appUserMapper"), "{apps}");
    let builder = Emulator::builder().nulls(false);
    let client = Client::of(builder.start().await.unwrap());
    let (_, without) = client.get("/api/v1/apps").await;
    assert_eq!(nulls(&without), Vec::<&str>::new());
    assert_eq!(
        without["list"][0]["displayName"],
        apps["list"][0]["displayName"]
    );
    assert_eq!(without["list"][0]["isDirectory"], false, "zeros are sent");
}

#[tokio::test]
async fn searches_are_sorted_or_refused() {
    let needed = [
        "app_resource_search.search_app_resources",
        "automation.create",
        "automation_search.search_automations",
    ];
    if !needed.into_iter().all(has) {
        return;
    }
    let client = Client::start().await;
    for name in ["birch", "Alder", "cedar"] {
        let automation = json!({ "displayName": name, "enabled": name == "cedar" });
        let (status, created) = client.post("/api/v1/automations", automation).await;
        assert_eq!(status, 200, "{created}");
    }
    let search = async |request: Value| client.post("/api/v1/search/automations", request).await;
    let sorted = async |field: &str, direction: &str| {
        let request = json!({
            "sortField": format!("AUTOMATION_SORT_FIELD_{field}"), "direction": format!("SORT_DIRECTION_{direction}"),
        });
        let (status, response) = search(request).await;
        assert_eq!(status, 200, "{response}");
        names(&response)
    };
    let created = ["birch", "Alder", "cedar"];
    assert_eq!(sorted("UNSPECIFIED", "DESC").await, created);
    assert_eq!(sorted("CREATED_AT", "ASC").await, created);
    assert_eq!(
        sorted("DISPLAY_NAME", "ASC").await,
        ["Alder", "birch", "cedar"]
    );
    assert_eq!(
        sorted("DISPLAY_NAME", "DESC").await,
        ["cedar", "birch", "Alder"]
    );
    assert_eq!(sorted("ENABLED", "DESC").await, ["cedar", "birch", "Alder"]);
    // No field of a resource.
    let unknown = json!({ "sortField": "APP_RESOURCE_SORT_FIELD_SECRET_EXPIRES_AT" });
    let (status, refused) = client.post("/api/v1/search/app_resources", unknown).await;
    assert_eq!(status, 501);
    assert!(text(&refused["message"]).contains("sortField"), "{refused}");
}
