//! Servers that repeat what they were sent, in each way in which they could respond.

use c1_api::ErrorKind;
use c1_api_ext::{
    C1, ClientSecretPost, DeviceLogin, SignedAssertion, SubjectToken, Tenant, TokenError,
    TokenExchange, TokenSource,
};
use c1_test_kit::{HostileServer, Reply};
use c1_tests::description;
use serde_json::{Value, json};

use crate::canaries::{Canaries, TOKEN, client_id, endpoint, secret};

fn json_reply(status: &str, body: &Value) -> Reply {
    (
        format!("{status}\r\ncontent-type: application/json"),
        body.to_string(),
    )
}

fn form(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

/// The form as a server might read it.
fn decoded(request: &str) -> String {
    form(request)
        .split('&')
        .map(|pair| pair.replace("%3A", ":").replace('=', " is "))
        .collect()
}

const TOKEN_REPLIES: [fn(&str) -> Reply; 8] = [
    |request| {
        json_reply(
            "400 Bad Request",
            &json!({ "error": "invalid_client", "error_description": request }),
        )
    },
    |request| json_reply("401 Unauthorized", &json!({ "error": request })),
    |request| {
        json_reply(
            "400 Bad Request",
            &json!({ "error": "invalid_grant", "error_description": decoded(request) }),
        )
    },
    |request| json_reply("400 Bad Request", &json!({ "error": decoded(request) })),
    |request| {
        json_reply(
            "200 OK",
            &json!({ "token": request, "access_token": { "a": request } }),
        )
    },
    |request| {
        (
            "500 Oh\r\ncontent-type: text/html".to_owned(),
            format!("<p>{request}</p>"),
        )
    },
    |request| {
        let form = request.split_once("\r\n\r\n").unwrap().1;
        (
            format!("302 Found\r\nlocation: /elsewhere?{form}"),
            String::new(),
        )
    },
    |request| {
        let form = request.split_once("\r\n\r\n").unwrap().1;
        (
            format!("403 Forbidden\r\ncontent-type: text/{form}"),
            form.to_owned(),
        )
    },
];

/// A token endpoint that repeats the form, asked by every source of tokens.
#[tokio::test]
async fn no_token_error_shows_what_was_sent() {
    for (at, reply) in TOKEN_REPLIES.into_iter().enumerate() {
        let server = HostileServer::start(move |_, request| reply(request)).await;
        let tenant: Tenant = server.base_url().parse().unwrap();
        let endpoint = endpoint(&tenant);
        let sources: [(&str, Box<dyn TokenSource>); 4] = [
            (
                "client_assertion",
                Box::new(SignedAssertion::new(
                    endpoint.clone(),
                    client_id(),
                    secret(),
                )),
            ),
            (
                "client_secret",
                Box::new(ClientSecretPost::new(
                    endpoint.clone(),
                    client_id(),
                    secret().expose().as_str(),
                )),
            ),
            (
                "client_secret",
                Box::new(ClientSecretPost::new(endpoint.clone(), client_id(), TOKEN)),
            ),
            (
                "subject_token",
                Box::new(TokenExchange::new(
                    endpoint.clone(),
                    client_id(),
                    SubjectToken::new(TOKEN),
                )),
            ),
        ];
        for (field, source) in sources {
            let what = format!("reply {at} to {field}");
            let error = source.fetch().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(TokenError::of(&error).is_some(), "{what}");
            let canaries = Canaries::default().with_sent(field, &server.requests());
            canaries.assert_not_in_error(&what, &error);
        }
        let login = DeviceLogin::new(endpoint, "some-cli");
        let error = login.start().await.unwrap_err();
        Canaries::default().assert_not_in_error("DeviceLoginError", &error);

        let c1 = C1::builder()
            .client_credentials(server.client_id(), secret())
            .build()
            .unwrap();
        let error = c1.apps().list().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        let canaries = Canaries::default().with_sent("client_assertion", &server.requests());
        canaries.assert_not_in_error(&format!("reply {at} to a client"), &error);
        canaries.assert_not_in("C1", &c1);
    }
}

/// An API that throws the headers back. What it puts into the message of a `google.rpc.Status` is its
/// own word and is shown; nothing else is.
#[tokio::test]
async fn no_api_error_shows_what_was_sent_or_received() {
    let mut replies: Vec<fn(&str) -> Reply> = vec![
        |request| {
            (
                "500 Oh\r\ncontent-type: text/html".to_owned(),
                format!("<p>{request}</p>"),
            )
        },
        |request| {
            (
                "200 OK\r\ncontent-type: text/html".to_owned(),
                format!("<p>{request}</p>"),
            )
        },
        |request| json_reply("200 OK", &json!({ "list": request })),
        |request| json_reply("200 OK", &json!({ "list": [{ "createdAt": request }] })),
        |request| {
            (
                "200 OK\r\ncontent-type: application/json".to_owned(),
                format!("{{\"list\": {request:?}"),
            )
        },
        |request| {
            json_reply(
                "403 Forbidden",
                &json!({ "code": 7, "message": "no", "details": [{ "@type": "x", "echo": request }] }),
            )
        },
        |request| {
            json_reply(
                "400 Bad Request",
                &json!({ "code": 3, "message": format!("bad request: {request}") }),
            )
        },
        |_| {
            let message = format!("the token ...{} is not valid", &TOKEN[6..]);
            json_reply("403 Forbidden", &json!({ "code": 7, "message": message }))
        },
        |_| {
            (
                format!("302 Found\r\nlocation: /elsewhere?token={TOKEN}"),
                String::new(),
            )
        },
    ];
    let app = description().message("App");
    // Not every description has a map here.
    if app.is_some_and(|app| app.fields.contains_key("annotations")) {
        replies.push(|request| {
            json_reply(
                "200 OK",
                &json!({ "list": [{ "annotations": { request: 5 } }] }),
            )
        });
    }
    for (at, reply) in replies.into_iter().enumerate() {
        let server = HostileServer::start(move |_, request| {
            if request.starts_with("POST /auth/v1/token") {
                json_reply(
                    "200 OK",
                    &json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 600 }),
                )
            } else {
                assert!(request.contains(TOKEN));
                reply(request)
            }
        })
        .await;
        let c1 = C1::builder()
            .client_credentials(server.client_id(), secret())
            .build()
            .unwrap();
        let fluent = c1.apps().list().await.unwrap_err();
        let call = c1.raw_call(c1_api::apps::List::OPERATION);
        let result = call.raw().apps_list(None, None).await;
        let raw = call.finish(result).await.unwrap_err();
        let canaries = Canaries::default().with_sent("client_assertion", &server.requests());
        for error in [&fluent, &raw] {
            assert_ne!(error.kind(), ErrorKind::Auth, "{error:?}");
            canaries.assert_not_in_error(&format!("reply {at}"), error);
            canaries.assert_not_in("details", &error.details());
        }
        canaries.assert_not_in(&format!("reply {at}"), &c1);
        let seen = server.requests();
        assert!(
            !seen.iter().any(|request| request.contains("/elsewhere")),
            "no redirect is followed"
        );
    }
}
