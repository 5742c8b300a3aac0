//! A receiver of C1's webhooks: each is verified, and what asks for an approval is approved, unless it is urgent.
//!
//! `webhook_receiver ADDRESS URL`, where ADDRESS is the socket to listen on, and URL how C1 reaches it. Offline it is
//! asked to approve a request for access, and ends after that.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use c1_api_ext::webhook::{Delivery, Payload, Reply, Verifier, WebhookError};
use c1_examples::{Outcome, Tenant, offline};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let listener = TcpListener::bind(tenant.argument(1, "ADDRESS", "127.0.0.1:0")?).await?;
    let here = format!("http://{}/c1", listener.local_addr()?);
    let url = tenant.argument(2, "URL", &here)?;
    let verifier = Verifier::new(tenant.c1.tenant(), &url)?;
    let router = Router::new()
        .route("/c1", post(receive))
        .with_state(Arc::new(verifier));
    let end = async {
        match &tenant.offline {
            Some(_) => Box::pin(offline::ask_receiver(&tenant.c1, &url)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        served = axum::serve(listener, router) => Ok(served?),
        sent = end => sent,
    }
}

/// Answers a webhook whose signature, receiver, time and body the extractor has verified.
async fn receive(delivery: Delivery) -> Result<Response, WebhookError> {
    let reply = match delivery.payload()? {
        Payload::PolicyApprovalStep(step) => {
            let task = step
                .task_view
                .and_then(|view| view.task)
                .unwrap_or_default();
            println!("approval of {:?}", task.display_name.unwrap_or_default());
            if task.emergency_access == Some(true) {
                Reply::deny("Emergency access needs a person.")
            } else {
                Reply::approve("Approved by the receiver.")
            }
        }
        other => {
            println!("{}: {other:?}", delivery.event());
            Reply::received()
        }
    };
    Ok(delivery.reply(&reply)?.into_response())
}
