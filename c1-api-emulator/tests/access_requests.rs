//! Access requests over HTTP: the life of tasks, and the grants that come of it.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use c1_api_emulator::Emulator;
use c1_api_emulator::sample::Sampler;
use client::{Client, has, text};
use reqwest::Method;
use serde_json::{Value, json};

const GRANTS: &str = "/api/v1/search/grants";
const TASKS: &str = "/api/v1/search/tasks";

/// A tenant with its seed data, its clock, and the ids by the names of users.
struct Tenant {
    client: Client,
    seconds: Arc<AtomicU64>,
    users: Vec<Value>,
    ledger: String,
    entitlements: Vec<Value>,
}

impl Tenant {
    /// `None` if the description has no tasks.
    async fn start() -> Option<Self> {
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
        let builder = Emulator::builder().clock(clock);
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

    fn user(&self, name: &str) -> String {
        let mut users = self.users.iter();
        text(
            &users
                .find(|user| user["user"]["displayName"] == name)
                .unwrap()["userId"],
        )
    }

    fn entitlement(&self, name: &str) -> String {
        let mut all = self.entitlements.iter().map(|view| &view["appEntitlement"]);
        text(&all.find(|one| one["displayName"] == name).unwrap()["id"])
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn grant_body(&self, user: &str, entitlement: &str) -> Value {
        json!({
            "appId": self.ledger,
            "appEntitlementId": self.entitlement(entitlement),
            "identityUserId": self.user(user),
        })
    }

    async fn request(&self, user: &str, entitlement: &str) -> Value {
        let body = self.grant_body(user, entitlement);
        let created = self.client.create("/api/v1/task/grant", body).await;
        created["taskView"]["task"].clone()
    }

    async fn task(&self, task: &Value) -> Value {
        let (status, response) = self
            .client
            .get(&format!("/api/v1/tasks/{}", text(&task["id"])))
            .await;
        assert_eq!(status, 200, "{response}");
        response["taskView"]["task"].clone()
    }

    /// An action on the current step of the task as it was read.
    async fn act(&self, task: &Value, action: &str, mut more: Value) -> (u16, Value) {
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
    async fn act_as(&self, user: &str, task: &Value, action: &str, more: Value) -> (u16, Value) {
        let token = self
            .client
            .emulator
            .access_token_of(&self.user(user))
            .unwrap();
        let path = format!("/api/v1/tasks/{}/action/{action}", text(&task["id"]));
        let url = format!("{}{path}", self.client.emulator.base_url());
        Client::send(self.client.http.post(url).bearer_auth(token).json(&more)).await
    }

    /// The ids of the tasks that a search finds.
    async fn search(&self, filter: Value) -> Vec<String> {
        let found = self.client.create(TASKS, filter).await;
        let list = found["list"].as_array().unwrap();
        list.iter().map(|view| text(&view["task"]["id"])).collect()
    }

    /// The names of what a user has been granted.
    async fn granted(&self, user: &str) -> Vec<String> {
        let found = self
            .client
            .create(GRANTS, json!({ "userId": self.user(user) }))
            .await;
        let list = found["list"].as_array().unwrap().iter();
        list.map(|row| text(&row["entitlement"]["appEntitlement"]["displayName"]))
            .collect()
    }
}

fn step(task: &Value) -> &Value {
    &task["policy"]["current"]["id"]
}

fn grant_outcome(task: &Value) -> &Value {
    &task["type"]["grant"]["outcome"]
}

/// The field that an error names.
fn field(error: &Value) -> &Value {
    &error["details"][0]["fieldViolations"][0]["field"]
}

#[tokio::test]
async fn a_request_is_approved_provisioned_and_granted() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let (elin, dario) = (tenant.user("Elin Faber"), tenant.user("Dario Egger"));
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(task["state"], "TASK_STATE_OPEN");
    assert_eq!(grant_outcome(&task), "GRANT_OUTCOME_UNSPECIFIED");
    assert_eq!(task["userId"], json!(elin));
    assert_eq!(task["createdByUserId"], json!(tenant.user("Ada Berg")));
    assert_eq!(task["stepApproverIds"], json!([dario]), "the manager");
    let approval = &task["policy"]["current"]["approval"];
    assert_eq!(approval["state"], "APPROVAL_INSTANCE_STATE_WAITING");
    assert_eq!(
        approval["approval"]["manager"]["assignedUserIds"],
        json!([dario])
    );
    assert_eq!(tenant.task(&task).await, task, "what was created is read");
    let by_number = format!("/api/v1/tasks/{}", text(&task["numericId"]));
    assert_eq!(
        tenant.client.get(&by_number).await.1["taskView"]["task"],
        task
    );
    let mine = json!({ "assigneesInIds": [dario], "taskStates": ["TASK_STATE_OPEN"] });
    assert_eq!(tenant.search(mine.clone()).await, [text(&task["id"])]);
    assert_eq!(tenant.granted("Elin Faber").await.len(), 3, "not yet");

    let approve = json!({ "policyStepId": step(&task), "comment": "fine" });
    let (status, response) = tenant
        .act_as("Dario Egger", &task, "approve", approve)
        .await;
    assert_eq!(status, 200, "{response}");
    let before = &response["taskView"]["task"];
    assert_eq!(before["policy"], task["policy"], "as it was before");
    assert_ne!(response["ticketActionId"], "");
    let provisioning = tenant.task(&task).await;
    assert_eq!(provisioning["state"], "TASK_STATE_OPEN");
    assert!(provisioning["policy"]["current"]["provision"].is_object());
    assert_eq!(provisioning["approverIds"], json!([dario]));
    assert_eq!(
        provisioning["policy"]["history"][0]["approval"]["approved"]["userId"],
        json!(dario)
    );
    assert_eq!(tenant.search(mine).await, Vec::<String>::new());

    let closed = tenant.task(&task).await;
    assert_eq!(closed["state"], "TASK_STATE_CLOSED");
    assert_eq!(grant_outcome(&closed), "GRANT_OUTCOME_GRANTED");
    assert_eq!(closed["policy"]["current"], Value::Null);
    assert_eq!(closed["commentCount"], 1);
    assert!(
        tenant
            .granted("Elin Faber")
            .await
            .contains(&"Taxes Reader".to_owned())
    );
    let (status, refused) = tenant
        .act(&closed, "comment", json!({ "comment": "late" }))
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (400, &json!(9)),
        "a closed task"
    );

    let (status, again) = tenant
        .client
        .post(
            "/api/v1/task/grant",
            tenant.grant_body("Elin Faber", "Taxes Reader"),
        )
        .await;
    assert_eq!((status, &again["code"]), (400, &json!(9)), "{again}");
    assert_eq!(again["details"], json!([]), "no id of a task to follow");
}

#[tokio::test]
async fn a_new_account_comes_with_the_first_grant() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let accounts = format!(
        "/api/v1/apps/{}/users/{}/app_users",
        tenant.ledger,
        tenant.user("Bo Castell")
    );
    let list = async || {
        tenant.client.get(&accounts).await.1["list"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(list().await, 0);
    let task = tenant.request("Bo Castell", "Taxes Reader").await;
    assert_eq!(task["type"]["grant"]["appUserId"], "");
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(&task, "process", json!({})).await.0, 200);
    let closed = tenant.task(&task).await;
    assert_eq!(grant_outcome(&closed), "GRANT_OUTCOME_GRANTED", "at once");
    assert_ne!(closed["type"]["grant"]["appUserId"], "");
    assert_eq!(list().await, 1);
}

#[tokio::test]
async fn a_request_is_denied_or_cancelled() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    let deny = json!({ "comment": "no" });
    let (status, response) = tenant.act(&task, "deny", deny).await;
    assert_eq!(status, 200);
    assert_eq!(response["taskView"]["task"]["state"], "TASK_STATE_OPEN");
    let denied = tenant.task(&task).await;
    assert_eq!(denied["state"], "TASK_STATE_CLOSED");
    assert_eq!(grant_outcome(&denied), "GRANT_OUTCOME_DENIED");

    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(tenant.act(&task, "close", json!({})).await.0, 200);
    let cancelled = tenant.task(&task).await;
    assert_eq!(cancelled["state"], "TASK_STATE_CLOSED");
    assert_eq!(grant_outcome(&cancelled), "GRANT_OUTCOME_CANCELLED");
    assert_eq!(tenant.granted("Elin Faber").await.len(), 3);
    let filter = json!({ "grantOutcomes": ["GRANT_OUTCOME_DENIED"] });
    assert_eq!(tenant.search(filter).await, [text(&denied["id"])]);
}

#[tokio::test]
async fn a_wrong_and_a_stale_step_are_refused() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    for action in ["approve", "deny", "skip-step"] {
        for wrong in ["nosuchstep", ""] {
            let body = json!({ "policyStepId": wrong });
            let (status, refused) = tenant.act(&task, action, body).await;
            assert_eq!(
                (status, &refused["code"]),
                (400, &json!(3)),
                "{action}: {refused}"
            );
            assert_eq!(field(&refused), "policyStepId");
        }
    }
    assert_eq!(tenant.task(&task).await, task, "nothing has changed");
    for action in ["restart", "reset"] {
        let before = tenant.task(&task).await;
        assert_eq!(tenant.act(&before, action, json!({})).await.0, 200);
        let after = tenant.task(&task).await;
        assert_ne!(step(&before), step(&after), "{action}");
        let (status, stale) = tenant.act(&before, "approve", json!({})).await;
        assert_eq!(
            (status, &stale["code"]),
            (409, &json!(10)),
            "{action}: {stale}"
        );
        assert_eq!(stale["details"], json!([]), "no object that exists");
        assert!(
            text(&stale["message"]).contains(&text(step(&after))),
            "{stale}"
        );
    }
    let current = tenant.task(&task).await;
    assert_eq!(tenant.act(&current, "skip-step", json!({})).await.0, 200);
    assert_eq!(tenant.act(&current, "approve", json!({})).await.0, 409);
}

#[tokio::test]
async fn a_second_request_leads_to_the_first() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    let body = tenant.grant_body("Elin Faber", "Taxes Reader");
    let (status, conflict) = tenant.client.post("/api/v1/task/grant", body).await;
    assert_eq!((status, &conflict["code"]), (409, &json!(6)));
    assert_eq!(conflict["details"][0]["resourceName"], task["id"]);
    assert_eq!(conflict["details"][0]["resourceType"], "Task");
    tenant.request("Filip Grau", "Taxes Reader").await;
    tenant.request("Elin Faber", "Orders Reader").await;
    assert_eq!(tenant.act(&task, "close", json!({})).await.0, 200);
    tenant.request("Elin Faber", "Taxes Reader").await;
}

#[tokio::test]
async fn what_a_request_names_must_exist() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let body = |field: &str, value: &str| {
        let mut body = tenant.grant_body("Elin Faber", "Taxes Reader");
        body[field] = json!(value);
        body
    };
    for path in ["/api/v1/task/grant", "/api/v1/task/revoke"] {
        for (field, kind) in [
            ("appId", "App"),
            ("appEntitlementId", "AppEntitlement"),
            ("identityUserId", "User"),
        ] {
            let (status, missing) = tenant.client.post(path, body(field, "nosuch")).await;
            assert_eq!(status, 404, "{path} {field}: {missing}");
            assert_eq!(missing["details"][0]["resourceType"], kind);
        }
        let both = tenant.client.post(path, body("appUserId", "x")).await;
        assert_eq!((both.0, field(&both.1)), (400, &json!("appUserId")));
        let neither = tenant.client.post(path, body("identityUserId", "")).await;
        assert_eq!(
            (neither.0, field(&neither.1)),
            (400, &json!("identityUserId"))
        );
        let mut account = body("identityUserId", "");
        account["appUserId"] = json!("nosuch");
        let (status, missing) = tenant.client.post(path, account).await;
        assert_eq!(status, 404);
        assert_eq!(missing["details"][0]["resourceType"], "AppUser");
    }
    let (status, missing) = tenant
        .client
        .post(
            "/api/v1/task/revoke",
            tenant.grant_body("Elin Faber", "Taxes Reader"),
        )
        .await;
    assert_eq!(status, 404, "she does not have it");
    assert_eq!(
        missing["details"][0]["resourceType"],
        "AppEntitlementUserBinding"
    );
    let offboarding = json!({ "subjectUserId": "nosuch" });
    assert_eq!(
        tenant
            .client
            .post("/api/v1/task/offboarding", offboarding)
            .await
            .0,
        404
    );
    let action = json!({ "actionId": "nosuch" });
    assert_eq!(
        tenant.client.post("/api/v1/task/action", action).await.0,
        404
    );
    assert_eq!(tenant.search(json!({})).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_approves_is_who_may_approve() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    let body = json!({ "policyStepId": step(&task) });
    for user in ["Elin Faber", "Bo Castell"] {
        let (status, refused) = tenant.act_as(user, &task, "approve", body.clone()).await;
        assert_eq!((status, &refused["code"]), (403, &json!(7)), "{user}");
    }
    let skipped = tenant
        .act_as("Dario Egger", &task, "skip-step", body.clone())
        .await;
    assert_eq!(skipped.0, 403, "it would bypass approval");

    let mut to_greta = body.clone();
    to_greta["newStepUserIds"] = json!([tenant.user("Greta Holm")]);
    assert_eq!(
        tenant
            .act_as("Dario Egger", &task, "reassign", to_greta.clone())
            .await
            .0,
        200
    );
    let reassigned = tenant.task(&task).await;
    assert_ne!(step(&reassigned), step(&task));
    assert_eq!(reassigned["stepApproverIds"], to_greta["newStepUserIds"]);
    let body = json!({ "policyStepId": step(&reassigned) });
    assert_eq!(
        tenant
            .act_as("Dario Egger", &task, "approve", body.clone())
            .await
            .0,
        403
    );
    assert_eq!(
        tenant.act_as("Greta Holm", &task, "approve", body).await.0,
        200
    );

    // Without a manager, others approve, but never the user of the request.
    let own = tenant.request("Ines Jung", "Taxes Reader").await;
    assert_eq!(own["stepApproverIds"], json!([tenant.user("Ada Berg")]));
}

#[tokio::test]
async fn access_is_revoked() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let body = tenant.grant_body("Elin Faber", "Payments Writer");
    let created = tenant.client.create("/api/v1/task/revoke", body).await;
    let task = &created["taskView"]["task"];
    assert!(
        task["policy"]["current"]["provision"].is_object(),
        "no policy, so nobody approves"
    );
    assert_eq!(tenant.task(task).await["state"], "TASK_STATE_OPEN");
    let closed = tenant.task(task).await;
    assert_eq!(closed["state"], "TASK_STATE_CLOSED");
    assert_eq!(
        closed["type"]["revoke"]["outcome"],
        "REVOKE_OUTCOME_REVOKED"
    );
    assert_eq!(
        tenant.granted("Elin Faber").await,
        ["Invoices Writer", "Reports Reader"]
    );

    let subject = json!({ "subjectUserId": tenant.user("Elin Faber") });
    let created = tenant
        .client
        .create("/api/v1/task/offboarding", subject)
        .await;
    let task = &created["taskView"]["task"];
    assert_eq!(tenant.act(task, "process", json!({})).await.0, 200);
    let closed = tenant.task(task).await;
    assert_eq!(
        closed["type"]["offboarding"]["outcome"],
        "OFFBOARDING_OUTCOME_DONE"
    );
    assert_eq!(tenant.granted("Elin Faber").await, Vec::<String>::new());
    assert_eq!(tenant.granted("Filip Grau").await.len(), 2);
}

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

#[tokio::test]
async fn a_task_has_a_history() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    for text in ["one", "two"] {
        assert_eq!(
            tenant
                .act(&task, "comment", json!({ "comment": text }))
                .await
                .0,
            200
        );
    }
    assert_eq!(tenant.act(&task, "comment", json!({})).await.0, 400);
    assert_eq!(
        tenant
            .act(&task, "approve", json!({ "comment": "three" }))
            .await
            .0,
        200
    );
    assert_eq!(tenant.act(&task, "process", json!({})).await.0, 200);
    let audits = async |more: Value| {
        let mut body = more;
        body["taskId"] = task["id"].clone();
        let found = tenant.client.create("/api/v1/task/audits", body).await;
        found["list"].as_array().unwrap().clone()
    };
    let comments = audits(json!({ "commentsOnly": true, "newestFirst": true })).await;
    let comments: Vec<_> = comments
        .iter()
        .map(|one| text(&one["comment"]["comment"]))
        .collect();
    assert_eq!(comments, ["three", "two", "one"]);
    let all = audits(json!({})).await;
    let kinds: Vec<_> = all
        .iter()
        .map(|one| {
            let kinds = [
                "taskCreated",
                "comment",
                "approvalInstanceChange",
                "grantOutcome",
                "stateChange",
            ];
            *kinds.iter().find(|kind| one[**kind].is_object()).unwrap()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "taskCreated",
            "comment",
            "comment",
            "approvalInstanceChange",
            "comment",
            "grantOutcome",
            "stateChange"
        ]
    );
    assert_eq!(
        tenant
            .client
            .post("/api/v1/task/audits", json!({ "taskId": "nosuch" }))
            .await
            .0,
        404
    );
    assert_eq!(
        tenant.client.post("/api/v1/task/audits", json!({})).await.0,
        400
    );
}

/// A tenant with an entitlement whose requests go through these steps.
async fn with_steps(tenant: &Tenant, steps: Value, more: Value) -> String {
    let policy = json!({
        "displayName": "Steps",
        "policyType": "POLICY_TYPE_GRANT",
        "policySteps": { "grant": { "steps": steps } },
    });
    let policy = tenant.client.create("/api/v1/policies", policy).await;
    let mut body = json!({ "displayName": "Special", "grantPolicyId": policy["policy"]["id"] });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let path = format!("/api/v1/apps/{}/entitlements", tenant.ledger);
    let created = tenant.client.create(&path, body).await;
    text(&created["appEntitlementView"]["appEntitlement"]["id"])
}

async fn request_special(tenant: &Tenant, entitlement: &str) -> Value {
    let mut body = tenant.grant_body("Elin Faber", "Taxes Reader");
    body["appEntitlementId"] = json!(entitlement);
    let created = tenant.client.create("/api/v1/task/grant", body).await;
    created["taskView"]["task"].clone()
}

#[tokio::test]
async fn steps_of_every_kind_hold_a_task_or_do_not() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let form = json!({ "form": { "fields": [
        { "name": "reason", "required": true, "stringField": {} },
        { "name": "until", "stringField": {} },
    ] } });
    let steps = json!([
        { "accept": { "acceptMessage": "welcome" } },
        { "form": form },
        { "wait": { "name": "A day", "duration": { "duration": "86400s" } } },
        { "approval": { "users": { "userIds": [tenant.user("Leo Marsh")] }, "requireApprovalReason": true } },
        { "provision": {} },
    ]);
    let entitlement = with_steps(&tenant, steps, json!({})).await;
    let task = request_special(&tenant, &entitlement).await;
    assert!(task["policy"]["current"]["form"].is_object());
    assert_eq!(
        tenant.act(&task, "approve", json!({})).await.1["code"],
        9,
        "not an approval"
    );
    for (data, name) in [
        (json!({ "until": "x" }), "data.reason"),
        (json!({ "reason": "x", "color": "red" }), "data.color"),
    ] {
        let (status, refused) = tenant
            .act(&task, "update-request-data", json!({ "data": data }))
            .await;
        assert_eq!((status, field(&refused)), (400, &json!(name)));
    }
    let data = json!({ "data": { "reason": "audit" } });
    assert_eq!(tenant.act(&task, "update-request-data", data).await.0, 200);
    let waiting = tenant.task(&task).await;
    assert_eq!(waiting["data"], json!({ "reason": "audit" }));
    assert!(waiting["policy"]["current"]["wait"].is_object());
    tenant.pass(86_400);
    let approval = tenant.task(&task).await;
    assert_eq!(
        approval["stepApproverIds"],
        json!([tenant.user("Leo Marsh")])
    );
    let (status, refused) = tenant.act(&approval, "approve", json!({})).await;
    assert_eq!(
        (status, field(&refused)),
        (400, &json!("comment")),
        "a reason"
    );
    assert_eq!(
        tenant
            .act(&approval, "approve", json!({ "comment": "ok" }))
            .await
            .0,
        200
    );
    tenant.task(&task).await;
    let closed = tenant.task(&task).await;
    assert_eq!(grant_outcome(&closed), "GRANT_OUTCOME_GRANTED");
    let history = closed["policy"]["history"].as_array().unwrap();
    assert_eq!(history.len(), 5);

    let entitlement = {
        let steps = json!([{ "reject": { "rejectMessage": "never" } }]);
        let policy = json!({ "displayName": "No", "policyType": "POLICY_TYPE_GRANT", "policySteps": { "grant": { "steps": steps } } });
        let policy = tenant.client.create("/api/v1/policies", policy).await;
        let body = json!({ "displayName": "Never", "grantPolicyId": policy["policy"]["id"] });
        let path = format!("/api/v1/apps/{}/entitlements", tenant.ledger);
        let created = tenant.client.create(&path, body).await;
        text(&created["appEntitlementView"]["appEntitlement"]["id"])
    };
    let task = request_special(&tenant, &entitlement).await;
    assert_eq!(
        task["state"], "TASK_STATE_CLOSED",
        "closed when it was opened"
    );
    assert_eq!(grant_outcome(&task), "GRANT_OUTCOME_DENIED");
}

#[tokio::test]
async fn provisioning_follows_the_entitlement() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let by_hand = json!({ "manual": { "userIds": [tenant.user("Leo Marsh")] } });
    let steps = json!([{ "provision": {} }]);
    let entitlement = with_steps(&tenant, steps, json!({ "provisionPolicy": by_hand })).await;
    let task = request_special(&tenant, &entitlement).await;
    for _ in 0..2 {
        assert_eq!(
            tenant.task(&task).await["state"],
            "TASK_STATE_OPEN",
            "it waits for Leo"
        );
    }
    let body = json!({ "policyStepId": step(&task) });
    assert_eq!(
        tenant
            .act_as("Elin Faber", &task, "approve", body.clone())
            .await
            .0,
        403
    );
    assert_eq!(
        tenant.act_as("Leo Marsh", &task, "approve", body).await.0,
        200
    );
    assert_eq!(
        grant_outcome(&tenant.task(&task).await),
        "GRANT_OUTCOME_GRANTED"
    );

    let path = format!("/api/v1/apps/{}/entitlements", tenant.ledger);
    let body = json!({ "displayName": "Broken", "provisionPolicy": { "unconfigured": {} }, "emergencyGrantEnabled": true });
    let created = tenant.client.create(&path, body).await;
    let broken = text(&created["appEntitlementView"]["appEntitlement"]["id"]);
    let task = request_special(&tenant, &broken).await;
    let (status, refused) = tenant.act(&task, "retry-provisioning", json!({})).await;
    assert_eq!(
        (status, &refused["code"]),
        (400, &json!(9)),
        "nothing has failed"
    );
    let escalated = tenant.act(&task, "escalate", json!({})).await;
    assert_eq!(escalated.0, 200, "{}", escalated.1);
    let failed = tenant.task(&task).await;
    assert_eq!(failed["emergencyAccess"], true);
    let approved = tenant.act(&failed, "approve", json!({})).await;
    assert_eq!(approved.0, 200);
    let failed = tenant.task(&task).await;
    assert_eq!(failed["state"], "TASK_STATE_OPEN");
    assert_eq!(
        failed["policy"]["current"]["provision"]["errored"]["errorCode"],
        "unconfigured"
    );
    let fix = json!({ "entitlement": { "provisionerPolicy": { "connector": {} } }, "updateMask": "provisionerPolicy" });
    tenant.client.create(&format!("{path}/{broken}"), fix).await;
    assert_eq!(
        tenant.act(&failed, "retry-provisioning", json!({})).await.0,
        200
    );
    tenant.task(&task).await;
    assert_eq!(
        grant_outcome(&tenant.task(&task).await),
        "GRANT_OUTCOME_GRANTED"
    );
}

#[tokio::test]
async fn tasks_are_found_and_expanded() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let first = tenant.request("Elin Faber", "Taxes Reader").await;
    let second = tenant.request("Bo Castell", "Orders Reader").await;
    let body = tenant.grant_body("Elin Faber", "Payments Writer");
    let created = tenant.client.create("/api/v1/task/revoke", body).await;
    let third = &created["taskView"]["task"];
    let [a, b, c] = [&first, &second, third].map(|task| text(&task["id"]));
    for (filter, expected) in [
        (json!({}), vec![&a, &b, &c]),
        (json!({ "taskTypes": [{ "grant": {} }] }), vec![&a, &b]),
        (json!({ "taskTypes": [{ "revoke": {} }] }), vec![&c]),
        (
            json!({ "subjectIds": [tenant.user("Elin Faber")] }),
            vec![&a, &c],
        ),
        (
            json!({ "assigneesInIds": [tenant.user("Dario Egger")] }),
            vec![&a],
        ),
        (
            json!({ "assignedOrStepApproverUserId": tenant.user("Ada Berg") }),
            vec![&b],
        ),
        (json!({ "openerIds": [tenant.user("Dario Egger")] }), vec![]),
        (json!({ "query": "orders" }), vec![&b]),
        (
            json!({ "currentStep": "TASK_SEARCH_CURRENT_STEP_APPROVAL" }),
            vec![&a, &b],
        ),
        (
            json!({ "stepApprovalTypes": ["STEP_APPROVAL_TYPE_USERS"] }),
            vec![],
        ),
        (
            json!({ "stepApprovalTypes": ["STEP_APPROVAL_TYPE_MANAGER"] }),
            vec![&a, &b],
        ),
        (json!({ "excludeIds": [a] }), vec![&b, &c]),
        (json!({ "refs": [{ "id": b }] }), vec![&b]),
        (
            json!({ "appEntitlementIds": [tenant.entitlement("Taxes Reader")] }),
            vec![&a],
        ),
        (json!({ "applicationIds": ["nosuch"] }), vec![]),
        (
            json!({ "sortBy": "TASK_SEARCH_SORT_BY_REVERSE_TICKET_ID" }),
            vec![&c, &b, &a],
        ),
    ] {
        let found: Vec<String> = tenant.search(filter.clone()).await;
        // A search shows the revocation once as provisioned, and closed from then on.
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    let unknown = json!({ "pendingActionFilter": "PENDING_ACTION_FILTER_WITH_PENDING" });
    assert_eq!(tenant.client.post(TASKS, unknown).await.0, 501);

    let all = json!({ "refs": [{ "id": a }], "expandMask": { "paths": ["*"] } });
    let found = tenant.client.create(TASKS, all).await;
    let view = &found["list"][0];
    for (path, name) in [
        ("appPath", "Ledger"),
        ("appUserPath", "Elin Faber"),
        ("identityUserPath", "Elin Faber"),
        ("userPath", "Elin Faber"),
        ("createdByUserPath", "Ada Berg"),
        ("entitlementsPath", "Taxes Reader"),
        ("stepApproversPath", "Dario Egger"),
    ] {
        let at = text(&view[path]);
        let at = at
            .strip_prefix("$.expanded[")
            .and_then(|at| at.strip_suffix(']'));
        let at: usize = at
            .unwrap_or_else(|| panic!("{path}: {view}"))
            .parse()
            .unwrap();
        assert_eq!(found["expanded"][at]["displayName"], name, "{path}");
    }
    assert_eq!(view["approversPath"], "");
}

/// Sampled requests, with ids that exist and with others.
#[tokio::test]
async fn no_request_ends_in_an_internal_error() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let description = c1_api_emulator::description().unwrap();
    let [entitlement, user] = [
        tenant.entitlement("Reports Reader"),
        tenant.user("Elin Faber"),
    ];
    let accounts = format!("/api/v1/apps/{}/users/{user}/app_users", tenant.ledger);
    let account = tenant.client.get(&accounts);
    let account = text(&account.await.1["list"][0]["appUser"]["id"]);
    let groups = [
        "task",
        "task_actions",
        "task_audit",
        "task_search",
        "app_entitlement_user_binding",
    ];
    let others = [
        "request_catalog_search.search_entitlements",
        "app_entitlement_search.search_grants",
        "app_entitlement_search.count_grants_for_user_by_app",
    ];
    let operations = description.operations.iter().filter(|operation| {
        let id = operation.id();
        let group = id.split('.').next().unwrap();
        groups.contains(&group) || others.contains(&id.as_str())
    });
    let mut answers = std::collections::BTreeMap::new();
    for operation in operations {
        for seed in 0..24 {
            let real = seed % 4 != 0;
            let task = tenant.client.post(
                "/api/v1/task/grant",
                tenant.grant_body("Elin Faber", "Taxes Reader"),
            );
            let task = match task.await {
                (200, created) => text(&created["taskView"]["task"]["id"]),
                (_, conflict) => conflict["details"][0]["resourceName"]
                    .as_str()
                    .unwrap_or("x")
                    .to_owned(),
            };
            let read = tenant.client.get(&format!("/api/v1/tasks/{task}")).await.1;
            let known = |name: &str| match name {
                "appId" | "app_id" => Some(tenant.ledger.clone()),
                "appEntitlementId" | "app_entitlement_id" => Some(entitlement.clone()),
                "identityUserId" if seed % 3 == 0 => Some(String::new()),
                "identityUserId" | "identity_user_id" | "subjectUserId" | "userId" => {
                    Some(user.clone())
                }
                "appUserId" if seed % 3 != 0 => Some(String::new()),
                "appUserId" | "app_user_id" => Some(account.clone()),
                "taskId" | "task_id" | "id" => Some(task.clone()),
                "policyStepId" => read["taskView"]["task"]["policy"]["current"]["id"]
                    .as_str()
                    .map(str::to_owned),
                "pageToken" => Some(String::new()),
                _ => None,
            };
            let mut path = operation.path.clone();
            for parameter in &operation.path_parameters {
                let id = known(&parameter.name)
                    .filter(|_| real)
                    .unwrap_or_else(|| "x".to_owned());
                path = path.replace(&format!("{{{}}}", parameter.name), &id);
            }
            let schema = operation.body.as_ref().and_then(|body| body.schema());
            let body = schema.map(|schema| {
                let mut body = Sampler::new(description, seed).message(schema);
                for (name, value) in body.as_object_mut().unwrap() {
                    if real && let Some(id) = known(name) {
                        *value = json!(id);
                    }
                }
                body
            });
            let method: Method = operation.method.as_str().parse().unwrap();
            let mut request = tenant.client.request(method, &path);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let (status, response) = Client::send(request).await;
            assert!(
                status < 500 || status == 501,
                "{}: {status} {response}\n{body:?}",
                operation.id()
            );
            *answers.entry(status).or_insert(0) += 1;
        }
    }
    for status in [200, 400, 404] {
        assert!(
            answers.get(&status).is_some_and(|count| *count > 20),
            "{answers:?}"
        );
    }
}
