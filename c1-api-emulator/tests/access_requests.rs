//! Access requests over HTTP: the life of tasks.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use c1_api_emulator::sample::Sampler;
use client::access::{TASKS, Tenant, field, grant_outcome, step};
use client::{Client, text};
use reqwest::Method;
use serde_json::{Value, json};

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

    // What a caller may do is in the task that the caller reads.
    let filip = tenant.user("Filip Grau");
    let own = tenant.grant_body("Filip Grau", "Orders Reader");
    let (status, created) = tenant
        .post_as("Filip Grau", "/api/v1/task/grant", own)
        .await;
    assert_eq!(status, 200, "{created}");
    let own = &created["taskView"]["task"];
    assert_eq!(own["createdByUserId"], json!(filip));
    let [approve, close] =
        ["APPROVE", "CLOSE"].map(|action| json!(format!("TASK_ACTION_TYPE_{action}")));
    let may = |task: &Value, action| task["actions"].as_array().unwrap().contains(action);
    assert!(!may(own, &approve));
    assert!(may(own, &close));
    let search = json!({ "refs": [{ "id": own["id"] }] });
    let (_, found) = tenant.post_as("Dario Egger", TASKS, search).await;
    assert!(may(&found["list"][0]["task"], &approve));
    let close = tenant.act_as("Bo Castell", own, "close", json!({})).await;
    assert_eq!(close.0, 403, "not his");
    assert_eq!(
        tenant.act_as("Filip Grau", own, "close", json!({})).await.0,
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
async fn approvers_are_those_of_the_step() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let (leo, kira) = (tenant.user("Leo Marsh"), tenant.user("Kira Lund"));
    let (ledger, elin) = (&tenant.ledger, tenant.user("Elin Faber"));
    let group = tenant.entitlement("Budgets Admin");
    let steps = json!([
        { "approval": { "appOwners": {} } },
        { "approval": { "entitlementOwners": {} } },
        { "approval": { "group": { "appId": ledger, "appGroupId": group } } },
        { "approval": { "self": {}, "requiresStepUpProviderId": "provider" } },
        { "approval": { "users": { "userIds": [elin] } } },
    ]);
    let entitlement = with_steps(&tenant, steps, json!({})).await;
    let own = format!("/api/v1/apps/{ledger}/owners/{leo}");
    tenant.client.create(&own, json!({})).await;
    let own = format!("/api/v1/apps/{ledger}/entitlements/{entitlement}/owners");
    tenant.client.create(&own, json!({ "userId": kira })).await;
    let mut task = request_special(&tenant, &entitlement).await;
    for (name, approver) in [
        ("app owner", leo),
        ("entitlement owner", kira),
        ("group", tenant.user("Dario Egger")),
    ] {
        assert_eq!(task["stepApproverIds"], json!([approver]), "{name}");
        assert_eq!(
            tenant.act(&task, "approve", json!({})).await.0,
            200,
            "{name}"
        );
        task = tenant.task(&task).await;
    }
    assert_eq!(task["stepApproverIds"], json!([elin]), "herself");
    let mut body = json!({ "policyStepId": step(&task) });
    let plain = tenant
        .act_as("Elin Faber", &task, "approve", body.clone())
        .await;
    assert_eq!(
        (plain.0, &plain.1["code"]),
        (400, &json!(9)),
        "step-up is required"
    );
    body["stepUpTransactionId"] = json!("verified");
    let verified = tenant
        .act_as("Elin Faber", &task, "approve-with-step-up", body)
        .await;
    assert_eq!(verified.0, 200);
    task = tenant.task(&task).await;
    let approved = &task["policy"]["history"][3]["approval"]["approved"];
    assert_eq!(approved["stepUpTransactionId"], "verified");
    assert_eq!(
        task["stepApproverIds"],
        json!([]),
        "she may not approve her own request"
    );
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    let closed = tenant.task(&task).await;
    assert_eq!(
        grant_outcome(&closed),
        "GRANT_OUTCOME_GRANTED",
        "without a provision step, too"
    );
}

#[tokio::test]
async fn a_revocation_goes_through_its_own_policy() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let steps = json!([{ "approval": { "manager": {} } }, { "provision": {} }]);
    let policy = json!({
        "displayName": "Ask",
        "policyType": "POLICY_TYPE_REVOKE",
        "policySteps": { "revoke": { "steps": steps } },
    });
    let policy = tenant.client.create("/api/v1/policies", policy).await;
    let update = json!({ "app": { "revokePolicyId": policy["policy"]["id"] }, "updateMask": "revokePolicyId" });
    let app = format!("/api/v1/apps/{}", tenant.ledger);
    tenant.client.create(&app, update).await;
    let revoke = async || {
        let body = tenant.grant_body("Elin Faber", "Payments Writer");
        let created = tenant.client.create("/api/v1/task/revoke", body).await;
        created["taskView"]["task"].clone()
    };
    let task = revoke().await;
    assert_eq!(task["stepApproverIds"], json!([tenant.user("Dario Egger")]));
    assert_eq!(tenant.act(&task, "deny", json!({})).await.0, 200);
    let denied = tenant.task(&task).await;
    assert_eq!(denied["type"]["revoke"]["outcome"], "REVOKE_OUTCOME_DENIED");
    assert_eq!(tenant.granted("Elin Faber").await.len(), 3);
    let task = revoke().await;
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(&task, "process", json!({})).await.0, 200);
    let revoked = tenant.task(&task).await;
    assert_eq!(
        revoked["type"]["revoke"]["outcome"],
        "REVOKE_OUTCOME_REVOKED"
    );
    assert_eq!(tenant.granted("Elin Faber").await.len(), 2);
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
        "app_entitlement_search.search_reachable_resources_for_user",
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
            let shown = tenant.client.get(&format!("/api/v1/tasks/{task}")).await.1;
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
                "policyStepId" => shown["taskView"]["task"]["policy"]["current"]["id"]
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
