//! A tenant with its seed data, in which access is requested.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use c1_api_emulator::{Builder, Emulator};
use serde_json::{Value, json};

use super::{Client, has, text};

pub(crate) const GRANTS: &str = "/api/v1/search/grants";
pub(crate) const TASKS: &str = "/api/v1/search/tasks";

/// A tenant with its seed data, its clock, and the ids by the names of users.
pub(crate) struct Tenant {
    pub(crate) client: Client,
    pub(crate) seconds: Arc<AtomicU64>,
    pub(crate) users: Vec<Value>,
    pub(crate) ledger: String,
    pub(crate) entitlements: Vec<Value>,
}

impl Tenant {
    /// `None` if the description has no tasks.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(|builder| builder).await
    }

    /// The same, with other settings.
    pub(crate) async fn with(settings: impl FnOnce(Builder) -> Builder) -> Option<Self> {
        let needed = [
            "task.create_grant",
            "task_actions.approve",
            "app_entitlement_search.search_grants",
        ];
        if !needed.into_iter().all(has) {
            return None;
        }
        let seconds = Arc::new(AtomicU64::new(1_700_000_000));
        let clock = Arc::clone(&seconds);
        let clock =
            move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
        let builder = settings(Emulator::builder().clock(clock));
        let builder = builder.token_lifetime(Duration::from_secs(365 * 24 * 60 * 60));
        let client = Client::of(builder.start().await.unwrap());
        let users = client.get("/api/v1/users").await.1["list"].clone();
        let users = users.as_array().unwrap().clone();
        let apps = client
            .create("/api/v1/search/apps", json!({ "query": "Ledger" }))
            .await;
        let ledger = text(&apps["list"][0]["id"]);
        let list = format!("/api/v1/apps/{ledger}/entitlements?page_size=100");
        let entitlements = client.get(&list).await.1["list"].clone();
        Some(Self {
            client,
            seconds,
            users,
            ledger,
            entitlements: entitlements.as_array().unwrap().clone(),
        })
    }

    pub(crate) fn user(&self, name: &str) -> String {
        let mut users = self.users.iter();
        text(
            &users
                .find(|user| user["user"]["displayName"] == name)
                .unwrap()["userId"],
        )
    }

    pub(crate) fn entitlement(&self, name: &str) -> String {
        let mut all = self.entitlements.iter().map(|view| &view["appEntitlement"]);
        text(&all.find(|one| one["displayName"] == name).unwrap()["id"])
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn grant_body(&self, user: &str, entitlement: &str) -> Value {
        json!({
            "appId": self.ledger,
            "appEntitlementId": self.entitlement(entitlement),
            "identityUserId": self.user(user),
        })
    }

    pub(crate) async fn request(&self, user: &str, entitlement: &str) -> Value {
        let body = self.grant_body(user, entitlement);
        let created = self.client.create("/api/v1/task/grant", body).await;
        created["taskView"]["task"].clone()
    }

    pub(crate) async fn task(&self, task: &Value) -> Value {
        let (status, response) = self
            .client
            .get(&format!("/api/v1/tasks/{}", text(&task["id"])))
            .await;
        assert_eq!(status, 200, "{response}");
        response["taskView"]["task"].clone()
    }

    /// An action on the current step of the task as it was read.
    pub(crate) async fn act(&self, task: &Value, action: &str, mut more: Value) -> (u16, Value) {
        if more.get("policyStepId").is_none()
            && ![
                "close",
                "reset",
                "process",
                "comment",
                "update-grant-duration",
                "update-request-data",
            ]
            .contains(&action)
        {
            more["policyStepId"] = step(task).clone();
        }
        let path = format!("/api/v1/tasks/{}/action/{action}", text(&task["id"]));
        self.client.post(&path, more).await
    }

    /// The same, in the name of a user.
    pub(crate) async fn act_as(
        &self,
        user: &str,
        task: &Value,
        action: &str,
        more: Value,
    ) -> (u16, Value) {
        let path = format!("/api/v1/tasks/{}/action/{action}", text(&task["id"]));
        self.post_as(user, &path, more).await
    }

    /// A POST in the name of a user.
    pub(crate) async fn post_as(&self, user: &str, path: &str, body: Value) -> (u16, Value) {
        let token = self.client.emulator.access_token_of(&self.user(user));
        let url = format!("{}{path}", self.client.emulator.base_url());
        let request = self.client.http.post(url).bearer_auth(token.unwrap());
        Client::send(request.json(&body)).await
    }

    /// The ids of the tasks that a search finds.
    pub(crate) async fn search(&self, filter: Value) -> Vec<String> {
        let found = self.client.create(TASKS, filter).await;
        let list = found["list"].as_array().unwrap();
        list.iter().map(|view| text(&view["task"]["id"])).collect()
    }

    /// The names of what a user has been granted.
    pub(crate) async fn granted(&self, user: &str) -> Vec<String> {
        let found = self
            .client
            .create(GRANTS, json!({ "userId": self.user(user) }))
            .await;
        let list = found["list"].as_array().unwrap().iter();
        list.map(|row| text(&row["entitlement"]["appEntitlement"]["displayName"]))
            .collect()
    }
}

pub(crate) fn step(task: &Value) -> &Value {
    &task["policy"]["current"]["id"]
}

pub(crate) fn grant_outcome(task: &Value) -> &Value {
    &task["type"]["grant"]["outcome"]
}

/// The field that an error names.
pub(crate) fn field(error: &Value) -> &Value {
    &error["details"][0]["fieldViolations"][0]["field"]
}
