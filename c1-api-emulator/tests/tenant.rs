//! The emulated API over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_emulator::sample::Sampler;
use c1_api_emulator::{Emulator, Error};
use c1_api_spec::model::Type;
use client::{Client, has, text};
use reqwest::Method;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

/// The form of a token request with an assertion signed with the emulator's client secret.
fn token_form(emulator: &Emulator, now: u64) -> Vec<(&'static str, String)> {
    let jwk = URL_SAFE_NO_PAD
        .decode(emulator.client_secret().rsplit_once(':').unwrap().1)
        .unwrap();
    let jwk: Value = serde_json::from_slice(&jwk).unwrap();
    let [seed, public] =
        ["d", "x"].map(|name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
    let key = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).unwrap();
    let id = emulator.client_id();
    let host = id.split_once('@').unwrap().1.split_once(':').unwrap().0;
    let claims = json!({ "iss": id, "sub": id, "aud": host, "exp": now + 120, "iat": now, "nbf": now - 120 });
    let header = json!({ "alg": "EdDSA", "nonce": now.to_string() });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", id.to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        ("client_assertion", format!("{signed}.{signature}")),
    ]
}

#[tokio::test]
async fn a_signed_assertion_gives_a_token_that_works_until_it_expires() {
    let seconds = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&seconds);
    let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
    let builder = Emulator::builder()
        .clock(clock)
        .token_lifetime(Duration::from_secs(600));
    let mut client = Client::of(builder.start().await.unwrap());

    let form = token_form(&client.emulator, NOW);
    let url = format!("{}/auth/v1/token", client.emulator.base_url());
    let (status, response) = Client::send(client.http.post(&url).form(&form)).await;
    assert_eq!(
        (status, &response["expires_in"], &response["token_type"]),
        (200, &json!(600), &json!("Bearer"))
    );
    client.token = text(&response["access_token"]);
    assert_eq!(client.get("/api/v1/apps").await.0, 200);

    let (status, response) = Client::send(client.http.post(&url).form(&form)).await;
    assert_eq!(
        (status, &response["error"]),
        (401, &json!("invalid_client")),
        "a replay"
    );
    assert_eq!(client.emulator.token_requests(), 2);
    let (status, response) = client.get("/auth/v1/token").await;
    assert_eq!((status, &response["code"]), (405, &json!(12)));

    seconds.store(NOW + 600, Ordering::Relaxed);
    let (status, response) = client.get("/api/v1/apps").await;
    assert_eq!((status, &response["code"]), (401, &json!(16)));
    assert!(
        text(&response["message"]).contains("(request-id: "),
        "{response}"
    );
    let (status, response) = Client::send(
        client
            .http
            .get(format!("{}/api/v1/apps", client.emulator.base_url())),
    )
    .await;
    assert_eq!(
        (status, &response["code"]),
        (401, &json!(16)),
        "no token at all"
    );
}

#[tokio::test]
async fn apps_are_created_found_updated_and_deleted() {
    if !has("App.annotations") {
        return;
    }
    let client = Client::start().await;
    let owner = text(&client.get("/api/v1/users").await.1["list"][0]["user"]["id"]);
    let body = json!({ "displayName": "Orchard", "description": "Fruit", "annotations": { "a": "b" }, "owners": [owner] });
    let created = client.create("/api/v1/apps", body).await["app"].clone();
    let id = text(&created["id"]);
    assert!(
        id.len() == 27 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(
        (&created["annotations"]["a"], &created["appOwners"][0]["id"]),
        (&json!("b"), &json!(owner))
    );
    assert_eq!(
        (&created["userCount"], &created["deletedAt"]),
        (&json!("0"), &Value::Null),
        "unset fields are sent"
    );

    let path = format!("/api/v1/apps/{id}");
    assert_eq!(client.get(&path).await, (200, json!({ "app": created })));
    let search = client
        .create("/api/v1/search/apps", json!({ "query": "FRUIT" }))
        .await;
    assert_eq!(search["list"], json!([created]));
    let search = client
        .create("/api/v1/search/apps", json!({ "excludeAppIds": [id] }))
        .await;
    assert_eq!(search["list"].as_array().unwrap().len(), 3);

    let (status, conflict) = client
        .post("/api/v1/apps", json!({ "displayName": "Orchard" }))
        .await;
    assert_eq!(
        (
            status,
            &conflict["code"],
            &conflict["details"][0]["resourceName"]
        ),
        (409, &json!(6), &json!(id))
    );

    let changes = json!({ "app": { "id": "x", "description": "Pears", "displayName": "Garden" }, "updateMask": "description" });
    let updated = client.create(&path, changes).await["app"].clone();
    assert_eq!(
        (
            &updated["id"],
            &updated["description"],
            &updated["displayName"]
        ),
        (&json!(id), &json!("Pears"), &json!("Orchard"))
    );
    assert_eq!(client.get(&path).await.1["app"], updated);

    assert_eq!(client.delete(&path).await, 200);
    assert_eq!(client.delete(&path).await, 404);
    let (status, missing) = client.get(&path).await;
    assert_eq!((status, &missing["code"]), (404, &json!(5)));
}

#[tokio::test]
async fn entitlements_are_listed_in_pages_and_searched() {
    let client = Client::start().await;
    let ledger = client
        .create("/api/v1/search/apps", json!({ "query": "ledger" }))
        .await["list"][0]
        .clone();
    let app = text(&ledger["id"]);
    let (mut seen, mut pages, mut token) = (BTreeSet::new(), Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/apps/{app}/entitlements?page_size=12&page_token={token}");
        let (_, page) = client.get(&path).await;
        let list = page["list"].as_array().unwrap();
        pages.push(list.len());
        seen.extend(list.iter().map(|view| text(&view["appEntitlement"]["id"])));
        token = text(&page["nextPageToken"]);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (30, vec![12, 12, 6]));

    let body =
        json!({ "query": "invoices", "appIds": [app], "expandMask": { "paths": ["app_id"] } });
    let found = client.create("/api/v1/search/entitlements", body).await;
    assert_eq!(found["list"].as_array().unwrap().len(), 3);
    assert_eq!(found["list"][2]["appPath"], "$.expanded[0]");
    assert_eq!(found["expanded"].as_array().unwrap().len(), 1);
    assert_eq!(
        found["expanded"][0]["@type"],
        "type.googleapis.com/c1.api.app.v1.App"
    );
    assert_eq!(found["expanded"][0]["id"], json!(app));

    let id = &found["list"][0]["appEntitlement"]["id"];
    let body = json!({ "refs": [{ "appId": app, "id": id }], "pageSize": 10 });
    let one = client.create("/api/v1/search/entitlements", body).await;
    assert_eq!(one["list"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["expanded"], &one["nextPageToken"]),
        (&json!([]), &json!(""))
    );

    let first = client
        .create("/api/v1/search/entitlements", json!({ "pageSize": 10 }))
        .await;
    let token = &first["nextPageToken"];
    let second = client
        .create(
            "/api/v1/search/entitlements",
            json!({ "pageSize": 10, "pageToken": token }),
        )
        .await;
    assert_ne!(first["list"][9], second["list"][0]);
    let (status, _) = client
        .get(&format!("/api/v1/apps?page_token={}", text(token)))
        .await;
    assert_eq!(status, 400, "a token of another operation");
}

#[tokio::test]
async fn entitlements_are_created_updated_and_deleted() {
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let path = format!("/api/v1/apps/{app}/entitlements");
    let body = json!({
        "displayName": "Pick", "alias": "orchard-pick", "durationGrant": "3600s",
        "provisionPolicy": { "manual": { "instructions": "climb" } },
    });
    let view = client.create(&path, body).await["appEntitlementView"].clone();
    let entitlement = &view["appEntitlement"];
    assert_eq!(
        entitlement["provisionerPolicy"]["manual"]["instructions"],
        "climb"
    );
    assert_eq!(
        (&entitlement["durationGrant"], &entitlement["appId"]),
        (&json!("3600s"), &json!(app))
    );

    for body in [
        json!({ "displayName": "Pick" }),
        json!({ "displayName": "Other", "alias": "orchard-pick" }),
    ] {
        let (status, conflict) = client.post(&path, body).await;
        assert_eq!(
            (status, &conflict["details"][0]["resourceName"]),
            (409, &entitlement["id"])
        );
    }
    assert_eq!(
        client
            .post(
                "/api/v1/apps/nowhere/entitlements",
                json!({ "displayName": "Pick" })
            )
            .await
            .0,
        404
    );

    let one = format!("{path}/{}", text(&entitlement["id"]));
    let changes = json!({ "entitlement": { "durationUnset": {}, "slug": "p" }, "updateMask": "durationUnset,slug" });
    let updated =
        client.create(&one, changes).await["appEntitlementView"]["appEntitlement"].clone();
    assert_eq!(
        (&updated["slug"], &updated["durationUnset"]),
        (&json!("p"), &json!({}))
    );
    assert_eq!(
        updated.get("durationGrant"),
        None,
        "the sibling in the oneof is gone"
    );
    assert_eq!(client.delete(&one).await, 200);
    assert_eq!(client.get(&one).await.0, 404);
}

#[tokio::test]
async fn users_are_listed_and_searched() {
    let client = Client::start().await;
    let (_, all) = client.get("/api/v1/users?page_size=100").await;
    assert_eq!(all["list"].as_array().unwrap().len(), 12);
    let id = text(&all["list"][3]["user"]["id"]);
    assert_eq!(
        client.get(&format!("/api/v1/users/{id}")).await.1["userView"],
        all["list"][3]
    );
    let found = client
        .create(
            "/api/v1/search/users",
            json!({ "departments": ["Security"], "query": "jung" }),
        )
        .await;
    assert_eq!(found["list"].as_array().unwrap().len(), 1);
    assert_eq!(found["list"][0]["user"]["email"], "ines.jung@example.com");
    assert_eq!(client.get("/api/v1/users/nobody").await.0, 404);
}

#[tokio::test]
async fn monitors_and_bindings_are_created_and_deleted() {
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let entitlement = client.entitlement(&app, "Pick").await;
    let monitor = client
        .create(
            "/api/v1/accessconflict",
            json!({ "displayName": "Pick and count" }),
        )
        .await;
    let id = text(&monitor["id"]);
    let path = format!("/api/v1/accessconflict/{id}");
    assert_eq!(client.get(&path).await, (200, monitor.clone()));
    let updated = client
        .create(&path, json!({ "description": "Apart" }))
        .await;
    assert_eq!(
        (&updated["description"], &updated["displayName"]),
        (&json!("Apart"), &monitor["displayName"])
    );

    let bindings = "/api/v1/appentitlementmonitorbinding";
    let body = json!({
        "monitorId": id, "appId": app, "appEntitlementId": entitlement, "entitlementGroup": "ENTITLEMENT_GROUP_A",
    });
    let binding = client.create(bindings, body.clone()).await;
    for name in ["monitorId", "appId", "appEntitlementId", "entitlementGroup"] {
        assert_eq!(binding[name], body[name]);
    }
    assert_eq!(client.post(bindings, body.clone()).await.0, 409);
    assert_eq!(
        client.post(&format!("{bindings}/get"), body.clone()).await,
        (200, binding)
    );
    let mut other = body.clone();
    other["entitlementGroup"] = json!("ENTITLEMENT_GROUP_B");
    assert_eq!(client.post(&format!("{bindings}/get"), other).await.0, 404);
    assert_eq!(
        client.call(Method::DELETE, bindings, body.clone()).await,
        (200, json!({}))
    );
    assert_eq!(
        client.call(Method::DELETE, bindings, body.clone()).await.0,
        404
    );

    client.create(bindings, body.clone()).await;
    assert_eq!(client.delete(&path).await, 200);
    assert_eq!(
        client
            .post(&format!("{bindings}/get"), body.clone())
            .await
            .0,
        404,
        "it went with the monitor"
    );
    assert_eq!(client.post(bindings, body).await.0, 404);
}

#[tokio::test]
async fn proxy_bindings_are_created_and_deleted() {
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let (source, destination) = (
        client.entitlement(&app, "Pick").await,
        client.entitlement(&app, "Count").await,
    );
    let path = format!("/api/v1/apps/{app}/{source}/bindings/{app}/{destination}");
    let body = json!({ "expandMask": { "paths": ["*"] } });
    let created = client.create(&path, body.clone()).await;
    let view = &created["appProxyEntitlementView"];
    assert_eq!(
        view["appProxyEntitlement"]["dstAppEntitlementId"],
        json!(destination)
    );
    assert_eq!(
        (&view["srcAppPath"], &view["dstAppPath"]),
        (&json!("$.expanded[0]"), &json!("$.expanded[0]")),
        "one app, once"
    );
    assert_eq!(
        (
            &view["dstAppEntitlementPath"],
            &created["expanded"][2]["id"]
        ),
        (&json!("$.expanded[2]"), &json!(destination))
    );
    assert_eq!(client.post(&path, body).await.0, 409);
    let (_, found) = client.get(&path).await;
    assert_eq!(
        found["appProxyEntitlementView"]["appProxyEntitlement"],
        view["appProxyEntitlement"]
    );
    let back = format!("/api/v1/apps/{app}/{destination}/bindings/{app}/{source}");
    assert_eq!(client.get(&back).await.0, 404, "a binding has a direction");
    assert_eq!(client.delete(&path).await, 200);
    assert_eq!(client.get(&path).await.0, 404);

    client.create(&path, json!({})).await;
    assert_eq!(
        client
            .delete(&format!("/api/v1/apps/{app}/entitlements/{source}"))
            .await,
        200
    );
    assert_eq!(
        client.get(&path).await.0,
        404,
        "it went with the entitlement"
    );
}

#[tokio::test]
async fn owners_are_added_replaced_and_removed() {
    if !has("app_entitlement_owners_v2.set") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Orchard").await;
    let (target, ruling) = (
        client.entitlement(&app, "Pick").await,
        client.entitlement(&app, "Rule").await,
    );
    let user = text(&client.get("/api/v1/users").await.1["list"][0]["user"]["id"]);
    let owners = format!("/api/v2/apps/{app}/entitlements/{target}/owners");

    let by_entitlement = format!("{owners}/entitlements/keeper/{app}/{ruling}");
    let owner = client.create(&by_entitlement, json!({})).await;
    assert_eq!(
        owner["appEntitlementOwnerEntitlement"]["appEntitlement"]["id"],
        json!(ruling)
    );
    assert_eq!(
        owner["appEntitlementOwnerEntitlement"]["roleSlug"],
        "keeper"
    );
    assert_eq!(client.get(&by_entitlement).await, (200, owner));
    assert_eq!(client.post(&by_entitlement, json!({})).await.0, 409);

    let by_user = format!("{owners}/users/keeper/{user}");
    let owner = client
        .create(&by_user, json!({ "userRef": { "id": user } }))
        .await;
    assert_eq!(owner["appEntitlementOwnerUser"]["user"]["id"], json!(user));
    assert_eq!(
        client
            .post(&format!("{owners}/users/keeper/nobody"), json!({}))
            .await
            .0,
        404
    );

    let count = async |path: String| client.get(&path).await.1["list"].as_array().unwrap().len();
    assert_eq!(count(format!("{owners}/users?role_slug=keeper")).await, 1);
    assert_eq!(count(format!("{owners}/users?role_slug=other")).await, 0);

    let set = json!({ "roleSlug": "keeper", "userRefs": [], "appEntitlementRefs": [{ "appId": app, "id": ruling }] });
    assert_eq!(
        client.call(Method::PUT, &owners, set).await,
        (200, json!({}))
    );
    assert_eq!(client.get(&by_user).await.0, 404, "replaced");
    assert_eq!(count(format!("{owners}/entitlements")).await, 1);
    let unknown = json!({ "roleSlug": "keeper", "userRefs": [{ "id": "nobody" }] });
    assert_eq!(client.call(Method::PUT, &owners, unknown).await.0, 404);
    assert_eq!(
        count(format!("{owners}/entitlements")).await,
        1,
        "all or nothing"
    );

    assert_eq!(client.delete(&by_entitlement).await, 200);
    assert_eq!(client.get(&by_entitlement).await.0, 404);
}

#[tokio::test]
async fn invalid_requests_are_rejected_with_the_field() {
    let client = Client::start().await;
    let rejected = async |request: reqwest::RequestBuilder| {
        let (status, response) = Client::send(request).await;
        assert_eq!((status, &response["code"]), (400, &json!(3)), "{response}");
        text(&response["details"][0]["fieldViolations"][0]["field"])
    };
    let apps = |body: Value| client.request(Method::POST, "/api/v1/apps").json(&body);
    assert_eq!(rejected(apps(json!({}))).await, "displayName");
    assert_eq!(
        rejected(apps(json!({ "displayName": "a", "colour": 1 }))).await,
        "colour"
    );
    assert_eq!(
        rejected(apps(json!({ "displayName": "a", "monthlyCostUsd": 3e9 }))).await,
        "monthlyCostUsd"
    );
    assert_eq!(
        rejected(apps(
            json!({ "displayName": "a", "identityMatching": "BEST" })
        ))
        .await,
        "identityMatching"
    );
    if has("App.annotations") {
        let annotated = apps(json!({ "displayName": "a", "annotations": { "k": 1 } }));
        assert_eq!(rejected(annotated).await, "annotations.k");
    }
    assert_eq!(
        rejected(client.request(Method::POST, "/api/v1/apps")).await,
        "displayName"
    );
    assert_eq!(
        rejected(client.request(Method::GET, "/api/v1/apps?page_size=x")).await,
        "page_size"
    );
    assert_eq!(
        rejected(client.request(Method::GET, "/api/v1/apps?limit=1")).await,
        "limit"
    );
    assert_eq!(
        rejected(client.request(Method::GET, "/api/v1/apps?page_size=-1")).await,
        "page_size"
    );
    assert_eq!(
        rejected(client.request(Method::GET, "/api/v1/apps").json(&json!({}))).await,
        "body"
    );
    assert_eq!(
        rejected(client.request(Method::POST, "/api/v1/apps").body("{}")).await,
        "content-type"
    );
    let cut = client
        .request(Method::POST, "/api/v1/apps")
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(rejected(cut).await, "body");

    let (status, response) = client.get("/api/v1/nothing").await;
    assert_eq!((status, &response["code"]), (404, &json!(5)));
    let response = client
        .request(Method::PUT, "/api/v1/apps")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET, POST".parse().unwrap())
    );
}

#[tokio::test]
async fn requests_are_logged() {
    let client = Client::start().await;
    client
        .call(
            Method::POST,
            "/api/v1/apps/a%2Fb%C3%A9/entitlements",
            json!({ "displayName": "x" }),
        )
        .await;
    let path = "/api/v1/apps/a/entitlements?page_token=1+2&page_size=5";
    client.get(path).await;
    let [create, list] = client.emulator.requests().try_into().unwrap();
    assert_eq!(
        (create.operation.as_str(), create.method.as_str()),
        ("app_entitlements.create", "POST")
    );
    assert_eq!(create.template, "/api/v1/apps/{app_id}/entitlements");
    assert_eq!(
        (create.path["app_id"].as_str(), &create.body),
        ("a/bé", &Some(json!({ "displayName": "x" })))
    );
    assert!(
        create
            .headers
            .iter()
            .all(|(name, value)| name != "authorization" && !value.contains(&client.token))
    );
    let pairs = [("page_token", "1 2"), ("page_size", "5")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((list.query, list.body), (pairs.to_vec(), None));
}

#[tokio::test]
async fn every_operation_accepts_samples_and_responds() {
    let client = Client::of(Emulator::builder().stateful(false).start().await.unwrap());
    let description = c1_api_emulator::description().unwrap();
    let mut sampler = Sampler::new(description, 1);
    for operation in &description.operations {
        let mut path = operation.path.clone();
        for parameter in &operation.path_parameters {
            let value = text(&sampler.value(&parameter.ty, "id")).replace(' ', "%20");
            path = path.replace(&format!("{{{}}}", parameter.name), &value);
        }
        let query = operation.query_parameters.iter().map(|parameter| {
            let value = sampler.value(&parameter.ty, &parameter.name);
            (
                parameter.name.clone(),
                if parameter.ty == Type::Int32 {
                    value.to_string()
                } else {
                    text(&value)
                },
            )
        });
        let query = query.collect::<Vec<_>>();
        let method = Method::from_bytes(operation.method.as_str().as_bytes()).unwrap();
        let mut request = client.request(method, &path).query(&query);
        if let Some(body) = &operation.body {
            request = request.json(&sampler.message(body.schema().unwrap()));
        }
        let (status, response) = Client::send(request).await;
        assert_eq!(status, 200, "{}: {response}", operation.id());
        assert_eq!(
            client.emulator.requests().last().unwrap().operation,
            operation.id()
        );
    }
    assert_eq!(
        client.emulator.requests().len(),
        description.operations.len()
    );
}

#[tokio::test]
async fn ids_and_samples_depend_on_the_seed_and_credentials_do_not() {
    let seeded = async |seed| {
        let emulator = Emulator::builder().seed(seed).start().await.unwrap();
        let secret = emulator.client_secret().to_owned();
        let client = Client::of(emulator);
        let apps = client.get("/api/v1/apps").await.1["list"][0]["id"].clone();
        (apps, client.get("/api/v1/auth/introspect").await.1, secret)
    };
    let (first, again, other) = (seeded(1).await, seeded(1).await, seeded(2).await);
    assert_eq!((&first.0, &first.1), (&again.0, &again.1));
    assert!(first.0 != other.0 && first.1 != other.1);
    assert_ne!(first.2, again.2);
    let empty = Client::of(Emulator::builder().seed_data(false).start().await.unwrap());
    assert_eq!(empty.get("/api/v1/apps").await.1["list"], json!([]));
}

#[tokio::test]
async fn only_loopback_is_served_until_shutdown() {
    let rejected = Emulator::builder().address(([0, 0, 0, 0], 0)).start().await;
    assert!(matches!(rejected, Err(Error::NotLoopback(_))));

    let client = Client::start().await;
    assert_eq!(client.get("/api/v1/apps").await.0, 200);
    let Client {
        emulator,
        http,
        token,
    } = client;
    assert!(!format!("{emulator:?}").contains(emulator.client_secret()));
    let url = format!("{}/api/v1/apps", emulator.base_url());
    let address: std::net::SocketAddr = emulator
        .base_url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    emulator.shutdown().await;
    assert!(
        http.get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
    drop(
        Emulator::builder()
            .address(address)
            .start()
            .await
            .expect("the port is free again"),
    );
}

#[tokio::test]
async fn a_token_can_be_that_of_a_user() {
    let mut client = Client::start().await;
    let user = client
        .emulator
        .add("User", json!({ "displayName": "Mia Nord" }));
    let user = text(&user.unwrap()["id"]).clone();
    let (status, first) = client.get("/api/v1/auth/introspect").await;
    assert_eq!(status, 200);
    assert_ne!(text(&first["userId"]), user);
    client.token = client.emulator.access_token_of(&user).unwrap();
    let (_, me) = client.get("/api/v1/auth/introspect").await;
    assert_eq!(text(&me["userId"]), user);
    let deputy = json!({ "displayName": "Nils Ost", "delegatedUserId": user });
    let deputy = client.emulator.add("User", deputy).unwrap();
    let token = client.emulator.access_token_of(&text(&deputy["id"]));
    client.token = token.unwrap();
    let mask = json!({ "expandMask": { "paths": ["delegated_user_id"] } });
    let me = client.create("/api/v1/users/introspect", mask).await;
    assert_eq!(me["userView"]["user"]["displayName"], "Nils Ost");
    assert_eq!(me["userView"]["delegatedUserPath"], "$.expanded[0]");
    assert_eq!(me["expanded"][0]["id"], json!(user));
    client.token = client.emulator.access_token_of("nobody").unwrap();
    assert_eq!(client.get("/api/v1/auth/introspect").await.0, 404);
}
