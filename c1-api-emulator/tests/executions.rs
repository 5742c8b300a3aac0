//! Executions of automations over HTTP: their life, their steps, and how they are found.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::access::{Tenant, field};
use client::{has, text};
use serde_json::{Value, json};

const AUTOMATIONS: &str = "/api/v1/automations";
const EXECUTIONS: &str = "/api/v1/automation_executions";
const PENDING: &str = "AUTOMATION_EXECUTION_STATE_PENDING";
const WAITING: &str = "AUTOMATION_EXECUTION_STATE_WAITING";
const PAUSED: &str = "AUTOMATION_EXECUTION_STATE_PAUSED_BY_CIRCUIT_BREAKER";
const DONE: &str = "AUTOMATION_EXECUTION_STATE_DONE";
const ERROR: &str = "AUTOMATION_EXECUTION_STATE_ERROR";
const TERMINATED: &str = "AUTOMATION_EXECUTION_STATE_TERMINATE";

/// A tenant with automations.
struct Scene(Tenant);

impl Scene {
    /// `None` if the description has no executions.
    async fn start() -> Option<Self> {
        let needed = ["automation.execute", "automation_execution.get"];
        if !needed.into_iter().all(has) {
            return None;
        }
        Tenant::start().await.map(Self)
    }

    async fn create(&self, automation: Value) -> String {
        let created = self.0.client.create(AUTOMATIONS, automation).await;
        text(&created["automation"]["id"])
    }

    async fn automation(&self, name: &str, steps: Value) -> String {
        let automation = json!({ "displayName": name, "enabled": true, "automationSteps": steps });
        self.create(automation).await
    }

    async fn execute(&self, automation: &str) -> String {
        let path = format!("{AUTOMATIONS}/{automation}/execute");
        text(&self.0.client.create(&path, json!({})).await["executionId"])
    }

    async fn get(&self, execution: &str) -> Value {
        let (status, response) = self
            .0
            .client
            .get(&format!("{EXECUTIONS}/{execution}"))
            .await;
        assert_eq!(status, 200, "{response}");
        let execution = response["automationExecution"].clone();
        assert_eq!(response["view"]["automationExecution"], execution);
        execution
    }

    async fn state(&self, execution: &str) -> String {
        text(&self.get(execution).await["state"])
    }

    /// Reads it until it changes no more.
    async fn settled(&self, execution: &str) -> String {
        assert_eq!(self.state(execution).await, PENDING);
        self.state(execution).await
    }

    /// Executes an automation with these steps.
    async fn run(&self, steps: Value) -> String {
        let automation = self.automation("Run", steps).await;
        self.settled(&self.execute(&automation).await).await
    }

    async fn find(&self, search: &str, filter: Value) -> Vec<String> {
        let path = format!("/api/v1/search/{search}");
        let found = self.0.client.create(&path, filter).await;
        let list = found["list"].as_array().unwrap().iter();
        list.map(|view| text(&view["automationExecution"]["id"]))
            .collect()
    }

    async fn terminate(&self, execution: &str) -> u16 {
        let path = format!("{EXECUTIONS}/{execution}/actions/terminate");
        self.0.client.post(&path, json!({})).await.0
    }
}

#[tokio::test]
async fn an_execution_is_pending_waits_and_is_done() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let steps = json!([
        { "stepName": "mail", "sendEmail": {} },
        { "stepName": "skipped", "skipIfTrueCel": "true", "waitForDuration": { "duration": "1s" } },
        { "stepName": "wait", "waitForDuration": { "duration": "3600s" } },
        { "stepName": "last", "sendEmail": {} },
    ]);
    let automation = scene.automation("Waits", steps).await;
    let path = format!("{AUTOMATIONS}/{automation}");
    assert_eq!(
        scene.0.client.get(&path).await.1["automation"]["lastExecutedAt"],
        Value::Null
    );
    let body = json!({ "context": { "context": { "why": "a test" } } });
    let executed = scene
        .0
        .client
        .create(&format!("{path}/execute"), body)
        .await;
    let id = text(&executed["executionId"]);
    let first = scene.get(&id).await;
    assert_eq!(first["state"], PENDING);
    assert_eq!(first["automationTemplateId"], json!(automation));
    assert_eq!(first["context"]["context"]["why"], "a test");
    assert_ne!(
        scene.0.client.get(&path).await.1["automation"]["lastExecutedAt"],
        Value::Null
    );
    assert_eq!(scene.state(&id).await, WAITING);
    scene.0.pass(3599);
    assert_eq!(scene.state(&id).await, WAITING);
    scene.0.pass(1);
    let done = scene.get(&id).await;
    assert_eq!(
        (&done["state"], &done["duration"]),
        (&json!(DONE), &json!("3600s"))
    );
    assert_eq!(done["completedAt"], "2023-11-14T23:13:20Z");

    let foreign = format!("{AUTOMATIONS}/nosuch/execute");
    assert_eq!(scene.0.client.post(&foreign, json!({})).await.0, 404);
    assert_eq!(scene.0.client.get(&format!("{EXECUTIONS}/77")).await.0, 404);
}

#[tokio::test]
async fn the_steps_are_those_from_the_beginning_and_drafts_have_their_own() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let wait = |seconds: u32| json!([{ "waitForDuration": { "duration": format!("{seconds}s") } }]);
    let automation = scene.automation("Changes", wait(60)).await;
    let id = scene.execute(&automation).await;
    assert_eq!(scene.settled(&id).await, WAITING);
    assert_eq!(
        scene
            .0
            .client
            .delete(&format!("{AUTOMATIONS}/{automation}"))
            .await,
        200
    );
    scene.0.pass(60);
    assert_eq!(scene.state(&id).await, DONE);

    let draft =
        json!({ "displayName": "Draft", "isDraft": true, "draftAutomationSteps": wait(60) });
    let id = scene.execute(&scene.create(draft).await).await;
    assert_eq!(scene.settled(&id).await, WAITING);
    assert_eq!(scene.get(&id).await["isDraft"], true);

    // A snapshot has what is left.
    let snapshot = scene.0.client.emulator.snapshot();
    let restored = Tenant::with(|builder| builder.snapshot(snapshot)).await;
    let scene = Scene(restored.unwrap());
    assert_eq!(scene.state(&id).await, WAITING);
    scene.0.pass(120);
    assert_eq!(scene.state(&id).await, DONE);
}

#[tokio::test]
async fn an_execution_is_terminated_once() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let steps = json!([{ "waitForDuration": { "duration": "60s" } }]);
    let automation = scene.automation("Waits", steps).await;
    let (pending, waiting) = (
        scene.execute(&automation).await,
        scene.execute(&automation).await,
    );
    assert_eq!(scene.terminate(&pending).await, 200);
    assert_eq!(scene.settled(&waiting).await, WAITING);
    assert_eq!(scene.terminate(&waiting).await, 200);
    for id in [&pending, &waiting] {
        assert_eq!(scene.terminate(id).await, 400);
        scene.0.pass(60);
        assert_eq!(scene.state(id).await, TERMINATED);
    }
    assert_eq!(scene.terminate("77").await, 404);
}

#[tokio::test]
async fn steps_have_effects_or_fail() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let user = scene.0.user("Elin Faber");
    let disable = |user: &str| {
        let status = json!({ "userRef": { "id": user }, "userStatusEnum": "DISABLED" });
        json!([{ "updateUser": status }])
    };
    assert_eq!(scene.run(disable(&user)).await, DONE);
    let found = scene.0.client.get(&format!("/api/v1/users/{user}")).await.1;
    assert_eq!(found["userView"]["user"]["status"], "DISABLED");
    assert_eq!(scene.run(disable("nosuch")).await, ERROR);

    let entitlement = |id: &str| {
        let list = json!({ "appEntitlementRefs": [{ "appId": scene.0.ledger, "id": id }] });
        json!({ "userRef": { "id": user }, "inclusionList": list })
    };
    let own = scene.0.entitlement("Taxes Reader");
    let revoke = json!([{ "createRevokeTasksV2": entitlement(&own) }]);
    assert_eq!(scene.run(revoke).await, DONE, "there is nothing to revoke");
    let tasks = || scene.0.search(json!({ "subjectIds": [user] }));
    let before = tasks().await.len();
    let grant = json!([{ "grantEntitlements": entitlement(&own) }]);
    assert_eq!(scene.run(grant.clone()).await, DONE);
    assert_eq!(tasks().await.len(), before + 1);
    assert_eq!(scene.run(grant).await, DONE, "the task is open already");
    assert_eq!(tasks().await.len(), before + 1);
    let foreign = json!([{ "grantEntitlements": entitlement("nosuch") }]);
    assert_eq!(scene.run(foreign).await, ERROR);

    let other = scene.automation("Other", json!([])).await;
    let runs = |id: &str| json!([{ "runAutomation": { "automationTemplateRef": { "id": id } } }]);
    assert_eq!(scene.run(runs(&other)).await, DONE);
    let filter = json!({ "automationTemplateIds": [other] });
    let begun = scene.find("all_automation_executions", filter).await;
    assert_eq!(
        scene.state(&begun[0]).await,
        DONE,
        "the search showed it as pending"
    );
    assert_eq!(scene.run(runs("nosuch")).await, ERROR);
}

#[tokio::test]
async fn searches_find_by_their_filters() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let ledger = &scene.0.ledger;
    let first = json!({ "displayName": "Payroll", "appId": ledger, "automationSteps": [] });
    let first = scene.create(first).await;
    let fails = json!([{ "runAutomation": { "automationTemplateRef": { "id": "nosuch" } } }]);
    let second = scene.automation("Fails", fails).await;
    let (one, two) = (scene.execute(&first).await, scene.execute(&second).await);
    assert_eq!(scene.settled(&one).await, DONE);
    assert_eq!(
        scene.state(&two).await,
        ERROR,
        "it ran when the first one was read"
    );
    let all = [
        (
            "all_automation_executions",
            json!({ "executionStates": [ERROR] }),
            &two,
        ),
        (
            "all_automation_executions",
            json!({ "automationTemplateIds": [first] }),
            &one,
        ),
        (
            "all_automation_executions",
            json!({ "appIds": [ledger] }),
            &one,
        ),
        (
            "automation_executions",
            json!({ "automationTemplateId": second }),
            &two,
        ),
        (
            "automation_executions",
            json!({ "executionStepStates": [DONE] }),
            &one,
        ),
        ("automation_executions", json!({ "executionId": two }), &two),
        (
            "automation_executions",
            json!({ "refs": [{ "id": one }] }),
            &one,
        ),
        ("automation_executions", json!({ "query": "payr" }), &one),
    ];
    for (search, filter, found) in all {
        assert_eq!(
            &scene.find(search, filter.clone()).await[..],
            std::slice::from_ref(found),
            "{filter}"
        );
    }
    let both = [one.clone(), two];
    assert_eq!(
        scene.find("all_automation_executions", json!({})).await,
        both
    );
    let listed = scene.0.client.get(EXECUTIONS).await.1;
    assert_eq!(listed["automationExecutions"].as_array().unwrap().len(), 2);
    let search = "/api/v1/search/all_automation_executions";
    let subject = json!({ "subjectUserIds": ["x"] });
    assert_eq!(scene.0.client.post(search, subject).await.0, 501);

    let body = json!({ "refs": [{ "id": one }], "expandMask": { "paths": ["automation_id"] } });
    let found = scene
        .0
        .client
        .create("/api/v1/search/automation_executions", body)
        .await;
    assert_eq!(found["list"][0]["automationPath"], "$.expanded[0]");
    assert_eq!(found["expanded"][0]["displayName"], "Payroll");
}

#[tokio::test]
async fn the_circuit_breaker_pauses_executions() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let automation = json!({
        "displayName": "Often",
        "enabled": true,
        "circuitBreakerMax": 1,
        "circuitBreakerPeriod": "CIRCUIT_BREAKER_PERIOD_HOUR",
    });
    let automation = scene.create(automation).await;
    let path = format!("{AUTOMATIONS}/{automation}");
    let get = || async { scene.0.client.get(&path).await.1["automation"].clone() };
    let first = scene.execute(&automation).await;
    assert_eq!(scene.settled(&first).await, DONE);
    scene.0.pass(3601);
    scene.execute(&automation).await;
    assert_eq!(
        get().await["enabled"],
        true,
        "the first one is too old to count"
    );
    let (run, other) = (
        scene.execute(&automation).await,
        scene.execute(&automation).await,
    );
    let tripped = get().await;
    assert_eq!(tripped["enabled"], false);
    assert_eq!(tripped["circuitBreaker"]["observedCount"], 2);
    for id in [&run, &other, &run] {
        assert_eq!(scene.state(id).await, PAUSED);
    }

    let resolve = format!("{path}/circuit_breaker/resolve_paused");
    let (status, error) = scene.0.client.post(&resolve, json!({})).await;
    assert_eq!((status, field(&error)), (400, &json!("decision")));
    let cancel = json!({ "decision": "PAUSED_EXECUTION_DECISION_CANCEL" });
    let resolved = scene.0.client.create(&resolve, cancel.clone()).await;
    assert_ne!(resolved["bulkActionId"], "");
    assert_eq!(scene.state(&run).await, TERMINATED);
    let resolved = scene.0.client.create(&resolve, cancel).await;
    assert_eq!(resolved["bulkActionId"], "", "nothing is paused any more");

    let paused = scene.execute(&automation).await;
    assert_eq!(scene.state(&paused).await, PAUSED);
    let clear = format!("{path}/circuit_breaker/clear");
    let run = json!({ "decision": "PAUSED_EXECUTION_DECISION_RUN" });
    scene.0.client.create(&clear, run).await;
    assert_eq!(scene.settled(&paused).await, DONE);
    assert_eq!(get().await["enabled"], true);
    assert_eq!(
        get()
            .await
            .get("circuitBreaker")
            .filter(|own| !own.is_null()),
        None
    );
    let next = scene.execute(&automation).await;
    assert_eq!(
        scene.settled(&next).await,
        DONE,
        "it counts from the beginning"
    );
}

#[tokio::test]
async fn what_executions_change_is_in_the_log() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    if !has("system_log.list_events") {
        return;
    }
    let automation = scene.automation("Logged", json!([])).await;
    let id = scene.execute(&automation).await;
    assert_eq!(scene.settled(&id).await, DONE);
    let log = scene
        .0
        .client
        .create("/api/v1/systemlog/events", json!({ "pageSize": 100 }))
        .await;
    let events = log["list"].as_array().unwrap().iter();
    let own = events.filter(|event| {
        let resource = &event["resources"][0];
        resource["type"] == "c1.api.automations.v1.AutomationExecution"
            && resource["uid"] == json!(id)
    });
    let own: Vec<_> = own
        .map(|event| (&event["activity_name"], &event["api"]["operation"]))
        .collect();
    let expected = [
        (&json!("Create"), &json!("automation.execute")),
        (&json!("Update"), &json!("automation_execution.get")),
    ];
    assert_eq!(own, expected);
}
