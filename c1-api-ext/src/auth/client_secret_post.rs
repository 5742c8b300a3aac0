//! The plain client secret in the body (RFC 6749, section 2.3.1).

use std::fmt;

use c1_api::{BoxFuture, Error};
use zeroize::Zeroizing;

use crate::auth::endpoint::TokenEndpoint;
use crate::auth::form::Form;
use crate::auth::token::{AccessToken, TokenSource};
use crate::identity::client_id::ClientId;

/// Obtains tokens by sending the client secret itself, as OpenID Connect's `client_secret_post` does.
///
/// Prefer [`SignedAssertion`](crate::SignedAssertion), which never sends it; this is for servers that accept nothing
/// else.
pub struct ClientSecretPost {
    endpoint: TokenEndpoint,
    client_id: ClientId,
    secret: Zeroizing<String>,
}

impl ClientSecretPost {
    /// Sends requests to `endpoint`, which must be that of [`ClientId::tenant`], or a gateway to it. The secret is sent
    /// as it is, and overwritten in memory when the source is dropped.
    pub fn new(endpoint: TokenEndpoint, client_id: ClientId, secret: impl Into<String>) -> Self {
        Self {
            endpoint,
            client_id,
            secret: Zeroizing::new(secret.into()),
        }
    }
}

impl TokenSource for ClientSecretPost {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async move {
            let form = || {
                Ok(Form::default()
                    .plain("grant_type", "client_credentials")
                    .plain("client_id", self.client_id.as_str())
                    .secret("client_secret", &self.secret))
            };
            Ok(self.endpoint.token(form).await?)
        })
    }
}

impl fmt::Debug for ClientSecretPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecretPost")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
