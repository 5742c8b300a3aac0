//! Personal clients: credentials of a person, created after a login.

use c1_api::types::{PersonalClient, PersonalClientServiceCreateRequest};
use c1_api::{Client, Error, ErrorKind};
use zeroize::Zeroizing;

use crate::identity::client_id::ClientId;
use crate::identity::client_secret::ClientSecret;

/// A new personal client. C1 returns the secret only once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PersonalCredentials {
    /// The client id.
    pub client_id: ClientId,
    /// The client secret.
    pub client_secret: ClientSecret,
    /// The client itself: its own id, by which it can be deleted, its expiry, and more.
    pub client: PersonalClient,
}

/// Creates a personal client, which acts for the person that `api` is logged in as (the operation
/// `personal_client.create`).
///
/// `api` may be a `&C1`, for example with the token of a `DeviceLogin`. The request sets the name,
/// the roles to which the client is limited, its lifetime, and the networks (CIDR) from which it may be used; the server
/// chooses what is left out. The request is never retried: sent twice, it creates two clients.
///
/// ```no_run
/// # async fn keep(c1: c1_api_ext::C1) -> Result<(), c1_api_ext::Error> {
/// use c1_api_ext::{c1_api::{chrono::TimeDelta, types::PersonalClientServiceCreateRequest}, create_personal_client};
///
/// let request = PersonalClientServiceCreateRequest::new()
///     .display_name("laptop")
///     .expires(TimeDelta::days(90))
///     .allow_source_cidr(["192.0.2.0/24"]);
/// let credentials = create_personal_client(&c1, request).await?;
/// println!("{} expires {:?}", credentials.client_id, credentials.client.expires_time);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the call; and [`ErrorKind::Decode`] if the response has no valid client id or secret. The client exists then,
/// but is unusable: the message has its id, if there is one. No error contains the secret.
pub async fn create_personal_client(
    api: &Client,
    request: impl Into<PersonalClientServiceCreateRequest>,
) -> Result<PersonalCredentials, Error> {
    let response = api.personal_client().create(request).await?;
    let secret = Zeroizing::new(response.client_secret.unwrap_or_default());
    let client = response.client.unwrap_or_default();
    let client_id: ClientId = client
        .client_id
        .as_deref()
        .unwrap_or_default()
        .parse()
        .map_err(|error| unusable(&client, error))?;
    let client_secret: ClientSecret = secret.parse().map_err(|error| unusable(&client, error))?;
    Ok(PersonalCredentials {
        client_id,
        client_secret,
        client,
    })
}

/// The errors of client ids and secrets never contain the text.
fn unusable(client: &PersonalClient, why: impl std::error::Error + Send + Sync + 'static) -> Error {
    // Ids are letters and digits; anything else may be a misplaced secret.
    let id = client
        .id
        .as_deref()
        .filter(|id| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_default();
    let gap = if id.is_empty() { "" } else { " " };
    Error::new(
        ErrorKind::Decode,
        format!("the personal client{gap}{id} was created, but is unusable: {why}"),
    )
    .with_source(why)
}

#[cfg(test)]
mod tests {
    use c1_api::chrono::TimeDelta;
    use httpmock::MockServer;
    use serde_json::{Value, json};

    use super::*;
    use crate::C1;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, secret, shown, tenant};

    const ID: &str = "otter@acme.conductor.one/pcc";

    fn request() -> PersonalClientServiceCreateRequest {
        PersonalClientServiceCreateRequest::new()
            .display_name("laptop")
            .scoped_roles(["viewer"])
            .expires(TimeDelta::days(1))
            .allow_source_cidr(["192.0.2.0/24"])
    }

    fn logged_in(server: &MockServer) -> C1 {
        let builder = C1::builder().tenant(tenant(server));
        builder.access_token("canary").build().expect("a client")
    }

    /// What comes of it when the server answers like this.
    async fn create(answer: Value) -> Result<PersonalCredentials, Error> {
        let server = MockServer::start_async().await;
        let create = server
            .mock_async(|when, then| {
                when.method("POST")
                    .path("/api/v1/iam/personal_clients")
                    .header("authorization", "Bearer canary")
                    .json_body(json!({
                        "displayName": "laptop",
                        "scopedRoles": ["viewer"],
                        "expires": "86400s",
                        "allowSourceCidr": ["192.0.2.0/24"],
                    }));
                then.status(200).json_body(answer);
            })
            .await;
        let outcome = create_personal_client(&logged_in(&server), request()).await;
        create.assert_async().await;
        outcome
    }

    #[tokio::test]
    async fn credentials_come_back_ready_for_use() {
        let answer = json!({
            "client": { "id": "2abc", "clientId": ID, "displayName": "laptop" },
            "clientSecret": *secret().expose(),
        });
        let made = create(answer).await.expect("credentials");
        assert_eq!(made.client_id.as_str(), ID);
        assert_eq!(made.client_secret.public_key(), secret().public_key());
        assert_eq!(made.client.id.as_deref(), Some("2abc"));
        assert_debug_is_clean(&made);
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_an_error_that_does_not_quote_it() {
        let good = secret().expose().to_string();
        for (client, secret, message) in [
            (
                json!({ "id": "2abc", "clientId": ID }),
                json!("canary"),
                "the personal client 2abc was created, but is unusable: invalid client secret",
            ),
            (
                json!({ "id": "2abc", "clientId": ID }),
                json!(format!("{good}canary")),
                "the personal client 2abc was created, but is unusable: invalid client secret",
            ),
            (
                json!({ "id": "2abc", "clientId": ID }),
                json!(null),
                "invalid client secret",
            ),
            (
                json!({ "id": "secret-token:canary", "clientId": "canary" }),
                json!(good),
                "the personal client was created, but is unusable: invalid client id",
            ),
            (json!(null), json!(good), "invalid client id"),
        ] {
            let answer = json!({ "client": client, "clientSecret": secret });
            let error = create(answer).await.expect_err("unusable");
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(error.message().contains(message), "{error}");
            assert_no_secret(&shown(&error));
        }
    }

    #[tokio::test]
    async fn a_refusal_is_the_calls_own_error() {
        let server = MockServer::start_async().await;
        server
            .mock_async(|_, then| {
                then.status(403)
                    .json_body(json!({ "code": 7, "message": "not allowed" }));
            })
            .await;
        let error = create_personal_client(&logged_in(&server), request())
            .await
            .expect_err("refused");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
        assert_no_secret(&shown(&error));
    }
}
