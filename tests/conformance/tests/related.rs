//! Related objects: each list that has paths is asked for everything, each path is followed by type, and what it leads to is
//! what the object's own operation returns.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::collections::{BTreeMap, BTreeSet};

use c1_api::reqwest::Method;
use c1_api::types::{
    App, AppEntitlementExpandMask, AppEntitlementSearchServiceSearchRequest, User,
};
use c1_api::{Any, ErrorKind, related};
use c1_api_ext::C1;
use c1_api_spec::Description;
use c1_api_spec::model::{Operation, Payload, Type};
use c1_test_kit::{Numbers, Tenant};
use c1_tests::related::PATHS;
use c1_tests::{description, schemas};
use serde_json::{Value, json};

/// The paths that the emulator leaves empty in what it is asked below.
const EMPTY: &[(&str, &str)] = &[
    // It has no such tasks, or keeps no such ids.
    ("TaskView", "accessReviewPath"),
    ("TaskView", "approversPath"),
    ("TaskView", "principalResourcePath"),
    ("TaskView", "roleResourcePath"),
    ("TaskView", "scopeResourcePath"),
];

/// Operations that are no lists, with the parameter that is `id` in their path: their views have paths that no list has.
const OTHERS: &[(&str, &str)] = &[
    ("access_review.update", "access_review_id"),
    ("app_resource.update", "inner_resource_id"),
    ("request_catalog_management.update", "catalog_id"),
];

/// The operation that returns an object by its own ids, and where its response has the object.
const OWN: &[(&str, &str, &str)] = &[
    ("App", "/api/v1/apps/{id}", "/app"),
    (
        "AppEntitlement",
        "/api/v1/apps/{appId}/entitlements/{id}",
        "/appEntitlementView/appEntitlement",
    ),
    (
        "AppResource",
        "/api/v1/apps/{appId}/resource_types/{appResourceTypeId}/resources/{id}",
        "/appResourceView/appResource",
    ),
    (
        "AppResourceType",
        "/api/v1/apps/{appId}/resource_types/{id}",
        "/appResourceTypeView/appResourceType",
    ),
    // The first account of the user in the app, for there is no operation for one account.
    (
        "AppUser",
        "/api/v1/apps/{appId}/users/{identityUserId}/app_users",
        "/list/0/appUser",
    ),
    ("Automation", "/api/v1/automations/{id}", "/automation"),
    (
        "Directory",
        "/api/v1/directories/{appId}",
        "/directoryView/directory",
    ),
    ("Policy", "/api/v1/policies/{id}", "/policy"),
    ("Role", "/api/v1/iam/roles/{id}", "/role"),
    ("Task", "/api/v1/tasks/{id}", "/taskView/task"),
    ("User", "/api/v1/users/{id}", "/userView/user"),
];

/// A template with its parameters filled in; the error is the parameter that is missing.
fn filled(template: &str, values: &Value) -> Result<String, String> {
    let mut path = template.to_owned();
    while let Some((start, rest)) = path.split_once('{') {
        let (name, end) = rest.split_once('}').unwrap();
        let value = values[name].as_str().filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| format!("{template}: no {name}"))?;
        path = format!("{start}{value}{end}");
    }
    Ok(path)
}

/// The messages with paths that a value holds.
fn rows<'v>(
    description: &'static Description,
    ty: &'static Type,
    value: &'v Value,
    found: &mut Vec<(&'static str, &'v Value)>,
) {
    match (ty, value) {
        (Type::List(inner), Value::Array(list)) => {
            for value in list {
                rows(description, inner, value, found);
            }
        }
        (Type::Ref(name), Value::Object(fields)) => {
            if PATHS.iter().any(|path| path.message == name) {
                found.push((name, value));
            }
            let message = description.message(name).into_iter();
            for (name, field) in message.flat_map(|message| &message.fields) {
                if let Some(value) = fields.get(name) {
                    rows(description, &field.ty, value, found);
                }
            }
        }
        _ => {}
    }
}

fn has(description: &Description, schema: Option<&str>, field: &str) -> bool {
    let message = schema.and_then(|name| description.message(name));
    message.is_some_and(|message| message.fields.contains_key(field))
}

/// Whether the response has related objects; whether the request takes a mask.
fn expands(operation: &Operation) -> (bool, bool) {
    let body = operation.body.as_ref().and_then(Payload::schema);
    (
        has(description(), operation.response.schema(), "expanded"),
        has(description(), body, "expandMask"),
    )
}

struct Company {
    /// It ends when it is dropped.
    _tenant: Tenant,
    c1: C1,
    /// Values of path parameters.
    ids: Value,
}

impl Company {
    /// A tenant in which everything refers to something.
    async fn start() -> Self {
        let tenant = Tenant::start(|builder| builder).await;
        let c1 = tenant.credentials().build().unwrap();
        let find = async |path: &str, body: Value| {
            let found = c1.call(Method::POST, path, body).await.unwrap();
            found["list"][0].clone()
        };
        let entitlement = find(
            "/api/v1/search/entitlements",
            json!({ "query": "Taxes Reader" }),
        )
        .await;
        let entitlement = entitlement["appEntitlement"].clone();
        let user =
            find("/api/v1/search/users", json!({ "query": "Elin Faber" })).await["user"].clone();
        let (app, user_id) = (entitlement["appId"].clone(), user["id"].clone());
        let accounts = format!(
            "/api/v1/apps/{}/users/{}/app_users",
            app.as_str().unwrap(),
            user_id.as_str().unwrap()
        );
        let accounts = c1.call(Method::GET, accounts, None).await.unwrap();
        let account = accounts["list"][0]["appUser"].clone();

        let add = |kind: &str, object: Value| tenant.add(kind, object).unwrap();
        let inner = json!({
            "appId": app,
            "appResourceTypeId": entitlement["appResourceTypeId"],
            "displayName": "Inner",
            "parentAppResourceId": entitlement["appResourceId"],
            "parentAppResourceTypeId": entitlement["appResourceTypeId"],
        });
        let inner = add("AppResource", inner);
        let role = add("Role", json!({ "displayName": "Auditor" }));
        add("Directory", json!({ "appId": app }));
        let policy = add("Policy", json!({ "displayName": "Managers" }));
        add(
            "User",
            json!({
                "displayName": "Mira Noor",
                "delegatedUserId": user_id,
                "managerIds": [user["managerIds"][0], user_id],
                "roleIds": [role["id"]],
                "directoryIds": [app],
            }),
        );
        let automation = add("Automation", json!({ "displayName": "Leavers" }));
        add(
            "AutomationExecution",
            json!({ "id": "1", "automationTemplateId": automation["id"] }),
        );
        let catalog = add(
            "RequestCatalog",
            json!({ "displayName": "All", "createdByUserId": user_id, "accessEntitlements": [entitlement] }),
        );
        let review = add(
            "AccessReview",
            json!({ "displayName": "Spring", "policyId": policy["id"], "createdById": user_id }),
        );
        let body = json!({ "appId": app, "appEntitlementId": entitlement["id"], "identityUserId": user_id });
        let task = c1
            .call(Method::POST, "/api/v1/task/grant", body)
            .await
            .unwrap();
        let ids = json!({ "appId": app, "appEntitlementId": entitlement["id"], "appUserId": account["id"] });
        let mut feed = ids.clone();
        feed["ticketId"] = task["taskView"]["task"]["id"].clone();
        feed["date"] = json!("2023-11-14T00:00:00Z");
        add("AppEntitlementUserBindingFeed", feed);
        let mut past = ids;
        past["revokedAt"] = json!("2023-11-14T00:00:00Z");
        add("AppEntitlementUserBindingHistory", past);
        let ids = json!({
            "access_review_id": review["id"],
            "access_review_template_id": "none",
            "app_id": app,
            "app_entitlement_id": entitlement["id"],
            "app_resource_id": entitlement["appResourceId"],
            "app_resource_type_id": entitlement["appResourceTypeId"],
            "app_user_id": account["id"],
            "catalog_id": catalog["id"],
            "inner_resource_id": inner["id"],
            "resource_type_id": entitlement["appResourceTypeId"],
            "user_id": user_id,
        });
        Self {
            _tenant: tenant,
            c1,
            ids,
        }
    }

    async fn call(&self, operation: &Operation, body: Option<Value>) -> Value {
        let method = operation.method.as_str().to_uppercase();
        let path = filled(&operation.path, &self.ids).unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = self.c1.call(method, path, body).await;
        response.unwrap_or_else(|error| panic!("{}: {error}", operation.id()))
    }

    /// The object as its own operation returns it; `None` if there is none.
    async fn own(&self, proto: &str, object: &Value) -> Option<Value> {
        let name = description().by_proto(proto)?;
        let (_, template, pointer) = OWN.iter().find(|(known, ..)| *known == name)?;
        // An account may have no user.
        let path = filled(template, object).ok()?;
        let response = self.c1.call(Method::GET, path, None).await.unwrap();
        let mut own = response.pointer(pointer).unwrap().clone();
        if name == "Task" {
            // They depend on who asks for the task itself.
            own["actions"] = Value::Null;
        }
        let own = own.to_string();
        Some((schemas::named(name).unwrap().round)(own.as_bytes()).unwrap())
    }
}

#[tokio::test]
async fn every_list_is_asked_and_every_path_is_followed() {
    let mut company = Company::start().await;
    let support = c1_api_emulator::support(description());
    let (mut followed, mut compared) = (BTreeMap::new(), BTreeMap::new());
    let mut lists = [0, 0];
    for (operation, support) in description().operations.iter().zip(support) {
        let (expands, has_mask) = expands(operation);
        let other = OTHERS.iter().find(|(id, _)| *id == operation.id());
        // The paths of a sample lead nowhere.
        if !expands || support.sample.is_some() || (operation.page.is_none() && other.is_none()) {
            continue;
        }
        if let Some((_, parameter)) = other {
            company.ids["id"] = company.ids[parameter].clone();
        }
        lists[usize::from(has_mask)] += 1;
        let id = operation.id();
        let mask = json!({ "expandMask": { "paths": ["*"] } });
        let body = if has_mask { mask } else { json!({}) };
        let body = operation.body.is_some().then_some(body);
        let response = company.call(operation, body).await;
        let expanded: Vec<Any> = serde_json::from_value(response["expanded"].clone()).unwrap();
        let ty = operation.response.payload.as_ref().unwrap().json.as_ref();
        let mut found = Vec::new();
        rows(description(), ty.unwrap(), &response, &mut found);
        if has_mask {
            assert!(!found.is_empty(), "{id} lists nothing");
        } else {
            assert_eq!(expanded, [], "{id} was not asked");
        }
        let mut used = BTreeSet::new();
        for (message, row) in found {
            for path in PATHS.iter().filter(|path| path.message == message) {
                let place = format!("{id}: {message}.{}", path.field);
                let objects = (path.follow)(row, &expanded);
                let objects = objects.unwrap_or_else(|error| panic!("{place}: {error}"));
                let raw = related::objects(&expanded, row[path.field].as_str()).unwrap();
                assert_eq!(raw.len(), objects.len(), "{place}");
                used.extend(raw.iter().map(|any| std::ptr::from_ref(*any)));
                if has_mask {
                    *followed.entry((message, path.field)).or_insert(0) += objects.len();
                }
                for object in objects {
                    if let Some(own) = company.own(path.proto, &object).await {
                        assert_eq!(object, own, "{place}");
                        *compared.entry(path.proto).or_insert(0) += 1;
                    }
                }
            }
        }
        assert_eq!(
            used.len(),
            expanded.len(),
            "{id}: some are referred to by no row"
        );
    }
    println!(
        "lists without and with a mask: {lists:?}; followed: {followed:#?}; compared: {compared:#?}"
    );
    let empty = followed.iter().filter(|(_, count)| **count == 0);
    let empty: Vec<_> = empty.map(|(path, _)| *path).collect();
    assert_eq!(empty, EMPTY);
    let types: BTreeSet<_> = compared.keys().copied().collect();
    let expected = OWN
        .iter()
        .map(|(name, ..)| description().schemas[*name].proto.as_deref().unwrap());
    assert_eq!(
        expected
            .collect::<BTreeSet<_>>()
            .difference(&types)
            .collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[tokio::test]
async fn a_mask_asks_for_what_it_names_only() {
    let company = Company::start().await;
    let search = company.c1.app_entitlement_search();
    let body = AppEntitlementSearchServiceSearchRequest::new();
    let mask = AppEntitlementExpandMask::new().app_id().app_resource_id();
    assert_eq!(mask.paths, ["app_id", "app_resource_id"]);
    let page = search.search(body.clone().expand_mask(mask)).await.unwrap();
    for row in &page.list {
        let entitlement = row.app_entitlement.as_ref().unwrap();
        let app = row.app(&page.expanded).unwrap().unwrap();
        assert_eq!(app.id, entitlement.app_id);
        let resource = row.app_resource(&page.expanded).unwrap().unwrap();
        assert_eq!(resource.id, entitlement.app_resource_id);
        assert_eq!(row.app_resource_type(&page.expanded).unwrap(), None);
        // The wrong type is an error that names both.
        let error = related::one::<User>(&page.expanded, row.app_path.as_deref()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let message = "@type: expected c1.api.user.v1.User, found c1.api.app.v1.App";
        assert_eq!(error.message(), message);
    }
    let page = search.search(body.clone()).await.unwrap();
    assert_eq!(page.expanded, []);
    assert_eq!(page.list[0].app(&page.expanded).unwrap(), None);
    let all = AppEntitlementExpandMask::all();
    assert_eq!(all.paths, ["*"]);
}

#[tokio::test]
async fn items_come_with_the_objects_of_their_page() {
    let company = Company::start().await;
    let body = AppEntitlementSearchServiceSearchRequest::new().page_size(7);
    let body = body.expand_mask(AppEntitlementExpandMask::all());
    let search = company.c1.app_entitlement_search().search(body);
    let all: Vec<_> = search.clone().items().try_collect().await.unwrap();
    let mut rows = search.items().with_expanded();
    let mut kept = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        kept.push(row);
    }
    assert_eq!(kept.len(), all.len());
    assert!(kept.len() > 14);
    // After the last page as well as at once.
    for ((row, expanded), expected) in kept.iter().zip(&all) {
        assert_eq!(row.app_entitlement, expected.app_entitlement);
        let entitlement = row.app_entitlement.as_ref().unwrap();
        let resource = row.app_resource(expanded).unwrap().unwrap();
        assert_eq!(resource.id, entitlement.app_resource_id);
    }
}

/// Any text for a path: no panic, no object that is not there, and no error that quotes it.
#[test]
fn no_path_does_harm() {
    let expanded: Vec<Any> = (0..4)
        .map(|id: u8| {
            serde_json::from_value(json!({ "@type": "x/c1.api.app.v1.App", "id": id.to_string() }))
                .unwrap()
        })
        .collect();
    let parts = [
        "$",
        ".",
        "expanded",
        "$.expanded[",
        "]",
        "[",
        "0",
        "1",
        "3",
        "4",
        "99",
        ",",
        ",",
        " ",
        "-",
        "+",
        "*",
        ":",
        "'",
        "18446744073709551616",
        "\u{e9}",
        "\u{0}",
        "canary",
        "\u{ff11}",
        "\n",
    ];
    let mut numbers = Numbers::new(5);
    let mut led = [0, 0];
    for _ in 0..50_000 {
        let mut text = String::new();
        let is_path = numbers.percent(80);
        if is_path {
            text.push_str("$.expanded[");
        }
        // Every fifth is a list of indices to begin with, repeated ones among them.
        if numbers.percent(20) {
            let list = [(); 3].map(|()| numbers.index(expanded.len()).to_string());
            text.push_str(&list[..=numbers.index(3)].join(","));
        } else {
            for _ in 0..numbers.index(6) {
                text.push_str(parts[numbers.index(parts.len())]);
            }
        }
        if is_path {
            text.push(']');
        }
        // Told a second time: a list of indices between the brackets.
        let list = text
            .strip_prefix("$.expanded[")
            .and_then(|rest| rest.strip_suffix(']'));
        let indices: Option<Vec<usize>> = list.and_then(|list| {
            let index = |part: &str| {
                let part = part.trim_matches(' ');
                let found = (0..expanded.len()).find(|index| {
                    part.trim_start_matches('0') == index.to_string().trim_start_matches('0')
                });
                found.filter(|_| !part.is_empty())
            };
            list.split(',').map(index).collect()
        });
        let found = related::objects(&expanded, Some(&text));
        led[usize::from(found.is_ok())] += 1;
        match (found, indices) {
            (Ok(objects), _) if text.is_empty() => assert_eq!(objects.len(), 0),
            (Ok(objects), Some(mut indices)) => {
                let mut seen = BTreeSet::new();
                indices.retain(|index| seen.insert(*index));
                let expected: Vec<_> = indices.iter().map(|index| &expanded[*index]).collect();
                assert_eq!(objects, expected, "{text:?}");
                let apps: Vec<App> = related::all(&expanded, Some(&text)).unwrap();
                assert_eq!(apps.len(), objects.len());
                assert_eq!(
                    related::one::<App>(&expanded, Some(&text)).is_ok(),
                    apps.len() == 1
                );
            }
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::Decode);
                assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            }
            (found, indices) => panic!("{text:?}: {found:?}, {indices:?}"),
        }
    }
    assert!(led.iter().all(|count| *count > 3_000), "{led:?}");
}
