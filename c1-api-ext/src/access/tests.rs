use c1_api::ErrorKind;
use serde_json::{Value, json};

use super::*;
use crate::testing::Replies;
use crate::wait::task::{TaskOutcome, TaskStatus};

fn ok(body: Value) -> (u16, Value) {
    (200, body)
}

fn row(id: &str, name: &str, alias: &str) -> Value {
    json!({ "appEntitlement": { "appId": "a1", "id": id, "displayName": name, "alias": alias } })
}

fn rows(rows: impl IntoIterator<Item = Value>) -> (u16, Value) {
    let rows: Vec<_> = rows.into_iter().collect();
    ok(json!({ "list": rows, "nextPageToken": "" }))
}

fn grant(id: &str, user: &str, state: &str) -> Value {
    let grant = json!({ "appId": "a1", "appEntitlementId": "e1", "identityUserId": user, "appUserId": "acc1" });
    json!({ "id": id, "state": format!("TASK_STATE_{state}"), "type": { "grant": grant } })
}

fn task(task: &Value) -> (u16, Value) {
    ok(json!({ "taskView": { "task": task } }))
}

fn held(step: &str) -> (u16, Value) {
    let mut held = grant("t1", "u1", "OPEN");
    held["policy"] = json!({ "current": { "id": step, "approval": { "state": "APPROVAL_INSTANCE_STATE_WAITING" } } });
    task(&held)
}

fn failure(status: u16, details: &Value) -> (u16, Value) {
    (
        status,
        json!({ "code": 9, "message": "as scripted", "details": details }),
    )
}

fn about(id: &str) -> Value {
    json!([{ "@type": "type.googleapis.com/google.rpc.ResourceInfo", "resourceName": id }])
}

fn entitlement(replies: &Replies) -> Entitlement {
    replies.client().access().entitlement_by_id("a1", "e1")
}

#[tokio::test]
async fn an_alias_finds_only_the_entitlement_that_has_it() {
    let replies = Replies::new([rows([
        row("e1", "Reader", "reader"),
        row("e2", "Reader 2", "reader-2"),
    ])]);
    let found = replies.client().access().entitlement("reader").await;
    let found = found.expect("one");
    assert_eq!(
        (found.app_id(), found.id(), found.name()),
        ("a1", "e1", "Reader")
    );
    assert_eq!(replies.asked()[0].1, json!({ "alias": "reader" }));
}

#[tokio::test]
async fn none_and_several_are_errors_that_list_candidates() {
    let replies = Replies::new([rows([]), rows([row("e2", "Reader 2", "reader-2")])]);
    let none = replies.client().access().entitlement("reader").await;
    let none = none.expect_err("no such alias");
    assert_eq!(
        none.to_string(),
        "no entitlement matches the alias `reader`; similar: `Reader 2` with the alias `reader-2` (app a1, id e2)"
    );
    assert!(matches!(none, AccessError::NoEntitlement { similar, .. } if similar.len() == 1));
    assert_eq!(replies.asked()[1].1, json!({ "query": "reader" }));

    let many = (0..20).map(|n| row(&format!("e{n}"), "Reader", ""));
    let replies = Replies::new([rows(many), rows([])]);
    let search = || AppEntitlementSearchServiceSearchRequest::new().query("Reader");
    let access = replies.client().access();
    let several = access.find(search()).await.expect_err("several");
    let text = several.to_string();
    assert!(
        text.starts_with("several entitlements match `Reader`, expected one; they are: "),
        "{text}"
    );
    assert!(
        text.contains("id e0)") && text.contains("id e9)") && text.ends_with(", and more"),
        "{text}"
    );
    let none = access.find(search()).await.expect_err("none");
    assert_eq!(none.to_string(), "no entitlement matches `Reader`");

    let replies = Replies::new([rows([json!({ "appEntitlement": { "id": "e1" } })])]);
    let error = replies
        .client()
        .access()
        .find(search())
        .await
        .expect_err("no app");
    assert!(
        error.to_string().contains("AppEntitlement.appId"),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_names_one_recipient_and_all_that_was_set() {
    let created = || task(&grant("t1", "u1", "OPEN"));
    let replies = Replies::new([created(), created(), created()]);
    let one = entitlement(&replies);
    let values = json!({ "reason": "audit" });
    let request = one
        .grant_to(Recipient::user("u1"))
        .description("why")
        .duration(c1_api::chrono::TimeDelta::hours(1))
        .form(values.as_object().expect("an object").clone())
        .emergency();
    let request = request.send().await.expect("a request");
    assert_eq!((request.id(), request.existed()), ("t1", false));
    let account = one.grant_to(Recipient::app_user("acc1")).send().await;
    account.expect("a request");
    let revoke = one
        .revoke_from(Recipient::app_user("acc1"))
        .description("left");
    revoke.send().await.expect("a request");
    let ids = |mut body: Value| {
        body["appId"] = json!("a1");
        body["appEntitlementId"] = json!("e1");
        body
    };
    let set = json!({
        "identityUserId": "u1", "description": "why", "grantDuration": "3600s", "requestData": values,
        "emergencyAccess": true,
    });
    let asked: Vec<_> = replies.asked().into_iter().map(|(_, body)| body).collect();
    assert_eq!(
        asked,
        [
            ids(set),
            ids(json!({ "appUserId": "acc1" })),
            ids(json!({ "appUserId": "acc1", "description": "left" })),
        ]
    );
}

#[tokio::test]
async fn what_is_requested_already_is_found() {
    let open = grant("t1", "u1", "OPEN");
    let view = json!({ "task": open });
    let wrong = [
        json!({ "task": grant("t2", "u2", "OPEN") }),
        json!({ "task": grant("t3", "u1", "CLOSED") }),
        json!({ "task": { "id": "t4", "type": { "revoke": grant("", "u1", "OPEN")["type"]["grant"] } } }),
    ];
    let all = || rows(wrong.iter().chain([&view]).cloned());
    let named = failure(409, &about("t1"));
    for (replies, calls) in [
        (vec![named.clone(), task(&open)], 2),
        (vec![failure(409, &json!([])), all()], 2),
        // The id is not that of a task, or of another one.
        (vec![named.clone(), failure(404, &json!([])), all()], 3),
        (vec![named, task(&grant("t1", "u2", "OPEN")), all()], 3),
    ] {
        let replies = Replies::new(replies);
        let request = entitlement(&replies).grant_to(Recipient::user("u1"));
        let found = request.send().await.expect("the open request");
        assert_eq!((found.id(), found.existed()), ("t1", true));
        assert_eq!(replies.asked().len(), calls);
    }

    let replies = Replies::new([failure(409, &json!([])), rows(wrong.clone())]);
    let request = entitlement(&replies).grant_to(Recipient::user("u1"));
    let error = request.send().await.expect_err("there is none");
    assert!(
        matches!(&error, AccessError::Call(error) if error.kind() == ErrorKind::Conflict),
        "{error}"
    );
    let replies = Replies::new([ok(json!({ "taskView": { "task": {} } }))]);
    let request = entitlement(&replies).revoke_from(Recipient::user("u1"));
    let error = request.send().await.expect_err("no id");
    assert!(error.to_string().contains("taskView.task.id"), "{error}");
}

#[tokio::test]
async fn the_step_is_looked_up_and_once_again_if_it_is_over() {
    let replies = Replies::new([held("s1"), failure(409, &json!([])), held("s2"), held("s2")]);
    let request = replies.client().access().request("t1");
    request.approve("fine").await.expect("the second step");
    let asked = replies.asked();
    let paths: Vec<_> = asked.iter().map(|(path, _)| path.as_str()).collect();
    let (get, approve) = ("/api/v1/tasks/t1", "/api/v1/tasks/t1/action/approve");
    assert_eq!(paths, [get, approve, get, approve]);
    assert_eq!(
        asked[1].1,
        json!({ "policyStepId": "s1", "comment": "fine" })
    );
    assert_eq!(asked[3].1["policyStepId"], "s2");

    // Not more than once; not if the step is the same; and not for other errors.
    for (replies, status) in [
        (
            vec![
                held("s1"),
                failure(409, &json!([])),
                held("s2"),
                failure(409, &json!([])),
            ],
            409,
        ),
        (vec![held("s1"), failure(400, &json!([])), held("s1")], 400),
        (vec![held("s1"), failure(403, &json!([]))], 403),
    ] {
        let replies = Replies::new(replies);
        let denied = replies.client().access().request("t1").deny("").await;
        let Err(AccessError::Call(error)) = denied else {
            panic!("{denied:?}");
        };
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(replies.left(), 0);
        assert_eq!(
            replies.asked()[1].1,
            json!({ "policyStepId": "s1" }),
            "no comment"
        );
    }
}

#[tokio::test]
async fn a_request_that_nobody_has_to_approve_says_what_it_is() {
    let closed = task(&grant("t1", "u1", "CLOSED"));
    let form =
        json!({ "state": "TASK_STATE_OPEN", "policy": { "current": { "id": "s1", "form": {} } } });
    let replies = Replies::new([
        held("s1"),
        failure(409, &json!([])),
        closed,
        task(&form),
        task(&grant("t1", "u1", "OPEN")),
    ]);
    let request = replies.client().access().request("t1");
    let over = request.approve("").await.expect_err("closed meanwhile");
    let outcome = TaskOutcome::Other(String::new());
    assert!(
        matches!(&over, AccessError::NotHeld { status: TaskStatus::Closed(it), .. } if *it == outcome)
    );
    let form = request.approve("").await.expect_err("a form");
    assert_eq!(
        form.to_string(),
        "the task t1 does not wait for an approval: it waits for its form"
    );
    let open = request.deny("").await.expect_err("open");
    assert!(
        open.to_string().ends_with("it is open, and C1 works on it"),
        "{open}"
    );
}

#[tokio::test]
async fn why_not_says_who_and_with_which_comment() {
    let closed = |outcome: &str, history: Value| {
        let mut closed = grant("t1", "u1", "CLOSED");
        closed["type"]["grant"]["outcome"] = json!(format!("GRANT_OUTCOME_{outcome}"));
        closed["policy"] = json!({ "history": history });
        task(&closed)
    };
    let approved = json!({ "approval": { "approved": { "userId": "u2" } } });
    let denied = json!({ "approval": { "denied": { "userId": "u3" } } });
    let comment =
        |user: &str, text: &str| json!({ "userId": user, "comment": { "comment": text } });
    let comments = rows([
        comment("u2", "hm"),
        comment("u3", "not you"),
        comment("u3", "hello"),
    ]);
    let refusal = |outcome, user: Option<&str>, reason: Option<&str>| Refusal {
        outcome,
        user_id: user.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    for (replies, expected) in [
        (
            vec![closed("DENIED", json!([approved, denied])), comments],
            Some(refusal(TaskOutcome::Denied, Some("u3"), Some("not you"))),
        ),
        (
            vec![
                closed("DENIED", json!([denied])),
                rows([comment("u2", "hm")]),
            ],
            Some(refusal(TaskOutcome::Denied, Some("u3"), None)),
        ),
        (
            vec![closed(
                "DENIED",
                json!([{ "reject": { "rejectMessage": "never" } }]),
            )],
            Some(refusal(TaskOutcome::Denied, None, Some("never"))),
        ),
        (
            vec![closed(
                "ERROR",
                json!([approved, { "provision": { "errored": { "description": "full" } } }]),
            )],
            Some(refusal(TaskOutcome::Errored, None, Some("full"))),
        ),
        (
            vec![closed("CANCELLED", json!([]))],
            Some(refusal(TaskOutcome::Cancelled, None, None)),
        ),
        (vec![closed("GRANTED", json!([approved]))], None),
        (vec![held("s1")], None),
    ] {
        let replies = Replies::new(replies);
        let request = replies.client().access().request("t1");
        assert_eq!(request.why_not().await.expect("an answer"), expected);
        assert_eq!(replies.left(), 0);
    }
}

#[tokio::test]
async fn grants_are_looked_up_for_one_recipient() {
    let binding = json!({ "appId": "a1", "appEntitlementId": "e1", "appUserId": "acc1" });
    let found = || rows([json!({ "appEntitlementUserBinding": binding })]);
    let replies = Replies::new([found(), found(), rows([])]);
    let one = entitlement(&replies);
    let held = one.held_by(&Recipient::user("u1")).await.expect("grants");
    assert_eq!(held[0].app_user_id.as_deref(), Some("acc1"));
    let access = replies.client().access();
    let all = access
        .held_by(&Recipient::app_user("acc1"))
        .await
        .expect("grants");
    assert_eq!(all.len(), 1);
    let none = one.held_by(&Recipient::app_user("acc2")).await;
    assert!(none.expect("no grants").is_empty());
    let asked: Vec<_> = replies.asked().into_iter().map(|(_, body)| body).collect();
    let of = json!([{ "appId": "a1", "id": "e1" }]);
    assert_eq!(asked[0], json!({ "userId": "u1", "entitlementRefs": of }));
    assert_eq!(asked[1], json!({ "appUserIds": ["acc1"] }));
    assert_eq!(
        asked[2],
        json!({ "appUserIds": ["acc2"], "entitlementRefs": of })
    );
}
