//! Requests that the description lacks.

use std::future::IntoFuture;

use progenitor_client::ResponseValue;
use reqwest::Method;
use serde_json::Value as Json;

use crate::call::Call;
use crate::client::Client;
use crate::decode::decode;
use crate::error::Error;
use crate::future::BoxFuture;
use crate::operation::Operation;
use crate::options::CallOptions;
use crate::path;
use crate::request::{Request, body};

impl Client {
    /// A request that the description lacks, sent like all others: same credentials, retries, checks and errors.
    ///
    /// `path` begins with a slash and is appended to the base URL; it may have a query. `body` is sent as JSON. By its
    /// method the request counts as safe (GET, HEAD), idempotent (PUT, DELETE) or neither.
    ///
    /// ```no_run
    /// # async fn list(client: c1_api::Client) -> Result<(), c1_api::Error> {
    /// use c1_api::reqwest::Method;
    /// use c1_api::serde_json::json;
    ///
    /// let page = client.call(Method::GET, "/api/v1/apps", None).query("page_size", "10").await?;
    /// let made = client.call(Method::POST, "/api/v1/apps", json!({"displayName": "Wiki"})).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(
        &self,
        method: Method,
        path: impl Into<String>,
        body: impl Into<Option<Json>>,
    ) -> JsonRequest {
        JsonRequest {
            client: self.clone(),
            method,
            path: path.into(),
            query: Vec::new(),
            body: body.into(),
        }
    }
}

/// A request with a method and a path of the caller's, whose response is any JSON: see
/// [`Client::call`](crate::Client::call).
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited or sent"]
pub struct JsonRequest {
    client: Client,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Json>,
}

impl JsonRequest {
    /// Adds a query parameter, which is percent-encoded.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    fn build(&self) -> Result<reqwest::Request, Error> {
        let url = path::join(self.client.base_url(), &self.path)?;
        let mut request = self.client.http().request(self.method.clone(), url);
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        request.build().map_err(Error::from_reqwest)
    }

    async fn run(self) -> Result<ResponseValue<Json>, Error> {
        let call = Call::new(self.operation(), self.client.options().clone());
        match self.exchange(&call).await {
            Ok(response) => {
                call.end(Ok(response.status()));
                Ok(response)
            }
            Err(error) => Err(call.end_with(error)),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<ResponseValue<Json>, Error> {
        let dispatch = self.client.dispatch(call.clone(), None);
        let response = dispatch.send(self.build()?).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            return Err(Error::from_response(response).await);
        }
        let body = response.bytes().await.map_err(Error::from_reqwest)?;
        let json = if body.is_empty() {
            Json::Null
        } else {
            let json = decode(body).await;
            json.map_err(|error| error.with_status(status))?
        };
        Ok(ResponseValue::new(json, status, headers))
    }
}

impl Request for JsonRequest {
    type Response = Json;

    /// An operation with the id `custom`, whose safety follows from the method.
    fn operation(&self) -> &'static Operation {
        Operation::custom(self.method.as_str())
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        self.client.options_mut()
    }

    fn send(self) -> BoxFuture<'static, Result<ResponseValue<Json>, Error>> {
        Box::pin(self.run())
    }
}

impl IntoFuture for JsonRequest {
    type Output = Result<Json, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(body(self.send()))
    }
}
