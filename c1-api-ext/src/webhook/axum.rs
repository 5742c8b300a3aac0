//! Webhooks as arguments of axum's handlers.

use std::sync::Arc;

use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::webhook::delivery::Delivery;
use crate::webhook::error::WebhookError;
use crate::webhook::verifier::Verifier;

/// The state of the router is an `Arc<Verifier>`, or has one. Bodies are limited by axum's `DefaultBodyLimit`.
///
/// Whatever is not a webhook of the tenant's is answered with [`WebhookError::status`], and the reason as text.
impl<S> FromRequest<S> for Delivery
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(IntoResponse::into_response)?;
        let verified = Arc::<Verifier>::from_ref(state)
            .verify(&method, &headers, &body)
            .await;
        verified.map_err(IntoResponse::into_response)
    }
}

impl IntoResponse for WebhookError {
    fn into_response(self) -> Response {
        (self.status(), self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use axum_core::body::Body;
    use c1_api::{BoxFuture, Error};
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;
    use crate::webhook::keys::KeySource;

    #[derive(Debug)]
    struct Vectors(Value);

    impl KeySource for Vectors {
        fn fetch(&self) -> BoxFuture<'_, Result<Value, Error>> {
            Box::pin(async { Ok(json!({ "keys": self.0["keys"] })) })
        }
    }

    impl Clock for Vectors {
        fn now(&self) -> std::time::SystemTime {
            UNIX_EPOCH + Duration::from_secs(self.0["now"].as_u64().expect("a number"))
        }
    }

    #[tokio::test]
    async fn a_handler_gets_what_is_verified_and_others_get_the_reason() {
        let vectors = include_str!("../../tests/webhook/vectors.json");
        let vectors: Value = serde_json::from_str(vectors).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let tenant = "acme".parse().expect("a tenant");
        let keys = Vectors(vectors.clone());
        let verifier = Verifier::with_keys(&tenant, &text(&vectors["url"]), keys);
        let verifier = verifier
            .expect("a verifier")
            .clock(Vectors(vectors.clone()));
        let state = Arc::new(verifier);
        let extract = async |body: String| {
            let token = text(&vectors["cases"][0]["token"]);
            let request = http::Request::post("/c1/approvals")
                .header("authorization", format!("bearer {token}"));
            Delivery::from_request(request.body(Body::from(body)).expect("a request"), &state).await
        };
        let refused = extract(text(&vectors["body"]) + " ")
            .await
            .expect_err("changed");
        assert_eq!(refused.status(), 401);
        let refused = extract("x".repeat(3 << 20)).await.expect_err("too large");
        assert_eq!(refused.status(), 413);
        let delivery = extract(text(&vectors["body"])).await.expect("verified");
        assert_eq!(delivery.id(), "2fCjnQ-1");
    }
}
