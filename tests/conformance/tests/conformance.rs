//! Every operation of the description, called through the generated client on the emulator: what
//! was sent arrives as the description says, and the answer decodes without loss.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use c1_api::reqwest::Client as Http;
use c1_api::{Bearer, BoxFuture, Call, Client, Error, ErrorKind, Safety, Transport, types};
use c1_api_emulator::sample::{Fill, Sampler};
use c1_api_emulator::{Emulator, Request};
use c1_api_spec::model::{self, Method, Type};
use c1_tests::cases::{CASES, Case, Exchange, Given};
use c1_tests::schemas::{self, Schema};
use c1_tests::{canonical, description};
use serde_json::{Value, json};

/// Sends by another transport and keeps the text of the last answer.
#[derive(Clone, Debug)]
struct Tap {
    inner: Bearer,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Transport for Tap {
    fn execute<'a>(
        &'a self,
        request: c1_api::reqwest::Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<c1_api::reqwest::Response, Error>> {
        Box::pin(async move {
            let response = self.inner.execute(request, call).await?;
            let mut copy = http::Response::builder().status(response.status());
            *copy.headers_mut().unwrap() = response.headers().clone();
            let body = response.bytes().await.map_err(Error::from_reqwest)?;
            *self.answer.lock().unwrap() = body.to_vec();
            Ok(copy.body(body).unwrap().into())
        })
    }
}

fn http() -> Http {
    c1_api_ext::http::client(&"127.0.0.1".parse().unwrap()).unwrap()
}

struct Peer {
    emulator: Emulator,
    client: Client,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    /// A tenant that answers every operation with a sample, whatever the ids.
    async fn start() -> Self {
        let emulator = Emulator::builder().stateful(false).start().await.unwrap();
        let http = http();
        let tap = Tap {
            inner: Bearer::new(http.clone(), emulator.access_token().unwrap()).unwrap(),
            answer: Arc::default(),
        };
        let answer = Arc::clone(&tap.answer);
        let client = Client::new(emulator.base_url(), http, tap).unwrap();
        Self {
            emulator,
            client,
            answer,
        }
    }
}

/// A call that went through.
struct Done {
    given: Given,
    exchange: Exchange,
    /// The answer's text, before it was decoded.
    answer: Value,
}

async fn call(peer: &Peer, case: &Case, given: Given) -> Result<Done, String> {
    let running = (case.start)(&peer.client, &given)
        .map_err(|error| format!("the arguments do not fit: {error}"))?;
    let exchange = running
        .await
        .map_err(|error| format!("the call failed: {error:?}"))?;
    let answer = serde_json::from_slice(&peer.answer.lock().unwrap())
        .map_err(|error| format!("the response is not JSON: {error}"))?;
    Ok(Done {
        given,
        exchange,
        answer,
    })
}

/// Everything in which a call differs from what the description says.
fn differences(operation: &model::Operation, done: &Done, arrived: &Request) -> Vec<String> {
    let Done {
        given,
        exchange,
        answer,
    } = done;
    let mut found = Vec::new();
    let mut compare = |what: &str, is: Value, should: Value| {
        if is != should {
            found.push(format!("{what} is {is} and should be {should}"));
        }
    };
    let method = operation.method.as_str();
    let known = exchange.operation;
    compare(
        "what the client knows",
        json!([known.id, known.method, known.path]),
        json!([operation.id(), method, operation.path]),
    );
    compare(
        "the route",
        json!([arrived.operation, arrived.method, arrived.template]),
        json!([operation.id(), method, operation.path]),
    );
    compare("the path", json!(arrived.path), json!(given.path));
    let mut query = arrived.query.clone();
    query.sort();
    compare(
        "the query",
        json!(query),
        given.query.iter().map(|pair| json!(pair)).collect(),
    );

    let body = match (&operation.body, &given.body) {
        (Some(payload), Some(body)) => {
            canonical::message(description(), payload.schema().unwrap(), body).unwrap()
        }
        _ => Value::Null,
    };
    compare("the typed body", json!(exchange.body), body);
    compare("the body", json!(arrived.body), json!(exchange.body));

    let header = |name: &str| {
        let mut all = arrived.headers.iter().filter(|(known, _)| known == name);
        all.next().map(|(_, value)| value.clone())
    };
    let content_type = operation.body.as_ref().map(|_| "application/json");
    compare(
        "content type, accept, api-version",
        json!([
            header("content-type"),
            header("accept"),
            header("api-version")
        ]),
        json!([content_type, "application/json", null]),
    );

    compare("the status", json!(exchange.status), json!(200));
    compare(
        "the decoded answer",
        exchange.answer.clone(),
        canonical::message(description(), operation.response.schema().unwrap(), answer).unwrap(),
    );
    found
}

/// No operation is skipped: the list is the description's, whatever its length.
#[test]
fn there_is_a_case_for_every_operation() {
    let operations = &description().operations;
    let cases: Vec<_> = CASES.iter().map(|case| case.id.to_owned()).collect();
    let ids: Vec<_> = operations.iter().map(model::Operation::id).collect();
    assert_eq!(cases, ids);
    // Told by the text of the document, so that a reader that loses operations does not go unseen.
    let document = match env::var_os("C1_API_SPEC") {
        Some(path) if !path.is_empty() => fs::read_to_string(path).unwrap(),
        _ => c1_api_spec::DOCUMENT.to_owned(),
    };
    assert_eq!(cases.len(), document.matches("operationId:").count());
    assert_eq!(cases.len(), c1_api::OPERATIONS.len());
    println!("{} operations", cases.len());
}

/// What a build tells of the description that it was made from.
#[test]
fn the_description_is_told() {
    let (described, told) = (description(), c1_api::DESCRIPTION);
    assert_eq!(told.version, described.version);
    let file = told
        .origin
        .map(|origin| (origin.sha256, origin.size, origin.date));
    let recorded = described.origin.as_ref();
    let recorded =
        recorded.map(|origin| (origin.sha256.as_str(), origin.size, origin.date.as_str()));
    assert_eq!(file, recorded);
    assert_eq!(told.operations, described.operations.len());
    assert_eq!(told.groups, described.groups().len());
    assert_eq!(
        (told.built_operations, told.built_groups),
        (told.operations, told.groups),
        "of the feature full"
    );
}

/// What a retry relies on: the client's table says of every operation what the description says.
#[test]
fn the_table_knows_which_operations_can_be_repeated() {
    let described: BTreeMap<_, _> = description()
        .operations
        .iter()
        .map(|operation| (operation.id(), operation))
        .collect();
    let mut marked = 0;
    for known in c1_api::OPERATIONS {
        let operation = described[known.id];
        let post_that_reads =
            operation.method == Method::Post && operation.safety == model::Safety::Safe;
        let expected = match known.method {
            "GET" => Safety::Safe,
            "POST" if post_that_reads => Safety::Safe,
            "PUT" | "DELETE" => Safety::Idempotent,
            _ => Safety::Neither,
        };
        assert_eq!(known.safety, expected, "{}", known.id);
        assert_eq!(
            known.is_repeatable(),
            expected != Safety::Neither,
            "{}",
            known.id
        );
        marked += usize::from(post_that_reads);
    }
    // Told by the text of the overlay, so that a reader that loses marks does not go unseen.
    let marks = c1_api_spec::OVERLAY
        .lines()
        .filter(|line| line.contains("{x-safe: true}"))
        .filter(|line| {
            let (_, path) = line.split_once("$.paths['").unwrap();
            let (path, _) = path.split_once("'].post").unwrap();
            let mut posts = described.values();
            posts.any(|post| post.method == Method::Post && post.path == path)
        });
    assert_eq!(marked, marks.count());
}

#[tokio::test]
async fn every_operation_arrives_as_described_and_its_answer_decodes() {
    let peer = Peer::start().await;
    let operations = &description().operations;
    let mut calls = Vec::new();
    let mut problems = Vec::new();
    for (seed, (operation, case)) in (0..).zip(operations.iter().zip(CASES)) {
        match call(&peer, case, Given::sampled(operation, seed)).await {
            Ok(done) => calls.push((operation, done)),
            Err(problem) => problems.push(format!("{}: {problem}", operation.id())),
        }
    }
    // Those that the emulator refused arrived too; the rest is told apart by the ids.
    let arrived: BTreeMap<_, Vec<_>> =
        peer.emulator
            .requests()
            .into_iter()
            .fold(BTreeMap::new(), |mut all, request| {
                let id = request.operation.clone();
                all.entry(id).or_insert_with(Vec::new).push(request);
                all
            });
    for (operation, done) in &calls {
        let id = operation.id();
        match arrived.get(&id).map(Vec::as_slice) {
            Some([request]) => problems.extend(
                differences(operation, done, request)
                    .into_iter()
                    .map(|difference| format!("{id}: {difference}")),
            ),
            other => problems.push(format!(
                "{id} arrived {} times",
                other.map_or(0, <[_]>::len)
            )),
        }
    }
    let shown = &problems[..problems.len().min(20)];
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        shown.join("\n")
    );
    assert_eq!(calls.len(), operations.len());
}

/// In every operation, for every text in the path: what would name another resource is not sent.
#[tokio::test]
async fn no_path_parameter_leaves_its_segment() {
    let peer = Peer::start().await;
    let mut refused = 0;
    for (operation, case) in description().operations.iter().zip(CASES) {
        let texts = operation.path_parameters.iter();
        for parameter in texts.filter(|parameter| parameter.ty == Type::String) {
            for bad in ["", ".", "..", "a\nb", "\0"] {
                let mut given = Given::sampled(operation, 0);
                given.path.insert(parameter.name.clone(), bad.to_owned());
                let error = (case.start)(&peer.client, &given)
                    .unwrap()
                    .await
                    .expect_err("must be refused");
                assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                let named = format!("`{}`", parameter.name);
                assert!(
                    error.message().contains(&named),
                    "{}: {error}",
                    operation.id()
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(peer.emulator.requests(), []);
}

/// progenitor's own methods, by position; the transport and its guards are the same.
#[tokio::test]
async fn raw_methods_reach_the_same_operations() {
    const ID: &str = "a/b é%2F?#";
    let peer = Peer::start().await;
    /// One call by a method of progenitor's client.
    macro_rules! raw {
        ($operation:path, $method:ident($($argument:expr),*)) => {{
            let call = peer.client.raw_call($operation);
            let result = call.raw().$method($($argument),*).await;
            call.finish(result).await
        }};
    }
    let list = c1_api::apps::List::OPERATION;
    let get = c1_api::apps::Get::OPERATION;

    let apps = raw!(list, apps_list(Some(10), Some("next&page"))).unwrap();
    assert_eq!(apps.status(), 200);
    assert!(!apps.into_inner().list.is_empty());
    raw!(get, apps_get(ID)).unwrap();
    let body = types::DeleteAppRequest::new();
    raw!(c1_api::apps::Delete::OPERATION, apps_delete(ID, &body)).unwrap();
    let body = types::CreateAppEntitlementRequest::new("raw");
    let create = c1_api::app_entitlements::Create::OPERATION;
    raw!(create, app_entitlements_create(ID, &body)).unwrap();
    let execution = c1_api::automation_execution::Get::OPERATION;
    raw!(execution, automation_execution_get(i64::MIN)).unwrap();

    let arrived: Vec<_> = peer
        .emulator
        .requests()
        .into_iter()
        .map(|request| json!([request.operation, request.path, request.query, request.body]))
        .collect();
    let min = i64::MIN.to_string();
    let expected = [
        json!([
            "apps.list",
            {},
            [["page_size", "10"], ["page_token", "next&page"]],
            null
        ]),
        json!(["apps.get", { "id": ID }, [], null]),
        json!(["apps.delete", { "id": ID }, [], {}]),
        json!(["app_entitlements.create", { "app_id": ID }, [], { "displayName": "raw" }]),
        json!(["automation_execution.get", { "id": min }, [], null]),
    ];
    assert_eq!(arrived, expected);

    for bad in ["", ".", "..", "a\nb"] {
        let error = raw!(get, apps_get(bad)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{bad:?}");
    }
    // A method of another operation.
    let error = raw!(list, apps_get("2B")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(peer.emulator.requests().len(), expected.len());
}

/// A setter of the query that was not called sends nothing.
#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    let peer = Peer::start().await;
    peer.client.apps().list().await.unwrap();
    peer.client.apps().list().page_token("t").await.unwrap();
    let queries: Vec<_> = peer
        .emulator
        .requests()
        .into_iter()
        .map(|request| request.query)
        .collect();
    let token = ("page_token".to_owned(), "t".to_owned());
    assert_eq!(queries, [vec![], vec![token]]);
}

/// Responds with one text.
#[derive(Debug)]
struct Canned(String);

impl Transport for Canned {
    fn execute<'a>(
        &'a self,
        _: c1_api::reqwest::Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<c1_api::reqwest::Response, Error>> {
        let response = http::Response::new(self.0.clone()).into();
        Box::pin(async move { Ok(response) })
    }
}

/// A list of messages in the response of an operation.
struct List {
    operation: &'static model::Operation,
    case: &'static Case,
    field: &'static str,
    message: &'static Schema,
}

impl List {
    /// All of them, those with the largest messages first.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (operation, case) in description().operations.iter().zip(CASES) {
            let response = description()
                .message(operation.response.schema().unwrap())
                .unwrap();
            all.extend(response.fields.iter().filter_map(|(field, of)| {
                let Type::List(inner) = &of.ty else {
                    return None;
                };
                let message = schemas::named(inner.reference()?)?;
                Some(Self {
                    operation,
                    case,
                    field,
                    message,
                })
            }));
        }
        all.sort_by_key(|list| std::cmp::Reverse(list.message.size));
        all
    }

    /// Those with the largest messages, one for each message.
    fn largest() -> Vec<Self> {
        let mut largest = Self::all();
        largest.dedup_by_key(|list| list.message.name);
        largest.truncate(10);
        largest
    }

    /// Calls the operation, which responds with these elements.
    async fn call(&self, http: &Http, elements: &str) -> Result<Exchange, Error> {
        let page = Canned(format!("{{\"{}\":[{elements}]}}", self.field));
        let client = Client::new("https://t.conductor.one", http.clone(), page).unwrap();
        (self.case.start)(&client, &Given::sampled(self.operation, 0))
            .unwrap()
            .await
    }

    /// Calls the operation, which responds with so many samples.
    async fn accepts(&self, http: &Http, fill: Fill, count: usize) {
        let mut source = Sampler::new(description(), 7).fill(fill);
        let rows: Vec<_> = (0..50)
            .map(|_| source.message(self.message.name).to_string())
            .collect();
        let rows = rows.iter().map(String::as_str).cycle().take(count);
        let page = self.call(http, &rows.collect::<Vec<_>>().join(",")).await;
        let id = self.operation.id();
        let page = page.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(page.answer[self.field].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn a_page_of_empty_messages_is_accepted() {
    let (http, lists) = (http(), List::all());
    let elements = ["{}"; 1000].join(",");
    for list in &lists {
        let page = list.call(&http, &elements).await;
        let id = list.operation.id();
        let page = page.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(page.answer[list.field].as_array().unwrap().len(), 1000);
    }
    println!("{} lists", lists.len());
}

#[tokio::test]
async fn pages_of_sparse_messages_are_accepted() {
    let http = http();
    for list in List::largest() {
        list.accepts(&http, Fill::Few, 2000).await;
    }
}

/// So many that what every response may take is not enough.
#[tokio::test]
async fn long_pages_of_full_messages_are_accepted() {
    let list = List::all().remove(0);
    let count = 40 * 1024 * 1024 / list.message.size;
    list.accepts(&http(), Fill::All, count).await;
}

#[tokio::test]
async fn more_memory_than_a_response_is_worth_is_not_taken() {
    let http = http();
    // A megabyte.
    let elements = vec!["{}"; 350_000].join(",");
    for list in List::largest() {
        let error = list.call(&http, &elements).await.unwrap_err();
        let name = list.message.name;
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{name}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    }
}
