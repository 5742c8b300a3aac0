//! The webhooks that the emulator sends, as the verifier of c1-api-ext receives them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a failing helper is a failing test"
)]

use std::sync::{Arc, Mutex};

use c1_api_emulator::{Emulator, WebhookDelivery};
use c1_api_ext::Tenant;
use c1_api_ext::c1_api::reqwest::Method;
use c1_api_ext::c1_api::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use c1_api_ext::webhook::{self, Delivery, Payload, Verifier, WebhookError};
use c1_test_kit::{HostileServer, Reply, shown};
use reqwest::Client;
use serde_json::{Value, json};

/// A tenant with a client, and a receiver.
struct Scene {
    emulator: Emulator,
    receiver: HostileServer,
    http: Client,
    /// What the receiver responds with.
    answer: Arc<Mutex<Reply>>,
}

impl Scene {
    async fn start() -> Self {
        let emulator = Emulator::start().await.unwrap();
        let http = c1_api_ext::http::client(&"127.0.0.1".parse().unwrap()).unwrap();
        let answer = ("200 OK".to_owned(), r#"{"version":"v1"}"#.to_owned());
        let answer = Arc::new(Mutex::new(answer));
        let own = Arc::clone(&answer);
        Self {
            emulator,
            receiver: HostileServer::start(move |_, _| own.lock().unwrap().clone()).await,
            http,
            answer,
        }
    }

    /// Has the receiver respond with this from now on.
    fn answer(&self, status: &str, body: &Value) {
        *self.answer.lock().unwrap() = (status.to_owned(), body.to_string());
    }

    /// Sends a reply to the callback URL. Returns the status of the response.
    async fn call_back(&self, delivery: &Delivery, reply: &webhook::Reply) -> u16 {
        let request = self.http.post(delivery.callback_url().unwrap());
        let request = request.body(delivery.reply(reply).unwrap());
        request.send().await.unwrap().status().as_u16()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.emulator.base_url());
        let token = self.emulator.access_token().unwrap();
        let response = self.http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// The endpoint of the receiver.
    async fn endpoint(&self) -> String {
        let body = json!({ "displayName": "Decides", "url": self.url("/decide") });
        let created = self.post("/api/v1/webhooks", body).await;
        created["webhook"]["id"].as_str().unwrap().to_owned()
    }

    /// The webhook that the receiver got last, verified.
    async fn delivery(&self) -> Delivery {
        let (headers, body) = self.received();
        let verifier = self.verifier(&self.url("/decide"));
        let delivery = verifier.verify(&Method::POST, &headers, &body).await;
        delivery.map_err(|error| shown(&error)).unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.emulator.base_url());
        let token = self.emulator.access_token().unwrap();
        let request = self.http.post(url).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Has a test sent to the URL.
    async fn test(&self, url: &str) -> (Value, WebhookDelivery) {
        let body = json!({ "displayName": format!("Hook {}", self.receiver.requests().len()), "url": url });
        let created = self.post("/api/v1/webhooks", body).await;
        let id = created["webhook"]["id"].as_str().unwrap();
        let path = format!("/api/v1/webhooks/{id}/test");
        let instance = self.post(&path, json!({})).await["webhook"].clone();
        (instance, self.emulator.deliveries().await.pop().unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.receiver.base_url())
    }

    /// What the receiver got last: headers and body.
    fn received(&self) -> (HeaderMap, Vec<u8>) {
        let request = self.receiver.requests().pop().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let headers = head.lines().skip(1).map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::try_from(name).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        (headers.collect(), body.as_bytes().to_vec())
    }

    fn verifier(&self, url: &str) -> Verifier {
        let tenant: Tenant = self.emulator.base_url().parse().unwrap();
        Verifier::new(&tenant, url).unwrap()
    }
}

#[tokio::test]
async fn the_verifier_accepts_what_the_emulator_sends() {
    let scene = Scene::start().await;
    let url = scene.url("/hook?secret=1");
    let (instance, sent) = scene.test(&url).await;
    assert_eq!(instance["state"], "WEBHOOK_STATE_PENDING");
    assert_eq!(instance["spec"]["destination"], json!(url));
    assert_eq!(instance["id"], json!(sent.id));
    let (status, reply) = sent.outcome.clone().unwrap();
    assert_eq!((status, &reply[..]), (200, &br#"{"version":"v1"}"#[..]));

    let (headers, body) = scene.received();
    assert!(
        headers["authorization"].as_bytes().starts_with(b"bearer "),
        "in lower case, as C1 sends it"
    );
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), sent.body);
    let verifier = scene.verifier(&url);
    let verify = |body| verifier.verify(&Method::POST, &headers, body);
    assert!(matches!(verify(b"{}").await, Err(WebhookError::Hash)));
    let delivery = verify(&body).await.map_err(|error| shown(&error)).unwrap();
    assert_eq!(delivery.id(), sent.id);
    assert_eq!(delivery.event(), sent.event);
    assert!(matches!(delivery.payload(), Ok(Payload::Test(_))));
    assert!(matches!(verify(&body).await, Err(WebhookError::Duplicate)));

    let other = scene.verifier(&scene.url("/other"));
    let refused = other.verify(&Method::POST, &headers, &body).await;
    assert!(matches!(
        refused,
        Err(WebhookError::Claim { claim: "htu", .. })
    ));
}

#[tokio::test]
async fn rotated_keys_sign_and_the_last_one_still_verifies() {
    let scene = Scene::start().await;
    let url = scene.url("/hook");
    scene.test(&url).await;
    let old = scene.received();
    scene.emulator.rotate_webhook_keys().unwrap();
    scene.test(&url).await;
    let new = scene.received();
    // Who comes now gets both keys.
    let verifier = scene.verifier(&url);
    for (headers, body) in [&old, &new] {
        let outcome = verifier.verify(&Method::POST, headers, body).await;
        outcome.map_err(|error| shown(&error)).unwrap();
    }
    scene.emulator.rotate_webhook_keys().unwrap();
    let verifier = scene.verifier(&url);
    let (headers, body) = old;
    let refused = verifier.verify(&Method::POST, &headers, &body).await;
    assert!(
        matches!(refused, Err(WebhookError::UnknownKey)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_not_on_this_machine_is_not_sent() {
    let scene = Scene::start().await;
    let (_, sent) = scene.test("http://192.0.2.1/hook").await;
    assert!(sent.outcome.unwrap_err().contains("this machine"));
    // And nobody listens here.
    let (_, sent) = scene.test("http://127.0.0.1:1/hook").await;
    assert!(sent.outcome.unwrap_err().contains("cannot connect"));
}

/// A task that asks for an entitlement whose policy has these steps, or which is provisioned in this way.
struct Task<'s> {
    scene: &'s Scene,
    id: String,
}

impl<'s> Task<'s> {
    async fn request(scene: &'s Scene, steps: Value, provisioner: Value) -> Self {
        let body = json!({
            "displayName": "Decided by a webhook",
            "policyType": "POLICY_TYPE_GRANT",
            "policySteps": { "grant": { "steps": steps } },
        });
        let policy = scene.post("/api/v1/policies", body).await["policy"]["id"].clone();
        let body = json!({ "query": "Taxes Reader" });
        let found = scene.post("/api/v1/search/entitlements", body).await;
        let mut own = found["list"][0]["appEntitlement"].clone();
        own["grantPolicyId"] = policy;
        own["provisionerPolicy"] = provisioner;
        let (app, id) = (own["appId"].clone(), own["id"].clone());
        let path = format!(
            "/api/v1/apps/{}/entitlements/{}",
            app.as_str().unwrap(),
            id.as_str().unwrap()
        );
        let mask = "grantPolicyId,provisionerPolicy";
        let body = json!({ "entitlement": own, "updateMask": mask });
        scene.post(&path, body).await;
        let users = scene.get("/api/v1/users").await["list"].clone();
        let mut users = users.as_array().unwrap().iter();
        let user = users.find(|user| user["user"]["displayName"] == "Elin Faber");
        let body = json!({
            "appId": app,
            "appEntitlementId": id,
            "identityUserId": user.unwrap()["userId"],
        });
        let created = scene.post("/api/v1/task/grant", body).await;
        let id = created["taskView"]["task"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        // Until what was sent has come back.
        scene.emulator.deliveries().await;
        Self { scene, id }
    }

    async fn by_approval(scene: &'s Scene) -> Self {
        let approval = json!({ "webhook": { "webhookId": scene.endpoint().await } });
        let steps = json!([{ "approval": approval }, { "provision": {} }]);
        Self::request(scene, steps, Value::Null).await
    }

    async fn by_provisioning(scene: &'s Scene) -> Self {
        let provisioner = json!({ "webhook": { "webhookId": scene.endpoint().await } });
        Self::request(scene, json!([{ "provision": {} }]), provisioner).await
    }

    async fn get(&self) -> Value {
        let path = format!("/api/v1/tasks/{}", self.id);
        self.scene.get(&path).await["taskView"]["task"].clone()
    }

    /// Its outcome, once what it provisions is seen.
    async fn outcome(&self) -> String {
        self.get().await;
        let outcome = self.get().await["type"]["grant"]["outcome"].clone();
        outcome.as_str().unwrap().to_owned()
    }

    async fn act(&self, action: &str) {
        let step = self.get().await["policy"]["current"]["id"].clone();
        let path = format!("/api/v1/tasks/{}/action/{action}", self.id);
        self.scene
            .post(&path, json!({ "policyStepId": step }))
            .await;
        self.scene.emulator.deliveries().await;
    }

    /// The events of its history whose name has this in it, with their details.
    async fn history(&self, part: &str) -> Vec<(String, Value)> {
        let body = json!({ "taskId": self.id });
        let audits = self.scene.post("/api/v1/task/audits", body).await;
        let audits = audits["list"].as_array().unwrap().iter();
        let events = audits.flat_map(|audit| audit.as_object().unwrap().clone());
        events
            .filter(|(name, details)| name.contains(part) && !details.is_null())
            .collect()
    }
}

#[tokio::test]
async fn a_reply_decides_on_an_approval() {
    let replies = [
        (
            "approve",
            json!({ "comment": "fine" }),
            "GRANT_OUTCOME_GRANTED",
        ),
        (
            "deny",
            json!({ "comment": "not now" }),
            "GRANT_OUTCOME_DENIED",
        ),
        (
            "replacePolicy",
            json!({ "policySteps": [{ "reject": {} }] }),
            "GRANT_OUTCOME_DENIED",
        ),
    ];
    for (name, details, outcome) in replies {
        let scene = Scene::start().await;
        scene.answer("200 OK", &json!({ "version": "v1", name: details }));
        let task = Task::by_approval(&scene).await;
        let delivery = scene.delivery().await;
        let Payload::PolicyApprovalStep(payload) = delivery.payload().unwrap() else {
            panic!("{}", delivery.event());
        };
        let sent = payload.task_view.unwrap().task.unwrap();
        assert_eq!(sent.id.as_deref(), Some(task.id.as_str()));
        assert!(!payload.expanded.is_empty());
        assert_eq!(task.outcome().await, outcome, "{name}");
        let comments = task.history("comment").await;
        let comment = details.get("comment");
        assert_eq!(comments.first().map(|(_, own)| &own["comment"]), comment);
        let history: Vec<_> = task.history("webhook").await;
        let names: Vec<_> = history.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["webhookApprovalTriggered", "webhookApprovalSuccess"]
        );
        assert_eq!(history[0].1["webhookInstanceId"], json!(delivery.id()));
    }
}

#[tokio::test]
async fn a_reply_reassigns_an_approval() {
    let scene = Scene::start().await;
    let user = scene.get("/api/v1/users").await["list"][0]["userId"].clone();
    let reassign = json!({ "newStepUserIds": [user] });
    scene.answer("200 OK", &json!({ "version": "v1", "reassign": reassign }));
    let task = Task::by_approval(&scene).await;
    assert_eq!(task.get().await["stepApproverIds"], json!([user]));
    assert_eq!(scene.receiver.requests().len(), 1, "it is not sent again");
    task.act("approve").await;
    assert_eq!(task.outcome().await, "GRANT_OUTCOME_GRANTED");
}

#[tokio::test]
async fn a_reply_may_come_later() {
    let scene = Scene::start().await;
    scene.answer("202 Accepted", &json!({}));
    let task = Task::by_approval(&scene).await;
    assert_eq!(task.get().await["state"], "TASK_STATE_OPEN");
    let delivery = scene.delivery().await;
    let post = |body: &'static str| scene.http.post(delivery.callback_url().unwrap()).body(body);
    for wrong in ["{}", r#"{"complete":{}}"#, "no JSON"] {
        let response = post(wrong).send().await.unwrap();
        assert_eq!(response.status(), 400, "{wrong}");
    }
    assert_eq!(task.get().await["state"], "TASK_STATE_OPEN");
    let reply = webhook::Reply::approve("late");
    assert_eq!(scene.call_back(&delivery, &reply).await, 200);
    assert_eq!(task.outcome().await, "GRANT_OUTCOME_GRANTED");
    assert_eq!(scene.call_back(&delivery, &reply).await, 404, "decided");
}

#[tokio::test]
async fn a_reply_to_a_step_that_is_over_changes_nothing() {
    let scene = Scene::start().await;
    scene.answer("202 Accepted", &json!({}));
    let webhook = json!({ "webhookId": scene.endpoint().await });
    let second = json!({ "approval": { "users": { "userIds": [] } } });
    let steps = json!([{ "approval": { "webhook": webhook } }, second, { "provision": {} }]);
    let task = Task::request(&scene, steps, Value::Null).await;
    let delivery = scene.delivery().await;
    task.act("approve").await;
    let next = task.get().await["policy"]["current"].clone();
    assert!(next["approval"]["approval"]["webhook"].is_null(), "{next}");
    let reply = webhook::Reply::approve("late");
    assert_eq!(scene.call_back(&delivery, &reply).await, 404);
    assert_eq!(task.get().await["policy"]["current"], next);

    // Nor does a reply to a task that began again: its step has a webhook of its own.
    let scene = Scene::start().await;
    scene.answer("202 Accepted", &json!({}));
    let task = Task::by_approval(&scene).await;
    let delivery = scene.delivery().await;
    task.act("restart").await;
    assert_eq!(scene.call_back(&delivery, &reply).await, 404);
    assert_eq!(task.get().await["state"], "TASK_STATE_OPEN");
    assert_eq!(scene.receiver.requests().len(), 2);
}

#[tokio::test]
async fn without_a_reply_an_administrator_decides() {
    let answers = [
        (
            "200 OK",
            json!({ "version": "v1" }),
            "webhookApprovalBadResponse",
        ),
        (
            "200 OK",
            json!({ "complete": {} }),
            "webhookApprovalBadResponse",
        ),
        (
            "500 Internal Server Error",
            json!({}),
            "webhookApprovalFatalError",
        ),
    ];
    for (status, body, event) in answers {
        let scene = Scene::start().await;
        scene.answer(status, &body);
        let task = Task::by_approval(&scene).await;
        let history = task.history("webhook").await;
        let (last, details) = history.last().unwrap();
        assert_eq!(last, event);
        assert_ne!(details["error"], "");
        task.act("approve").await;
        assert_eq!(task.outcome().await, "GRANT_OUTCOME_GRANTED");
    }
}

#[tokio::test]
async fn a_reply_decides_on_provisioning() {
    let scene = Scene::start().await;
    scene.answer("200 OK", &json!({ "errored": { "comment": "no licence" } }));
    let task = Task::by_provisioning(&scene).await;
    let provision = task.get().await["policy"]["current"]["provision"].clone();
    assert_eq!(provision["errored"]["description"], "no licence");
    let first = scene.delivery().await;
    assert_eq!(provision["webhookInstanceId"], json!(first.id()));
    assert!(matches!(first.payload(), Ok(Payload::ProvisionStep(_))));
    scene.answer("503 Service Unavailable", &json!({}));
    task.act("retry-provisioning").await;
    let provision = task.get().await["policy"]["current"]["provision"].clone();
    let error = provision["errored"]["description"].as_str().unwrap();
    assert!(error.contains("503"), "{error}");
    scene.answer("202 Accepted", &json!({}));
    task.act("retry-provisioning").await;
    for _ in 0..3 {
        assert_eq!(task.get().await["state"], "TASK_STATE_OPEN");
    }
    let reply = webhook::Reply::complete("done");
    assert_eq!(scene.call_back(&scene.delivery().await, &reply).await, 200);
    assert_eq!(task.outcome().await, "GRANT_OUTCOME_GRANTED");
    assert_eq!(scene.receiver.requests().len(), 3);
}

/// Executes an automation that calls the endpoint, and returns the execution after what was sent has come back.
async fn execute(scene: &Scene, endpoint: &str) -> Value {
    let steps = json!([
        { "stepName": "ask", "webhook": { "webhookId": endpoint } },
        { "stepName": "wait", "waitForDuration": { "duration": "1s" } },
    ]);
    let body = json!({ "displayName": "Asks", "automationSteps": steps });
    let created = scene.post("/api/v1/automations", body).await;
    let id = created["automation"]["id"].as_str().unwrap();
    let body = json!({ "context": { "context": { "who": "elin" } } });
    let executed = scene
        .post(&format!("/api/v1/automations/{id}/execute"), body)
        .await;
    let id = executed["executionId"].as_str().unwrap();
    let path = format!("/api/v1/automation_executions/{id}");
    scene.get(&path).await;
    scene.emulator.deliveries().await;
    scene.get(&path).await["automationExecution"].clone()
}

#[tokio::test]
async fn a_reply_adds_to_the_context_of_an_automation() {
    let scene = Scene::start().await;
    scene.answer(
        "200 OK",
        &json!({ "context": { "ticket": 7 }, "version": "v1" }),
    );
    let execution = execute(&scene, &scene.endpoint().await).await;
    assert_eq!(
        execution["state"], "AUTOMATION_EXECUTION_STATE_WAITING",
        "for the next step"
    );
    let context = json!({ "who": "elin", "ticket": 7 });
    assert_eq!(execution["context"]["context"], context);
    let delivery = scene.delivery().await;
    let Payload::WorkflowStep(payload) = delivery.payload().unwrap() else {
        panic!("{}", delivery.event());
    };
    assert_eq!(payload.workflow_execution_step_id.as_deref(), Some("ask"));
    assert_eq!(
        Value::from(payload.context.unwrap()),
        json!({ "who": "elin" })
    );

    scene.answer("200 OK", &json!({ "approve": {} }));
    let failed = execute(&scene, &scene.endpoint().await).await;
    assert_eq!(
        failed["state"], "AUTOMATION_EXECUTION_STATE_ERROR",
        "a reply of another kind"
    );
    let failed = execute(&scene, "nosuch").await;
    assert_eq!(failed["state"], "AUTOMATION_EXECUTION_STATE_ERROR");
}
