//! Why a request is not a webhook of the tenant's.

use std::sync::Arc;

use c1_api::Error;
use reqwest::StatusCode;

/// Why a delivery was refused, or a reply cannot be sent. It contains neither the token nor anything else of the request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The method of the request is not POST.
    #[error("invalid webhook: expected the method POST")]
    Method,
    /// The `Authorization` header is missing, there twice, or not a bearer token.
    #[error("invalid webhook: expected one `Authorization` header with a bearer token")]
    Authorization,
    /// The token is not a JWT (RFC 7519) in compact form.
    #[error("invalid webhook token: expected {0}")]
    Token(&'static str),
    /// The token is signed with an algorithm other than RS256, ES256 and `EdDSA`.
    #[error("invalid webhook token: expected the algorithm RS256, ES256 or EdDSA")]
    Algorithm,
    /// The tenant has no key with the id and the algorithm that the token names.
    #[error("invalid webhook token: the tenant has no such key")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("invalid webhook token: wrong signature")]
    Signature,
    /// A claim of the token is missing, has the wrong type, or another value than this receiver expects.
    #[error("invalid webhook token: claim `{claim}`: expected {expected}")]
    Claim {
        /// The name of the claim.
        claim: &'static str,
        /// What this receiver expects.
        expected: String,
    },
    /// The token has expired (claim `exp`).
    #[error("the webhook token has expired")]
    Expired,
    /// The token is not valid yet (claim `nbf`).
    #[error("the webhook token is not valid yet; check this machine's clock")]
    NotYetValid,
    /// The body is not the one that was signed (claim `htb_s256`).
    #[error("the webhook's body is not the one that was signed")]
    Hash,
    /// The `Webhook-Id` header is not the id in the body.
    #[error("invalid webhook: the header `Webhook-Id` is not the `webhookId` of the body")]
    Id,
    /// The body is authentic, but not one that this crate can read.
    #[error("unexpected webhook body: expected {0}")]
    Body(&'static str),
    /// The payload does not match the API description.
    #[error("unexpected webhook payload: {0}")]
    Payload(#[source] Error),
    /// This webhook, or this token, was received before.
    #[error("the webhook was received before")]
    Duplicate,
    /// The tenant's keys could not be fetched. Calls that come soon after a failure share its error.
    #[error("could not fetch the keys of webhooks: {0}")]
    Keys(#[source] Arc<Error>),
    /// The reply is not one for this event.
    #[error("the reply does not fit the event: expected {expected}")]
    Reply {
        /// The kind of reply that fits.
        expected: &'static str,
    },
    /// The reply is larger than 64 KiB.
    #[error("the reply is too large: expected at most 64 KiB, found {0} bytes")]
    ReplyTooLarge(usize),
}

impl WebhookError {
    /// The status with which to answer the request.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Id | Self::Body(_) | Self::Payload(_) => StatusCode::BAD_REQUEST,
            Self::Duplicate => StatusCode::CONFLICT,
            Self::Keys(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Reply { .. } | Self::ReplyTooLarge(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}
