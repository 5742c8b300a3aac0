//! Syncs of connectors over HTTP: they run, are done or fail, and are paused and resumed.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::access::{Tenant, field, grant_outcome};
use client::{Client, has, text};
use serde_json::{Value, json};

/// A connector of an app.
struct Connector<'c> {
    client: &'c Client,
    app: String,
    id: String,
    path: String,
}

impl<'c> Connector<'c> {
    async fn create(client: &'c Client, app: &str) -> Self {
        let create = format!("/api/v1/apps/{app}/connectors/create");
        let created = client.create(&create, json!({ "catalogId": "x" })).await;
        let id = text(&created["connectorView"]["connector"]["id"]);
        Self {
            client,
            app: app.to_owned(),
            path: format!("/api/v1/apps/{app}/connectors/{id}"),
            id,
        }
    }

    async fn get(&self) -> Value {
        let (status, response) = self.client.get(&self.path).await;
        assert_eq!(status, 200, "{response}");
        response["connectorView"]["connector"].clone()
    }

    /// The status of its sync, by reading the connector.
    async fn status(&self) -> String {
        text(&self.get().await["status"]["status"])
    }

    async fn post(&self, action: &str) -> u16 {
        let path = format!("{}/{action}", self.path);
        self.client.post(&path, json!({})).await.0
    }

    async fn update(&self, config: Value) {
        let connector = json!({ "id": self.id, "appId": self.app, "syncConfig": config });
        let body = json!({ "connector": connector, "updateMask": "syncConfig" });
        self.client.create(&self.path, body).await;
    }
}

#[tokio::test]
async fn a_sync_is_seen_running_and_then_done() {
    if !has("connector.force_sync") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Synced").await;
    let connector = Connector::create(&client, &app).await;
    assert_eq!(connector.get().await["status"], Value::Null);
    assert_eq!(connector.post("force_sync").await, 200);
    let running = connector.get().await["status"].clone();
    assert_eq!(running["status"], "SYNC_STATUS_RUNNING");
    assert_eq!(running["completedAt"], Value::Null);
    let done = connector.get().await["status"].clone();
    assert_eq!(done["status"], "SYNC_STATUS_DONE");
    assert_eq!(done["startedAt"], running["startedAt"]);
    assert_ne!(done["completedAt"], Value::Null);

    // A list shows it, too.
    assert_eq!(connector.post("force_sync").await, 200);
    let list = format!("/api/v1/apps/{app}/connectors");
    for expected in ["SYNC_STATUS_RUNNING", "SYNC_STATUS_DONE"] {
        let listed = client.get(&list).await.1;
        let status = &listed["list"][0]["connector"]["status"]["status"];
        assert_eq!(status, expected, "{listed}");
    }
    let foreign = "/api/v1/apps/nosuch/connectors/nosuch/force_sync";
    assert_eq!(client.post(foreign, json!({})).await.0, 404);
}

#[tokio::test]
async fn a_sync_fails_without_its_resource_types_until_it_is_confirmed() {
    if !has("connector.force_sync") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Synced").await;
    let connector = Connector::create(&client, &app).await;
    assert_eq!(connector.post("confirm_sync_valid/x").await, 400);
    connector
        .update(json!({ "syncResourceTypeIds": ["nosuch"] }))
        .await;
    assert_eq!(connector.post("force_sync").await, 200);
    assert_eq!(connector.status().await, "SYNC_STATUS_RUNNING");
    let failed = connector.get().await["status"].clone();
    assert_eq!(failed["status"], "SYNC_STATUS_ERROR");
    assert!(text(&failed["lastError"]).contains("nosuch"), "{failed}");
    assert_eq!(failed["completedAt"], Value::Null);

    assert_eq!(connector.post("confirm_sync_valid/x").await, 200);
    assert_eq!(connector.status().await, "SYNC_STATUS_RUNNING");
    let done = connector.get().await["status"].clone();
    assert_eq!(
        (&done["status"], &done["lastError"]),
        (&json!("SYNC_STATUS_DONE"), &json!(""))
    );
    // Confirmed was one sync.
    assert_eq!(connector.post("force_sync").await, 200);
    assert_eq!(connector.status().await, "SYNC_STATUS_RUNNING");
    assert_eq!(connector.status().await, "SYNC_STATUS_ERROR");
    connector.update(json!({})).await;
    assert_eq!(connector.post("force_sync").await, 200);
    assert_eq!(connector.status().await, "SYNC_STATUS_RUNNING");
    assert_eq!(connector.status().await, "SYNC_STATUS_DONE");
}

#[tokio::test]
async fn a_paused_connector_neither_syncs_nor_provisions() {
    if !has("connector.pause_sync") {
        return;
    }
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let connector = Connector::create(&tenant.client, &tenant.ledger).await;
    assert_eq!(connector.post("force_sync").await, 200);
    assert_eq!(connector.post("pause").await, 200);
    let paused = connector.get().await;
    assert_eq!(paused["status"]["status"], "SYNC_STATUS_DISABLED");
    assert_ne!(paused["syncDisabledAt"], Value::Null);
    assert_eq!(connector.post("force_sync").await, 400);
    assert_eq!(connector.status().await, "SYNC_STATUS_DISABLED");

    let id = tenant.entitlement("Taxes Reader");
    let path = format!("/api/v1/apps/{}/entitlements/{id}", tenant.ledger);
    let by_connector = json!({ "connector": { "defaultBehavior": {} } });
    let entitlement = json!({ "id": id, "provisionerPolicy": by_connector });
    let body = json!({ "entitlement": entitlement, "updateMask": "provisionerPolicy" });
    tenant.client.create(&path, body).await;
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    for _ in 0..3 {
        assert_eq!(tenant.task(&task).await["state"], "TASK_STATE_OPEN");
    }
    assert_eq!(connector.post("resume").await, 200);
    assert_eq!(tenant.task(&task).await["state"], "TASK_STATE_OPEN");
    let task = tenant.task(&task).await;
    assert_eq!(grant_outcome(&task), "GRANT_OUTCOME_GRANTED");
    assert_eq!(connector.get().await["syncDisabledAt"], Value::Null);
    assert_eq!(
        connector.status().await,
        "SYNC_STATUS_DONE",
        "resumed, it syncs"
    );
}

#[tokio::test]
async fn schedules_and_credentials_are_kept() {
    if !has("connector.update_schedule") {
        return;
    }
    let client = Client::start().await;
    let app = client.app("Synced").await;
    let connector = Connector::create(&client, &app).await;
    let schedule = format!("{}/schedule", connector.path);
    let (status, error) = client.post(&schedule, json!({})).await;
    assert_eq!((status, field(&error)), (400, &json!("cron.cronSpec")));
    let cron = json!({ "cronSpec": "0 5 * * *", "timezone": "Europe/Vienna" });
    client.create(&schedule, json!({ "cron": cron })).await;
    let kept = connector.get().await["connectorSyncCronSchedule"].clone();
    assert_eq!(
        (&kept["cronSpec"], &kept["timezone"]),
        (&cron["cronSpec"], &cron["timezone"])
    );

    let rotate = "/api/v1/apps/connectors/credentials";
    assert_eq!(client.post(rotate, json!({ "appId": app })).await.0, 404);
    let of = json!({ "appId": app, "connectorId": connector.id });
    let created = client.create(rotate, of).await["credential"].clone();
    assert_ne!(created["clientSecret"], "");
    let path = format!("{}/credentials/{}", connector.path, text(&created["id"]));
    let kept = client.get(&path).await.1["credential"].clone();
    assert_eq!(kept["clientId"], created["clientId"]);
    assert_eq!(kept["clientSecret"], "", "it is shown only once");
    let revoked = client.post(&path, json!({})).await;
    assert_eq!(revoked.0, 200);
    assert_eq!(client.get(&path).await.0, 404);
}
