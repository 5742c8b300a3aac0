//! A tenant with another description than ours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_emulator::Emulator;
use c1_api_emulator::c1_api_spec::{OVERLAY, load};
use reqwest::Method;
use serde_json::{Value, json};

/// Of our operations with state, one is answered by less than ours, one is at another path, and one is answered by
/// something else; another operation is new.
const DOCUMENT: &str = "openapi: 3.1.0
info: {version: 7.0.0}
servers:
- url: https://other.test
paths:
  /api/v1/search/apps:
    post:
      operationId: app_search.search
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Search'}}}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Apps'}}}}
  /api/v7/apps:
    get:
      operationId: apps.list
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Apps'}}}}
  /api/v1/apps/{id}:
    get:
      operationId: apps.get
      parameters:
      - {in: path, name: id, required: true, schema: {type: string}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Outcome'}}}}
  /api/v1/widgets:
    post:
      operationId: widgets.create
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Widget'}}}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Widget'}}}}
components:
  schemas:
    Search:
      type: object
      properties:
        query: {type: string}
    App:
      type: object
      properties:
        displayName: {type: string}
        id: {type: string}
    Apps:
      type: object
      properties:
        list: {type: array, items: {$ref: '#/components/schemas/App'}}
        nextPageToken: {type: string}
    Outcome:
      type: object
      properties:
        app: {type: boolean}
    Widget:
      type: object
      properties:
        name: {type: string}
";

struct Client {
    emulator: Emulator,
    http: reqwest::Client,
}

impl Client {
    async fn start() -> Self {
        let description = load(DOCUMENT, OVERLAY).unwrap();
        let emulator = Emulator::builder().description(description);
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            emulator: emulator.start().await.unwrap(),
            http: reqwest::Client::new(),
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.emulator.base_url());
        let token = self.emulator.access_token().unwrap();
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn state_is_kept_where_the_description_fits() {
    let client = Client::start().await;
    let search = client.send(
        Method::POST,
        "/api/v1/search/apps",
        Some(json!({ "query": "harbor" })),
    );
    let (status, found) = search.await;
    assert_eq!(status, 200);
    let [app] = &found["list"].as_array().unwrap()[..] else {
        panic!("not one app: {found}");
    };
    // The other fields of an app are not known here.
    let fields: Vec<_> = app.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["displayName", "id"]);
    assert_eq!(app["displayName"], "Harbor");

    let path = format!("/api/v1/apps/{}", app["id"].as_str().unwrap());
    let (status, outcome) = client.send(Method::GET, &path, None).await;
    assert_eq!(status, 200);
    assert!(outcome["app"].is_boolean(), "a sample: {outcome}");
}

#[tokio::test]
async fn operations_are_those_of_the_description() {
    let client = Client::start().await;
    let (status, _) = client.send(Method::GET, "/api/v1/apps", None).await;
    assert_eq!(status, 404);
    let (status, apps) = client.send(Method::GET, "/api/v7/apps", None).await;
    assert_eq!(status, 200);
    assert!(apps["list"].is_array(), "a sample: {apps}");

    let widgets = "/api/v1/widgets";
    let (status, widget) = client
        .send(Method::POST, widgets, Some(json!({ "name": "a" })))
        .await;
    assert_eq!(status, 200);
    assert!(widget["name"].is_string(), "a sample: {widget}");
    let (status, _) = client
        .send(Method::POST, widgets, Some(json!({ "colour": "red" })))
        .await;
    assert_eq!(status, 400);
    let ids: Vec<_> = client
        .emulator
        .requests()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    assert_eq!(ids, ["apps.list", "widgets.create", "widgets.create"]);
}
