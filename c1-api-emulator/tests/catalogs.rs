//! Catalogs over HTTP: what is in one, who sees it, and what the caller can request because of that.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::time::Duration;

use client::access::Tenant;
use client::{has, text};
use reqwest::Method;
use serde_json::{Value, json};

/// A tenant, and a published catalog that is not for everybody.
struct Catalog {
    tenant: Tenant,
    path: String,
    harbor: Vec<Value>,
}

impl Catalog {
    async fn start(tenant: Option<Tenant>) -> Option<Self> {
        let needed = [
            "request_catalog_management.add_app_entitlements",
            "request_catalog_management.add_access_entitlements",
            "request_catalog_search.search_entitlements",
        ];
        let tenant = tenant.filter(|_| needed.into_iter().all(has))?;
        let fields = json!({ "displayName": "Few", "published": true });
        let created = tenant.client.create("/api/v1/catalogs", fields).await;
        let id = text(&created["requestCatalogView"]["requestCatalog"]["id"]);
        let found = json!({ "query": "Images" });
        let found = tenant.client.create("/api/v1/search/entitlements", found);
        let harbor = found.await["list"].as_array().unwrap().clone();
        Some(Self {
            tenant,
            path: format!("/api/v1/catalogs/{id}"),
            harbor,
        })
    }

    /// The body that names an entitlement of an app.
    fn of_ledger(&self, field: &str, names: &[&str]) -> Value {
        let references = names.iter().map(|name| {
            let id = self.tenant.entitlement(name);
            json!({ "appId": self.tenant.ledger, "id": id })
        });
        json!({ field: references.collect::<Vec<_>>() })
    }

    /// The body that names what Ada has in Harbor.
    fn admin_of_harbor(&self) -> Value {
        let mut all = self.harbor.iter().map(|view| &view["appEntitlement"]);
        let admin = all.find(|one| one["displayName"] == "Images Admin");
        let admin = admin.unwrap();
        json!({ "accessEntitlements": [{ "appId": admin["appId"], "id": admin["id"] }] })
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> u16 {
        let path = format!("{}/{path}", self.path);
        self.tenant.client.call(method, &path, body).await.0
    }

    async fn list(&self, path: &str) -> Vec<String> {
        let path = format!("{}/{path}", self.path);
        let (status, found) = self.tenant.client.get(&path).await;
        assert_eq!(status, 200, "{found}");
        names(&found, "/appEntitlement/displayName")
    }

    /// What Ada can request that is risky.
    async fn requestable(&self) -> Vec<String> {
        let path = "/api/v1/search/request_catalog/entitlements";
        let found = json!({ "query": "Admin" });
        let found = self.tenant.client.create(path, found).await;
        names(&found, "/entitlement/appEntitlement/displayName")
    }
}

fn names(found: &Value, pointer: &str) -> Vec<String> {
    let list = found["list"].as_array().unwrap().iter();
    list.map(|row| text(row.pointer(pointer).unwrap()))
        .collect()
}

const ENTRIES: &str = "requestable_entries";
const IN_CATALOG: &str = "requestable_entitlements";
const BINDINGS: &str = "visibility_bindings";
const ACCESS: &str = "visibility_entitlements";
const NONE: [&str; 0] = [];

#[tokio::test]
async fn what_is_in_a_catalog_can_be_requested_by_who_sees_it() {
    let Some(catalog) = Catalog::start(Tenant::start().await).await else {
        return;
    };
    let both = catalog.of_ledger("appEntitlements", &["Taxes Admin", "Budgets Admin"]);
    assert_eq!(catalog.call(Method::POST, ENTRIES, both).await, 200);
    assert_eq!(
        catalog.list(IN_CATALOG).await,
        ["Budgets Admin", "Taxes Admin"]
    );
    assert_eq!(catalog.requestable().await, NONE, "Ada does not see it");

    let admin = catalog.admin_of_harbor();
    let add = catalog.call(Method::POST, BINDINGS, admin.clone());
    assert_eq!(add.await, 200);
    assert_eq!(catalog.list(ACCESS).await, ["Images Admin"]);
    assert_eq!(
        catalog.requestable().await,
        ["Budgets Admin", "Taxes Admin"]
    );

    let taxes = catalog.of_ledger("appEntitlements", &["Taxes Admin"]);
    let remove = async || catalog.call(Method::DELETE, ENTRIES, taxes.clone()).await;
    assert_eq!((remove().await, remove().await), (200, 404));
    assert_eq!(catalog.list(IN_CATALOG).await, ["Budgets Admin"]);
    assert_eq!(catalog.requestable().await, ["Budgets Admin"]);

    let others = catalog.of_ledger("appEntitlements", &["Orders Admin", "Taxes Admin"]);
    let set = format!("{IN_CATALOG}/update");
    assert_eq!(catalog.call(Method::POST, &set, others).await, 200);
    let set = ["Orders Admin", "Taxes Admin"];
    assert_eq!(catalog.list(IN_CATALOG).await, set);
    assert_eq!(catalog.requestable().await, set);
    let path = format!("{}/requestable_entitlementIDs", catalog.path);
    let ids = catalog.tenant.client.get(&path).await.1["refs"].clone();
    let mut ids: Vec<_> = ids
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["id"]))
        .collect();
    let mut wanted = set.map(|name| catalog.tenant.entitlement(name));
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted);

    let remove = async || catalog.call(Method::DELETE, BINDINGS, admin.clone()).await;
    assert_eq!((remove().await, remove().await), (200, 404));
    assert_eq!(catalog.list(ACCESS).await, NONE);
    assert_eq!(catalog.requestable().await, NONE);
}

#[tokio::test]
async fn catalogs_have_only_what_there_is() {
    let Some(catalog) = Catalog::start(Tenant::start().await).await else {
        return;
    };
    let client = &catalog.tenant.client;
    let missing = json!([{ "appId": catalog.tenant.ledger, "id": "nosuch" }]);
    for (path, field) in [
        (ENTRIES, "appEntitlements"),
        (BINDINGS, "accessEntitlements"),
    ] {
        let add = catalog.call(Method::POST, path, json!({ field: missing }));
        assert_eq!(add.await, 404);
        let of_other = format!("/api/v1/catalogs/nosuch/{path}");
        let taxes = catalog.of_ledger(field, &["Taxes Admin"]);
        assert_eq!(client.post(&of_other, taxes).await.0, 404);
    }
    let taxes = catalog.of_ledger("accessEntitlements", &["Taxes Admin"]);
    assert_eq!(catalog.call(Method::POST, BINDINGS, taxes).await, 200);
    let taxes = catalog.of_ledger("appEntitlements", &["Taxes Admin"]);
    for _ in 0..2 {
        let add = catalog.call(Method::POST, ENTRIES, taxes.clone());
        assert_eq!(add.await, 200);
    }
    let entitlement = format!(
        "/api/v1/apps/{}/entitlements/{}",
        catalog.tenant.ledger,
        catalog.tenant.entitlement("Taxes Admin")
    );
    let shown = async || {
        let (_, found) = client.get(&catalog.path).await;
        let access = &found["requestCatalogView"]["requestCatalog"]["accessEntitlements"];
        let access = access.as_array().unwrap().iter();
        access
            .map(|one| text(&one["displayName"]))
            .collect::<Vec<_>>()
    };
    let renamed = json!({ "entitlement": { "displayName": "Duties Admin" } });
    assert_eq!(client.post(&entitlement, renamed).await.0, 200);
    assert_eq!(shown().await, ["Duties Admin"]);
    assert_eq!(catalog.list(IN_CATALOG).await, ["Duties Admin"]);
    assert_eq!(client.delete(&entitlement).await, 200);
    assert_eq!(shown().await, NONE);
    assert_eq!(catalog.list(IN_CATALOG).await, NONE);
    assert_eq!(catalog.list(ACCESS).await, NONE);
}

#[tokio::test]
async fn lists_of_catalogs_and_searches_agree_while_they_lag() {
    let delay = Duration::from_secs(60);
    let tenant = Tenant::with(|builder| builder.consistency_delay(delay)).await;
    let Some(catalog) = Catalog::start(tenant).await else {
        return;
    };
    let taxes = catalog.of_ledger("appEntitlements", &["Taxes Admin"]);
    let access = catalog.admin_of_harbor();
    catalog.call(Method::POST, BINDINGS, access.clone()).await;
    catalog.tenant.pass(61);
    catalog.call(Method::POST, ENTRIES, taxes).await;
    catalog.call(Method::DELETE, BINDINGS, access).await;
    assert_eq!(catalog.list(IN_CATALOG).await, NONE);
    assert_eq!(catalog.requestable().await, NONE);
    assert_eq!(catalog.list(ACCESS).await, ["Images Admin"]);
    catalog.tenant.pass(61);
    assert_eq!(catalog.list(IN_CATALOG).await, ["Taxes Admin"]);
    assert_eq!(catalog.list(ACCESS).await, NONE);
    assert_eq!(catalog.requestable().await, NONE);
}
