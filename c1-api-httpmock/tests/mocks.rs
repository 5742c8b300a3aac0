//! The client of an application against the mocks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use c1_api::types::{
    App, CreateAppRequest, CreateAppResponse, GetAppEntitlementResponse, GetAppResponse,
    ListAppsResponse,
};
use c1_api_ext::{C1, ErrorKind, RequestExt as _, RetryPolicy};
use c1_api_httpmock::{Code, MockServer, MockServerExt as _, RpcStatus, UNTYPED};
use serde_json::json;

fn client(server: &MockServer) -> C1 {
    let builder = C1::builder().tenant(server.base_url());
    builder.access_token("canary").build().unwrap()
}

#[tokio::test]
async fn the_id_of_a_mock_is_no_pattern() {
    let server = MockServer::start_async().await;
    let mock = server.apps_get(|when, then| {
        when.id("a.b/(c");
        then.ok(&GetAppResponse::default());
    });
    let c1 = client(&server);
    assert!(c1.apps().get("axb/(c").await.is_err());
    c1.apps().get("a.b/(c").await.unwrap();
    mock.assert_calls(1);
}

#[tokio::test]
async fn a_body_is_compared_as_the_client_sends_it() {
    let server = MockServer::start_async().await;
    let mut response = CreateAppResponse::default();
    response.app = Some(App::new().display_name("Wiki"));
    let mock = server.apps_create(|when, then| {
        when.body(&CreateAppRequest::new("Wiki"));
        then.ok(&response);
    });
    let c1 = client(&server);
    assert!(
        c1.apps()
            .create(CreateAppRequest::new("Wikis"))
            .await
            .is_err()
    );
    let read = c1.apps().create(CreateAppRequest::new("Wiki")).await;
    assert_eq!(read.unwrap(), response);
    mock.assert_calls(1);
}

#[tokio::test]
async fn a_parameter_of_the_query_is_given_or_absent() {
    let server = MockServer::start_async().await;
    let mut response = ListAppsResponse::default();
    response.next_page_token = Some("more".to_owned());
    let first = server.apps_list(|when, then| {
        when.page_size(2).page_token(None);
        then.ok(&response);
    });
    let mut response = ListAppsResponse::default();
    response.list = vec![App::new()];
    let second = server.apps_list(|when, then| {
        when.page_token("more");
        then.ok(&response);
    });
    let c1 = client(&server);
    let page = c1.apps().list().page_size(2).await.unwrap();
    let token = page.next_page_token.unwrap();
    let page = c1.apps().list().page_size(2).page_token(token).await;
    assert_eq!(page.unwrap().list.len(), 1);
    first.assert_calls(1);
    second.assert_calls(1);
}

#[tokio::test]
async fn an_error_arrives_with_its_code_and_details() {
    let server = MockServer::start_async().await;
    let mock = server.apps_get(|when, then| {
        when.id("1");
        let status = RpcStatus::new(Code::AlreadyExists, "there (request-id: r1)");
        let detail = json!({ "@type": "type.googleapis.com/c1.api.X", "id": "2" });
        then.default_response(409, &status.detail(detail));
    });
    let once = RetryPolicy::off();
    let error = client(&server).apps().get("1").retry(once).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.code(), Some(Code::AlreadyExists));
    assert_eq!(error.request_id(), Some("r1"));
    assert_eq!(error.details().len(), 1);
    mock.assert_calls(1);
}

#[tokio::test]
async fn what_a_mock_brings_is_what_the_client_reads() {
    // Every kind of field that is not written as serde would write it.
    let json = json!({
        "appEntitlement": {
            "appId": "1",
            "createdAt": "2026-01-02T03:04:05.000000006Z",
            "durationGrant": "3600s",
            "grantCount": "9007199254740993",
            "purpose": "APP_ENTITLEMENT_PURPOSE_VALUE_OF_NEXT_MONTH",
        },
        "appPath": "$.expanded[0]",
    });
    let view = serde_json::from_value(json).unwrap();
    let server = MockServer::start_async().await;
    let mut response = GetAppEntitlementResponse::default();
    response.app_entitlement_view = Some(view);
    server.app_entitlements_get(|when, then| {
        when.app_id("1").id("2");
        then.ok(&response);
    });
    let read = client(&server).app_entitlements().get("1", "2").await;
    assert_eq!(read.unwrap(), response);
}

#[test]
fn every_operation_of_this_description_has_a_mock() {
    assert_eq!(UNTYPED, [""; 0]);
}
